//! Images and movies of bodies, and [`plot`]s of numbers.
//!
//! The steps of a picture:
//!
//! 1. [`smoothing_lengths`] finds the width of each body, and a [`View`] places the camera.
//! 2. [`SurfaceDensity`] projects a [`Subject`] onto the pixels of the view.
//! 3. A [`Style`] maps the values to colours.
//! 4. [`render`] draws the [`Picture`] with time, scale bar and colour bar.
//! 5. [`encode_png`], a [`Gif`] or an [`Apng`] encodes it. The caller writes the file.
//!
//! `view` and `density/` have the first two steps, `stretch` and `colour` the third, `picture/` the
//! fourth and `encode/` the last. `text/` has the font and the labels. `plot/` draws figures, and
//! [`page`] makes the page of the interactive viewer.
//!
//! ```
//! use heorot_viz::{ColourMap, Colours, Decorations, Direction, Range, Style, Subject};
//! use heorot_viz::{SurfaceDensity, TimeScale, Tint, View};
//! # fn main() -> Result<(), heorot_viz::Error> {
//! let mut bodies = treecode::Bodies::zeroed(2);
//! bodies.mass.fill(0.5);
//! bodies.pos[0] = vec![-1.0, 1.0];
//!
//! let kinds = [true; treecode::TYPES];
//! let lengths = heorot_viz::smoothing_lengths(&bodies, kinds, heorot_viz::NEIGHBOURS)?;
//! let view = View::new([400, 300], [0.0; 3], 4.0, Direction::Z)?;
//! let subject = Subject { bodies: &bodies, kinds, lengths: &lengths, tint: Tint::Plain };
//! let density = SurfaceDensity::project(&subject, &view)?;
//! let style = Style {
//!     colours: Colours::Map(ColourMap::Inferno),
//!     range: Range::of(&density).expect("the picture is not empty"),
//!     units: None,
//!     decorations: Decorations::ALL,
//!     comoving: false,
//!     transparent: false,
//! };
//! let picture = heorot_viz::render(&density, &style, &TimeScale::for_times(&[0.0], None).label(0.0));
//! let png = heorot_viz::encode_png(&picture)?;
//! # assert_eq!(&png[1..4], b"PNG");
//! # Ok(())
//! # }
//! ```
#![allow(clippy::disallowed_methods)] // no result depends on pictures and plots

mod colour;
mod density;
mod encode;
mod error;
pub mod page;
mod picture;
pub mod plot;
mod stretch;
mod text;
mod view;

pub use colour::{ColourMap, GROUP_TONES, Rgb};
pub use density::{
    Bounds, Exposure, NEIGHBOURS, Shade, Subject, SurfaceDensity, Tint, smoothing_lengths,
    smoothing_lengths_by,
};
pub use encode::{Apng, FASTEST, FASTEST_GIF, Gif, SLOWEST, decode_png, encode_png, encode_png_quickly};
pub use error::Error;
pub use picture::axes::{AxesLook, size_with_axes};
pub use picture::decoration::{Colours, Decorations, Style, render};
pub use picture::mark::{Mark, dot_colour, dot_radius};
pub use picture::poster::{Poster, panel_size};
pub use picture::{Canvas, Picture};
pub use stretch::{Range, Stretch, value_range};
pub use text::label::{
    DensityUnit, RoundLength, TYPE_NAMES, TimeScale, Units, printable, redshift_label, round_length,
};
pub use view::{Direction, MAXIMUM_SIZE, MINIMUM_SIZE, Sight, View};
