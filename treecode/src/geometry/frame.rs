//! The units of the tree: the cube is [`Frame::SIDE`] long, and the total mass is about one.
//!
//! A cell at level 21 then has side 2^-11. Moments and derivatives up to high order stay within the
//! exponent range of single precision at every level. Both units are powers of two (in L and M), so
//! that multiplying by them, or dividing, rounds nothing.

use crate::bodies::typical::typical_acceleration;
use crate::{Bodies, Cube, Gravity, Key};

/// Units of the tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// The cube around all bodies of all ranks.
    pub cube: Cube,
    /// Length unit [L].
    pub length: f64,
    /// Mass unit [M].
    pub mass: f64,
    /// Least acceleration that the relative criterion uses, in units of this frame.
    pub(crate) floor: f64,
    per_length: f64,
    per_mass: f64,
}

/// Least acceleration that the relative criterion uses, in units of G mass / side^2 of the cube, or
/// of the typical acceleration in a periodic box. Only bodies near the middle of a system, where
/// the acceleration vanishes, have less.
const ACCELERATION_FLOOR: f64 = 0.1;

impl Frame {
    /// Side of the cube in length units.
    pub const SIDE: f64 = 1024.0;

    /// The units for a cube and an upper bound of the total mass [M]. If it is 0, the unit of mass
    /// is 1.
    pub fn new(cube: Cube, mass_bound: f64) -> Frame {
        let bound = if mass_bound > 0.0 { mass_bound } else { 1.0 };
        let mass = 2f64.powi(crate::math::log2(bound).ceil() as i32);
        let length = cube.side / Self::SIDE;
        let floor = ACCELERATION_FLOOR / (Self::SIDE * Self::SIDE);
        Frame { cube, length, mass, floor, per_length: 1.0 / length, per_mass: 1.0 / mass }
    }

    /// The same units with the floor of the relative criterion for these bodies, given their number
    /// and the sum of [`Bodies::sum_for_typical`] over all of them. In a periodic box that is
    /// nearly uniform, the accelerations of all bodies are a small fraction of G mass / side^2.
    /// There the floor is a fraction of the typical acceleration.
    #[must_use]
    pub fn for_bodies(mut self, gravity: &Gravity, sum: u64, count: u64) -> Frame {
        if gravity.domain.is_periodic() && sum > 0 {
            let typical = typical_acceleration(sum, count);
            self.floor = ACCELERATION_FLOOR * typical / self.acceleration(gravity.constant);
        }
        self
    }

    /// Position of body `i` in length units, from the cube's corner.
    #[inline]
    pub fn position(&self, bodies: &Bodies, i: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.coordinate(axis, bodies.pos[axis][i]))
    }

    /// A coordinate [L] in length units, from the cube's corner.
    #[inline(always)]
    pub(crate) fn coordinate(&self, axis: usize, x: f64) -> f64 {
        (x - self.cube.corner[axis]) * self.per_length
    }

    /// Factor that converts a mass [M] to mass units.
    #[inline(always)]
    pub(crate) fn per_mass(&self) -> f64 {
        self.per_mass
    }

    /// Mass of body `i` in mass units.
    #[inline]
    pub fn mass_of(&self, bodies: &Bodies, i: usize) -> f64 {
        bodies.mass[i] * self.per_mass
    }

    /// Side of a cell at `level`, in length units.
    pub fn cell_side(level: u32) -> f64 {
        Self::SIDE / f64::from(1u32 << level)
    }

    /// Centre of a cell in length units, from the cube's corner.
    pub fn centre(key: Key) -> [f64; 3] {
        let side = Self::cell_side(key.level());
        key.place().map(|place| (f64::from(place) + 0.5) * side)
    }

    /// Acceleration unit [L/T^2] for a gravitational constant [L^3/(M T^2)].
    pub fn acceleration(&self, constant: f64) -> f64 {
        constant * self.mass / (self.length * self.length)
    }

    /// Unit of the specific potential [L^2/T^2] for a gravitational constant [L^3/(M T^2)].
    pub fn potential(&self, constant: f64) -> f64 {
        constant * self.mass / self.length
    }
}
