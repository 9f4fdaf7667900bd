//! Regions that stand for the sinks of a rank. Other ranks test their cells against them, to find
//! those that the sinks may need.

use crate::kernel::simd::{LANES, Lanes};
use crate::walk::cell_opening::{SinkBox, SinkRegion};
use crate::walk::opening::{Opening, Region};
use crate::{Expansion, tree::tile::Tile};

/// Regions that together hold all sinks of a rank.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Regions {
    /// Regions of sink groups, for the tree walk.
    Groups(Vec<Region>),
    /// Regions of sink cells, for the fmm walk. Each large cell has its own region; small cells
    /// share one.
    Cells(Vec<SinkRegion>),
}

/// How much of a region another rank needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Nothing,
    /// The region. Of a region around others, only its box.
    Whole,
    /// The regions inside it.
    Parts,
}

impl Regions {
    /// Appends the regions to a message.
    pub(crate) fn write(&self, message: &mut Vec<u8>) {
        match self {
            Regions::Groups(regions) => regions.iter().for_each(|region| region.write(message)),
            Regions::Cells(regions) => regions.iter().for_each(|region| region.write(message)),
        }
    }

    /// Reads the regions of another rank from its message. They are of the same kind as these.
    pub(crate) fn read(&self, mut message: &[u8]) -> Regions {
        fn all<T>(message: &mut &[u8], read: impl Fn(&mut &[u8]) -> T) -> Vec<T> {
            std::iter::from_fn(|| (!message.is_empty()).then(|| read(message))).collect()
        }
        match self {
            Regions::Groups(_) => Regions::Groups(all(&mut message, Region::read)),
            Regions::Cells(_) => Regions::Cells(all(&mut message, SinkRegion::read)),
        }
    }

    /// The box of a region around others, and the number of regions inside, which follow it.
    #[inline(always)]
    pub(crate) fn around(&self, at: usize) -> Option<(&SinkBox, usize)> {
        match self {
            Regions::Cells(regions) => match &regions[at] {
                SinkRegion::Around(sinks, inside) => Some((sinks, *inside as usize)),
                _ => None,
            },
            Regions::Groups(_) => None,
        }
    }

    /// Whether a region is one sink cell without those below. The following regions inside the same
    /// box are then below this cell.
    pub(crate) fn is_one_cell(&self, at: usize) -> bool {
        matches!(self, Regions::Cells(regions) if matches!(regions[at], SinkRegion::Alone(_)))
    }

    /// The cells of a tile inside which this region, or any region inside it, may open a cell.
    /// `radius` bounds the radii of the cells inside.
    #[inline(always)]
    pub(crate) fn may_open_inside<L: Lanes, E: Expansion>(
        &self,
        opening: &Opening,
        tile: &Tile<E>,
        radius: &[f32; LANES],
        at: usize,
    ) -> u8 {
        match self {
            Regions::Cells(regions) => opening.may_open_inside::<L, E>(tile, radius, &regions[at]),
            Regions::Groups(_) => unreachable!("sink groups inherit nothing"),
        }
    }

    /// The regions that are wanted, in the same order. A region around others is dropped with the
    /// last of these.
    pub(crate) fn only(&self, wanted: &[Wanted]) -> Regions {
        match self {
            Regions::Groups(all) => {
                let kept = all.iter().zip(wanted).filter(|(_, wanted)| **wanted != Wanted::Nothing);
                Regions::Groups(kept.map(|(region, _)| *region).collect())
            }
            Regions::Cells(all) => {
                let mut kept = Vec::new();
                keep(all, wanted, &mut kept);
                Regions::Cells(kept)
            }
        }
    }

    /// The number of regions.
    pub(crate) fn len(&self) -> usize {
        match self {
            Regions::Groups(regions) => regions.len(),
            Regions::Cells(regions) => regions.len(),
        }
    }
}

fn keep(mut regions: &[SinkRegion], mut wanted: &[Wanted], kept: &mut Vec<SinkRegion>) {
    while let (Some(region), Some(first)) = (regions.first(), wanted.first()) {
        let mut inside = 0;
        match (region, first) {
            (SinkRegion::Around(sinks, count), wanted_of_it) => {
                inside = *count as usize;
                let start = kept.len();
                match wanted_of_it {
                    Wanted::Nothing => {}
                    Wanted::Whole => kept.push(SinkRegion::Below(*sinks)),
                    Wanted::Parts => {
                        kept.push(*region);
                        keep(&regions[1..=inside], &wanted[1..=inside], kept);
                        match kept.len() - start - 1 {
                            0 => kept.truncate(start),
                            inside => kept[start] = SinkRegion::Around(*sinks, inside as u32),
                        }
                    }
                }
            }
            (_, Wanted::Nothing) => {}
            _ => kept.push(*region),
        }
        (regions, wanted) = (&regions[inside + 1..], &wanted[inside + 1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bounds;

    fn sinks(name: u8) -> SinkBox {
        let bounds = Bounds { lo: [0.0; 3], hi: [1.0; 3] };
        SinkBox { bounds, leaf: 0.0, any: f32::from(name), error: 0.0, reach: 0.0, softening: 0.0 }
    }

    #[test]
    fn regions_around_nothing_wanted_go() {
        let around = |name, inside| SinkRegion::Around(sinks(name), inside);
        let below = |name| SinkRegion::Below(sinks(name));
        let all = Regions::Cells(vec![
            around(0, 5),
            around(1, 2),
            below(2),
            below(3),
            around(4, 1),
            below(5),
            below(6),
        ]);
        let only = |wanted: [usize; 7]| {
            all.only(&wanted.map(|wanted| [Wanted::Nothing, Wanted::Whole, Wanted::Parts][wanted]))
        };
        assert_eq!(only([2, 2, 1, 1, 2, 1, 1]), all);
        assert_eq!(
            only([2, 2, 0, 1, 2, 0, 1]),
            Regions::Cells(vec![around(0, 2), around(1, 1), below(3), below(6)])
        );
        assert_eq!(only([2, 2, 0, 0, 0, 1, 0]), Regions::Cells(Vec::new()));
        assert_eq!(only([2, 0, 1, 1, 2, 1, 0]), Regions::Cells(vec![around(0, 2), around(4, 1), below(5)]));
        assert_eq!(only([2, 1, 1, 1, 0, 0, 1]), Regions::Cells(vec![around(0, 1), below(1), below(6)]));
    }
}
