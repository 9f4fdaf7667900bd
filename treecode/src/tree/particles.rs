//! Bodies as the kernels read them: in single precision, relative to the reference of their leaf.
//! The reference is the leaf's centre of mass, rounded as in its tile. So a tight clump in a large
//! cell loses no precision.

use crate::message::{pack, take, unpack};
use crate::walk::split::for_each_part;
use crate::{Bodies, Frame, kernel::softening::Softened, tree::index};

/// The particles of a leaf, as a range of [`Particles`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// The origin of their positions, in length units of the [`Frame`].
    pub(crate) reference: [f64; 3],
}

impl Leaf {
    /// The vector to add to positions about the reference, to get positions about `centre`.
    #[inline(always)]
    pub(crate) fn shift(&self, centre: [f64; 3]) -> [f32; 3] {
        std::array::from_fn(|axis| (self.reference[axis] - centre[axis]) as f32)
    }
}

/// Bodies of leaves in units of a [`Frame`]. The bodies of one leaf are adjacent. Local bodies come
/// first, in key order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Particles {
    /// Position relative to the reference of the leaf, and mass.
    pub(crate) bodies: Vec<[f32; 4]>,
    /// The number from which the softening of a pair follows: see [`Softened::particle_term`]. Empty
    /// if nothing is softened.
    pub(crate) term: Vec<f32>,
}

impl Particles {
    /// Particles for all local bodies, with positions and masses still zero.
    pub(crate) fn new(bodies: &Bodies, softened: &Softened) -> Particles {
        let term = if softened.none {
            Vec::new()
        } else {
            bodies.kind.iter().map(|&kind| softened.particle_term(kind)).collect()
        };
        Particles { bodies: vec![[0.0; 4]; bodies.len()], term }
    }

    /// Sets the positions and masses of all local bodies, given the leaves in key order.
    pub(crate) fn place(&mut self, frame: &Frame, bodies: &Bodies, leaves: &[Leaf]) {
        for_each_part(
            leaves,
            &|leaf| leaf.first as usize..(leaf.first + leaf.count) as usize,
            0,
            &mut self.bodies[..],
            &|leaf, particles| {
                for (particle, i) in particles.iter_mut().zip(leaf.first as usize..) {
                    let position = frame.position(bodies, i);
                    let [x, y, z] =
                        std::array::from_fn(|axis| (position[axis] - leaf.reference[axis]) as f32);
                    *particle = [x, y, z, frame.mass_of(bodies, i) as f32];
                }
            },
            &|(), ()| (),
        );
    }

    /// Removes all but the local bodies.
    pub(crate) fn truncate(&mut self, local: usize) {
        self.bodies.truncate(local);
        self.term.truncate(local);
    }

    /// Appends the particles of a leaf to a message.
    pub(crate) fn write(&self, first: u32, count: u32, message: &mut Vec<u8>) {
        message.extend_from_slice(bytemuck::bytes_of(&count));
        let range = first as usize..(first + count) as usize;
        let bodies = &self.bodies[range.clone()];
        bodies.iter().for_each(|body| message.extend_from_slice(bytemuck::cast_slice(&body[..3])));
        pack(bodies.iter().map(|body| body[3]), message);
        if !self.term.is_empty() {
            pack(self.term[range].iter().copied(), message);
        }
    }

    /// Removes the particles of a leaf from the front of a message and stores them. Returns the
    /// first index and the number of particles.
    pub(crate) fn read(&mut self, message: &mut &[u8], softened: &Softened) -> (u32, u32) {
        let (first, count) = (self.bodies.len(), take::<u32>(message));
        self.bodies.extend((0..count).map(|_| {
            let [x, y, z] = take(message);
            [x, y, z, 0.0]
        }));
        unpack(self.bodies[first..].iter_mut().map(|body| &mut body[3]), message);
        if !softened.none {
            self.term.resize(self.bodies.len(), 0.0);
            unpack(self.term[first..].iter_mut(), message);
        }
        index::body(self.bodies.len());
        (first as u32, count)
    }
}
