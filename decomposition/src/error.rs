//! Errors in the caller's input, or in the MPI library.

/// Invalid input to a parallel evaluation, too little memory for it, or an unsuitable MPI library.
/// Every rank returns the same error of an evaluation.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// The tree code rejects a parameter.
    #[error(transparent)]
    Gravity(#[from] treecode::Error),
    /// A body on some rank has an invalid value.
    #[error("{0}")]
    Body(String),
    /// The memory of the ranks does not suffice for the bodies.
    #[error(
        "the free memory of all ranks has room for {room} bodies, and there are {bodies}: use more hosts or fewer bodies"
    )]
    Room {
        /// Number of bodies.
        bodies: u64,
        /// Number of bodies for which there is room.
        room: u64,
    },
    /// A rank gets more bodies than it has memory for. Bodies at one place cannot be divided
    /// between ranks.
    #[error(
        "a rank would get {count} bodies and has memory for {room}: bodies at one place are not divided; use hosts with more memory, or spread the bodies"
    )]
    Crowded {
        /// Number of bodies of the rank.
        count: u64,
        /// Number of bodies for which it has memory.
        room: u64,
    },
    /// MPI was already started. A process can start it only once.
    #[error("MPI was already started in this process; it can be started only once")]
    MpiStarted,
    /// The MPI library has no support for threads.
    #[error(
        "this MPI library offers thread level {0}, but Funneled is needed; use one built with thread support"
    )]
    MpiThreads(String),
}
