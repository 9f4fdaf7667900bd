//! What is known of a cell in double precision: it goes up the tree child by child in octant order, also above the rank boundaries.

use crate::{Bodies, Expansion, Frame, softening::Softened};
use std::ops::Range;

/// A cell's bodies in brief, in the units of a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary<M> {
    /// Number of bodies.
    pub count: u64,
    /// Mass.
    pub mass: f64,
    /// Centre of mass.
    pub com: [f64; 3],
    /// Where the bodies lie.
    pub extent: Extent,
    /// Bound of the bodies' distance from the centre of mass.
    pub radius: f64,
    /// Mean of the squared Plummer softening length, weighted by mass.
    pub softening2: f64,
    /// Moments about the centre of mass.
    pub moments: M,
}

/// Where bodies lie and what they are as sinks. Least and greatest values only: the order of the bodies does not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Lowest corner of the box around the bodies.
    pub lo: [f64; 3],
    /// Highest corner of the box around the bodies.
    pub hi: [f64; 3],
    /// Least acceleration of a body in the last evaluation [L/T^2].
    pub min_acc: f64,
    /// Greatest distance at which the softening of one of the bodies is felt.
    pub reach: f64,
}

impl Extent {
    /// Of no bodies.
    pub(crate) const NOTHING: Extent =
        Extent { lo: [f64::INFINITY; 3], hi: [f64::NEG_INFINITY; 3], min_acc: f64::INFINITY, reach: 0.0 };

    /// Of the bodies of a range.
    pub(crate) fn of(frame: &Frame, bodies: &Bodies, softened: &Softened, range: Range<usize>) -> Extent {
        let mut extent = range.fold(Extent::NOTHING, |extent, i| {
            let x = frame.position(bodies, i);
            let min_acc = square(bodies.acceleration(i));
            extent.and(&Extent { lo: x, hi: x, min_acc, reach: softened.reach(bodies.kind[i]) })
        });
        extent.min_acc = extent.min_acc.sqrt();
        extent
    }

    /// Of both.
    pub(crate) fn and(&self, other: &Extent) -> Extent {
        Extent {
            lo: std::array::from_fn(|axis| self.lo[axis].min(other.lo[axis])),
            hi: std::array::from_fn(|axis| self.hi[axis].max(other.hi[axis])),
            min_acc: self.min_acc.min(other.min_acc),
            reach: self.reach.max(other.reach),
        }
    }
}

impl<M: bytemuck::Pod> Summary<M> {
    fn empty() -> Self {
        Summary {
            count: 0,
            mass: 0.0,
            com: [0.0; 3],
            extent: Extent::NOTHING,
            radius: 0.0,
            softening2: 0.0,
            moments: M::zeroed(),
        }
    }

    /// Appends the summary to a message.
    pub fn write(&self, message: &mut Vec<u8>) {
        let ([a, b, c], extent) = (self.com, &self.extent);
        let ([d, e, f], [g, h, i]) = (extent.lo, extent.hi);
        let head = [
            self.mass,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            self.radius,
            extent.min_acc,
            extent.reach,
            self.softening2,
        ];
        message.extend_from_slice(bytemuck::bytes_of(&self.count));
        message.extend_from_slice(bytemuck::cast_slice(&head));
        message.extend_from_slice(bytemuck::bytes_of(&self.moments));
    }

    /// Takes a summary from the front of a message.
    pub fn read(message: &mut &[u8]) -> Self {
        let count = take::<u64>(message);
        let [mass, a, b, c, d, e, f, g, h, i, radius, min_acc, reach, softening2] =
            take::<[f64; 14]>(message);
        let (com, extent) = ([a, b, c], Extent { lo: [d, e, f], hi: [g, h, i], min_acc, reach });
        Summary { count, mass, com, extent, radius, softening2, moments: take(message) }
    }
}

/// Takes a value from the front of a message that one of our ranks wrote.
pub fn take<T: bytemuck::Pod>(message: &mut &[u8]) -> T {
    let (head, rest) = message.split_at(size_of::<T>());
    *message = rest;
    bytemuck::pod_read_unaligned(head)
}

/// Summary of the bodies of a leaf, summed in their order.
pub(crate) fn of_bodies<E: Expansion>(
    frame: &Frame,
    bodies: &Bodies,
    softened: &Softened,
    range: Range<usize>,
) -> Summary<E::Moments> {
    let extent = Extent::of(frame, bodies, softened, range.clone());
    let mut sum = Summary::<E::Moments> { count: range.len() as u64, extent, ..Summary::empty() };
    for i in range.clone() {
        let (x, mass) = (frame.position(bodies, i), frame.mass_of(bodies, i));
        sum.mass += mass;
        for axis in 0..3 {
            sum.com[axis] += mass * x[axis];
        }
        sum.softening2 += mass * softened.length2(bodies.kind[i]);
    }
    sum.com = sum.com.map(|x| x / sum.mass);
    sum.softening2 /= sum.mass;
    let mut radius2 = 0f64;
    for i in range {
        let (x, mass) = (frame.position(bodies, i), frame.mass_of(bodies, i));
        let offset = std::array::from_fn(|axis| x[axis] - sum.com[axis]);
        radius2 = radius2.max(square(offset));
        E::accumulate(&mut sum.moments, mass, &E::powers(offset));
    }
    sum.radius = radius2.sqrt();
    sum
}

/// Summary of a cell from those of its children, in octant order; absent children are left out.
pub(crate) fn of_children<'a, E: Expansion>(
    children: impl Iterator<Item = &'a Summary<E::Moments>> + Clone,
) -> Summary<E::Moments> {
    let mut sum = Summary::<E::Moments>::empty();
    for child in children.clone() {
        sum.count += child.count;
        sum.mass += child.mass;
        for axis in 0..3 {
            sum.com[axis] += child.mass * child.com[axis];
        }
        sum.extent = sum.extent.and(&child.extent);
        sum.softening2 += child.mass * child.softening2;
    }
    sum.com = sum.com.map(|x| x / sum.mass);
    sum.softening2 /= sum.mass;
    let mut radius = 0f64;
    for child in children {
        let offset = std::array::from_fn(|axis| child.com[axis] - sum.com[axis]);
        radius = radius.max(square(offset).sqrt() + child.radius);
        E::accumulate(&mut sum.moments, 1.0, &E::shift(&child.moments, offset));
    }
    // The box bounds the radius as well: no body is farther than the box's farthest corner.
    let corner = std::array::from_fn(|axis| {
        (sum.extent.hi[axis] - sum.com[axis]).max(sum.com[axis] - sum.extent.lo[axis])
    });
    sum.radius = radius.min(square(corner).sqrt());
    sum
}

pub(crate) fn square(v: [f64; 3]) -> f64 {
    v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
}
