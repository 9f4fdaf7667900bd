//! Where the camera stands: which rectangle of space fills the picture, seen along which axis.

use crate::Error;

/// Smallest side of a picture [pixels]; below it the labels could not be read.
pub const MINIMUM_SIZE: usize = 160;
/// Largest side of a picture [pixels].
pub const MAXIMUM_SIZE: usize = 8192;

/// The line of sight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Seen from +x: y to the right, z up.
    X,
    /// Seen from -y: x to the right, z up, as discs are shown edge-on.
    Y,
    /// Seen from +z: x to the right, y up.
    #[default]
    Z,
}

impl Axis {
    /// The coordinates that point to the right and up; 0, 1, 2 for x, y, z.
    pub fn right_and_up(self) -> [usize; 2] {
        match self {
            Axis::X => [1, 2],
            Axis::Y => [0, 2],
            Axis::Z => [0, 1],
        }
    }
}

/// The rectangle of space that fills the picture, and the pixels it is cut into. Pixels are square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    size: [usize; 2],
    centre: [f64; 3],
    width: f64,
    axis: Axis,
}

impl View {
    /// A picture of `size` pixels (width, height) of the surroundings of `centre` [L]; it shows `width` [L] from its
    /// left edge to its right edge.
    ///
    /// # Errors
    /// [`Error::Size`] outside [`MINIMUM_SIZE`] to [`MAXIMUM_SIZE`]; [`Error::Width`] and [`Error::Centre`] for
    /// lengths that are not finite or a width that is not positive.
    pub fn new(size: [usize; 2], centre: [f64; 3], width: f64, axis: Axis) -> Result<View, Error> {
        check_size(size)?;
        let view = View { size, centre, width, axis };
        let area = view.pixel().powi(2);
        if !(width > 0.0 && area > 0.0 && area.is_finite()) {
            return Err(Error::Width(width));
        }
        if !centre.iter().all(|x| x.is_finite()) {
            return Err(Error::Centre(centre[0], centre[1], centre[2]));
        }
        Ok(view)
    }

    /// Width and height of the picture [pixels].
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Length that the picture's width shows [L].
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Side of a pixel [L].
    pub fn pixel(&self) -> f64 {
        self.width / self.size[0] as f64
    }

    /// Where a position [L] falls in the picture, in pixels from the upper left corner, to the right and down.
    pub fn project(&self, position: [f64; 3]) -> [f64; 2] {
        let [right, up] = self.axis.right_and_up();
        let pixel = self.pixel();
        [
            (position[right] - self.centre[right]) / pixel + 0.5 * self.size[0] as f64,
            0.5 * self.size[1] as f64 - (position[up] - self.centre[up]) / pixel,
        ]
    }

    /// Whether a point of the picture [pixels] lies in it; the left and the upper edge belong to it.
    pub fn shows(&self, point: [f64; 2]) -> bool {
        (0..2).all(|axis| point[axis] >= 0.0 && point[axis] < self.size[axis] as f64)
    }
}

/// Refuses sizes that pictures are not drawn in.
pub(crate) fn check_size(size: [usize; 2]) -> Result<(), Error> {
    let sound = size.iter().all(|side| (MINIMUM_SIZE..=MAXIMUM_SIZE).contains(side));
    if sound { Ok(()) } else { Err(Error::Size(size[0], size[1])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_axis_shows_a_right_handed_scene() {
        for (axis, towards_viewer) in
            [(Axis::X, [1.0, 0.0, 0.0]), (Axis::Y, [0.0, -1.0, 0.0]), (Axis::Z, [0.0, 0.0, 1.0])]
        {
            let unit = |i: usize| -> [f64; 3] { std::array::from_fn(|k| if k == i { 1.0 } else { 0.0 }) };
            let [a, b] = axis.right_and_up().map(unit);
            let cross = std::array::from_fn(|i| {
                let (j, k) = ((i + 1) % 3, (i + 2) % 3);
                a[j] * b[k] - a[k] * b[j]
            });
            assert_eq!(cross, towards_viewer);
        }
    }

    #[test]
    fn the_centre_is_in_the_middle_and_up_is_up() {
        let view = View::new([400, 200], [1.0, 2.0, 3.0], 8.0, Axis::Y).unwrap();
        assert_eq!(view.project([1.0, -50.0, 3.0]), [200.0, 100.0]);
        assert_eq!(view.project([5.0, 0.0, 5.0]), [400.0, 0.0]);
        assert!(!view.shows([400.0, 0.0]) && view.shows([399.9, 0.0]));
    }

    #[test]
    fn impossible_views_are_refused_with_the_reason() {
        let error = |size, centre, width| View::new(size, centre, width, Axis::Z).unwrap_err().to_string();
        let fine = [300, 300];
        assert_eq!(
            error([300, 20], [0.0; 3], 1.0),
            "a picture of 300x20 pixels: each side must be from 160 to 8192"
        );
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert!(error(fine, [0.0; 3], width).contains("must be positive and finite"), "{width}");
        }
        assert!(error(fine, [0.0, f64::NAN, 0.0], 1.0).starts_with("the centre of the picture"));
    }
}
