//! The first of the two steps of writing: one rank lays out the file, so that all ranks can then fill in their rows. All that can
//! go wrong with a folder or a disk goes wrong here, on one rank, before any collective call.

use super::{Fields, Header, plain, raw::write_text};
use crate::Units;
use crate::file::reserve;
use hdf5::dataset::{AllocTime, FillTime};
use hdf5::{Group, H5Type, Location};
use std::fs::File;
use std::path::Path;
use treecode::TYPES;

/// A billion Julian years [s].
const GIGAYEAR_IN_S: f64 = 1e9 * 365.25 * 86400.0;

/// One dataset of a particle type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Coordinates,
    Velocities,
    Ids,
    Masses,
    Acceleration,
    Potential,
}

impl Column {
    /// The datasets of a snapshot, in the order in which they are written.
    pub(super) fn all(fields: Fields) -> impl Iterator<Item = Column> {
        let always = [Column::Coordinates, Column::Velocities, Column::Ids, Column::Masses];
        let acceleration = fields.acceleration.then_some(Column::Acceleration);
        always.into_iter().chain(acceleration).chain(fields.potential.then_some(Column::Potential))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Column::Coordinates => "Coordinates",
            Column::Velocities => "Velocities",
            Column::Ids => "ParticleIDs",
            Column::Masses => "Masses",
            Column::Acceleration => "Acceleration",
            Column::Potential => "Potential",
        }
    }

    /// Numbers in a row.
    pub(super) fn width(self) -> usize {
        match self {
            Column::Coordinates | Column::Velocities | Column::Acceleration => 3,
            Column::Ids | Column::Masses | Column::Potential => 1,
        }
    }

    /// Dimension as powers of length, mass and velocity.
    fn dimension(self) -> [i32; 3] {
        match self {
            Column::Coordinates => [1, 0, 0],
            Column::Velocities => [0, 0, 1],
            Column::Ids => [0, 0, 0],
            Column::Masses => [0, 1, 0],
            Column::Acceleration => [-1, 0, 2],
            Column::Potential => [0, 0, 2],
        }
    }

    /// Factor to cgs; 0 stands for a number without dimension, as in GADGET-4.
    fn to_cgs(self, units: Units) -> f64 {
        let [length, mass, velocity] = self.dimension();
        if self == Column::Ids {
            return 0.0;
        }
        units.length_in_cm.powi(length)
            * units.mass_in_g.powi(mass)
            * units.velocity_in_cm_per_s.powi(velocity)
    }

    fn create(self, group: &Group, rows: u64, units: Units) -> hdf5::Result<()> {
        match self {
            Column::Ids => self.create_as::<u64>(group, rows, units),
            _ => self.create_as::<f64>(group, rows, units),
        }
    }

    fn create_as<T: H5Type>(self, group: &Group, rows: u64, units: Units) -> hdf5::Result<()> {
        let rows = rows as usize;
        // No times are kept: the same bodies give the same bytes.
        let builder = group.new_dataset::<T>().obj_track_times(false);
        let builder = builder.alloc_time(Some(AllocTime::Early)).fill_time(FillTime::Never);
        let dataset = match self.width() {
            1 => builder.shape(rows).create(self.name())?,
            width => builder.shape((rows, width)).create(self.name())?,
        };
        let [length, mass, velocity] = self.dimension().map(f64::from);
        let attributes = [
            // Nothing is comoving: the numbers are what their units say.
            ("a_scaling", 0.0),
            ("h_scaling", 0.0),
            ("length_scaling", length),
            ("mass_scaling", mass),
            ("velocity_scaling", velocity),
            ("to_cgs", self.to_cgs(units)),
        ];
        attributes.iter().try_for_each(|(name, value)| scalar(&dataset, name, *value))
    }
}

/// Name of the group of a particle type.
pub(super) fn group_name(kind: usize) -> String {
    format!("PartType{kind}")
}

/// More than header, parameters and the frames of all datasets take, beside the run's own parameters [bytes].
const FRAME: u64 = 1 << 16;

/// Creates the file with all but the rows of its datasets, and reserves their space on the disk.
///
/// A full disk must show here: Open MPI 4.1 has been seen to report success of a collective write that found none, and HDF5 cannot
/// let go of a file that it fails to close.
pub(super) fn lay_out(
    part: &Path,
    header: &Header,
    fields: Fields,
    total: [u64; TYPES],
) -> Result<(), String> {
    let row: u64 = Column::all(fields).map(|column| 8 * column.width() as u64).sum();
    let text: usize = header.parameters.iter().map(|(key, value)| 256 + key.len() + value.len()).sum();
    let size = total.iter().sum::<u64>() * row + FRAME + text as u64;
    let file = File::create(part).map_err(|error| error.to_string())?;
    reserve(&file, size)?;
    write_frame(part, header, fields, total).map_err(plain)?;
    reserve(&file, file.metadata().map_err(|error| error.to_string())?.len())
}

fn write_frame(part: &Path, header: &Header, fields: Fields, total: [u64; TYPES]) -> hdf5::Result<()> {
    let file = hdf5::File::create(part)?;
    let units = header.units.unwrap_or_default();
    write_header(&file.create_group("Header")?, header, total)?;
    write_parameters(&file.create_group("Parameters")?, header, units)?;
    for kind in (0..TYPES).filter(|&kind| total[kind] > 0) {
        let group = file.create_group(&group_name(kind))?;
        Column::all(fields).try_for_each(|column| column.create(&group, total[kind], units))?;
    }
    file.close()
}

fn write_header(group: &Group, header: &Header, total: [u64; TYPES]) -> hdf5::Result<()> {
    list(group, "NumPart_ThisFile", total)?;
    list(group, "NumPart_Total", total)?;
    list(group, "NumPart_Total_HighWord", [0u32; TYPES])?;
    list(group, "MassTable", [0f64; TYPES])?;
    scalar(group, "Time", header.time)?;
    scalar(group, "Redshift", 0.0)?;
    scalar(group, "NumFilesPerSnapshot", 1i32)?;
    scalar(group, "Flag_Entropy_ICs", 0i32)?;
    write_cosmology(group, header)
}

fn write_parameters(group: &Group, header: &Header, units: Units) -> hdf5::Result<()> {
    write_cosmology(group, header)?;
    scalar(group, "ComovingIntegrationOn", 0i32)?;
    scalar(group, "UnitLength_in_cm", units.length_in_cm)?;
    scalar(group, "UnitMass_in_g", units.mass_in_g)?;
    scalar(group, "UnitVelocity_in_cm_per_s", units.velocity_in_cm_per_s)?;
    // pynbody would otherwise give the age of the universe as the time of the snapshot.
    scalar(group, "Time_GYR", header.time * units.time_in_s() / GIGAYEAR_IN_S)?;
    header.parameters.iter().try_for_each(|(key, value)| write_text(group, &format!("heorot.{key}"), value))
}

/// What stands in `/Header` and in `/Parameters`, since readers look in either: a universe that does not expand.
fn write_cosmology(group: &Group, header: &Header) -> hdf5::Result<()> {
    scalar(group, "BoxSize", header.box_size)?;
    scalar(group, "Omega0", 0.0)?;
    scalar(group, "OmegaLambda", 0.0)?;
    scalar(group, "HubbleParam", 1.0)
}

fn scalar<T: H5Type>(place: &Location, name: &str, value: T) -> hdf5::Result<()> {
    place.new_attr::<T>().create(name)?.write_scalar(&value)
}

fn list<T: H5Type>(place: &Location, name: &str, values: [T; TYPES]) -> hdf5::Result<()> {
    place.new_attr::<T>().shape(TYPES).create(name)?.write_raw(&values)
}
