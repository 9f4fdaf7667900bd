//! The `[gravity]` table as options of a command, for those that have no parameter file.

use anyhow::{Context, Result};
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use treecode::{Gravity, TYPES};

/// Options that change how forces are computed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Gravity")]
pub struct GravityOptions {
    /// Which walk computes the interactions [default: tree].
    #[arg(long)]
    pub walk: Option<String>,
    /// When a cell is far enough: angle (Barnes & Hut), absolute (Salmon & Warren) or relative (to the last acceleration) [default:
    /// relative].
    #[arg(long, value_parser = ["angle", "absolute", "relative"])]
    pub criterion: Option<String>,
    /// Opening angle of criterion angle, above 0 and at most 1 [default: 0.5].
    #[arg(long)]
    pub theta: Option<f64>,
    /// Error allowed for one cell: a fraction of the last acceleration (relative) or an acceleration (absolute) [default: 0.02].
    #[arg(long)]
    pub tolerance: Option<f64>,
    /// Order of the multipole expansion: 1 monopole, 2 quadrupole, 3 octupole, 4 hexadecapole [default: 2].
    #[arg(long)]
    pub order: Option<usize>,
    /// A cell with more bodies than this is split [default: 32].
    #[arg(long, value_name = "BODIES")]
    pub leaf_size: Option<usize>,
    /// The largest cells with no more bodies than this share an interaction list [default: 128].
    #[arg(long, value_name = "BODIES")]
    pub group_size: Option<usize>,
    /// Plummer-equivalent softening length of all types, in the units of the bodies [default: 0].
    #[arg(long, value_name = "LENGTH")]
    pub softening: Option<f64>,
    /// Shape of the softened force: spline or plummer [default: spline].
    #[arg(long, value_parser = ["spline", "plummer"])]
    pub kernel: Option<String>,
}

impl GravityOptions {
    /// `gravity` with what the options change, checked.
    ///
    /// # Errors
    /// If a value is out of its range.
    pub fn apply(&self, mut gravity: Gravity) -> Result<Gravity> {
        if let Some(name) = &self.walk {
            gravity.walk = by_name(name).context("walk")?;
        }
        if let Some(name) = &self.criterion {
            gravity.criterion = by_name(name)?;
        }
        if let Some(name) = &self.kernel {
            gravity.softening.kernel = by_name(name)?;
        }
        gravity.theta = self.theta.unwrap_or(gravity.theta);
        gravity.tolerance = self.tolerance.unwrap_or(gravity.tolerance);
        gravity.order = self.order.unwrap_or(gravity.order);
        gravity.leaf_size = self.leaf_size.unwrap_or(gravity.leaf_size);
        gravity.group_size = self.group_size.unwrap_or(gravity.group_size.max(gravity.leaf_size));
        if let Some(length) = self.softening {
            gravity.softening.length = [length; TYPES];
        }
        gravity.check()?;
        Ok(gravity)
    }
}

/// The value that a parameter file writes as this string.
fn by_name<T: DeserializeOwned>(name: &str) -> Result<T> {
    let text: value::StrDeserializer<'_, value::Error> = name.into_deserializer();
    T::deserialize(text).with_context(|| format!("{name} is no choice"))
}
