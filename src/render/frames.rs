//! The frames of a movie: their times, and the interpolation of bodies between two snapshots.

use super::camera::hermite;
use super::sequence::Sequence;
use crate::files::ids;
use crate::ranks::crew::Crew;
use crate::ranks::spread::{deal_by_id, smoothing_lengths};
use anyhow::{Result, bail};
use rayon::prelude::*;
use std::borrow::Cow;
use treecode::{Bodies, Domain};
use viz::View;

/// The time of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// Time [T].
    pub time: f64,
    /// Progress of the movie, from 0 at the first frame to 1 at the last.
    pub at: f64,
    /// Index of the last snapshot at or before it.
    snapshot: usize,
    /// Fraction of the interval to the next snapshot.
    part: f64,
}

impl Moment {
    /// Index of the last snapshot at or before it.
    pub(super) fn snapshot(&self) -> usize {
        self.snapshot
    }
}

/// The moments of `frames` frames, evenly spaced from the first to the last of these ascending
/// snapshot times. Without a number, one moment per snapshot.
pub(super) fn moments(times: &[f64], frames: Option<usize>) -> Vec<Moment> {
    let last = times.len() - 1;
    let at = |i: usize, n: usize| if n > 1 { i as f64 / (n - 1) as f64 } else { 0.0 };
    let Some(frames) = frames else {
        let moment = |i: usize| Moment { time: times[i], at: at(i, times.len()), snapshot: i, part: 0.0 };
        return (0..times.len()).map(moment).collect();
    };
    let moment = |i: usize| {
        let at = at(i, frames);
        let time = if i + 1 == frames && frames > 1 {
            times[last]
        } else {
            times[0] + at * (times[last] - times[0])
        };
        let snapshot = times.partition_point(|other| *other <= time).saturating_sub(1);
        let part = if snapshot < last {
            (time - times[snapshot]) / (times[snapshot + 1] - times[snapshot])
        } else {
            0.0
        };
        Moment { time, at, snapshot, part }
    };
    (0..frames).map(moment).collect()
}

/// A snapshot, with the smoothing lengths of its bodies once they are computed.
struct Held {
    snapshot: usize,
    bodies: Bodies,
    /// Whether each has the same mass, because none has one of its own.
    counted: bool,
    lengths: Option<Vec<f64>>,
}

/// Reads snapshots as frames need them, and keeps two at a time. Each rank has a share of the
/// bodies.
pub(super) struct Reader<'a> {
    crew: &'a Crew<'a>,
    sequence: &'a Sequence,
    neighbours: usize,
    /// Whether each body stays on one rank in all snapshots, as interpolation requires.
    by_id: bool,
    held: Vec<Held>,
}

/// The bodies at one moment.
pub(crate) struct Scene<'a> {
    /// The bodies.
    pub bodies: Cow<'a, Bodies>,
    /// Smoothing lengths of the bodies [L].
    pub lengths: Cow<'a, [f64]>,
    /// Whether each body has the same mass, because none has one of its own.
    pub counted: bool,
}

impl<'a> Reader<'a> {
    /// A reader of a sequence. Smoothing lengths extend to the `neighbours`-th neighbour. With
    /// `by_id`, each body stays on one rank.
    pub(super) fn new(
        crew: &'a Crew<'a>,
        sequence: &'a Sequence,
        neighbours: usize,
        by_id: bool,
    ) -> Reader<'a> {
        Reader { crew, sequence, neighbours, by_id, held: Vec::new() }
    }

    /// This rank's bodies at a moment. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a snapshot cannot be read or holds invalid bodies. Also if a
    /// frame lies between two snapshots with different bodies.
    pub(super) fn scene(&mut self, moment: &Moment) -> Result<Scene<'_>> {
        let (crew, kinds, neighbours) = (self.crew, self.sequence.kinds, self.neighbours);
        let wanted = [moment.snapshot, moment.snapshot + usize::from(moment.part > 0.0)];
        self.held.retain(|held| wanted.contains(&held.snapshot));
        let first = self.place(wanted[0])?;
        if moment.part == 0.0 {
            let held = &mut self.held[first];
            if held.lengths.is_none() {
                held.lengths =
                    Some(smoothing_lengths(crew, self.sequence.domain, &held.bodies, kinds, neighbours)?);
            }
            let lengths = held.lengths.as_deref().unwrap_or_default();
            return Ok(Scene {
                bodies: Cow::Borrowed(&held.bodies),
                lengths: Cow::Borrowed(lengths),
                counted: held.counted,
            });
        }
        let second = self.place(wanted[1])?;
        crew.agree(|| self.pair(first, second))?;
        let entries = &self.sequence.entries;
        let span = entries[wanted[1]].time - entries[wanted[0]].time;
        let (domain, expands) = (self.sequence.domain, self.sequence.expands);
        let ends = [first, second].map(|place| &self.held[place].bodies);
        let mut bodies = between(ends, domain, if expands { None } else { Some(span) }, moment.part);
        bodies.wrap(domain);
        let lengths = smoothing_lengths(crew, domain, &bodies, kinds, neighbours)?;
        let counted = self.held[first].counted;
        Ok(Scene { bodies: Cow::Owned(bodies), lengths: Cow::Owned(lengths), counted })
    }

    /// Index of a snapshot among those in memory. Reads the snapshot if necessary.
    fn place(&mut self, snapshot: usize) -> Result<usize> {
        if let Some(place) = self.held.iter().position(|held| held.snapshot == snapshot) {
            return Ok(place);
        }
        let entry = &self.sequence.entries[snapshot];
        let (mut bodies, counted) = self.sequence.read(self.crew, entry)?;
        if self.by_id {
            if let Some(shared) = ids::shared(self.crew.comm, &bodies.id) {
                let path = entry.path.display();
                bail!(
                    "{path}: {}, so that bodies cannot be followed from one snapshot to the next",
                    shared.words()
                );
            }
            if self.crew.comm.size() > 1 {
                bodies = deal_by_id(self.crew.comm, bodies);
            }
        }
        self.held.push(Held { snapshot, bodies, counted, lengths: None });
        Ok(self.held.len() - 1)
    }

    /// Reorders the bodies of the second snapshot to the order of the first.
    fn pair(&mut self, first: usize, second: usize) -> Result<()> {
        let [a, b] = [first, second].map(|place| &self.held[place].bodies.id);
        if a == b {
            return Ok(());
        }
        let by_id = |ids: &Vec<u64>| {
            let mut order: Vec<u32> = (0..ids.len() as u32).collect();
            order.par_sort_unstable_by_key(|i| ids[*i as usize]);
            order
        };
        let (order_a, order_b) = (by_id(a), by_id(b));
        let pairs = || order_a.iter().zip(&order_b);
        if a.len() != b.len() || pairs().any(|(i, j)| a[*i as usize] != b[*j as usize]) {
            let name = |place: usize| self.sequence.entries[self.held[place].snapshot].path.display();
            bail!(
                "{}: its bodies are not those of {}; frames between snapshots (--frames) need the same ids in both",
                name(second),
                name(first)
            );
        }
        let mut order = vec![0; a.len()];
        pairs().for_each(|(i, j)| order[*i as usize] = *j);
        self.held[second].lengths = None;
        self.held[second].bodies.permute(&order);
        Ok(())
    }
}

impl Scene<'_> {
    /// Moves the bodies to their images that are nearest to a position.
    pub(crate) fn moved_around(&mut self, domain: Domain, centre: [f64; 3]) {
        if domain.is_periodic() {
            let bodies = self.bodies.to_mut();
            for axis in 0..3 {
                let nearest = |x: f64| {
                    let [mut from, mut to] = [[0.0; 3]; 2];
                    (from[axis], to[axis]) = (centre[axis], x);
                    centre[axis] + domain.displacement(from, to)[axis]
                };
                bodies.pos[axis].par_iter_mut().with_min_len(1 << 13).for_each(|x| *x = nearest(*x));
            }
        }
    }

    /// Takes the mass of the bodies that are not within half of `depth` of the centre of the view, along
    /// its line of sight: they are not drawn.
    pub(super) fn cut(&mut self, view: &View, depth: f64) {
        let bodies = self.bodies.to_mut();
        for i in 0..bodies.len() {
            if !is_within(view, depth, bodies.position(i)) {
                bodies.mass[i] = 0.0;
            }
        }
    }
}

/// Whether a position is within half of `depth` of the centre of a view, along its line of sight.
pub(super) fn is_within(view: &View, depth: f64, position: [f64; 3]) -> bool {
    view.away(Domain::Open.displacement(view.target(), position)).abs() <= 0.5 * depth
}

/// Interpolates between two states of the same bodies in the same order, at a fraction `part` of
/// the interval `span`. The cubic matches positions and velocities at both ends. Without `span`,
/// bodies move on straight lines. In a periodic domain they move to the nearest image.
fn between([a, b]: [&Bodies; 2], domain: Domain, span: Option<f64>, part: f64) -> Bodies {
    let nearest = |from: f64, to: f64| from + domain.displacement([from, 0.0, 0.0], [to, 0.0, 0.0])[0];
    let mut bodies = a.clone();
    for axis in 0..3 {
        let (pos, vel) = (&mut bodies.pos[axis], &mut bodies.vel[axis]);
        pos.par_iter_mut().zip(vel).enumerate().with_min_len(1 << 13).for_each(|(i, (x, v))| {
            let from = a.pos[axis][i];
            let to = if domain.is_periodic() { nearest(from, b.pos[axis][i]) } else { b.pos[axis][i] };
            let (ends, slopes) = ([from, to], [a.vel[axis][i], b.vel[axis][i]]);
            *x = match span {
                Some(span) => hermite(ends, slopes, span, part),
                None => from + part * (to - from),
            };
            *v = slopes[0] + part * (slopes[1] - slopes[0]);
        });
    }
    bodies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lie_evenly_in_time_and_know_their_snapshots() {
        let times = [1.0, 2.0, 4.0];
        let plain = moments(&times, None);
        assert_eq!(
            plain.iter().map(|m| (m.time, m.at, m.snapshot)).collect::<Vec<_>>(),
            [(1.0, 0.0, 0), (2.0, 0.5, 1), (4.0, 1.0, 2)]
        );
        let seven = moments(&times, Some(7));
        assert_eq!(seven.iter().map(|m| m.snapshot).collect::<Vec<_>>(), [0, 0, 1, 1, 1, 1, 2]);
        assert_eq!(seven.iter().map(|m| m.part).collect::<Vec<_>>(), [0.0, 0.5, 0.0, 0.25, 0.5, 0.75, 0.0]);
        let turning = moments(&[3.0], Some(3));
        assert_eq!(
            turning.iter().map(|m| (m.time, m.at, m.part)).collect::<Vec<_>>(),
            [(3.0, 0.0, 0.0), (3.0, 0.5, 0.0), (3.0, 1.0, 0.0)]
        );
        assert_eq!(moments(&times, Some(1))[0].time, 1.0);
    }

    /// For a body on a circle, the interpolation error falls as the fourth power of the step.
    #[test]
    fn motion_between_snapshots_is_of_fourth_order() {
        let state = |angle: f64| {
            let mut bodies = Bodies::zeroed(1);
            let (sin, cos) = angle.sin_cos();
            (bodies.pos[0][0], bodies.pos[1][0]) = (cos, sin);
            (bodies.vel[0][0], bodies.vel[1][0]) = (-sin, cos);
            bodies
        };
        let error = |step: f64| {
            let [x, y, _] =
                between([&state(0.3), &state(0.3 + step)], Domain::Open, Some(step), 0.5).position(0);
            let (sin, cos) = (0.3 + 0.5 * step).sin_cos();
            (x - cos).hypot(y - sin)
        };
        let order = (error(0.2) / error(0.1)).log2();
        assert!((order - 4.0).abs() < 0.05, "order {order}");
    }
}
