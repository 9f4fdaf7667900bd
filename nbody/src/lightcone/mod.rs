//! Past light cones: a simulation records bodies as they cross the light cone of an observer today.
//!
//! Light that reaches the observer today and was emitted at scale factor a comes from the comoving
//! distance chi(a), the integral of c dt / a until today. A body, or a periodic image of it,
//! crosses the light cone when its distance from the observer is chi. Bodies move on straight lines
//! during a drift, so the crossing is the root of one equation (`crossing.rs`). Its integrals are
//! replaced by polynomials in ln a (`factors.rs`).
//!
//! A body that is slower than light crosses once. Each drift begins at exactly the positions at
//! which the previous one ended. An image crosses in a drift if it is inside the cone at the
//! beginning and not at the end. So no image crosses twice, or is lost between drifts.
//!
//! [`LightCone`] records the crossings, [`Shells`] divide them by redshift, and [`SkyMap`] sums the
//! masses of a shell in the pixels of [`healpix`].

mod crossing;
mod factors;
pub mod healpix;
mod map;
mod shells;
#[cfg(test)]
mod tests;

pub use map::SkyMap;
pub use shells::Shells;

use crate::cosmology::{Cosmology, redshift_of, scale_factor_of};
use crossing::{Crossing, Drift};
use rayon::prelude::*;
use treecode::math::{exp, norm};
use treecode::{About, Bodies, Dimension, Number, Purpose};

/// Name of the column with the redshift of a crossing, without the Doppler shift of the body.
pub const REDSHIFT: &str = "Redshift";

/// The number of neighbouring bodies along the space-filling curve that are tested together.
const SPAN: usize = 128;

/// What a light cone records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Position of the observer in the box [L, comoving].
    pub observer: [f64; 3],
    /// Speed of light [L/T].
    pub speed_of_light: f64,
    /// Least and greatest redshift of crossings. The least redshift itself is excluded, unless it
    /// is 0.
    pub redshifts: [f64; 2],
    /// The part of the sky. `None` for all of it.
    pub opening: Option<Opening>,
}

/// A part of the sky: all directions within an angle from an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opening {
    /// Direction of the axis, of length 1.
    pub axis: [f64; 3],
    /// Cosine of the greatest angle from the axis.
    pub cosine: f64,
}

impl Opening {
    /// All directions within `angle` [rad] from this direction of any length above 0.
    #[must_use]
    pub fn new(direction: [f64; 3], angle: f64) -> Opening {
        let length = norm(direction);
        Opening { axis: direction.map(|x| x / length), cosine: treecode::math::sin_cos(angle).1 }
    }

    /// Solid angle [sr].
    #[must_use]
    pub fn solid_angle(&self) -> f64 {
        std::f64::consts::TAU * (1.0 - self.cosine)
    }

    /// Whether a position relative to the observer [L] is in this part.
    #[must_use]
    pub fn holds(&self, position: [f64; 3]) -> bool {
        self.excess(position) >= 0.0
    }

    /// Length of a vector along the axis, less that of the edge of this part [L].
    fn excess(&self, vector: [f64; 3]) -> f64 {
        let ([x, y, z], [u, v, w]) = (vector, self.axis);
        x * u + y * v + z * w - self.cosine * norm(vector)
    }
}

/// A light cone that a simulation fills. Each rank has its own, with the crossings of its bodies.
#[derive(Clone, Debug)]
pub struct LightCone {
    settings: Settings,
    cosmology: Cosmology,
    /// Side of the box [L].
    side: f64,
    /// The time, ln a, up to which crossings are recorded.
    reached: f64,
    crossed: Bodies,
}

impl LightCone {
    /// An empty light cone of a simulation that is at `time` = ln a, in a periodic box of this side [L].
    #[must_use]
    pub fn new(settings: Settings, cosmology: Cosmology, side: f64, time: f64) -> LightCone {
        let mut crossed = Bodies::default();
        crossed.add_column(redshift_column());
        LightCone { settings, cosmology, side, reached: time, crossed }
    }

    /// A light cone that continues at `reached` with crossings that were not yet taken, from
    /// [`LightCone::crossed`].
    #[must_use]
    pub fn resume(
        settings: Settings,
        cosmology: Cosmology,
        side: f64,
        reached: f64,
        crossed: Bodies,
    ) -> LightCone {
        let crossed = if crossed.is_empty() {
            LightCone::new(settings, cosmology, side, reached).crossed
        } else {
            crossed
        };
        LightCone { settings, cosmology, side, reached, crossed }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time, ln a, up to which crossings are recorded.
    #[must_use]
    pub fn reached(&self) -> f64 {
        self.reached
    }

    /// The redshift down to which crossings are recorded.
    #[must_use]
    pub fn reached_redshift(&self) -> f64 {
        redshift_at(self.reached)
    }

    /// Comoving distance of the light cone from the observer at a redshift [L].
    #[must_use]
    pub fn distance(&self, redshift: f64) -> f64 {
        self.cosmology.comoving_distance(scale_factor_of(redshift), self.settings.speed_of_light)
    }

    /// Bodies at their crossings, in the order of drifts, and within a drift in that of the bodies.
    /// Positions are comoving and relative to the observer [L]. Velocities are peculiar velocities
    /// a dx/dt [L/T]. The column [`REDSHIFT`] has the redshifts. An id occurs once for each image of
    /// its body that has crossed.
    #[must_use]
    pub fn crossed(&self) -> &Bodies {
        &self.crossed
    }

    /// Removes the crossings of redshifts above `range[0]`, up to `range[1]`, and returns them.
    /// Crossings of redshift 0 belong to a range from 0.
    pub fn take(&mut self, range: [f64; 2]) -> Bodies {
        let redshifts = redshifts_of(&self.crossed);
        let belongs = |i: &u32| is_within(redshifts[*i as usize], range);
        let (mut order, rest): (Vec<u32>, Vec<u32>) = (0..redshifts.len() as u32).partition(belongs);
        let (mut taken, count) = (self.crossed.like(), order.len());
        if count > 0 {
            order.extend(rest);
            self.crossed.permute(&order);
            taken.append_range(&self.crossed, 0..count);
            self.crossed.keep(count..order.len());
        }
        taken
    }

    /// Records the crossings of a drift from [`LightCone::reached`] to the time `until` = ln a. In it
    /// each body moves by its canonical momentum times `factor`. Must be called before the drift.
    pub fn record(&mut self, bodies: &Bodies, factor: f64, until: f64) {
        let from = std::mem::replace(&mut self.reached, until);
        let [least, greatest] = self.settings.redshifts;
        if redshift_at(from) <= least || redshift_at(until) > greatest {
            return;
        }
        let drift = Drift::new(&self.settings, &self.cosmology, self.side, [from, until], factor);
        let spans = (0..bodies.len()).into_par_iter().step_by(SPAN);
        let crossings: Vec<Vec<Crossing>> = spans
            .map(|first| drift.crossings(bodies, first..(first + SPAN).min(bodies.len())))
            .filter(|crossings| !crossings.is_empty())
            .collect();
        for crossing in crossings.iter().flatten() {
            self.push(bodies, crossing);
        }
        self.crossed.fill_up();
    }

    /// Appends a crossing, but for the columns that stay zero.
    fn push(&mut self, bodies: &Bodies, crossing: &Crossing) {
        let (i, crossed) = (crossing.body, &mut self.crossed);
        crossed.id.push(bodies.id[i]);
        crossed.kind.push(bodies.kind[i]);
        crossed.mass.push(bodies.mass[i]);
        let a = scale_factor_of(crossing.redshift);
        for axis in 0..3 {
            crossed.pos[axis].push(crossing.position[axis]);
            crossed.vel[axis].push(bodies.vel[axis][i] / a);
        }
        crossed.column_mut(REDSHIFT).expect("crossings have a redshift").push(crossing.redshift);
    }
}

/// The column of redshifts.
fn redshift_column() -> About {
    let about = About::new(REDSHIFT, Number::F64, Some(Dimension::NONE), Purpose::Passenger);
    let description = "Redshift of the crossing of the light cone, without the Doppler shift of the body";
    About { description: description.to_owned(), ..about }
}

/// The redshifts of crossings.
///
/// # Panics
/// The bodies are not those of a light cone.
#[must_use]
pub fn redshifts_of(crossed: &Bodies) -> &[f64] {
    crossed.column(REDSHIFT).expect("crossings have a redshift")
}

/// The redshift at a time, at least 0: rounding errors today are no redshift.
fn redshift_at(time: f64) -> f64 {
    redshift_of(exp(time)).max(0.0)
}

fn is_within(redshift: f64, [least, greatest]: [f64; 2]) -> bool {
    (redshift > least || least == 0.0) && redshift <= greatest
}
