//! Errors in the caller's input.

use crate::forces::Pairs;

/// Bad input to a simulation. Every rank returns the same error.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// The parameters or the bodies of a force evaluation are invalid.
    #[error(transparent)]
    Forces(#[from] decomposition::Error),
    /// The requested force error is outside the range of the single-precision kernels.
    #[error(
        "accuracy = {asked:?}: must be from {least:e}, which single-precision kernels reach, to {most:?}"
    )]
    Accuracy {
        /// The requested error.
        asked: f64,
        /// The smallest error that a caller may request.
        least: f64,
        /// The largest error that a caller may request.
        most: f64,
    },
    /// No tolerance gives the requested force error.
    #[error(
        "accuracy = {asked:e}: no tolerance gives this error; the least is {achieved:.2e} (rms of {sample} bodies). Bodies far outside the others \
         take the resolution of all: leave them out, or ask for a larger error"
    )]
    AccuracyMissed {
        /// The requested error.
        asked: f64,
        /// The smallest measured error.
        achieved: f64,
        /// Number of bodies in the measurement.
        sample: usize,
    },
    /// Bodies are so close together that their forces are wrong; see [`Pairs::fault`].
    #[error("{}", .0.fault().unwrap_or_default())]
    TooClose(Pairs),
    /// Nothing acts on the bodies.
    #[error(
        "all bodies have mass 0 and there is no external potential, so nothing moves them; give them masses or a potential"
    )]
    Massless,
    /// The timestep criterion needs a softening length, but some bodies have none.
    #[error(
        "bodies of type {kind} have no softening, from which their steps would follow; soften them, or use the rate criterion"
    )]
    Unsoftened {
        /// Type of the bodies.
        kind: usize,
    },
    /// The first step needs more substeps than a run can do.
    #[error(
        "step = {length:?}: the bodies need steps that are 2^{finest} times shorter, {bodies} of them the shortest; use a shorter step, a longer \
         softening, a smallest step, or a larger eta"
    )]
    StepsTooShort {
        /// Length of the full step [T].
        length: f64,
        /// The finest rung that a body needs.
        finest: u8,
        /// Number of bodies on the finest rung.
        bodies: u64,
    },
    /// The schedule cannot be followed.
    #[error(transparent)]
    Schedule(#[from] crate::schedule::Impossible),
    /// External potentials do not repeat with the box: a body that crosses a face would find another
    /// force and another energy.
    #[error(
        "external potentials are not possible in a periodic box, because their fields do not repeat with it"
    )]
    ExternalInBox,
    /// The expanding universe is invalid, or does not go with the rest.
    #[error(transparent)]
    Cosmology(#[from] crate::cosmology::Invalid),
    /// The parameters of a model contradict each other.
    #[error("{0}")]
    Model(String),
    /// A power spectrum cannot be measured.
    #[error("{0}")]
    Spectrum(String),
}

impl From<treecode::Error> for Error {
    fn from(error: treecode::Error) -> Error {
        Error::Forces(error.into())
    }
}
