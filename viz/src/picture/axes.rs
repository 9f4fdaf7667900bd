//! Axes around a picture: a frame, ticks, and coordinates relative to the centre.

use super::decoration::{Metrics, Tick, Ticks};
use crate::MINIMUM_SIZE;
use crate::plot::Theme;
use crate::text::font;
use crate::text::label::{Units, length_unit};
use crate::view::View;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontTransform, IntoFont, RGBColor};
use plotters_backend::DrawingBackend;

/// How the axes of a picture look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AxesLook {
    /// Colours of the background around the picture and of the axes.
    pub theme: Theme,
    /// Height of the text [pixels]. `None` for a height that follows from the size of the picture.
    pub text: Option<usize>,
}

impl AxesLook {
    /// Height of the text and width of a stroke of a picture of this size [pixels].
    fn metrics(self, size: [usize; 2]) -> [i32; 2] {
        let Metrics { small, line, .. } = Metrics::new(size.map(|side| side.max(MINIMUM_SIZE)));
        match self.text {
            Some(text) => [text as i32, (text as f64 * STROKE).round().max(1.0) as i32],
            None => [small, line],
        }
    }
}

/// Width of a stroke as a fraction of the height of the text.
const STROKE: f64 = 0.06;

/// Space around a picture for its axes [pixels].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Margins {
    pub left: usize,
    pub right: usize,
    pub top: usize,
    pub bottom: usize,
}

impl Margins {
    /// Space for the axes of a picture of this size.
    pub(super) fn of(size: [usize; 2], look: AxesLook) -> Margins {
        let small = look.metrics(size)[0] as usize;
        Margins { left: 5 * small, right: 3 * small / 2, top: small, bottom: 7 * small / 2 }
    }

    /// Size with the margins.
    pub(super) fn around(&self, [width, height]: [usize; 2]) -> [usize; 2] {
        [self.left + width + self.right, self.top + height + self.bottom]
    }
}

/// Size of a picture of `size` pixels together with its axes.
pub fn size_with_axes(size: [usize; 2], look: AxesLook) -> [usize; 2] {
    Margins::of(size, look).around(size)
}

/// What the axes of a picture show.
#[derive(Clone, Debug)]
pub(super) struct Axes {
    size: [usize; 2],
    /// Length of both axes [L].
    lengths: [f64; 2],
    names: [String; 2],
    units: Option<Units>,
}

impl Axes {
    /// The axes of a view in these units.
    pub(super) fn new(view: &View, units: Option<Units>) -> Axes {
        let size = view.size();
        let lengths = size.map(|side| side as f64 * view.pixel());
        Axes { size, lengths, names: view.axis_names(), units }
    }

    /// Draws the axes around a picture with its upper left corner at `corner`.
    pub(super) fn draw<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        corner: [usize; 2],
        comoving: bool,
        look: AxesLook,
    ) {
        let [left, top] = corner.map(|x| x as i32);
        let [width, height] = self.size.map(|side| side as i32);
        let [small, line] = look.metrics(self.size);
        let [r, g, b] = look.theme.ink();
        let ink = RGBColor(r, g, b);
        let (right, bottom) = (left + width, top + height);
        let fill = |corner: [i32; 2], size: [i32; 2]| {
            let last = (corner[0] + size[0] - 1, corner[1] + size[1] - 1);
            let shape = Rectangle::new([(corner[0], corner[1]), last], ink.filled());
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
            let text = Text::new(text.to_owned(), (at[0], at[1]), font.color(&ink).pos(pos));
            area.draw(&text).expect("drawing in memory cannot fail");
        };
        let (name, unit) = length_unit(0.5 * self.lengths[0].max(self.lengths[1]), self.units);
        let reach = (small / 3).max(2);
        let ticks = self.lengths.map(|length| Ticks::linear([-0.5 * length / unit, 0.5 * length / unit]));
        let widest = ticks[0].all.iter().filter_map(|tick| tick.label.as_ref());
        let widest = widest.map(|label| font::extent(label, f64::from(small))[0] as i32).max().unwrap_or(0);
        let every = [spacing(&ticks[0], width, widest + small), spacing(&ticks[1], height, 3 * small / 2)];
        for (i, tick) in ticks[0].all.iter().enumerate() {
            let x = left + (tick.place * f64::from(width - 1)).round() as i32;
            fill([x - line / 2, bottom], [line, reach]);
            let label = label_of(tick, i, &ticks[0], every[0]);
            text(label, [x, bottom + reach + small / 6], Pos::new(HPos::Center, VPos::Top), false);
        }
        for (i, tick) in ticks[1].all.iter().enumerate() {
            let y = bottom - 1 - (tick.place * f64::from(height - 1)).round() as i32;
            fill([left - reach, y - line / 2], [reach, line]);
            let label = label_of(tick, i, &ticks[1], every[1]);
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

/// One of how many ticks has a label, if a label needs `room` pixels of an axis of `length`.
fn spacing(ticks: &Ticks, length: i32, room: i32) -> usize {
    let apart = f64::from(length) / ticks.all.len().max(1) as f64;
    (f64::from(room) / apart).ceil().max(1.0) as usize
}

/// The label of the `i`-th tick, if it has one: one of `every`, among them that of 0 in the middle.
fn label_of<'a>(tick: &'a Tick, i: usize, ticks: &Ticks, every: usize) -> &'a str {
    let middle = (ticks.all.len() - 1) / 2;
    if i.abs_diff(middle).is_multiple_of(every) { tick.label.as_deref().unwrap_or_default() } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_leave_each_other_room() {
        let ticks = Ticks::linear([-8.0, 8.0]);
        let count = |every: usize| {
            let shown = ticks.all.iter().enumerate().map(|(i, tick)| label_of(tick, i, &ticks, every));
            shown.filter(|label| !label.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(spacing(&ticks, 400, 30), 1);
        let all = count(1).len();
        let some = count(spacing(&ticks, 100, 60));
        assert!(some.len() < all && some.contains(&"0"), "{some:?}");
    }

    #[test]
    fn margins_follow_the_size_of_the_text() {
        let look = |text: usize| AxesLook { text: Some(text), ..AxesLook::default() };
        let [small, large] = [12, 24].map(|text| Margins::of([300, 200], look(text)));
        assert_eq!(large.left, 2 * small.left);
        assert_eq!(size_with_axes([300, 200], look(12)), [300 + 60 + 18, 200 + 12 + 42]);
    }
}
