//! The state of the simulation: bodies as structures of arrays.
//!
//! Invariant: all arrays have the same length; [`Bodies::assert_well_formed`] says so.

pub(crate) mod active;
mod permute;
pub(crate) mod radix;
pub(crate) mod sort;
pub(crate) mod survey;

use crate::Error;

/// Number of particle types, as in GADGET: 0 gas, 1 halo, 2 disc, 3 bulge, 4 stars, 5 other.
pub const TYPES: usize = 6;

/// Bodies, each array with one entry a body. `L`, `M`, `T` are the units of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bodies {
    /// Unique and stable name of a body.
    pub id: Vec<u64>,
    /// Particle type, below [`TYPES`].
    pub kind: Vec<u8>,
    /// Mass [M], positive.
    pub mass: Vec<f64>,
    /// Position [L].
    pub pos: [Vec<f64>; 3],
    /// Velocity [L/T].
    pub vel: [Vec<f64>; 3],
    /// Acceleration of the last evaluation [L/T^2]; zero before the first.
    pub acc: [Vec<f64>; 3],
    /// Specific potential of the last evaluation [L^2/T^2]; zero before the first.
    pub pot: Vec<f64>,
    /// Work of the last evaluation, in interactions; zero before the first. It moves rank boundaries, never results.
    pub work: Vec<f32>,
    /// Rate at which the acceleration changed over the body's last step, its length [L/T^3]. An evaluation that is asked for changes leaves the
    /// change itself here [L/T^2], for the integrator to divide by the step.
    pub jerk: Vec<f32>,
    /// Time step that it needed when it last chose one [T]; zero before.
    pub needed: Vec<f32>,
    /// Rung of its time step, which is the longest step over `2^rung`.
    pub rung: Vec<u8>,
}

/// Calls a macro-like closure on every array of one or several `Bodies`: the one place that lists them all.
macro_rules! each_array {
    ($bodies:expr, $array:ident => $body:expr) => {{
        #[rustfmt::skip]
        let Bodies { id, kind, mass, pos: [x, y, z], vel: [u, v, w], acc: [ax, ay, az], pot, work, jerk, needed, rung } = $bodies;
        each_array!(@ $array, $body, id, kind, mass, x, y, z, u, v, w, ax, ay, az, pot, work, jerk, needed, rung)
    }};
    (@ $array:ident, $body:expr, $($name:ident),*) => {{ $({ let $array = $name; $body; })* }};
}

impl Bodies {
    /// Bodies of these masses [M], positions [L] and velocities [L/T], with ids 0, 1, 2 and so on, of type 1.
    ///
    /// # Errors
    /// [`Error::Length`] if the arrays differ in length; [`Error::Body`] if a mass is not above 0 and finite, or a coordinate is not
    /// finite.
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

    /// `n` bodies with ids 0 to n - 1, of type 1, all else zero.
    pub fn zeroed(n: usize) -> Bodies {
        let mut bodies = Bodies::default();
        each_array!(&mut bodies, array => array.resize(n, Default::default()));
        bodies.id.iter_mut().zip(0..).for_each(|(id, i)| *id = i);
        bodies.kind.fill(1);
        bodies
    }

    /// How many bodies there are.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
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
    pub fn append(&mut self, other: &Bodies) {
        macro_rules! extend { ($($field:ident),*) => { $(self.$field.extend_from_slice(&other.$field);)* } }
        extend!(id, kind, mass, pot, work, jerk, needed, rung);
        for axis in 0..3 {
            self.pos[axis].extend_from_slice(&other.pos[axis]);
            self.vel[axis].extend_from_slice(&other.vel[axis]);
            self.acc[axis].extend_from_slice(&other.acc[axis]);
        }
    }

    /// Zeros for what is not there of the last bodies: a reader appends to the arrays that it has numbers for, the ids among them.
    pub fn fill_up(&mut self) {
        let n = self.len();
        each_array!(self, array => array.resize(n, Default::default()));
    }

    /// Keeps only the bodies of `range`.
    pub fn keep(&mut self, range: std::ops::Range<usize>) {
        each_array!(self, array => { array.truncate(range.end); array.drain(..range.start); });
    }

    /// Appends the bodies of `range` to a message.
    pub fn write(&self, range: std::ops::Range<usize>, message: &mut Vec<u8>) {
        message.extend_from_slice(&(range.len() as u64).to_ne_bytes());
        each_array!(self, array => message.extend_from_slice(bytemuck::cast_slice(&array[range.clone()])));
    }

    /// Appends the bodies of a message that [`Bodies::write`] wrote.
    pub fn read(&mut self, mut message: &[u8]) {
        let count = crate::message::take::<u64>(&mut message) as usize;
        each_array!(self, array => extend(array, count, &mut message));
        assert!(message.is_empty(), "a message of bodies has another length than it says");
    }

    /// Panics unless all arrays have one length and every type is below [`TYPES`].
    pub fn assert_well_formed(&self) {
        let n = self.len();
        each_array!(self, array => assert_eq!(array.len(), n, "an array of bodies has another length than the ids"));
        assert!(self.kind.iter().all(|&kind| usize::from(kind) < TYPES), "a particle type is out of range");
    }
}

/// Appends `count` values from the front of a message.
fn extend<T: bytemuck::Pod>(array: &mut Vec<T>, count: usize, message: &mut &[u8]) {
    let (head, rest) = message.split_at(count * size_of::<T>());
    *message = rest;
    let start = array.len();
    array.resize(start + count, T::zeroed());
    bytemuck::cast_slice_mut(&mut array[start..]).copy_from_slice(head);
}
