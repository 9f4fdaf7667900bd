//! The `[cosmology]` table: a box in an expanding universe, and how its times are named.

use crate::parameters::Parameters;
use anyhow::{Result, bail, ensure};
use io::Units;
use io::snapshot::{Header, Universe};
use nbody::cosmology::{Comoving, Cosmology, Expansion, redshift_of, scale_factor_of};
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::math::{exp, ln};

/// The keys of `[cosmology]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Density of matter today, in units of the critical density.
    pub omega_m: f64,
    /// Density of dark energy today.
    pub omega_lambda: f64,
    /// Density of radiation today.
    #[serde(default)]
    pub omega_r: f64,
    /// Equation of state of dark energy today.
    #[serde(default = "minus_one")]
    pub w0: f64,
    /// Its change: w(a) = w0 + wa (1 - a).
    #[serde(default)]
    pub wa: f64,
    /// Hubble constant today [100 km/s/Mpc].
    pub h: f64,
    /// Redshift of the initial state. Excludes `start_scale_factor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_redshift: Option<f64>,
    /// Scale factor of the initial state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_scale_factor: Option<f64>,
    /// Greatest softening length in physical units [L].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub softening_max_physical: Option<f64>,
    /// Greatest rms displacement in a step, as a fraction of the mean spacing of the bodies.
    #[serde(default = "displacement")]
    pub max_displacement: f64,
}

fn minus_one() -> f64 {
    -1.0
}

fn displacement() -> f64 {
    Comoving::DISPLACEMENT
}

/// A megaparsec [cm].
pub(crate) const MEGAPARSEC_IN_CM: f64 = 1000.0 * Units::GALACTIC.length_in_cm;
/// Greatest relative difference between a number in a file and in the parameters. Files in single
/// precision and with rounded parameters pass.
const ROUNDED: f64 = 1e-4;
/// Greatest relative difference between the mean density of the bodies and that of omega_m. Other
/// programs differ in the constant of gravitation and the solar mass by as much.
const SAME_DENSITY: f64 = 2e-3;

impl Keys {
    /// The universe, in these units.
    #[must_use]
    pub fn cosmology(&self, units: &Units) -> Cosmology {
        let Keys { omega_m, omega_lambda, omega_r, w0, wa, h, .. } = *self;
        Cosmology { omega_m, omega_lambda, omega_r, w0, wa, hubble: Keys::hubble(h, units) }
    }

    /// A Hubble constant of `h` times 100 km/s/Mpc in these units [1/T].
    #[must_use]
    pub fn hubble(h: f64, units: &Units) -> f64 {
        h * (1e7 / MEGAPARSEC_IN_CM * units.time_in_s())
    }

    /// The expansion of a run, in these units.
    #[must_use]
    pub fn expansion(&self, units: &Units) -> Expansion {
        Expansion::Comoving(Comoving {
            cosmology: self.cosmology(units),
            softening_max_physical: self.softening_max_physical.unwrap_or(f64::INFINITY),
            displacement: self.max_displacement,
        })
    }

    /// Checks the keys that the universe itself does not check.
    ///
    /// # Errors
    /// Names the wrong key.
    pub fn check(&self) -> Result<()> {
        ensure!(self.h > 0.0 && self.h <= 10.0, "cosmology.h = {:?}: must be above 0 and at most 10", self.h);
        if self.start_redshift.is_some() && self.start_scale_factor.is_some() {
            bail!("cosmology: give either `start_redshift` or `start_scale_factor`, not both");
        }
        check_redshift("cosmology.start_redshift", self.start_redshift)?;
        check_scale_factor("cosmology.start_scale_factor", self.start_scale_factor)
    }

    /// Scale factor of the initial state, if it is given.
    #[must_use]
    pub fn start(&self) -> Option<f64> {
        self.start_scale_factor.or(self.start_redshift.map(scale_factor_of))
    }

    /// The universe of a snapshot at `time` = ln a, and the time since the beginning [T].
    #[must_use]
    pub fn universe(&self, units: &Units, time: f64) -> (Universe, f64) {
        let cosmology = self.cosmology(units);
        let Keys { omega_m, omega_lambda, omega_r, w0, wa, h, .. } = *self;
        let (scale_factor, hubble) = (exp(time), cosmology.hubble);
        let universe = Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, hubble };
        (universe, cosmology.time(scale_factor))
    }

    /// The scale factor of the initial state of a file, and the factor from its velocities to canonical
    /// momenta. Velocities of a model are peculiar velocities, and those of a file have the convention of its
    /// format.
    ///
    /// # Errors
    /// The file is of another universe or another time than the parameters say, or neither says the time.
    pub fn initial_state(&self, source: Option<(&Path, &Header)>) -> Result<(f64, f64)> {
        let theirs = source.and_then(|(path, header)| Some((path, header.format, header.universe?)));
        let Some((path, format, universe)) = theirs else {
            let Some(a) = self.start() else {
                bail!(
                    "cosmology.start_redshift: is missing, and {} does not say the redshift of the initial state",
                    source.map_or("the model".to_owned(), |(path, _)| path.display().to_string())
                );
            };
            // GADGET's files have its velocities even if their header says nothing.
            let universe = Universe { scale_factor: a, ..Universe::default() };
            return Ok((a, source.map_or(a, |(_, header)| universe.momentum_of(header.format))));
        };
        let file = path.display();
        let stated = |key: &str, ours: f64, theirs: f64| {
            ensure!(
                theirs == 0.0 || (theirs - ours).abs() <= ROUNDED * ours.abs().max(0.01),
                "cosmology.{key} = {ours:?}: that of {file} is {theirs:?}"
            );
            Ok(())
        };
        stated("omega_m", self.omega_m, universe.omega_m)?;
        stated("omega_lambda", self.omega_lambda, universe.omega_lambda)?;
        stated("h", self.h, universe.h)?;
        let mut a = universe.scale_factor;
        ensure!(a > 0.0 && a.is_finite(), "{file}: has the scale factor {a:?}, must be above 0");
        if let Some(start) = self.start() {
            ensure!(
                (start / a - 1.0).abs() <= ROUNDED,
                "cosmology.start_redshift = {:?}: {file} has the redshift {}",
                redshift_of(start),
                redshift_in_words(a)
            );
            a = start;
        }
        Ok((a, Universe { scale_factor: a, ..universe }.momentum_of(format)))
    }

    /// Checks that bodies of this mass have the density of matter.
    ///
    /// # Errors
    /// They have another.
    pub fn check_density(&self, parameters: &Parameters, mass: f64) -> Result<()> {
        let Some(periodic) = parameters.periodic_box else { return Ok(()) };
        let cosmology = self.cosmology(&parameters.units.units());
        let density = cosmology.matter_density(parameters.gravity.gravity.constant);
        let needed = density * periodic.side.powi(3);
        ensure!(
            (mass / needed - 1.0).abs() <= SAME_DENSITY,
            "cosmology.omega_m = {:?}: the bodies in the box have {:.6} of the density of matter (mass {mass:e}, needed {needed:e}); check masses, \
             box.side, cosmology.h and [units]",
            self.omega_m,
            mass / needed
        );
        Ok(())
    }
}

/// Checks a redshift, if there is one.
///
/// # Errors
/// Names the key.
pub(crate) fn check_redshift(key: &str, redshift: Option<f64>) -> Result<()> {
    let is_sound = |z: &f64| *z > -1.0 && *z <= 1e6;
    match redshift.filter(|z| !is_sound(z)) {
        Some(z) => bail!("{key} = {z:?}: must be above -1 and at most 1e6"),
        None => Ok(()),
    }
}

/// Checks a scale factor, if there is one.
///
/// # Errors
/// Names the key.
pub(crate) fn check_scale_factor(key: &str, a: Option<f64>) -> Result<()> {
    let is_sound = |a: &f64| *a >= 1e-6 && *a <= 1e6;
    match a.filter(|a| !is_sound(a)) {
        Some(a) => bail!("{key} = {a:?}: must be from 1e-6 to 1e6"),
        None => Ok(()),
    }
}

/// A time of a run in words: `t 0.250000`, or in an expanding universe `z 9.0000`.
#[must_use]
pub fn moment(expansion: &Expansion, time: f64) -> String {
    match expansion.scale_factor(time) {
        Some(a) => format!("z {}", redshift_in_words(a)),
        None => format!("t {time:.6}"),
    }
}

/// The redshift at a scale factor with five digits. Rounding errors near today are no redshift.
#[must_use]
pub fn redshift_in_words(a: f64) -> String {
    let z = redshift_of(a);
    let z = if z.abs() < 1e-9 { 0.0 } else { z };
    if z < 10.0 { format!("{z:.4}") } else { format!("{z:.2}") }
}

/// ln a of a redshift.
pub(crate) fn log_of_redshift(z: f64) -> f64 {
    ln(scale_factor_of(z))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys {
            omega_m: 0.3,
            omega_lambda: 0.7,
            omega_r: 0.0,
            w0: -1.0,
            wa: 0.0,
            h: 0.7,
            start_redshift: None,
            start_scale_factor: None,
            softening_max_physical: None,
            max_displacement: 0.25,
        }
    }

    #[test]
    fn the_hubble_constant_is_in_the_units_of_the_run() {
        let near = |value: f64, right: f64| assert!((value / right - 1.0).abs() < 1e-9, "{value} {right}");
        // km/s/kpc, and 1/s.
        near(keys().cosmology(&Units::GALACTIC).hubble, 0.07);
        near(keys().cosmology(&Units::CGS).hubble, 0.7 * 3.240_779_289_444e-18);
        // 2.775e11 h^2 Msun/Mpc^3 is the critical density.
        let density =
            keys().cosmology(&Units::GALACTIC).matter_density(Units::GALACTIC.gravitational_constant());
        assert!((density * 1e10 * 1e9 / (0.3 * 0.49 * 2.7754e11) - 1.0).abs() < 1e-3, "{density}");
    }

    #[test]
    fn the_initial_state_is_that_of_the_file() {
        let path = Path::new("ic.hdf5");
        let universe =
            Universe { scale_factor: 0.02, omega_m: 0.3, omega_lambda: 0.7, h: 0.7, ..Universe::default() };
        let header = Header { universe: Some(universe), ..Header::default() };
        let state = |keys: Keys, header: &Header| keys.initial_state(Some((path, header)));
        let (a, factor) = state(keys(), &header).unwrap();
        assert_eq!((a, factor), (0.02, 0.02 * 0.02f64.sqrt()));
        let given = Keys { start_redshift: Some(49.0), ..keys() };
        assert_eq!(state(given, &header).unwrap().0, 0.02);
        let message = |keys: Keys, header: &Header| state(keys, header).unwrap_err().to_string();
        assert!(message(Keys { omega_m: 0.31, ..keys() }, &header).contains("cosmology.omega_m = 0.31"));
        let other = Keys { start_redshift: Some(50.0), ..keys() };
        assert!(message(other, &header).contains("ic.hdf5 has the redshift 49"));
        // A table has peculiar velocities, and so has a model.
        let table = Header { format: io::snapshot::Format::Table, ..Header::default() };
        assert!(message(keys(), &table).contains("cosmology.start_redshift: is missing"));
        assert_eq!(state(given, &table).unwrap(), (0.02, 0.02));
        assert_eq!(given.initial_state(None).unwrap(), (0.02, 0.02));
        assert_eq!(state(given, &Header::default()).unwrap(), (0.02, 0.02 * 0.02f64.sqrt()));
    }

    #[test]
    fn times_are_shown_as_redshifts() {
        let expansion = keys().expansion(&Units::GALACTIC);
        assert_eq!(moment(&Expansion::Static, 0.25), "t 0.250000");
        assert_eq!(moment(&expansion, log_of_redshift(49.0)), "z 49.00");
        assert_eq!(moment(&expansion, log_of_redshift(0.5)), "z 0.5000");
        assert_eq!(moment(&expansion, -1e-16), "z 0.0000");
    }
}
