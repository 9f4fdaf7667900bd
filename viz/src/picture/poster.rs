//! Posters for papers: pictures of several times side by side.

use super::axes::{Axes, AxesLook, Margins};
use super::decoration::{Board, Decorations, Style, halo};
use super::{HALO_OPACITY, Picture, mark};
use crate::encode::pdf::{self, Image};
use crate::plot::Theme;
use crate::{Error, MINIMUM_SIZE, Rgb, SurfaceDensity, encode_png};
use base64::prelude::{BASE64_STANDARD, Engine};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::Rectangle;
use plotters::prelude::SVGBackend;
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;
use std::fmt::Write;

/// White space between panels, as a fraction of their width.
const GAP: f64 = 0.015;
/// Pixels in an inch of a PDF, unless the poster has its own resolution.
const DPI: f64 = 96.0;
const POINTS_PER_INCH: f64 = 72.0;
const MM_PER_INCH: f64 = 25.4;
/// Largest side of a poster [pixels].
const MAXIMUM_SIDE: usize = 32_768;

/// Panels in rows, all in one style. Each shows its time, the first the scale bar, and the last the
/// colour bar.
pub struct Poster {
    style: Style,
    columns: usize,
    panels: Vec<Panel>,
    /// Pixels in an inch of a PDF or SVG.
    dpi: Option<f64>,
}

struct Panel {
    picture: Picture,
    axes: Axes,
    /// Width that the panel shows [L].
    width: f64,
    time: String,
}

/// Space between panels of this size [pixels].
fn gap(panel: [usize; 2]) -> usize {
    (GAP * panel[0] as f64).round().max(1.0) as usize
}

/// Space around each panel of this size.
fn margins(panel: [usize; 2], axes: Option<AxesLook>) -> Margins {
    axes.map_or_else(Margins::default, |look| Margins::of(panel, look))
}

/// Size of the panels of this shape that make a poster `width` pixels wide, with axes. `None` if it is too
/// narrow for pictures.
pub fn panel_size(width: usize, shape: [usize; 2], columns: usize, look: AxesLook) -> Option<[usize; 2]> {
    let columns = columns.max(1);
    let of_width = |side: usize| [side, (side * shape[1] / shape[0].max(1)).max(1)];
    let whole_width = |side: usize| {
        let panel = of_width(side);
        columns * (Margins::of(panel, look).around(panel)[0] + gap(panel)) - gap(panel)
    };
    let (mut below, mut above) = (MINIMUM_SIZE, width);
    if width < MINIMUM_SIZE || whole_width(below) > width {
        return None;
    }
    while above > below + 1 {
        let middle = usize::midpoint(below, above);
        if whole_width(middle) <= width { below = middle } else { above = middle }
    }
    Some(of_width(below)).filter(|size| size[1] >= MINIMUM_SIZE)
}

/// Size of a poster [pixels].
fn whole(
    panel: [usize; 2],
    panels: usize,
    columns: usize,
    axes: Option<AxesLook>,
) -> Result<[usize; 2], Error> {
    let (count, gap) = ([panels.min(columns), panels.div_ceil(columns)], gap(panel));
    let panel = margins(panel, axes).around(panel);
    let size = [0, 1].map(|k| count[k].saturating_mul(panel[k].saturating_add(gap)).saturating_sub(gap));
    match size.iter().all(|side| *side <= MAXIMUM_SIDE) {
        true => Ok(size),
        false => Err(Error::Poster(size[0], size[1], MAXIMUM_SIDE)),
    }
}

impl Poster {
    /// An empty poster with `columns` panels per row, at least one.
    pub fn new(style: Style, columns: usize) -> Poster {
        Poster { style, columns: columns.max(1), panels: Vec::new(), dpi: None }
    }

    /// The poster with this number of pixels in an inch of a PDF or SVG.
    #[must_use]
    pub fn with_dpi(self, dpi: f64) -> Poster {
        Poster { dpi: Some(dpi), ..self }
    }

    /// Width of the dark halo around text [pixels].
    fn halo(&self) -> usize {
        halo(self.panels[0].picture.size(), self.style.decorations.axes)
    }

    /// Colour of the ground between the panels.
    fn paper(&self) -> Rgb {
        self.style.decorations.axes.map_or(Theme::Light, |look| look.theme).paper()
    }

    /// Adds a panel.
    ///
    /// # Errors
    /// [`Error::FrameSize`] if it differs in size from the first.
    pub fn push(&mut self, density: &SurfaceDensity, time: &str) -> Result<(), Error> {
        let mut picture = Picture::new(density.view().size(), self.style.paint(density));
        mark::draw(&mut picture, density.marks());
        match self.panels.first() {
            Some(first) if first.picture.size() != picture.size() => {
                Err(Error::FrameSize { frame: picture.size(), movie: first.picture.size() })
            }
            _ => {
                let view = density.view();
                let axes = Axes::new(view, self.style.units);
                self.panels.push(Panel { picture, axes, width: view.width(), time: time.to_owned() });
                Ok(())
            }
        }
    }

    /// The poster as a PNG file.
    ///
    /// # Errors
    /// [`Error::NoFrames`] without panels, [`Error::Poster`] if it is too large, [`Error::Png`].
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        let size = self.size()?;
        let mut whole = Picture::new(size, vec![self.paper(); size[0] * size[1]]);
        for (i, panel) in self.panels.iter().enumerate() {
            whole.paste(&panel.picture, self.corner(i));
        }
        self.decorate(whole.canvas().with_halo(self.halo()).into_drawing_area());
        self.draw_axes(&whole.canvas().into_drawing_area());
        encode_png(&whole.with_dpi(self.dpi))
    }

    /// The poster as an SVG file. Pictures are embedded, lines and text are vectors.
    ///
    /// # Errors
    /// As [`Poster::png`].
    pub fn svg(&self) -> Result<String, Error> {
        let [width, height] = self.size()?;
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (width as u32, height as u32)).into_drawing_area();
        self.draw_axes(&area);
        self.decorate(area);
        let mut text = with_last_pixels(&text);
        let colour = |[r, g, b]: Rgb| format!("#{r:02X}{g:02X}{b:02X}");
        let ink = self.style.decorations.axes.map_or(Theme::Light, |look| look.theme).ink();
        let (paper, ink) = (colour(self.paper()), colour(ink));
        let mut below = format!(
            "<style>text {{ paint-order: stroke; stroke: #000; stroke-opacity: {HALO_OPACITY}; stroke-width: {}px }} \
             text[fill=\"{ink}\"] {{ stroke: none }}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{paper}\"/>\n",
            2 * self.halo()
        );
        for (i, Panel { picture, .. }) in self.panels.iter().enumerate() {
            let ([x, y], [width, height]) = (self.corner(i), picture.size());
            let data = BASE64_STANDARD.encode(encode_png(picture)?);
            let _ = writeln!(
                below,
                "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" href=\"data:image/png;base64,{data}\"/>"
            );
        }
        // plotters' drawing covers the pictures, so they follow directly after its opening tag.
        let opening = text.find("<svg").and_then(|tag| text[tag..].find('>').map(|end| tag + end + 1));
        text.insert_str(opening.expect("plotters begins with <svg ...>"), &format!("\n{below}"));
        if let Some(dpi) = self.dpi {
            // The first size is that of the whole. Its coordinates stay pixels.
            let mm = [width, height].map(|side| side as f64 / dpi * MM_PER_INCH);
            let shown = format!("width=\"{:.2}mm\" height=\"{:.2}mm\"", mm[0], mm[1]);
            text = text.replacen(&format!("width=\"{width}\" height=\"{height}\""), &shown, 1);
        }
        Ok(text)
    }

    /// The poster as a PDF file of one page, with 96 pixels to an inch unless it has its own resolution.
    /// Pictures are embedded, lines and
    /// text are vectors.
    ///
    /// # Errors
    /// As [`Poster::png`].
    pub fn pdf(&self) -> Result<Vec<u8>, Error> {
        let size = self.size()?;
        let images = self.panels.iter().map(|panel| Image::of(&panel.picture));
        let images = images.collect::<Result<Vec<_>, _>>()?;
        let mut content = String::new();
        if self.paper() != Theme::Light.paper() {
            let [r, g, b] = self.paper();
            let ground =
                Rectangle::new([(0, 0), (size[0] as i32, size[1] as i32)], RGBColor(r, g, b).filled());
            let page = pdf::Page::new(&mut content, pair(size)).into_drawing_area();
            page.draw(&ground).expect("drawing in memory cannot fail");
        }
        for (k, image) in images.iter().enumerate() {
            content.push_str(&image.draw(k, self.corner(k)));
        }
        let page = pdf::Page::new(&mut content, pair(size)).with_halo(self.halo());
        self.decorate(page.into_drawing_area());
        self.draw_axes(&pdf::Page::new(&mut content, pair(size)).into_drawing_area());
        let points = POINTS_PER_INCH / self.dpi.unwrap_or(DPI);
        Ok(pdf::file(&content, size.map(|side| side as f64 * points), points, &images))
    }

    /// Checks the size of a poster before its panels are drawn.
    ///
    /// # Errors
    /// [`Error::Poster`] if it is too large.
    pub fn check(
        panel: [usize; 2],
        panels: usize,
        columns: usize,
        axes: Option<AxesLook>,
    ) -> Result<(), Error> {
        whole(panel, panels, columns.max(1), axes).map(|_| ())
    }

    /// Upper left corner of a panel [pixels].
    fn corner(&self, i: usize) -> [usize; 2] {
        let panel = self.panels[i].picture.size();
        let margins = margins(panel, self.style.decorations.axes);
        let [width, height] = margins.around(panel).map(|side| side + gap(panel));
        [margins.left + i % self.columns * width, margins.top + i / self.columns * height]
    }

    fn size(&self) -> Result<[usize; 2], Error> {
        let first = self.panels.first().ok_or(Error::NoFrames)?.picture.size();
        whole(first, self.panels.len(), self.columns, self.style.decorations.axes)
    }

    /// Draws the axes around all panels.
    fn draw_axes<B: DrawingBackend>(&self, whole: &DrawingArea<B, Shift>) {
        if let Some(look) = self.style.decorations.axes {
            for (i, panel) in self.panels.iter().enumerate() {
                panel.axes.draw(whole, self.corner(i), self.style.comoving, look);
            }
        }
    }

    fn decorate<B: DrawingBackend>(&self, whole: DrawingArea<B, Shift>) {
        let last = self.panels.len() - 1;
        for (i, Panel { picture, width, time, .. }) in self.panels.iter().enumerate() {
            let area = whole.clone().shrink(pair(self.corner(i)), pair(picture.size()));
            let wished = self.style.decorations;
            let decorations = Decorations {
                scale_bar: wished.scale_bar && i == 0,
                colour_bar: wished.colour_bar && i == last,
                ..wished
            };
            Board::new(area, picture.size(), wished.axes).decorate(&self.style, decorations, *width, time);
        }
        whole.present().expect("drawing in memory cannot fail");
    }
}

/// The rectangles of an SVG of plotters with their last row and column of pixels, which its bitmaps have
/// and its SVG leaves out.
fn with_last_pixels(svg: &str) -> String {
    let mut parts = svg.split("<rect ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mut tag, rest) = part.split_at(part.find('>').unwrap_or(part.len()));
        text.push_str("<rect ");
        while let Some(place) =
            ["width=\"", "height=\""].iter().filter_map(|key| Some(tag.find(key)? + key.len())).min()
        {
            let end = place + tag[place..].find('"').unwrap_or(0);
            text.push_str(&tag[..place]);
            match tag[place..end].parse::<u32>() {
                Ok(side) => text.push_str(&(side + 1).to_string()),
                Err(_) => text.push_str(&tag[place..end]),
            }
            tag = &tag[end..];
        }
        text.push_str(tag);
        text.push_str(rest);
    }
    text
}

fn pair([x, y]: [usize; 2]) -> (u32, u32) {
    (x as u32, y as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColourMap, Colours, Direction, Range, Subject, Tint, View, decode_png};
    use treecode::{Bodies, TYPES};

    fn poster(panels: usize, columns: usize) -> Poster {
        let style = Style {
            colours: Colours::Map(ColourMap::Galaxy),
            range: Range::new(1e-3, 1.0).unwrap(),
            units: None,
            decorations: Decorations::ALL,
            comoving: false,
            transparent: false,
        };
        let mut poster = Poster::new(style, columns);
        for i in 0..panels {
            let mut bodies = Bodies::zeroed(1);
            bodies.mass[0] = 1.0;
            let view = View::new([200, 160], [0.0; 3], 10.0, Direction::Z).unwrap();
            let subject =
                Subject { bodies: &bodies, kinds: [true; TYPES], lengths: &[2.0], tint: Tint::Plain };
            poster.push(&SurfaceDensity::project(&subject, &view).unwrap(), &format!("t = {i}.5")).unwrap();
        }
        poster
    }

    #[test]
    fn panels_stand_in_rows_on_white_ground() {
        let picture = decode_png(&poster(5, 3).png().unwrap()).unwrap();
        assert_eq!(picture.size(), [606, 323]);
        let at = |x: usize, y: usize| picture.pixels()[y * 606 + x];
        assert_eq!(
            [at(201, 80), at(100, 161), at(500, 240)],
            [[255; 3]; 3],
            "gaps and the empty place are white"
        );
        let centres = [[100, 80], [303, 80], [506, 80], [100, 243], [303, 243]];
        assert!(
            centres.iter().all(|[x, y]| at(*x, *y) != [255; 3] && at(*x, *y) != [0; 3]),
            "a body is in each panel"
        );
    }

    #[test]
    fn an_svg_has_each_panel_and_its_text() {
        let svg = poster(5, 3).svg().unwrap();
        assert_eq!(svg.matches("<image ").count(), 5);
        // The colour bar has slices of one pixel.
        assert!(svg.matches(" width=\"1\" ").count() > 50 && !svg.contains("width=\"0\""));
        assert!((0..5).all(|i| svg.contains(&format!("t = {i}.5"))));
        assert_eq!(svg.matches("Σ").count() + svg.matches("Surface density").count(), 1, "one colour bar");
        assert!(
            svg.trim_end().ends_with("</svg>") && svg.find("<image").unwrap() < svg.find("<text").unwrap()
        );
    }

    #[test]
    fn a_pdf_has_each_panel() {
        let bytes = poster(5, 3).pdf().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!((text.matches("/Subtype /Image").count(), text.matches(" Do Q").count()), (5, 5));
        assert!(text.contains("/MediaBox [0 0 454.500 242.250]"));
    }

    #[test]
    fn axes_stand_around_each_panel_in_every_format() {
        let plain = poster(2, 2).pdf().unwrap().len();
        let mut poster = poster(2, 2);
        poster.style.decorations.axes = Some(AxesLook::default());
        let size = crate::size_with_axes([200, 160], AxesLook::default());
        assert_eq!(poster.size().unwrap(), [2 * size[0] + 3, size[1]]);
        let picture = decode_png(&poster.png().unwrap()).unwrap();
        let corner = poster.corner(1);
        let at = |x: usize, y: usize| picture.pixels()[y * picture.size()[0] + x];
        assert_eq!(at(corner[0] - 1, corner[1] + 80), [0; 3], "the line at the left");
        assert_eq!(at(corner[0] + 100, corner[1] - 4), [255; 3]);
        let svg = poster.svg().unwrap();
        let count = |name: &str| svg.matches(&format!("\n{name} [code units]")).count();
        assert_eq!([count("x"), count("y")], [2, 2]);
        assert!(poster.pdf().unwrap().len() > plain);
    }

    /// The width on paper and the colours are those that are asked for.
    #[test]
    fn a_poster_with_axes_has_its_width_and_theme() {
        let look = AxesLook { theme: Theme::Dark, text: Some(14) };
        let [width, _] = panel_size(600, [200, 160], 2, look).unwrap();
        let height = width * 160 / 200;
        assert_eq!(panel_size(600, [200, 160], 2, look), Some([width, height]));
        let whole = whole([width, height], 2, 2, Some(look)).unwrap();
        assert!((598..=600).contains(&whole[0]), "{whole:?}");
        assert_eq!(panel_size(200, [200, 160], 2, look), None, "no room");
        let mut poster = poster(2, 2).with_dpi(300.0);
        poster.style.decorations.axes = Some(look);
        let size = poster.size().unwrap();
        let svg = poster.svg().unwrap();
        assert!(
            svg.contains(&format!("width=\"{:.2}mm\"", size[0] as f64 / 300.0 * 25.4)),
            "{}",
            &svg[..300]
        );
        assert!(svg.contains("fill=\"#14161C\"") && svg.contains("text[fill=\"#E1E1E1\"]"));
        let picture = decode_png(&poster.png().unwrap()).unwrap();
        assert_eq!(picture.pixels()[0], Theme::Dark.paper());
        let pdf = String::from_utf8_lossy(&poster.pdf().unwrap()).into_owned();
        assert!(pdf.contains(&format!("/MediaBox [0 0 {:.3} ", size[0] as f64 * 0.24)), "{pdf:.300}");
    }

    #[test]
    fn a_poster_of_nothing_or_of_too_much_is_refused() {
        assert_eq!(poster(0, 3).png().unwrap_err().to_string(), "a movie of no frames");
        let error = poster(200, 200).svg().unwrap_err().to_string();
        assert_eq!(
            error,
            "a poster of 40597x160 pixels: each side must be at most 32768; give smaller panels or other --columns"
        );
    }
}
