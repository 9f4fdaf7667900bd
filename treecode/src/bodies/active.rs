//! The bodies of a rank that are sinks of an evaluation: all of them or, with block timesteps,
//! those whose step ends.

use crate::Bodies;
use rayon::prelude::*;
use std::ops::Range;

/// The bodies that an evaluation computes, and what it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Bodies of this rung and finer ones are computed. All others keep their values.
    pub least_rung: u8,
    /// Whether [`Bodies::change`] is written for them.
    pub changes: bool,
}

/// The bodies that a [`Selection`] selects.
#[derive(Clone, Debug)]
pub(crate) enum Active {
    All,
    /// Indices, in ascending order.
    Some(Vec<u32>),
}

/// The number of bodies of a task.
const SPAN: usize = 1 << 14;

impl Active {
    pub(crate) fn new(bodies: &Bodies, selection: Selection) -> Active {
        if selection.least_rung == 0 {
            return Active::All;
        }
        let spans = bodies.rung.par_chunks(SPAN).enumerate();
        let some = spans.flat_map_iter(|(span, rungs)| {
            let first = (span * SPAN) as u32;
            let active = move |(i, rung): (u32, &u8)| (*rung >= selection.least_rung).then_some(i);
            (first..).zip(rungs).filter_map(active)
        });
        Active::Some(some.collect())
    }

    /// The active bodies of a range; `None` if all of them are active.
    pub(crate) fn among(&self, bodies: &Range<u32>) -> Option<&[u32]> {
        let Active::Some(all) = self else { return None };
        let some = within(all, bodies);
        (some.len() < bodies.len()).then_some(some)
    }

    /// The number of active bodies of a range.
    pub(crate) fn count(&self, bodies: &Range<u32>) -> usize {
        self.among(bodies).map_or(bodies.len(), <[u32]>::len)
    }
}

/// The entries of an ascending list that lie in a range.
pub(crate) fn within<'a>(list: &'a [u32], range: &Range<u32>) -> &'a [u32] {
    let rest = &list[list.partition_point(|i| *i < range.start)..];
    &rest[..rest.partition_point(|i| *i < range.end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_are_the_fine_rungs_in_order() {
        let n = 2 * SPAN + 100;
        let mut bodies = Bodies::zeroed(n);
        (0..n).for_each(|i| bodies.rung[i] = (i % 7) as u8);
        bodies.rung[40..50].fill(6);
        let all = 0..n as u32;
        assert_eq!(Active::new(&bodies, Selection::default()).among(&all), None);
        let active = Active::new(&bodies, Selection { least_rung: 5, changes: false });
        let expected: Vec<u32> = all.clone().filter(|i| bodies.rung[*i as usize] >= 5).collect();
        assert_eq!(active.among(&all), Some(&expected[..]));
        assert_eq!(active.among(&(40..50)), None);
        assert_eq!((active.count(&(40..50)), active.count(&(0..5)), active.count(&(0..7))), (10, 0, 2));
    }
}
