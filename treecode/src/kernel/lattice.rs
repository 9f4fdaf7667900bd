//! The field of the far images of a periodic box. The walks do not visit these images.
//!
//! Lengths here are in sides of the box, from its centre. The walks visit the images of a body
//! within [`REACH`](crate::walk::images::REACH) sides. The other images have the potential
//! `C + (2 pi / 3) d^2 + sum of S_l K_l(d) for l = 4, 6, 8` at a displacement d from the body
//! (positive, without G, per unit of mass). The second term is the uniform background that makes
//! the box neutral (Hernquist, Bouchet & Suto 1991); it is exact. K_l is the cubic harmonic of
//! degree l that is 1 at (1, 0, 0). There is none of degree 2. The terms of degree 10 and above are
//! below 1e-8 for displacements up to half a side, and below 1e-5 for the largest displacement.
//!
//! Summed over bodies at places y, these polynomials in d = x - y become polynomials in x. Their
//! coefficients follow from the moments `sum m y^a / a!` of the bodies. A sink cell uses the
//! derivatives at its centre.

use crate::kernel::exact_sum::round;
use crate::kernel::simd::{LANES, Lanes, Path, Task, dispatch};
use crate::tree::structure::{Cell, Structure};
use crate::tree::summary::square;
use crate::{Bodies, Expansion, Frame};
use rayon::prelude::*;
use std::f64::consts::PI;
use std::ops::Range;

/// The highest degree of the polynomials.
const DEGREE: usize = 8;
/// The number of monomials up to that degree.
pub const TERMS: usize = (DEGREE + 1) * (DEGREE + 2) * (DEGREE + 3) / 6;

/// Sums `m x^a y^b z^c / (a! b! c!)` over bodies, with coordinates in sides of the box from its
/// centre. Sorted by degree, then by descending a, then by descending b.
pub type Moments = [f64; TERMS];

/// Constant term: the potential at a body from its own images, without those that the walks visit.
const CONSTANT: f64 = -60.024_508_034_245_684;
/// Sums `(-1)^l P_l / r^(l + 1)` over the far images, for l = 4, 6, 8. Each is the sum over all
/// images, by Ewald's method, minus the sum over the images that the walks visit.
const SUMS: [f64; 3] = [0.041_035_611_438_572_23, 9.114_364_286_133_547e-5, -1.702_036_685_358_177e-5];

/// Bodies that lie together and are all within this distance of their centre of mass, in sides, act by their
/// mass and second moments. The third moments that are left out act with less than 1e-5 of G mass / side^2
/// even if they are as large as they can be in all such groups; most of their sum cancels.
const COMPACT: f64 = 1.0 / 32.0;

/// The place of a monomial in [`Moments`].
const fn term([a, b, c]: [usize; 3]) -> usize {
    let (degree, rest) = (a + b + c, b + c);
    degree * (degree + 1) * (degree + 2) / 6 + rest * (rest + 1) / 2 + c
}

/// The exponents of each monomial.
const BASIS: [[usize; 3]; TERMS] = {
    let mut basis = [[0; 3]; TERMS];
    let mut a = 0;
    while a <= DEGREE {
        let mut b = 0;
        while a + b <= DEGREE {
            let mut c = 0;
            while a + b + c <= DEGREE {
                basis[term([a, b, c])] = [a, b, c];
                c += 1;
            }
            b += 1;
        }
        a += 1;
    }
    basis
};

/// The number of monomials up to each degree.
const NUMBER: [usize; DEGREE + 1] = {
    let mut number = [0; DEGREE + 1];
    let mut degree = 0;
    while degree <= DEGREE {
        number[degree] = (degree + 1) * (degree + 2) * (degree + 3) / 6;
        degree += 1;
    }
    number
};

/// The place of the product of two monomials, as far as it is within the degree.
static SHIFTED: [[u8; TERMS]; TERMS] = {
    let mut shifted = [[0; TERMS]; TERMS];
    let mut k = 0;
    while k < TERMS {
        let [a, b, c] = BASIS[k];
        let mut l = 0;
        while l < NUMBER[DEGREE - a - b - c] {
            let [d, e, f] = BASIS[l];
            shifted[k][l] = term([a + d, b + e, c + f]) as u8;
            l += 1;
        }
        k += 1;
    }
    shifted
};

/// For each monomial but the first: the monomial with one exponent reduced by 1, the axis of that
/// exponent, and the inverse of the exponent.
const STEPS: [(usize, usize, f64); TERMS] = {
    let mut steps = [(0, 0, 0.0); TERMS];
    let mut k = 1;
    while k < TERMS {
        let mut lower = BASIS[k];
        let axis = if lower[0] > 0 {
            0
        } else if lower[1] > 0 {
            1
        } else {
            2
        };
        let exponent = lower[axis];
        lower[axis] -= 1;
        steps[k] = (term(lower), axis, 1.0 / exponent as f64);
        k += 1;
    }
    steps
};

/// The coefficient of a monomial in the sum of `S_l K_l`.
fn coefficient(exponents: [usize; 3]) -> f64 {
    let mut sorted = exponents;
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    let [four, six, eight] = SUMS;
    match sorted {
        [4, 0, 0] => four,
        [2, 2, 0] => -3.0 * four,
        [6, 0, 0] => six,
        [4, 2, 0] => -7.5 * six,
        [2, 2, 2] => 90.0 * six,
        [8, 0, 0] => eight,
        [6, 2, 0] => -14.0 * eight,
        [4, 4, 0] => 35.0 * eight,
        _ => 0.0,
    }
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// The moments of the bodies of a rank, as multiples of [`super::exact_sum`]. They are summed over the cells
/// of up to `group_size` bodies, which must be the same on any number of ranks for the same bits.
pub fn moments(frame: &Frame, bodies: &Bodies, structure: &Structure, group_size: usize) -> Moments {
    let none = || [0.0; TERMS];
    let add_cell = |mut sums: Moments, cell: &Cell| {
        add(&mut sums, frame, bodies, cell.bodies.start as usize..cell.bodies.end as usize);
        sums
    };
    let and = |mut sums: Moments, others: Moments| {
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        sums
    };
    structure.cells_up_to(group_size).par_iter().with_min_len(64).fold(none, add_cell).reduce(none, and)
}

/// Adds the moments of bodies that lie together.
fn add(sums: &mut Moments, frame: &Frame, bodies: &Bodies, range: Range<usize>) {
    let moments = match of_compact(frame, bodies, &range) {
        Some(moments) => moments,
        None if range.len() > LANES => {
            // In the order of the keys, each half is more compact.
            let middle = range.start + range.len() / 2;
            add(sums, frame, bodies, range.start..middle);
            return add(sums, frame, bodies, middle..range.end);
        }
        None => dispatch(Path::detect(), Gather { frame, bodies, range }),
    };
    sums.iter_mut().zip(moments).for_each(|(sum, moment)| *sum += round(moment));
}

/// The moments of bodies, from their mass and second moments about their centre of mass, if no body is farther
/// from it than [`COMPACT`].
fn of_compact(frame: &Frame, bodies: &Bodies, range: &Range<usize>) -> Option<Moments> {
    let (mut mass, mut sum) = (0.0, [0.0; 3]);
    for i in range.clone() {
        let (m, at) = (frame.mass_of(bodies, i), frame.position(bodies, i));
        mass += m;
        (0..3).for_each(|axis| sum[axis] += m * at[axis]);
    }
    if mass == 0.0 {
        return Some([0.0; TERMS]);
    }
    let centre = sum.map(|x| x / mass);
    let (mut second, mut farthest) = ([0.0; NUMBER[2] - NUMBER[1]], 0.0f64);
    for i in range.clone() {
        let at = frame.position(bodies, i);
        let [x, y, z] = std::array::from_fn(|axis| (at[axis] - centre[axis]) / Frame::SIDE);
        let products = [0.5 * x * x, x * y, x * z, 0.5 * y * y, y * z, 0.5 * z * z];
        second.iter_mut().zip(products).for_each(|(sum, product)| *sum += frame.mass_of(bodies, i) * product);
        farthest = farthest.max(square([x, y, z]));
    }
    if farthest > COMPACT * COMPACT {
        return None;
    }
    let powers = powers(centre);
    let mut moments = powers.map(|power| mass * power);
    for (second, shifted) in second.iter().zip(&SHIFTED[NUMBER[1]..]) {
        for (power, at) in powers.iter().zip(&shifted[..NUMBER[DEGREE - 2]]) {
            moments[usize::from(*at)] += second * power;
        }
    }
    Some(moments)
}

struct Gather<'a> {
    frame: &'a Frame,
    bodies: &'a Bodies,
    range: Range<usize>,
}

impl Task for Gather<'_> {
    type Output = Moments;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Moments {
        let Gather { frame, bodies, range } = self;
        let mut sums = [[0.0; LANES]; TERMS];
        for first in range.clone().step_by(LANES) {
            let (mut place, mut mass) = ([[0.0; LANES]; 3], [0.0; LANES]);
            for (lane, i) in (first..range.end.min(first + LANES)).enumerate() {
                let at = sides(frame.position(bodies, i));
                (0..3).for_each(|axis| place[axis][lane] = at[axis]);
                mass[lane] = frame.mass_of(bodies, i);
            }
            let mut powers = [[0.0; LANES]; TERMS];
            powers[0] = mass;
            for k in 1..TERMS {
                let (lower, axis, inverse) = STEPS[k];
                for lane in 0..LANES {
                    powers[k][lane] = powers[lower][lane] * place[axis][lane] * inverse;
                }
            }
            for (sum, power) in sums.iter_mut().zip(&powers) {
                sum.iter_mut().zip(power).for_each(|(sum, power)| *sum += power);
            }
        }
        sums.map(|lanes| lanes.iter().sum())
    }
}

/// A place in length units of the frame, in sides of the box from its centre.
#[inline(always)]
fn sides(place: [f64; 3]) -> [f64; 3] {
    place.map(|x| (x - 0.5 * Frame::SIDE) / Frame::SIDE)
}

/// The monomials `x^a y^b z^c / (a! b! c!)` at a place [length units of the frame].
fn powers(place: [f64; 3]) -> Moments {
    let place = sides(place);
    let mut powers = [1.0; TERMS];
    for k in 1..TERMS {
        let (lower, axis, inverse) = STEPS[k];
        powers[k] = powers[lower] * place[axis] * inverse;
    }
    powers
}

/// The field of the far images of all bodies.
#[derive(Clone, Debug)]
pub(crate) struct Lattice {
    /// Derivatives of the potential at the centre of the box, without the background.
    derivatives: Moments,
    pub(crate) background: Background,
}

/// The field of the uniform background, with the constant of the potential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Background {
    mass: f64,
    /// Centre of mass.
    com: [f64; 3],
    /// Potential at the centre of the box.
    potential: f64,
}

impl Lattice {
    /// The field of all bodies, given their moments.
    pub(crate) fn new(moments: &Moments) -> Lattice {
        let mut derivatives = [0.0; TERMS];
        for (derivative, at) in derivatives.iter_mut().zip(&BASIS) {
            for (moment, of) in moments.iter().zip(&BASIS) {
                let sum: [usize; 3] = std::array::from_fn(|axis| at[axis] + of[axis]);
                let coefficient = coefficient(sum);
                if coefficient != 0.0 {
                    let sign = if of.iter().sum::<usize>() % 2 == 0 { 1.0 } else { -1.0 };
                    let factor: f64 = sum.iter().map(|n| factorial(*n)).product();
                    *derivative += sign * coefficient * factor * moment;
                }
            }
        }
        let mass = moments[0];
        // Without any mass the background has no centre, and does not act.
        let per_mass = if mass > 0.0 { 1.0 / mass } else { 0.0 };
        let com = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(|axis| moments[term(axis)] * per_mass);
        let squares: f64 =
            [[2, 0, 0], [0, 2, 0], [0, 0, 2]].map(|axis| 2.0 * moments[term(axis)]).iter().sum();
        let potential = CONSTANT * mass + 2.0 / 3.0 * PI * squares;
        Lattice { derivatives, background: Background { mass, com, potential } }
    }

    /// The local expansion about a place [length units of the frame], without the background.
    pub(crate) fn local<E: Expansion>(&self, place: [f64; 3]) -> E::Local<f64> {
        let powers = powers(place);
        let mut local = E::local(0.0);
        let kept = |index: &&[usize; 3]| E::SOFTENED || index[2] <= 1;
        for (component, index) in local.as_mut().iter_mut().zip(BASIS.iter().filter(kept)) {
            *component = self.derivative(&powers, *index);
        }
        local
    }

    /// Potential (positive, without G) and acceleration at a place, both in units of the frame, without
    /// the background.
    pub(crate) fn field(&self, place: [f64; 3]) -> [f64; 4] {
        let powers = powers(place);
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].map(|index| self.derivative(&powers, index))
    }

    /// A derivative of the potential at a place, in units of the frame.
    fn derivative(&self, powers: &Moments, index: [usize; 3]) -> f64 {
        let degree: usize = index.iter().sum();
        let shifted = &SHIFTED[term(index)][..NUMBER[DEGREE - degree]];
        let value: f64 =
            powers.iter().zip(shifted).map(|(power, at)| power * self.derivatives[usize::from(*at)]).sum();
        value / Frame::SIDE.powi(degree as i32 + 1)
    }
}

impl Background {
    /// Potential (positive, without G) and acceleration at a place, both in units of the frame.
    #[inline(always)]
    pub(crate) fn field(&self, place: [f64; 3]) -> [f64; 4] {
        let place = sides(place);
        let pull = 4.0 / 3.0 * PI * self.mass;
        let (mut square, mut product) = (0.0, 0.0);
        for axis in 0..3 {
            square += place[axis] * place[axis];
            product += place[axis] * self.com[axis];
        }
        let potential = self.potential + pull * (0.5 * square - product);
        let [x, y, z] = std::array::from_fn(|axis| pull * (place[axis] - self.com[axis]));
        let [potential, x, y, z] = [potential, x / Frame::SIDE, y / Frame::SIDE, z / Frame::SIDE];
        [potential / Frame::SIDE, x / Frame::SIDE, y / Frame::SIDE, z / Frame::SIDE]
    }

    /// [`Background::field`] minus its Taylor expansion about `centre` to first order. It is exact, because
    /// the potential is quadratic.
    #[inline(always)]
    pub(crate) fn field_about(&self, centre: [f64; 3], place: [f64; 3]) -> [f64; 4] {
        let pull = 4.0 / 3.0 * PI * self.mass / Frame::SIDE.powi(3);
        let [x, y, z]: [f64; 3] = std::array::from_fn(|axis| place[axis] - centre[axis]);
        [0.5 * pull * (x * x + y * y + z * z), pull * x, pull * y, pull * z]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cube;

    #[test]
    fn compact_bodies_have_their_moments_up_to_the_second_order() {
        let frame = Frame::new(Cube::around([0.0; 3], [1.0; 3]), 1.0);
        let elongated = |reach: f64| {
            let mut bodies = Bodies::zeroed(12);
            for i in 0..12 {
                // Pairs of opposite bodies have no third moments.
                let (sign, k) = (if i % 2 == 0 { 1.0 } else { -1.0 }, (i / 2) as f64);
                let off = [0.9 - 0.3 * k, 0.1 * k, 0.02 * k * k - 0.2];
                (0..3)
                    .for_each(|axis| bodies.pos[axis][i] = [0.3, 0.8, 0.6][axis] + reach * sign * off[axis]);
                bodies.mass[i] = 1.0 / 12.0;
            }
            bodies
        };
        for reach in [0.004, 0.008, 0.016] {
            let bodies = elongated(reach);
            let found = of_compact(&frame, &bodies, &(0..12)).expect("compact bodies");
            let whole = dispatch(Path::detect(), Gather { frame: &frame, bodies: &bodies, range: 0..12 });
            for (k, (found, whole)) in found.iter().zip(&whole).enumerate() {
                let bound = if k < NUMBER[3] { 1e-15 } else { reach.powi(4) };
                assert!((found - whole).abs() < bound, "{:?}: {found} {whole}", BASIS[k]);
            }
        }
        assert!(of_compact(&frame, &elongated(0.1), &(0..12)).is_none());
    }
}
