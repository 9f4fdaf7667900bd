//! Positions of all elements of a figure [points]. No element covers another.

use super::ticks::{MOST_LABELS, Ruler};
use super::{Figure, Guide, Mark, Panel, Scale};
use crate::text::font;

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
/// Room for a label of the horizontal and of the vertical axis.
const ROOM: [f64; 2] = [47.0, 16.0];
/// Least number of labels on an axis.
const FEWEST_LABELS: f64 = 2.0;
/// Greatest part of a decade by which a logarithmic axis is extended for a guide.
const NEAR: f64 = 1.0;

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

    fn grown(&self, by: f64) -> Rect {
        let Rect { left, top, width, height } = *self;
        Rect { left: left - by, top: top - by, width: width + 2.0 * by, height: height + 2.0 * by }
    }

    fn holds(&self, [x, y]: [f64; 2]) -> bool {
        (self.left..=self.right()).contains(&x) && (self.top..=self.bottom()).contains(&y)
    }

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
    /// Box of the legend: inside the frame, to its right or above it.
    pub legend: Option<Rect>,
    /// Number of names in a row of the legend.
    pub legend_columns: usize,
    /// Vertical lines inside the frame: the distance from its left edge, and the box of the label.
    pub guides: Vec<(f64, Rect)>,
    /// Names beside their series: the index of each series, and the box of its name.
    pub names: Vec<(usize, Rect)>,
}

/// A figure and the positions of all panels.
pub(super) struct Layout<'a> {
    pub size: [f64; 2],
    pub panels: Vec<Placed<'a>>,
}

impl Layout<'_> {
    pub(super) fn of(figure: &Figure) -> Layout<'_> {
        let mut panels: Vec<Placed> = figure.panels.iter().map(|panel| measure(panel, figure)).collect();
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

    /// The guides inside the frame, in the order of `guides`.
    pub(super) fn shown_guides(&self) -> impl Iterator<Item = &Guide> {
        let is_inside = |guide: &&Guide| (0.0..=1.0).contains(&self.x.part(guide.value));
        self.panel.guides.iter().filter(is_inside)
    }

    /// Ends of an error bar, inside the frame.
    pub(super) fn bar(&self, ends: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
        let Rect { top, .. } = self.frame;
        let bottom = self.frame.bottom();
        let [low, high] = ends.map(|end| self.point(end));
        // The lower end may be a number that a logarithmic scale cannot show.
        let low = if low[1].is_finite() { low[1].min(bottom) } else { bottom };
        [[high[0], low], [high[0], high[1].max(top)]]
    }

    fn move_to(&mut self, [left, top]: [f64; 2]) {
        let (right, down) = (left - self.frame.left, top - self.frame.top);
        (self.frame.left, self.frame.top) = (left, top);
        let boxes = self.legend.iter_mut().chain(self.guides.iter_mut().map(|(_, label)| label));
        for rect in boxes.chain(self.names.iter_mut().map(|(_, name)| name)) {
            (rect.left, rect.top) = (rect.left + right, rect.top + down);
        }
    }
}

fn measure<'a>(panel: &'a Panel, figure: &Figure) -> Placed<'a> {
    let [width, height] = figure.frame;
    let points = || {
        let least = panel.y.least.unwrap_or(f64::NEG_INFINITY);
        let bars = panel.series.iter().flat_map(|series| series.bars().flatten());
        let bars = bars.map(move |[x, y]| [x, y.max(least)]);
        panel.series.iter().flat_map(|series| series.points.iter().copied()).chain(bars)
    };
    let most = |k: usize| ([width, height][k] / ROOM[k]).clamp(FEWEST_LABELS, MOST_LABELS);
    let (x, y) = match &panel.plane {
        Some(plane) => {
            let ruler = |axis: &super::Axis, k: usize| {
                Ruler::between(axis.scale, plane.range[k].map(|end| axis.scale.place(end)), most(k))
            };
            (ruler(&panel.x, 0), ruler(&panel.y, 1))
        }
        // A point is shown only if both of its numbers can be shown.
        None => {
            let shown = |point: &[f64; 2]| {
                panel.x.scale.place(point[0]).is_finite() && panel.y.scale.place(point[1]).is_finite()
            };
            let across: Vec<f64> = points().filter(shown).map(|point| point[0]).collect();
            let guides = near(panel, &across);
            let up = points().filter(shown).map(|point| point[1]);
            (
                Ruler::new(&panel.x, across.into_iter().chain(guides), most(0)),
                Ruler::new(&panel.y, up, most(1)),
            )
        }
    };
    // Names beside the outermost points need room inside the frame.
    let (x, y) = match panel.direct {
        true => (roomier(&x, most(0)), roomier(&y, most(1))),
        false => (x, y),
    };
    let colours = panel.plane.as_ref().map(|plane| {
        let values = plane.values.iter().copied().filter(|&value| value > 0.0);
        Ruler::new(&super::Axis::log(""), values, MOST_LABELS)
    });
    let widest = widest_label(&y);
    let frame = Rect { left: 0.0, top: 0.0, width, height };
    let y_label = widest + GAP + LABEL;
    let (guides, names) = (Vec::new(), Vec::new());
    let mut placed =
        Placed { panel, x, y, colours, frame, y_label, legend: None, legend_columns: 1, guides, names };
    placed.guides = guides_of(&placed);
    match panel.direct {
        true => placed.names = direct_names(&placed),
        false => {
            if let Some((place, columns)) = legend(&placed, figure.legends_above) {
                (placed.legend, placed.legend_columns) = (Some(place), columns);
            }
        }
    }
    placed
}

/// A ruler with more room at both ends.
fn roomier(ruler: &Ruler, most: f64) -> Ruler {
    let [lo, hi] = ruler.ends;
    let room = 0.1 * (hi - lo);
    Ruler::between(ruler.scale, [lo - room, hi + room], most)
}

/// The guides that are close enough to numbers on the horizontal axis to extend it.
fn near<'a>(panel: &'a Panel, numbers: &[f64]) -> impl Iterator<Item = f64> + use<'a> {
    let places = || numbers.iter().map(|&x| panel.x.scale.place(x));
    let ends = [places().fold(f64::INFINITY, f64::min), places().fold(f64::NEG_INFINITY, f64::max)];
    let is_near = move |value: &f64| {
        let place = panel.x.scale.place(*value);
        panel.x.scale != Scale::Log || (ends[0] - NEAR..=ends[1] + NEAR).contains(&place)
    };
    panel.guides.iter().map(|guide| guide.value).filter(is_near)
}

/// The guides inside the frame. Labels stand beside their lines, where they cover neither data nor each
/// other.
fn guides_of(placed: &Placed) -> Vec<(f64, Rect)> {
    let frame = placed.frame;
    let mut all: Vec<(f64, Rect)> = Vec::new();
    for Guide { label, value } in placed.shown_guides() {
        let x = placed.x.part(*value) * frame.width;
        let length = font::extent(label, NUMBER)[0] as f64;
        let is_right = x + GAP + NUMBER < frame.width;
        let (right, left) = (x + 0.4 * GAP, x - 0.4 * GAP - NUMBER);
        let sides = if is_right { [right, left] } else { [left, right] };
        let highest = frame.top + 1.5 * GAP;
        let tops = [highest, frame.bottom() - 1.5 * GAP - length, frame.top + (frame.height - length) / 2.0];
        let places: Vec<Rect> = sides
            .iter()
            .flat_map(|side| {
                tops.map(|top| Rect { left: frame.left + side, top, width: NUMBER, height: length })
            })
            .collect();
        let is_apart = |place: &Rect| !all.iter().any(|(_, other)| other.touches(place));
        let is_free = |place: &&Rect| {
            place.left > frame.left
                && place.right() < frame.right()
                && is_apart(place)
                && !covers(placed, place)
        };
        let mut place = *places.iter().find(is_free).unwrap_or(&places[0]);
        while let Some((_, other)) = all.iter().find(|(_, other)| other.touches(&place)) {
            place.top = other.bottom() + 2.0 * GAP;
        }
        all.push((x, place));
    }
    all
}

/// Places for the names of series beside their last points. Each is beside, above or below the point,
/// where it covers no other name and no point.
fn direct_names(placed: &Placed) -> Vec<(usize, Rect)> {
    let frame = placed.frame;
    let points: Vec<[f64; 2]> = placed
        .panel
        .series
        .iter()
        .flat_map(|series| &series.points)
        .map(|&point| placed.point(point))
        .collect();
    let mut all: Vec<(usize, Rect)> = Vec::new();
    for (k, series) in placed.panel.series.iter().enumerate().filter(|(_, series)| !series.name.is_empty()) {
        let mut shown = series.points.iter().map(|&point| placed.point(point));
        let Some([x, y]) = shown.rfind(|point| point.iter().all(|x| x.is_finite())) else {
            continue;
        };
        let (width, height) = (font::extent(&series.name, NUMBER)[0] as f64, NUMBER);
        let (right, left) = (x + 1.5 * GAP, x - 1.5 * GAP - width);
        let (middle, raised, lowered) = (y - height / 2.0, y - GAP - height, y + GAP);
        let centred = x - width / 2.0;
        let beside = [(right, middle), (left, middle), (centred, raised), (centred, lowered)];
        let around = [(right, raised), (right, lowered), (left, raised), (left, lowered)];
        let far = [(centred, raised - LINE), (centred, lowered + LINE)];
        let places = beside.into_iter().chain(around).chain(far);
        let places: Vec<Rect> = places.map(|(left, top)| Rect { left, top, width, height }).collect();
        let is_free = |place: &&Rect| {
            place.left > frame.left
                && place.right() < frame.right()
                && place.top > frame.top
                && place.bottom() < frame.bottom()
                && !all.iter().any(|(_, other)| other.touches(place))
                && !points.iter().any(|&point| place.grown(0.6 * GAP).holds(point))
        };
        all.push((k, *places.iter().find(is_free).unwrap_or(&places[0])));
    }
    all
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
    let legend = placed.legend.map_or(0.0, |legend| placed.frame.top - legend.top);
    title_margin(placed).max(legend)
}

fn title_margin(placed: &Placed) -> f64 {
    let has_factor = placed.y.factor.is_some() || !placed.panel.title.is_empty();
    if has_factor { LABEL + GAP } else { 0.0 }
}

fn legend_height(placed: &Placed) -> f64 {
    placed.legend.map_or(0.0, |legend| legend.bottom() - placed.frame.top).max(0.0)
}

/// Finds a box for the legend that covers no data: in a corner, in the middle of an edge, or else
/// to the right of the frame or above it. Returns the number of names in a row, too.
fn legend(placed: &Placed, above: bool) -> Option<(Rect, usize)> {
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
    if let Some(place) = inside.into_iter().find(free) {
        return Some((place, 1));
    }
    if above && placed.colours.is_none() {
        let columns = ((frame.width / width) as usize).clamp(1, names.len());
        let height = LINE * names.len().div_ceil(columns) as f64 + GAP;
        let top = frame.top - title_margin(placed) - height;
        return Some((Rect { left: frame.left, top, width: width * columns as f64, height }, columns));
    }
    Some((Rect { left: outside.left + bar, ..outside }, 1))
}

/// Whether a line or point crosses the box or comes close to it.
fn covers(placed: &Placed, legend: &Rect) -> bool {
    let room = legend.grown(GAP);
    let frame = placed.frame;
    let on_guide = |(x, label): &(f64, Rect)| {
        let x = frame.left + x;
        (room.left..=room.right()).contains(&x) || label.touches(&room)
    };
    if placed.guides.iter().any(on_guide) {
        return true;
    }
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
            || series.mark != Mark::Points && points.windows(2).any(|pair| between(pair[0], pair[1]))
            || series.bars().map(|bar| placed.bar(bar)).any(|[low, high]| between(low, high))
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
    fn names_beside_points_cover_neither_points_nor_each_other() {
        let dot = |name: &str, x: f64, y: f64| Series::new(name, COLOURS[0], Mark::Points, vec![[x, y]]);
        let series = vec![
            dot("at the right edge", 100.0, 3.0),
            dot("above", 50.0, 1.0),
            dot("close to it", 50.5, 1.1),
            dot("close to it, too", 51.0, 0.9),
            dot("at the left edge", 0.0, 0.0),
        ];
        let axes = || Panel::new(Axis::linear("x"), Axis::linear("y"));
        let figure = Figure::new(vec![Panel { series, direct: true, ..axes() }]);
        let layout = Layout::of(&figure);
        let placed = &layout.panels[0];
        assert_eq!((placed.names.len(), placed.legend), (5, None));
        for (k, (series, name)) in placed.names.iter().enumerate() {
            assert_eq!(*series, k);
            assert!(placed.names[..k].iter().all(|(_, other)| !other.touches(name)), "{name:?}");
            assert!(name.left >= placed.frame.left && name.right() <= placed.frame.right(), "{name:?}");
            let points = placed.panel.series.iter().map(|series| placed.point(series.points[0]));
            assert!(!points.into_iter().any(|point| name.holds(point)), "{name:?}");
        }
    }

    #[test]
    fn a_guide_extends_the_axis_if_it_is_near() {
        let line = Series::new("", COLOURS[0], Mark::Line, vec![[1.0, 1.0], [100.0, 2.0]]);
        let guide = |value: f64| Guide { label: "softening".to_owned(), value };
        let axes = || Panel::new(Axis::log("x"), Axis::linear("y"));
        let guides = vec![guide(0.2), guide(0.21), guide(0.001)];
        let figure = Figure::new(vec![Panel { series: vec![line], guides, ..axes() }]);
        let layout = Layout::of(&figure);
        let placed = &layout.panels[0];
        assert!((-0.9..-0.69).contains(&placed.x.ends[0]), "{:?}", placed.x.ends);
        assert_eq!(placed.guides.len(), 2, "the third is too far away");
        assert!(!placed.guides[0].1.touches(&placed.guides[1].1));
    }

    /// In a narrow figure a legend that finds no room in the frame stands above it.
    #[test]
    fn a_legend_stands_above_the_frame_of_a_narrow_figure() {
        let full: Vec<[f64; 2]> = (0..400).map(|i| [f64::from(i), f64::from(i % 2 * 100)]).collect();
        let mut figure = Figure::new(vec![panel(full.clone()), panel(full)]);
        figure.legends_above = true;
        figure.columns = 1;
        let layout = Layout::of(&figure);
        for placed in &layout.panels {
            let legend = placed.legend.unwrap();
            assert!(legend.bottom() <= placed.frame.top && legend.top > 0.0, "{legend:?}");
        }
        assert!(!layout.panels[1].legend.unwrap().touches(&layout.panels[0].frame));
    }

    #[test]
    fn error_bars_are_inside_the_frame() {
        let dots = Series::new("", COLOURS[0], Mark::Points, vec![[1.0, 1.0], [2.0, 4.0]]);
        let axes = || Panel::new(Axis::linear("x"), Axis::log("y"));
        let figure = Figure::new(vec![Panel { series: vec![dots.with_errors(vec![1.0, 2.0])], ..axes() }]);
        let layout = Layout::of(&figure);
        let placed = &layout.panels[0];
        let bars: Vec<_> = placed.panel.series[0].bars().map(|bar| placed.bar(bar)).collect();
        assert_eq!(bars[0][0][1], placed.frame.bottom(), "a logarithmic scale has no zero");
        assert!(bars.iter().flatten().all(|end| placed.frame.holds(*end)));
        assert!(bars.iter().all(|[low, high]| low[1] > high[1]));
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
