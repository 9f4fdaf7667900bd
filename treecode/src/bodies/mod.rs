//! The state of the simulation: bodies as structures of arrays.
//!
//! Invariant, checked by [`Bodies::assert_well_formed`]: all arrays hold the same number of bodies.

pub(crate) mod active;
pub(crate) mod columns;
mod permute;
pub(crate) mod radix;
pub(crate) mod sort;
pub(crate) mod survey;
pub(crate) mod typical;

use crate::{Cube, Domain, Error};
use bytemuck::Zeroable;
use columns::{About, Column, FIXED, with_array};
use rayon::prelude::*;

/// Number of particle types, as in GADGET: 0 gas, 1 halo, 2 disc, 3 bulge, 4 stars, 5 other.
pub const TYPES: usize = 6;

/// Bodies as structures of arrays, with one entry per body. `L`, `M`, `T` are the units of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bodies {
    /// Name of a body, normally unique. It stays with the body.
    pub id: Vec<u64>,
    /// Particle type, below [`TYPES`].
    pub kind: Vec<u8>,
    /// Mass [M], 0 or above. A body of mass 0 is a tracer: it feels gravity and does not attract.
    pub mass: Vec<f64>,
    /// Position [L] in physical units: x, y, z.
    pub pos: [Vec<f64>; 3],
    /// Velocity [L/T]: x, y, z.
    pub vel: [Vec<f64>; 3],
    /// Acceleration in the last evaluation [L/T^2]; zero before the first.
    pub acc: [Vec<f64>; 3],
    /// Specific potential in the last evaluation [L^2/T^2]; zero before the first.
    pub pot: Vec<f64>,
    /// Work in the last evaluation, in interactions; zero before the first. It is used for load
    /// balance and does not change results.
    pub work: Vec<f32>,
    /// Rung of the body's timestep: the longest timestep divided by `2^rung`. An evaluation may
    /// compute the finer rungs only.
    pub rung: Vec<u8>,
    /// Length of the change of the acceleration [L/T^2] in the last evaluation that computed
    /// changes. The caller reads it at once: it does not travel with the body.
    pub change: Vec<f32>,
    /// Further columns; see [`Bodies::add_column`].
    columns: Vec<Column>,
}

impl Bodies {
    /// Bodies with these masses [M], positions [L] and velocities [L/T]. Their ids are 0, 1, 2 and
    /// so on, their type is 1.
    ///
    /// # Errors
    /// [`Error::Length`] if the arrays differ in length. [`Error::Body`] if a mass is negative
    /// or not finite, or a coordinate is not finite.
    pub fn new(mass: Vec<f64>, pos: [Vec<f64>; 3], vel: [Vec<f64>; 3]) -> Result<Bodies, Error> {
        let expected = mass.len();
        let lengths = pos.iter().map(|x| ("pos", x.len())).chain(vel.iter().map(|v| ("vel", v.len())));
        for (what, found) in lengths {
            if found != expected {
                return Err(Error::Length { what, found, expected });
            }
        }
        let bodies = Bodies { mass, pos, vel, ..Bodies::zeroed(expected) };
        bodies.check()?;
        Ok(bodies)
    }

    /// `n` bodies with ids 0 to n - 1 and type 1. All other values are zero.
    pub fn zeroed(n: usize) -> Bodies {
        let mut bodies = Bodies::default();
        bodies.id.resize(n, 0);
        bodies.fill_up();
        bodies.id.iter_mut().zip(0..).for_each(|(id, i)| *id = i);
        bodies.kind.fill(1);
        bodies
    }

    /// The number of bodies that have mass, and so attract others.
    pub fn massive(&self) -> usize {
        self.mass.par_iter().with_min_len(1 << 14).filter(|mass| **mass > 0.0).count()
    }

    /// The number of bodies.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there are no bodies.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Moves the bodies of a periodic box that have left it to their images inside it.
    pub fn wrap(&mut self, domain: Domain) {
        const SPAN: usize = 1 << 14;
        if domain.is_periodic() {
            let wrap = |x: &mut f64| *x = domain.wrap(*x);
            self.pos.par_iter_mut().for_each(|axis| axis.par_iter_mut().with_min_len(SPAN).for_each(wrap));
        }
    }

    /// Moves the bodies of a periodic box to their images in a cube of its size, the corner of which
    /// is from -side/2 to 0 on each axis. [`Bodies::wrap`] moves them back to the same bits: a
    /// difference of two numbers within a factor of two is exact.
    pub fn wrap_into(&mut self, domain: Domain, cube: &Cube) {
        self.wrap(domain);
        let Domain::Periodic { side } = domain else { return };
        for (axis, corner) in self.pos.iter_mut().zip(cube.corner) {
            let enter = |x: &mut f64| *x = if *x - side >= corner { *x - side } else { *x };
            axis.par_iter_mut().with_min_len(1 << 14).for_each(enter);
        }
    }

    /// Position of body `i` [L].
    pub fn position(&self, i: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.pos[axis][i])
    }

    /// Velocity of body `i` [L/T].
    pub fn velocity(&self, i: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.vel[axis][i])
    }

    /// Acceleration of body `i` in the last evaluation [L/T^2].
    pub fn acceleration(&self, i: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.acc[axis][i])
    }

    /// Appends the bodies of `other`, in their order.
    ///
    /// # Panics
    /// If `other` has other columns, unless `self` has no bodies and no columns yet.
    pub fn append(&mut self, other: &Bodies) {
        self.append_range(other, 0..other.len());
    }

    /// Appends the bodies of `range` of `other`, in their order.
    ///
    /// # Panics
    /// If the range reaches beyond the bodies, or as [`Bodies::append`].
    pub fn append_range(&mut self, other: &Bodies, range: std::ops::Range<usize>) {
        self.adopt(other.columns.iter().map(|column| column.about().clone()).collect());
        for ((_, _, mine), (_, width, _, theirs)) in self.arrays_mut().zip(other.arrays()) {
            let stride = width * theirs.number_bytes();
            let theirs = &theirs.bytes()[range.start * stride..range.end * stride];
            with_array!(mine, mine => mine.extend_from_slice(bytemuck::cast_slice(theirs)));
        }
    }

    /// Adds these columns if there are no bodies and no columns yet. Otherwise checks that the
    /// columns are the same.
    fn adopt(&mut self, abouts: Vec<About>) {
        if self.is_empty() && self.columns.is_empty() {
            abouts.into_iter().for_each(|about| self.add_column(about));
        } else {
            let same = self.columns.iter().map(Column::about).eq(&abouts);
            assert!(same, "the columns of a message are not those of the bodies");
        }
    }

    /// Allocates memory for `more` bodies.
    ///
    /// # Errors
    /// If the memory cannot be allocated.
    pub fn try_reserve(&mut self, more: usize) -> Result<(), std::collections::TryReserveError> {
        self.arrays_mut().try_for_each(
            |(width, _, array)| with_array!(array, array => array.try_reserve_exact(more * width)),
        )
    }

    /// Fills missing values at the ends of arrays with zeros. A reader appends the columns that its
    /// file has, and the ids, then calls this function.
    pub fn fill_up(&mut self) {
        let n = self.len();
        for (width, _, array) in self.arrays_mut() {
            with_array!(array, array => array.resize(n * width, Zeroable::zeroed()));
        }
    }

    /// Keeps only the bodies of `range`.
    pub fn keep(&mut self, range: std::ops::Range<usize>) {
        for (width, _, array) in self.arrays_mut() {
            with_array!(array, array => {
                array.truncate(range.end * width);
                array.drain(..range.start * width);
            });
        }
    }

    /// Appends the bodies of `range` to a message, with all columns.
    ///
    /// # Panics
    /// If the range reaches beyond the bodies.
    pub fn write(&self, range: std::ops::Range<usize>, message: &mut Vec<u8>) {
        message.extend_from_slice(&(range.len() as u64).to_ne_bytes());
        columns::write_abouts(&self.columns, message);
        for (_, width, _, array) in self.arrays() {
            let stride = width * array.number_bytes();
            message.extend_from_slice(&array.bytes()[range.start * stride..range.end * stride]);
        }
    }

    /// Appends the bodies of a message that [`Bodies::write`] wrote.
    ///
    /// # Panics
    /// If the message is damaged, or its bodies have other columns than these bodies, unless there is no body yet.
    pub fn read(&mut self, message: &[u8]) {
        assert!(self.try_read(message).is_some(), "a message of bodies is damaged");
    }

    /// Appends the bodies of a message that [`Bodies::write`] wrote. Returns `None`, and appends nothing, if its length is wrong.
    ///
    /// # Panics
    /// If its bodies have other columns than these bodies, unless there is no body yet.
    #[must_use]
    pub fn try_read(&mut self, message: &[u8]) -> Option<()> {
        let (count, mut message) = message.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_ne_bytes(*count)).ok()?;
        let abouts = columns::read_abouts(&mut message)?;
        let fixed = FIXED.iter().map(|(_, number, ..)| number.bytes());
        let added = abouts.iter().map(|about| about.width * about.number.bytes());
        let length = count.checked_mul(fixed.chain(added).sum())?;
        if message.len() != length {
            return None;
        }
        self.adopt(abouts);
        for (width, _, array) in self.arrays_mut() {
            with_array!(array, array => extend(array, count * width, &mut message));
        }
        Some(())
    }

    /// Checks the lengths of all arrays, and that every type is below [`TYPES`].
    ///
    /// # Panics
    /// If one of them is wrong.
    pub fn assert_well_formed(&self) {
        let n = self.len();
        for (name, width, _, array) in self.arrays() {
            assert_eq!(array.len(), n * width, "column `{name}` has another length than the ids");
        }
        assert!(self.kind.iter().all(|&kind| usize::from(kind) < TYPES), "a particle type is out of range");
    }
}

/// Removes `count` values from the front of a message and appends them.
fn extend<T: bytemuck::Pod>(array: &mut Vec<T>, count: usize, message: &mut &[u8]) {
    let (head, rest) = message.split_at(count * size_of::<T>());
    *message = rest;
    let start = array.len();
    array.resize(start + count, T::zeroed());
    bytemuck::cast_slice_mut(&mut array[start..]).copy_from_slice(head);
}
