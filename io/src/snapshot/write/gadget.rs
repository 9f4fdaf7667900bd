//! The GADGET-4 flavour: scalars in `/Header`, units and the run's parameters in `/Parameters`, and
//! the units of each dataset as its attributes.

use super::division::Share;
use super::layout::{Frame, list, scalar};
use crate::Units;
use crate::snapshot::format::column::Content;
use crate::snapshot::format::raw::write_text;
use crate::snapshot::{Flavour, Header, Universe};
use crate::units::powers;
use hdf5::{Dataset, File, Group};
use treecode::TYPES;

/// A billion Julian years [s].
const GIGAYEAR_IN_S: f64 = 1e9 * 365.25 * 86400.0;

/// Writes everything except the index and the datasets.
pub(super) fn write(file: &File, frame: &Frame, share: &Share) -> hdf5::Result<()> {
    write_header(&file.create_group("Header")?, frame, share)?;
    write_parameters(&file.create_group("Parameters")?, frame)
}

/// Writes the units of a dataset, if they are known. Without expansion, coordinates are physical and have
/// no factors of a and h.
pub(super) fn describe(
    dataset: &Dataset,
    content: Content,
    units: Units,
    universe: Option<Universe>,
) -> hdf5::Result<()> {
    if let Some(description) = content.given_description() {
        write_text(dataset, "Description", description)?;
    }
    let Some(dimension) = content.dimension() else { return Ok(()) };
    let [length, mass, velocity] = powers(dimension).map(f64::from);
    // As in GADGET-4, 0 means dimensionless.
    let to_cgs = if content.is_pure() { 0.0 } else { content.to_cgs(units) };
    let (a_scaling, h_scaling) =
        universe.map_or((0.0, 0.0), |_| (content.scale_exponent(Flavour::Gadget), content.hubble_exponent()));
    let attributes = [
        ("a_scaling", a_scaling),
        ("h_scaling", h_scaling),
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
    let universe = frame.header.universe;
    scalar(group, "Time", universe.map_or(frame.header.time, |universe| universe.scale_factor))?;
    scalar(group, "Redshift", universe.map_or(0.0, |universe| universe.redshift()))?;
    scalar(group, "NumFilesPerSnapshot", frame.shares.len() as i32)?;
    scalar(group, "Flag_Entropy_ICs", 0i32)?;
    write_cosmology(group, frame)
}

fn write_parameters(group: &Group, frame: &Frame) -> hdf5::Result<()> {
    let header = frame.header;
    let units = header.units.unwrap_or_default();
    write_cosmology(group, frame)?;
    scalar(group, "ComovingIntegrationOn", i32::from(header.universe.is_some()))?;
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

/// Cosmology in `/Header` and in `/Parameters`, for readers of either. Without expansion, all densities
/// are 0.
fn write_cosmology(group: &Group, frame: &Frame) -> hdf5::Result<()> {
    scalar(group, "BoxSize", frame.box_size())?;
    let Some(universe) = frame.header.universe else {
        scalar(group, "Omega0", 0.0)?;
        scalar(group, "OmegaLambda", 0.0)?;
        return scalar(group, "HubbleParam", 1.0);
    };
    scalar(group, "Omega0", universe.omega_m)?;
    scalar(group, "OmegaLambda", universe.omega_lambda)?;
    scalar(group, "OmegaRadiation", universe.omega_r)?;
    scalar(group, "w_0", universe.w0)?;
    scalar(group, "w_a", universe.wa)?;
    scalar(group, "HubbleParam", universe.h)
}
