//! Kernels: the sums over interaction lists, on eight or sixteen lanes.
//!
//! Reading order: `softening` is the force law at short distances. `bodies` sums the field of
//! bodies and cells at bodies; `by_type` does so with a table of softening lengths. `cells` sums
//! the field of cells at a sink cell. `direct` is the exact sum in double precision, and `sinks`
//! computes it for several sinks at a time. `lattice` is the field of the far images of a periodic
//! box. `ewald` is the exact field of one body with all its images; `waves` is the long-range part
//! of that field for many bodies. `exact_sum` has sums that are the same in any order. `simd` wraps the
//! vector instructions of the processor.

pub(crate) mod bodies;
mod by_type;
pub(crate) mod cells;
pub mod direct;
pub(crate) mod ewald;
pub mod exact_sum;
pub mod lattice;
pub(crate) mod simd;
mod sinks;
pub(crate) mod softening;
mod waves;
