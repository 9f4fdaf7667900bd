//! Plots as PNG, SVG or PDF: lines and points on linear or logarithmic axes, or the density of a plane.
//!
//! A [`Figure`] holds the data. `ticks` finds round numbers for an axis, `layout` places every
//! element, and `draw` draws the figure with plotters. Lengths are in points. A [`Look`] gives the
//! width on paper, the size of text, the resolution and the colours.
//!
//! ```
//! use heorot_viz::plot::{Axis, Figure, Mark, Panel, Series, COLOURS};
//!
//! let curve = |p: i32| (1..=20).map(|i| [f64::from(i), f64::from(i).powi(p)]).collect();
//! let mut panel = Panel::new(Axis::log("Radius [kpc]"), Axis::log("Density [M☉ kpc⁻³]"));
//! panel.series.push(Series::new("slope −1", COLOURS[0], Mark::Line, curve(-1)));
//! panel.series.push(Series::new("slope −3", COLOURS[1], Mark::Points, curve(-3)));
//! let figure = Figure::new(vec![panel]);
//! # assert_eq!(&figure.png()?[1..4], b"PNG");
//! # assert!(figure.svg().contains("slope −3"));
//! # Ok::<(), heorot_viz::Error>(())
//! ```

mod draw;
mod layout;
mod look;
mod ticks;

pub use look::{Look, Theme};

use crate::colour::blend;
use crate::{ColourMap, Rgb, printable};

/// Colours of lines on white that colour-blind readers can distinguish, also in print (Okabe & Ito
/// 2008).
pub const COLOURS: [Rgb; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [60, 60, 60],
];

/// Colours for `count` lines in order, such as successive times: [`COLOURS`] if they suffice,
/// otherwise shades from dark to bright.
pub fn colours(count: usize) -> Vec<Rgb> {
    match count <= COLOURS.len() {
        true => COLOURS[..count].to_vec(),
        false => (0..count).map(|i| ColourMap::Viridis.colour(0.9 * i as f64 / (count - 1) as f64)).collect(),
    }
}

/// Shades of a colour for `count` lines in order, such as successive times: from pale to the colour itself.
pub fn shades(colour: Rgb, count: usize) -> Vec<Rgb> {
    let pale = colour.map(|c| (0.35 * f64::from(c) + 0.65 * 190.0) as u8);
    let last = count.saturating_sub(1).max(1) as f64;
    (1..=count).map(|i| blend(pale, colour, 1.0 - (count - i) as f64 / last)).collect()
}

/// A figure: panels in rows and columns.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Number of panels in a row.
    pub columns: usize,
    /// Width and height of the frame of each panel [points].
    pub frame: [f64; 2],
    /// Whether a legend that has no room in a frame stands above it, instead of to its right.
    pub legends_above: bool,
}

/// One pair of axes and its data.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Title above the frame; may be empty.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Lines and points. Later series cover earlier ones.
    pub series: Vec<Series>,
    /// A plane below the lines and points.
    pub plane: Option<Plane>,
    /// Vertical lines across the panel.
    pub guides: Vec<Guide>,
    /// Whether names stand beside the last points of their series, instead of a legend.
    pub direct: bool,
}

/// A vertical line across a panel, such as a limit of the resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Guide {
    /// Text beside the line.
    pub label: String,
    /// Number on the horizontal axis. The axis is extended to it, by a factor of ten at most if it is
    /// logarithmic. A line beyond the axis is not drawn.
    pub value: f64,
}

/// One axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Quantity, with its unit in brackets.
    pub label: String,
    /// Mapping from numbers to lengths.
    pub scale: Scale,
    /// Values that the axis includes even if there are no data there.
    pub reaches: Vec<f64>,
    /// Error bars do not extend the axis below this value.
    pub least: Option<f64>,
}

/// Mapping from numbers to lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Linear.
    Linear,
    /// Linear, with ticks at integers only.
    Whole,
    /// Logarithmic. Numbers that are not positive are left out.
    Log,
}

/// A line or a set of points.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name in the legend. The legend leaves out series with an empty name.
    pub name: String,
    /// Colour of the line or points.
    pub colour: Rgb,
    /// How the points of a series are drawn.
    pub mark: Mark,
    /// The points. A point that is not finite interrupts a line.
    pub points: Vec<[f64; 2]>,
    /// Half the length of the error bar of each point, in vertical direction; may be empty.
    pub errors: Vec<f64>,
}

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A solid line.
    Line,
    /// A dashed line.
    Dashes,
    /// A dotted line.
    Dots,
    /// A dot at each point.
    Points,
    /// A dot at each point, joined by a thin line.
    LinePoints,
}

/// Positive numbers on a regular grid, drawn as colours on a logarithmic scale.
#[derive(Clone, Debug)]
pub struct Plane {
    /// Quantity of the colour bar, with its unit in brackets.
    pub label: String,
    /// Numbers of columns and rows.
    pub cells: [usize; 2],
    /// The range of each axis.
    pub range: [[f64; 2]; 2],
    /// The numbers, row by row from the lower left. A cell with 0 stays empty.
    pub values: Vec<f64>,
}

impl Figure {
    /// A figure with its panels in one row, or in two rows if there are more than three.
    pub fn new(panels: Vec<Panel>) -> Figure {
        let columns = if panels.len() > 3 { panels.len().div_ceil(2) } else { panels.len() };
        Figure { panels, columns, frame: [330.0, 250.0], legends_above: false }
    }

    /// A figure with its panels one below the other, for quantities that share an axis.
    pub fn stacked(panels: Vec<Panel>) -> Figure {
        Figure { panels, columns: 1, frame: [480.0, 120.0], legends_above: false }
    }
}

impl Panel {
    /// An empty panel.
    pub fn new(x: Axis, y: Axis) -> Panel {
        Panel {
            title: String::new(),
            x,
            y,
            series: Vec::new(),
            plane: None,
            guides: Vec::new(),
            direct: false,
        }
    }
}

impl Axis {
    /// A linear axis.
    pub fn linear(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Linear, reaches: Vec::new(), least: None }
    }

    /// A linear axis for counts.
    pub fn whole(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Whole, reaches: Vec::new(), least: None }
    }

    /// A logarithmic axis.
    pub fn log(label: impl Into<String>) -> Axis {
        Axis { label: label.into(), scale: Scale::Log, reaches: Vec::new(), least: None }
    }

    /// Extends the axis to include a value, which is the least that the quantity can have.
    pub fn from_least(self, value: f64) -> Axis {
        Axis { least: Some(value), ..self.reaching(value) }
    }

    /// Extends the axis to include a value.
    pub fn reaching(mut self, value: f64) -> Axis {
        self.reaches.push(value);
        self
    }
}

impl Scale {
    /// Position of a number on the scale. It is not finite if the scale cannot show the number.
    pub fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear | Scale::Whole => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => f64::NAN,
        }
    }
}

impl Series {
    /// A series of points.
    pub fn new(name: impl Into<String>, colour: Rgb, mark: Mark, points: Vec<[f64; 2]>) -> Series {
        // The name may come from a foreign file.
        Series { name: printable(&name.into()).into_owned(), colour, mark, points, errors: Vec::new() }
    }

    /// The series with error bars of these half lengths, one for each point.
    pub fn with_errors(mut self, errors: Vec<f64>) -> Series {
        assert_eq!(errors.len(), self.points.len(), "one error for each point");
        self.errors = errors;
        self
    }

    /// The ends of the error bars. Each is a lower and an upper point.
    pub(crate) fn bars(&self) -> impl Iterator<Item = [[f64; 2]; 2]> + '_ {
        let with_error = self.points.iter().zip(&self.errors).filter(|(_, error)| **error > 0.0);
        with_error.map(|([x, y], error)| [[*x, y - error], [*x, y + error]])
    }

    /// A histogram: `values[i]` from `edges[i]` to `edges[i + 1]`.
    pub fn steps(name: impl Into<String>, colour: Rgb, edges: &[f64], values: &[f64]) -> Series {
        let step = |(edges, value): (&[f64], &f64)| [[edges[0], *value], [edges[1], *value]];
        let points = edges.windows(2).zip(values).flat_map(step).collect();
        Series::new(name, colour, Mark::Line, points)
    }
}
