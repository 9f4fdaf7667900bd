//! The images of a periodic box, as the walks see them.
//!
//! A walk visits the tree once for each image that is at most [`REACH`] sides away along every axis;
//! farther ones act through the expansion of [`crate::kernel::lattice`]. The cells of an image are those
//! of the tree. What moves is the sink: seen from an image, it stands elsewhere. Open space has one
//! image, the home, from which a sink stands where it is.

use crate::Frame;

/// Images that are walked: at most this number of sides away along each axis.
pub(crate) const REACH: u8 = 2;
/// The far images act on sink cells of this level by one expansion, and on each body of larger leaves.
/// What the expansion leaves out inside such a cell is below 1e-6 of G mass / side^2.
pub(crate) const LATTICE_LEVEL: u32 = 4;
/// Half the side of such a cell, in length units of the frame.
pub(crate) const LATTICE_HALF: f32 = 0.5 * Frame::SIDE as f32 / (1 << LATTICE_LEVEL) as f32;
/// Images along an axis.
const ALONG: u8 = 2 * REACH + 1;

/// An image of the box. The home is number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image(u8);

impl Image {
    pub(crate) const HOME: Image = Image(0);

    /// The images that are walked, the home first.
    pub(crate) fn all(periodic: bool) -> impl DoubleEndedIterator<Item = Image> {
        (0..if periodic { ALONG.pow(3) } else { 1 }).map(Image)
    }

    /// The images among which the nearest of any cell inside the box is found.
    pub(crate) fn nearest(periodic: bool) -> impl Iterator<Item = Image> {
        Image::all(periodic).filter(|image| image.sides().iter().all(|n| n.abs() <= 1))
    }

    /// The number of sides along each axis from the home to the image: 0, 1, -1, 2, -2 and so on.
    pub(crate) fn sides(self) -> [i8; 3] {
        [self.0 / (ALONG * ALONG), self.0 / ALONG % ALONG, self.0 % ALONG].map(|digit| {
            let half = digit.div_ceil(2) as i8;
            if digit % 2 == 1 { half } else { -half }
        })
    }

    /// The place [length units of the frame] of a sink, seen from the image.
    #[inline(always)]
    pub(crate) fn sees(self, place: [f64; 3]) -> [f64; 3] {
        let sides = self.sides();
        std::array::from_fn(|axis| place[axis] - f64::from(sides[axis]) * Frame::SIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_all_within_reach_and_the_home_comes_first() {
        let mut sides: Vec<[i8; 3]> = Image::all(true).map(Image::sides).collect();
        assert_eq!((sides[0], Image::all(false).count()), ([0; 3], 1));
        sides.sort_unstable();
        sides.dedup();
        assert!(sides.len() == 125 && sides.iter().flatten().all(|n| (-2..=2).contains(n)));
        assert_eq!(Image::nearest(true).count(), 27);
        assert_eq!(Image::HOME.sees([1.5, -2.0, 3.0]), [1.5, -2.0, 3.0]);
    }
}
