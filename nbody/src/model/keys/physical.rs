//! Defaults that are physical quantities: those of known galaxies and of stars.

use super::{Keys, ModelName};

/// Sizes of physical units, in the units of a run. Each is exactly 1 if it is the unit of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Physical {
    /// 1000 parsec [L].
    pub kiloparsec: f64,
    /// A parsec [L].
    pub parsec: f64,
    /// An astronomical unit [L].
    pub astronomical_unit: f64,
    /// 1e10 solar masses [M].
    pub ten_billion_suns: f64,
    /// A solar mass [M].
    pub sun: f64,
}

impl Keys {
    /// Sets the keys that are not given and whose defaults are physical quantities, in the model and in
    /// its galaxies. `physical` is `None` if G is 1 and the units have no size: a star cluster and a
    /// planetary system then keep defaults of 1.
    ///
    /// # Errors
    /// A default is needed, and the units have no size.
    pub fn complete(&mut self, physical: Option<&Physical>) -> Result<(), String> {
        for (k, galaxy) in self.galaxies.iter_mut().flatten().enumerate() {
            galaxy.complete(physical).map_err(|fault| format!("galaxies.{k}: {fault}"))?;
        }
        match (self.model, physical) {
            (Some(ModelName::DiscGalaxy), _) => self.complete_galaxy(physical)?,
            (Some(ModelName::StarCluster), Some(physical)) => self.complete_cluster(physical),
            (Some(ModelName::PlanetarySystem), Some(physical)) => {
                self.mass.get_or_insert(physical.sun);
            }
            _ => {}
        }
        Ok(())
    }

    fn complete_galaxy(&mut self, physical: Option<&Physical>) -> Result<(), String> {
        let preset = self.preset.unwrap_or_default().galaxy();
        let has_no_bulge = self.bulge_mass == Some(0.0);
        let [mass, length] = [|unit: &Physical| unit.ten_billion_suns, |unit: &Physical| unit.kiloparsec];
        let mut keys = vec![
            ("disc_mass", &mut self.disc_mass, preset.disc_mass, mass),
            ("disc_length", &mut self.disc_length, preset.disc_length, length),
            ("disc_height", &mut self.disc_height, preset.disc_height, length),
            ("halo_mass", &mut self.halo_mass, preset.halo_mass, mass),
            ("halo_radius", &mut self.halo_radius, preset.halo_radius, length),
            ("bulge_mass", &mut self.bulge_mass, preset.bulge_mass, mass),
        ];
        if !has_no_bulge {
            keys.push(("bulge_radius", &mut self.bulge_radius, preset.bulge_radius, length));
        }
        for (name, key, value, unit) in keys {
            if key.is_none() {
                let physical = physical.ok_or_else(|| {
                    format!(
                        "`{name}` is missing: its default is in kpc or solar masses, and the units here have G = 1 \
                         and no size; give all masses and lengths of the galaxy, or other units such as galactic"
                    )
                })?;
                *key = Some(value * unit(physical));
            }
        }
        Ok(())
    }

    fn complete_cluster(&mut self, physical: &Physical) {
        if self.mass.is_none() {
            self.solar_mass.get_or_insert(physical.sun);
        }
        self.radius.get_or_insert(physical.parsec);
        if self.binaries.is_some_and(|fraction| fraction > 0.0) {
            self.binary_axis.get_or_insert([1.0, 1000.0].map(|axis| axis * physical.astronomical_unit));
        }
    }
}
