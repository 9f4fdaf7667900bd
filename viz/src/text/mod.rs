//! Text in pictures and plots: `font` rasterises it, and `label` words lengths, times and surface
//! densities with their units.

pub(crate) mod font;
pub(crate) mod label;
