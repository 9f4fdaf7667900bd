//! The properties of a cell in double precision. They are computed upward, child by child in octant
//! order, also above the boundaries between ranks.

use crate::kernel::simd::{LANES, Lanes, Path, Task, dispatch};
use crate::{Bodies, Bounds, Expansion, Frame, kernel::softening::Softened, message::take};
use std::marker::PhantomData;
use std::ops::Range;

/// Properties of a cell's bodies, in units of a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary<M> {
    /// Number of bodies.
    pub count: u64,
    /// Mass.
    pub mass: f64,
    /// Centre of mass. Without mass, the middle of the box around the bodies.
    pub com: [f64; 3],
    /// Bounds of the positions of the bodies, and of their properties as sinks.
    pub extent: Extent,
    /// Upper bound of the distance of a body from the centre of mass.
    pub radius: f64,
    /// Mean of the squared Plummer softening length, weighted by mass. Without mass, by number.
    pub softening2: f64,
    /// Moments about the centre of mass.
    pub moments: M,
}

/// Bounds of the positions of bodies and of their properties as sinks. These are minima and maxima,
/// so the order of the bodies does not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    /// The box around the bodies.
    pub bounds: Bounds,
    /// Least acceleration of a body in the last evaluation [L/T^2].
    pub min_acc: f64,
    /// Least and greatest distance at which the softening of one of the bodies acts.
    pub reach: [f64; 2],
}

impl Extent {
    /// The extent of no bodies.
    pub(crate) const NOTHING: Extent =
        Extent { bounds: Bounds::NOTHING, min_acc: f64::INFINITY, reach: [f64::INFINITY, 0.0] };

    /// The extent of a range of bodies.
    pub(crate) fn of(frame: &Frame, bodies: &Bodies, softened: &Softened, range: Range<usize>) -> Extent {
        let mut extent = range.fold(Extent::NOTHING, |extent, i| {
            let x = frame.position(bodies, i);
            let min_acc = square(bodies.acceleration(i));
            extent.and(&Extent { bounds: Bounds::at(x), min_acc, reach: [softened.reach(bodies.kind[i]); 2] })
        });
        extent.min_acc = extent.min_acc.sqrt();
        extent
    }

    /// The extent of two sets of bodies together.
    pub(crate) fn and(&self, other: &Extent) -> Extent {
        Extent {
            bounds: self.bounds.and(&other.bounds),
            min_acc: self.min_acc.min(other.min_acc),
            reach: [self.reach[0].min(other.reach[0]), self.reach[1].max(other.reach[1])],
        }
    }

    /// Whether the softening of all bodies acts at the same distance.
    pub(crate) fn is_of_one_reach(&self) -> bool {
        self.reach[0] >= self.reach[1]
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
    pub(crate) fn write(&self, message: &mut Vec<u8>) {
        let ([a, b, c], extent) = (self.com, &self.extent);
        let [d, e, f, g, h, i] = extent.bounds.to_array();
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
            extent.reach[0],
            extent.reach[1],
            self.softening2,
        ];
        message.extend_from_slice(bytemuck::bytes_of(&self.count));
        message.extend_from_slice(bytemuck::cast_slice(&head));
        message.extend_from_slice(bytemuck::bytes_of(&self.moments));
    }

    /// Removes a summary from the front of a message and returns it.
    pub(crate) fn read(message: &mut &[u8]) -> Self {
        let count = take::<u64>(message);
        let [mass, a, b, c, d, e, f, g, h, i, radius, min_acc, least, greatest, softening2] =
            take::<[f64; 15]>(message);
        let (com, bounds) = ([a, b, c], Bounds::from([d, e, f, g, h, i]));
        let extent = Extent { bounds, min_acc, reach: [least, greatest] };
        Summary { count, mass, com, extent, radius, softening2, moments: take(message) }
    }
}

/// The values that are computed upward in addition to mass and place.
pub(crate) trait Rise {
    /// Moments of one cell about its centre of mass.
    type Moments: bytemuck::Pod;
    /// Whether the least acceleration of the bodies is computed.
    const ACCELERATION: bool;
    /// Moments of bodies about a centre, eight at a time, as in [`Expansion::of_bodies`].
    fn of_bodies<L: Lanes>(bodies: impl Iterator<Item = ([L; 3], L)>) -> Self::Moments;
    /// Adds moments about another centre, as in [`Expansion::add_shifted`].
    fn add_shifted(sum: &mut Self::Moments, moments: &Self::Moments, offset: [f64; 3]);
}

impl<E: Expansion> Rise for E {
    type Moments = E::Moments;
    const ACCELERATION: bool = true;

    #[inline(always)]
    fn of_bodies<L: Lanes>(bodies: impl Iterator<Item = ([L; 3], L)>) -> Self::Moments {
        <E as Expansion>::of_bodies(bodies)
    }
    #[inline(always)]
    fn add_shifted(sum: &mut Self::Moments, moments: &Self::Moments, offset: [f64; 3]) {
        <E as Expansion>::add_shifted(sum, moments, offset);
    }
}

/// Computes the places of cells and the spread of their mass, without other moments.
pub(crate) struct Place;

/// Mass of a cell and the spread of its bodies, in units of a [`Frame`].
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(crate) struct Spread {
    pub mass: f64,
    /// `sum m r^2` about the centre of mass.
    pub second: f64,
}

impl Rise for Place {
    type Moments = Spread;
    const ACCELERATION: bool = false;

    #[inline(always)]
    fn of_bodies<L: Lanes>(bodies: impl Iterator<Item = ([L; 3], L)>) -> Spread {
        let mut sums = [L::splat(0.0); 2];
        for ([x, y, z], mass) in bodies {
            let square = x.mul_add(x, y.mul_add(y, z * z));
            sums = [sums[0] + mass, mass.mul_add(square, sums[1])];
        }
        let [mass, second] = sums.map(|sum| f64::from(sum.sum()));
        Spread { mass, second }
    }
    #[inline(always)]
    fn add_shifted(sum: &mut Spread, moments: &Spread, offset: [f64; 3]) {
        sum.mass += moments.mass;
        sum.second += moments.second + moments.mass * square(offset);
    }
}

/// Summary of the bodies of a leaf.
pub(crate) fn of_bodies<E: Expansion>(
    frame: &Frame,
    bodies: &Bodies,
    softened: &Softened,
    path: Path,
    range: Range<usize>,
) -> Summary<E::Moments> {
    let (kinds, mass) = (&bodies.kind[range.clone()], &bodies.mass[range.clone()]);
    let mut sum = dispatch(path, OfBodies::<E> { frame, bodies, range, rising: PhantomData });
    if !softened.none {
        let weight = |mass: &f64| if sum.mass > 0.0 { *mass } else { 1.0 };
        let squares = kinds.iter().zip(mass).map(|(kind, mass)| weight(mass) * softened.length2(*kind));
        sum.softening2 = squares.sum::<f64>() / mass.iter().map(weight).sum::<f64>();
        let reaches = || kinds.iter().map(|kind| softened.reach(*kind));
        sum.extent.reach = [reaches().fold(f64::INFINITY, f64::min), reaches().fold(0.0, f64::max)];
    }
    sum
}

/// Mass, place, radius and spread of the bodies of a leaf.
pub(crate) fn place_of_bodies(
    frame: &Frame,
    bodies: &Bodies,
    path: Path,
    range: Range<usize>,
) -> Summary<Spread> {
    dispatch(path, OfBodies::<Place> { frame, bodies, range, rising: PhantomData })
}

/// The task of [`of_bodies`] and [`place_of_bodies`]: all values but the softening.
struct OfBodies<'a, R> {
    frame: &'a Frame,
    bodies: &'a Bodies,
    range: Range<usize>,
    rising: PhantomData<R>,
}

impl<R: Rise> Task for OfBodies<'_, R> {
    type Output = Summary<R::Moments>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        let OfBodies { frame, bodies, range, .. } = self;
        let mass = &bodies.mass[range.clone()];
        let pos = bodies.pos.each_ref().map(|axis| &axis[range.clone()]);
        let total = fold([mass], [0.0], |[sum], [m]| [sum + m], |[a], [b]| [a + b])[0];
        let mut sum = Summary::<R::Moments>::empty();
        (sum.count, sum.mass) = (range.len() as u64, total * frame.per_mass());
        for axis in 0..3 {
            let [weighted, lo, hi] = fold(
                [mass, pos[axis]],
                [0.0, f64::INFINITY, f64::NEG_INFINITY],
                |[sum, lo, hi], [m, x]| [sum + m * x, least(lo, x), greatest(hi, x)],
                |[a, b, c], [d, e, f]| [a + d, least(b, e), greatest(c, f)],
            );
            let centre = if sum.mass > 0.0 { weighted / total } else { 0.5 * lo + 0.5 * hi };
            [sum.com[axis], sum.extent.bounds.lo[axis], sum.extent.bounds.hi[axis]] =
                [centre, lo, hi].map(|x| frame.coordinate(axis, x));
        }
        if R::ACCELERATION {
            let [x, y, z] = bodies.acc.each_ref().map(|axis| &axis[range.clone()]);
            let [acc2] = fold(
                [x, y, z],
                [f64::INFINITY],
                |[acc2], [x, y, z]| [least(acc2, x * x + y * y + z * z)],
                |[a], [b]| [least(a, b)],
            );
            sum.extent.min_acc = acc2.sqrt();
        }
        let mut radius2 = L::splat(0.0);
        let eights = (0..range.len()).step_by(LANES).map(|from| {
            let at = |k: usize| (from + k).min(range.len() - 1);
            let offset: [L; 3] = std::array::from_fn(|axis| {
                L::load(&std::array::from_fn(|k| {
                    (frame.coordinate(axis, pos[axis][at(k)]) - sum.com[axis]) as f32
                }))
            });
            let masses = L::load(&std::array::from_fn(|k| {
                if from + k < range.len() { (mass[from + k] * frame.per_mass()) as f32 } else { 0.0 }
            }));
            let [x, y, z] = offset;
            radius2 = radius2.max(x.mul_add(x, y.mul_add(y, z * z)));
            (offset, masses)
        });
        sum.moments = R::of_bodies(eights);
        let mut lanes = [0.0; LANES];
        radius2.store(&mut lanes);
        // Room for the rounding of offsets and squares to single precision.
        sum.radius = f64::from(lanes.into_iter().fold(0.0, f32::max)).sqrt() * (1.0 + 1e-6);
        sum
    }
}

#[inline(always)]
fn least(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

#[inline(always)]
fn greatest(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// Folds columns of numbers into four partial results, so that the compiler can use vectors.
#[inline(always)]
fn fold<const N: usize, const K: usize>(
    columns: [&[f64]; N],
    start: [f64; K],
    add: impl Fn([f64; K], [f64; N]) -> [f64; K],
    join: impl Fn([f64; K], [f64; K]) -> [f64; K],
) -> [f64; K] {
    let mut sums = [start; 4];
    let fours = columns.map(|column| column.as_chunks::<4>());
    for four in 0..fours[0].0.len() {
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = add(*sum, std::array::from_fn(|n| fours[n].0[four][k]));
        }
    }
    for rest in 0..fours[0].1.len() {
        sums[rest] = add(sums[rest], std::array::from_fn(|n| fours[n].1[rest]));
    }
    let [a, b, c, d] = sums;
    join(join(a, b), join(c, d))
}

/// Summary of a cell from those of its children that hold bodies, in octant order.
pub(crate) fn of_children<'a, R: Rise>(
    children: impl Iterator<Item = &'a Summary<R::Moments>> + Clone,
) -> Summary<R::Moments> {
    let mut sum = Summary::<R::Moments>::empty();
    for child in children.clone() {
        sum.count += child.count;
        sum.mass += child.mass;
        for axis in 0..3 {
            sum.com[axis] += child.mass * child.com[axis];
        }
        sum.extent = sum.extent.and(&child.extent);
        sum.softening2 += child.mass * child.softening2;
    }
    if sum.mass > 0.0 {
        sum.com = sum.com.map(|x| x / sum.mass);
        sum.softening2 /= sum.mass;
    } else {
        let Bounds { lo, hi } = sum.extent.bounds;
        sum.com = std::array::from_fn(|axis| 0.5 * (lo[axis] + hi[axis]));
        let squares = children.clone().map(|child| child.count as f64 * child.softening2);
        sum.softening2 = squares.sum::<f64>() / sum.count as f64;
    }
    let mut radius = 0f64;
    for child in children {
        let offset = std::array::from_fn(|axis| child.com[axis] - sum.com[axis]);
        radius = radius.max(square(offset).sqrt() + child.radius);
        R::add_shifted(&mut sum.moments, &child.moments, offset);
    }
    // The box is a second bound: no body is farther than the box's farthest corner.
    let corner = std::array::from_fn(|axis| {
        (sum.extent.bounds.hi[axis] - sum.com[axis]).max(sum.com[axis] - sum.extent.bounds.lo[axis])
    });
    sum.radius = radius.min(square(corner).sqrt());
    sum
}

pub(crate) fn square(v: [f64; 3]) -> f64 {
    v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
}
