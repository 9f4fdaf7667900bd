//! Morton keys with a placeholder bit (Warren & Salmon 1993). The key of a cell encodes its level
//! and its place.
//!
//! Invariant: the highest bit set is bit `3 * level`. The bits below it are `level` octants,
//! coarsest first. An octant has one bit for each axis, `x << 2 | y << 1 | z`. On one level, the
//! order of keys is the order along the space-filling curve.
//!
//! Bodies are sorted by their *curve index*: the number of their deepest cell along the curve, from
//! 0 to [`Key::END`] exclusive. It is the key at [`Key::MAX_LEVEL`] without the placeholder bit, so
//! it has 63 bits. The end of every interval, also of the last one, therefore fits 64 bits.

use std::{fmt, num::NonZeroU64, ops::Range};

/// The name of a cell. It is the same on every rank.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Key(NonZeroU64);

impl Key {
    /// The deepest level: 21 octants of 3 bits and the placeholder bit fill 64 bits.
    pub const MAX_LEVEL: u32 = 21;
    /// The placeholder bit of a deepest cell.
    const PLACEHOLDER: NonZeroU64 = NonZeroU64::new(Self::END).unwrap();
    /// The key of the whole cube.
    pub const ROOT: Key = Key(NonZeroU64::MIN);
    /// The number of deepest cells: one more than the last curve index.
    pub const END: u64 = 1 << (3 * Self::MAX_LEVEL);
    /// The curve indices of all deepest cells.
    pub const CURVE: Range<u64> = 0..Self::END;

    /// The key with these bits. `None` unless they are a placeholder bit followed by whole octants.
    pub fn from_bits(bits: u64) -> Option<Key> {
        let bits = NonZeroU64::new(bits)?;
        (63 - bits.leading_zeros()).is_multiple_of(3).then_some(Key(bits))
    }

    /// The bits of the key, with the placeholder bit.
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// The deepest cell at the integer place `[x, y, z]`, counted in deepest cells from the corner.
    /// Each coordinate must be below 2^21.
    #[inline]
    pub fn from_place(place: [u32; 3]) -> Key {
        debug_assert!(place.iter().all(|place| place >> Self::MAX_LEVEL == 0));
        // The table spreads the bits of seven levels at a time.
        let octants = |shift: u32| {
            let [x, y, z] = place.map(|place| SPREAD[(place >> shift) as usize % SPREAD.len()]);
            x << 2 | y << 1 | z
        };
        let bits = 1 << (3 * Self::MAX_LEVEL) | octants(14) << 42 | octants(7) << 21 | octants(0);
        Key(NonZeroU64::new(bits).expect("the placeholder bit is set"))
    }

    /// The deepest cell with this curve index.
    ///
    /// # Panics
    /// If the index is not below [`Key::END`].
    pub fn from_curve(index: u64) -> Key {
        assert!(index < Self::END, "the curve has no index {index:#x}");
        Key(Self::PLACEHOLDER | index)
    }

    /// Integer place of the cell's lowest corner, in units of the cell's own side.
    pub fn place(self) -> [u32; 3] {
        let octants = self.bits() ^ 1 << (3 * self.level());
        [octants >> 2, octants >> 1, octants].map(gather)
    }

    /// Depth below the root, from 0 to [`Key::MAX_LEVEL`].
    pub const fn level(self) -> u32 {
        (63 - self.0.leading_zeros()) / 3
    }

    /// The cell above; `None` for the root.
    pub fn parent(self) -> Option<Key> {
        NonZeroU64::new(self.bits() >> 3).map(Key)
    }

    /// The ancestor at `level`.
    ///
    /// # Panics
    /// If `level` is deeper than the level of this cell.
    pub fn ancestor(self, level: u32) -> Key {
        assert!(level <= self.level(), "{self:?} has no ancestor at level {level}");
        Key(NonZeroU64::new(self.bits() >> (3 * (self.level() - level))).expect("the placeholder bit stays"))
    }

    /// The child in `octant` (0 to 7). The cell must not be at the deepest level.
    pub fn child(self, octant: usize) -> Key {
        debug_assert!(octant < 8 && self.level() < Self::MAX_LEVEL);
        Key(self.0.saturating_mul(NonZeroU64::MIN.saturating_add(7)) | octant as u64)
    }

    /// The octant of this cell in its parent (0 to 7; 0 for the root).
    pub const fn octant(self) -> usize {
        if self.bits() == 1 { 0 } else { (self.bits() & 7) as usize }
    }

    /// The octant, in its parent, of the ancestor of this cell at `level + 1`.
    ///
    /// # Panics
    /// If `level` is not above the level of this cell.
    pub fn octant_at(self, level: u32) -> usize {
        self.ancestor(level + 1).octant()
    }

    /// The curve index of a cell at [`Key::MAX_LEVEL`].
    #[inline]
    pub(crate) const fn index(self) -> u64 {
        debug_assert!(self.level() == Self::MAX_LEVEL);
        self.bits() ^ Self::END
    }

    /// The curve indices of the deepest cells inside this cell.
    pub const fn curve(self) -> Range<u64> {
        let level = self.level();
        let (octants, shift) = (self.bits() ^ 1 << (3 * level), 3 * (Self::MAX_LEVEL - level));
        octants << shift..(octants + 1) << shift
    }

    /// Whether `other` is this cell or lies below it.
    pub fn contains(self, other: Key) -> bool {
        other.level() >= self.level() && other.ancestor(self.level()) == self
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}:{:o})", self.level(), self.bits())
    }
}

/// The numbers from 0 to 127 with two zero bits before each bit.
static SPREAD: [u64; 128] = {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        let mut bit = 0;
        while bit < 7 {
            table[i] |= (i as u64 >> bit & 1) << (3 * bit);
            bit += 1;
        }
        i += 1;
    }
    table
};

/// Packs every third bit.
fn gather(bits: u64) -> u32 {
    let mut x = bits & 0x1249_2492_4924_9249;
    x = (x | x >> 2) & 0x10c3_0c30_c30c_30c3;
    x = (x | x >> 4) & 0x100f_00f0_0f00_f00f;
    x = (x | x >> 8) & 0x001f_0000_ff00_00ff;
    x = (x | x >> 16) & 0x001f_0000_0000_ffff;
    (x | x >> 32) as u32 & 0x001f_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_cell() -> impl Strategy<Value = Key> {
        (0u32..=Key::MAX_LEVEL, prop::array::uniform3(0u32..1 << Key::MAX_LEVEL))
            .prop_map(|(level, place)| Key::from_place(place).ancestor(level))
    }

    proptest! {
        #[test]
        fn child_and_parent_are_inverse(key in any_cell(), octant in 0usize..8) {
            prop_assume!(key.level() < Key::MAX_LEVEL);
            let child = key.child(octant);
            prop_assert_eq!(child.parent(), Some(key));
            prop_assert_eq!(child.octant(), octant);
            prop_assert_eq!(child.level(), key.level() + 1);
            prop_assert!(key.contains(child) && !child.contains(key));
        }

        #[test]
        fn place_is_the_inverse_of_from_place(place in prop::array::uniform3(0u32..1 << Key::MAX_LEVEL)) {
            prop_assert_eq!(Key::from_place(place).place(), place);
        }

        #[test]
        fn children_partition_the_range_of_their_parent(key in any_cell()) {
            prop_assume!(key.level() < Key::MAX_LEVEL);
            let mut end = key.curve().start;
            for octant in 0..8 {
                let range = key.child(octant).curve();
                prop_assert_eq!(range.start, end);
                end = range.end;
            }
            prop_assert_eq!(end, key.curve().end);
        }

        #[test]
        fn order_of_bodies_is_order_of_the_curve(a in any_cell(), b in any_cell()) {
            prop_assume!(!a.contains(b) && !b.contains(a));
            let (a, b) = (a.curve(), b.curve());
            prop_assert!(a.end <= b.start || b.end <= a.start);
        }
    }

    #[test]
    fn bits_that_are_no_key_are_refused() {
        assert_eq!(Key::from_bits(0), None);
        assert_eq!(Key::from_bits(2), None);
        assert_eq!(Key::from_bits(1), Some(Key::ROOT));
    }
    #[test]
    fn the_first_and_the_last_deepest_cell_of_each_level_lie_inside_it() {
        assert_eq!(Key::ROOT.curve(), Key::CURVE);
        let last = (1 << Key::MAX_LEVEL) - 1;
        for (place, index) in [(0, 0), (last, Key::END - 1)] {
            let deepest = Key::from_place([place; 3]);
            assert_eq!((deepest.curve(), Key::from_curve(index)), (index..index + 1, deepest));
            for level in 0..=Key::MAX_LEVEL {
                let cell = deepest.ancestor(level).curve();
                assert!(cell.contains(&index), "level {level}: {cell:?}");
                assert!(
                    if place == 0 { cell.start == 0 } else { cell.end == Key::END },
                    "level {level}: {cell:?}"
                );
            }
        }
    }
}
