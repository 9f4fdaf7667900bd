//! The structure of one rank's part of the oct-tree, grown top-down from sorted keys.
//!
//! A rank owns an interval of keys. The largest cells inside the interval that hold bodies are its
//! *branches*. A cell below them is split if it has more than `leaf_size` bodies and is not at the
//! deepest level.
//!
//! Invariants, checked by [`Structure::assert_well_formed`]: branches and leaves partition the
//! bodies in key order; the children of a tile come after it.
//!
//! The cells do not depend on the ends of the interval, if no end lies inside a cell of at most
//! `leaf_size` bodies.

use crate::{
    Key,
    tree::index,
    tree::tile::{EMPTY, LEAF},
};
use rayon::prelude::*;
use std::iter::Peekable;
use std::ops::Range;

/// The cells of one rank.
#[derive(Clone, Debug)]
pub struct Structure {
    /// The largest cells inside the rank's interval, in key order.
    pub branches: Vec<Cell>,
    /// The split cells: one tile of children for each.
    pub tiles: Vec<Split>,
    /// Generation `g` is the range `generations[g]` of tiles. Their children are in generation
    /// `g + 1`.
    pub generations: Vec<Range<usize>>,
}

/// A cell that holds bodies.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Key of the cell.
    pub key: Key,
    /// Range of its bodies, in key order.
    pub bodies: Range<u32>,
    /// The tile of its children, or [`LEAF`].
    pub child: u32,
}

/// A split cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Key of the cell.
    pub key: Key,
    /// Octant k holds the bodies from `bounds[k]` to `bounds[k + 1]`.
    pub bounds: [u32; 9],
    /// For each octant the tile of its children, or [`EMPTY`] or [`LEAF`].
    pub child: [u32; 8],
}

impl Split {
    /// The child in an octant; `None` if it holds no bodies.
    pub fn cell(&self, octant: usize) -> Option<Cell> {
        let bodies = self.bounds[octant]..self.bounds[octant + 1];
        (!bodies.is_empty()).then(|| Cell { key: self.key.child(octant), bodies, child: self.child[octant] })
    }

    /// The children that hold bodies, in octant order.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        (0..8).filter_map(|octant| self.cell(octant))
    }
}

/// Grows the tree over bodies with these sorted curve indices ([`Key::curve`]), all inside
/// `interval`.
///
/// # Panics
/// If there are more bodies or tiles than 32-bit indices can number.
pub fn grow(keys: &[u64], interval: &Range<u64>, leaf_size: usize) -> Structure {
    let splits = |cell: &Cell| cell.bodies.len() > leaf_size && cell.key.level() < Key::MAX_LEVEL;
    let mut branches = Vec::new();
    cover(Key::ROOT, 0..index::body(keys.len()), keys, interval, &mut branches);
    let mut structure = Structure { branches, tiles: Vec::new(), generations: Vec::new() };

    let mut generation: Vec<Cell> = Vec::new();
    for branch in structure.branches.iter_mut().filter(|branch| splits(branch)) {
        branch.child = index::tile(generation.len());
        generation.push(branch.clone());
    }
    while !generation.is_empty() {
        let start = structure.tiles.len();
        let end = start + generation.len();
        let mut tiles: Vec<Split> =
            generation.par_iter().with_min_len(64).map(|cell| split(cell, keys)).collect();
        generation.clear();
        for tile in &mut tiles {
            for octant in 0..8 {
                tile.child[octant] = match tile.cell(octant) {
                    None => EMPTY,
                    Some(cell) if splits(&cell) => {
                        generation.push(cell);
                        index::tile(end + generation.len() - 1)
                    }
                    Some(_) => LEAF,
                }
            }
        }
        structure.tiles.append(&mut tiles);
        structure.generations.push(start..end);
    }
    structure
}

/// Finds the largest cells inside `interval` that hold bodies.
fn cover(key: Key, bodies: Range<u32>, keys: &[u64], interval: &Range<u64>, branches: &mut Vec<Cell>) {
    if bodies.is_empty() {
        return;
    }
    let range = key.curve();
    if interval.start <= range.start && range.end <= interval.end {
        branches.push(Cell { key, bodies, child: LEAF });
        return;
    }
    let parent = split(&Cell { key, bodies, child: EMPTY }, keys);
    for child in parent.cells() {
        cover(child.key, child.bodies, keys, interval, branches);
    }
}

fn split(cell: &Cell, keys: &[u64]) -> Split {
    let mine = &keys[cell.bodies.start as usize..cell.bodies.end as usize];
    let mut bounds = [cell.bodies.end; 9];
    bounds[0] = cell.bodies.start;
    for octant in 1..8 {
        let first = cell.key.child(octant).curve().start;
        let rest = &mine[(bounds[octant - 1] - cell.bodies.start) as usize..];
        bounds[octant] = bounds[octant - 1] + rest.partition_point(|key| *key < first) as u32;
    }
    Split { key: cell.key, bounds, child: [EMPTY; 8] }
}

impl Structure {
    /// The topmost cells for which `stop` is true, in key order.
    ///
    /// # Panics
    /// If `stop` is false for a leaf.
    pub fn cells(&self, stop: impl Fn(&Cell) -> bool + Copy) -> Vec<Cell> {
        let mut found = Vec::new();
        let mut stack: Vec<Cell> = self.branches.iter().rev().cloned().collect();
        while let Some(cell) = stack.pop() {
            if stop(&cell) {
                found.push(cell);
            } else {
                assert!(cell.child != LEAF, "a leaf must stop the search");
                let tile = &self.tiles[cell.child as usize];
                stack.extend((0..8).rev().filter_map(|octant| tile.cell(octant)));
            }
        }
        found
    }

    /// The topmost cells that have at most `size` bodies or are leaves.
    pub fn cells_up_to(&self, size: usize) -> Vec<Cell> {
        self.cells(|cell| cell.bodies.len() <= size || cell.child == LEAF)
    }

    /// The leaves, in key order.
    pub fn leaves(&self) -> Vec<Cell> {
        self.cells(|cell| cell.child == LEAF)
    }

    /// Computes values upward. The value of a leaf comes from its bodies, the value of a split cell
    /// from those of its children in octant order. `merge` also fills the entry of `out` of the
    /// split cell. Returns the values of the branches.
    pub fn fold<T: Clone + Send + Sync, O: Send>(
        &self,
        out: &mut [O],
        leaf: impl Fn(&Cell) -> T + Sync,
        merge: impl Fn(&Split, &[(Cell, &T)], &mut O) -> T + Sync,
    ) -> Vec<T> {
        let (mut below, mut first): (Vec<T>, usize) = (Vec::new(), self.tiles.len());
        for generation in self.generations.iter().rev() {
            below = self.tiles[generation.clone()]
                .par_iter()
                .zip(&mut out[generation.clone()])
                .with_min_len(8)
                .map(|(tile, out)| {
                    let leaves: [Option<T>; 8] = std::array::from_fn(|octant| {
                        tile.cell(octant).filter(|cell| cell.child == LEAF).map(|cell| leaf(&cell))
                    });
                    let value = |cell: Cell| match &leaves[cell.key.octant()] {
                        Some(value) => (cell, value),
                        None => {
                            let at = cell.child as usize - first;
                            (cell, &below[at])
                        }
                    };
                    merge(tile, &tile.cells().map(value).collect::<Vec<_>>(), out)
                })
                .collect();
            first = generation.start;
        }
        let value = |branch: &Cell| match branch.child {
            LEAF => leaf(branch),
            child => below[child as usize - first].clone(),
        };
        self.branches.iter().map(value).collect()
    }

    /// Checks the invariants for `n` bodies.
    ///
    /// # Panics
    /// If an invariant does not hold.
    pub fn assert_well_formed(&self, n: usize, leaf_size: usize) {
        let leaves = self.leaves();
        for cells in [&self.branches, &leaves] {
            let mut end = 0;
            for cell in cells {
                assert_eq!(cell.bodies.start, end, "cells leave no gap");
                assert!(!cell.bodies.is_empty(), "a cell holds bodies");
                end = cell.bodies.end;
            }
            assert_eq!(end as usize, n, "cells hold all bodies");
        }
        for (index, tile) in self.tiles.iter().enumerate() {
            assert!((tile.bounds[8] - tile.bounds[0]) as usize > leaf_size, "only full cells are split");
            for cell in tile.cells() {
                assert!(tile.key.contains(cell.key));
                assert!(
                    cell.child == LEAF
                        || (cell.child as usize > index && cell.child as usize <= self.tiles.len())
                );
            }
        }
        for leaf in &leaves {
            assert!(
                leaf.bodies.len() <= leaf_size || leaf.key.level() == Key::MAX_LEVEL,
                "a leaf is small or deepest"
            );
        }
    }
}

/// Computes values upward, from cells of which none lies inside another, to the largest cells
/// inside an interval of keys. `merge` receives a cell and its children's octants and values, in
/// octant order. Returns the largest cells, in key order, with their values.
///
/// # Panics
/// If a cell lies outside the interval.
pub fn fold_inside<T>(
    mut cells: Vec<(Key, T)>,
    interval: &Range<u64>,
    merge: &mut impl FnMut(Key, &[(usize, T)]) -> T,
) -> Vec<(Key, T)> {
    cells.sort_unstable_by_key(|(key, _)| key.curve().start);
    let (mut cells, mut found) = (cells.into_iter().peekable(), Vec::new());
    while let Some((first, _)) = cells.peek() {
        let inside = |key: &Key| interval.start <= key.curve().start && key.curve().end <= interval.end;
        let largest = (0..=first.level()).map(|level| first.ancestor(level)).find(inside);
        let largest = largest.expect("the interval holds all cells");
        found.push((largest, fold_below(largest, &mut cells, merge)));
    }
    found
}

/// The value of a cell, from the cells inside it, which come next.
fn fold_below<T>(
    cell: Key,
    cells: &mut Peekable<impl Iterator<Item = (Key, T)>>,
    merge: &mut impl FnMut(Key, &[(usize, T)]) -> T,
) -> T {
    if let Some((_, value)) = cells.next_if(|(key, _)| *key == cell) {
        return value;
    }
    let mut children = Vec::new();
    while let Some((key, _)) = cells.peek().filter(|(key, _)| cell.contains(*key)) {
        let octant = key.octant_at(cell.level());
        children.push((octant, fold_below(cell.child(octant), cells, merge)));
    }
    merge(cell, &children)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EVERYTHING: Range<u64> = Key::CURVE;

    fn keys(places: &[[u32; 3]]) -> Vec<u64> {
        let mut keys: Vec<u64> = places.iter().map(|place| Key::from_place(*place).curve().start).collect();
        keys.sort_unstable();
        keys
    }

    proptest! {
        #[test]
        fn every_tree_is_well_formed(
            places in prop::collection::vec(prop::array::uniform3(0u32..64), 0..300),
            scale in 0u32..16,
            leaf_size in 1usize..20,
        ) {
            let keys = keys(&places.iter().map(|p| p.map(|x| x << scale)).collect::<Vec<_>>());
            let structure = grow(&keys, &EVERYTHING, leaf_size);
            structure.assert_well_formed(keys.len(), leaf_size);
            let mut nothing = vec![(); structure.tiles.len()];
            let count = structure.fold(
                &mut nothing,
                |leaf| leaf.bodies.len(),
                |_, children, ()| children.iter().map(|child| child.1).sum(),
            );
            prop_assert_eq!(count.into_iter().sum::<usize>(), keys.len());
        }

        /// A cut of the curve between two cells that have too many bodies for a leaf changes no
        /// cell.
        #[test]
        fn a_cut_between_full_cells_changes_no_leaf(
            places in prop::collection::vec(prop::array::uniform3(0u32..32), 50..300),
            leaf_size in 1usize..8,
            at in 0usize..1000,
        ) {
            let keys = keys(&places.iter().map(|p| p.map(|x| x << 16)).collect::<Vec<_>>());
            let whole = grow(&keys, &EVERYTHING, leaf_size);
            let all = whole.leaves();
            let cut = &all[at % all.len()];
            let (left, right) = keys.split_at(cut.bodies.start as usize);
            let at = cut.key.curve().start;
            let mut leaves: Vec<Key> = Vec::new();
            for (keys, interval) in [(left, 0..at), (right, at..Key::END)] {
                let part = grow(keys, &interval, leaf_size);
                part.assert_well_formed(keys.len(), leaf_size);
                leaves.extend(part.leaves().iter().map(|leaf| leaf.key));
            }
            prop_assert_eq!(leaves, all.iter().map(|leaf| leaf.key).collect::<Vec<_>>());
        }
    }

    #[test]
    fn odd_bodies_give_well_formed_trees() {
        let line: Vec<_> = (0..100).map(|i| [i * 1000, 0, 0]).collect();
        let deepest: Vec<_> = (0..30).map(|i| [i % 2, 0, i % 3]).collect();
        for places in [vec![], vec![[1, 2, 3]], vec![[0; 3], [2097151; 3]], vec![[7; 3]; 50], line, deepest] {
            let keys = keys(&places);
            for leaf_size in [1, 4, 64] {
                grow(&keys, &EVERYTHING, leaf_size).assert_well_formed(keys.len(), leaf_size);
            }
        }
    }

    #[test]
    fn values_merge_in_octant_order_up_to_the_largest_cells_inside() {
        let cell = |octants: &[usize]| octants.iter().fold(Key::ROOT, |key, octant| key.child(*octant));
        let cells =
            || vec![(cell(&[2]), "c".to_owned()), (cell(&[0, 7]), "b".into()), (cell(&[0, 3]), "a".into())];
        let mut merge = |_, children: &[(usize, String)]| {
            format!("({})", children.iter().map(|(octant, v)| format!("{octant}{v}")).collect::<String>())
        };
        let all = fold_inside(cells(), &EVERYTHING, &mut merge);
        assert_eq!(all, [(Key::ROOT, "(0(3a7b)2c)".to_owned())]);
        let some = fold_inside(cells(), &(0..cell(&[2]).curve().end), &mut merge);
        assert_eq!(some, [(cell(&[0]), "(3a7b)".to_owned()), (cell(&[2]), "c".to_owned())]);
        let none = fold_inside(cells(), &(cell(&[0, 3]).curve().start..cell(&[2]).curve().end), &mut merge);
        assert_eq!(none.into_iter().map(|(_, value)| value).collect::<String>(), "abc");
    }
}
