//! Where the sinks of a rank are, as other ranks must know it to find out which of their cells those sinks can need.

use crate::dual::SinkRegion;
use crate::opening::Region;

/// Regions that together hold all sinks of a rank.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    /// Of sink groups, for the tree walk.
    Groups(Vec<Region>),
    /// Of sink cells, for the fmm walk: the larger ones each by itself, the smaller ones together.
    Cells(Vec<SinkRegion>),
}

impl Regions {
    /// Appends the regions to a message.
    pub fn write(&self, message: &mut Vec<u8>) {
        match self {
            Regions::Groups(regions) => regions.iter().for_each(|region| region.write(message)),
            Regions::Cells(regions) => regions.iter().for_each(|region| region.write(message)),
        }
    }

    /// Regions of the same kind from the message of another rank.
    pub fn read(&self, mut message: &[u8]) -> Regions {
        fn all<T>(message: &mut &[u8], read: impl Fn(&mut &[u8]) -> T) -> Vec<T> {
            std::iter::from_fn(|| (!message.is_empty()).then(|| read(message))).collect()
        }
        match self {
            Regions::Groups(_) => Regions::Groups(all(&mut message, Region::read)),
            Regions::Cells(_) => Regions::Cells(all(&mut message, SinkRegion::read)),
        }
    }

    /// The number of regions that follow one and lie in it, if it is around others.
    #[inline(always)]
    pub(crate) fn inside(&self, at: usize) -> Option<usize> {
        match self {
            Regions::Cells(regions) => match regions[at] {
                SinkRegion::Around(_, inside) => Some(inside as usize),
                _ => None,
            },
            Regions::Groups(_) => None,
        }
    }

    /// The regions wanted, in their order; one around others goes with the last of them.
    pub(crate) fn only(&self, wanted: &[bool]) -> Regions {
        match self {
            Regions::Groups(all) => {
                let kept = all.iter().zip(wanted).filter(|(_, wanted)| **wanted);
                Regions::Groups(kept.map(|(region, _)| *region).collect())
            }
            Regions::Cells(all) => {
                let mut kept = Vec::new();
                keep(all, wanted, &mut kept);
                Regions::Cells(kept)
            }
        }
    }

    /// Number of regions.
    pub(crate) fn len(&self) -> usize {
        match self {
            Regions::Groups(regions) => regions.len(),
            Regions::Cells(regions) => regions.len(),
        }
    }
}

fn keep(mut regions: &[SinkRegion], mut wanted: &[bool], kept: &mut Vec<SinkRegion>) {
    while let (Some(region), Some(is_wanted)) = (regions.first(), wanted.first()) {
        let inside = if let SinkRegion::Around(_, inside) = region { *inside as usize } else { 0 };
        let start = kept.len();
        if *is_wanted {
            kept.push(*region);
            keep(&regions[1..=inside], &wanted[1..=inside], kept);
        }
        if *is_wanted && let SinkRegion::Around(sinks, _) = region {
            match kept.len() - start - 1 {
                0 => kept.truncate(start),
                inside => kept[start] = SinkRegion::Around(*sinks, inside as u32),
            }
        }
        (regions, wanted) = (&regions[inside + 1..], &wanted[inside + 1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dual::SinkBox;

    fn sinks(name: u8) -> SinkBox {
        SinkBox { lo: [0.0; 3], hi: [1.0; 3], leaf: 0.0, any: f32::from(name), error: 0.0, reach: 0.0 }
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
        let only = |wanted: [u8; 7]| all.only(&wanted.map(|wanted| wanted == 1));
        assert_eq!(only([1; 7]), all);
        assert_eq!(
            only([1, 1, 0, 1, 1, 0, 1]),
            Regions::Cells(vec![around(0, 2), around(1, 1), below(3), below(6)])
        );
        assert_eq!(only([1, 1, 0, 0, 0, 1, 0]), Regions::Cells(Vec::new()));
        assert_eq!(only([1, 0, 0, 0, 1, 1, 0]), Regions::Cells(vec![around(0, 2), around(4, 1), below(5)]));
    }
}
