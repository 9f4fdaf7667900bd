//! The `[gravity]` table as options of commands without a parameter file.

use crate::gravity_keys::{self, Keys};
use crate::key_errors::name_key;
use crate::machine;
use anyhow::{Error, Result};
use nbody::forces::Forces;
use treecode::{SofteningKernel, TYPES};

/// Options of the force computation.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Gravity")]
pub struct GravityOptions {
    /// Options that are also keys of `[gravity]`.
    #[command(flatten)]
    pub keys: Keys,
    /// Plummer-equivalent softening length of all types, in the units of the bodies [default: 0].
    #[arg(long, value_name = "LENGTH")]
    pub softening: Option<f64>,
    /// Shape of the softened force: spline or plummer [default: spline].
    #[arg(long, value_parser = gravity_keys::by_name::<SofteningKernel>)]
    pub kernel: Option<SofteningKernel>,
}

impl GravityOptions {
    /// The force settings of these options, checked; `constant` is the gravitational constant.
    ///
    /// # Errors
    /// A value is out of range or contradicts another.
    pub fn forces(&self, constant: f64) -> Result<Forces> {
        let mut keys = self.keys.clone();
        let softening = keys.softening.get_or_insert_default();
        softening.length = self.softening.map_or(softening.length, |length| [length; TYPES]);
        softening.kernel = self.kernel.unwrap_or(softening.kernel);
        let mut forces = Forces::try_from(keys).map_err(Error::msg)?;
        forces.gravity.constant = constant;
        machine::choose_arithmetic()?;
        forces.check().map_err(name_key)?;
        Ok(forces)
    }
}
