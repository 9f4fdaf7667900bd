//! Projects bodies to a surface density. Each body becomes a smooth spot as wide as the distance to
//! its neighbours.
//!
//! A spot has the second moment of the cubic spline kernel (Monaghan & Lattanzio 1985) whose radius
//! is the smoothing length. The spot is drawn as B-splines on two grids of a pyramid of grids. The
//! mass of the body is divided between the two so that the second moment is right. The cost grows
//! with the number of bodies plus the number of pixels, not with their product. A spot smaller than
//! a pixel is divided among the four nearest pixels. Masses are summed as integers, so a picture
//! has the same bits on any number of threads and ranks.

use crate::spline::{Grid, Tally};
use crate::{Error, Mark, View};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use treecode::{Bodies, Domain, Neighbours, TYPES};

/// Number of neighbours within the smoothing length of a body.
pub const NEIGHBOURS: usize = 32;
/// The spacing of the coarsest grid is at most the shorter side of the picture divided by this.
const COARSEST_PART: usize = 16;
/// Width of the rim around the picture, in cells of the coarsest grid. It holds the spots of bodies
/// at the edge.
const RIM: usize = 4;
/// Mean square of one coordinate in the cubic spline kernel of radius 1. Dehnen & Aly (2012), table
/// 1: 1 / 3.651484^2.
const SECOND_MOMENT: f64 = 0.075;
/// Mean square of one coordinate for a point divided among four pixels [pixels^2], averaged over
/// the position within a pixel.
const POINT_MOMENT: f64 = 1.0 / 6.0;
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

/// Peak of a spot, for unit mass and spacing. Bodies are scattered by cubic B-splines, and the grid
/// is drawn by cubic B-splines. The result is close to the B-spline of degree seven, whose peak is
/// 151/315.
const SPOT_PEAK: f64 = (151.0 / 315.0) * (151.0 / 315.0);

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

/// The picture and its rim as a pyramid of grids. Level l has a spacing of 2^l pixels.
struct Pyramid {
    picture: [usize; 2],
    /// Width of the rim [pixels].
    rim: usize,
    /// Size of the grid of each level.
    sizes: Vec<[usize; 2]>,
}

impl Pyramid {
    fn new(picture: [usize; 2]) -> Pyramid {
        let coarsest = (picture[0].min(picture[1]) / COARSEST_PART).max(1).ilog2() as usize;
        let rim = RIM << coarsest;
        let finest = picture.map(|n| n + 2 * rim);
        let sizes = std::iter::successors(Some(finest), |&size| Some(Grid::coarser_size(size)));
        Pyramid { picture, rim, sizes: sizes.take(coarsest + 1).collect() }
    }

    /// Position of a point of the picture on the grid of a level [spacings]. Nodes lie at the
    /// centres of pixels.
    fn place(&self, point: [f64; 2], level: usize) -> [f64; 2] {
        point.map(|x| (x - 0.5 + self.rim as f64) / (1 << level) as f64)
    }

    /// Peak of a spot of unit mass on the coarsest grid.
    fn widest_peak(&self) -> f64 {
        let coarsest = (1 << (self.sizes.len() - 1)) as f64;
        SPOT_PEAK / (coarsest * coarsest)
    }

    /// Spreads an amount around a point so that the mean square of each coordinate is `moment`
    /// [pixels^2]. A moment beyond the range of the pyramid is clamped.
    fn spread(&self, tallies: &[Tally], point: [f64; 2], moment: f64, amount: f64) {
        let coarsest = tallies.len() - 1;
        let above = (0..=coarsest).find(|level| moment < moment_of(*level));
        let scatter =
            |level: usize, part: f64| tallies[level].scatter(self.place(point, level), part * amount);
        match above {
            Some(0) => {
                let part = ((moment - POINT_MOMENT) / (moment_of(0) - POINT_MOMENT)).max(0.0);
                tallies[0].drop(self.place(point, 0), (1.0 - part) * amount);
                if part > 0.0 {
                    scatter(0, part);
                }
            }
            Some(level) => {
                let part = (moment - moment_of(level - 1)) / (moment_of(level) - moment_of(level - 1));
                scatter(level - 1, 1.0 - part);
                scatter(level, part);
            }
            None => scatter(coarsest, 1.0),
        }
    }

    /// The value of each pixel: the sum of all grids in the given unit, refined to pixels, with the
    /// rim folded back.
    fn picture(&self, levels: Vec<Tally>, unit: f64) -> Vec<f64> {
        let refine = |coarse: Grid, mut fine: Grid| {
            fine.add_refined(&coarse);
            fine
        };
        let grids = levels.into_iter().rev().map(|level| level.into_grid(unit));
        let grid = grids.reduce(refine).expect("there is always a finest level");
        let [width, height] = self.picture;
        let rim = self.rim;
        let mut pixels = vec![0.0; width * height];
        pixels.par_chunks_mut(width).with_min_len(16).enumerate().for_each(|(y, pixels)| {
            for row in self.rows_of(y, height) {
                let row = &grid.values[row * grid.size[0]..(row + 1) * grid.size[0]];
                let (left, rest) = row.split_at(rim);
                let (middle, right) = rest.split_at(width);
                let add = |(pixel, mass): (&mut f64, &f64)| *pixel += mass;
                pixels[..rim].iter_mut().zip(left.iter().rev()).for_each(add);
                pixels.iter_mut().zip(middle).for_each(add);
                pixels[width - rim..].iter_mut().zip(right.iter().rev()).for_each(add);
            }
        });
        pixels
    }

    /// The rows of the finest grid that contribute to row `y` of a picture of `height` rows that
    /// mirrors at its edges.
    fn rows_of(&self, y: usize, height: usize) -> impl Iterator<Item = usize> {
        let above = (y < self.rim).then(|| self.rim - 1 - y);
        let below = (height - y <= self.rim).then(|| self.rim + 2 * height - 1 - y);
        above.into_iter().chain([self.rim + y]).chain(below)
    }
}

/// Mean square of each coordinate in a spot on the grid of a level [pixels^2]. It adds 1/3 of the
/// squared spacing for the B-splines of the level and for those of each refinement down to pixels.
fn moment_of(level: usize) -> f64 {
    (2.0 * (1u64 << (2 * level)) as f64 - 1.0) / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;
    use rand::{RngExt, SeedableRng};

    const ALL: [bool; TYPES] = [true; TYPES];

    fn view(size: [usize; 2], width: f64) -> View {
        View::new(size, [0.0; 3], width, Direction::Z).unwrap()
    }

    fn project(bodies: &Bodies, view: &View) -> SurfaceDensity {
        let lengths = smoothing_lengths(bodies, ALL, NEIGHBOURS).unwrap();
        let subject = Subject { bodies, kinds: ALL, lengths: &lengths, tint: Tint::Plain };
        SurfaceDensity::project(&subject, view).unwrap()
    }

    fn at(points: &[[f64; 2]]) -> Bodies {
        let mut bodies = Bodies::zeroed(points.len());
        bodies.mass.fill(2.5);
        for (i, point) in points.iter().enumerate() {
            bodies.pos[0][i] = point[0];
            bodies.pos[1][i] = point[1];
        }
        bodies
    }

    /// A steep clump: most of its mass is in a few pixels, some of it outside a frame of width 2.
    fn clump(n: usize) -> Bodies {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let mut point = || {
            let radius = 3.0 * random.random::<f64>().powi(4);
            let angle = 6.0 * random.random::<f64>();
            [radius * angle.cos(), radius * angle.sin()]
        };
        at(&(0..n).map(|_| point()).collect::<Vec<_>>())
    }

    fn mass_inside(bodies: &Bodies, view: &View) -> f64 {
        (0..bodies.len())
            .filter(|&i| view.shows(view.project(bodies.position(i)).unwrap().point))
            .map(|i| bodies.mass[i])
            .sum()
    }

    #[track_caller]
    fn assert_close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-11 * b.abs(), "{a} is not {b}");
    }

    #[test]
    fn the_picture_has_the_mass_of_the_bodies_in_it() {
        let bodies = clump(20_000);
        for size in [[160, 160], [333, 201], [200, 517]] {
            let view = view(size, 2.0);
            let picture = project(&bodies, &view);
            let inside = mass_inside(&bodies, &view);
            assert!(inside < 0.95 * bodies.mass.iter().sum::<f64>());
            assert_close(picture.mass(), inside);
            assert!(picture.values().iter().all(|value| *value >= 0.0));
        }
    }

    #[test]
    fn a_body_on_an_edge_of_pixels_or_of_the_picture_keeps_its_mass() {
        let view = view([160, 160], 160.0);
        for point in [[0.0, 0.0], [3.0, 0.5], [-80.0, 80.0], [79.999_999_999, -79.999_999_999]] {
            assert_close(project(&at(&[point]), &view).mass(), 2.5);
        }
        for point in [[80.0, 0.0], [0.0, -80.0], [0.0, 80.000_001], [1e300, 0.0], [-1e308, 1e308]] {
            assert_eq!(project(&at(&[point]), &view).mass(), 0.0, "{point:?}");
        }
    }

    /// The brightest pixel holds the body, and the picture is not upside down.
    #[test]
    fn a_lone_body_shines_where_it_is() {
        let view = view([200, 160], 20.0);
        let picture = project(&at(&[[5.05, 3.05]]), &view);
        let brightest =
            (0..200 * 160).max_by(|a, b| picture.values[*a].total_cmp(&picture.values[*b])).unwrap();
        let place = [brightest % 200, brightest / 200];
        assert!(place[0].abs_diff(150) <= 1 && place[1].abs_diff(49) <= 1, "{place:?}");
        let peak = picture.values[brightest];
        assert!(
            (peak / picture.grain() - 1.0).abs() < 0.05,
            "grain {} for a peak of {peak}",
            picture.grain()
        );
    }

    #[test]
    fn no_bodies_make_an_empty_picture() {
        let picture = project(&Bodies::default(), &view([160, 160], 1.0));
        assert_eq!((picture.mass(), picture.grain()), (0.0, 0.0));
    }

    /// A spot has the second moment of the kernel, at every width and at every position within a
    /// pixel.
    #[test]
    fn a_spot_is_as_wide_as_the_kernel() {
        let view = view([640, 640], 640.0);
        for (radius, x) in [(2.2, 0.0), (3.0, 0.3), (10.0, 0.5), (40.0, -0.1), (90.0, 0.77)] {
            let bodies = at(&[[x, -x]]);
            let subject = Subject { bodies: &bodies, kinds: ALL, lengths: &[radius], tint: Tint::Plain };
            let picture = SurfaceDensity::project(&subject, &view).unwrap();
            let mean = |of: &dyn Fn(f64, f64) -> f64| {
                let pixel = |i: usize| ((i % 640) as f64 - 319.5 - x, 319.5 - (i / 640) as f64 + x);
                (0..640 * 640).map(|i| picture.values[i] * of(pixel(i).0, pixel(i).1)).sum::<f64>() / 2.5
            };
            let expected = SECOND_MOMENT * radius * radius;
            for (moment, expected) in [
                (mean(&|dx, _| dx), 0.0),
                (mean(&|_, dy| dy), 0.0),
                (mean(&|dx, _| dx * dx), expected),
                (mean(&|_, dy| dy * dy), expected),
                (mean(&|dx, dy| dx * dy), 0.0),
            ] {
                assert!(
                    (moment - expected).abs() < 1e-6 * (1.0 + expected),
                    "{radius}: {moment}, not {expected}"
                );
            }
        }
    }

    /// An unresolved clump is in one pixel if it lies at its centre, and in two equal halves if it
    /// lies on an edge.
    #[test]
    fn a_crowd_on_an_edge_of_pixels_is_shared_by_both() {
        let lit = |point: [f64; 2]| {
            let picture = project(&at(&[point; 50]), &view([160, 160], 160.0));
            assert_close(picture.mass(), 125.0);
            picture.values.into_iter().filter(|value| *value > 0.0).collect::<Vec<_>>()
        };
        assert_eq!(lit([0.5, 0.5]).len(), 1);
        let halves = lit([0.0, 0.5]);
        assert!(halves.len() == 2 && (halves[0] - halves[1]).abs() < 1e-9);
        assert_eq!(lit([0.2, 0.3]).len(), 4);
    }

    /// Outside the clump, spots follow the spacing of the bodies of their own type.
    #[test]
    fn neighbours_of_the_own_type_alone_make_the_smoothing_length() {
        let mut bodies = at(&(0..100).map(|i| [f64::from(i), 0.0]).collect::<Vec<_>>());
        bodies.kind[99] = 2;
        let lengths = smoothing_lengths(&bodies, ALL, 4).unwrap();
        assert_eq!([lengths[0], lengths[50], lengths[98]], [4.0, 2.0, 4.0]);
        assert_eq!(lengths[99], f64::INFINITY);
    }

    #[test]
    fn pixels_have_the_mean_value_and_the_parts_of_groups() {
        let bodies = at(&[[-2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]]);
        let view = view([160, 160], 8.0);
        let picture = |tint: Tint| {
            let subject = Subject { bodies: &bodies, kinds: ALL, lengths: &[0.1; 4], tint };
            SurfaceDensity::project(&subject, &view).unwrap()
        };
        let [left, right, empty] = [80 * 160 + 40, 80 * 160 + 120, 0];
        let Shade::Mean(mean) = picture(Tint::Value(&[-3.0, 1.0, 2.0, 6.0])).shade else { panic!("no mean") };
        assert_eq!([mean[left], mean[right], mean[empty]], [-3.0, 3.0, 0.0]);
        let tint = Tint::Group { of: &[2, 0, 0, 1], groups: 3 };
        let Shade::Parts(parts) = picture(tint).shade else { panic!("no parts") };
        let part = |pixel: usize| [0, 1, 2].map(|group| (parts[group][pixel] * 3.0).round());
        assert_eq!([part(left), part(right), part(empty)], [[0.0, 0.0, 3.0], [2.0, 1.0, 0.0], [0.0; 3]]);
        assert_close(picture(tint).mass(), 10.0);
        let error = Bounds::of(&Subject {
            bodies: &bodies,
            kinds: ALL,
            lengths: &[0.1; 4],
            tint: Tint::Value(&[0.0, f64::NAN, 0.0, 0.0]),
        });
        assert_eq!(error.unwrap_err().to_string(), "body 1 is to be coloured by a number that is not finite");
    }

    /// A slab across the line of sight has the same surface density at any distance.
    #[test]
    fn perspective_keeps_the_surface_density_of_a_sheet() {
        let place = |i: usize| i as f64 * 0.05 - 10.0;
        let mut bodies = at(&(0..400 * 400).map(|i| [place(i % 400), place(i / 400)]).collect::<Vec<_>>());
        let view = view([160, 160], 4.0).with_perspective(60.0).unwrap();
        for z in [-3.0, 0.0, 1.5] {
            bodies.pos[2].fill(z);
            let centre = project(&bodies, &view).values[80 * 160 + 80];
            assert!((centre / (2.5 / 0.05f64.powi(2)) - 1.0).abs() < 0.03, "{centre} at {z}");
        }
    }

    #[test]
    fn the_parts_of_ranks_add_up_to_the_same_bits() {
        let bodies = clump(5000);
        let view = view([200, 160], 2.0);
        let lengths = smoothing_lengths(&bodies, ALL, NEIGHBOURS).unwrap();
        let whole = Subject { bodies: &bodies, kinds: ALL, lengths: &lengths, tint: Tint::Plain };
        let bounds = Bounds::of(&whole).unwrap();
        let mut parts = [0..1234, 1234..5000].map(|range| {
            let mut mine = bodies.clone();
            mine.keep(range.clone());
            let subject = Subject { bodies: &mine, kinds: ALL, lengths: &lengths[range], tint: Tint::Plain };
            let mut exposure = Exposure::new(&view, &subject, bounds);
            exposure.add(&subject);
            exposure
        });
        let mut others = Vec::new();
        parts[0].reduce(|numbers| others.push(numbers.to_vec()));
        let mut others = others.into_iter();
        parts[1].reduce(|numbers| {
            numbers.iter_mut().zip(others.next().unwrap()).for_each(|(a, b)| *a = a.wrapping_add(b));
        });
        let [_, sum] = parts;
        assert_eq!(sum.develop(), SurfaceDensity::project(&whole, &view).unwrap());
    }

    #[test]
    fn far_away_and_tiny_scenes_are_drawn_like_near_ones() {
        let scene = [[0.0, 0.0], [1.0, 0.5], [-1.5, -0.25]];
        let near = project(&at(&scene), &view([160, 160], 8.0));
        for unit in [1e-60, 1e60] {
            let scaled = at(&scene.map(|point| point.map(|x| x * unit)));
            let picture = project(&scaled, &view([160, 160], 8.0 * unit));
            assert_close(picture.mass(), near.mass());
        }
        let shift = 1e9;
        let moved = at(&scene.map(|[x, y]| [x + shift, y]));
        let far = View::new([160, 160], [shift, 0.0, 0.0], 8.0, Direction::Z).unwrap();
        assert_eq!(project(&moved, &far).values, near.values);
    }

    #[test]
    fn only_the_kinds_wanted_are_drawn_and_checked() {
        let mut bodies = at(&[[0.0, 0.0], [1.0, 1.0]]);
        bodies.kind = vec![1, 4];
        bodies.pos[2][1] = f64::NAN;
        let only = |kind: usize| std::array::from_fn(|k| k == kind);
        let view = view([160, 160], 8.0);
        let subject = |kinds| Subject { bodies: &bodies, kinds, lengths: &[1.0; 2], tint: Tint::Plain };
        assert_close(SurfaceDensity::project(&subject(only(1)), &view).unwrap().mass(), 2.5);
        let error = SurfaceDensity::project(&subject(only(4)), &view).unwrap_err();
        assert_eq!(error.to_string(), "body 1 has a mass or position that is not finite, or a negative mass");
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let bodies = clump(50_000);
        let picture = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| project(&bodies, &view([300, 200], 2.0)))
        };
        let one = picture(1);
        assert!([2, 3, 8].into_iter().all(|threads| picture(threads) == one));
    }

    /// A uniform sheet that extends beyond the picture is drawn uniformly at every spacing: no
    /// seams, no dark edge.
    #[test]
    fn a_sheet_is_even_up_to_the_edges() {
        for step in [0.25, 0.5, 1.0, 2.0, 5.0] {
            let n = (300.0 / step) as usize; // bodies along each side of 300 pixels
            let place = |i: usize| (i as f64 + 0.5) * step - 150.0;
            let bodies = at(&(0..n * n).map(|i| [place(i % n), place(i / n)]).collect::<Vec<_>>());
            let picture = project(&bodies, &view([200, 200], 200.0));
            let expected = 2.5 / (step * step);
            let worst = picture.values.iter().map(|value| (value / expected - 1.0).abs()).fold(0.0, f64::max);
            assert!(worst < 0.05, "a sheet of a body every {step} pixels is uneven by {worst}");
        }
    }
}
