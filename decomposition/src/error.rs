//! What a caller can get wrong.

/// Bad input to a parallel evaluation, which every rank returns alike, or an MPI library that cannot serve.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// The gravity engine refused.
    #[error(transparent)]
    Gravity(#[from] treecode::Error),
    /// A body of one of the ranks has an impossible value.
    #[error("{0}")]
    Body(String),
    /// MPI can be started once in the life of a process.
    #[error("MPI was already started in this process; it can be started only once")]
    MpiStarted,
    /// The MPI library is built without support for threads.
    #[error(
        "this MPI library offers thread level {0}, but Funneled is needed; use one built with thread support"
    )]
    MpiThreads(String),
}
