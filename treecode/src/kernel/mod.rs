//! Kernels: the sums over lists, on eight or sixteen lanes at a time.
//!
//! `bodies` has bodies and cells act on bodies; `cells` has cells act on cells; `softening` is the law of force at short
//! distances; `direct` is the exact sum in double precision; `simd` hides the instructions of the processor.

pub(crate) mod bodies;
pub(crate) mod cells;
pub mod direct;
pub(crate) mod simd;
pub(crate) mod softening;
