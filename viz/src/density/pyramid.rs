//! The pyramid of grids on which spots are drawn.
//!
//! A spot is drawn as B-splines on two neighbouring grids. The mass of the body is divided between the
//! two so that the second moment is right. A spot smaller than a pixel is divided among the four
//! nearest pixels. The cost grows with the number of bodies plus the number of pixels, not with their
//! product.

use super::spline::{Grid, Tally};
use rayon::prelude::*;

/// The spacing of the coarsest grid is at most the shorter side of the picture divided by this.
const COARSEST_PART: usize = 16;
/// Width of the rim around the picture, in cells of the coarsest grid. It holds the spots of bodies
/// at the edge.
const RIM: usize = 4;
/// Mean square of one coordinate for a point divided among four pixels [pixels^2], averaged over
/// the position within a pixel.
const POINT_MOMENT: f64 = 1.0 / 6.0;
/// Peak of a spot, for unit mass and spacing. Bodies are scattered by cubic B-splines, and the grid
/// is drawn by cubic B-splines. The result is close to the B-spline of degree seven, whose peak is
/// 151/315.
const SPOT_PEAK: f64 = (151.0 / 315.0) * (151.0 / 315.0);

/// The picture and its rim as a pyramid of grids. Level l has a spacing of 2^l pixels.
pub(super) struct Pyramid {
    picture: [usize; 2],
    /// Width of the rim [pixels].
    rim: usize,
    /// Size of the grid of each level.
    pub(super) sizes: Vec<[usize; 2]>,
}

impl Pyramid {
    pub(super) fn new(picture: [usize; 2]) -> Pyramid {
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
    pub(super) fn widest_peak(&self) -> f64 {
        let coarsest = (1 << (self.sizes.len() - 1)) as f64;
        SPOT_PEAK / (coarsest * coarsest)
    }

    /// Spreads an amount around a point so that the mean square of each coordinate is `moment`
    /// [pixels^2]. A moment beyond the range of the pyramid is clamped.
    pub(super) fn spread(&self, tallies: &[Tally], point: [f64; 2], moment: f64, amount: f64) {
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
    pub(super) fn picture(&self, levels: Vec<Tally>, unit: f64) -> Vec<f64> {
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
