//! A PDF page as a backend of plotters: paths in vectors, and text as the outlines of its glyphs, so that
//! no font is embedded. It follows ISO 32000-1.

use crate::font;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use std::convert::Infallible;
use std::fmt::Write;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// The content of a page, in steps from the upper left corner.
pub(super) struct Page<'a> {
    content: &'a mut String,
    size: (u32, u32),
}

impl<'a> Page<'a> {
    /// An empty page of this size [steps], which writes to `content`.
    pub(super) fn new(content: &'a mut String, size: (u32, u32)) -> Page<'a> {
        Page { content, size }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.content.write_fmt(text).expect("a string takes all text");
    }

    fn colour(&mut self, colour: BackendColor, operator: &str) {
        let (r, g, b) = colour.rgb;
        let [r, g, b] = [r, g, b].map(|c| f64::from(c) / 255.0);
        self.put(format_args!("{r:.3} {g:.3} {b:.3} {operator}\n"));
    }

    fn corners(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        for (i, (x, y)) in points.into_iter().enumerate() {
            self.put(format_args!("{x} {y} {}\n", if i == 0 { "m" } else { "l" }));
        }
    }

    /// Begins a stroke or a filled area. `None` if it cannot be seen.
    fn begin<S: BackendStyle>(&mut self, style: &S, fill: bool) -> Option<&'static str> {
        let colour = style.color();
        if colour.alpha == 0.0 {
            return None;
        }
        if fill {
            self.colour(colour, "rg");
            return Some("f\n");
        }
        self.colour(colour, "RG");
        self.put(format_args!("{} w\n", style.stroke_width()));
        Some("S\n")
    }
}

/// Distance of the control points of a quarter of a circle of radius 1.
const KAPPA: f64 = 0.552_284_75;

impl DrawingBackend for Page<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        if colour.alpha > 0.0 {
            self.colour(colour, "rg");
            self.put(format_args!("{x} {y} 1 1 re f\n"));
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if let Some(end) = self.begin(style, fill) {
            self.put(format_args!("{left} {top} {} {} re {end}", right - left, bottom - top));
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if let Some(end) = self.begin(style, false) {
            self.corners(path);
            self.put(format_args!("{end}"));
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let Some(end) = self.begin(style, fill) else { return Ok(()) };
        let (x, y, r) = (f64::from(x), f64::from(y), f64::from(radius));
        let k = KAPPA * r;
        self.put(format_args!("{} {y} m\n", x + r));
        for [(a, b), (c, d), (e, f)] in [
            [(r, k), (k, r), (0.0, r)],
            [(-k, r), (-r, k), (-r, 0.0)],
            [(-r, -k), (-k, -r), (0.0, -r)],
            [(k, -r), (r, -k), (r, 0.0)],
        ] {
            let numbers = [x + a, y + b, x + c, y + d, x + e, y + f];
            numbers.iter().for_each(|number| self.put(format_args!("{number:.2} ")));
            self.put(format_args!("c\n"));
        }
        self.put(format_args!("h {end}"));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if let Some(end) = self.begin(style, true) {
            self.corners(path);
            self.put(format_args!("h {end}"));
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let line = font::outlines(text, style.size());
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -0.5 * line.width,
            HPos::Right => -line.width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0.0,
            VPos::Center => -0.5 * style.size(),
            VPos::Bottom => -style.size(),
        };
        let (x, y) = (f64::from(x), f64::from(y));
        let place = |[u, v]: [f64; 2]| {
            let (u, v) = (u + left, v + top);
            match style.transform() {
                FontTransform::None => [x + u, y + v],
                FontTransform::Rotate90 => [x - v, y + u],
                FontTransform::Rotate180 => [x - u, y - v],
                FontTransform::Rotate270 => [x + v, y - u],
            }
        };
        self.colour(style.color(), "rg");
        let mut last = None;
        for curve in &line.curves {
            let [from, a, b, to] = curve.map(place);
            if last != Some(curve[0]) {
                self.put(format_args!("{:.2} {:.2} m\n", from[0], from[1]));
            }
            let numbers = [a, b, to];
            numbers.iter().for_each(|[x, y]| self.put(format_args!("{x:.2} {y:.2} ")));
            self.put(format_args!("c\n"));
            last = Some(curve[3]);
        }
        self.put(format_args!("f\n"));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let [width, height] = font::extent(text, style.size());
        Ok((width as u32, height as u32))
    }
}

/// A file with one page of this size [points]. `content` is in steps from the upper left corner, and
/// `points` is the length of a step.
pub(super) fn file(content: &str, [width, height]: [f64; 2], points: f64) -> Vec<u8> {
    // Steps down from the upper left corner become points up from the lower left one. Ends and corners
    // of lines are round.
    let stream = format!("{points:.6} 0 0 -{points:.6} 0 {height:.3} cm\n1 J 1 j\n{content}");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.3} {height:.3}] /Resources << >> /Contents 4 0 R >>"
        ),
        format!("<< /Length {} >>\nstream\n{stream}endstream", stream.len()),
    ];
    let mut text = "%PDF-1.4\n".to_owned();
    let mut places = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        places.push(text.len());
        let _ = write!(text, "{} 0 obj\n{object}\nendobj\n", i + 1);
    }
    let table = text.len();
    let _ = write!(text, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    places.iter().for_each(|place| {
        let _ = write!(text, "{place:010} 00000 n \n");
    });
    let _ =
        write!(text, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_file_has_the_places_of_its_objects() {
        let bytes = file("0 0 10 10 re f\n", [72.0, 36.0], 0.1667);
        let text = String::from_utf8(bytes).unwrap();
        let table: usize = text.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        assert!(text[table..].starts_with("xref\n0 5\n"));
        let places: Vec<usize> = text[table..]
            .lines()
            .filter(|line| line.ends_with("n "))
            .map(|line| line[..10].parse().unwrap())
            .collect();
        assert_eq!(places.len(), 4);
        for (i, place) in places.iter().enumerate() {
            assert!(text[*place..].starts_with(&format!("{} 0 obj\n", i + 1)));
        }
        let length: usize =
            text.split("/Length ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let stream = text.split("stream\n").nth(1).unwrap();
        assert_eq!(stream.find("endstream").unwrap(), length);
    }
}
