//! Draws a figure with plotters: as SVG, as PDF, or as a bitmap that is drawn at a higher resolution and
//! then averaged.

use super::layout::{BAR, GAP, LABEL, LINE, Layout, NUMBER, Placed, Rect, SAMPLE, widest_label};
use super::ticks::{Ruler, Tick};
use super::{Figure, Look, Mark, Plane, Series, Theme};
use crate::encode::pdf;
use crate::{ColourMap, Error, Picture, Rgb, encode_png, printable};
use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor, ShapeStyle};

/// Steps of plotters' integer coordinates per point, in an SVG and in a PDF.
const STEPS: f64 = 6.0;
const PDF_STEPS: f64 = 20.0;
/// Bitmaps are drawn this many times finer than the PNG.
const FINER: usize = 3;
/// Greatest number of pixels of a PNG [millions].
const MEGAPIXELS: usize = 40;
/// Points in an inch.
const POINTS_PER_INCH: f64 = 72.0;
const POINTS_PER_MM: f64 = POINTS_PER_INCH / 25.4;
/// Greatest number of vertices of a line. A longer line keeps the lowest and highest point of each
/// stretch.
const MOST_VERTICES: usize = 4000;
/// Font families for SVG viewers. Labels are measured with the first.
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// Factor on font sizes in SVG. plotters divides them by 1.24, and our sizes span the highest to
/// the lowest stroke, 1.164 em.
const SVG_TEXT: f64 = 1.24 / 1.164;

const THIN: f64 = 0.8;
const THICK: f64 = 1.6;
const DOT: f64 = 2.2;

impl Figure {
    /// The figure as a PNG file, in the usual look.
    ///
    /// # Errors
    /// [`Error::Png`] when the encoder fails.
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        self.png_as(&Look::default())
    }

    /// The figure as a PNG file.
    ///
    /// # Errors
    /// [`Error::Png`] when the encoder fails, [`Error::Narrow`], [`Error::Figure`] if it is too large.
    pub fn png_as(&self, look: &Look) -> Result<Vec<u8>, Error> {
        let figure = look.fitted(self)?;
        let layout = Layout::of(&figure);
        // Pixels in a point of the layout.
        let pixels = look.dpi / POINTS_PER_INCH * look.zoom();
        let size = layout.size.map(|length| (length.ceil() * pixels).ceil() as usize);
        if size[0].saturating_mul(size[1]) > MEGAPIXELS * 1_000_000 {
            return Err(Error::Figure(size[0], size[1], MEGAPIXELS));
        }
        let size = size.map(|side| side * FINER);
        let mut picture = Picture::new(size, vec![look.theme.paper(); size[0] * size[1]]);
        let area = picture.canvas().into_drawing_area();
        let steps = pixels * FINER as f64;
        Board { area, steps, theme: look.theme, text: 1.0, in_segments: true }.figure(&layout);
        encode_png(&reduce(&picture, FINER).with_dpi(Some(look.dpi)))
    }

    /// The figure as an SVG file, in the usual look.
    pub fn svg(&self) -> String {
        self.svg_as(&Look::default()).expect("a figure without a width fits")
    }

    /// The figure as an SVG file.
    ///
    /// # Errors
    /// [`Error::Narrow`] if it does not fit into its width.
    pub fn svg_as(&self, look: &Look) -> Result<String, Error> {
        let figure = look.fitted(self)?;
        let layout = Layout::of(&figure);
        let size = layout.size.map(|length| length.ceil() as u32);
        let [width, height] = size.map(|length| length * STEPS as u32);
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        let board = Board { area, steps: STEPS, theme: look.theme, text: SVG_TEXT, in_segments: false };
        board.page(size.map(f64::from));
        board.figure(&layout);
        drop(board);
        // The drawing is in steps; its displayed size is in points, or in millimetres if it has a width.
        let fine = format!("width=\"{width}\" height=\"{height}\"");
        let shown = match look.width {
            None => size.map(|length| format!("{}", f64::from(length) * look.zoom())),
            Some(width) => {
                let height = width * f64::from(size[1]) / f64::from(size[0]);
                [width, height].map(|length| format!("{length:.2}mm"))
            }
        };
        Ok(text.replacen(&fine, &format!("width=\"{}\" height=\"{}\"", shown[0], shown[1]), 1))
    }

    /// The figure as a PDF file of one page. Text is drawn as outlines.
    ///
    /// # Errors
    /// [`Error::Narrow`] if it does not fit into its width.
    pub fn pdf(&self, look: &Look) -> Result<Vec<u8>, Error> {
        let figure = look.fitted(self)?;
        let layout = Layout::of(&figure);
        let steps = layout.size.map(|length| (length * PDF_STEPS).ceil() as u32);
        let mut content = String::new();
        let area = pdf::Page::new(&mut content, (steps[0], steps[1])).into_drawing_area();
        let board = Board { area, steps: PDF_STEPS, theme: look.theme, text: 1.0, in_segments: false };
        board.page(layout.size);
        board.figure(&layout);
        drop(board);
        let points = look.width.map_or(look.zoom(), |width| width * POINTS_PER_MM / layout.size[0]);
        Ok(pdf::file(&content, layout.size.map(|length| length * points), points / PDF_STEPS, &[]))
    }
}

/// Averages squares of `by` times `by` pixels.
fn reduce(picture: &Picture, by: usize) -> Picture {
    let [width, height] = picture.size().map(|side| side / by);
    let mean = |x: usize, y: usize| -> Rgb {
        std::array::from_fn(|k| {
            let row = |j: usize| (0..by).map(move |i| (y * by + j) * picture.size()[0] + x * by + i);
            let sum: usize = (0..by).flat_map(row).map(|at| usize::from(picture.pixels()[at][k])).sum();
            ((sum + by * by / 2) / (by * by)) as u8
        })
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y)).collect();
    Picture::new([width, height], pixels)
}

/// A drawing area with coordinates in points.
struct Board<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    /// Steps of plotters' integer coordinates in a point.
    steps: f64,
    theme: Theme,
    /// Factor on the sizes of text.
    text: f64,
    /// Whether each segment of a line is drawn alone. In a bitmap, plotters leaves holes where a
    /// thick line crosses itself.
    in_segments: bool,
}

impl<DB: DrawingBackend> Board<DB> {
    fn at(&self, [x, y]: [f64; 2]) -> (i32, i32) {
        ((x * self.steps).round() as i32, (y * self.steps).round() as i32)
    }

    fn stroke(&self, [r, g, b]: Rgb, width: f64) -> ShapeStyle {
        RGBColor(r, g, b).stroke_width(((width * self.steps).round() as u32).max(1))
    }

    /// Fills the page with the colour of the paper.
    fn page(&self, [width, height]: [f64; 2]) {
        self.fill(Rect { left: 0.0, top: 0.0, width, height }, self.theme.paper());
    }

    fn draw<E>(&self, element: &E)
    where
        for<'e> &'e E: PointCollection<'e, (i32, i32)>,
        for<'e> E: Drawable<DB>,
    {
        self.area.draw(element).expect("drawing in memory cannot fail");
    }

    fn fill(&self, place: Rect, [r, g, b]: Rgb) {
        let corners = [self.at([place.left, place.top]), self.at([place.right(), place.bottom()])];
        self.draw(&Rectangle::new(corners, RGBColor(r, g, b).filled()));
    }

    fn line(&self, points: &[[f64; 2]], colour: Rgb, width: f64) {
        let points: Vec<(i32, i32)> = points.iter().map(|&point| self.at(point)).collect();
        if !self.in_segments {
            self.draw(&PathElement::new(points, self.stroke(colour, width)));
            return;
        }
        let [r, g, b] = colour;
        let joint = (width * self.steps / 2.0) as i32;
        for pair in points.windows(2) {
            self.draw(&PathElement::new(pair.to_vec(), self.stroke(colour, width)));
            self.draw(&Circle::new(pair[1], joint, RGBColor(r, g, b).filled()));
        }
    }

    fn dot(&self, at: [f64; 2], [r, g, b]: Rgb) {
        let radius = ((DOT * self.steps).round() as i32).max(1);
        self.draw(&Circle::new(self.at(at), radius, RGBColor(r, g, b).filled()));
    }

    fn write(&self, text: &str, size: f64, at: [f64; 2], anchor: (HPos, VPos), turned: bool) {
        self.write_in(text, self.theme.ink(), size, at, anchor, turned);
    }

    fn write_in(
        &self,
        text: &str,
        [r, g, b]: Rgb,
        size: f64,
        at: [f64; 2],
        anchor: (HPos, VPos),
        turned: bool,
    ) {
        let font = (FAMILY, size * self.steps * self.text).into_font();
        let font = if turned { font.transform(FontTransform::Rotate270) } else { font };
        let style = font.color(&RGBColor(r, g, b)).pos(Pos::new(anchor.0, anchor.1));
        self.draw(&Text::new(printable(text).into_owned(), self.at(at), style));
    }

    fn figure(&self, layout: &Layout) {
        layout.panels.iter().for_each(|placed| self.panel(placed));
    }

    fn panel(&self, placed: &Placed) {
        let frame = placed.frame;
        if let (Some(plane), Some(ruler)) = (&placed.panel.plane, &placed.colours) {
            self.plane(plane, ruler, frame);
        }
        placed.panel.series.iter().for_each(|series| self.series(placed, series));
        self.frame(frame);
        for tick in &placed.x.ticks {
            self.x_tick(frame, tick, placed.x.part_of_place(tick.place));
        }
        for tick in &placed.y.ticks {
            self.y_tick(frame, tick, placed.y.part_of_place(tick.place));
        }
        let below = frame.bottom() + GAP + NUMBER + GAP + LABEL / 2.0;
        let middle = [frame.left + frame.width / 2.0, frame.top + frame.height / 2.0];
        self.write(&with_factor(&placed.panel.x.label, &placed.x), LABEL, [middle[0], below], CENTRED, false);
        let beside = [frame.left - placed.y_label, middle[1]];
        self.write(&placed.panel.y.label, LABEL, beside, CENTRED, true);
        let above = frame.top - GAP - NUMBER / 2.0;
        if let Some(factor) = &placed.y.factor {
            self.write(factor, NUMBER, [frame.left, above], (HPos::Left, VPos::Center), false);
        }
        self.write(&placed.panel.title, LABEL, [middle[0], above], CENTRED, false);
        for ((x, label), guide) in placed.guides.iter().zip(placed.shown_guides()) {
            let x = frame.left + x;
            let line = [[x, frame.top], [x, frame.bottom()]];
            dashes(&line, DOTTED).iter().for_each(|dot| self.line(dot, self.theme.ink(), THIN));
            let middle = [label.left + label.width / 2.0, label.top + label.height / 2.0];
            self.write(&guide.label, NUMBER, middle, CENTRED, true);
        }
        for (k, place) in &placed.names {
            let series = &placed.panel.series[*k];
            let at = [place.left, place.top + place.height / 2.0];
            let colour = self.theme.line(series.colour);
            self.write_in(&series.name, colour, NUMBER, at, (HPos::Left, VPos::Center), false);
        }
        self.legend(placed);
    }

    fn frame(&self, frame: Rect) {
        let Rect { left, top, .. } = frame;
        let (right, bottom) = (frame.right(), frame.bottom());
        self.line(
            &[[left, top], [right, top], [right, bottom], [left, bottom], [left, top]],
            self.theme.ink(),
            THIN,
        );
    }

    /// Draws a tick at the top and the bottom of the frame, and its number.
    fn x_tick(&self, frame: Rect, tick: &Tick, part: f64) {
        let x = frame.left + part * frame.width;
        let length = tick_length(tick);
        self.line(&[[x, frame.bottom()], [x, frame.bottom() - length]], self.theme.ink(), THIN);
        self.line(&[[x, frame.top], [x, frame.top + length]], self.theme.ink(), THIN);
        if let Some(label) = &tick.label {
            self.write(label, NUMBER, [x, frame.bottom() + GAP + NUMBER / 2.0], CENTRED, false);
        }
    }

    fn y_tick(&self, frame: Rect, tick: &Tick, part: f64) {
        let y = frame.bottom() - part * frame.height;
        let length = tick_length(tick);
        self.line(&[[frame.left, y], [frame.left + length, y]], self.theme.ink(), THIN);
        self.line(&[[frame.right(), y], [frame.right() - length, y]], self.theme.ink(), THIN);
        if let Some(label) = &tick.label {
            self.write(label, NUMBER, [frame.left - GAP, y], (HPos::Right, VPos::Center), false);
        }
    }

    fn series(&self, placed: &Placed, series: &Series) {
        let points: Vec<[f64; 2]> = series.points.iter().map(|&point| placed.point(point)).collect();
        let is_shown = |point: &[f64; 2]| point.iter().all(|x| x.is_finite());
        let width = if series.mark == Mark::LinePoints { THIN } else { THICK };
        let colour = self.theme.line(series.colour);
        if series.mark != Mark::Points {
            for piece in points.split(|point| !is_shown(point)) {
                let piece = thin_out(piece);
                match series.mark {
                    Mark::Dashes | Mark::Dots => {
                        let lengths = if series.mark == Mark::Dots { DOTTED } else { DASHED };
                        dashes(&piece, lengths).iter().for_each(|dash| self.line(dash, colour, width));
                    }
                    _ => self.line(&piece, colour, width),
                }
                // A line of one point is drawn as a dot.
                if let [point] = piece[..] {
                    self.dot(point, colour);
                }
            }
        }
        for bar in series.bars().map(|bar| placed.bar(bar)) {
            if bar.iter().flatten().all(|x| x.is_finite()) {
                self.line(&bar, colour, THIN);
            }
        }
        if matches!(series.mark, Mark::Points | Mark::LinePoints) {
            points.iter().filter(|point| is_shown(point)).for_each(|&point| self.dot(point, colour));
        }
    }

    fn legend(&self, placed: &Placed) {
        let Some(place) = placed.legend else { return };
        let named = placed.panel.series.iter().filter(|series| !series.name.is_empty());
        for (i, series) in named.enumerate() {
            let (row, column) = (i / placed.legend_columns, i % placed.legend_columns);
            let y = place.top + GAP / 2.0 + LINE * (row as f64 + 0.5);
            let left = place.left + GAP + column as f64 * place.width / placed.legend_columns as f64;
            let right = left + SAMPLE;
            let middle = [(left + right) / 2.0, y];
            let colour = self.theme.line(series.colour);
            match series.mark {
                Mark::Line => self.line(&[[left, y], [right, y]], colour, THICK),
                Mark::Dashes | Mark::Dots => {
                    let lengths = if series.mark == Mark::Dots { DOTTED } else { DASHED };
                    let sample = dashes(&[[left, y], [right, y]], lengths);
                    sample.iter().for_each(|dash| self.line(dash, colour, THICK));
                }
                Mark::Points => self.dot(middle, colour),
                Mark::LinePoints => {
                    self.line(&[[left, y], [right, y]], colour, THIN);
                    self.dot(middle, colour);
                }
            }
            self.write(&series.name, NUMBER, [right + GAP, y], (HPos::Left, VPos::Center), false);
        }
    }

    /// Colour of a cell. Low values are close to the paper, so that the dense regions stand out.
    fn shade(&self, part: f64) -> Rgb {
        ColourMap::Viridis.colour(match self.theme {
            Theme::Light => 0.95 * (1.0 - part),
            Theme::Dark => 0.05 + 0.95 * part,
        })
    }

    /// Draws the cells of a plane, and its colour bar.
    fn plane(&self, plane: &Plane, ruler: &Ruler, frame: Rect) {
        let [columns, rows] = plane.cells;
        let (width, height) = (frame.width / columns as f64, frame.height / rows as f64);
        for (i, &value) in plane.values.iter().enumerate().filter(|(_, value)| **value > 0.0) {
            let (left, row) = (frame.left + (i % columns) as f64 * width, (i / columns) as f64);
            let top = frame.bottom() - (row + 1.0) * height;
            self.fill(Rect { left, top, width, height }, self.shade(ruler.part(value)));
        }
        let left = frame.right() + 2.0 * GAP;
        let slices = 128;
        let height = frame.height / f64::from(slices);
        for i in 0..slices {
            let top = frame.bottom() - f64::from(i + 1) * height;
            self.fill(
                Rect { left, top, width: BAR, height },
                self.shade(f64::from(i) / f64::from(slices - 1)),
            );
        }
        self.frame(Rect { left, width: BAR, ..frame });
        let right = left + BAR;
        for tick in &ruler.ticks {
            let y = frame.bottom() - ruler.part_of_place(tick.place) * frame.height;
            self.line(&[[right, y], [right - tick_length(tick), y]], self.theme.ink(), THIN);
            if let Some(label) = &tick.label {
                self.write(label, NUMBER, [right + GAP, y], (HPos::Left, VPos::Center), false);
            }
        }
        let beside = right + 2.0 * GAP + widest_label(ruler) + LABEL / 2.0;
        self.write(&plane.label, LABEL, [beside, frame.top + frame.height / 2.0], CENTRED, true);
    }
}

const CENTRED: (HPos, VPos) = (HPos::Center, VPos::Center);

fn with_factor(label: &str, ruler: &Ruler) -> String {
    ruler.factor.as_ref().map_or(label.to_owned(), |factor| format!("{label}  {factor}"))
}

fn tick_length(tick: &Tick) -> f64 {
    if tick.label.is_some() { 5.0 } else { 2.5 }
}

/// Reduces a line to the first, lowest, highest and last point of each stretch. The eye sees no
/// difference.
fn thin_out(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let stretch = (4 * points.len()).div_ceil(MOST_VERTICES);
    if stretch <= 4 {
        return points.to_vec();
    }
    let of = |some: &[[f64; 2]]| {
        let by_height = |a: &usize, b: &usize| some[*a][1].total_cmp(&some[*b][1]);
        let lowest = (0..some.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..some.len()).max_by(by_height).unwrap_or(0);
        let mut kept = [0, lowest, highest, some.len() - 1];
        kept.sort_unstable();
        kept.map(|i| some[i])
    };
    let mut thin: Vec<[f64; 2]> = points.chunks(stretch).flat_map(of).collect();
    thin.dedup();
    thin
}

/// Lengths of dashes and of the gaps between them.
const DASHED: [f64; 2] = [6.0, 4.0];
const DOTTED: [f64; 2] = [1.5, 2.5];

/// Cuts a line into dashes of equal length.
fn dashes(points: &[[f64; 2]], lengths: [f64; 2]) -> Vec<Vec<[f64; 2]>> {
    let (mut all, mut gap, mut left) = (Vec::new(), false, lengths[0]);
    let mut dash: Vec<[f64; 2]> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let length = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let point = std::array::from_fn(|k| pair[0][k] + (pair[1][k] - pair[0][k]) * done / length);
            dash.push(point);
            if !gap {
                all.push(std::mem::take(&mut dash));
            }
            gap = !gap;
            left = lengths[usize::from(gap)];
            dash = vec![point];
        }
        left -= length - done;
        dash.push(pair[1]);
    }
    if !gap && dash.len() > 1 {
        all.push(dash);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, COLOURS, Panel};
    use super::*;

    fn curve(mark: Mark, n: u32) -> Series {
        let points = (0..n).map(|i| [f64::from(i) + 1.0, (f64::from(i) / 7.0).sin() + 2.0]).collect();
        Series::new("a curve", COLOURS[1], mark, points)
    }

    fn figure(series: Series) -> Figure {
        let mut panel = Panel::new(Axis::log("Radius [kpc]"), Axis::linear("Speed [km s⁻¹]"));
        panel.series.push(series);
        Figure::new(vec![panel])
    }

    /// Number of pixels of a PNG that are close to a colour.
    fn pixels_of(png: &[u8], colour: Rgb) -> usize {
        let picture = crate::decode_png(png).unwrap();
        let is_near = |pixel: &&Rgb| (0..3).all(|k| pixel[k].abs_diff(colour[k]) < 30);
        picture.pixels().iter().filter(is_near).count()
    }

    #[test]
    fn every_mark_leaves_its_ink() {
        let inks = [Mark::Line, Mark::Dashes, Mark::Points, Mark::LinePoints, Mark::Dots]
            .map(|mark| pixels_of(&figure(curve(mark, 60)).png().unwrap(), COLOURS[1]));
        assert!(inks.iter().all(|&ink| ink > 300), "{inks:?}");
        assert!(inks[1] < inks[0] * 8 / 10 && inks[1] > inks[0] * 4 / 10, "dashes: {inks:?}");
    }

    #[test]
    fn names_stay_text_in_an_svg() {
        let line = |name: &str| Series::new(name, [0; 3], Mark::Line, vec![[0.0, 0.0], [1.0, 1.0]]);
        let series = vec![line("a\u{1b}[31m<b>&\"\n"), line("other")];
        let panel = Panel { series, ..Panel::new(Axis::linear("x\u{7}"), Axis::linear("y")) };
        let svg = Figure::new(vec![panel]).svg();
        assert!(svg.contains("a\\u{1b}[31m&lt;b&gt;&amp;") && svg.contains("x\\u{7}"), "{svg}");
        assert!(!svg.contains("<b>") && !svg.chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn an_svg_holds_the_words_and_the_right_size() {
        let svg = figure(curve(Mark::Line, 60)).svg();
        for word in ["Radius [kpc]", "Speed [km s⁻¹]", "a curve", "</svg>"] {
            assert!(svg.contains(word), "no {word}");
        }
        let layout_size = Layout::of(&figure(curve(Mark::Line, 60))).size.map(|x| x.ceil() as u32);
        let [width, height] = layout_size;
        let head =
            format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\"", 6 * width, 6 * height);
        assert!(svg.contains(&head), "{}", &svg[..200]);
    }

    #[test]
    fn a_long_line_is_thinned_out_but_keeps_its_peaks() {
        let points: Vec<[f64; 2]> =
            (0..100_000).map(|i| [f64::from(i), if i == 77_777 { 50.0 } else { 0.0 }]).collect();
        let thin = thin_out(&points);
        assert!(thin.len() <= MOST_VERTICES && thin.contains(&[77_777.0, 50.0]));
        assert_eq!((thin.first(), thin.last()), (points.first(), points.last()));
    }

    #[test]
    fn dashes_cover_their_part_of_the_way() {
        let length: f64 = dashes(&[[0.0, 0.0], [3.0, 4.0], [3.0, 999.0]], DASHED)
            .iter()
            .flat_map(|dash| {
                dash.windows(2).map(|p| (p[1][0] - p[0][0]).hypot(p[1][1] - p[0][1])).collect::<Vec<_>>()
            })
            .sum();
        assert!((length - 600.0).abs() < 6.0, "{length}");
    }

    #[test]
    fn nothing_to_show_is_still_a_picture() {
        for points in [vec![], vec![[f64::NAN, 1.0]], vec![[-1.0, 3.0]], vec![[2.0, 2.0]]] {
            let figure = figure(Series::new("none", COLOURS[0], Mark::Line, points));
            assert!(figure.png().is_ok() && figure.svg().ends_with("</svg>\n"));
        }
    }
}
