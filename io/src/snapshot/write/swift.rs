//! The SWIFT flavour. All values of `/Header` are lists, units are in `/Units` and
//! `/InternalCodeUnits`, and each dataset has the exponents of its units. Groups that SWIFT's
//! readers require are written even if they are empty.

use super::division::Share;
use super::gadget::write_echo;
use super::layout::{Frame, list, scalar};
use crate::Units;
use crate::snapshot::format::column::Content;
use crate::snapshot::format::raw::write_text;
use crate::snapshot::{Flavour, Header, Universe};
use hdf5::{Dataset, File, Group};
use treecode::{Dimension, TYPES};

/// Number of types in SWIFT, which also has neutrinos.
const SWIFT_TYPES: usize = TYPES + 1;

/// Writes everything except the index and the datasets.
pub(super) fn write(file: &File, frame: &Frame, share: &Share) -> hdf5::Result<()> {
    let units = frame.header.units.unwrap_or_default();
    write_header(&file.create_group("Header")?, frame, share)?;
    write_cosmology(&file.create_group("Cosmology")?, frame.header)?;
    write_units(&file.create_group("Units")?, units)?;
    write_units(&file.create_group("InternalCodeUnits")?, units)?;
    write_parameters(&file.create_group("Parameters")?, frame, units)?;
    let policy = file.create_group("Policy")?;
    ["hydro", "star formation"].iter().try_for_each(|name| list(&policy, name, &[0i32]))?;
    list(&policy, "cosmological integration", &[i32::from(frame.header.universe.is_some())])?;
    list(&policy, "self gravity", &[1i32])?;
    let code = file.create_group("Code")?;
    write_text(&code, "Code", "heorot")?;
    write_text(&code, "Code Version", env!("CARGO_PKG_VERSION"))?;
    let gravity = file.create_group("GravityScheme")?;
    write_text(&gravity, "Scheme", "Barnes-Hut tree")?;
    let hydro = file.create_group("HydroScheme")?;
    write_text(&hydro, "Scheme", "None")?;
    list(&hydro, "Dimension", &[3i32])?;
    file.create_group("SubgridScheme").map(|_| ())
}

/// Writes the units of a dataset. SWIFT's readers require them, so unknown ones are written as those
/// of a pure number.
pub(super) fn describe(
    dataset: &Dataset,
    content: Content,
    units: Units,
    universe: Option<Universe>,
) -> hdf5::Result<()> {
    let Dimension { length, mass, time } = content.dimension().unwrap_or(Dimension::NONE);
    let exponents = [
        ("U_I exponent", 0),
        ("U_L exponent", length),
        ("U_M exponent", mass),
        ("U_T exponent", 0),
        ("U_t exponent", time),
        ("h-scale exponent", 0),
    ];
    // Without expansion, coordinates are physical.
    let exponent = universe.map_or(0.0, |_| content.scale_exponent(Flavour::Swift));
    let scale = universe.map_or(1.0, |universe| treecode::math::powf(universe.scale_factor, exponent));
    list(dataset, "a-scale exponent", &[exponent as f32])?;
    exponents.iter().try_for_each(|(name, exponent)| list(dataset, name, &[f32::from(*exponent)]))?;
    let to_cgs = [content.to_cgs(units)];
    list(dataset, "Conversion factor to CGS (not including cosmological corrections)", &to_cgs)?;
    let to_physical = [to_cgs[0] * scale];
    list(dataset, "Conversion factor to physical CGS (including cosmological corrections)", &to_physical)?;
    list(dataset, "Value stored as physical", &[i32::from(exponent == 0.0)])?;
    list(dataset, "Property can be converted to comoving", &[1i32])?;
    write_text(dataset, "Description", content.description())?;
    write_text(dataset, "Lossy compression filter", "None")
}

fn write_header(group: &Group, frame: &Frame, share: &Share) -> hdf5::Result<()> {
    let by_type = |count: [u64; TYPES]| -> [u64; SWIFT_TYPES] {
        std::array::from_fn(|kind| count.get(kind).copied().unwrap_or(0))
    };
    let total = by_type(frame.index.total());
    write_text(group, "Code", "SWIFT")?; // readers detect the flavour by it
    write_text(group, "OutputType", "FullVolume")?;
    write_text(group, "RunName", "heorot")?;
    list(group, "NumPart_ThisFile", &by_type(share.count).map(|count| count as i64))?;
    list(group, "NumPart_Total", &total.map(|count| count as u32))?;
    list(group, "NumPart_Total_HighWord", &total.map(|count| (count >> 32) as u32))?;
    list(group, "CanHaveTypes", &total.map(|count| i32::from(count > 0)))?;
    list(group, "MassTable", &[0f64; SWIFT_TYPES])?;
    list(group, "Flag_Entropy_ICs", &[0u32; SWIFT_TYPES])?;
    list(group, "BoxSize", &[frame.box_size(); 3])?;
    list(group, "Dimension", &[3i32])?;
    list(group, "Time", &[frame.header.time])?;
    let universe = frame.header.universe;
    list(group, "Redshift", &[universe.map_or(0.0, |universe| universe.redshift())])?;
    list(group, "Scale-factor", &[universe.map_or(1.0, |universe| universe.scale_factor)])?;
    list(group, "Virtual", &[0i32])?;
    list(group, "ThisFile", &[share.number as i32])?;
    list(group, "NumFilesPerSnapshot", &[frame.shares.len() as i32])
}

/// Cosmology. Without expansion, all densities are 0.
fn write_cosmology(group: &Group, header: &Header) -> hdf5::Result<()> {
    if let Some(universe) = header.universe {
        return write_universe(group, universe);
    }
    list(group, "Cosmological run", &[0i32])?;
    for name in ["Scale-factor", "h"] {
        list(group, name, &[1.0])?;
    }
    let zero = [
        "Redshift",
        "Omega_m",
        "Omega_r",
        "Omega_k",
        "Omega_b",
        "Omega_cdm",
        "Omega_lambda",
        "Omega_nu",
        "Omega_nu_0",
        "w_0",
        "w_a",
        "w",
    ];
    zero.iter().try_for_each(|name| list(group, name, &[0.0]))
}

/// Cosmology with expansion. All matter counts as cold dark matter.
fn write_universe(group: &Group, universe: Universe) -> hdf5::Result<()> {
    let Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, hubble } = universe;
    list(group, "Cosmological run", &[1i32])?;
    let numbers = [
        ("Scale-factor", scale_factor),
        ("Redshift", universe.redshift()),
        ("h", h),
        ("H0 [internal units]", hubble),
        ("Omega_m", omega_m),
        ("Omega_cdm", omega_m),
        ("Omega_lambda", omega_lambda),
        ("Omega_r", omega_r),
        ("Omega_k", 1.0 - omega_m - omega_lambda - omega_r),
        ("Omega_b", 0.0),
        ("Omega_nu", 0.0),
        ("Omega_nu_0", 0.0),
        ("w_0", w0),
        ("w_a", wa),
        ("w", w0 + wa * (1.0 - scale_factor)),
    ];
    numbers.iter().try_for_each(|(name, value)| list(group, name, &[*value]))
}

/// Exactly these five attributes: readers take any other for a unit.
fn write_units(group: &Group, units: Units) -> hdf5::Result<()> {
    for (name, value) in [
        ("Unit length in cgs (U_L)", units.length_in_cm),
        ("Unit mass in cgs (U_M)", units.mass_in_g),
        ("Unit time in cgs (U_t)", units.time_in_s()),
        ("Unit current in cgs (U_I)", 1.0),
        ("Unit temperature in cgs (U_T)", 1.0),
    ] {
        list(group, name, &[value])?;
    }
    Ok(())
}

fn write_parameters(group: &Group, frame: &Frame, units: Units) -> hdf5::Result<()> {
    let periodic = if frame.header.box_size > 0.0 { "1" } else { "0" };
    write_text(group, "InitialConditions:periodic", periodic)?;
    // The exact unit of velocity. Length and time give it only up to rounding.
    scalar(group, "UnitVelocity_in_cm_per_s", units.velocity_in_cm_per_s)?;
    if frame.is_moved() {
        list(group, "Origin", &frame.origin())?;
    }
    write_echo(group, frame.header)
}
