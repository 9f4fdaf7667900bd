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

/// Bodies that the surroundings of a body hold in one cell of the grid that it is smoothed on. About 8.4 times as many,
/// 34, share the weight in one spot.
pub const BODIES_PER_CELL: f64 = 4.0;
/// The coarsest cell is at most this part of the picture's shorter side.
const COARSEST_PART: usize = 40;
/// Free cells about the picture, on the coarsest grid: room for the spots of bodies at the rim.
const RIM: usize = 4;

/// Mass per area in each pixel of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceDensity {
    view: View,
    values: Vec<f64>,
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
        let values = pyramid.picture(&pyramid.spread(&spots)).into_iter().map(|mass| mass / area).collect();
        Ok(SurfaceDensity { view: *view, values })
    }

    /// What the picture shows.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Surface density [M/L^2] of each pixel, row by row from the upper left.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Mass in the picture [M].
    pub fn mass(&self) -> f64 {
        self.values.iter().sum::<f64>() * self.view.pixel().powi(2)
    }
}

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
    fn picture(&self, levels: &[Grid]) -> Vec<f64> {
        let (coarsest, finer) = levels.split_last().expect("there is always a finest level");
        let mut grid = coarsest.clone();
        for next in finer.iter().rev() {
            let mut fine = next.clone();
            fine.add_refined(&grid);
            grid = fine;
        }
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
