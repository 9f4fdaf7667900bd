//! A PDF page as a backend of plotters: paths in vectors, and text as the outlines of its glyphs, so that
//! no font is embedded. Pictures are embedded as the data of their PNG files. It follows ISO 32000-1.

use super::encode_png;
use crate::text::font;
use crate::{Error, Picture};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};
use std::convert::Infallible;
use std::fmt::Write;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// The content of a page, in steps from the upper left corner.
pub(crate) struct Page<'a> {
    content: &'a mut String,
    size: (u32, u32),
    /// Width of the dark rim of text [steps], for text on pictures.
    halo: u32,
}

impl<'a> Page<'a> {
    /// An empty page of this size [steps], which writes to `content`.
    pub(crate) fn new(content: &'a mut String, size: (u32, u32)) -> Page<'a> {
        Page { content, size, halo: 0 }
    }

    /// The same page with a dark rim of this width around its text [steps].
    pub(crate) fn with_halo(self, halo: usize) -> Page<'a> {
        Page { halo: halo as u32, ..self }
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
            // A filled area includes the steps of both corners, as in a bitmap. Half a step more hides seams
            // between areas side by side.
            let more = if fill { 1.5 } else { 0.0 };
            let [width, height] = [right - left, bottom - top].map(|side| f64::from(side) + more);
            self.put(format_args!("{left} {top} {width} {height} re {end}"));
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
        let mut path = String::new();
        let mut last = None;
        for curve in &line.curves {
            let [from, a, b, to] = curve.map(place);
            if last != Some(curve[0]) {
                let _ = writeln!(path, "{:.2} {:.2} m", from[0], from[1]);
            }
            let numbers = [a, b, to];
            numbers.iter().for_each(|[x, y]| {
                let _ = write!(path, "{x:.2} {y:.2} ");
            });
            path.push_str("c\n");
            last = Some(curve[3]);
        }
        if self.halo > 0 {
            self.put(format_args!("0 0 0 RG {} w\n{path}S\n", 2 * self.halo));
        }
        self.colour(style.color(), "rg");
        self.put(format_args!("{path}f\n"));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(font::whole_extent(text, style.size()))
    }
}

/// A picture on a page.
pub(crate) struct Image {
    size: [usize; 2],
    /// Compressed rows, each with the number of its filter.
    data: Vec<u8>,
}

impl Image {
    /// The picture, which must be opaque.
    ///
    /// # Errors
    /// As [`encode_png`].
    pub(crate) fn of(picture: &Picture) -> Result<Image, Error> {
        let png = encode_png(picture)?;
        // Behind the signature: length, name, data and checksum of each chunk. A PDF reads the data of
        // IDAT chunks as they are (ISO 32000-1, 7.4.4.4).
        let (mut rest, mut data) = (&png[8..], Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if &behind[..4] == b"IDAT" {
                data.extend_from_slice(&behind[4..4 + length]);
            }
            rest = &behind[8 + length..];
        }
        Ok(Image { size: picture.size(), data })
    }

    /// The command that draws image number `k` with its upper left corner at a place [steps]; a pixel is a
    /// step.
    pub(crate) fn draw(&self, k: usize, [x, y]: [usize; 2]) -> String {
        let [width, height] = self.size;
        format!("q {width} 0 0 -{height} {x} {} cm /I{k} Do Q\n", y + height)
    }
}

/// A file with one page of this size [points]. `content` is in steps from the upper left corner, and
/// `points` is the length of a step.
pub(crate) fn file(content: &str, [width, height]: [f64; 2], points: f64, images: &[Image]) -> Vec<u8> {
    // Steps down from the upper left corner become points up from the lower left one. Ends and corners
    // of lines are round.
    let stream = format!("{points:.6} 0 0 -{points:.6} 0 {height:.3} cm\n1 J 1 j\n{content}");
    let names: String = (0..images.len()).map(|k| format!("/I{k} {} 0 R ", k + 5)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.3} {height:.3}] \
             /Resources << /XObject << {names}>> >> /Contents 4 0 R >>"
        )
        .into_bytes(),
        format!("<< /Length {} >>\nstream\n{stream}endstream", stream.len()).into_bytes(),
    ];
    for Image { size: [width, height], data } in images {
        let head = format!(
            "<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB \
             /BitsPerComponent 8 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 /Columns {width} >> \
             /Length {} >>\nstream\n",
            data.len()
        );
        objects.push([head.as_bytes(), data, b"\nendstream"].concat());
    }
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        places.push(bytes.len());
        bytes.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b"\nendobj\n");
    }
    let table = bytes.len();
    let count = objects.len() + 1;
    let mut end = format!("xref\n0 {count}\n0000000000 65535 f \n");
    places.iter().for_each(|place| {
        let _ = writeln!(end, "{place:010} 00000 n ");
    });
    let _ = write!(end, "trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    bytes.extend_from_slice(end.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_a_file_has_the_places_of_its_objects() {
        let bytes = file("0 0 10 10 re f\n", [72.0, 36.0], 0.1667, &[]);
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
        let start = text.find("stream\n").unwrap() + "stream\n".len();
        assert_eq!(text.find("endstream").unwrap(), start + length);
    }

    #[test]
    fn an_image_holds_the_data_of_its_png() {
        let picture = Picture::new([3, 2], vec![[10, 20, 30]; 6]);
        let image = Image::of(&picture).unwrap();
        let png = encode_png(&picture).unwrap();
        assert!(image.data.len() > 8 && png.windows(image.data.len()).any(|part| part == image.data));
        let bytes = file(&image.draw(0, [5, 7]), [9.0, 9.0], 1.0, &[image]);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("q 3 0 0 -2 5 9 cm /I0 Do Q") && text.contains("/XObject << /I0 5 0 R >>"));
        assert!(text.contains("/Width 3 /Height 2") && text.trim_end().ends_with("%%EOF"));
    }
}
