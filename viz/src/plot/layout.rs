//! Positions of all elements of a figure [points]. No element covers another.

use super::ticks::Ruler;
use super::{Figure, Panel};
use crate::font;

/// Sizes of labels and of numbers.
pub(super) const LABEL: f64 = 13.0;
pub(super) const NUMBER: f64 = 11.5;
/// Space between elements.
pub(super) const GAP: f64 = 5.0;
/// Length of a line sample in the legend.
pub(super) const SAMPLE: f64 = 22.0;
/// Width of a colour bar.
pub(super) const BAR: f64 = 12.0;
/// Distance between lines of the legend.
pub(super) const LINE: f64 = 15.0;
/// Space between panels.
const APART: f64 = 14.0;

/// A rectangle: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub(super) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    fn holds(&self, [x, y]: [f64; 2]) -> bool {
        (self.left..=self.right()).contains(&x) && (self.top..=self.bottom()).contains(&y)
    }

    #[cfg(test)]
    pub(super) fn touches(&self, other: &Rect) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }
}

/// A panel and the positions of its elements.
pub(super) struct Placed<'a> {
    pub panel: &'a Panel,
    pub x: Ruler,
    pub y: Ruler,
    /// Ruler of the colour bar, if there is a plane.
    pub colours: Option<Ruler>,
    pub frame: Rect,
    /// Distance of the centre of the y label from the left edge of the frame.
    pub y_label: f64,
    /// Box of the legend, inside the frame or to its right.
    pub legend: Option<Rect>,
}

/// A figure and the positions of all panels.
pub(super) struct Layout<'a> {
    pub size: [f64; 2],
    pub panels: Vec<Placed<'a>>,
}

impl Layout<'_> {
    pub(super) fn of(figure: &Figure) -> Layout<'_> {
        let mut panels: Vec<Placed> =
            figure.panels.iter().map(|panel| measure(panel, figure.frame)).collect();
        let columns = figure.columns.max(1);
        let mut left = APART;
        for column in 0..columns {
            let mine = || (column..figure.panels.len()).step_by(columns);
            let widest = |of: &dyn Fn(&Placed) -> f64| mine().map(|i| of(&panels[i])).fold(0.0, f64::max);
            let before = widest(&left_margin);
            let behind = widest(&right_margin);
            for i in mine() {
                panels[i].move_to([left + before, 0.0]);
            }
            left += before + figure.frame[0] + behind + APART;
        }
        let mut top = APART;
        for row in panels.chunks_mut(columns) {
            let above = row.iter().map(top_margin).fold(0.0, f64::max);
            let height =
                row.iter().map(|placed| placed.frame.height.max(legend_height(placed))).fold(0.0, f64::max);
            row.iter_mut().for_each(|placed| placed.move_to([placed.frame.left, top + above]));
            top += above + height + 2.0 * GAP + NUMBER + LABEL + APART;
        }
        Layout { size: [left, top], panels }
    }
}

impl Placed<'_> {
    /// Position of a data point. It is not finite if the scale cannot show the point.
    pub(super) fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let Rect { left, top, width, height } = self.frame;
        [left + width * self.x.part(x), top + height * (1.0 - self.y.part(y))]
    }

    fn move_to(&mut self, [left, top]: [f64; 2]) {
        let (right, down) = (left - self.frame.left, top - self.frame.top);
        (self.frame.left, self.frame.top) = (left, top);
        if let Some(legend) = &mut self.legend {
            (legend.left, legend.top) = (legend.left + right, legend.top + down);
        }
    }
}

fn measure(panel: &Panel, [width, height]: [f64; 2]) -> Placed<'_> {
    let points = || panel.series.iter().flat_map(|series| &series.points);
    let (x, y) = match &panel.plane {
        Some(plane) => {
            let ruler = |axis: &super::Axis, [lo, hi]: [f64; 2]| {
                Ruler::between(axis.scale, [axis.scale.place(lo), axis.scale.place(hi)])
            };
            (ruler(&panel.x, plane.range[0]), ruler(&panel.y, plane.range[1]))
        }
        // A point is shown only if both of its numbers can be shown.
        None => {
            let shown = |point: &&[f64; 2]| {
                panel.x.scale.place(point[0]).is_finite() && panel.y.scale.place(point[1]).is_finite()
            };
            let ruler = |axis, k: usize| Ruler::new(axis, points().filter(shown).map(|point| point[k]));
            (ruler(&panel.x, 0), ruler(&panel.y, 1))
        }
    };
    let colours = panel.plane.as_ref().map(|plane| {
        Ruler::new(&super::Axis::log(""), plane.values.iter().copied().filter(|&value| value > 0.0))
    });
    let widest = widest_label(&y);
    let frame = Rect { left: 0.0, top: 0.0, width, height };
    let mut placed = Placed { panel, x, y, colours, frame, y_label: widest + GAP + LABEL, legend: None };
    placed.legend = legend(&placed);
    placed
}

pub(super) fn widest_label(ruler: &Ruler) -> f64 {
    let labels = ruler.ticks.iter().filter_map(|tick| tick.label.as_ref());
    labels.map(|label| font::extent(label, NUMBER)[0] as f64).fold(0.0, f64::max)
}

fn left_margin(placed: &Placed) -> f64 {
    placed.y_label + LABEL / 2.0 + GAP
}

fn right_margin(placed: &Placed) -> f64 {
    let bar =
        placed.colours.as_ref().map_or(0.0, |ruler| 3.0 * GAP + BAR + widest_label(ruler) + GAP + LABEL);
    let outside = placed.legend.map_or(0.0, |legend| (legend.right() - placed.frame.right()).max(0.0));
    bar.max(outside).max(GAP)
}

fn top_margin(placed: &Placed) -> f64 {
    let has_factor = placed.y.factor.is_some() || !placed.panel.title.is_empty();
    if has_factor { LABEL + GAP } else { 0.0 }
}

fn legend_height(placed: &Placed) -> f64 {
    placed.legend.map_or(0.0, |legend| legend.bottom() - placed.frame.top)
}

/// Finds a box for the legend that covers no data: in a corner, in the middle of an edge, or else
/// to the right of the frame.
fn legend(placed: &Placed) -> Option<Rect> {
    let names: Vec<&String> =
        placed.panel.series.iter().map(|series| &series.name).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return None;
    }
    let text = names.iter().map(|name| font::extent(name, NUMBER)[0] as f64).fold(0.0, f64::max);
    let (width, height) = (SAMPLE + text + 3.0 * GAP, LINE * names.len() as f64 + GAP);
    let frame = placed.frame;
    let inset = 2.0 * GAP;
    let xs = [frame.right() - inset - width, frame.left + inset, frame.left + (frame.width - width) / 2.0];
    let ys = [frame.top + inset, frame.bottom() - inset - height, frame.top + (frame.height - height) / 2.0];
    let inside = ys.iter().flat_map(|&top| xs.map(|left| Rect { left, top, width, height }));
    let fits = width + 2.0 * inset < frame.width && height + 2.0 * inset < frame.height;
    let free = |legend: &Rect| fits && placed.panel.plane.is_none() && !covers(placed, legend);
    let outside = Rect { left: frame.right() + GAP, top: frame.top, width, height };
    let bar = placed.colours.as_ref().map_or(0.0, |ruler| 4.0 * GAP + BAR + widest_label(ruler) + LABEL);
    Some(inside.into_iter().find(free).unwrap_or(Rect { left: outside.left + bar, ..outside }))
}

/// Whether a line or point crosses the box or comes close to it.
fn covers(placed: &Placed, legend: &Rect) -> bool {
    let room = Rect {
        left: legend.left - GAP,
        top: legend.top - GAP,
        width: legend.width + 2.0 * GAP,
        height: legend.height + 2.0 * GAP,
    };
    let between = |a: [f64; 2], b: [f64; 2]| {
        let pieces = ((b[0] - a[0]).hypot(b[1] - a[1]) / GAP).ceil().min(1000.0) as usize;
        (0..=pieces.max(1)).any(|i| {
            let t = i as f64 / pieces.max(1) as f64;
            room.holds([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])])
        })
    };
    placed.panel.series.iter().any(|series| {
        let points: Vec<[f64; 2]> = series.points.iter().map(|&point| placed.point(point)).collect();
        points.iter().any(|&point| room.holds(point))
            || series.mark != super::Mark::Points && points.windows(2).any(|pair| between(pair[0], pair[1]))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, COLOURS, Mark, Series};
    use super::*;

    fn panel(points: Vec<[f64; 2]>) -> Panel {
        let mut panel = Panel::new(Axis::linear("x"), Axis::linear("y"));
        panel.series.push(Series::new("a line with a name", COLOURS[0], Mark::Line, points));
        panel
    }

    #[test]
    fn the_legend_goes_where_no_line_is() {
        let rising: Vec<[f64; 2]> = (0..50).map(|i| [f64::from(i), f64::from(i)]).collect();
        let full: Vec<[f64; 2]> = (0..400).map(|i| [f64::from(i), f64::from(i % 2 * 100)]).collect();
        let figure = Figure::new(vec![panel(rising), panel(full)]);
        let layout = Layout::of(&figure);
        let [a, b] = [0, 1].map(|i| (layout.panels[i].frame, layout.panels[i].legend.unwrap()));
        assert!(a.1.left < a.0.left + a.0.width / 2.0 && a.1.right() < a.0.right(), "upper left: {a:?}");
        assert!(b.1.left >= b.0.right(), "outside: {b:?}");
        assert!(!covers(&layout.panels[0], &a.1));
        assert!(b.1.right() < layout.size[0]);
    }

    #[test]
    fn frames_of_a_column_stand_in_line_and_none_overlap() {
        let wide = panel(vec![[0.0, 0.0], [1.0, 12_345.0]]);
        let narrow = panel(vec![[0.0, 0.0], [1.0, 1.0]]);
        let figure = Figure::new(vec![wide.clone(), narrow.clone(), narrow, wide]);
        let layout = Layout::of(&figure);
        let frames: Vec<Rect> = layout.panels.iter().map(|placed| placed.frame).collect();
        assert_eq!((frames[0].left, frames[1].left), (frames[2].left, frames[3].left));
        assert!((0..4).all(|i| (0..i).all(|j| !frames[i].touches(&frames[j]))));
        assert!(frames.iter().all(|frame| frame.right() < layout.size[0] && frame.bottom() < layout.size[1]));
    }
}
