//! What a caller can get wrong.

/// Bad input to the gravity engine.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// A parameter is outside its range.
    #[error("{name} = {value}: must be {expected}")]
    Parameter {
        /// Name of the field of [`crate::Gravity`].
        name: &'static str,
        /// The value given.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A body has an impossible value.
    #[error("body with id {id}: {what} is {value}, must be {expected}")]
    Body {
        /// Its id.
        id: u64,
        /// The array.
        what: &'static str,
        /// The value found.
        value: f64,
        /// What would be right.
        expected: &'static str,
    },
    /// This processor has no such SIMD path.
    #[error("SIMD path {name}: this processor has {available}")]
    Path {
        /// The name asked for.
        name: String,
        /// The names of those it has.
        available: String,
    },
    /// Arrays that belong together differ in length.
    #[error("{what} has {found} values for {expected} bodies")]
    Length {
        /// The array.
        what: &'static str,
        /// Its length.
        found: usize,
        /// Number of bodies.
        expected: usize,
    },
    /// More bodies or cells than indices of 32 bits can name.
    #[error("{found} {what} on one rank: at most {most} are possible; use more ranks, or a larger leaf size")]
    TooMany {
        /// Bodies, or tiles of eight cells.
        what: &'static str,
        /// Their number.
        found: usize,
        /// The greatest possible number.
        most: usize,
    },
    /// Forces or distances would leave the range of the numbers they are computed with.
    #[error("{what} is {value:e}, must be from {least:e} to {most:e}: choose other units")]
    Scale {
        /// What is too small or too large, with its unit.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The least value.
        least: f64,
        /// The greatest value.
        most: f64,
    },
    /// There is nothing to compute.
    #[error("there are no bodies; at least one is needed")]
    NoBodies,
}
