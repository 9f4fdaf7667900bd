//! What a caller can get wrong.

/// Bad input to a simulation. Every rank returns the same.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// A force evaluation refused its parameters or its bodies.
    #[error(transparent)]
    Forces(#[from] decomposition::Error),
    /// The asked force error is outside the range that single-precision kernels can reach.
    #[error("accuracy = {asked}: must be from {least:e}, which single-precision kernels reach, to {most}")]
    Accuracy {
        /// The asked error.
        asked: f64,
        /// The least error that can be asked for.
        least: f64,
        /// The greatest.
        most: f64,
    },
    /// No tolerance gives the asked force error.
    #[error(
        "accuracy = {asked:e}: no tolerance gives this error; the least is {achieved:.2e} (rms of {sample} bodies). Bodies far outside the others \
         take the resolution of all: leave them out, or ask for a larger error"
    )]
    AccuracyMissed {
        /// The asked error.
        asked: f64,
        /// The least error that was measured.
        achieved: f64,
        /// The number of bodies it was measured on.
        sample: usize,
    },
    /// The timestep criterion needs a softening length that the bodies do not have.
    #[error(
        "bodies of type {kind} have no softening, from which their steps would follow; soften them, or use the rate criterion"
    )]
    Unsoftened {
        /// Their type.
        kind: usize,
    },
    /// The first step would take more substeps than any run can do.
    #[error(
        "step = {length:?}: the bodies need steps that are 2^{finest} times shorter, {bodies} of them the shortest; use a shorter step, a longer \
         softening, a smallest step, or a larger eta"
    )]
    StepsTooShort {
        /// Length of the full step [T].
        length: f64,
        /// The finest rung that a body needs.
        finest: u8,
        /// The number of bodies on it.
        bodies: u64,
    },
    /// A schedule that no run can follow.
    #[error(transparent)]
    Schedule(#[from] crate::schedule::Impossible),
    /// A model whose parameters contradict each other.
    #[error("{0}")]
    Model(String),
}

impl From<treecode::Error> for Error {
    fn from(error: treecode::Error) -> Error {
        Error::Forces(error.into())
    }
}
