//! Decorations that make a picture readable: time, scale bar and colour bar.

use super::axes::{Axes, AxesLook, Margins};
use super::{HALO_OPACITY, Picture, mark};
use crate::colour::{self, ColourMap, Rgb, blend};
use crate::stretch::{Range, Stretch};
use crate::text::font;
use crate::text::label::{DensityUnit, Units, plain_number, power_of_ten, printable, round_length};
use crate::{Shade, SurfaceDensity, View};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Drawable, PointCollection, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor, ShapeStyle, WHITE};
use plotters_backend::DrawingBackend;
use rayon::prelude::*;

/// Greatest length of the scale bar, as a fraction of the picture's width.
pub(crate) const SCALE_BAR: f64 = 0.22;

/// Number of shades of the colour map in a picture. 24-bit colours cannot show more.
const SHADES: usize = 1024;
/// Brightness of the colours in a colour bar of values.
const BAR_BRIGHTNESS: f64 = 0.72;

/// Number of steps of the value that sets the tint in a picture.
const VALUES: usize = 128;
/// Brightness below which the pixels of a transparent picture fade out.
const FADE: f64 = 0.2;

/// How a surface density is drawn. All pictures of a sequence share one style.
#[derive(Clone, Debug)]
pub struct Style {
    /// What the colours mean.
    pub colours: Colours,
    /// The range of surface density that brightness spans.
    pub range: Range,
    /// Units of the run. Without them, labels are in code units.
    pub units: Option<Units>,
    /// What is drawn beside the bodies.
    pub decorations: Decorations,
    /// Whether lengths are comoving. The scale bar then says so.
    pub comoving: bool,
    /// Whether the background is transparent where the surface density is low.
    pub transparent: bool,
}

/// What the colours of a picture mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Colours {
    /// The surface density alone.
    Map(ColourMap),
    /// The number of bodies per area. Each body has one solar mass, or the mass 1 in code units.
    Numbers(ColourMap),
    /// The mass-weighted mean of one value per body.
    Value {
        /// The values at the two ends of the colours.
        range: [f64; 2],
        /// Whether the colours diverge from zero to both sides.
        signed: bool,
        /// Title of the colour bar, with the unit.
        title: String,
        /// Factor from the values to the unit of the title.
        per_unit: f64,
    },
    /// The group of the bodies, with the name of each group.
    Groups(Vec<String>),
}

/// Which decorations are drawn beside the bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decorations {
    /// The time, at the upper left.
    pub time: bool,
    /// The scale bar, at the lower left.
    pub scale_bar: bool,
    /// The colour bar or the names of the groups, at the lower right.
    pub colour_bar: bool,
    /// Axes around the picture, which enlarge it as [`size_with_axes`](crate::size_with_axes) says.
    pub axes: Option<AxesLook>,
}

impl Decorations {
    /// All decorations inside the picture.
    pub const ALL: Decorations = Decorations { time: true, scale_bar: true, colour_bar: true, axes: None };
    /// No decorations.
    pub const NONE: Decorations =
        Decorations { time: false, scale_bar: false, colour_bar: false, axes: None };
}

impl Style {
    /// The colour of a brightness whose value lies at `place` in the range of values. Both are from
    /// 0 to 1.
    fn colour(&self, place: f64, brightness: f64) -> Rgb {
        match &self.colours {
            Colours::Map(map) | Colours::Numbers(map) => map.colour(brightness),
            Colours::Value { signed, .. } => colour::of_value(place, *signed, brightness),
            Colours::Groups(names) => {
                let first =
                    (place * (names.len() - 1) as f64).floor().min(names.len().saturating_sub(2) as f64);
                let second = place * (names.len() - 1) as f64 - first;
                let part = |group: usize| match group as f64 - first {
                    0.0 => 1.0 - second,
                    1.0 => second,
                    _ => 0.0,
                };
                colour::of_parts((0..names.len()).map(part), brightness)
            }
        }
    }

    /// Approximate number of different tints. It is 1 if the colours show only the brightness.
    fn tints(&self) -> usize {
        match &self.colours {
            Colours::Map(_) | Colours::Numbers(_) => 1,
            Colours::Value { .. } => 11,
            Colours::Groups(names) => {
                if names.len() == 2 {
                    9
                } else {
                    2 * names.len() - 1
                }
            }
        }
    }

    /// About `count` colours that cover pictures of this style, and the colours of text: for each
    /// of `grounds` backgrounds, `text` steps to white.
    pub(crate) fn palette(&self, count: usize, grounds: usize, text: usize) -> Vec<Rgb> {
        let part = |i: usize, n: usize| if n > 1 { i as f64 / (n - 1) as f64 } else { 0.0 };
        let (tints, shades) = (self.tints(), count / self.tints());
        let of_bodies = (0..tints)
            .flat_map(|tint| (0..shades).map(move |shade| (part(tint, tints), part(shade, shades))))
            .map(|(place, brightness)| self.colour(place, brightness));
        let on_ground = (0..grounds).flat_map(|ground| {
            let shaded = blend(self.colour(0.5, part(ground, grounds)), [0; 3], HALO_OPACITY);
            (0..text).map(move |i| blend(shaded, [255; 3], part(i, text)))
        });
        of_bodies.chain(on_ground).collect()
    }

    /// The colour of each pixel, row by row.
    pub(super) fn paint(&self, density: &SurfaceDensity) -> Vec<Rgb> {
        let step = |part: f64, steps: usize| (part * (steps - 1) as f64).round() as usize;
        let brightness = |i: usize| self.range.brightness(density.values()[i]);
        let table = |place: f64| -> Vec<Rgb> {
            (0..SHADES).map(|shade| self.colour(place, shade as f64 / (SHADES - 1) as f64)).collect()
        };
        let pixels = (0..density.values().len()).into_par_iter().with_min_len(1 << 12);
        match (&self.colours, density.shade()) {
            (Colours::Value { range: [low, high], .. }, Shade::Mean(means)) => {
                let tables: Vec<Vec<Rgb>> =
                    (0..VALUES).map(|value| table(value as f64 / (VALUES - 1) as f64)).collect();
                let place = |value: f64| {
                    if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 }
                };
                pixels
                    .map(|i| tables[step(place(f64::from(means[i])), VALUES)][step(brightness(i), SHADES)])
                    .collect()
            }
            (Colours::Groups(_), Shade::Parts(parts)) => pixels
                .map(|i| colour::of_parts(parts.iter().map(|part| f64::from(part[i])), brightness(i)))
                .collect(),
            _ => {
                let (colours, steps) = (table(0.0), self.range.steps(SHADES as u16));
                pixels.map(|i| colours[steps.of(density.values()[i])]).collect()
            }
        }
    }
}

/// Draws a surface density in colour, with the decorations of the style.
pub fn render(density: &SurfaceDensity, style: &Style, time: &str) -> Picture {
    let mut picture = Picture::new(density.view().size(), style.paint(density));
    if style.transparent && style.decorations.axes.is_none() {
        let opacity = |value: &f64| (255.0 * (style.range.brightness(*value) / FADE).min(1.0)).round() as u8;
        picture =
            picture.with_opacity(density.values().par_iter().with_min_len(1 << 12).map(opacity).collect());
    }
    mark::draw(&mut picture, density.marks());
    let size = picture.size();
    let axes = style.decorations.axes;
    let area = picture.canvas().with_halo(halo(size, axes)).into_drawing_area();
    Board::new(area, size, axes).decorate(style, style.decorations, density.view().width(), time);
    match style.decorations.axes {
        Some(look) => with_axes(&picture, density.view(), style, look),
        None => picture,
    }
}

/// A picture with axes around it.
fn with_axes(picture: &Picture, view: &View, style: &Style, look: AxesLook) -> Picture {
    let margins = Margins::of(picture.size(), look);
    let size = margins.around(picture.size());
    let mut whole = Picture::new(size, vec![look.theme.paper(); size[0] * size[1]]);
    let corner = [margins.left, margins.top];
    whole.paste(picture, corner);
    let axes = Axes::new(view, style.units);
    axes.draw(&whole.canvas().into_drawing_area(), corner, style.comoving, look);
    whole
}

/// Width of the dark halo around text in a picture of this size [pixels].
pub(super) fn halo(size: [usize; 2], axes: Option<AxesLook>) -> usize {
    Metrics::beside(size, axes).halo
}

/// Size of the small font as a fraction of the main one.
const SMALL: f64 = 0.85;

/// Sizes of all decorations [pixels]. They follow the size of the picture.
#[derive(Clone, Copy)]
pub(super) struct Metrics {
    picture: [i32; 2],
    /// Size of the main font and of the small font.
    font: i32,
    pub small: i32,
    margin: i32,
    /// Width of a stroke.
    pub line: i32,
    halo: usize,
}

impl Metrics {
    pub(super) fn new(size: [usize; 2]) -> Metrics {
        let [width, height] = size.map(|n| n as f64);
        let font = ((width * height).sqrt() / 34.0).min(width.min(height) / 24.0).max(12.0);
        Metrics { small: (SMALL * font).max(11.0).round() as i32, ..Metrics::of_font(size, font) }
    }

    /// Sizes in a picture with axes, whose text has the height of theirs.
    fn beside(size: [usize; 2], axes: Option<AxesLook>) -> Metrics {
        match axes.and_then(|look| look.text) {
            Some(text) => Metrics::of_font(size, text as f64 / SMALL),
            None => Metrics::new(size),
        }
    }

    fn of_font(size: [usize; 2], font: f64) -> Metrics {
        let part = |fraction: f64, least: f64| (fraction * font).max(least).round() as i32;
        Metrics {
            picture: size.map(|n| n as i32),
            font: part(1.0, 1.0),
            small: part(SMALL, 1.0),
            margin: part(0.75, 6.0),
            line: part(0.05, 1.0),
            halo: part(0.08, 1.0) as usize,
        }
    }
}

/// A picture, or a part of one, on which decorations are drawn.
pub(super) struct Board<B: DrawingBackend> {
    area: DrawingArea<B, Shift>,
    metrics: Metrics,
}

impl<B: DrawingBackend> Board<B> {
    /// A board of `size` pixels on a drawing area.
    pub(super) fn new(area: DrawingArea<B, Shift>, size: [usize; 2], axes: Option<AxesLook>) -> Board<B> {
        Board { area, metrics: Metrics::beside(size, axes) }
    }

    /// Draws the chosen decorations on a picture that shows `width` [L].
    pub(super) fn decorate(&self, style: &Style, decorations: Decorations, width: f64, time: &str) {
        let Decorations { time: timed, scale_bar, colour_bar, .. } = decorations;
        if timed {
            self.time(time);
        }
        let taken = if scale_bar {
            self.scale_bar(width, style.units, style.comoving)
        } else {
            [0, self.metrics.picture[1]]
        };
        if colour_bar {
            match &style.colours {
                Colours::Groups(names) => self.names(names, taken),
                _ => self.colour_bar(style, &DensityUnit::for_width(width, style.units), taken),
            }
        }
    }

    fn draw<E>(&self, element: &E)
    where
        for<'e> &'e E: PointCollection<'e, (i32, i32)>,
        E: Drawable<B>,
    {
        self.area.draw(element).expect("drawing in memory cannot fail");
    }

    /// Draws a filled rectangle of `size` pixels with its upper left corner at `corner`.
    fn fill(&self, corner: [i32; 2], size: [i32; 2], style: impl Into<ShapeStyle>) {
        let last = (corner[0] + size[0] - 1, corner[1] + size[1] - 1);
        self.draw(&Rectangle::new([(corner[0], corner[1]), last], style.into().filled()));
    }

    /// Draws a filled rectangle with a dark border that separates it from any background.
    fn fill_set_off(&self, corner: [i32; 2], size: [i32; 2]) {
        let seam = self.metrics.halo as i32;
        self.fill(corner.map(|x| x - seam), size.map(|n| n + 2 * seam), BLACK.mix(0.5));
        self.fill(corner, size, WHITE);
    }

    fn text(&self, text: &str, size: i32, at: [i32; 2], anchor: (HPos, VPos)) {
        let style = (font::FAMILY, size).into_font().color(&WHITE).pos(Pos::new(anchor.0, anchor.1));
        self.draw(&Text::new(printable(text).into_owned(), (at[0], at[1]), style));
    }

    fn time(&self, text: &str) {
        let Metrics { font, margin, .. } = self.metrics;
        self.text(text, font, [margin, margin], (HPos::Left, VPos::Top));
    }

    /// Draws the scale bar at the lower left. Returns the right and the upper end of the area it
    /// takes.
    fn scale_bar(&self, width: f64, units: Option<Units>, comoving: bool) -> [i32; 2] {
        let Metrics { picture, font, margin, line, .. } = self.metrics;
        let mut bar = round_length(SCALE_BAR * width, units);
        if comoving {
            bar.text.push_str(" comoving");
        }
        let length = ((bar.length / width * f64::from(picture[0])).round() as i32).max(1);
        let label = font::extent(&bar.text, f64::from(font))[0] as i32;
        let taken = length.max(label);
        let thickness = 3 * line;
        let top = picture[1] - margin - thickness;
        self.fill_set_off([margin + (taken - length) / 2, top], [length, thickness]);
        let foot = top - font / 6;
        self.text(&bar.text, font, [margin + taken / 2, foot], (HPos::Center, VPos::Bottom));
        [margin + taken, foot - font]
    }

    /// Draws the colour bar at the lower right. It stands beside the area `taken` at the lower
    /// left, or above that area if too little room is left.
    fn colour_bar(&self, style: &Style, unit: &DensityUnit, taken: [i32; 2]) {
        let Metrics { picture, font, small, margin, line, .. } = self.metrics;
        let width_of = |text: &str| font::extent(text, f64::from(small))[0] as i32;
        let titles = match &style.colours {
            Colours::Value { title, .. } => [title.clone(), title.clone()],
            Colours::Numbers(_) => unit.titles_of_numbers(),
            _ => [format!("Surface density [{}]", unit.name), format!("Σ [{}]", unit.name)],
        };
        let beside = picture[0] - taken[0] - 3 * margin;
        let (room, bottom) = match beside >= width_of(&titles[1]) {
            true => (beside, picture[1] - margin),
            false => (picture[0] - 2 * margin, taken[1] - margin / 2),
        };
        let title = titles.iter().find(|title| width_of(title) <= room).unwrap_or(&titles[1]);
        let length = (picture[0] * 2 / 5).max(width_of(title)).min(room);
        let height = font / 2;
        let left = picture[0] - margin - length;
        let top = bottom - small - small / 4 - height;
        self.text(title, small, [left + length / 2, top - small / 5], (HPos::Center, VPos::Bottom));
        self.fill_set_off([left - line, top - line], [length + 2 * line, height + 2 * line]);
        for i in 0..length {
            let place = f64::from(i) / f64::from(length - 1);
            let brightness =
                if matches!(style.colours, Colours::Value { .. }) { BAR_BRIGHTNESS } else { place };
            let [r, g, b] = style.colour(place, brightness);
            self.fill([left + i, top], [1, height], RGBColor(r, g, b));
        }
        let ticks = match &style.colours {
            Colours::Value { range, per_unit, .. } => Ticks::linear(range.map(|value| value * per_unit)),
            _ => Ticks::new(style.range, unit.per_code_unit),
        };
        self.ticks(&ticks, [left, top + height + line], length);
    }

    /// Draws the names of the groups at the lower right, one above the other, each beside its
    /// colour. They stand beside the area `taken` at the lower left, or above it if too little room
    /// is left.
    fn names(&self, names: &[String], taken: [i32; 2]) {
        let Metrics { picture, font, margin, .. } = self.metrics;
        let widest =
            names.iter().map(|name| font::extent(name, f64::from(font))[0] as i32).max().unwrap_or(0);
        let beside = picture[0] - margin - widest - font * 2 > taken[0];
        let lowest = if beside { picture[1] - margin } else { taken[1] - margin / 2 };
        for (group, name) in names.iter().enumerate() {
            let foot = lowest - (names.len() - 1 - group) as i32 * (font + font / 3);
            let left = picture[0] - margin - widest;
            self.text(name, font, [left, foot], (HPos::Left, VPos::Bottom));
            let [r, g, b] =
                colour::of_parts((0..names.len()).map(|k| f64::from(u8::from(k == group))), BAR_BRIGHTNESS);
            let side = font * 2 / 3;
            let corner = [left - font / 2 - side, foot - (font + side) / 2];
            self.fill_set_off(corner, [side; 2]);
            self.fill(corner, [side; 2], RGBColor(r, g, b));
        }
    }

    /// Draws the ticks and their labels below the colour bar. Labels overlap neither each other nor
    /// the edge of the picture.
    fn ticks(&self, ticks: &Ticks, [left, top]: [i32; 2], length: i32) {
        let Metrics { picture, small, margin, line, .. } = self.metrics;
        let place = |tick: &Tick| left + (tick.place * f64::from(length - 1)).round() as i32;
        for tick in &ticks.all {
            let reach = if tick.label.is_some() { small / 4 } else { small / 7 };
            self.fill([place(tick) - line / 2, top], [line, reach.max(1)], WHITE);
        }
        let width_of = |text: &str| font::extent(text, f64::from(small))[0] as i32;
        let mut free = left - margin / 2;
        let labels: Vec<(&Tick, &String)> =
            ticks.all.iter().filter_map(|tick| Some((tick, tick.label.as_ref()?))).collect();
        let widest = labels.iter().map(|(_, label)| width_of(label)).max().unwrap_or(0);
        let places: Vec<i32> = labels.iter().map(|(tick, _)| place(tick)).collect();
        let zero = labels.iter().position(|(_, label)| label.parse::<f64>() == Ok(0.0)).unwrap_or(0);
        for k in spaced(&places, zero, widest + small / 2) {
            let (tick, label) = labels[k];
            let half = width_of(label) / 2 + 1;
            let x = place(tick).clamp(free + half, picture[0] - margin / 3 - half);
            self.text(label, small, [x, top + small / 4], (HPos::Center, VPos::Top));
            free = x + half;
        }
    }
}

/// Which labels at rising places are drawn, so that any two are farther than `apart` from each other:
/// all, or each second and so on, with the one at `zero` among them.
fn spaced(places: &[i32], zero: usize, apart: i32) -> Vec<usize> {
    let every = |stride: usize| (zero % stride..places.len()).step_by(stride).collect::<Vec<_>>();
    let is_spaced =
        |shown: &Vec<usize>| shown.windows(2).all(|pair| places[pair[1]] - places[pair[0]] > apart);
    (1..).map(every).find(is_spaced).unwrap_or_default()
}

/// A tick of the colour bar.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    /// Position from 0 at the left to 1 at the right.
    pub place: f64,
    pub label: Option<String>,
}

/// Ticks with and without labels.
pub(super) struct Ticks {
    pub all: Vec<Tick>,
}

impl Ticks {
    /// Ticks at 1, 2, ... 9 times powers of ten. One [M/L^2] is `scale` of the unit in which the
    /// values are shown.
    fn new(range: Range, scale: f64) -> Ticks {
        let [low, high] = [range.low(), range.high()].map(|value| (value * scale).log10());
        let marks = |digits: &'static [i32]| {
            (low.floor() as i32..=high.ceil() as i32)
                .flat_map(move |exponent| digits.iter().map(move |&digit| (digit, exponent)))
                .map(move |(digit, exponent)| {
                    (digit, exponent, f64::from(exponent) + f64::from(digit).log10())
                })
                .filter(move |(_, _, log)| (low - 1e-9..=high + 1e-9).contains(log))
        };
        let sets: [&[i32]; 3] = [&[1], &[1, 2, 5], &[1, 2, 3, 4, 5, 6, 7, 8, 9]];
        let labelled = sets.into_iter().find(|set| marks(set).count() >= 2).unwrap_or(sets[2]);
        let number = if labelled.len() == 1 { power_of_ten } else { plain_number };
        let label = |digit, exponent| labelled.contains(&digit).then(|| number(digit, exponent));
        let place = |log: f64| match range.stretch() {
            Stretch::Log => ((log - low) / (high - low)).clamp(0.0, 1.0),
            Stretch::Asinh => range.brightness(10f64.powf(log) / scale),
        };
        let zero = Tick { place: 0.0, label: Some("0".into()) };
        let marked = marks(sets[2])
            .map(|(digit, exponent, log)| Tick { place: place(log), label: label(digit, exponent) });
        let all = match range.stretch() {
            Stretch::Log => marked.collect(),
            Stretch::Asinh => std::iter::once(zero).chain(marked).collect(),
        };
        Ticks { all }
    }

    /// From three to eight ticks at multiples of 1, 2 or 5 times a power of ten.
    pub(super) fn linear([low, high]: [f64; 2]) -> Ticks {
        let wanted = (high - low) / 4.0;
        if !(wanted > 0.0 && wanted.is_finite()) {
            return Ticks { all: Vec::new() };
        }
        let exponent = wanted.log10().floor() as i32;
        let power = 10f64.powi(exponent);
        let step = [5.0, 2.0, 1.0].into_iter().find(|step| step * power <= wanted).unwrap_or(1.0) * power;
        let decimals = exponent.clamp(-12, 0).unsigned_abs() as usize;
        let tick = |i: i64| {
            let value = i as f64 * step;
            let label = format!("{value:.decimals$}").replace('-', "−");
            Tick { place: ((value - low) / (high - low)).clamp(0.0, 1.0), label: Some(label) }
        };
        let slack = 1e-9;
        let all = ((low / step - slack).ceil() as i64..=(high / step + slack).floor() as i64).map(tick);
        Ticks { all: all.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Canvas;

    fn labels(low: f64, high: f64, scale: f64) -> Vec<String> {
        Ticks::new(Range::new(low, high).unwrap(), scale)
            .all
            .into_iter()
            .filter_map(|tick| tick.label)
            .collect()
    }

    #[test]
    fn decades_are_labelled_and_shorter_ranges_more_finely() {
        assert_eq!(labels(1e-3, 1.0, 1e10), ["10⁷", "10⁸", "10⁹", "10¹⁰"]);
        assert_eq!(labels(0.15, 6.0, 1.0), ["0.2", "0.5", "1", "2", "5"]);
        assert_eq!(labels(3.5e6, 6.5e6, 1.0), ["4×10⁶", "5×10⁶", "6×10⁶"]);
    }

    /// The pixels that `draw` changes on a black picture.
    fn ink(size: [usize; 2], draw: impl FnOnce(&Board<Canvas>)) -> Vec<bool> {
        let mut picture = Picture::new(size, vec![[0; 3]; size[0] * size[1]]);
        let board = Board::new(picture.canvas().into_drawing_area(), size, None);
        draw(&board);
        drop(board);
        picture.pixels().iter().map(|pixel| *pixel != [0; 3]).collect()
    }

    #[test]
    fn at_every_size_all_parts_are_there_and_none_overlap_or_touch_the_edge() {
        let galactic = Units { length_in_cm: 3.0857e21, mass_in_g: 1.9884e43, time_in_s: 3.0857e16 };
        let density = Colours::Map(ColourMap::Viridis);
        let numbers = Colours::Numbers(ColourMap::Inferno);
        let speed = Colours::Value {
            range: [-230.0, 411.0],
            signed: true,
            title: "Speed [km s⁻¹]".into(),
            per_unit: 1.0,
        };
        for size in [[160, 160], [200, 160], [160, 400], [2000, 160], [320, 240], [1024, 1024], [1920, 1080]]
        {
            for (width, units) in
                [(30.0, Some(galactic)), (1e12, Some(galactic)), (1.3e-5, None), (4.0, None)]
            {
                for range in [(1e-9, 1e-4), (1.4, 1.5), (3e-200, 1e200)] {
                    let mut taken = [0, 0];
                    let unit = DensityUnit::for_width(width, units);
                    let range = Range::new(range.0, range.1).unwrap();
                    for (colours, range) in [
                        (&density, range),
                        (&density, range.with_stretch(Stretch::Asinh)),
                        (&speed, range),
                        (&numbers, range),
                        (&Colours::Groups(vec!["halo".into(), "galaxy 2".into()]), range),
                    ] {
                        let style = Style {
                            colours: colours.clone(),
                            range,
                            units,
                            comoving: false,
                            decorations: Decorations::ALL,
                            transparent: false,
                        };
                        let parts = [
                            ink(size, |board| board.time("t = 13.80 Gyr")),
                            ink(size, |board| taken = board.scale_bar(width, units, false)),
                            ink(size, |board| match &style.colours {
                                Colours::Groups(names) => board.names(names, taken),
                                _ => board.colour_bar(&style, &unit, taken),
                            }),
                        ];
                        for i in 0..size[0] * size[1] {
                            let [x, y] = [i % size[0], i / size[0]];
                            let count = parts.iter().filter(|part| part[i]).count();
                            let edge = x == 0 || y == 0 || x == size[0] - 1 || y == size[1] - 1;
                            assert!(
                                count <= usize::from(!edge),
                                "{size:?} {width} {range:?}: {count} parts at {x}, {y}"
                            );
                        }
                        assert!(parts.iter().all(|part| part.contains(&true)));
                    }
                }
            }
        }
    }

    #[test]
    fn ticks_stand_at_their_logarithm() {
        let ticks = Ticks::new(Range::new(1.0, 100.0).unwrap(), 1.0).all;
        assert_eq!(ticks.len(), 19);
        let two = ticks.iter().find(|tick| (tick.place - 2f64.log10() / 2.0).abs() < 1e-12).unwrap();
        assert_eq!(two.label, None);
        assert_eq!((ticks[0].place, ticks[18].place), (0.0, 1.0));
    }

    #[test]
    fn the_asinh_scale_begins_at_zero() {
        let range = Range::new(1.0, 1e4).unwrap().with_stretch(Stretch::Asinh);
        let ticks = Ticks::new(range, 1.0).all;
        assert_eq!((ticks[0].place, ticks[0].label.as_deref()), (0.0, Some("0")));
        assert!(ticks.windows(2).all(|pair| pair[0].place < pair[1].place));
    }

    #[test]
    fn ticks_of_values_are_round_and_few() {
        for (range, expected) in [
            ([-230.0, 411.0], "−200 −100 0 100 200 300 400"),
            ([0.0, 1.0], "0.0 0.2 0.4 0.6 0.8 1.0"),
            ([3.0, 3.0], ""),
        ] {
            let labels: Vec<String> =
                Ticks::linear(range).all.into_iter().filter_map(|tick| tick.label).collect();
            assert_eq!(labels.join(" "), expected);
        }
    }

    #[test]
    fn labels_are_apart_and_zero_is_among_them() {
        let places = [10, 20, 30, 40, 50, 60, 70];
        assert_eq!(spaced(&places, 3, 9), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(spaced(&places, 3, 10), [1, 3, 5]);
        assert_eq!(spaced(&places, 3, 25), [0, 3, 6]);
        assert_eq!(spaced(&places, 0, 10), [0, 2, 4, 6]);
        assert_eq!(spaced(&places, 6, 1000), [6]);
        assert!(spaced(&[], 0, 10).is_empty());
    }

    /// A picture of one body on an empty background.
    fn one_body(decorations: Decorations, transparent: bool) -> Picture {
        let mut bodies = treecode::Bodies::zeroed(1);
        bodies.mass[0] = 1.0;
        let view = View::new([200, 160], [0.0; 3], 10.0, crate::Direction::Z).unwrap();
        let subject = crate::Subject {
            bodies: &bodies,
            kinds: [true; treecode::TYPES],
            lengths: &[2.0],
            tint: crate::Tint::Plain,
        };
        let density = SurfaceDensity::project(&subject, &view).unwrap();
        let colours = Colours::Map(ColourMap::Galaxy);
        let range = Range::new(1e-3, 1.0).unwrap();
        render(
            &density,
            &Style { colours, range, units: None, decorations, comoving: false, transparent },
            "t = 0",
        )
    }

    #[test]
    fn each_decoration_can_be_left_out() {
        let lit = |decorations, at: [usize; 4]| {
            let picture = one_body(decorations, false);
            let inside =
                |i: &usize| (at[0]..at[1]).contains(&(i % 200)) && (at[2]..at[3]).contains(&(i / 200));
            (0..200 * 160).filter(inside).any(|i| picture.pixels()[i] != [0; 3])
        };
        let corners = [[0, 60, 0, 30], [0, 30, 130, 160], [120, 200, 130, 160]];
        for (decorations, expected) in [
            (Decorations::ALL, [true; 3]),
            (Decorations::NONE, [false; 3]),
            (Decorations { time: false, ..Decorations::ALL }, [false, true, true]),
            (Decorations { scale_bar: false, ..Decorations::ALL }, [true, false, true]),
            (Decorations { colour_bar: false, ..Decorations::ALL }, [true, true, false]),
        ] {
            assert_eq!(corners.map(|corner| lit(decorations, corner)), expected, "{decorations:?}");
        }
    }

    #[test]
    fn the_ground_can_be_seen_through_where_there_is_nothing() {
        let picture = one_body(Decorations::NONE, true);
        let opacity = picture.opacity().unwrap();
        assert_eq!((opacity[0], opacity[80 * 200 + 100]), (0, 255));
        assert_eq!(one_body(Decorations::NONE, false).opacity(), None);
        let labelled = one_body(Decorations::ALL, true);
        assert!(
            labelled.opacity().unwrap()[..200 * 30].iter().any(|opacity| *opacity > 200),
            "the label of time is there"
        );
    }
}
