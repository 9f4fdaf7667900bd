//! Fields on a periodic grid: Fourier transforms over all ranks, mass assignment, power spectra.
//!
//! Reading order: [`Transform`] divides a cubic grid among the ranks and transforms it; `deposit`
//! assigns the masses of bodies to a grid; [`measure`] computes a power spectrum from it;
//! `interpolate` evaluates a field between the points of its grid.
//!
//! Everything has the same bits on any number of ranks and threads. Masses are added as integers,
//! every line of a grid is transformed by one task, and sums over modes are added plane by plane.

mod correlation;
mod deposit;
mod interpolate;
mod power;
mod transform;

pub use correlation::{Separation, correlate};
pub use deposit::Assignment;
pub(crate) use interpolate::{Splines, to_coefficients};
pub use power::{Bin, Settings, Spectrum, measure, memory};
pub use rustfft::num_complex::Complex;
pub(crate) use transform::half_cell;
pub use transform::{Transform, Wave};
