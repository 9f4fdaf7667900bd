//! Kernels: the sums over interaction lists, on eight or sixteen lanes.
//!
//! Reading order: `softening` is the force law at short distances. `bodies` sums the field of
//! bodies and cells at bodies. `cells` sums the field of cells at a sink cell. `direct` is the
//! exact sum in double precision. `simd` wraps the vector instructions of the processor.

pub(crate) mod bodies;
pub(crate) mod cells;
pub mod direct;
pub(crate) mod simd;
pub(crate) mod softening;
