//! The errors of this crate: input that a caller can get wrong.

/// Bad input to the gravity engine.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// A parameter is outside its range.
    #[error("{name} = {value}: must be {expected}")]
    Parameter {
        /// Name of the field of [`crate::Gravity`].
        name: &'static str,
        /// The value found.
        value: String,
        /// The values allowed.
        expected: &'static str,
    },
    /// A body has a value that is not allowed.
    #[error("body with id {id}: {what} is {value}, must be {expected}")]
    Body {
        /// Id of the body.
        id: u64,
        /// Name of the quantity.
        what: &'static str,
        /// The value found.
        value: f64,
        /// The values allowed.
        expected: &'static str,
    },
    /// This processor does not have the SIMD path.
    #[error("SIMD path {name}: this processor has {available}")]
    Path {
        /// The name asked for.
        name: String,
        /// The names of the paths it has.
        available: String,
    },
    /// Arrays that belong together differ in length.
    #[error("{what} has {found} values for {expected} bodies")]
    Length {
        /// The array.
        what: &'static str,
        /// Length of that array.
        found: usize,
        /// The number of bodies.
        expected: usize,
    },
    /// More bodies or cells than indices of 32 bits can name.
    #[error("{found} {what} on one rank: at most {most} are possible; use more ranks, or a larger leaf size")]
    TooMany {
        /// Either bodies, or tiles of eight cells.
        what: &'static str,
        /// The number found.
        found: usize,
        /// The greatest number possible.
        most: usize,
    },
    /// Forces or distances would overflow or underflow.
    #[error("{what} is {value:e}, must be from {least:e} to {most:e}: choose other units")]
    Scale {
        /// The quantity that is too small or too large, with its unit.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The least value allowed.
        least: f64,
        /// The greatest value allowed.
        most: f64,
    },
    /// There are no bodies.
    #[error("there are no bodies; at least one is needed")]
    NoBodies,
}
