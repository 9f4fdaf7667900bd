//! External potentials by kind and keys, as in `[[potential]]` of a parameter file.

use crate::foreign::series::{self, Series};
use crate::{Error, Units};
use nbody::potential::{
    Bar, Circle, Component, CutPowerLaw, External, Friction, Growth, Hernquist, Isochrone, Logarithmic,
    MiyamotoNagai, Motion, Nfw, PointMass, Rotation, Scale, Shape, Sinker, Track, mcmillan_2017,
    mw_potential_2014,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use xxhash_rust::xxh3::xxh3_64;

/// The kind of a potential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A point mass, or a Plummer sphere if it has a `softening`.
    PointMass,
    /// The isochrone.
    Isochrone,
    /// The logarithmic potential.
    Logarithmic,
    /// The halo of Navarro, Frenk & White.
    Nfw,
    /// The sphere of Hernquist.
    Hernquist,
    /// The disc of Miyamoto & Nagai.
    MiyamotoNagai,
    /// The rotating quadrupole of a bar.
    Bar,
    /// A power law with an exponential cut-off.
    PowerLawCutoff,
    /// The Milky Way of Bovy (2015).
    #[serde(rename = "MWPotential2014")]
    MwPotential2014,
    /// The Milky Way of McMillan (2017).
    #[serde(rename = "McMillan2017")]
    McMillan2017,
}

/// One `[[potential]]`. Each kind accepts its own keys and refuses the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The kind.
    pub kind: Kind,
    /// Mass [M].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass: Option<f64>,
    /// Scale radius or scale length [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Scale height [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
    /// Scale radius of a softened point mass [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub softening: Option<f64>,
    /// Circular speed [L/T].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Core radius [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<f64>,
    /// Axis ratio of the equipotential surfaces along z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flattening: Option<f64>,
    /// Axis ratio of the equipotential surfaces along y.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flattening_y: Option<f64>,
    /// Slope of the density.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope: Option<f64>,
    /// Cut-off radius [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<f64>,
    /// Radial force of the bar over that of the circular speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
    /// Radius to which `strength` and `speed` belong [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius: Option<f64>,
    /// Radius of the bar [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<f64>,
    /// Angular speed of the rotation [1/T].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern_speed: Option<f64>,
    /// Angle of the x axis of the potential at time 0 [degree].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub angle: Option<f64>,
    /// Place of the centre, at time 0 if it moves [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centre: Option<[f64; 3]>,
    /// Velocity of the centre [L/T].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub velocity: Option<[f64; 3]>,
    /// Circular orbit of the centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orbit: Option<OrbitKeys>,
    /// Table of places of the centre: a text table with the columns time, x, y and z, perhaps with units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<PathBuf>,
    /// Checksum of the table, which the program adds. If it is there, the table must have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track_checksum: Option<String>,
    /// Change of the strength with time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<GrowthKeys>,
    /// Dynamical friction of a point mass that moves in the other potentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub friction: Option<FrictionKeys>,
}

/// Keys of `friction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrictionKeys {
    /// Coulomb logarithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coulomb: Option<f64>,
    /// Velocity dispersion of the host in one dimension [L/T].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispersion: Option<f64>,
}

/// Keys of `orbit`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrbitKeys {
    /// Radius of the circle [L].
    pub radius: f64,
    /// Time of one revolution, negative for clockwise [T].
    pub period: f64,
    /// Angle at time 0 [degree].
    #[serde(default)]
    pub angle: f64,
    /// Inclination of the plane about the x axis [degree].
    #[serde(default)]
    pub inclination: f64,
}

/// Keys of `growth`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrowthKeys {
    /// Time at which the change begins [T].
    pub start: f64,
    /// Its duration [T].
    pub duration: f64,
    /// Fraction of the full strength before it.
    #[serde(default)]
    pub from: f64,
    /// Fraction of the full strength after it.
    #[serde(default = "one")]
    pub to: f64,
}

fn one() -> f64 {
    1.0
}

/// The potentials of a list, in these units with this gravitational constant [L^3/M/T^2]. Adds the checksums
/// of tables to the keys. Point masses with friction come last; their orbits reach from time 0 to the
/// time `until` [T].
///
/// # Errors
/// A key is missing, out of range or of another kind, or a table cannot be read. The error begins with the
/// place in the list and the key, such as `0.mass`.
pub fn external(list: &mut [Keys], units: &Units, constant: f64, until: f64) -> Result<External, String> {
    let (mut external, mut sinking) = (External::default(), Vec::new());
    for (i, keys) in list.iter_mut().enumerate() {
        let named = |fault: String| format!("{i}.{fault}");
        if keys.needs_units() && units.physical().is_none() {
            return Err(named(
                "kind: is given in kpc, km/s and solar masses, and the units here have G = 1 and no size; \
                 choose other units, such as galactic"
                    .to_owned(),
            ));
        }
        let mut components = keys.components(units, constant).map_err(named)?;
        components.iter_mut().for_each(|component| component.number = i);
        match keys.friction {
            None => external.components.extend(components),
            Some(friction) => sinking.push((i, keys.start().map_err(named)?, friction, components)),
        }
    }
    let host = external.clone();
    for (i, start, FrictionKeys { coulomb, dispersion }, components) in sinking {
        let named = |fault: String| format!("{i}.friction: {fault}");
        for mut component in components {
            let Shape::PointMass(PointMass { gm, softening }) = component.shape else {
                return Err(named("is for a point mass; leave it out".to_owned()));
            };
            let sinker = Sinker { gm, softening, friction: Friction { coulomb, dispersion } };
            component.motion = Motion::Sinking(sinker.orbit(&host, start, 0.0, until).map_err(named)?);
            external.components.push(component);
        }
    }
    Ok(external)
}

/// Returns an error if a table of positions or the orbit of a mass with friction does not reach over
/// this time [T]. `list` are the keys of the potentials.
///
/// # Errors
/// The run goes on before or after the table or the orbit. The error begins with the place in the list and
/// the key.
pub fn check_span(list: &[Keys], external: &External, span: [f64; 2]) -> Result<(), String> {
    let [from, to] = span;
    for Component { motion, number, .. } in &external.components {
        if let Motion::Sinking(orbit) = motion {
            let last = if orbit.has_arrived() { f64::INFINITY } else { orbit.span()[1] };
            if !(from >= 0.0 && to <= last) {
                return Err(format!(
                    "{number}.friction: the orbit goes from time 0 to {last}, the run from {from} to {to}; give its end, `time.end` in a parameter file, `until` in Python"
                ));
            }
        }
        let Motion::Track(track) = motion else { continue };
        let ([first, last], slack) = (track.span(), 1e-9 * (to - from));
        if !(first <= from + slack && to <= last + slack) {
            let path = list.get(*number).and_then(|keys| keys.track.clone()).unwrap_or_default();
            return Err(format!(
                "{number}.track = {path:?}: the table goes from time {first} to {last}, the run from {from} to {to}, in the units of the run; it must reach over the run"
            ));
        }
    }
    Ok(())
}

/// The keys of one kind, which are taken out one by one. What is left belongs to another kind.
struct Left<'a>(&'a mut Keys);

impl Left<'_> {
    fn positive(name: &str, value: Option<f64>) -> Result<f64, String> {
        let value = value.ok_or_else(|| format!("{name} is missing"))?;
        check(name, value, value > 0.0, "above 0")
    }

    fn mass(&mut self, constant: f64) -> Result<f64, String> {
        Ok(constant * Self::positive("mass", self.0.mass.take())?)
    }

    fn scale(&mut self) -> Result<f64, String> {
        Self::positive("scale", self.0.scale.take())
    }

    fn or(name: &str, value: Option<f64>, default: f64, least: f64) -> Result<f64, String> {
        let value = value.unwrap_or(default);
        check(name, value, value >= least, &format!("{least} or above"))
    }

    fn ratio(name: &str, value: Option<f64>) -> Result<f64, String> {
        Self::positive(name, value.or(Some(1.0)))
    }

    /// The first key that no kind has taken.
    fn other(&self) -> Option<&'static str> {
        let keys = &self.0;
        let left = [
            (keys.mass.is_some(), "mass"),
            (keys.scale.is_some(), "scale"),
            (keys.height.is_some(), "height"),
            (keys.softening.is_some(), "softening"),
            (keys.speed.is_some(), "speed"),
            (keys.core.is_some(), "core"),
            (keys.flattening.is_some(), "flattening"),
            (keys.flattening_y.is_some(), "flattening_y"),
            (keys.slope.is_some(), "slope"),
            (keys.cut.is_some(), "cut"),
            (keys.strength.is_some(), "strength"),
            (keys.radius.is_some(), "radius"),
            (keys.length.is_some(), "length"),
            (keys.pattern_speed.is_some(), "pattern_speed"),
            (keys.angle.is_some(), "angle"),
        ];
        left.into_iter().find(|(left, _)| *left).map(|(_, name)| name)
    }
}

fn check(name: &str, value: f64, holds: bool, expected: &str) -> Result<f64, String> {
    // Beyond these bounds, powers of a number leave the range of double precision.
    if holds && value.is_finite() && (value == 0.0 || (1e-60..1e60).contains(&value.abs())) {
        Ok(value)
    } else {
        Err(format!("{name} = {value:?}: must be {expected} and of a size from 1e-60 to 1e60"))
    }
}

fn finite(name: &str, values: &[f64]) -> Result<(), String> {
    values.iter().try_for_each(|&value| check(name, value, true, "finite").map(|_| ()))
}

impl Keys {
    /// Whether the potential is given in kpc, km/s and solar masses, so that the units must be known.
    pub fn needs_units(&self) -> bool {
        matches!(self.kind, Kind::MwPotential2014 | Kind::McMillan2017)
    }

    fn components(&mut self, units: &Units, constant: f64) -> Result<Vec<Component>, String> {
        let (motion, growth) = (self.motion(units)?, self.growth()?);
        let mut keys = self.clone();
        let mut left = Left(&mut keys);
        let shapes = left.shapes(self.kind, units, constant)?;
        let rotation = left.rotation(&shapes)?;
        if let Some(name) = left.other() {
            return Err(format!("{name}: has no meaning for this kind; leave it out"));
        }
        let component =
            |shape| Component { motion: motion.clone(), rotation, growth, ..Component::fixed(shape) };
        Ok(shapes.into_iter().map(component).collect())
    }

    fn motion(&mut self, units: &Units) -> Result<Motion, String> {
        let given = [self.velocity.is_some(), self.orbit.is_some(), self.track.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err("velocity: give one of `velocity`, `orbit` and `track`".to_owned());
        }
        let centre = self.centre.unwrap_or_default();
        finite("centre", &centre)?;
        if let Some(velocity) = self.velocity {
            finite("velocity", &velocity)?;
            return Ok(Motion::Uniform { centre, velocity });
        }
        if let Some(OrbitKeys { radius, period, angle, inclination }) = self.orbit {
            finite("orbit.angle", &[angle, inclination])?;
            let period = check("orbit.period", period, period != 0.0, "other than 0")?;
            return Ok(Motion::Circle(Circle {
                centre,
                radius: check("orbit.radius", radius, radius >= 0.0, "0 or above")?,
                speed: 2.0 * std::f64::consts::PI / period,
                angle: angle.to_radians(),
                inclination: inclination.to_radians(),
            }));
        }
        let Some(path) = self.track.clone() else { return Ok(Motion::Fixed(centre)) };
        if self.centre.is_some() {
            return Err(
                "centre: has no meaning beside `track`, which has the places; leave it out".to_owned()
            );
        }
        let (track, checksum) =
            read_track(&path, units).map_err(|fault| format!("track = {path:?}: {fault}"))?;
        if self.track_checksum.as_ref().is_some_and(|known| *known != checksum) {
            return Err(format!(
                "track = {path:?}: the table is not the one that these parameters were used with"
            ));
        }
        self.track_checksum = Some(checksum);
        Ok(Motion::Track(track))
    }

    /// Place and velocity at time 0 of a point mass with friction.
    fn start(&self) -> Result<[f64; 6], String> {
        if self.orbit.is_some() || self.track.is_some() {
            return Err("friction: has no meaning beside `orbit` or `track`; give `velocity`".to_owned());
        }
        let FrictionKeys { coulomb, dispersion } = self.friction.unwrap_or_default();
        if let Some(coulomb) = coulomb {
            check("friction.coulomb", coulomb, coulomb >= 0.0, "0 or above")?;
        }
        if let Some(dispersion) = dispersion {
            check("friction.dispersion", dispersion, dispersion > 0.0, "above 0")?;
        }
        let ([x, y, z], [u, v, w]) = (self.centre.unwrap_or_default(), self.velocity.unwrap_or_default());
        Ok([x, y, z, u, v, w])
    }

    fn growth(&self) -> Result<Option<Growth>, String> {
        let Some(GrowthKeys { start, duration, from, to }) = self.growth else { return Ok(None) };
        finite("growth.start", &[start])?;
        Ok(Some(Growth {
            start,
            duration: check("growth.duration", duration, duration > 0.0, "above 0")?,
            from: check("growth.from", from, from >= 0.0, "0 or above")?,
            to: check("growth.to", to, to >= 0.0, "0 or above")?,
        }))
    }
}

impl Left<'_> {
    fn shapes(&mut self, kind: Kind, units: &Units, constant: f64) -> Result<Vec<Shape>, String> {
        let shape = match kind {
            Kind::PointMass => Shape::PointMass(PointMass {
                gm: self.mass(constant)?,
                softening: Self::or("softening", self.0.softening.take(), 0.0, 0.0)?,
            }),
            Kind::Isochrone => Shape::Isochrone(Isochrone { gm: self.mass(constant)?, scale: self.scale()? }),
            Kind::Logarithmic => Shape::Logarithmic(Logarithmic {
                speed: Self::positive("speed", self.0.speed.take())?,
                core: Self::or("core", self.0.core.take(), 0.0, 0.0)?,
                ratios: [
                    Self::ratio("flattening_y", self.0.flattening_y.take())?,
                    Self::ratio("flattening", self.0.flattening.take())?,
                ],
            }),
            Kind::Nfw => Shape::Nfw(Nfw { gm: self.mass(constant)?, scale: self.scale()? }),
            Kind::Hernquist => Shape::Hernquist(Hernquist { gm: self.mass(constant)?, scale: self.scale()? }),
            Kind::MiyamotoNagai => Shape::MiyamotoNagai(MiyamotoNagai {
                gm: self.mass(constant)?,
                scale: Self::or("scale", self.0.scale.take(), 0.0, 0.0)?,
                height: Self::positive("height", self.0.height.take())?,
            }),
            Kind::Bar => {
                let length = Self::positive("length", self.0.length.take())?;
                let speed = Self::positive("speed", self.0.speed.take())?;
                let strength = Self::positive("strength", self.0.strength.take())?;
                let radius = Self::positive("radius", self.0.radius.take())?;
                let amplitude = check(
                    "strength",
                    Bar::amplitude(strength, speed, radius, length),
                    true,
                    "such that the amplitude is finite",
                )?;
                Shape::Bar(Bar { amplitude, length })
            }
            Kind::PowerLawCutoff => {
                let slope = Self::or("slope", self.0.slope.take(), 1.8, 0.0)?;
                check("slope", slope, slope <= 1.99, "from 0 to 1.99")?;
                let cut = Self::positive("cut", self.0.cut.take())?;
                Shape::CutPowerLaw(CutPowerLaw::new(self.mass(constant)?, slope, cut))
            }
            Kind::MwPotential2014 => return Ok(mw_potential_2014(&scale(units, constant))),
            Kind::McMillan2017 => return Ok(mcmillan_2017(&scale(units, constant))),
        };
        Ok(vec![shape])
    }

    fn rotation(&mut self, shapes: &[Shape]) -> Result<Rotation, String> {
        if !matches!(shapes, [Shape::Bar(_) | Shape::Logarithmic(_)]) {
            return Ok(Rotation::default());
        }
        let (angle, speed) = (self.0.angle.take().unwrap_or(0.0), self.0.pattern_speed.take().unwrap_or(0.0));
        finite("angle", &[angle])?;
        finite("pattern_speed", &[speed])?;
        Ok(Rotation { angle: angle.to_radians(), speed })
    }
}

/// kpc, km/s and solar masses in the units of a run.
fn scale(units: &Units, constant: f64) -> Scale {
    let sun = Units::GALACTIC.mass_in_g / 1e10;
    Scale {
        kpc: Units::GALACTIC.length_in_cm / units.length_in_cm,
        km_per_s: 1e5 / units.velocity_in_cm_per_s,
        sun: constant * sun / units.mass_in_g,
    }
}

/// Greatest size of a table of positions [bytes].
const LARGEST_TABLE: u64 = 1 << 28;
/// The columns of a table of positions.
const TRACK: [series::Wanted; 4] = [
    ("time", [0, 0, 1], "time"),
    ("x", [1, 0, 0], "length"),
    ("y", [1, 0, 0], "length"),
    ("z", [1, 0, 0], "length"),
];

/// The track of a table in these units, and the checksum of the file.
fn read_track(path: &std::path::Path, units: &Units) -> Result<(Track, String), String> {
    let words = |error: Error| error.to_string();
    let bytes = crate::read_bytes(path, LARGEST_TABLE).map_err(words)?;
    let mut columns = series::read(path, &TRACK).map_err(words)?;
    for (Series { values, unit }, (name, ..)) in columns.iter_mut().zip(TRACK) {
        let Some(unit) = unit else { continue };
        if units.physical().is_none() {
            return Err(format!(
                "its column {name} has a unit, and the units here have G = 1 and no size; leave out the unit"
            ));
        }
        let factor = units.factor_of(*unit);
        values.iter_mut().for_each(|value| *value *= factor);
    }
    let [time, x, y, z] = columns.map(|column| column.values);
    let places = (0..x.len()).map(|i| [x[i], y[i], z[i]]).collect();
    Ok((Track::new(time, places)?, format!("{:016x}", xxh3_64(&bytes))))
}
