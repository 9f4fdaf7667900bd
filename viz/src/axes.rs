//! Axes around a picture: a frame, ticks, and coordinates relative to the centre.

use crate::decoration::{Metrics, Ticks};
use crate::label::{Units, length_unit};
use crate::view::View;
use crate::{MINIMUM_SIZE, font};
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, Color, FontTransform, IntoFont};
use plotters_backend::DrawingBackend;

/// Space around a picture for its axes [pixels].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Margins {
    pub left: usize,
    pub right: usize,
    pub top: usize,
    pub bottom: usize,
}

impl Margins {
    /// Space for the axes of a picture of this size.
    pub(crate) fn of(size: [usize; 2]) -> Margins {
        let small = Metrics::new(size.map(|side| side.max(MINIMUM_SIZE))).small as usize;
        Margins { left: 5 * small, right: 3 * small / 2, top: small, bottom: 7 * small / 2 }
    }

    /// Size with the margins.
    pub(crate) fn around(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        [self.left + width + self.right, self.top + height + self.bottom]
    }
}

/// Size of a picture of `size` pixels together with its axes.
pub fn size_with_axes(size: [usize; 2]) -> [usize; 2] {
    Margins::of(size).around(size)
}

/// What the axes of a picture show.
#[derive(Clone, Debug)]
pub(crate) struct Axes {
    size: [usize; 2],
    /// Length of both axes [L].
    lengths: [f64; 2],
    names: [String; 2],
    units: Option<Units>,
}

impl Axes {
    /// The axes of a view in these units.
    pub(crate) fn new(view: &View, units: Option<Units>) -> Axes {
        let size = view.size();
        let lengths = size.map(|side| side as f64 * view.pixel());
        Axes { size, lengths, names: view.axis_names(), units }
    }

    /// Draws the axes around a picture with its upper left corner at `corner`.
    pub(crate) fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        corner: [usize; 2],
        comoving: bool,
    ) {
        let [left, top] = corner.map(|x| x as i32);
        let [width, height] = self.size.map(|side| side as i32);
        let Metrics { small, line, .. } = Metrics::new(self.size);
        let (right, bottom) = (left + width, top + height);
        let fill = |corner: [i32; 2], size: [i32; 2]| {
            let last = (corner[0] + size[0] - 1, corner[1] + size[1] - 1);
            let shape = Rectangle::new([(corner[0], corner[1]), last], BLACK.filled());
            area.draw(&shape).expect("drawing in memory cannot fail");
        };
        for y in [top - line, bottom] {
            fill([left - line, y], [width + 2 * line, line]);
        }
        for x in [left - line, right] {
            fill([x, top - line], [line, height + 2 * line]);
        }
        let text = |text: &str, at: [i32; 2], pos: Pos, turned: bool| {
            let font = (font::FAMILY, small).into_font();
            let font = if turned { font.transform(FontTransform::Rotate270) } else { font };
            let text = Text::new(text.to_owned(), (at[0], at[1]), font.color(&BLACK).pos(pos));
            area.draw(&text).expect("drawing in memory cannot fail");
        };
        let (name, unit) = length_unit(0.5 * self.lengths[0].max(self.lengths[1]), self.units);
        let reach = (small / 3).max(2);
        let ticks = self.lengths.map(|length| Ticks::linear([-0.5 * length / unit, 0.5 * length / unit]));
        for tick in &ticks[0].all {
            let x = left + (tick.place * f64::from(width - 1)).round() as i32;
            fill([x - line / 2, bottom], [line, reach]);
            let label = tick.label.as_deref().unwrap_or_default();
            text(label, [x, bottom + reach + small / 6], Pos::new(HPos::Center, VPos::Top), false);
        }
        for tick in &ticks[1].all {
            let y = bottom - 1 - (tick.place * f64::from(height - 1)).round() as i32;
            fill([left - reach, y - line / 2], [reach, line]);
            let label = tick.label.as_deref().unwrap_or_default();
            text(label, [left - reach - small / 4, y], Pos::new(HPos::Right, VPos::Center), false);
        }
        let comoving = if comoving { "comoving " } else { "" };
        let [across, up] = self.names.each_ref().map(|axis| format!("{axis} [{comoving}{name}]"));
        let foot = bottom + reach + small / 6 + small + small / 3;
        text(&across, [left + width / 2, foot], Pos::new(HPos::Center, VPos::Top), false);
        let beside = left - 5 * small + small / 4;
        text(&up, [beside, top + height / 2], Pos::new(HPos::Center, VPos::Top), true);
    }
}
