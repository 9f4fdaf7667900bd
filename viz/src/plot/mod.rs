//! Plots of numbers: panels with linear or logarithmic axes, lines and points, or the density of a plane, as PNG or SVG.
//!
//! A [`Figure`] says what is shown; `ticks` finds round numbers for an axis, `layout` gives every part its place, and `draw` hands all to
//! plotters, on a bitmap or as vectors. Lengths are in points: a PNG has two pixels a point.
//!
//! ```
//! use viz::plot::{Axis, Figure, Mark, Panel, Series, COLOURS};
//!
//! let curve = |p: i32| (1..=20).map(|i| [f64::from(i), f64::from(i).powi(p)]).collect();
//! let mut panel = Panel::new(Axis::log("Radius [kpc]"), Axis::log("Density [M☉ kpc⁻³]"));
//! panel.series.push(Series::new("slope −1", COLOURS[0], Mark::Line, curve(-1)));
//! panel.series.push(Series::new("slope −3", COLOURS[1], Mark::Points, curve(-3)));
//! let figure = Figure::new(vec![panel]);
//! # assert_eq!(&figure.png()?[1..4], b"PNG");
//! # assert!(figure.svg().contains("slope −3"));
//! # Ok::<(), viz::Error>(())
//! ```

mod draw;
mod layout;
mod ticks;

use crate::{ColourMap, Rgb, printable};

/// Colours of lines on white that colour-blind eyes tell apart, in print too (Okabe & Ito 2008).
pub const COLOURS: [Rgb; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [60, 60, 60],
];

/// Colours of `count` lines in an order, as of times: those of [`COLOURS`] if they suffice, else from dark to bright.
pub fn colours(count: usize) -> Vec<Rgb> {
    match count <= COLOURS.len() {
        true => COLOURS[..count].to_vec(),
        false => (0..count).map(|i| ColourMap::Viridis.colour(0.9 * i as f64 / (count - 1) as f64)).collect(),
    }
}

/// What is shown: panels side by side and one below the other.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Panels in a row.
    pub columns: usize,
    /// Width and height of the frame of each panel [points].
    pub frame: [f64; 2],
}

/// One pair of axes and what is shown in it.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Above the frame; may be empty.
    pub title: String,
    /// To the right.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// Lines and points, the last one on top.
    pub series: Vec<Series>,
    /// A plane below them.
    pub plane: Option<Plane>,
}

/// One axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, and its unit in brackets.
    pub label: String,
    /// How numbers become lengths.
    pub scale: Scale,
    /// Values that the axis reaches whether there are data or not.
    pub reaches: Vec<f64>,
}

/// How numbers become lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences.
    Linear,
    /// Equal differences, with ticks at whole numbers only.
    Whole,
    /// Equal ratios; what is not above 0 is left out.
    Log,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the legend calls it; it leaves out what has no name.
    pub name: String,
    /// Colour.
    pub colour: Rgb,
    /// How points are shown.
    pub mark: Mark,
    /// The points; one that is not finite interrupts a line.
    pub points: Vec<[f64; 2]>,
}

/// How points are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Joined by a line.
    Line,
    /// Joined by a line of dashes.
    Dashes,
    /// Each by a dot.
    Points,
    /// Each by a dot, and joined by a thin line.
    LinePoints,
}

/// Numbers above 0 on a grid that divides both axes evenly, shown by colours on a logarithmic scale.
#[derive(Clone, Debug)]
pub struct Plane {
    /// What the colours show, and its unit in brackets.
    pub label: String,
    /// Columns and rows.
    pub cells: [usize; 2],
    /// The ends of both axes.
    pub range: [[f64; 2]; 2],
    /// The numbers, row by row from the lower left; a cell with 0 stays empty.
    pub values: Vec<f64>,
}

impl Figure {
    /// Panels in one row, or two rows if there are more than three.
    pub fn new(panels: Vec<Panel>) -> Figure {
        let columns = if panels.len() > 3 { panels.len().div_ceil(2) } else { panels.len() };
        Figure { panels, columns, frame: [330.0, 250.0] }
    }

    /// Panels one below the other, as of quantities over the same time.
    pub fn stacked(panels: Vec<Panel>) -> Figure {
        Figure { panels, columns: 1, frame: [480.0, 120.0] }
    }
}

impl Panel {
    /// An empty panel.
    pub fn new(x: Axis, y: Axis) -> Panel {
        Panel { title: String::new(), x, y, series: Vec::new(), plane: None }
    }
}

impl Axis {
    /// A linear axis.
    pub fn linear(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Linear, reaches: Vec::new() }
    }

    /// A linear axis of what is counted.
    pub fn whole(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Whole, reaches: Vec::new() }
    }

    /// A logarithmic axis.
    pub fn log(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Log, reaches: Vec::new() }
    }

    /// The same axis, which reaches a value whether there are data or not.
    pub fn reaching(mut self, value: f64) -> Axis {
        self.reaches.push(value);
        self
    }
}

impl Scale {
    /// Where a number lies; not finite for one that this scale cannot show.
    pub fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear | Scale::Whole => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => f64::NAN,
        }
    }
}

impl Series {
    /// Points that belong together.
    pub fn new(name: impl Into<String>, colour: Rgb, mark: Mark, points: Vec<[f64; 2]>) -> Series {
        // A name may come from a file of others.
        Series { name: printable(&name.into()).into_owned(), colour, mark, points }
    }

    /// A histogram: `values[i]` from `edges[i]` to `edges[i + 1]`.
    pub fn steps(name: impl Into<String>, colour: Rgb, edges: &[f64], values: &[f64]) -> Series {
        let step = |(edges, value): (&[f64], &f64)| [[edges[0], *value], [edges[1], *value]];
        let points = edges.windows(2).zip(values).flat_map(step).collect();
        Series::new(name, colour, Mark::Line, points)
    }
}
