//! The camera: its target, direction and field of view, with or without perspective.

use crate::Error;
use nalgebra::{Matrix3, Vector3};

/// Smallest side of a picture [pixels]. Labels are illegible below it.
pub const MINIMUM_SIZE: usize = 160;
/// Least and greatest width of a picture [L]. Areas and volumes then stay within the range of a
/// double.
pub(crate) const LEAST_WIDTH: f64 = 1e-100;
/// See [`LEAST_WIDTH`].
pub(crate) const GREATEST_WIDTH: f64 = 1e100;
/// Largest side of a picture [pixels].
pub const MAXIMUM_SIZE: usize = 8192;
/// Bodies nearer to the eye than this fraction of the distance to the target are not drawn.
const NEAR: f64 = 0.1;

/// Direction from the target to the camera [degree].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction {
    /// Angle in the x-y plane, from the x axis towards the y axis.
    pub azimuth: f64,
    /// Angle above the x-y plane. At 90, the upward direction in the picture points away from the
    /// azimuth.
    pub elevation: f64,
    /// Rotation of the camera about the line of sight, counter-clockwise.
    pub roll: f64,
}

impl Direction {
    /// Seen from +x: y to the right, z up.
    pub const X: Direction = Direction { azimuth: 0.0, elevation: 0.0, roll: 0.0 };
    /// Seen from -y: x to the right, z up. Shows a disc edge-on.
    pub const Y: Direction = Direction { azimuth: -90.0, elevation: 0.0, roll: 0.0 };
    /// Seen from +z: x to the right, y up.
    pub const Z: Direction = Direction { azimuth: -90.0, elevation: 90.0, roll: 0.0 };

    /// The directions to the right, up and towards the camera, as rows.
    fn axes(&self) -> Matrix3<f64> {
        let [(sa, ca), (se, ce), (sr, cr)] = [self.azimuth, self.elevation, self.roll].map(sin_cos);
        let towards = Vector3::new(ce * ca, ce * sa, se);
        let (right, up) = (Vector3::new(-sa, ca, 0.0), Vector3::new(-se * ca, -se * sa, ce));
        let rows = [right * cr + up * sr, up * cr - right * sr, towards];
        Matrix3::from_rows(&rows.map(|row| row.transpose()))
    }
}

/// Sine and cosine of an angle [degree], exact at multiples of 90.
fn sin_cos(degrees: f64) -> (f64, f64) {
    match (degrees / 90.0).rem_euclid(4.0) {
        0.0 => (0.0, 1.0),
        1.0 => (1.0, 0.0),
        2.0 => (0.0, -1.0),
        3.0 => (-1.0, 0.0),
        _ => degrees.to_radians().sin_cos(),
    }
}

/// The region of space that fills the picture, and its size in pixels. Pixels are square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    size: [usize; 2],
    target: Vector3<f64>,
    width: f64,
    /// The directions to the right, up and towards the camera, as rows.
    axes: Matrix3<f64>,
    /// Distance of the eye from the target [L]. Infinite without perspective.
    eye: f64,
}

/// Position of a body in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sight {
    /// Pixels from the upper left corner, to the right and down.
    pub point: [f64; 2],
    /// Distance from the eye, divided by the distance of the target. 1 without perspective.
    pub distance: f64,
}

impl View {
    /// A view of `size` pixels (width, height) with `target` [L] at its centre. It shows `width`
    /// [L] from the left edge to the right edge.
    ///
    /// # Errors
    /// [`Error::Size`] outside [`MINIMUM_SIZE`] to [`MAXIMUM_SIZE`]. [`Error::Width`],
    /// [`Error::Centre`] and [`Error::Direction`] for numbers that are not finite or a width that
    /// is not positive.
    pub fn new(size: [usize; 2], target: [f64; 3], width: f64, direction: Direction) -> Result<View, Error> {
        check_size(size)?;
        if !target.iter().all(|x| x.is_finite()) {
            return Err(Error::Centre(target[0], target[1], target[2]));
        }
        let Direction { azimuth, elevation, roll } = direction;
        if ![azimuth, elevation, roll].iter().all(|angle| angle.is_finite()) {
            return Err(Error::Direction(azimuth, elevation, roll));
        }
        let view = View { size, target: target.into(), width, axes: direction.axes(), eye: f64::INFINITY };
        if !(LEAST_WIDTH..=GREATEST_WIDTH).contains(&width) {
            return Err(Error::Width(width));
        }
        Ok(view)
    }

    /// The same view with perspective: `angle` [degree] spans the width at the target's distance.
    ///
    /// # Errors
    /// [`Error::Angle`] outside 1 to 150 degrees.
    pub fn with_perspective(self, angle: f64) -> Result<View, Error> {
        match (1.0..=150.0).contains(&angle) {
            true => Ok(View { eye: 0.5 * self.width / (0.5 * angle.to_radians()).tan(), ..self }),
            false => Err(Error::Angle(angle)),
        }
    }

    /// Width and height of the picture [pixels].
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Width of the picture [L]. With perspective, at the target's distance.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Side of a pixel [L]. With perspective, at the target's distance.
    pub fn pixel(&self) -> f64 {
        self.width / self.size[0] as f64
    }

    /// The position at the centre of the picture [L].
    pub fn target(&self) -> [f64; 3] {
        self.target.into()
    }

    /// Projects a position [L]. `None` if it is behind the eye or close in front of it.
    pub fn project(&self, position: [f64; 3]) -> Option<Sight> {
        let seen = self.axes * (Vector3::from(position) - self.target);
        let distance = 1.0 - seen.z / self.eye;
        let pixel = self.pixel() * distance;
        let point = [0.5 * self.size[0] as f64 + seen.x / pixel, 0.5 * self.size[1] as f64 - seen.y / pixel];
        (distance >= NEAR).then_some(Sight { point, distance })
    }

    /// Greatest factor by which perspective enlarges an area.
    pub(crate) fn most_enlarged(&self) -> f64 {
        if self.eye.is_finite() { NEAR.powi(-2) } else { 1.0 }
    }

    /// Component of a vector along the line of sight, positive away from the camera.
    pub fn away(&self, vector: [f64; 3]) -> f64 {
        -(self.axes.row(2) * Vector3::from(vector)).x
    }

    /// Names of the directions to the right and up: an axis of space, or else the direction itself.
    pub fn axis_names(&self) -> [String; 2] {
        let names = ["x", "y", "z"];
        [(0, "right"), (1, "up")].map(|(row, other)| {
            let along = (0..3).find(|&axis| self.axes[(row, axis)].abs() > 1.0 - 1e-9);
            match along {
                Some(axis) if self.axes[(row, axis)] < 0.0 => format!("−{}", names[axis]),
                Some(axis) => names[axis].to_owned(),
                None => other.to_owned(),
            }
        })
    }

    /// Whether a point [pixels] lies inside the picture. The left and the upper edge belong to it.
    pub fn shows(&self, point: [f64; 2]) -> bool {
        (0..2).all(|axis| point[axis] >= 0.0 && point[axis] < self.size[axis] as f64)
    }
}

/// Refuses sizes that are out of range.
pub(crate) fn check_size(size: [usize; 2]) -> Result<(), Error> {
    let sound = size.iter().all(|side| (MINIMUM_SIZE..=MAXIMUM_SIZE).contains(side));
    if sound { Ok(()) } else { Err(Error::Size(size[0], size[1])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(view: &View, position: [f64; 3]) -> [f64; 2] {
        view.project(position).unwrap().point
    }

    #[test]
    fn the_three_axes_show_what_they_say() {
        let [x, y, z] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        for (direction, right, up, towards) in
            [(Direction::X, y, z, x), (Direction::Y, x, z, y.map(|a| -a)), (Direction::Z, x, y, z)]
        {
            let rows = [right, up, towards].map(|row| Vector3::from(row).transpose());
            assert_eq!(direction.axes(), Matrix3::from_rows(&rows));
        }
    }

    #[test]
    fn every_direction_is_a_rotation_and_roll_turns_the_picture() {
        for (azimuth, elevation, roll) in [(12.0, 34.0, 0.0), (-200.0, 80.0, 25.0), (90.0, -45.0, 180.0)] {
            let axes = Direction { azimuth, elevation, roll }.axes();
            assert!((axes * axes.transpose() - Matrix3::identity()).norm() < 1e-14);
            assert!((axes.determinant() - 1.0).abs() < 1e-14);
        }
        let view = View::new([200, 200], [0.0; 3], 2.0, Direction { roll: 90.0, ..Direction::Z }).unwrap();
        assert_eq!(point(&view, [0.0, 0.5, 0.0]), [150.0, 100.0], "what was up is at the right");
    }

    #[test]
    fn the_target_is_in_the_middle_and_up_is_up() {
        let view = View::new([400, 200], [1.0, 2.0, 3.0], 8.0, Direction::Y).unwrap();
        assert_eq!(point(&view, [1.0, -50.0, 3.0]), [200.0, 100.0]);
        assert_eq!(point(&view, [5.0, 0.0, 5.0]), [400.0, 0.0]);
        assert!(!view.shows([400.0, 0.0]) && view.shows([399.9, 0.0]));
        assert_eq!(view.away([7.0, 3.0, 9.0]), 3.0);
        let names = |direction| View::new([400, 200], [0.0; 3], 8.0, direction).unwrap().axis_names();
        assert_eq!(names(Direction::X), ["y", "z"]);
        assert_eq!(names(Direction { roll: 180.0, ..Direction::Z }), ["−x", "−y"]);
        assert_eq!(names(Direction { azimuth: 10.0, ..Direction::X }), ["right", "z"]);
    }

    /// At an angle of view of 90 degrees, the eye is half a width in front of the target.
    #[test]
    fn with_perspective_the_near_is_larger_and_what_is_behind_the_eye_is_not_seen() {
        let view =
            View::new([400, 400], [0.0; 3], 8.0, Direction::Z).unwrap().with_perspective(90.0).unwrap();
        let at = |z| view.project([1.0, 0.0, z]);
        let close = |x: f64, y: f64| (x - y).abs() < 1e-9;
        let sight = at(2.0).unwrap();
        assert!(close(sight.point[0], 300.0) && close(sight.distance, 0.5), "{sight:?}");
        assert!(close(at(0.0).unwrap().point[0], 250.0) && close(at(-4.0).unwrap().point[0], 225.0));
        assert_eq!([at(3.7), at(4.0), at(9.0)], [None; 3]);
        for angle in [0.0, 180.0, f64::NAN] {
            assert!(view.with_perspective(angle).is_err(), "{angle}");
        }
    }

    #[test]
    fn impossible_views_are_refused_with_the_reason() {
        let error =
            |size, target, width| View::new(size, target, width, Direction::Z).unwrap_err().to_string();
        let fine = [300, 300];
        assert_eq!(
            error([300, 20], [0.0; 3], 1.0),
            "a picture of 300x20 pixels: each side must be from 160 to 8192"
        );
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert!(error(fine, [0.0; 3], width).contains("must be from 1e-100 to 1e100"), "{width}");
        }
        assert!(error(fine, [0.0, f64::NAN, 0.0], 1.0).starts_with("the centre of the picture"));
        let turned = View::new(fine, [0.0; 3], 1.0, Direction { azimuth: f64::NAN, ..Direction::X });
        assert!(turned.unwrap_err().to_string().starts_with("the direction of the camera"));
    }
}
