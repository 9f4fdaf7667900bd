//! `heorot extract`: extracts the bodies of a region from a snapshot.

use crate::console::{say, warn};
use crate::crew::Crew;
use crate::initial::tell_reading;
use crate::kinds;
use crate::layout_options::LayoutOptions;
use crate::outputs::Overwrite;
use crate::reading_options::ReadingOptions;
use anyhow::{Result, bail};
use io::snapshot::{Fields, Found, Header, IDS_INVENTED, Region, Wanted, read_region};
use std::path::PathBuf;

/// Extract the bodies of a region or of some types from a snapshot, reading only the cells that overlap
/// the region.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Snapshot to read; if it has several files, any one of them.
    #[arg(value_name = "SNAPSHOT")]
    pub input: PathBuf,
    /// Snapshot to write.
    #[arg(value_name = "OUT.hdf5")]
    pub output: PathBuf,
    /// The region: box:X0,X1,Y0,Y1,Z0,Z1 or sphere:X,Y,Z,RADIUS, in the units of the snapshot.
    /// Without it, the bodies of --types are extracted wherever they are.
    #[arg(long, value_parser = region, allow_hyphen_values = true, required_unless_present = "types")]
    pub region: Option<Region>,
    /// Particle types to extract, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Layout of the snapshot.
    #[command(flatten)]
    pub layout: LayoutOptions,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// How the file is interpreted.
    #[command(flatten)]
    pub reading: ReadingOptions,
}

const EXAMPLES: &str = "Examples:
  heorot extract out/snapshot_010.hdf5 centre.hdf5 --region sphere:0,0,0,5
  heorot extract out/snapshot_010.hdf5 slab.hdf5 --region box:-20,20,-20,20,-0.5,0.5 --single
  heorot extract out/snapshot_010.hdf5 disc.hdf5 --types disc

Bodies on the edge belong to the region. A snapshot without an index of cells, such as one from another
program, is read completely.";

/// Approximate memory for writing, per body and in addition to the body [bytes].
const BESIDE: u64 = 160;

fn region(text: &str) -> Result<Region, String> {
    let (shape, rest) = text.split_once(':').unwrap_or((text, ""));
    let numbers: Option<Vec<f64>> =
        rest.split(',').map(|x| x.trim().parse().ok().filter(|x: &f64| x.is_finite())).collect();
    match (shape, numbers.as_deref()) {
        ("box", Some(&[x0, x1, y0, y1, z0, z1])) if x0 <= x1 && y0 <= y1 && z0 <= z1 => {
            Ok(Region::Box { lo: [x0, y0, z0], hi: [x1, y1, z1] })
        }
        ("box", Some([_, _, _, _, _, _])) => {
            Err("the first of each pair of coordinates must not be above the second".to_owned())
        }
        ("sphere", Some(&[x, y, z, radius])) if radius >= 0.0 => {
            Ok(Region::Sphere { centre: [x, y, z], radius })
        }
        _ => Err("must be box:X0,X1,Y0,Y1,Z0,Z1 or sphere:X,Y,Z,RADIUS".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// If the snapshot cannot be read, has no bodies in the region, or the output cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let (path, layout) = (&arguments.input, arguments.layout.layout());
    let target = arguments.overwrite.reading([path]).snapshot(&arguments.output, layout.files)?;
    let types = &arguments.types;
    let kinds = kinds::chosen(types);
    let wanted = Wanted { kinds, beside: BESIDE, ..Wanted::default() };
    let everywhere = Region::Box { lo: [f64::MIN; 3], hi: [f64::MAX; 3] };
    let (header, bodies, found) =
        read_region(path, arguments.region.as_ref().unwrap_or(&everywhere), &wanted)?;
    arguments.reading.check(path, &header)?;
    tell_reading(path, &header);
    let Found { rows, cells: [touched, cells] } = found;
    let all: u64 = header.count.iter().sum();
    if bodies.is_empty() {
        let fault = match (arguments.region.is_some(), types.is_empty()) {
            (true, true) => "lies in the region",
            (true, false) => "lies in the region and is of the types wanted",
            (false, _) => "is of the types wanted",
        };
        bail!("{}: none of its {all} bodies {fault}", path.display());
    }
    if header.units.is_none() && header.gravity.is_none() {
        warn(&format!("{}: names no units; galactic ones are written", path.display()));
    }
    let has = |numbers: &[f64]| numbers.iter().any(|x| *x != 0.0);
    let fields = Fields {
        acceleration: bodies.acc.iter().any(|x| has(x)),
        potential: has(&bodies.pot),
        time_step: None,
    };
    let invented_ids = header.has_invented_ids().then(|| (IDS_INVENTED.to_owned(), "true".to_owned()));
    let units = Some(header.units_or(None));
    let parameters = header.parameters.into_iter().filter(|(key, _)| key != IDS_INVENTED);
    let written = Header {
        time: header.time,
        units,
        box_size: header.box_size,
        parameters: parameters.chain(invented_ids).collect(),
        ..Header::default()
    };
    Crew::alone().write_snapshot(&target, &written, &bodies, fields, &layout)?;
    say(&format!(
        "{}: {} of {all} bodies; {rows} were read{}",
        arguments.output.display(),
        bodies.len(),
        if cells > 0 {
            format!(", in {touched} of {cells} cells")
        } else {
            ", since there is no index of cells".to_owned()
        }
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_from_text() {
        let sphere = Region::Sphere { centre: [0.0, -1.5, 2.0], radius: 3.0 };
        assert_eq!(region("sphere:0,-1.5, 2,3"), Ok(sphere));
        let region_of = Region::Box { lo: [-1.0, -2.0, -3.0], hi: [1.0, 2.0, 3e3] };
        assert_eq!(region("box:-1,1,-2,2,-3,3e3"), Ok(region_of));
        for wrong in [
            "",
            "box",
            "box:1,2",
            "sphere:0,0,0,-1",
            "sphere:0,0,0,nan",
            "cube:0,1,0,1,0,1",
            "box:1,0,0,1,0,1",
        ] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
