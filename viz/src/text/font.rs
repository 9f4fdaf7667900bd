//! Rasterises text in the bundled font, a subset of DejaVu Sans (see `viz/fonts`).

use ab_glyph::{Font, FontRef, OutlineCurve, OutlinedGlyph, Point, PxScale, ScaleFont, point};
use std::sync::LazyLock;

static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../fonts/DejaVuSans-subset.ttf"))
        .expect("the bundled font is sound")
});

/// Name of the font family in plotters.
pub(crate) const FAMILY: &str = "DejaVu Sans";

/// Width and height of the box of a line of text [pixels]. `size` is the distance from the highest
/// to the lowest stroke of the font [pixels].
pub(crate) fn extent(text: &str, size: f64) -> [usize; 2] {
    let (_, end) = glyphs(text, size);
    [end.ceil() as usize, size.ceil() as usize]
}

/// The same in the type that plotters needs.
pub(crate) fn whole_extent(text: &str, size: f64) -> (u32, u32) {
    let [width, height] = extent(text, size);
    (width as u32, height as u32)
}

/// A line of text: an opacity from 0 to 1 for each pixel of its box.
pub(crate) struct Mask {
    /// Width and height of the box [pixels].
    pub size: [usize; 2],
    opacity: Vec<f64>,
}

impl Mask {
    /// Opacity at a pixel, or 0 outside the box.
    pub(crate) fn at(&self, [x, y]: [i32; 2]) -> f64 {
        let [width, height] = self.size.map(|n| n as i32);
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        if inside { self.opacity[(y * width + x) as usize] } else { 0.0 }
    }

    /// The text widened by `radius` pixels and fading outwards. The box grows by `radius` on all
    /// sides.
    pub(crate) fn grown(&self, radius: usize) -> Mask {
        let size = self.size.map(|n| n + 2 * radius);
        let mut grown = Mask { size, opacity: vec![0.0; size[0] * size[1]] };
        let reach = radius as f64 + 1.0;
        for (dx, dy) in (0..=2 * radius).flat_map(|dx| (0..=2 * radius).map(move |dy| (dx, dy))) {
            let fade = 1.0 - ((dx as f64 + 1.0 - reach).hypot(dy as f64 + 1.0 - reach) / reach).powi(2);
            for (y, row) in self.opacity.chunks(self.size[0].max(1)).enumerate() {
                let first = (y + dy) * size[0] + dx;
                let most = grown.opacity[first..].iter_mut();
                most.zip(row).for_each(|(most, opacity)| *most = most.max(fade * opacity));
            }
        }
        grown
    }
}

/// Rasterises a line of text.
pub(crate) fn set(text: &str, size: f64) -> Mask {
    let [width, height] = extent(text, size);
    let mut mask = Mask { size: [width, height], opacity: vec![0.0; width * height] };
    for glyph in glyphs(text, size).0 {
        let corner = glyph.px_bounds().min;
        glyph.draw(|x, y, coverage| {
            let (x, y) = (x as i32 + corner.x as i32, y as i32 + corner.y as i32);
            if (0..width as i32).contains(&x) && (0..height as i32).contains(&y) {
                let opacity = &mut mask.opacity[y as usize * width + x as usize];
                *opacity = (*opacity + f64::from(coverage)).min(1.0);
            }
        });
    }
    mask
}

/// The outlines of a text whose box starts at the origin, and the x position of the pen after it
/// [pixels]. The baseline lies on a whole pixel.
fn glyphs(text: &str, size: f64) -> (Vec<OutlinedGlyph>, f32) {
    let scale = PxScale::from(size as f32);
    let font = FONT.as_scaled(scale);
    let baseline = font.ascent().round();
    let mut pen = 0.0;
    let mut last = None;
    let mut outlines = Vec::new();
    for id in text.chars().map(|c| FONT.glyph_id(c)) {
        pen += last.map_or(0.0, |last| font.kern(last, id));
        outlines.extend(FONT.outline_glyph(id.with_scale_and_position(scale, point(pen, baseline))));
        pen += font.h_advance(id);
        last = Some(id);
    }
    (outlines, pen)
}

/// A line of text as curves.
pub(crate) struct Outlines {
    /// Width of its box [pixels].
    pub width: f64,
    /// Cubic Bezier curves: start, two control points, end [pixels]. Successive ones that meet belong to
    /// one contour.
    pub curves: Vec<[[f64; 2]; 4]>,
}

/// The outlines of a text whose box starts at the origin, with y downward. `size` is as for [`extent`].
pub(crate) fn outlines(text: &str, size: f64) -> Outlines {
    let scale = PxScale::from(size as f32);
    let font = FONT.as_scaled(scale);
    let factor = size / f64::from(FONT.height_unscaled());
    let baseline = f64::from(font.ascent());
    let (mut pen, mut last, mut curves) = (0.0, None, Vec::new());
    for id in text.chars().map(|c| FONT.glyph_id(c)) {
        pen += last.map_or(0.0, |last| f64::from(font.kern(last, id)));
        let place = |at: Point| [pen + factor * f64::from(at.x), baseline - factor * f64::from(at.y)];
        for curve in FONT.outline(id).into_iter().flat_map(|outline| outline.curves) {
            let between = |a: [f64; 2], b: [f64; 2], t: f64| -> [f64; 2] {
                std::array::from_fn(|k| a[k] + t * (b[k] - a[k]))
            };
            curves.push(match curve {
                OutlineCurve::Line(a, b) => {
                    let [a, b] = [a, b].map(place);
                    [a, between(a, b, 1.0 / 3.0), between(a, b, 2.0 / 3.0), b]
                }
                OutlineCurve::Quad(a, c, b) => {
                    let [a, c, b] = [a, c, b].map(place);
                    [a, between(a, c, 2.0 / 3.0), between(b, c, 2.0 / 3.0), b]
                }
                OutlineCurve::Cubic(a, c, d, b) => [a, c, d, b].map(place),
            });
        }
        pen += f64::from(font.h_advance(id));
        last = Some(id);
    }
    Outlines { width: pen, curves }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A missing glyph is drawn as a box (glyph 0). The font must have all characters of the
    /// labels.
    #[test]
    fn the_bundled_font_has_every_glyph_that_labels_use() {
        let used = "0123456789 .,=+−-×⁰¹²³⁴⁵⁶⁷⁸⁹⁻[]()/☉ΣabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let missing: String = used.chars().filter(|&c| FONT.glyph_id(c).0 == 0).collect();
        assert_eq!(missing, "");
    }

    /// The area of the curves is the ink of the bitmap, and they lie at the same place.
    #[test]
    fn outlines_are_those_of_the_bitmap() {
        let (text, size) = ("Density [M☉ kpc⁻³]", 60.0);
        let line = outlines(text, size);
        assert!((line.width - extent(text, size)[0] as f64).abs() < 1.0);
        // Green's theorem along the curves.
        let mut area = 0.0;
        for curve in &line.curves {
            let at = |t: f64| -> [f64; 2] {
                std::array::from_fn(|k| {
                    let s = 1.0 - t;
                    s * s * s * curve[0][k]
                        + 3.0 * s * s * t * curve[1][k]
                        + 3.0 * s * t * t * curve[2][k]
                        + t * t * t * curve[3][k]
                })
            };
            for i in 0..16 {
                let [a, b] = [f64::from(i), f64::from(i + 1)].map(|i| at(i / 16.0));
                area += 0.5 * (a[0] * b[1] - a[1] * b[0]);
            }
        }
        let ink: f64 = set(text, size).opacity.iter().sum();
        assert!((area.abs() / ink - 1.0).abs() < 0.02, "{area}, {ink}");
        let lowest = line.curves.iter().flatten().map(|point| point[1]).fold(0.0, f64::max);
        let rows = set(text, size);
        let last =
            (0..rows.size[1]).rev().find(|y| (0..rows.size[0]).any(|x| rows.at([x as i32, *y as i32]) > 0.5));
        assert!((lowest - last.unwrap() as f64).abs() < 2.0, "{lowest}, {last:?}");
    }

    #[test]
    fn text_is_wider_when_longer_or_larger() {
        assert!(extent("10 kpc", 20.0)[0] > extent("1 kpc", 20.0)[0]);
        assert!(extent("10 kpc", 30.0)[0] > extent("10 kpc", 20.0)[0]);
    }

    #[test]
    fn no_ink_falls_outside_the_box_of_a_text() {
        for size in [11.0, 17.0, 40.0] {
            let text = "Surface density [M☉ kpc⁻²]";
            let mut ink = 0.0;
            glyphs(text, size)
                .0
                .iter()
                .for_each(|glyph| glyph.draw(|_, _, coverage| ink += f64::from(coverage.min(1.0))));
            let kept: f64 = set(text, size).opacity.iter().sum();
            assert!((kept - ink).abs() < 1e-3 * ink, "text of {size} pixels: {kept} of {ink}");
        }
    }
}
