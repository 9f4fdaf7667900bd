//! Single bodies that a picture shows as dots, with their paths.

use super::Picture;
use crate::colour::{self, Rgb};
use crate::view::View;

/// Diameters of dots, as fractions of the shorter side of a picture: that of the heaviest body, the
/// least one of a body with mass, and that of a body without mass.
const LARGEST: f64 = 0.018;
const SMALLEST: f64 = 0.005;
const MASSLESS: f64 = 0.0025;
/// Brightness of the colour of a group in a dot.
const BRIGHTNESS: f64 = 0.85;
/// Colour of a dot that has no group.
const PLAIN: Rgb = [255, 250, 240];
/// Opacity of the end of a path at the dot, and of its oldest piece.
const PATH_OPACITY: [f64; 2] = [0.75, 0.15];
/// Width of a path, as a fraction of the shorter side of a picture.
const PATH_WIDTH: f64 = 0.0018;

/// A body that is drawn as a dot.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Its place, in pixels from the upper left corner.
    pub point: [f64; 2],
    /// Radius of the dot [pixels].
    pub radius: f64,
    /// Colour of the dot and of its path.
    pub colour: Rgb,
    /// Earlier places, the oldest first. A path has a gap where a coordinate is not finite.
    pub path: Vec<[f64; 2]>,
}

/// Radius of the dot of a body in a view [pixels]. The volume of the dot is proportional to the mass,
/// which is given as a fraction of the greatest mass of all dots. The dots of bodies without mass are the
/// smallest.
pub fn dot_radius(view: &View, mass: f64) -> f64 {
    let [width, height] = view.size();
    let radius = 0.5 * width.min(height) as f64;
    let least = if mass > 0.0 { SMALLEST } else { MASSLESS };
    radius * (LARGEST * mass.max(0.0).cbrt()).max(least)
}

/// Colour of a dot: the colour of its group, given the group and the number of groups, or a plain
/// colour.
pub fn dot_colour(group: Option<(usize, usize)>) -> Rgb {
    group.map_or(PLAIN, |(group, groups)| {
        colour::of_parts((0..groups).map(|k| f64::from(u8::from(k == group))), BRIGHTNESS)
    })
}

/// Draws the paths of all marks, and the dots over them.
pub(super) fn draw(picture: &mut Picture, marks: &[Mark]) {
    marks.iter().for_each(|mark| draw_path(picture, mark));
    for mark in marks {
        // A dark rim separates the dot from the picture behind it.
        let seam = 1.0 + 0.2 * mark.radius;
        draw_disc(picture, mark.point, mark.radius + seam, [0; 3], 0.6);
        draw_disc(picture, mark.point, mark.radius, mark.colour, 1.0);
    }
}

/// Draws a disc with a smooth edge.
fn draw_disc(picture: &mut Picture, [x, y]: [f64; 2], radius: f64, colour: Rgb, opacity: f64) {
    let [width, height] = picture.size().map(|side| side as f64);
    let reach = radius + 1.0;
    if !(x > -reach && y > -reach && x < width + reach && y < height + reach) {
        return;
    }
    let [left, right, top, bottom] =
        [x - reach, x + reach, y - reach, y + reach].map(|end| end.floor() as i32);
    for (j, i) in (top..=bottom).flat_map(|j| (left..=right).map(move |i| (j, i))) {
        let distance = (f64::from(i) + 0.5 - x).hypot(f64::from(j) + 0.5 - y);
        picture.lay([i, j], colour, opacity * (radius + 0.5 - distance).clamp(0.0, 1.0));
    }
}

fn draw_path(picture: &mut Picture, mark: &Mark) {
    let side = picture.size()[0].min(picture.size()[1]) as f64;
    let radius = (0.5 * PATH_WIDTH * side).max(0.5);
    let ends: Vec<[f64; 2]> = mark.path.iter().copied().chain([mark.point]).collect();
    let count = ends.len();
    for (k, pair) in ends.windows(2).enumerate() {
        let age = (count - 2 - k) as f64 / count.max(2) as f64;
        let opacity = PATH_OPACITY[0] + age * (PATH_OPACITY[1] - PATH_OPACITY[0]);
        let Some([from, to]) = inside(picture.size(), [pair[0], pair[1]]) else { continue };
        let length = (to[0] - from[0]).hypot(to[1] - from[1]);
        let steps = (length / radius).ceil().max(1.0);
        for step in 0..steps as usize {
            let part = step as f64 / steps;
            let point = [0, 1].map(|axis| from[axis] + part * (to[axis] - from[axis]));
            draw_disc(picture, point, radius, mark.colour, 0.6 * opacity);
        }
    }
}

/// The part of a line that lies inside a picture of this size (Liang & Barsky 1984).
fn inside(size: [usize; 2], [from, to]: [[f64; 2]; 2]) -> Option<[[f64; 2]; 2]> {
    if !from.iter().chain(&to).all(|x| x.is_finite()) {
        return None;
    }
    let (mut first, mut last) = (0.0f64, 1.0f64);
    for axis in 0..2 {
        let step = to[axis] - from[axis];
        let ends = [0.0, size[axis] as f64].map(|end| end - from[axis]);
        if step == 0.0 {
            if ends[0] > 0.0 || ends[1] < 0.0 {
                return None;
            }
            continue;
        }
        let parts = ends.map(|end| end / step);
        first = first.max(parts[0].min(parts[1]));
        last = last.min(parts[0].max(parts[1]));
    }
    let at = |part: f64| [0, 1].map(|axis| from[axis] + part * (to[axis] - from[axis]));
    (first < last).then(|| [at(first), at(last)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(mark: Mark) -> Picture {
        let mut picture = Picture::new([100, 80], vec![[0; 3]; 8000]);
        draw(&mut picture, &[mark]);
        picture
    }

    fn light(picture: &Picture, x: usize, y: usize) -> u8 {
        picture.pixels()[y * 100 + x][0]
    }

    #[test]
    fn a_dot_has_its_place_and_size() {
        let mark = Mark { point: [30.0, 40.0], radius: 5.0, colour: [255; 3], path: Vec::new() };
        let picture = drawn(mark);
        assert_eq!(
            [light(&picture, 30, 40), light(&picture, 33, 40), light(&picture, 37, 40)],
            [255, 255, 0]
        );
        let area: f64 = picture.pixels().iter().map(|pixel| f64::from(pixel[0]) / 255.0).sum();
        assert!((area / (std::f64::consts::PI * 25.0) - 1.0).abs() < 0.02, "{area}");
    }

    #[test]
    fn a_path_leads_to_the_dot_and_ends_at_the_edge() {
        let path = vec![[-1e6, 20.0], [60.0, 20.0], [f64::NAN; 2], [90.0, 70.0]];
        let picture = drawn(Mark { point: [90.0, 30.0], radius: 3.0, colour: [255; 3], path });
        assert!(light(&picture, 1, 20) > 30 && light(&picture, 59, 20) > 30 && light(&picture, 90, 50) > 30);
        assert_eq!([light(&picture, 75, 20), light(&picture, 75, 45)], [0, 0], "the path is broken");
    }

    #[test]
    fn dots_grow_with_the_mass() {
        let view = View::new([1000, 1000], [0.0; 3], 1.0, crate::Direction::Z).unwrap();
        assert_eq!([1.0, 0.125, 1e-9, 0.0].map(|mass| dot_radius(&view, mass)), [9.0, 4.5, 2.5, 1.25]);
    }
}
