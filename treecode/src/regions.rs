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

    /// Number of regions.
    pub(crate) fn len(&self) -> usize {
        match self {
            Regions::Groups(regions) => regions.len(),
            Regions::Cells(regions) => regions.len(),
        }
    }
}
