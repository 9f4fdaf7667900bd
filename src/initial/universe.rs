//! The universe of `model = "cosmology"`, which other tables of a parameter file describe.

use super::Initial;
use crate::parameters::cosmology::{Keys, MEGAPARSEC_IN_CM};
use anyhow::{Context, Result, anyhow, bail};
use io::Units;
use nbody::linear::Table;
use nbody::model::{Model, Universe};

/// The universe of these keys in a box of this side [L].
///
/// # Errors
/// The redshift of the initial state is missing.
fn universe(keys: &Keys, side: f64, units: &Units) -> Result<Universe> {
    let scale_factor =
        keys.start().context("cosmology.start_redshift: is missing: the redshift of the initial state")?;
    let megaparsec = MEGAPARSEC_IN_CM / units.length_in_cm / keys.h;
    Ok(Universe { cosmology: keys.cosmology(units), side, megaparsec, h: keys.h, scale_factor })
}

/// Default of the redshift of the initial state. With increasing redshift, the error of
/// perturbation theory falls, faster for higher orders, and the error of forces in a nearly uniform
/// box rises. Crocce, Pueblas & Scoccimarro (2006, MNRAS 373, 369) start with the second order at
/// 49, Michaux et al. (2021, MNRAS 500, 663) with the third order at 11.5 to 24.
fn default_start(lpt: u8) -> f64 {
    match lpt {
        1 => 99.0,
        2 => 49.0,
        _ => 24.0,
    }
}

impl Initial {
    /// Gives the model `cosmology` its universe, the side of its box [L] and its tabulated power spectrum,
    /// and checks it. If no start is given, it is the default of the order of perturbation theory. Other
    /// initial conditions stay as they are.
    ///
    /// # Errors
    /// The universe or the box is missing, the table cannot be read, or the power spectrum does not
    /// cover the modes of the box.
    pub(crate) fn settle(
        &mut self,
        cosmology: Option<&mut Keys>,
        side: Option<f64>,
        units: &Units,
    ) -> Result<()> {
        let Initial::Model(Model::Cosmology(model)) = self else { return Ok(()) };
        let (Some(cosmology), Some(side)) = (cosmology, side) else {
            bail!("initial.model = \"cosmology\": needs the tables [cosmology] and [box]");
        };
        if cosmology.start().is_none() && model.pancake.is_none() {
            cosmology.start_redshift = Some(default_start(model.lpt));
        }
        model.universe = Some(universe(cosmology, side, units)?);
        if let Some(path) = &model.spectrum {
            let [k, power] =
                io::table::read_pairs(path, ["k [h/Mpc]", "P [(Mpc/h)^3]"]).context("initial.spectrum")?;
            let table = Table::new(k, power);
            let table = table.map_err(|fault| anyhow!("initial.spectrum: {}: {fault}", path.display()))?;
            model.table = Some(table);
        }
        Model::check(&Model::Cosmology(model.clone())).map_err(|fault| anyhow!("initial.{fault}"))
    }
}
