//! The `[output.lightcone]` table: bodies are recorded when they cross the past light cone of an
//! observer today.

use crate::parameters::Parameters;
use crate::parameters::cosmology::redshift_in_words;
use crate::parameters::defaults::yes;
use crate::ranks::crew::Crew;
use crate::ranks::memory;
use anyhow::{Result, bail, ensure};
use io::Units;
use nbody::cosmology::{Cosmology, redshift_of};
use nbody::lightcone::{LightCone, Opening, Settings, Shells, SkyMap};
use serde::{Deserialize, Serialize};
use treecode::Bodies;
use treecode::math::exp;

/// The keys of `[output.lightcone]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Greatest redshift.
    pub redshift_max: f64,
    /// Least redshift.
    #[serde(default)]
    pub redshift_min: f64,
    /// Position of the observer [L, comoving]. `None` for the centre of the box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observer: Option<[f64; 3]>,
    /// Direction of the axis of a part of the sky.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<[f64; 3]>,
    /// Greatest angle from this axis [degrees].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_angle: Option<f64>,
    /// Number of shells of equal comoving thickness. Each is a file.
    #[serde(default = "shells")]
    pub shells: u32,
    /// Whether the bodies are written.
    #[serde(default = "yes")]
    pub bodies: bool,
    /// Resolution of the maps of shells. `None` for no maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nside: Option<u32>,
}

fn shells() -> u32 {
    8
}

/// Greatest number of shells, greatest resolution of maps, and greatest redshift.
const MOST_SHELLS: u32 = 1000;
const FINEST: u32 = 8192;
const FARTHEST: f64 = 1000.0;
/// Speed of light [cm/s].
const SPEED_OF_LIGHT: f64 = 2.997_924_58e10;

impl Keys {
    /// Checks the keys for a run in an expanding box of this side [L]; `None` if there is none.
    ///
    /// # Errors
    /// Names the wrong key.
    pub fn check(&self, expands: bool, side: Option<f64>) -> Result<()> {
        let name = |key: &str| format!("output.lightcone.{key}");
        let Some(side) = side.filter(|_| expands) else {
            bail!("output.lightcone: needs an expanding universe, the tables [cosmology] and [box]");
        };
        let Keys { redshift_min, redshift_max, shells, .. } = *self;
        ensure!(
            redshift_max > 0.0 && redshift_max <= FARTHEST,
            "{} = {redshift_max:?}: must be above 0 and at most {FARTHEST}",
            name("redshift_max")
        );
        ensure!(
            redshift_min >= 0.0 && redshift_min < redshift_max,
            "{} = {redshift_min:?}: must be at least 0 and below redshift_max = {redshift_max:?}",
            name("redshift_min")
        );
        ensure!(
            (1..=MOST_SHELLS).contains(&shells),
            "{} = {shells}: must be from 1 to {MOST_SHELLS}",
            name("shells")
        );
        if let Some(nside) = self.nside {
            ensure!(
                nside.is_power_of_two() && nside <= FINEST,
                "{} = {nside}: must be a power of two from 1 to {FINEST}",
                name("nside")
            );
        }
        ensure!(
            self.bodies || self.nside.is_some(),
            "{}: false without `nside` writes nothing",
            name("bodies")
        );
        if let Some(observer) = self.observer {
            ensure!(
                observer.iter().all(|x| (0.0..side).contains(x)),
                "{} = {observer:?}: must be inside the box, from 0 to {side:?}",
                name("observer")
            );
        }
        match (self.direction, self.opening_angle) {
            (None, None) => Ok(()),
            (Some(direction), Some(angle)) => {
                let square: f64 = direction.iter().map(|x| x * x).sum();
                ensure!(
                    square > 0.0 && square.is_finite(),
                    "{} = {direction:?}: must be a vector of a length above 0",
                    name("direction")
                );
                ensure!(
                    angle > 0.0 && angle <= 180.0,
                    "{} = {angle:?}: must be above 0 and at most 180 degrees from the axis",
                    name("opening_angle")
                );
                Ok(())
            }
            _ => bail!("output.lightcone: give both `direction` and `opening_angle`, or neither"),
        }
    }

    /// The settings of the library, in a box of this side [L].
    fn settings(&self, units: &Units, side: f64) -> Settings {
        let opening = self.direction.zip(self.opening_angle);
        Settings {
            observer: self.observer.unwrap_or([0.5 * side; 3]),
            speed_of_light: SPEED_OF_LIGHT / units.velocity_in_cm_per_s,
            redshifts: [self.redshift_min, self.redshift_max],
            opening: opening.map(|(direction, angle)| Opening::new(direction, angle.to_radians())),
        }
    }
}

/// The light cone of a run: what it records, and the universe and box in which it does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The keys.
    pub keys: Keys,
    /// The settings of the library.
    pub settings: Settings,
    /// The universe.
    pub cosmology: Cosmology,
    /// Side of the box [L].
    pub side: f64,
    /// The shells that are files.
    pub shells: Shells,
}

impl Plan {
    /// That of a run, if it has one. The parameters must have been checked.
    #[must_use]
    pub fn of(parameters: &Parameters) -> Option<Plan> {
        let keys = parameters.output.lightcone?;
        let cosmology = parameters.gravity.expansion.comoving()?.cosmology;
        let side = parameters.periodic_box?.side;
        let settings = keys.settings(&parameters.units.units(), side);
        let shells = Shells::equal(&cosmology, settings.redshifts, keys.shells as usize);
        Some(Plan { keys, settings, cosmology, side, shells })
    }

    /// The empty light cone of a run that starts at this time.
    #[must_use]
    pub fn begin(&self, time: f64) -> LightCone {
        LightCone::new(self.settings, self.cosmology, self.side, time)
    }

    /// The light cone of a run that continues.
    #[must_use]
    pub fn resume(&self, reached: f64, crossed: Bodies) -> LightCone {
        LightCone::resume(self.settings, self.cosmology, self.side, reached, crossed)
    }

    /// Comoving distances from the observer at these redshifts [L].
    #[must_use]
    pub fn distances(&self, redshifts: [f64; 2]) -> [f64; 2] {
        let cone = self.begin(0.0);
        redshifts.map(|redshift| cone.distance(redshift))
    }

    /// Fraction of the sky.
    fn sky(&self) -> f64 {
        let all = 4.0 * std::f64::consts::PI;
        self.settings.opening.map_or(1.0, |opening| opening.solid_angle() / all)
    }

    /// Number of crossings of uniform bodies, of which there are so many in the box.
    fn crossings(&self, bodies: u64, redshifts: [f64; 2]) -> f64 {
        let [near, far] = self.distances(redshifts).map(|distance| (distance / self.side).powi(3));
        4.0 / 3.0 * std::f64::consts::PI * self.sky() * (far - near) * bodies as f64
    }

    /// Checks that a run of so many bodies from one time to another can record the light cone, and says
    /// what it will hold. Collective.
    ///
    /// # Errors
    /// It reaches beyond the initial state, nothing crosses, or the memory does not suffice.
    pub fn check_run(&self, crew: &Crew, bodies: u64, [start, end]: [f64; 2]) -> Result<Option<String>> {
        let Keys { redshift_min, redshift_max, nside, .. } = self.keys;
        let [first, last] = [start, end].map(exp);
        ensure!(
            redshift_max <= redshift_of(first) * (1.0 + 1e-12),
            "output.lightcone.redshift_max = {redshift_max:?}: must be at most that of the initial state, {}",
            redshift_in_words(first)
        );
        ensure!(
            redshift_of(last) < redshift_max,
            "output.lightcone.redshift_max = {redshift_max:?}: the run ends at z {} before anything crosses",
            redshift_in_words(last)
        );
        let all = (0..self.shells.count()).map(|shell| self.crossings(bodies, self.shells.redshifts(shell)));
        let map = nside.map_or(0, |nside| SkyMap::bytes(nside.into()) * crew.comm.size() as u64);
        memory::check_light_cone(crew, all.fold(0.0, f64::max), map)?;
        let cut = redshift_of(last) > redshift_min + 1e-9;
        Ok(cut.then(|| {
            format!(
                "output.lightcone.redshift_min = {redshift_min:?}: the run ends at z {}, and so does the light cone",
                redshift_in_words(last)
            )
        }))
    }

    /// The light cone in words, for a run of so many bodies.
    #[must_use]
    pub fn words(&self, bodies: u64) -> String {
        let Keys { redshift_min, redshift_max, shells, .. } = self.keys;
        format!(
            "light cone from z {redshift_max} to {redshift_min}: some {:.1e} crossings in {shells} shells",
            self.crossings(bodies, self.settings.redshifts)
        )
    }
}
