//! The keys of the `[initial]` table, which are the options of `heorot model` too: one list for both.

use super::Initial;
use crate::model::{Clumps, Collision, Model, Plummer, Profile, TwoBody, Uniform, UniformShape};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ModelName {
    /// A Plummer sphere at rest at the origin.
    Plummer,
    /// Two bodies on a Kepler ellipse in the x-y plane, starting at apocentre.
    TwoBody,
    /// Two spherical galaxies that fall together on a parabola in the x-y plane.
    Collision,
    /// Plummer spheres of very different mass on a uniform background in a box.
    Clumps,
    /// Bodies at rest that fill a box or a ball evenly.
    Uniform,
}

/// Their names, for a message.
pub const MODELS: &str = "plummer, two-body, collision, clumps, uniform";
/// Clumps that a model may have: the sums of each are kept for every few thousand bodies.
const MOST_CLUMPS: u64 = 10_000;

/// Everything that may stand in `[initial]`; each model takes its own keys, with these defaults, and refuses the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// A snapshot to start from, instead of a model.
    #[arg(skip)]
    pub file: Option<PathBuf>,
    /// The model to make.
    #[arg(value_enum, required = true)]
    pub model: Option<ModelName>,
    /// Number of bodies (two-body: 2).
    #[arg(long, value_name = "N")]
    pub bodies: Option<u64>,
    /// Seed of the random numbers; the same seed gives the same bodies anywhere [default: 0].
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Mass of all bodies, in the units of the run [default: 1].
    #[arg(long)]
    pub mass: Option<f64>,
    /// Scale radius of the sphere [default: 1]; collision: of the first galaxy; clumps: of a clump of mean mass [default: 0.02 sides].
    #[arg(long)]
    pub radius: Option<f64>,
    /// Bodies lie within this many scale radii [default: 20]. plummer, collision, clumps.
    #[arg(long)]
    pub cut: Option<f64>,
    /// Mass of the second over that of the first [default: 1]. two-body, collision.
    #[arg(long)]
    pub mass_ratio: Option<f64>,
    /// Semi-major axis of the orbit [default: 1]. two-body.
    #[arg(long)]
    pub semi_major_axis: Option<f64>,
    /// Eccentricity of the orbit, from 0 to below 1 [default: 0]. two-body.
    #[arg(long)]
    pub eccentricity: Option<f64>,
    /// Run of density of both galaxies [default: hernquist]. collision.
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,
    /// Fraction of each galaxy's retrograde bodies that is turned round, 0 to 1 [default: 0]. collision.
    #[arg(long)]
    pub spin: Option<f64>,
    /// Angle between each galaxy's spin and the orbit's, in degrees; 0 is prograde [default: 0,0]. collision.
    #[arg(long, value_name = "FIRST,SECOND", value_parser = pair, allow_hyphen_values = true)]
    pub inclination: Option<[f64; 2]>,
    /// Direction to which each spin is inclined, in degrees from the x axis [default: 0,0]. collision.
    #[arg(long, value_name = "FIRST,SECOND", value_parser = pair, allow_hyphen_values = true)]
    pub azimuth: Option<[f64; 2]>,
    /// Closest approach of the centres if they were points [default: 2 radii]. collision.
    #[arg(long)]
    pub pericentre: Option<f64>,
    /// Distance of the centres at the start [default: 20 radii]. collision.
    #[arg(long)]
    pub distance: Option<f64>,
    /// Side of the box, or diameter of the ball [default: 1]. clumps, uniform.
    #[arg(long)]
    pub side: Option<f64>,
    /// What the bodies fill [default: box]. uniform.
    #[arg(long, value_enum)]
    pub shape: Option<UniformShape>,
    /// Number of clumps [default: 300]. clumps.
    #[arg(long, value_name = "N")]
    pub clumps: Option<u64>,
    /// Fraction of the bodies in the background, from 0 to 1 [default: 0.3]. clumps.
    #[arg(long)]
    pub background: Option<f64>,
    /// The number of clumps of mass m goes as m^-slope; above 1 [default: 2]. clumps.
    #[arg(long)]
    pub slope: Option<f64>,
}

/// Two numbers with a comma between.
fn pair(text: &str) -> Result<[f64; 2], String> {
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    numbers.try_into().map_err(|_| "must be two numbers with a comma between, such as 0,60".to_owned())
}

impl TryFrom<Keys> for Initial {
    type Error = String;

    fn try_from(mut keys: Keys) -> Result<Initial, String> {
        match (keys.file.take(), keys.model.take()) {
            (Some(file), None) => keys.finish(Initial::File { file }, "a file"),
            (None, Some(model)) => Ok(Initial::Model(keys.into_model(model)?)),
            (Some(_), Some(_)) => Err("give either `file` or `model`, not both".to_owned()),
            (None, None) => Err(format!("give `file = \"...\"` or `model = \"...\"`, one of {MODELS}")),
        }
    }
}

impl Keys {
    /// The model of this name, made of these keys.
    ///
    /// # Errors
    /// If a value is out of its range, or a key belongs to another model.
    pub fn into_model(mut self, name: ModelName) -> Result<Model, String> {
        let model = match name {
            ModelName::Plummer => Model::Plummer(self.plummer()?),
            ModelName::TwoBody => Model::TwoBody(self.two_body()?),
            ModelName::Collision => Model::Collision(self.collision()?),
            ModelName::Clumps => Model::Clumps(self.clumps()?),
            ModelName::Uniform => Model::Uniform(self.uniform()?),
        };
        self.finish(model, "this model")
    }

    fn plummer(&mut self) -> Result<Plummer, String> {
        Ok(Plummer {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            radius: positive("radius", self.radius.take(), 1.0)?,
            cut: positive("cut", self.cut.take(), 20.0)?,
        })
    }

    fn two_body(&mut self) -> Result<TwoBody, String> {
        if let Some(bodies) = self.bodies.take().filter(|&bodies| bodies != 2) {
            return Err(format!("bodies = {bodies}: must be 2 for two-body"));
        }
        self.seed = None; // nothing is random in it
        Ok(TwoBody {
            mass: positive("mass", self.mass.take(), 1.0)?,
            mass_ratio: positive("mass_ratio", self.mass_ratio.take(), 1.0)?,
            semi_major_axis: positive("semi_major_axis", self.semi_major_axis.take(), 1.0)?,
            eccentricity: within(
                "eccentricity",
                self.eccentricity.take(),
                0.0,
                0.0..1.0,
                "from 0 to below 1",
            )?,
        })
    }

    fn collision(&mut self) -> Result<Collision, String> {
        let radius = positive("radius", self.radius.take(), 1.0)?;
        let pericentre = positive("pericentre", self.pericentre.take(), 2.0 * radius)?;
        let distance = positive("distance", self.distance.take(), 20.0 * radius)?;
        if distance < pericentre {
            return Err(format!("distance = {distance}: must not be below the pericentre {pericentre}"));
        }
        Ok(Collision {
            bodies: self.bodies(2)?,
            seed: self.seed.take().unwrap_or(0),
            profile: self.profile.take().unwrap_or(Profile::Hernquist),
            mass: positive("mass", self.mass.take(), 1.0)?,
            mass_ratio: positive("mass_ratio", self.mass_ratio.take(), 1.0)?,
            radius,
            cut: positive("cut", self.cut.take(), 20.0)?,
            spin: within("spin", self.spin.take(), 0.0, 0.0..1.0 + f64::EPSILON, "from 0 to 1")?,
            inclination: angles("inclination", self.inclination.take())?,
            azimuth: angles("azimuth", self.azimuth.take())?,
            pericentre,
            distance,
        })
    }

    fn clumps(&mut self) -> Result<Clumps, String> {
        let side = positive("side", self.side.take(), 1.0)?;
        let clumps = self.clumps.take().unwrap_or(300);
        if !(1..=MOST_CLUMPS).contains(&clumps) {
            return Err(format!("clumps = {clumps}: must be from 1 to {MOST_CLUMPS}"));
        }
        let one = 1.0 + f64::EPSILON;
        Ok(Clumps {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            clumps,
            background: within("background", self.background.take(), 0.3, 0.0..one, "from 0 to 1")?,
            slope: within("slope", self.slope.take(), 2.0, one..f64::INFINITY, "above 1 and finite")?,
            side,
            radius: positive("radius", self.radius.take(), 0.02 * side)?,
            cut: positive("cut", self.cut.take(), 20.0)?,
        })
    }

    fn uniform(&mut self) -> Result<Uniform, String> {
        Ok(Uniform {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            shape: self.shape.take().unwrap_or(UniformShape::Box),
            side: positive("side", self.side.take(), 1.0)?,
        })
    }

    fn bodies(&mut self, least: u64) -> Result<u64, String> {
        match self.bodies.take() {
            None => Err("`bodies` is missing: how many to make".to_owned()),
            Some(bodies) if bodies < least => Err(format!("bodies = {bodies}: must be at least {least}")),
            Some(bodies) => Ok(bodies),
        }
    }

    /// `made`, unless a key has found no use.
    fn finish<T>(self, made: T, what: &str) -> Result<T, String> {
        match io::parameters::echo(&self).first() {
            None => Ok(made),
            Some((key, _)) => Err(format!("`{key}` has no meaning for {what}")),
        }
    }
}

fn within(
    name: &str,
    value: Option<f64>,
    default: f64,
    range: std::ops::Range<f64>,
    expected: &str,
) -> Result<f64, String> {
    let value = value.unwrap_or(default);
    if range.contains(&value) { Ok(value) } else { Err(format!("{name} = {value}: must be {expected}")) }
}

fn positive(name: &str, value: Option<f64>, default: f64) -> Result<f64, String> {
    within(name, value, default, f64::MIN_POSITIVE..f64::INFINITY, "above 0 and finite")
}

fn angles(name: &str, value: Option<[f64; 2]>) -> Result<[f64; 2], String> {
    let angles = value.unwrap_or_default();
    if angles.iter().all(|angle| angle.is_finite()) {
        Ok(angles)
    } else {
        Err(format!("{name} = {angles:?}: must be two angles in degrees"))
    }
}
