//! The GADGET-4 flavour: scalars in `/Header`, units and the run's parameters in `/Parameters`, and
//! the units of each dataset as its attributes.

use super::Header;
use super::column::Content;
use super::division::Share;
use super::layout::{Frame, list, scalar};
use super::raw::write_text;
use crate::Units;
use crate::units::powers;
use hdf5::{Dataset, File, Group};
use treecode::TYPES;

/// A billion Julian years [s].
const GIGAYEAR_IN_S: f64 = 1e9 * 365.25 * 86400.0;

/// Writes everything except the index and the datasets.
pub(super) fn write(file: &File, frame: &Frame, share: &Share) -> hdf5::Result<()> {
    write_header(&file.create_group("Header")?, frame, share)?;
    write_parameters(&file.create_group("Parameters")?, frame.header)
}

/// Writes the units of a dataset, if they are known.
pub(super) fn describe(dataset: &Dataset, content: Content, units: Units) -> hdf5::Result<()> {
    if let Some(description) = content.given_description() {
        write_text(dataset, "Description", description)?;
    }
    let Some(dimension) = content.dimension() else { return Ok(()) };
    let [length, mass, velocity] = powers(dimension).map(f64::from);
    // As in GADGET-4, 0 means dimensionless.
    let to_cgs = if content.is_pure() { 0.0 } else { content.to_cgs(units) };
    let attributes = [
        // Physical coordinates, without factors of a and h.
        ("a_scaling", 0.0),
        ("h_scaling", 0.0),
        ("length_scaling", length),
        ("mass_scaling", mass),
        ("velocity_scaling", velocity),
        ("to_cgs", to_cgs),
    ];
    attributes.iter().try_for_each(|(name, value)| scalar(dataset, name, *value))
}

fn write_header(group: &Group, frame: &Frame, share: &Share) -> hdf5::Result<()> {
    list(group, "NumPart_ThisFile", &share.count)?;
    list(group, "NumPart_Total", &frame.index.total())?;
    list(group, "NumPart_Total_HighWord", &[0u32; TYPES])?;
    list(group, "MassTable", &[0f64; TYPES])?;
    scalar(group, "Time", frame.header.time)?;
    scalar(group, "Redshift", 0.0)?;
    scalar(group, "NumFilesPerSnapshot", frame.shares.len() as i32)?;
    scalar(group, "Flag_Entropy_ICs", 0i32)?;
    write_cosmology(group, frame.header)
}

fn write_parameters(group: &Group, header: &Header) -> hdf5::Result<()> {
    let units = header.units.unwrap_or_default();
    write_cosmology(group, header)?;
    scalar(group, "ComovingIntegrationOn", 0i32)?;
    scalar(group, "UnitLength_in_cm", units.length_in_cm)?;
    scalar(group, "UnitMass_in_g", units.mass_in_g)?;
    scalar(group, "UnitVelocity_in_cm_per_s", units.velocity_in_cm_per_s)?;
    // Without it, pynbody would report the age of the universe as the time of the snapshot.
    scalar(group, "Time_GYR", header.time * units.time_in_s() / GIGAYEAR_IN_S)?;
    write_echo(group, header)
}

/// The run's own parameters.
pub(super) fn write_echo(group: &Group, header: &Header) -> hdf5::Result<()> {
    header.parameters.iter().try_for_each(|(key, value)| write_text(group, &format!("heorot.{key}"), value))
}

/// Cosmology in `/Header` and in `/Parameters`, for readers of either: no expansion.
fn write_cosmology(group: &Group, header: &Header) -> hdf5::Result<()> {
    scalar(group, "BoxSize", header.box_size)?;
    scalar(group, "Omega0", 0.0)?;
    scalar(group, "OmegaLambda", 0.0)?;
    scalar(group, "HubbleParam", 1.0)
}
