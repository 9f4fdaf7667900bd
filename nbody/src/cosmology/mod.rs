//! The expanding universe: its background and the growth of structure in it.
//!
//! Reading order: [`Cosmology`] has the parameters, the rate of expansion and what follows from it by
//! quadrature; [`Growth`] has the solutions of the growth equations.

mod background;
mod growth;

pub use background::{Cosmology, Invalid, redshift_of, scale_factor_of};
pub use growth::Growth;
