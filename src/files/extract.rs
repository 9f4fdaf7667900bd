//! `heorot extract`: extracts the bodies of a region from a snapshot.

use crate::console::{say, warn};
use crate::files::kinds;
use crate::files::layout_options::LayoutOptions;
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::initial::tell_reading;
use crate::parameters::quantities::{Quantity, lengths, sized, values};
use crate::ranks::crew::Crew;
use anyhow::{Result, anyhow, bail};
use io::Units;
use io::snapshot::{self, Fields, Found, Header, IDS_INVENTED, Region, read_header, read_region};
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
    /// The region: box:X0,X1,Y0,Y1,Z0,Z1 or sphere:X,Y,Z,RADIUS, in the units of the snapshot or each
    /// with a unit. Without it, the bodies of --types are extracted wherever they are.
    #[arg(long, value_parser = region, allow_hyphen_values = true, required_unless_present = "types")]
    pub region: Option<Wanted>,
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
  heorot extract out/snapshot_010.hdf5 centre.hdf5 --region 'sphere:0,0,0,10 kpc'
  heorot extract out/snapshot_010.hdf5 slab.hdf5 --region box:-20,20,-20,20,-0.5,0.5 --single
  heorot extract out/snapshot_010.hdf5 disc.hdf5 --types disc

Bodies on the edge belong to the region. A snapshot without an index of cells, such as one from another
program, is read completely.";

/// Approximate memory for writing, per body and in addition to the body [bytes].
const BESIDE: u64 = 160;

/// A region whose lengths may have units.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Limits of x, y and z.
    Box([Quantity; 6]),
    /// Centre and radius.
    Sphere([Quantity; 4]),
}

impl Wanted {
    /// The region in these units; `None` if they have no size.
    ///
    /// # Errors
    /// A length has a unit and the units have no size, limits fall, or a radius is negative.
    fn region(&self, units: Option<&Units>) -> Result<Region, String> {
        match self {
            Wanted::Box(limits) => {
                let [x0, x1, y0, y1, z0, z1] = values(limits, units)?;
                if x0 > x1 || y0 > y1 || z0 > z1 {
                    return Err(
                        "the first of each pair of coordinates must not be above the second".to_owned()
                    );
                }
                Ok(Region::Box { lo: [x0, y0, z0], hi: [x1, y1, z1] })
            }
            Wanted::Sphere(lengths) => {
                let [x, y, z, radius] = values(lengths, units)?;
                if radius < 0.0 {
                    return Err("the radius must not be negative".to_owned());
                }
                Ok(Region::Sphere { centre: [x, y, z], radius })
            }
        }
    }

    fn has_units(&self) -> bool {
        let lengths: &[Quantity] = match self {
            Wanted::Box(limits) => limits,
            Wanted::Sphere(lengths) => lengths,
        };
        lengths.iter().any(Quantity::has_unit)
    }
}

fn region(text: &str) -> Result<Wanted, String> {
    let (shape, rest) = text.split_once(':').unwrap_or((text, ""));
    let wanted = match (shape, rest.split(',').count()) {
        ("box", 6) => Wanted::Box(lengths(rest)?),
        ("sphere", 4) => Wanted::Sphere(lengths(rest)?),
        _ => return Err("must be box:X0,X1,Y0,Y1,Z0,Z1 or sphere:X,Y,Z,RADIUS".to_owned()),
    };
    // With units, the values follow from those of the snapshot.
    if wanted.has_units() { Ok(wanted) } else { wanted.region(None).map(|_| wanted) }
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
    let wanted = snapshot::Wanted { kinds, beside: BESIDE, ..snapshot::Wanted::default() };
    let region = match &arguments.region {
        None => Region::Box { lo: [f64::MIN; 3], hi: [f64::MAX; 3] },
        Some(region) => {
            let units = read_header(path)?.units_or(None);
            region.region(sized(&units)).map_err(|fault| anyhow!("--region: {fault}"))?
        }
    };
    let (header, bodies, found) = read_region(path, &region, &wanted)?;
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
        let read = |text: &str, units| region(text).unwrap().region(units);
        let sphere = Region::Sphere { centre: [0.0, -1.5, 2.0], radius: 3.0 };
        assert_eq!(read("sphere:0,-1.5, 2,3", None), Ok(sphere));
        let region_of = Region::Box { lo: [-1.0, -2.0, -3.0], hi: [1.0, 2.0, 3e3] };
        assert_eq!(read("box:-1,1,-2,2,-3,3e3", None), Ok(region_of));
        let Ok(Region::Sphere { centre, radius }) =
            read("sphere:0,-500 pc,1,0.02 Mpc", Some(&Units::GALACTIC))
        else {
            panic!("a sphere with units")
        };
        assert!(centre == [0.0, -0.5, 1.0] && (radius - 20.0).abs() < 1e-12, "{centre:?} {radius}");
        assert!(read("sphere:0,0,0,3 kpc", None).unwrap_err().contains("G = 1"));
        let falling = read("box:0,1,0,1,3 kpc,2 kpc", Some(&Units::GALACTIC)).unwrap_err();
        assert!(falling.contains("must not be above"), "{falling}");
        for wrong in [
            "",
            "box",
            "box:1,2",
            "sphere:0,0,0,-1",
            "sphere:0,0,0,nan",
            "sphere:0,0,0,3 Msun",
            "sphere:0,0,0,3 kpq",
            "cube:0,1,0,1,0,1",
            "box:1,0,0,1,0,1",
        ] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
