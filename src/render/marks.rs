//! Bodies of types with few bodies: dots sized by mass, and their paths.

use super::frames::is_within;
use super::tint::Tinted;
use decomposition::{Comm, collective};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use treecode::{Bodies, TYPES};
use viz::{Mark, View, dot_colour, dot_radius};

/// The dots of a sequence of frames.
pub(crate) struct Marks {
    /// Types whose bodies have paths; `None` if paths are not drawn.
    traced: Option<[bool; TYPES]>,
    /// Positions of each body in earlier frames, by id, relative to the target of the camera [L].
    paths: BTreeMap<u64, Vec<[f64; 3]>>,
    /// Positions in the last frame of the bodies with paths.
    last: Vec<(u64, [f64; 3])>,
}

/// Positions of the dots in earlier frames of a run. They are saved beside the frames, so that a
/// continued run draws the same paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trails(Vec<Places>);

/// Places of dots in a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Places {
    /// Number of the frame.
    frame: u64,
    /// Id of each dot, and the bits of its place [L].
    dots: Vec<[u64; 4]>,
}

impl Trails {
    /// The trails in the bytes of a file; none if they are not trails.
    pub(crate) fn read(bytes: &[u8]) -> Trails {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The trails as text, a line for each frame.
    pub(crate) fn to_text(&self) -> Vec<u8> {
        let lines = self.0.iter().map(|places| serde_json::to_string(places).expect("numbers alone"));
        format!("[{}]\n", lines.collect::<Vec<_>>().join(",\n")).into_bytes()
    }

    /// Removes the places after this frame.
    pub(crate) fn keep_until(&mut self, last: u64) {
        self.0.retain(|places| places.frame <= last);
    }
}

/// What a frame shows.
pub(crate) struct Shot<'a> {
    /// The view.
    pub view: &'a View,
    /// Thickness of the slab that is shown [L]; `None` for all depths.
    pub depth: Option<f64>,
    /// Whether the camera follows something, so that paths are relative to it.
    pub follows: bool,
    /// A step of more than half of this length breaks a path [L].
    pub side: f64,
}

/// A dot as it is sent between ranks: bits of the position and of the mass, the id, the type, the group and
/// the number of groups, or 0 of them.
type Sent = [u64; 8];

impl Marks {
    /// Dots with the paths of the bodies of types `traced`, or without paths.
    pub(crate) fn new(traced: Option<[bool; TYPES]>) -> Marks {
        Marks { traced, paths: BTreeMap::new(), last: Vec::new() }
    }

    /// The dots of a frame, for the bodies of types `kinds` of all ranks. Collective.
    pub(crate) fn take(
        &mut self,
        comm: &dyn Comm,
        bodies: &Bodies,
        kinds: [bool; TYPES],
        tint: &Tinted,
        shot: &Shot,
    ) -> Vec<Mark> {
        let &Shot { view, depth, follows, side } = shot;
        if !kinds.contains(&true) {
            return Vec::new();
        }
        let mine: Vec<Sent> = (0..bodies.len())
            .filter(|&i| kinds[usize::from(bodies.kind[i])])
            .filter(|&i| depth.is_none_or(|depth| is_within(view, depth, bodies.position(i))))
            .map(|i| {
                let [x, y, z] = bodies.position(i).map(f64::to_bits);
                let (group, groups) = tint.group(i).unwrap_or((0, 0));
                let kind = u64::from(bodies.kind[i]);
                [x, y, z, bodies.mass[i].to_bits(), bodies.id[i], kind, group as u64, groups as u64]
            })
            .collect();
        let mut all = collective::gather(comm, &mine).concat();
        // The heaviest first, so that lighter dots are drawn over it; but the many without mass under it.
        all.sort_unstable_by_key(|&[x, y, z, mass, id, ..]| (mass > 0, Reverse(mass), id, [x, y, z]));
        let heaviest = all.iter().map(|sent| f64::from_bits(sent[3])).fold(0.0, f64::max);
        let origin = if follows { view.target() } else { [0.0; 3] };
        let seen = |place: [f64; 3]| {
            view.project(std::array::from_fn(|axis| place[axis] + origin[axis])).map(|sight| sight.point)
        };
        self.last.clear();
        let mut marks = Vec::new();
        for [x, y, z, mass, id, kind, group, groups] in all {
            let place = [x, y, z].map(f64::from_bits);
            let relative: [f64; 3] = std::array::from_fn(|axis| place[axis] - origin[axis]);
            let traced = self.traced.is_some_and(|kinds| kinds[kind as usize]);
            if traced {
                self.last.push((id, relative));
            }
            let Some(point) = seen(relative) else { continue };
            let mut path = Vec::new();
            let earlier = self.paths.get(&id).filter(|_| traced);
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

    /// Dots with paths that begin with these trails.
    pub(crate) fn continued(traced: [bool; TYPES], trails: &Trails) -> Marks {
        let mut marks = Marks::new(Some(traced));
        for [id, x, y, z] in trails.0.iter().flat_map(|places| places.dots.iter().copied()) {
            marks.paths.entry(id).or_default().push([x, y, z].map(f64::from_bits));
        }
        marks
    }

    /// Adds the last frame to the paths and, under its number, to the trails.
    pub(crate) fn remember_in(&mut self, trails: &mut Trails, frame: u64) {
        self.remember();
        let dots = self.last.iter().map(|&(id, place)| {
            let [x, y, z] = place.map(f64::to_bits);
            [id, x, y, z]
        });
        trails.0.push(Places { frame, dots: dots.collect() });
    }

    /// Adds the last frame to the paths.
    pub(super) fn remember(&mut self) {
        for (id, place) in &self.last {
            self.paths.entry(*id).or_default().push(*place);
        }
    }
}
