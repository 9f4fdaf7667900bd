//! The expanding universe: its background and the growth of structure in it.
//!
//! Reading order: [`Cosmology`] has the parameters, the rate of expansion and what follows from it by
//! quadrature; [`Growth`] has the solutions of the growth equations; [`Expansion`] gives a run the factors of its
//! kicks and drifts; [`Wave`] is a known solution to compare runs with.

mod background;
mod expansion;
mod growth;
mod wave;

pub use background::{Cosmology, Invalid, redshift_of, scale_factor_of};
pub use expansion::{Comoving, Expansion, Pace};
pub use growth::Growth;
pub use wave::Wave;
