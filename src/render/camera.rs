//! The path of the camera: key frames from the command line or a file, and smooth motion between
//! them.

use super::options::{Follow, Look};
use crate::parameters::quantities::Length;
use crate::ranks::spread::{centre_of_mass, main_centre};
use anyhow::{Context, Result, anyhow, bail, ensure};
use decomposition::{Comm, collective};
use io::Units;
use serde::{Deserialize, Deserializer};
use std::path::Path;
use treecode::{Bodies, TYPES};
use viz::{Direction, View};

/// The camera at all times of a movie.
#[derive(Clone, Debug)]
pub(super) struct Camera {
    size: [usize; 2],
    perspective: Option<f64>,
    follow: Option<Follow>,
    /// Key frames ordered by time; at least one.
    keys: Vec<Key>,
}

/// The camera at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    /// Time from 0, the first frame, to 1, the last.
    at: f64,
    direction: Direction,
    width: f64,
    centre: [f64; 3],
}

/// A file with a camera path.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathFile {
    perspective: Option<f64>,
    follow: Option<FollowKey>,
    key: Vec<KeyTable>,
}

/// A key frame in such a file. Missing values are those of the key frame before or, in the first,
/// those of the command line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyTable {
    at: f64,
    azimuth: Option<f64>,
    elevation: Option<f64>,
    roll: Option<f64>,
    width: Option<Length>,
    centre: Option<[Length; 3]>,
}

/// `"centre"`, `"mass"` or an id.
#[derive(Clone, Copy, Debug)]
struct FollowKey(Follow);

impl<'de> Deserialize<'de> for FollowKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Id(u64),
            Word(String),
        }
        match Value::deserialize(deserializer)? {
            Value::Id(id) => Ok(FollowKey(Follow::Body(id))),
            Value::Word(word) => {
                super::options::follow(&word).map(FollowKey).map_err(serde::de::Error::custom)
            }
        }
    }
}

impl Camera {
    /// A camera at rest, with the given or computed `centre` and `width`.
    pub(super) fn still(
        look: &Look,
        follow: Option<Follow>,
        size: [usize; 2],
        centre: [f64; 3],
        width: f64,
    ) -> Camera {
        let key = Key { at: 0.0, direction: look.direction(), width, centre };
        Camera { size, perspective: look.perspective, follow, keys: vec![key] }
    }

    /// Rotates the camera by `orbit` degrees of azimuth and zooms in by a factor `zoom` until the
    /// end.
    pub(super) fn moving(mut self, orbit: f64, zoom: f64) -> Camera {
        let mut last = Key { at: 1.0, ..self.keys[0] };
        last.direction.azimuth += orbit;
        last.width /= zoom;
        self.keys.push(last);
        self
    }

    /// Moves the camera on the path of a file. Lengths with a unit are converted to `units`; `None` if those
    /// have no size.
    ///
    /// # Errors
    /// If the file cannot be read or has invalid values.
    pub(super) fn on_path(mut self, path: &Path, units: Option<&Units>) -> Result<Camera> {
        let file: PathFile = io::parameters::load(path, &[])?;
        let mut key = self.keys[0];
        self.keys.clear();
        let name = path.display();
        let places = file.key.iter().any(|table| table.centre.is_some());
        for table in file.key {
            ensure!(
                (0.0..=1.0).contains(&table.at) && self.keys.last().is_none_or(|last| last.at < table.at),
                "{name}: key.at = {:?}: must rise from key to key, from 0 (the first frame) to 1 (the last)",
                table.at
            );
            key.at = table.at;
            key.direction.azimuth = table.azimuth.unwrap_or(key.direction.azimuth);
            key.direction.elevation = table.elevation.unwrap_or(key.direction.elevation);
            key.direction.roll = table.roll.unwrap_or(key.direction.roll);
            let value = |key: &str, length: &Length| {
                length.0.value(units).map_err(|fault| anyhow!("{name}: key.{key}: {fault}"))
            };
            key.width = table.width.map_or(Ok(key.width), |width| value("width", &width))?;
            ensure!(key.width > 0.0, "{name}: key.width = {:?}: must be above 0", key.width);
            for (place, length) in key.centre.iter_mut().zip(table.centre.iter().flatten()) {
                *place = value("centre", length)?;
            }
            self.keys.push(key);
        }
        ensure!(!self.keys.is_empty(), "{name}: holds no [[key]]");
        self.perspective = file.perspective.or(self.perspective);
        // Places in the file replace what is followed by default.
        let usual = self.follow.filter(|follow| !(places && *follow == Follow::Centre));
        self.follow = file.follow.map(|follow| follow.0).or(usual);
        Ok(self)
    }

    /// Whether the camera follows a body, identified by its id.
    pub(super) fn follows_a_body(&self) -> bool {
        matches!(self.follow, Some(Follow::Body(_)))
    }

    /// Whether the target of the camera moves with bodies.
    pub(super) fn follows(&self) -> bool {
        self.follow.is_some()
    }

    /// Width of the first frame [L].
    pub(super) fn first_width(&self) -> f64 {
        self.keys[0].width
    }

    /// The view at a time from 0, the first frame, to 1, the last. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the values make no valid view, or the body to follow is missing.
    pub(super) fn view(
        &self,
        comm: &dyn Comm,
        at: f64,
        bodies: &Bodies,
        kinds: [bool; TYPES],
    ) -> Result<View> {
        let path = |of: &dyn Fn(&Key) -> f64| {
            let knots: Vec<(f64, f64)> = self.keys.iter().map(|key| (key.at, of(key))).collect();
            smooth(&knots, at)
        };
        let direction = Direction {
            azimuth: path(&|key| key.direction.azimuth),
            elevation: path(&|key| key.direction.elevation),
            roll: path(&|key| key.direction.roll),
        };
        let width = path(&|key| key.width.ln()).exp();
        let centre = match self.follow {
            None => std::array::from_fn(|axis| path(&|key| key.centre[axis])),
            Some(Follow::Mass) => centre_of_mass(comm, bodies, kinds).context(NOTHING)?,
            Some(Follow::Centre) => main_centre(comm, bodies, kinds).context(NOTHING)?,
            Some(Follow::Body(id)) => {
                let with_id = (0..bodies.len()).filter(|&i| bodies.id[i] == id);
                let mine: Vec<[f64; 3]> = with_id.map(|i| bodies.position(i)).take(2).collect();
                match collective::gather(comm, &mine).concat()[..] {
                    [position] => position,
                    [] => bail!("there is no body with id {id} to follow"),
                    _ => bail!("several bodies have the id {id}, so none can be followed by it"),
                }
            }
        };
        let view = View::new(self.size, centre, width, direction)?;
        Ok(self.perspective.map_or(Ok(view), |angle| view.with_perspective(angle))?)
    }
}

const NOTHING: &str = "there is no mass to follow in what is drawn";

/// A smooth monotone curve through knots that does not overshoot (Fritsch & Butland 1984),
/// evaluated at `at`. It is constant before the first and after the last knot.
fn smooth(knots: &[(f64, f64)], at: f64) -> f64 {
    let after = knots.partition_point(|knot| knot.0 <= at);
    if after == 0 || after == knots.len() {
        return knots[after.saturating_sub(1)].1;
    }
    let slope = |i: usize| (knots[i + 1].1 - knots[i].1) / (knots[i + 1].0 - knots[i].0);
    let tangent = |i: usize| {
        if i == 0 || i == knots.len() - 1 {
            return slope(i.min(knots.len() - 2));
        }
        let (before, behind) = (slope(i - 1), slope(i));
        let [short, long] = [knots[i].0 - knots[i - 1].0, knots[i + 1].0 - knots[i].0];
        let weight = (short + 2.0 * long) / (3.0 * (short + long));
        if before * behind > 0.0 {
            before * behind / (weight * behind + (1.0 - weight) * before)
        } else {
            0.0
        }
    };
    let i = after - 1;
    let span = knots[i + 1].0 - knots[i].0;
    hermite([knots[i].1, knots[i + 1].1], [tangent(i), tangent(i + 1)], span, (at - knots[i].0) / span)
}

/// The cubic with these values and slopes at the ends of an interval of length `span`, at a
/// fraction `t` of it.
pub(super) fn hermite([a, b]: [f64; 2], [u, v]: [f64; 2], span: f64, t: f64) -> f64 {
    let s = 1.0 - t;
    s * s * ((1.0 + 2.0 * t) * a + t * span * u) + t * t * ((1.0 + 2.0 * s) * b - s * span * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_through_its_knots_without_swinging() {
        let knots = [(0.0, 1.0), (0.2, 1.0), (0.5, 3.0), (0.9, 3.5), (1.0, -2.0)];
        for (at, value) in knots {
            assert!((smooth(&knots, at) - value).abs() < 1e-12);
        }
        let path: Vec<f64> = (0..=1000).map(|i| smooth(&knots, f64::from(i) / 1000.0)).collect();
        assert!(path[..200].iter().all(|x| (x - 1.0).abs() < 1e-12), "it stays between equal knots");
        assert!(path[200..900].windows(2).all(|pair| pair[1] > pair[0] - 1e-12));
        assert!(path.iter().all(|x| (-2.0 - 1e-12..=3.5 + 1e-12).contains(x)));
        let steepest = path.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
        assert!(steepest < 0.1, "a jump of {steepest}");
        assert_eq!([smooth(&knots[1..], 0.1), smooth(&knots[..3], 0.8)], [1.0, 3.0]);
        assert_eq!(smooth(&[(0.0, 0.0), (1.0, 360.0)], 0.25), 90.0);
    }

    #[test]
    fn the_cubic_between_two_states_is_exact_for_a_fall() {
        let (position, velocity) = (|t: f64| 1.0 + 2.0 * t - 3.0 * t * t, |t: f64| 2.0 - 6.0 * t);
        let found = hermite([position(1.0), position(3.0)], [velocity(1.0), velocity(3.0)], 2.0, 0.3);
        assert!((found - position(1.6)).abs() < 1e-12);
    }
}
