//! What a caller can get wrong.

/// Bad input to a parallel evaluation; every rank returns the same error.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// The gravity engine refused.
    #[error(transparent)]
    Gravity(#[from] treecode::Error),
}
