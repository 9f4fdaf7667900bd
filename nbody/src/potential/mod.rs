//! External potentials: fields that act on the bodies, but on which the bodies do not act.
//!
//! Each file has one potential, with its formula and source. A [`Component`] is a potential with a
//! centre that may move, a rotation, and a strength that may grow. [`External`] is a sum of
//! components. [`External::at`] fixes the time; its [`Field`] is then a function of the place.
//!
//! The library has no units: every mass is given as G M, in the units of the bodies.

mod bar;
mod cut_power_law;
mod galaxy;
mod growth;
mod hernquist;
mod isochrone;
mod logarithmic;
mod miyamoto_nagai;
mod motion;
mod multipole;
mod nfw;
mod point_mass;
mod presets;
mod sinking;

pub use bar::Bar;
pub use cut_power_law::CutPowerLaw;
pub use galaxy::{Disc, Galaxy, Spheroid};
pub use growth::Growth;
pub use hernquist::Hernquist;
pub use isochrone::Isochrone;
pub use logarithmic::Logarithmic;
pub use miyamoto_nagai::MiyamotoNagai;
pub use motion::{Circle, Motion, Track};
pub use multipole::Multipole;
pub use nfw::{Nfw, enclosed};
pub use point_mass::PointMass;
pub use presets::{Scale, mcmillan_2017, mw_potential_2014};
pub use sinking::{Friction, Sinker, Sinking};

use rayon::prelude::*;
use treecode::Bodies;
use treecode::math::{norm, sin_cos};

/// Number of bodies per parallel task.
const SPAN: usize = 1 << 10;
/// Step of the difference of accelerations that gives the tidal field, as a fraction of the
/// distance from the centre.
const DIFFERENCE: f64 = 1e-5;

/// Potential and acceleration at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Field {
    /// Potential [L^2/T^2].
    pub potential: f64,
    /// Acceleration [L/T^2].
    pub acceleration: [f64; 3],
}

impl Field {
    /// The field of a spherical potential. `slope` is its derivative over the radius [1/T^2].
    fn central(place: [f64; 3], potential: f64, slope: f64) -> Field {
        Field { potential, acceleration: place.map(|x| -slope * x) }
    }

    fn add(&mut self, other: &Field) {
        self.potential += other.potential;
        self.acceleration.iter_mut().zip(other.acceleration).for_each(|(sum, a)| *sum += a);
    }
}

/// A potential about its own centre and along its own axes.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant has the name of its type")]
pub enum Shape {
    PointMass(PointMass),
    Isochrone(Isochrone),
    Logarithmic(Logarithmic),
    Nfw(Nfw),
    Hernquist(Hernquist),
    MiyamotoNagai(MiyamotoNagai),
    Bar(Bar),
    CutPowerLaw(CutPowerLaw),
    Galaxy(Box<Galaxy>),
}

impl Shape {
    /// The field at a place relative to the centre [L].
    pub fn field(&self, place: [f64; 3]) -> Field {
        match self {
            Shape::PointMass(shape) => shape.field(place),
            Shape::Isochrone(shape) => shape.field(place),
            Shape::Logarithmic(shape) => shape.field(place),
            Shape::Nfw(shape) => shape.field(place),
            Shape::Hernquist(shape) => shape.field(place),
            Shape::MiyamotoNagai(shape) => shape.field(place),
            Shape::Bar(shape) => shape.field(place),
            Shape::CutPowerLaw(shape) => shape.field(place),
            Shape::Galaxy(shape) => shape.field(place),
        }
    }

    /// Whether a rotation about the z axis changes the potential.
    fn is_axisymmetric(&self) -> bool {
        match self {
            Shape::Bar(_) => false,
            Shape::Logarithmic(shape) => shape.ratios[0] == 1.0,
            _ => true,
        }
    }
}

/// Rotation of a potential about the z axis through its centre.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rotation {
    /// Angle of its x axis at time 0 [rad].
    pub angle: f64,
    /// Angular speed [1/T], positive from x to y.
    pub speed: f64,
}

/// A potential with its place, rotation and strength.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// The potential.
    pub shape: Shape,
    /// Motion of its centre.
    pub motion: Motion,
    /// Its rotation.
    pub rotation: Rotation,
    /// Change of its strength. `None` for full strength at all times.
    pub growth: Option<Growth>,
    /// Place in the list from which it was made, for messages.
    pub number: usize,
}

impl Component {
    /// A potential of constant strength at the origin.
    pub fn fixed(shape: Shape) -> Component {
        Component {
            shape,
            motion: Motion::Fixed([0.0; 3]),
            rotation: Rotation::default(),
            growth: None,
            number: 0,
        }
    }

    /// Whether its field does not depend on time.
    fn is_static(&self) -> bool {
        let turns = self.rotation.speed != 0.0 && !self.shape.is_axisymmetric();
        let grows = self.growth.is_some_and(|growth| growth.from != growth.to);
        self.motion.is_fixed() && !turns && !grows
    }
}

/// A sum of potentials. Empty for none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct External {
    /// Its parts.
    pub components: Vec<Component>,
}

impl External {
    /// Whether there is no potential.
    pub fn is_empty(&self) -> bool {
        self.components.is_empty()
    }

    /// Whether the field does not depend on time. Only then a body in it keeps its energy.
    pub fn is_static(&self) -> bool {
        self.components.iter().all(Component::is_static)
    }

    /// The field at a time [T].
    pub fn at(&self, time: f64) -> Moment<'_> {
        let place = |component: &'_ Component| {
            let Rotation { angle, speed } = component.rotation;
            let angle = angle + speed * time;
            (
                component.motion.place(time),
                (angle != 0.0 && !component.shape.is_axisymmetric()).then(|| sin_cos(angle)),
                component.growth.map(|growth| growth.strength(time)),
            )
        };
        let parts = self.components.iter().map(|component| {
            let (centre, turn, strength) = place(component);
            Placed { shape: &component.shape, centre, turn, strength }
        });
        Moment { parts: parts.collect() }
    }
}

/// Potentials at one time.
#[derive(Clone, Debug)]
pub struct Moment<'a> {
    parts: Vec<Placed<'a>>,
}

/// A potential at its place.
#[derive(Clone, Debug)]
struct Placed<'a> {
    shape: &'a Shape,
    centre: [f64; 3],
    /// Sine and cosine of the rotation, if there is one.
    turn: Option<(f64, f64)>,
    strength: Option<f64>,
}

impl Placed<'_> {
    /// The field at a place relative to the centre.
    fn field(&self, place: [f64; 3]) -> Field {
        let mut field = match self.turn {
            None => self.shape.field(place),
            Some((sin, cos)) => {
                let [x, y, z] = place;
                let mut field = self.shape.field([cos * x + sin * y, cos * y - sin * x, z]);
                let [x, y, z] = field.acceleration;
                field.acceleration = [cos * x - sin * y, cos * y + sin * x, z];
                field
            }
        };
        if let Some(strength) = self.strength {
            field.potential *= strength;
            field.acceleration = field.acceleration.map(|a| a * strength);
        }
        field
    }

    fn relative(&self, place: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|axis| place[axis] - self.centre[axis])
    }
}

impl Moment<'_> {
    /// Whether there is no potential.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The field at a place [L].
    pub fn field(&self, place: [f64; 3]) -> Field {
        let mut sum = Field::default();
        self.parts.iter().for_each(|part| sum.add(&part.field(part.relative(place))));
        sum
    }

    /// The time [T] in which tides change the orbit of a body at a place: the inverse root of the
    /// Frobenius norm of the tidal field, each potential by itself. At a point mass it is 0.64 of
    /// radius / circular speed. Unlike times that follow from potentials or accelerations, it
    /// depends neither on the zero of a potential nor on a common acceleration. Infinite without
    /// potentials.
    pub fn tidal_time(&self, place: [f64; 3]) -> f64 {
        let mut shortest = f64::INFINITY;
        for part in &self.parts {
            let place = part.relative(place);
            let step = DIFFERENCE * norm(place);
            if step == 0.0 {
                continue; // the next place has a time
            }
            let here = part.field(place).acceleration;
            let mut square = 0.0;
            for axis in 0..3 {
                let mut beside = place;
                beside[axis] += step;
                let there = part.field(beside).acceleration;
                square += (0..3).map(|i| (there[i] - here[i]).powi(2)).sum::<f64>();
            }
            shortest = shortest.min((step / square.sqrt()).sqrt());
        }
        shortest
    }

    /// Changes the velocities of bodies by the acceleration over the duration that `duration` gives
    /// for the rung of each [T], `None` to leave it as it is.
    pub fn kick(&self, bodies: &mut Bodies, duration: impl Fn(u8) -> Option<f64> + Sync) {
        if self.is_empty() {
            return;
        }
        let Bodies { pos: [x, y, z], vel: [u, v, w], rung, .. } = bodies;
        let velocities = (u.par_chunks_mut(SPAN), v.par_chunks_mut(SPAN), w.par_chunks_mut(SPAN));
        let places = (x.par_chunks(SPAN), y.par_chunks(SPAN), z.par_chunks(SPAN));
        (velocities.into_par_iter(), places.into_par_iter(), rung.par_chunks(SPAN)).into_par_iter().for_each(
            |((u, v, w), (x, y, z), rung)| {
                for i in 0..rung.len() {
                    let Some(duration) = duration(rung[i]) else { continue };
                    let [a, b, c] = self.field([x[i], y[i], z[i]]).acceleration;
                    u[i] += a * duration;
                    v[i] += b * duration;
                    w[i] += c * duration;
                }
            },
        );
    }

    /// Adds this field to the accelerations and potentials of bodies, for files.
    pub fn add_to(&self, bodies: &mut Bodies) {
        let fields: Vec<Field> =
            (0..bodies.len()).into_par_iter().map(|i| self.field(bodies.position(i))).collect();
        for (i, field) in fields.iter().enumerate() {
            bodies.pot[i] += field.potential;
            (0..3).for_each(|axis| bodies.acc[axis][i] += field.acceleration[axis]);
        }
    }
}

#[cfg(test)]
mod tests;
