//! What reading and writing share: the datasets and their names in each flavour (`column`), the
//! conventions of cosmological files (`universe`), and calls of HDF5 (`raw`).

pub(super) mod column;
pub(super) mod raw;
pub(super) mod universe;
