//! Options of commands that write a snapshot: format and division into files.

use io::snapshot::{Flavour, Layout};

/// Layout of a snapshot.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct LayoutOptions {
    /// Format of the snapshot: names and attributes of GADGET-4 (for yt and pynbody) or of SWIFT
    /// (also for swiftsimio).
    #[arg(long, value_enum, default_value_t = FlavourName::Gadget)]
    pub format: FlavourName,
    /// Round all numbers but ids to single precision.
    #[arg(long)]
    pub single: bool,
    /// Level of lossless gzip compression: 1 is fast, 9 is small.
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=9))]
    pub compression: Option<u8>,
    /// Write N files instead of one, named NAME.0.hdf5 and so on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(Layout::MOST_FILES)))]
    pub files: Option<u16>,
}

/// Names of the formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FlavourName {
    /// Names and attributes of GADGET-4.
    #[default]
    Gadget,
    /// Names and attributes of SWIFT.
    Swift,
}

impl LayoutOptions {
    /// The layout of these options.
    pub fn layout(&self) -> Layout {
        let flavour = match self.format {
            FlavourName::Gadget => Flavour::Gadget,
            FlavourName::Swift => Flavour::Swift,
        };
        Layout {
            flavour,
            single: self.single,
            compression: self.compression.unwrap_or(0),
            files: self.files.map_or(1, usize::from),
            hints: Vec::new(),
        }
    }
}
