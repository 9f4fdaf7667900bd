//! Parallel work on disjoint parts of arrays. One task writes each part.

use std::ops::Range;

/// Arrays that can be cut in two, such as a mutable slice.
pub(crate) trait Cut: Send + Sized {
    /// Cuts before entry `at`.
    fn cut(self, at: usize) -> (Self, Self);
}

impl<T: Send> Cut for &mut [T] {
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

impl<C: Cut, const N: usize> Cut for [C; N] {
    fn cut(self, at: usize) -> (Self, Self) {
        let mut halves = self.map(|slice| {
            let (a, b) = slice.cut(at);
            (Some(a), Some(b))
        });
        let mut take = |first: bool| {
            std::array::from_fn(|k| {
                if first { halves[k].0.take() } else { halves[k].1.take() }.expect("taken once")
            })
        };
        (take(true), take(false))
    }
}

impl<A: Cut, B: Cut, C: Cut> Cut for (A, B, C) {
    fn cut(self, at: usize) -> (Self, Self) {
        let ((a, x), (b, y), (c, z)) = (self.0.cut(at), self.1.cut(at), self.2.cut(at));
        ((a, b, c), (x, y, z))
    }
}

/// Calls `work(part, entries of the part)` for each part, in parallel, and joins the results in the
/// order of the parts. The ranges of the parts must be ascending and disjoint. `base` is the index
/// of the first entry of `out`.
pub(crate) fn for_each_part<P: Sync, C: Cut, R: Send + Default>(
    parts: &[P],
    range: &(impl Fn(&P) -> Range<usize> + Sync),
    base: usize,
    out: C,
    work: &(impl Fn(&P, C) -> R + Sync),
    join: &(impl Fn(R, R) -> R + Sync),
) -> R {
    match parts {
        [] => R::default(),
        [part] => {
            let Range { start, end } = range(part);
            let (out, _) = out.cut(end - base);
            work(part, out.cut(start - base).1)
        }
        _ => {
            let (left, right) = parts.split_at(parts.len() / 2);
            let middle = range(&right[0]).start;
            let (low, high) = out.cut(middle - base);
            let (a, b) = rayon::join(
                || for_each_part(left, range, base, low, work, join),
                || for_each_part(right, range, middle, high, work, join),
            );
            join(a, b)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_is_written_by_its_part_and_gaps_stay() {
        let parts = [0..3, 3..4, 6..10];
        let mut out = vec![0; 12];
        let count = for_each_part(
            &parts,
            &Range::clone,
            0,
            &mut out[..],
            &|part, entries: &mut [i32]| {
                assert_eq!(part.len(), entries.len());
                entries.fill(part.start as i32 + 1);
                entries.len()
            },
            &|a, b| a + b,
        );
        assert_eq!(count, 8);
        assert_eq!(out, [1, 1, 1, 4, 0, 0, 7, 7, 7, 7, 0, 0]);
    }
}
