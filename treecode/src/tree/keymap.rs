//! The hash table of the hashed oct-tree (Warren & Salmon 1993). It maps the key of a cell to the
//! tile of its children.

use crate::Key;

/// An open-addressing table with linear probing, at most half full. Zero marks a free slot; it is
/// not a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyMap {
    slots: Vec<(u64, u32)>,
    len: usize,
}

impl KeyMap {
    pub(crate) fn with_capacity(cells: usize) -> KeyMap {
        KeyMap { slots: vec![(0, 0); (2 * cells + 1).next_power_of_two()], len: 0 }
    }

    pub(crate) fn insert(&mut self, key: Key, tile: u32) {
        if 2 * (self.len + 1) > self.slots.len() {
            let mut larger = KeyMap::with_capacity(2 * (self.len + 1));
            for &(bits, tile) in self.slots.iter().filter(|slot| slot.0 != 0) {
                larger.put(bits, tile);
            }
            *self = larger;
        }
        self.put(key.bits(), tile);
    }

    pub(crate) fn get(&self, key: Key) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (bits, tile) = self.slots[self.slot(key.bits())];
        (bits != 0).then_some(tile)
    }

    fn put(&mut self, bits: u64, tile: u32) {
        let slot = self.slot(bits);
        self.len += usize::from(self.slots[slot].0 == 0);
        self.slots[slot] = (bits, tile);
    }

    /// The slot that holds `bits`, or the free slot for them. Multiplicative hashing (Knuth, vol.
    /// 3, 6.4).
    fn slot(&self, bits: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[slot].0 != 0 && self.slots[slot].0 != bits {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let mut map = KeyMap::default();
        let mut want = BTreeMap::new();
        for i in 0..5000u32 {
            let key = Key::from_place([i * 401 % 2097152, i * 77, i % 3]).ancestor(i % 22);
            map.insert(key, i);
            want.insert(key, i);
        }
        assert!(want.iter().all(|(key, tile)| map.get(*key) == Some(*tile)));
        assert_eq!(map.len, want.len());
        assert_eq!(map.get(Key::from_place([5, 5, 2000])), None);
    }
}
