//! Bodies of types with few bodies: dots sized by mass, and their paths.

use super::tint::Tinted;
use decomposition::{Comm, collective};
use std::collections::BTreeMap;
use treecode::{Bodies, TYPES};
use viz::{Mark, View, dot_colour, dot_radius};

/// The dots of a sequence of frames.
pub(crate) struct Marks {
    /// Types whose bodies are dots.
    kinds: [bool; TYPES],
    /// Places of each body in the frames before by its id, relative to what the camera follows [L];
    /// `None` if paths are not drawn.
    paths: Option<BTreeMap<u64, Vec<[f64; 3]>>>,
    /// Places in the last frame.
    last: Vec<(u64, [f64; 3])>,
}

/// A dot as it is sent between ranks: bits of the position and of the mass, the id, the group and the
/// number of groups, or 0 of them.
type Sent = [u64; 7];

impl Marks {
    /// Dots for the bodies of these types, with or without their paths.
    pub(crate) fn new(kinds: [bool; TYPES], paths: bool) -> Marks {
        Marks { kinds, paths: paths.then(BTreeMap::new), last: Vec::new() }
    }

    /// The dots of a frame, from the bodies of all ranks. A step of more than half of `side` [L] breaks
    /// a path. Collective.
    pub(crate) fn take(
        &mut self,
        comm: &dyn Comm,
        bodies: &Bodies,
        tint: &Tinted,
        view: &View,
        follows: bool,
        side: f64,
    ) -> Vec<Mark> {
        if !self.kinds.contains(&true) {
            return Vec::new();
        }
        let mine: Vec<Sent> = (0..bodies.len())
            .filter(|&i| self.kinds[usize::from(bodies.kind[i])])
            .map(|i| {
                let [x, y, z] = bodies.position(i).map(f64::to_bits);
                let (group, groups) = tint.group(i).unwrap_or((0, 0));
                [x, y, z, bodies.mass[i].to_bits(), bodies.id[i], group as u64, groups as u64]
            })
            .collect();
        let mut all = collective::gather(comm, &mine).concat();
        // The heaviest first, so that lighter dots are drawn over it.
        all.sort_by_key(|&[.., mass, id, _, _]| (std::cmp::Reverse(mass), id));
        let heaviest = all.iter().map(|sent| f64::from_bits(sent[3])).fold(0.0, f64::max);
        let origin = if follows { view.target() } else { [0.0; 3] };
        let seen = |place: [f64; 3]| {
            view.project(std::array::from_fn(|axis| place[axis] + origin[axis])).map(|sight| sight.point)
        };
        self.last.clear();
        let mut marks = Vec::new();
        for [x, y, z, mass, id, group, groups] in all {
            let place = [x, y, z].map(f64::from_bits);
            let relative: [f64; 3] = std::array::from_fn(|axis| place[axis] - origin[axis]);
            self.last.push((id, relative));
            let Some(point) = seen(relative) else { continue };
            let mut path = Vec::new();
            let earlier = self.paths.as_ref().and_then(|paths| paths.get(&id));
            let steps: Vec<[f64; 3]> = earlier.into_iter().flatten().copied().chain([relative]).collect();
            for pair in steps.windows(2) {
                path.push(seen(pair[0]).unwrap_or([f64::NAN; 2]));
                if (0..3).any(|axis| (pair[1][axis] - pair[0][axis]).abs() > 0.5 * side) {
                    path.push([f64::NAN; 2]);
                }
            }
            let mass = if heaviest > 0.0 { f64::from_bits(mass) / heaviest } else { 1.0 };
            let group = (groups > 0).then_some((group as usize, groups as usize));
            marks.push(Mark { point, radius: dot_radius(view, mass), colour: dot_colour(group), path });
        }
        marks
    }

    /// Adds the last frame to the paths.
    pub(super) fn remember(&mut self) {
        if let Some(paths) = &mut self.paths {
            for (id, place) in &self.last {
                paths.entry(*id).or_default().push(*place);
            }
        }
    }
}
