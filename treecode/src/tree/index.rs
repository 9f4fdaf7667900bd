//! Checks that indices fit 32 bits. The checks are made where an index is created. A rank with too
//! many bodies or cells stops with a message and does not compute on wrapped indices.

use crate::Error;
use crate::kernel::simd::LANES;

/// Upper limit of the number of bodies on one rank, those received from other ranks included. A few
/// values above it are markers, not bodies.
const BODIES: usize = u32::MAX as usize - LANES;
/// Upper limit of the number of tiles on one rank: lists pack `tile << 3 | lane` into 32 bits.
const TILES: usize = 1 << 29;

/// Whether one rank can hold this number of bodies.
pub(crate) fn check_bodies(found: usize) -> Result<(), Error> {
    let most = BODIES;
    if found > most { Err(Error::TooMany { what: "bodies", found, most }) } else { Ok(()) }
}

/// Whether one rank can hold this number of tiles.
pub(crate) fn check_tiles(found: usize) -> Result<(), Error> {
    let most = TILES;
    if found > most { Err(Error::TooMany { what: "tiles of eight cells", found, most }) } else { Ok(()) }
}

/// Checks and converts the index of a body, or a number of bodies.
#[inline]
pub(crate) fn body(index: usize) -> u32 {
    assert!(index < BODIES, "more than 2^32 bodies on one rank; take more ranks");
    index as u32
}

/// Checks and converts the index of a tile.
#[inline]
pub(crate) fn tile(index: usize) -> u32 {
    assert!(index < TILES, "more than 2^29 tiles of cells on one rank; take more ranks");
    index as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_indices_fit_their_lists() {
        let last = tile(TILES - 1);
        assert_eq!((last << 3 | 7) >> 3, last);
        assert_eq!(body(BODIES - 1), u32::MAX - 9);
    }

    #[test]
    #[should_panic(expected = "2^29 tiles")]
    fn a_tile_too_many_is_refused() {
        tile(TILES);
    }

    #[test]
    #[should_panic(expected = "2^32 bodies")]
    fn a_body_too_many_is_refused() {
        body(BODIES);
    }
}
