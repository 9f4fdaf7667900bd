//! What makes a picture readable: time, scale bar and colour bar.

use crate::colour::{ColourMap, Rgb};
use crate::label::{DensityUnit, Units, plain_number, power_of_ten, round_length};
use crate::picture::{Canvas, Picture};
use crate::stretch::Range;
use crate::{SurfaceDensity, font};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Drawable, PointCollection, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, IntoFont, RGBColor, ShapeStyle, WHITE};
use rayon::prelude::*;

/// The scale bar is at most this part of the picture's width.
pub const SCALE_BAR: f64 = 0.22;

/// Shades of the colour map in a picture: more than 24-bit colour tells apart on it.
const SHADES: usize = 1024;

/// How a surface density is shown: one style for all pictures of a sequence.
#[derive(Clone, Debug)]
pub struct Style {
    /// Colours.
    pub colours: ColourMap,
    /// What the colours span.
    pub range: Range,
    /// Units of the run; without them labels are in code units.
    pub units: Option<Units>,
}

/// Draws a surface density in colour, with a time label, a scale bar and a colour bar.
pub fn render(density: &SurfaceDensity, style: &Style, time: &str) -> Picture {
    let colours = style.colours.steps(SHADES);
    let colour =
        |value: &f64| colours[(style.range.brightness(*value) * (SHADES - 1) as f64).round() as usize];
    let pixels = density.values().par_iter().with_min_len(1 << 12).map(colour).collect();
    let mut picture = Picture::new(density.view().size(), pixels);
    let metrics = Metrics::new(picture.size());
    let board = Board { area: picture.canvas().with_halo(metrics.halo).into_drawing_area(), metrics };
    board.time(time);
    let taken = board.scale_bar(density.view().width(), style.units);
    board.colour_bar(style, &DensityUnit::for_width(density.view().width(), style.units), taken);
    drop(board);
    picture
}

/// Sizes of all parts [pixels], which follow the size of the picture.
#[derive(Clone, Copy)]
struct Metrics {
    picture: [i32; 2],
    /// Size of the main and of the small font.
    font: i32,
    small: i32,
    margin: i32,
    /// Width of a stroke.
    line: i32,
    halo: usize,
}

impl Metrics {
    fn new(size: [usize; 2]) -> Metrics {
        let [width, height] = size.map(|n| n as f64);
        let font = ((width * height).sqrt() / 34.0).min(width.min(height) / 24.0).max(12.0);
        let part = |fraction: f64, least: f64| (fraction * font).max(least).round() as i32;
        Metrics {
            picture: size.map(|n| n as i32),
            font: part(1.0, 12.0),
            small: part(0.85, 11.0),
            margin: part(0.75, 6.0),
            line: part(0.05, 1.0),
            halo: part(0.08, 1.0) as usize,
        }
    }
}

/// The picture while it is decorated.
struct Board<'a> {
    area: DrawingArea<Canvas<'a>, Shift>,
    metrics: Metrics,
}

impl Board<'_> {
    fn draw<E>(&self, element: &E)
    where
        for<'e> &'e E: PointCollection<'e, (i32, i32)>,
        for<'a> E: Drawable<Canvas<'a>>,
    {
        self.area.draw(element).expect("drawing in memory cannot fail");
    }

    /// A filled rectangle of `size` pixels with its upper left corner at `corner`.
    fn fill(&self, corner: [i32; 2], size: [i32; 2], style: impl Into<ShapeStyle>) {
        let last = (corner[0] + size[0] - 1, corner[1] + size[1] - 1);
        self.draw(&Rectangle::new([(corner[0], corner[1]), last], style.into().filled()));
    }

    /// A filled rectangle with a dark seam that sets it off from any ground.
    fn fill_set_off(&self, corner: [i32; 2], size: [i32; 2]) {
        let seam = self.metrics.halo as i32;
        self.fill(corner.map(|x| x - seam), size.map(|n| n + 2 * seam), BLACK.mix(0.5));
        self.fill(corner, size, WHITE);
    }

    fn text(&self, text: &str, size: i32, at: [i32; 2], anchor: (HPos, VPos)) {
        let style = (font::FAMILY, size).into_font().color(&WHITE).pos(Pos::new(anchor.0, anchor.1));
        self.draw(&Text::new(text.to_string(), (at[0], at[1]), style));
    }

    fn time(&self, text: &str) {
        let Metrics { font, margin, .. } = self.metrics;
        self.text(text, font, [margin, margin], (HPos::Left, VPos::Top));
    }

    /// Draws the scale bar at the lower left; returns the right and the upper end of what it takes.
    fn scale_bar(&self, width: f64, units: Option<Units>) -> [i32; 2] {
        let Metrics { picture, font, margin, line, .. } = self.metrics;
        let bar = round_length(SCALE_BAR * width, units);
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

    /// Draws the colour bar at the lower right, beside what is `taken` at the lower left, or above it if that leaves too
    /// little room.
    fn colour_bar(&self, style: &Style, unit: &DensityUnit, taken: [i32; 2]) {
        let Metrics { picture, font, small, margin, line, .. } = self.metrics;
        let width_of = |text: &str| font::extent(text, f64::from(small))[0] as i32;
        let titles = [format!("Surface density [{}]", unit.name), format!("Σ [{}]", unit.name)];
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
            let [r, g, b] = style.colours.colour(f64::from(i) / f64::from(length - 1));
            self.fill([left + i, top], [1, height], RGBColor(r, g, b));
        }
        let ticks = Ticks::new(style.range, unit.per_code_unit);
        self.ticks(&ticks, [left, top + height + line], length);
    }

    /// Ticks and their labels below the colour bar. Labels keep clear of each other and of the picture's edge.
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
        let every = |stride: usize| {
            let mut shown = labels.iter().step_by(stride).map(|(tick, _)| place(tick));
            let mut last = shown.next();
            shown.all(|x| x - last.replace(x).unwrap_or(x) > widest + small / 2)
        };
        let stride = (1..).find(|&stride| every(stride)).unwrap_or(1);
        for (tick, label) in labels.into_iter().step_by(stride) {
            let half = width_of(label) / 2 + 1;
            let x = place(tick).clamp(free + half, picture[0] - margin / 3 - half);
            self.text(label, small, [x, top + small / 4], (HPos::Center, VPos::Top));
            free = x + half;
        }
    }
}

/// A tick of the colour bar.
#[derive(Debug, PartialEq)]
struct Tick {
    /// From 0 at the left to 1 at the right.
    place: f64,
    label: Option<String>,
}

/// Ticks at 1, 2, ... 9 times powers of ten, those with a label told apart.
struct Ticks {
    all: Vec<Tick>,
}

impl Ticks {
    /// The ticks of a range whose values are shown in a unit of which one [M/L^2] has `scale`.
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
        let all = marks(sets[2]).map(|(digit, exponent, log)| Tick {
            place: ((log - low) / (high - low)).clamp(0.0, 1.0),
            label: label(digit, exponent),
        });
        Ticks { all: all.collect() }
    }
}

/// The colours beside those of the map that a decorated picture is made of, for a palette: from the shaded ground that
/// text stands on to white, `steps` for each of some grounds.
pub(crate) fn text_colours(colours: ColourMap, grounds: usize, steps: usize) -> Vec<Rgb> {
    let ramp = |ground: Rgb| {
        let shaded = crate::colour::blend(ground, [0, 0, 0], crate::picture::HALO_OPACITY);
        (0..steps).map(move |i| crate::colour::blend(shaded, [255; 3], i as f64 / (steps - 1) as f64))
    };
    colours.steps(grounds).into_iter().flat_map(ramp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Where a part leaves ink on a black picture.
    fn ink(size: [usize; 2], draw: impl FnOnce(&Board)) -> Vec<bool> {
        let mut picture = Picture::new(size, vec![[0; 3]; size[0] * size[1]]);
        let metrics = Metrics::new(size);
        let board = Board { area: picture.canvas().into_drawing_area(), metrics };
        draw(&board);
        drop(board);
        picture.pixels().iter().map(|pixel| *pixel != [0; 3]).collect()
    }

    #[test]
    fn at_every_size_all_parts_are_there_and_none_overlap_or_touch_the_edge() {
        let galactic = Units { length_in_cm: 3.0857e21, mass_in_g: 1.9884e43, time_in_s: 3.0857e16 };
        let style = |range| Style { colours: ColourMap::Viridis, range, units: None };
        for size in [[160, 160], [200, 160], [160, 400], [2000, 160], [320, 240], [1024, 1024], [1920, 1080]]
        {
            for (width, units) in
                [(30.0, Some(galactic)), (1e12, Some(galactic)), (1.3e-5, None), (4.0, None)]
            {
                for range in [(1e-9, 1e-4), (1.4, 1.5), (3e-200, 1e200)] {
                    let mut taken = [0, 0];
                    let unit = DensityUnit::for_width(width, units);
                    let style = style(Range::new(range.0, range.1).unwrap());
                    let parts = [
                        ink(size, |board| board.time("t = 13.80 Gyr")),
                        ink(size, |board| taken = board.scale_bar(width, units)),
                        ink(size, |board| board.colour_bar(&style, &unit, taken)),
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

    #[test]
    fn ticks_stand_at_their_logarithm() {
        let ticks = Ticks::new(Range::new(1.0, 100.0).unwrap(), 1.0).all;
        assert_eq!(ticks.len(), 19);
        let two = ticks.iter().find(|tick| (tick.place - 2f64.log10() / 2.0).abs() < 1e-12).unwrap();
        assert_eq!(two.label, None);
        assert_eq!((ticks[0].place, ticks[18].place), (0.0, 1.0));
    }
}
