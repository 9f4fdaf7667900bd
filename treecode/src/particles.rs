//! Bodies as the kernels read them: single precision, relative to the reference of their leaf (its centre of mass, rounded), so
//! that a tight clump in a wide cell loses nothing.

use crate::parts::for_each_part;
use crate::summary::take;
use crate::{Bodies, Frame, softening::Softened};

/// Where the particles of a leaf are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// What their positions are relative to, in length units of the [`Frame`].
    pub(crate) reference: [f64; 3],
}

/// Bodies of leaves in the units of a [`Frame`]; the bodies of one leaf lie together. Local bodies come first, in key order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Particles {
    /// Position about the reference of the leaf.
    pub(crate) pos: [Vec<f32>; 3],
    pub(crate) mass: Vec<f32>,
    /// What the softening combines for a pair: see [`Softened::pair_term`].
    pub(crate) term: Vec<f32>,
}

impl Particles {
    /// The particles of all local bodies; leaves in key order.
    pub(crate) fn new(frame: &Frame, bodies: &Bodies, softened: &Softened, leaves: &[Leaf]) -> Particles {
        let zeros = || vec![0f32; bodies.len()];
        let mut particles = Particles { pos: [zeros(), zeros(), zeros()], mass: zeros(), term: zeros() };
        let Particles { pos: [x, y, z], mass, term } = &mut particles;
        for_each_part(
            leaves,
            &|leaf| leaf.first as usize..(leaf.first + leaf.count) as usize,
            0,
            [&mut x[..], y, z, mass, term],
            &|leaf, [x, y, z, mass, term]| {
                let first = leaf.first as usize;
                for k in 0..x.len() {
                    let position = frame.position(bodies, first + k);
                    x[k] = (position[0] - leaf.reference[0]) as f32;
                    y[k] = (position[1] - leaf.reference[1]) as f32;
                    z[k] = (position[2] - leaf.reference[2]) as f32;
                    mass[k] = (bodies.mass[first + k] / frame.mass) as f32;
                    term[k] = softened.pair_term(bodies.kind[first + k]);
                }
            },
            &|(), ()| (),
        );
        particles
    }

    /// Number of particles.
    pub(crate) fn len(&self) -> usize {
        self.mass.len()
    }

    fn arrays(&self) -> [&Vec<f32>; 5] {
        let [x, y, z] = &self.pos;
        [x, y, z, &self.mass, &self.term]
    }

    /// Appends the particles of a leaf to a message.
    pub(crate) fn write(&self, first: u32, count: u32, message: &mut Vec<u8>) {
        message.extend_from_slice(bytemuck::bytes_of(&count));
        for array in self.arrays() {
            message.extend_from_slice(bytemuck::cast_slice(&array[first as usize..(first + count) as usize]));
        }
    }

    /// Takes the particles of a leaf from the front of a message; where they are now.
    pub(crate) fn read(&mut self, message: &mut &[u8]) -> (u32, u32) {
        let (first, count) = (self.len() as u32, take::<u32>(message));
        let Particles { pos: [x, y, z], mass, term } = self;
        for array in [x, y, z, mass, term] {
            array.extend((0..count).map(|_| take::<f32>(message)));
        }
        (first, count)
    }
}
