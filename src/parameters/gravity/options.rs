//! The `[gravity]` table as options of commands without a parameter file.

use crate::parameters::errors::name_key;
use crate::parameters::gravity::{self, Keys};
use crate::parameters::periodic_box::{Boundary, PeriodicBox};
use crate::parameters::quantities::{Quantity, length};
use crate::ranks::machine;
use anyhow::{Error, Result};
use io::Units;
use nbody::forces::Forces;
use treecode::{SofteningKernel, TYPES};

/// Options of the force computation.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Gravity")]
pub struct GravityArguments {
    /// Options that are also keys of `[gravity]`.
    #[command(flatten)]
    pub keys: Keys,
    /// Plummer-equivalent softening length of all types, in the units of the bodies or with a unit
    /// [default: 0].
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    pub softening: Option<Quantity>,
    /// Shape of the softened force: spline or plummer [default: spline].
    #[arg(long, value_parser = gravity::by_name::<SofteningKernel>)]
    pub kernel: Option<SofteningKernel>,
    /// Side of a periodic box with its corner at the origin, in the units of the bodies or with a
    /// unit [default: open space].
    #[arg(long = "box", value_name = "SIDE", value_parser = length)]
    pub box_side: Option<Quantity>,
}

impl GravityArguments {
    /// The options with lengths in the units of the bodies.
    ///
    /// # Errors
    /// A length has a unit, and these units have no size. It names the option.
    pub fn settle(&self, units: &Units) -> Result<GravityOptions> {
        let value = |option: &str, length: &Option<Quantity>| {
            length.as_ref().map(|length| length.of_option(option, units)).transpose()
        };
        Ok(GravityOptions {
            keys: self.keys.clone(),
            softening: value("--softening", &self.softening)?,
            kernel: self.kernel,
            box_side: value("--box", &self.box_side)?,
        })
    }
}

/// Options of the force computation, in the units of the bodies.
#[derive(Clone, Debug, Default)]
pub struct GravityOptions {
    /// Options that are also keys of `[gravity]`.
    pub keys: Keys,
    /// Plummer-equivalent softening length of all types [L].
    pub softening: Option<f64>,
    /// Shape of the softened force.
    pub kernel: Option<SofteningKernel>,
    /// Side of a periodic box with its corner at the origin [L].
    pub box_side: Option<f64>,
}

impl GravityOptions {
    /// The periodic box, if one is asked for.
    pub fn periodic_box(&self) -> Option<PeriodicBox> {
        self.box_side.map(|side| PeriodicBox { side, boundary: Boundary::Periodic })
    }

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
        forces.gravity.domain = PeriodicBox::domain(self.periodic_box());
        machine::choose_arithmetic()?;
        forces.check().map_err(name_key)?;
        Ok(forces)
    }
}
