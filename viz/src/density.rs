//! Bodies to surface density: every body becomes a smooth spot whose size follows the local number of bodies.
//!
//! Sparse outskirts are smooth and dense cores stay sharp. A body's spot is a cubic B-spline of the spacing at which
//! its surroundings hold [`BODIES_PER_CELL`] bodies a cell, and never finer than a pixel; between two spacings its
//! mass is shared, so that no seam shows. The work grows with the bodies and with the pixels, never with their
//! product. Sums run in the order of the bodies: the picture has the same bits on any number of threads.

use crate::spline::Grid;
use crate::{Error, View};
use rayon::prelude::*;
use treecode::{Bodies, TYPES};

/// Bodies that the surroundings of a body hold in one cell of the grid that it is smoothed on. About 67 bodies
/// share in one spot (cells over the integral of the squared spot, 8.4).
pub const BODIES_PER_CELL: f64 = 8.0;
/// The coarsest cell is at most this part of the picture's shorter side.
const COARSEST_PART: usize = 20;
/// Free cells about the picture, on the coarsest grid: room for the spots of bodies at the rim.
const RIM: usize = 4;

/// Mass per area in each pixel of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceDensity {
    view: View,
    values: Vec<f64>,
    grain: f64,
}

impl SurfaceDensity {
    /// Projects the bodies of the kinds wanted (`kinds[k]` for particle type k). A body outside the view is left out;
    /// the spot of a body inside is mirrored at the rim, so the picture's mass is that of the bodies inside.
    ///
    /// # Errors
    /// [`Error::Body`] names a body of a wanted kind whose mass or position is not finite or whose mass is negative.
    pub fn project(bodies: &Bodies, kinds: [bool; TYPES], view: &View) -> Result<SurfaceDensity, Error> {
        check(bodies, kinds)?;
        let pyramid = Pyramid::new(view.size());
        let points: Vec<[f64; 2]> =
            (0..bodies.len())
                .into_par_iter()
                .with_min_len(1 << 14)
                .map(|i| {
                    if kinds[usize::from(bodies.kind[i])] {
                        view.project(bodies.position(i))
                    } else {
                        OUTSIDE
                    }
                })
                .collect();
        let levels = pyramid.smoothing_levels(&points);
        let inside = |i: usize| {
            view.shows(points[i]).then(|| Spot { point: points[i], mass: bodies.mass[i], level: levels[i] })
        };
        let spots: Vec<Spot> = (0..bodies.len()).filter_map(inside).collect();
        let area = view.pixel().powi(2);
        let values = pyramid.picture(pyramid.spread(&spots)).into_iter().map(|mass| mass / area).collect();
        let grain = pyramid.grain(&spots) / area;
        Ok(SurfaceDensity { view: *view, values, grain })
    }

    /// What the picture shows.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Surface density [M/L^2] of each pixel, row by row from the upper left.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What a lonely body of mean mass amounts to in the middle of its spot [M/L^2]; what is much fainter is but the
    /// skirt of such spots. Zero without bodies.
    pub fn grain(&self) -> f64 {
        self.grain
    }

    /// Mass in the picture [M].
    pub fn mass(&self) -> f64 {
        self.values.iter().sum::<f64>() * self.view.pixel().powi(2)
    }
}

/// Height of a spot in its middle, for unit mass and spacing: scattered by cubic B-splines and drawn by cubic B-splines,
/// it is near the one of degree seven, which is 151/315 high.
const SPOT_PEAK: f64 = (151.0 / 315.0) * (151.0 / 315.0);
/// A point that no view shows.
const OUTSIDE: [f64; 2] = [f64::NEG_INFINITY; 2];

fn check(bodies: &Bodies, kinds: [bool; TYPES]) -> Result<(), Error> {
    let sound = |i: &usize| {
        let [x, y, z] = bodies.position(*i);
        !kinds[usize::from(bodies.kind[*i])]
            || (bodies.mass[*i] >= 0.0 && [bodies.mass[*i], x, y, z].iter().all(|v| v.is_finite()))
    };
    match (0..bodies.len()).find(|i| !sound(i)) {
        Some(i) => Err(Error::Body { id: bodies.id[i] }),
        None => Ok(()),
    }
}

/// A body on the picture.
struct Spot {
    /// Pixels from the upper left corner.
    point: [f64; 2],
    mass: f64,
    /// Logarithm to base 2 of the spacing it is smoothed on [pixels].
    level: f32,
}

/// The picture with a rim about it, as a pyramid of grids; level l has a spacing of 2^l pixels.
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

    /// Where a point of the picture lies on the grid of a level [spacings]. Nodes stand in the centres of pixels.
    fn place(&self, point: [f64; 2], level: usize) -> [f64; 2] {
        point.map(|x| (x - 0.5 + self.rim as f64) / (1 << level) as f64)
    }

    /// Mass in the middle pixel of a spot of the mean mass on the coarsest grid.
    fn grain(&self, spots: &[Spot]) -> f64 {
        let mass: f64 = spots.iter().map(|spot| spot.mass).sum();
        let coarsest = (1 << (self.sizes.len() - 1)) as f64;
        SPOT_PEAK * mass / spots.len().max(1) as f64 / (coarsest * coarsest)
    }

    /// The level at which the surroundings of each point hold [`BODIES_PER_CELL`], from the counts on all grids;
    /// bodies beyond the picture's edge count as far as the rim goes.
    fn smoothing_levels(&self, points: &[[f64; 2]]) -> Vec<f32> {
        let mut finest = Grid::zeroed(self.sizes[0]);
        for place in points.iter().map(|&point| self.place(point, 0)) {
            if finest.holds(place) {
                finest.scatter(place, 1.0);
            }
        }
        let counts = std::iter::successors(Some(finest), |grid| Some(grid.coarsened()));
        let counts: Vec<Grid> = counts.take(self.sizes.len()).collect();
        let level = |&point: &[f64; 2]| {
            let mut below = f64::NAN;
            for (level, grid) in counts.iter().enumerate() {
                let count = grid.sample(self.place(point, level));
                if count >= BODIES_PER_CELL {
                    return if level == 0 { 0.0 } else { level as f32 - excess(below, count) };
                }
                below = count;
            }
            (counts.len() - 1) as f32
        };
        points.par_iter().with_min_len(1 << 12).map(level).collect()
    }

    /// One grid a level with the masses that are smoothed on it. Levels are filled side by side, each in the order of the bodies.
    fn spread(&self, spots: &[Spot]) -> Vec<Grid> {
        let fill = |(level, &size): (usize, &[usize; 2])| {
            let mut grid = Grid::zeroed(size);
            for spot in spots {
                let share = 1.0 - (f64::from(spot.level) - level as f64).abs();
                if share > 0.0 {
                    grid.scatter(self.place(spot.point, level), share * spot.mass);
                }
            }
            grid
        };
        self.sizes.par_iter().enumerate().map(fill).collect()
    }

    /// Mass in each pixel: all grids brought to pixels, the rim folded back.
    fn picture(&self, levels: Vec<Grid>) -> Vec<f64> {
        let refine = |coarse: Grid, mut fine: Grid| {
            fine.add_refined(&coarse);
            fine
        };
        let grid = levels.into_iter().rev().reduce(refine).expect("there is always a finest level");
        let [width, height] = self.picture;
        let mut pixels = vec![0.0; width * height];
        for (y, row) in grid.values.chunks(grid.size[0]).enumerate() {
            let first = self.mirror(y, height) * width;
            for (x, mass) in row.iter().enumerate() {
                pixels[first + self.mirror(x, width)] += mass;
            }
        }
        pixels
    }

    /// The pixel that node `i` of the finest grid falls on when the picture of `size` pixels mirrors at its edges.
    fn mirror(&self, i: usize, size: usize) -> usize {
        let (edge, end) = (self.rim, self.rim + size);
        if i < edge {
            edge - 1 - i
        } else if i < end {
            i - edge
        } else {
            2 * size - 1 - (i - edge)
        }
    }
}

/// How far above [`BODIES_PER_CELL`] the coarser of two counts is, as a fraction of the step between them, on a
/// logarithmic scale.
fn excess(below: f64, above: f64) -> f32 {
    ((above / BODIES_PER_CELL).ln() / (above / below).ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Axis;
    use rand::{RngExt, SeedableRng};

    const ALL: [bool; TYPES] = [true; TYPES];

    fn view(size: [usize; 2], width: f64) -> View {
        View::new(size, [0.0; 3], width, Axis::Z).unwrap()
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

    /// A steep clump: most of it in a few pixels, some of it outside of a frame of width 2.
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
            .filter(|&i| view.shows(view.project(bodies.position(i))))
            .map(|i| bodies.mass[i])
            .sum()
    }

    #[track_caller]
    fn assert_close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} is not {b}");
    }

    #[test]
    fn the_picture_has_the_mass_of_the_bodies_in_it() {
        let bodies = clump(20_000);
        for size in [[160, 160], [333, 201], [200, 517]] {
            let view = view(size, 2.0);
            let picture = SurfaceDensity::project(&bodies, ALL, &view).unwrap();
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
            assert_close(SurfaceDensity::project(&at(&[point]), ALL, &view).unwrap().mass(), 2.5);
        }
        for point in [[80.0, 0.0], [0.0, -80.0], [0.0, 80.000_001], [1e300, 0.0], [-1e308, 1e308]] {
            assert_eq!(SurfaceDensity::project(&at(&[point]), ALL, &view).unwrap().mass(), 0.0, "{point:?}");
        }
    }

    /// The brightest pixel holds the body, in a picture that is right side up.
    #[test]
    fn a_lone_body_shines_where_it_is() {
        let view = view([200, 160], 20.0);
        let picture = SurfaceDensity::project(&at(&[[5.05, 3.05]]), ALL, &view).unwrap();
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
        let picture = SurfaceDensity::project(&Bodies::default(), ALL, &view([160, 160], 1.0)).unwrap();
        assert_eq!((picture.mass(), picture.grain()), (0.0, 0.0));
    }

    /// Many bodies in one pixel stay within the reach of the finest spot; few of them are spread wider.
    #[test]
    fn a_crowd_is_sharp_and_a_few_are_soft() {
        let lit = |n: usize| {
            let bodies = at(&vec![[0.2, 0.3]; n]);
            let picture = SurfaceDensity::project(&bodies, ALL, &view([160, 160], 160.0)).unwrap();
            assert_close(picture.mass(), 2.5 * n as f64);
            picture.values.iter().filter(|value| **value > 0.0).count()
        };
        assert_eq!(lit(1000), 16);
        assert!(lit(3) > 100);
    }

    #[test]
    fn far_away_and_tiny_scenes_are_drawn_like_near_ones() {
        let scene = [[0.0, 0.0], [1.0, 0.5], [-1.5, -0.25]];
        let near = SurfaceDensity::project(&at(&scene), ALL, &view([160, 160], 8.0)).unwrap();
        for unit in [1e-60, 1e60] {
            let scaled = at(&scene.map(|point| point.map(|x| x * unit)));
            let picture = SurfaceDensity::project(&scaled, ALL, &view([160, 160], 8.0 * unit)).unwrap();
            assert_close(picture.mass(), near.mass());
        }
        let shift = 1e9;
        let moved = at(&scene.map(|[x, y]| [x + shift, y]));
        let far = View::new([160, 160], [shift, 0.0, 0.0], 8.0, Axis::Z).unwrap();
        assert_eq!(SurfaceDensity::project(&moved, ALL, &far).unwrap().values, near.values);
    }

    #[test]
    fn only_the_kinds_wanted_are_drawn_and_checked() {
        let mut bodies = at(&[[0.0, 0.0], [1.0, 1.0]]);
        bodies.kind = vec![1, 4];
        bodies.pos[2][1] = f64::NAN;
        let only = |kind: usize| std::array::from_fn(|k| k == kind);
        let view = view([160, 160], 8.0);
        assert_close(SurfaceDensity::project(&bodies, only(1), &view).unwrap().mass(), 2.5);
        let error = SurfaceDensity::project(&bodies, only(4), &view).unwrap_err();
        assert_eq!(error.to_string(), "body 1 has a mass or position that is not finite, or a negative mass");
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let bodies = clump(50_000);
        let picture = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| SurfaceDensity::project(&bodies, ALL, &view([300, 200], 2.0)).unwrap())
        };
        let one = picture(1);
        assert!([2, 3, 8].into_iter().all(|threads| picture(threads) == one));
    }

    /// A uniform sheet that goes on beyond the picture comes out even, at every spacing: no seams, no dark edge.
    #[test]
    fn a_sheet_is_even_up_to_the_edges() {
        for step in [0.25, 0.5, 1.0, 2.0, 5.0] {
            let n = (300.0 / step) as usize; // bodies along each side of 300 pixels
            let place = |i: usize| (i as f64 + 0.5) * step - 150.0;
            let bodies = at(&(0..n * n).map(|i| [place(i % n), place(i / n)]).collect::<Vec<_>>());
            let picture = SurfaceDensity::project(&bodies, ALL, &view([200, 200], 200.0)).unwrap();
            let expected = 2.5 / (step * step);
            let worst = picture.values.iter().map(|value| (value / expected - 1.0).abs()).fold(0.0, f64::max);
            assert!(worst < 0.04, "a sheet of a body every {step} pixels is uneven by {worst}");
        }
    }
}
