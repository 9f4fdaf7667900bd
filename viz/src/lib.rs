//! Images and movies of bodies.
//!
//! The way of the data: a [`View`] says which part of space fills the picture, [`SurfaceDensity`] projects bodies onto
//! its pixels, a [`Range`] and a [`ColourMap`] turn numbers into colours, [`render`] draws the [`Picture`] with time,
//! scale bar and colour bar, and [`encode_png`] or a [`Movie`] make it a file. Nothing here touches the disk.
//!
//! ```
//! use viz::{Axis, ColourMap, Range, Style, SurfaceDensity, TimeScale, View};
//! # fn main() -> Result<(), viz::Error> {
//! let mut bodies = treecode::Bodies::zeroed(2);
//! bodies.mass.fill(0.5);
//! bodies.pos[0] = vec![-1.0, 1.0];
//!
//! let view = View::new([400, 300], [0.0; 3], 4.0, Axis::Z)?;
//! let density = SurfaceDensity::project(&bodies, [true; treecode::TYPES], &view)?;
//! let range = Range::of(&density).expect("the picture is not empty");
//! let style = Style { colours: ColourMap::Inferno, range, units: None };
//! let picture = viz::render(&density, &style, &TimeScale::for_times(&[0.0], None).label(0.0));
//! let png = viz::encode_png(&picture)?;
//! # assert_eq!(&png[1..4], b"PNG");
//! # Ok(())
//! # }
//! ```

mod colour;
mod decoration;
mod density;
mod encode;
mod error;
mod font;
mod label;
mod picture;
mod spline;
mod stretch;
mod view;

pub use colour::{ColourMap, Rgb};
pub use decoration::{Style, render};
pub use density::SurfaceDensity;
pub use encode::{Movie, encode_png};
pub use error::Error;
pub use label::{DensityUnit, RoundLength, TimeScale, Units, round_length};
pub use picture::{Canvas, Picture};
pub use stretch::Range;
pub use view::{Axis, MAXIMUM_SIZE, MINIMUM_SIZE, View};
