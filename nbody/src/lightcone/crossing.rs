//! The crossings of one drift: which images cross the light cone, and when and where.

use super::factors::{At, Factors};
use super::{Settings, is_within, redshift_at};
use crate::cosmology::{Cosmology, scale_factor_of};
use std::array::from_fn;
use std::ops::Range;
use treecode::math::{ln, norm};
use treecode::{Bodies, Domain};

/// A body, or an image of it, that crosses the light cone.
pub(super) struct Crossing {
    /// Index of the body.
    pub body: usize,
    /// Position relative to the observer [L].
    pub position: [f64; 3],
    pub redshift: f64,
}

/// A drift of all bodies.
pub(super) struct Drift<'a> {
    settings: &'a Settings,
    side: f64,
    /// Times of its beginning and end, as ln a.
    times: [f64; 2],
    /// Distances of the light cone at these times [L].
    distances: [f64; 2],
    /// Factor from velocities to displacements.
    factor: f64,
    /// Factors from the beginning of the drift to any time in it.
    factors: Factors,
    /// The greatest and the least redshift, if they are within the drift.
    limits: [Option<Limit>; 2],
}

/// A time within a drift.
struct Limit {
    /// Factor of the drift from its beginning to this time.
    factor: f64,
    /// Distance of the light cone at this time [L].
    distance: f64,
}

/// A body at the two ends of a drift.
struct Ends {
    /// Positions inside the box, relative to the observer [L].
    places: [[f64; 3]; 2],
    /// Sides of the box by which the second one is moved to follow the first one.
    moved: [f64; 3],
    velocity: [f64; 3],
}

/// Margin for rounding errors, as a fraction of the distances.
const MARGIN: f64 = 1e-9;
/// Greatest change of the last step of Newton's method, as a fraction of the drift.
const CLOSE: f64 = 1e-9;

impl Drift<'_> {
    pub(super) fn new<'a>(
        settings: &'a Settings,
        cosmology: &'a Cosmology,
        side: f64,
        times: [f64; 2],
        factor: f64,
    ) -> Drift<'a> {
        let speed = settings.speed_of_light;
        let distances = times.map(|time| speed * cosmology.kick_over(time, -time));
        let whole = times[1] - times[0];
        let factors = Factors::new(cosmology, times[0], whole);
        let limit = |redshift: f64| {
            let passed = ln(scale_factor_of(redshift)) - times[0];
            (passed > 0.0 && passed < whole).then(|| {
                let At { drift, kick, .. } = factors.at(passed);
                Limit { factor: drift, distance: distances[0] - speed * kick }
            })
        };
        let [least, greatest] = settings.redshifts;
        let limits = [limit(greatest), limit(least)];
        Drift { settings, side, times, distances, factor, factors, limits }
    }

    /// The crossings of the bodies of a span, in the order of bodies, then of images.
    pub(super) fn crossings(&self, bodies: &Bodies, span: Range<usize>) -> Vec<Crossing> {
        let ends: Vec<Ends> = span.clone().map(|i| self.ends(bodies, i)).collect();
        let images = self.images(&ends);
        let mut found = Vec::new();
        for (ends, body) in ends.iter().zip(span) {
            for &image in &images {
                let crossing = self.crossing(ends, image).filter(|(position, redshift)| {
                    is_within(*redshift, self.settings.redshifts)
                        && self.settings.opening.is_none_or(|opening| opening.holds(*position))
                });
                found.extend(crossing.map(|(position, redshift)| Crossing { body, position, redshift }));
            }
        }
        found
    }

    /// The positions at both ends have the bits that the drift and the wrapping give them. So the
    /// beginning of a drift is the end of the one before, whether the box was wrapped between them or not.
    fn ends(&self, bodies: &Bodies, i: usize) -> Ends {
        let domain = Domain::Periodic { side: self.side };
        let mut ends = Ends { places: [[0.0; 3]; 2], moved: [0.0; 3], velocity: bodies.velocity(i) };
        for (axis, x) in bodies.position(i).into_iter().enumerate() {
            let displacement = ends.velocity[axis] * self.factor;
            let wrapped = [domain.wrap(x), domain.wrap(x + displacement)];
            ends.moved[axis] = ((wrapped[0] + displacement - wrapped[1]) / self.side).round();
            let observer = self.settings.observer[axis];
            (0..2).for_each(|end| ends.places[end][axis] = wrapped[end] - observer);
        }
        ends
    }

    /// The images of the box, in sides, in which one of the bodies may cross: those where the sphere
    /// around the bodies touches the shell between the two distances of the light cone.
    fn images(&self, ends: &[Ends]) -> Vec<[f64; 3]> {
        let (mut low, mut high, mut longest) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3], 0.0f64);
        for Ends { places: [place, _], velocity, .. } in ends {
            for axis in 0..3 {
                low[axis] = low[axis].min(place[axis]);
                high[axis] = high[axis].max(place[axis]);
            }
            longest = longest.max(norm(*velocity) * self.factor.abs());
        }
        let centre: [f64; 3] = from_fn(|axis| 0.5 * (low[axis] + high[axis]));
        let half: [f64; 3] = from_fn(|axis| 0.5 * (high[axis] - low[axis]));
        let radius = norm(half) + longest;
        let margin = MARGIN * (self.side + self.distances[0]);
        let [first, last] =
            [0, 1].map(|end| self.limits[end].as_ref().map_or(self.distances[end], |limit| limit.distance));
        let [outer, inner] = [first + radius + margin, last - radius - margin].map(|x| x.max(0.0));
        // Whole numbers n with |centre + n side| <= reach.
        let range = |axis: usize, reach: f64| {
            let [first, last] = [-reach, reach].map(|end| (end - centre[axis]) / self.side);
            first.ceil() as i64..=last.floor() as i64
        };
        let mut images = Vec::new();
        for x in range(0, outer) {
            let x = x as f64;
            let across = (centre[0] + x * self.side).powi(2);
            for y in range(1, (outer * outer - across).max(0.0).sqrt()) {
                let y = y as f64;
                let across = across + (centre[1] + y * self.side).powi(2);
                for z in range(2, (outer * outer - across).max(0.0).sqrt()) {
                    let z = z as f64;
                    let square = across + (centre[2] + z * self.side).powi(2);
                    let image = [x, y, z];
                    let middle = from_fn(|axis| centre[axis] + image[axis] * self.side);
                    if square >= inner * inner
                        && square <= outer * outer
                        && self.may_hold(middle, radius + margin)
                    {
                        images.push(image);
                    }
                }
            }
        }
        images
    }

    /// Whether a place [L] within this distance from another one may be in the part of the sky. The scalar
    /// product with the axis and the length of a vector change by no more than its end moves.
    fn may_hold(&self, place: [f64; 3], distance: f64) -> bool {
        self.settings.opening.is_none_or(|opening| opening.excess(place) >= -2.0 * distance)
    }

    /// Position and redshift of the crossing of an image, if it crosses in this drift.
    fn crossing(&self, ends: &Ends, image: [f64; 3]) -> Option<([f64; 3], f64)> {
        let place =
            |end: usize, sides: [f64; 3]| from_fn(|axis| ends.places[end][axis] + sides[axis] * self.side);
        let before: [f64; 3] = place(0, image);
        let after: [f64; 3] = place(1, from_fn(|axis| image[axis] + ends.moved[axis]));
        let outside = [norm(before) - self.distances[0], norm(after) - self.distances[1]];
        if outside[0] >= 0.0 || outside[1] < 0.0 {
            return None;
        }
        let path = norm(ends.velocity) * self.factor.abs() + MARGIN * self.side;
        if !self.may_hold(before, path) {
            return None;
        }
        // Those before the greatest and after the least redshift, but for rounding errors.
        let margin = MARGIN * (self.side + self.distances[0]);
        let outside_at = |limit: &Limit| {
            norm(from_fn(|axis| before[axis] + ends.velocity[axis] * limit.factor)) - limit.distance
        };
        if self.limits[0].as_ref().is_some_and(|limit| outside_at(limit) > margin)
            || self.limits[1].as_ref().is_some_and(|limit| outside_at(limit) < -margin)
        {
            return None;
        }
        let passed = self.root(before, ends.velocity, outside[0] / (outside[0] - outside[1]));
        let factor = self.factors.at(passed).drift;
        let position = from_fn(|axis| before[axis] + ends.velocity[axis] * factor);
        // Rounding must not lead out of the drift, since crossings of earlier ones may be in files.
        let redshift = redshift_at(self.times[0] + passed);
        Some((position, redshift.clamp(redshift_at(self.times[1]), redshift_at(self.times[0]))))
    }

    /// Difference of ln a from the beginning of the drift to the crossing, by Newton's method between
    /// bounds. It begins at the fraction `guess` of the drift.
    fn root(&self, before: [f64; 3], velocity: [f64; 3], guess: f64) -> f64 {
        let whole = self.times[1] - self.times[0];
        let speed = self.settings.speed_of_light;
        // How far outside of the light cone, and the derivative by ln a.
        let outside = |passed: f64| {
            let At { drift, drift_rate, kick, kick_rate } = self.factors.at(passed);
            let place: [f64; 3] = from_fn(|axis| before[axis] + velocity[axis] * drift);
            let distance = norm(place);
            let radial = (0..3).map(|axis| place[axis] * velocity[axis]).sum::<f64>() / distance;
            let radial = if distance > 0.0 { radial } else { norm(velocity) };
            (distance - self.distances[0] + speed * kick, radial * drift_rate + speed * kick_rate)
        };
        let (mut low, mut high, mut passed) = (0.0, whole, guess * whole);
        for _ in 0..100 {
            let (excess, slope) = outside(passed);
            if excess < 0.0 {
                low = passed
            } else {
                high = passed
            }
            let next = passed - excess / slope;
            let next = if next >= low && next <= high { next } else { 0.5 * (low + high) };
            // The error of the next number is about the square of this change.
            if (next - passed).abs() <= CLOSE * whole {
                return next;
            }
            passed = next;
        }
        passed
    }
}
