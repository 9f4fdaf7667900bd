//! Commands that make and change snapshots, and what all commands on files share.

pub mod combine;
pub mod convert;
pub mod extract;
pub(crate) mod galaxies;
pub mod ids;
pub mod kinds;
pub mod layout_options;
pub mod make;
pub mod outputs;
pub mod reading_options;
pub(crate) mod same_files;
