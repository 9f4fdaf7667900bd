//! Projects bodies to a surface density. Each body becomes a smooth spot as wide as the distance to
//! its neighbours.
//!
//! A spot has the second moment of the cubic spline kernel (Monaghan & Lattanzio 1985) whose radius
//! is the smoothing length. `pyramid` draws it on a pyramid of grids, and `spline` has the B-splines
//! of each grid. Masses are summed as integers, so a picture has the same bits on any number of
//! threads and ranks.

mod pyramid;
mod spline;

use crate::{Error, Mark, View};
use pyramid::Pyramid;
use rayon::prelude::*;
use spline::Tally;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use treecode::{Bodies, Domain, Neighbours, TYPES};

/// Number of neighbours within the smoothing length of a body.
pub const NEIGHBOURS: usize = 32;
/// Mean square of one coordinate in the cubic spline kernel of radius 1. Dehnen & Aly (2012), table
/// 1: 1 / 3.651484^2.
const SECOND_MOMENT: f64 = 0.075;
/// Number of bits of the largest integer sum.
const BITS: i32 = 61;

/// Distance from each body of the wanted types to its `neighbours`-th nearest of its own type [L].
/// It is infinite for a body without enough others and for bodies of other types.
///
/// # Errors
/// [`Error::Body`] names a body of a wanted type whose mass or position is not finite or whose mass
/// is negative.
pub fn smoothing_lengths(
    bodies: &Bodies,
    kinds: [bool; TYPES],
    neighbours: usize,
) -> Result<Vec<f64>, Error> {
    smoothing_lengths_by(bodies, kinds, |pos| Neighbours::new(Domain::Open, pos).distances(neighbours))
}

/// Like [`smoothing_lengths`], with distances computed by `distances` from a list of positions.
/// This function calls `distances` once for each wanted type, even if there are no bodies of that
/// type.
///
/// # Errors
/// As [`smoothing_lengths`].
pub fn smoothing_lengths_by(
    bodies: &Bodies,
    kinds: [bool; TYPES],
    distances: impl Fn([&[f64]; 3]) -> Vec<f64>,
) -> Result<Vec<f64>, Error> {
    check(bodies, kinds)?;
    let mut lengths = vec![f64::INFINITY; bodies.len()];
    for kind in (0..TYPES).filter(|kind| kinds[*kind]) {
        let members: Vec<u32> =
            (0..bodies.len() as u32).filter(|i| usize::from(bodies.kind[*i as usize]) == kind).collect();
        let of = |axis: &Vec<f64>| members.par_iter().map(|i| axis[*i as usize]).collect::<Vec<_>>();
        let positions = bodies.pos.each_ref().map(of);
        for (i, distance) in members.iter().zip(distances(positions.each_ref().map(Vec::as_slice))) {
            lengths[*i as usize] = distance;
        }
    }
    Ok(lengths)
}

/// The bodies of a picture and how they are drawn.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The bodies.
    pub bodies: &'a Bodies,
    /// Which particle types are drawn.
    pub kinds: [bool; TYPES],
    /// Smoothing length of each body [L].
    pub lengths: &'a [f64],
    /// What the colours of the picture show.
    pub tint: Tint<'a>,
}

/// What the colours show, beside the brightness that shows the surface density.
#[derive(Clone, Copy)]
pub enum Tint<'a> {
    /// Nothing.
    Plain,
    /// One value per body. Each pixel shows the mass-weighted mean.
    Value(&'a [f64]),
    /// The group of each body, from 0.
    Group {
        /// The group of each body.
        of: &'a [u8],
        /// Number of groups.
        groups: usize,
    },
}

/// Values per pixel that set the tint, beside the surface density.
#[derive(Clone, Debug, PartialEq)]
pub enum Shade {
    /// Nothing.
    Plain,
    /// Mass-weighted mean of the bodies' values, or 0 in a pixel without bodies.
    Mean(Vec<f32>),
    /// Fraction of the surface density that belongs to each group: one list of pixels per group.
    Parts(Vec<Vec<f32>>),
}

/// Bounds of the sums, which set the unit of the integers. All ranks must use the bounds of all
/// bodies on all ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Number of bodies.
    pub bodies: u64,
    /// Greatest mass [M].
    pub mass: f64,
    /// Greatest absolute value of the number that sets the tint.
    pub value: f64,
}

/// Surface density in each pixel of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceDensity {
    view: View,
    values: Vec<f64>,
    shade: Shade,
    grain: f64,
    marks: Vec<Mark>,
}

impl SurfaceDensity {
    /// Projects bodies onto a view. A body outside the view is left out. The spot of a body inside
    /// is mirrored at the edges, so the mass of the picture equals the mass of the bodies inside.
    /// With perspective, mass is drawn as if it were at the distance of the target. This gives the
    /// surface density along each line of sight.
    ///
    /// # Errors
    /// [`Error::Body`] and [`Error::Value`] name a body of a wanted type with an invalid mass,
    /// position or value.
    pub fn project(subject: &Subject, view: &View) -> Result<SurfaceDensity, Error> {
        let mut exposure = Exposure::new(view, subject, Bounds::of(subject)?);
        exposure.add(subject);
        Ok(exposure.develop())
    }

    /// The view of the picture.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Surface density [M/L^2] of each pixel, row by row from the upper left.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values that set the tint of each pixel.
    pub fn shade(&self) -> &Shade {
        &self.shade
    }

    /// Peak surface density of a single body of mean mass in the widest spot [M/L^2]. Much fainter
    /// pixels hold only the outskirts of such spots. Zero without bodies.
    pub fn grain(&self) -> f64 {
        self.grain
    }

    /// The same with bodies that are drawn as dots. Their mass is not in the surface density.
    pub fn with_marks(self, marks: Vec<Mark>) -> SurfaceDensity {
        SurfaceDensity { marks, ..self }
    }

    /// The bodies that are drawn as dots.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Mass in the picture [M].
    pub fn mass(&self) -> f64 {
        self.values.iter().sum::<f64>() * self.view.pixel().powi(2)
    }
}

impl Bounds {
    /// The bounds of these bodies.
    ///
    /// # Errors
    /// As [`SurfaceDensity::project`].
    pub fn of(subject: &Subject) -> Result<Bounds, Error> {
        let Subject { bodies, kinds, tint, .. } = subject;
        check(bodies, *kinds)?;
        let wanted = || (0..bodies.len()).into_par_iter().filter(|i| kinds[usize::from(bodies.kind[*i])]);
        let value = match tint {
            Tint::Value(values) => {
                if let Some(i) = wanted().find_first(|i| !values[*i].is_finite()) {
                    return Err(Error::Value { id: bodies.id[i] });
                }
                wanted().map(|i| values[i].abs()).reduce(|| 0.0, f64::max)
            }
            _ => 0.0,
        };
        let mass = wanted().map(|i| bodies.mass[i]).reduce(|| 0.0, f64::max);
        Ok(Bounds { bodies: bodies.len() as u64, mass, value })
    }
}

/// A picture to which bodies are still added.
pub struct Exposure {
    view: View,
    pyramid: Pyramid,
    /// One unit of the integer sums: of mass [M], and of mass times value.
    units: [f64; 2],
    /// One tally per level for each summed quantity: masses; masses and values; or the masses of
    /// each group.
    sums: Vec<Vec<Tally>>,
    /// Number of bodies in the picture.
    shown: AtomicU64,
    /// Whether values are summed.
    valued: bool,
}

impl Exposure {
    /// An empty exposure of the view. The tint of `subject` selects the quantities to sum.
    pub fn new(view: &View, subject: &Subject, bounds: Bounds) -> Exposure {
        let (sums, valued) = match subject.tint {
            Tint::Plain => (1, false),
            Tint::Value(_) => (2, true),
            Tint::Group { groups, .. } => (groups, false),
        };
        let pyramid = Pyramid::new(view.size());
        let tallies = || pyramid.sizes.iter().map(|size| Tally::zeroed(*size)).collect();
        let most = bounds.bodies as f64 * bounds.mass * view.most_enlarged();
        let unit = |most: f64| if most > 0.0 { 2f64.powi(most.log2().ceil() as i32 - BITS) } else { 1.0 };
        Exposure {
            view: *view,
            units: [unit(most), unit(most * bounds.value)],
            sums: (0..sums).map(|_| tallies()).collect(),
            shown: AtomicU64::new(0),
            valued,
            pyramid,
        }
    }

    /// Adds the bodies inside the view.
    pub fn add(&mut self, subject: &Subject) {
        let this = &*self;
        (0..subject.bodies.len())
            .into_par_iter()
            .with_min_len(1 << 12)
            .for_each(|i| this.add_body(subject, i));
    }

    fn add_body(&self, subject: &Subject, i: usize) {
        let Subject { bodies, kinds, lengths, tint } = subject;
        if !kinds[usize::from(bodies.kind[i])] {
            return;
        }
        let Some(sight) = self.view.project(bodies.position(i)).filter(|sight| self.view.shows(sight.point))
        else {
            return;
        };
        self.shown.fetch_add(1, Relaxed);
        let mass = bodies.mass[i] / sight.distance.powi(2);
        let radius = lengths[i] / (self.view.pixel() * sight.distance);
        let spread = |sum: usize, amount: f64| {
            self.pyramid.spread(&self.sums[sum], sight.point, SECOND_MOMENT * radius * radius, amount);
        };
        match tint {
            Tint::Plain => spread(0, mass / self.units[0]),
            Tint::Value(values) => {
                spread(0, mass / self.units[0]);
                spread(1, mass * values[i] / self.units[1]);
            }
            Tint::Group { of, .. } => spread(usize::from(of[i]), mass / self.units[0]),
        }
    }

    /// Passes all integer sums to `sum`, which may add those of other ranks. The other ranks must
    /// use the same view and bounds.
    pub fn reduce(&mut self, mut sum: impl FnMut(&mut [u64])) {
        for tally in self.sums.iter_mut().flatten() {
            let mut numbers = tally.numbers();
            sum(&mut numbers);
            tally.set_numbers(&numbers);
        }
        sum(std::slice::from_mut(self.shown.get_mut()));
    }

    /// Computes the surface density from the sums.
    pub fn develop(self) -> SurfaceDensity {
        let Exposure { view, pyramid, units, sums, shown, valued } = self;
        let area = view.pixel().powi(2);
        let unit = |sum: usize| units[usize::from(valued && sum == 1)] / area;
        let mut pictures: Vec<Vec<f64>> =
            sums.into_iter().enumerate().map(|(sum, tallies)| pyramid.picture(tallies, unit(sum))).collect();
        let (values, shade) = if valued {
            let (moments, values) = (pictures.remove(1), pictures.remove(0));
            let mean =
                moments.par_iter().zip(&values).map(|(moment, value)| ratio(*moment, *value)).collect();
            (values, Shade::Mean(mean))
        } else if pictures.len() == 1 {
            (pictures.remove(0), Shade::Plain)
        } else {
            let total = |i: usize| pictures.iter().map(|picture| picture[i]).sum();
            let values: Vec<f64> = (0..pictures[0].len()).into_par_iter().map(total).collect();
            let parts = pictures.iter().map(|picture| {
                picture.par_iter().zip(&values).map(|(part, value)| ratio(*part, *value)).collect()
            });
            let parts = parts.collect();
            (values, Shade::Parts(parts))
        };
        let mass = values.iter().sum::<f64>();
        let grain = pyramid.widest_peak() * mass / shown.into_inner().max(1) as f64;
        SurfaceDensity { view, values, shade, grain, marks: Vec::new() }
    }
}

fn ratio(part: f64, whole: f64) -> f32 {
    if whole > 0.0 { (part / whole) as f32 } else { 0.0 }
}

fn check(bodies: &Bodies, kinds: [bool; TYPES]) -> Result<(), Error> {
    let sound = |i: &usize| {
        let [x, y, z] = bodies.position(*i);
        !kinds[usize::from(bodies.kind[*i])]
            || (bodies.mass[*i] >= 0.0 && [bodies.mass[*i], x, y, z].iter().all(|v| v.is_finite()))
    };
    match (0..bodies.len()).into_par_iter().find_first(|i| !sound(i)) {
        Some(i) => Err(Error::Body { id: bodies.id[i] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
