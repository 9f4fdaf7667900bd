//! Size, theme and resolution of a figure.

use super::layout::{LABEL, Layout};
use super::{COLOURS, Figure};
use crate::{Error, Rgb};

/// Points in a millimetre.
const POINTS_PER_MM: f64 = 72.0 / 25.4;
/// Least width of the frame of a panel [points of a layout]. Numbers of ticks need room.
const NARROWEST: f64 = 80.0;
/// Least width of a frame for panels side by side: the usual one, and one for figures that would
/// otherwise be higher than a page.
const COMFORTABLE: [f64; 2] = [180.0, 120.0];
/// Height of the text area of a page [mm].
const PAGE: f64 = 235.0;

/// Colours of paper and ink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark lines on white.
    #[default]
    Light,
    /// Bright lines on a dark background, for slides.
    Dark,
}

/// How a figure looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Colours of paper and ink.
    pub theme: Theme,
    /// Width [mm]. `None` for the size that the figure gives to each panel.
    pub width: Option<f64>,
    /// Size of the labels of axes [points]. Numbers are a little smaller.
    pub font_size: f64,
    /// Resolution of a PNG [pixels per inch].
    pub dpi: f64,
}

impl Default for Look {
    fn default() -> Look {
        Look { theme: Theme::Light, width: None, font_size: LABEL, dpi: 144.0 }
    }
}

impl Theme {
    /// Colour of the background.
    pub(crate) fn paper(self) -> Rgb {
        match self {
            Theme::Light => [255; 3],
            Theme::Dark => [20, 22, 28],
        }
    }

    /// Colour of axes and text.
    pub(crate) fn ink(self) -> Rgb {
        match self {
            Theme::Light => [0; 3],
            Theme::Dark => [225; 3],
        }
    }

    /// A line colour of the light theme in this one.
    pub(super) fn line(self, colour: Rgb) -> Rgb {
        match self {
            Theme::Light => colour,
            // The darkest of the list is for lines without a colour.
            Theme::Dark if colour == COLOURS[COLOURS.len() - 1] => [190; 3],
            Theme::Dark => colour.map(|c| (f64::from(c) + 0.3 * (255.0 - f64::from(c))).round() as u8),
        }
    }
}

impl Look {
    /// Factor from points of a layout to points of the page.
    pub(super) fn zoom(&self) -> f64 {
        self.font_size / LABEL
    }

    /// The figure with frames for this width. If it is small, there are fewer panels in a row.
    ///
    /// # Errors
    /// [`Error::Narrow`] if its labels leave no room for the frames.
    pub(super) fn fitted(&self, figure: &Figure) -> Result<Figure, Error> {
        let mut figure = figure.clone();
        let Some(width) = self.width else { return Ok(figure) };
        let wanted = width * POINTS_PER_MM / self.zoom();
        let [first, height] = figure.frame;
        figure.legends_above = true;
        let resize = |figure: &mut Figure, frame: f64| {
            figure.frame = [frame, height * (frame / first).min(1.0)];
            Layout::of(figure).size
        };
        // The greatest number of columns whose frames have this width.
        let most_columns = |frame: f64| {
            let mut trial = figure.clone();
            let mut fits = |columns: &usize| {
                trial.columns = *columns;
                resize(&mut trial, frame)[0] <= wanted
            };
            (1..=figure.columns.max(1)).rev().find(|columns| fits(columns)).unwrap_or(1)
        };
        let [usual, many] = COMFORTABLE.map(most_columns);
        let fit = |figure: &mut Figure| {
            // Margins change where a legend moves, so the width of the frames is found by bisection.
            let (mut below, mut above) = (NARROWEST, NARROWEST + wanted);
            for _ in 0..40 {
                let middle = 0.5 * (below + above);
                if resize(figure, middle)[0] <= wanted { below = middle } else { above = middle }
            }
            resize(figure, below)
        };
        figure.columns = usual;
        let least = resize(&mut figure, NARROWEST)[0] * self.zoom() / POINTS_PER_MM;
        if least > width {
            return Err(Error::Narrow { width, least: least.ceil() });
        }
        let size = fit(&mut figure);
        if size[1] * self.zoom() / POINTS_PER_MM > PAGE && many > usual {
            figure.columns = many;
            fit(&mut figure);
        }
        Ok(figure)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Mark, Panel, Series};
    use super::*;

    fn figure(panels: usize) -> Figure {
        let line = Series::new("a line", COLOURS[0], Mark::Line, vec![[0.0, 1.0], [9.0, 20_000.0]]);
        let panel =
            Panel { series: vec![line], ..Panel::new(Axis::linear("Time [Gyr]"), Axis::linear("Mass")) };
        Figure::new(vec![panel; panels])
    }

    /// Width and height of an SVG [mm].
    fn size_in_mm(svg: &str) -> [f64; 2] {
        ["width=\"", "height=\""].map(|key| {
            let text = svg.split(key).nth(1).unwrap().split('"').next().unwrap();
            text.strip_suffix("mm").unwrap().parse().unwrap()
        })
    }

    #[test]
    fn a_figure_has_the_width_asked_for() {
        for (panels, width, font_size) in [(1, 88.0, 8.0), (3, 180.0, 7.0), (6, 180.0, 6.0), (1, 250.0, 20.0)]
        {
            let look = Look { width: Some(width), font_size, ..Look::default() };
            let [found, _] = size_in_mm(&figure(panels).svg_as(&look).unwrap());
            assert!((found - width).abs() < 0.1, "{panels} panels: {found}");
            let png = figure(panels).png_as(&Look { dpi: 300.0, ..look }).unwrap();
            let pixels = u32::from_be_bytes(png[16..20].try_into().unwrap());
            assert!((f64::from(pixels) - width / 25.4 * 300.0).abs() < 4.0, "{pixels}");
            let at = png.windows(4).position(|word| word == b"pHYs").expect("it states its resolution") + 4;
            let [x, y] = [at, at + 4].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()));
            assert_eq!((x, y, png[at + 8]), (11811, 11811, 1), "300 pixels per inch in a metre");
            let pdf = String::from_utf8_lossy(&figure(panels).pdf(&look).unwrap()).into_owned();
            let points: f64 =
                pdf.split("/MediaBox [0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert!((points - width * POINTS_PER_MM).abs() < 0.3, "{points}");
        }
    }

    #[test]
    fn a_figure_that_is_too_narrow_is_refused_with_the_least_width() {
        let look = Look { width: Some(40.0), ..Look::default() };
        let Err(Error::Narrow { least, .. }) = figure(3).svg_as(&look) else { panic!("it fits") };
        assert!(figure(3).svg_as(&Look { width: Some(least), ..look }).is_ok(), "{least}");
        assert!(least > 40.0 && least < 80.0);
    }

    /// Six panels in three columns fill a page. In one column of a journal they stand in two or one.
    #[test]
    fn panels_of_a_narrow_figure_stand_below_each_other() {
        let columns = |panels: usize, width: f64| {
            let look = Look { width: Some(width), font_size: 7.0, ..Look::default() };
            let fitted = look.fitted(&figure(panels)).unwrap();
            assert!(fitted.frame[0] > 115.0, "{panels} panels in {width} mm: {:?}", fitted.frame);
            fitted.columns
        };
        assert_eq!([columns(6, 180.0), columns(3, 180.0)], [3, 3]);
        assert_eq!([columns(3, 88.0), columns(2, 88.0)], [1, 1]);
        assert_eq!(columns(6, 88.0), 2, "one column would be higher than a page");
    }

    #[test]
    fn a_dark_theme_has_bright_ink_on_a_dark_ground() {
        let look = Look { theme: Theme::Dark, ..Look::default() };
        let png = crate::decode_png(&figure(1).png_as(&look).unwrap()).unwrap();
        let dark = png.pixels().iter().filter(|pixel| **pixel == Theme::Dark.paper()).count();
        assert!(dark * 10 > png.pixels().len() * 8);
        assert!(png.pixels().iter().any(|pixel| pixel.iter().all(|c| *c > 200)));
        assert!(!png.pixels().contains(&[255; 3]));
    }
}
