//! The keys of a parameter file, and values of options, that have a dimension. They may have units of
//! their own.

use anyhow::anyhow;
use io::ANGLE;
use io::Units;
use io::parameters::Dimension;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const LENGTH: Dimension = [1, 0, 0];
const MASS: Dimension = [0, 1, 0];
const TIME: Dimension = [0, 0, 1];
const SPEED: Dimension = [1, 0, -1];
const ANGULAR_SPEED: Dimension = [0, 0, -1];

/// Keys outside `[initial]`, with `*` for any key or place in a list.
const KEYS: [(&str, Dimension); 40] = [
    ("box.side", LENGTH),
    ("cosmology.softening_max_physical", LENGTH),
    ("time.end", TIME),
    ("time.step", TIME),
    ("time.smallest_step", TIME),
    ("output.snapshot_every", TIME),
    ("output.at.*", TIME),
    ("output.lightcone.observer.*", LENGTH),
    ("movie.every", TIME),
    ("movie.width", LENGTH),
    ("movie.centre.*", LENGTH),
    ("movie.azimuth", ANGLE),
    ("movie.elevation", ANGLE),
    ("movie.perspective", ANGLE),
    ("output.lightcone.opening_angle", ANGLE),
    ("gravity.softening", LENGTH),
    ("gravity.softening.length", LENGTH),
    ("gravity.softening.length.*", LENGTH),
    ("gravity.softening.pairs.*.length", LENGTH),
    ("gravity.tolerance", [1, 0, -2]),
    ("potential.*.mass", MASS),
    ("potential.*.scale", LENGTH),
    ("potential.*.height", LENGTH),
    ("potential.*.softening", LENGTH),
    ("potential.*.speed", SPEED),
    ("potential.*.core", LENGTH),
    ("potential.*.cut", LENGTH),
    ("potential.*.radius", LENGTH),
    ("potential.*.length", LENGTH),
    ("potential.*.pattern_speed", ANGULAR_SPEED),
    ("potential.*.angle", ANGLE),
    ("potential.*.orbit.angle", ANGLE),
    ("potential.*.orbit.inclination", ANGLE),
    ("potential.*.centre.*", LENGTH),
    ("potential.*.velocity.*", SPEED),
    ("potential.*.orbit.radius", LENGTH),
    ("potential.*.orbit.period", TIME),
    ("potential.*.friction.dispersion", SPEED),
    ("potential.*.growth.start", TIME),
    ("potential.*.growth.duration", TIME),
];

/// Keys of `[initial]` and of `[[initial.galaxies]]`.
const INITIAL: [(&str, Dimension); 30] = [
    ("mass", MASS),
    ("radius", LENGTH),
    ("softening", LENGTH),
    ("semi_major_axis", LENGTH),
    ("pericentre", LENGTH),
    ("distance", LENGTH),
    ("disc_mass", MASS),
    ("disc_length", LENGTH),
    ("disc_height", LENGTH),
    ("halo_mass", MASS),
    ("halo_radius", LENGTH),
    ("bulge_mass", MASS),
    ("bulge_radius", LENGTH),
    ("side", LENGTH),
    ("solar_mass", MASS),
    ("binary_axis.*", LENGTH),
    ("belt.*", LENGTH),
    ("belt_mass", MASS),
    ("planets.*.mass", MASS),
    ("planets.*.semi_major_axis", LENGTH),
    ("planets.*.inclination", ANGLE),
    ("planets.*.node", ANGLE),
    ("planets.*.pericentre", ANGLE),
    ("planets.*.anomaly", ANGLE),
    ("belt_inclination", ANGLE),
    ("inclination.*", ANGLE),
    ("azimuth.*", ANGLE),
    ("orientation.*", ANGLE),
    ("position.*", LENGTH),
    ("velocity.*", SPEED),
];

/// Keys that are differences of ln a in an expanding universe, and then have no dimension.
const LOGARITHMIC: [&str; 4] = ["time.step", "time.smallest_step", "output.snapshot_every", "movie.every"];

/// The keys that have a dimension in an expanding universe.
pub(crate) fn keys_of_universe() -> Vec<(&'static str, Dimension)> {
    keys().into_iter().filter(|(key, _)| !LOGARITHMIC.contains(key)).collect()
}

/// All keys with a dimension.
pub(crate) fn keys() -> Vec<(&'static str, Dimension)> {
    static OF_INITIAL: std::sync::LazyLock<Vec<(String, Dimension)>> = std::sync::LazyLock::new(|| {
        let places = ["initial", "initial.galaxies.*"];
        let all = places.iter().flat_map(|place| {
            INITIAL.iter().map(move |(key, dimension)| (format!("{place}.{key}"), *dimension))
        });
        all.collect()
    });
    KEYS.into_iter().chain(OF_INITIAL.iter().map(|(key, dimension)| (key.as_str(), *dimension))).collect()
}

/// A number of an option with a dimension: in the units of what it belongs to, or with a unit of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    text: String,
    dimension: Dimension,
    /// The number, if it has no unit.
    number: Option<f64>,
}

impl Quantity {
    fn new(text: &str, dimension: Dimension) -> Result<Quantity, String> {
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        if number.is_none() {
            // An unknown unit, or one of another dimension, is an error before anything is read.
            Units::GALACTIC.quantity(text, dimension).map_err(|fault| match text.trim().parse::<f64>() {
                Ok(_) => "must be a finite number".to_owned(),
                Err(_) => fault,
            })?;
        }
        Ok(Quantity { text: text.trim().to_owned(), dimension, number })
    }

    /// The value in these units; `None` if they have G = 1 and no size.
    ///
    /// # Errors
    /// The quantity has a unit, and the units have no size.
    pub fn value(&self, units: Option<&Units>) -> Result<f64, String> {
        match (self.number, units) {
            (Some(number), _) => Ok(number),
            (None, Some(units)) => units.quantity(&self.text, self.dimension),
            (None, None) if self.dimension == ANGLE => Units::CGS.quantity(&self.text, ANGLE),
            (None, None) => {
                Err(format!("{}: the units here have G = 1 and no size; give a number", self.text))
            }
        }
    }
}

impl Quantity {
    /// Whether it has a unit of its own.
    pub(crate) fn has_unit(&self) -> bool {
        self.number.is_none()
    }

    /// Whether it is above 0, which does not depend on the unit.
    fn is_above_zero(&self) -> bool {
        self.value(Some(&Units::CGS)).is_ok_and(|value| value > 0.0)
    }

    /// Checks that a quantity with a unit is a speed, or that it is a time.
    ///
    /// # Errors
    /// It is the other.
    pub(crate) fn check_speed_or_time(&self, is_speed: bool) -> Result<(), String> {
        let needed = if is_speed { SPEED } else { TIME };
        if self.has_unit() && self.dimension != needed {
            // Its error names both kinds.
            Units::CGS.quantity(&self.text, needed).map_err(|fault| format!("{} {fault}", self.text))?;
        }
        Ok(())
    }

    /// The value in the units of a file.
    ///
    /// # Errors
    /// The quantity has a unit, and the units have no size. It names the option.
    pub(crate) fn of_option(&self, option: &str, units: &Units) -> anyhow::Result<f64> {
        self.value(sized(units)).map_err(|fault| anyhow!("{option}: {fault}"))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A number, or the text with its unit.
impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.number {
            Some(number) => number.serialize(serializer),
            None => self.text.serialize(serializer),
        }
    }
}

/// A length in a file: a number, or a text with a unit.
#[derive(Clone, Debug)]
pub(crate) struct Length(pub(crate) Quantity);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a length: a number, or a text with a unit, as \"40 kpc\"")]
        enum Value {
            Number(f64),
            Text(String),
        }
        let text = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text,
        };
        length(&text).map(Length).map_err(serde::de::Error::custom)
    }
}

/// Units with a size: all but those with G = 1.
pub(crate) fn sized(units: &Units) -> Option<&Units> {
    Some(units).filter(|units| **units != Units::NBODY)
}

/// Values of several quantities in these units.
///
/// # Errors
/// One has a unit, and the units have no size.
pub(crate) fn values<const N: usize>(
    quantities: &[Quantity; N],
    units: Option<&Units>,
) -> Result<[f64; N], String> {
    let mut values = [0.0; N];
    for (value, quantity) in values.iter_mut().zip(quantities) {
        *value = quantity.value(units)?;
    }
    Ok(values)
}

/// Parses a length of an option.
pub(crate) fn length(text: &str) -> Result<Quantity, String> {
    if text.contains([':', ',']) {
        return Err("one length is needed, such as 5 or \"5 kpc\"".to_owned());
    }
    Quantity::new(text, LENGTH)
}

/// Parses an angle of an option, in degrees or with a unit. Returns it in degrees.
pub(crate) fn angle(text: &str) -> Result<f64, String> {
    let angle = text.trim().parse::<f64>().or_else(|_| Units::CGS.quantity(text, ANGLE));
    angle.map_err(|_| "must be an angle in degrees, such as 30, or \"30 deg\" or \"0.5 rad\"".to_owned())
}

/// Parses a surface density above 0.
pub(crate) fn surface_density(text: &str) -> Result<Quantity, String> {
    let density = Quantity::new(text, [-2, 1, 0])?;
    if density.is_above_zero() { Ok(density) } else { Err("must be a surface density above 0".to_owned()) }
}

/// Parses a speed or a time of an option. A number without a unit counts as a speed.
pub(crate) fn speed_or_time(text: &str) -> Result<Quantity, String> {
    let needs_a_speed = match Quantity::new(text, SPEED) {
        Ok(speed) => return Ok(speed),
        Err(fault) => fault,
    };
    let either = |_| needs_a_speed.replace("a speed is needed", "a speed or a time is needed");
    Quantity::new(text, TIME).map_err(either)
}

/// Parses a length above 0 of an option.
pub(crate) fn length_above_zero(text: &str) -> Result<Quantity, String> {
    let length = length(text)?;
    if length.is_above_zero() { Ok(length) } else { Err("must be a length above 0".to_owned()) }
}

/// Parses two rising lengths above 0 of an option, as `0.1:50` or `100 pc:50 kpc`. If only one has a unit,
/// their order is not known here.
pub(crate) fn rising_lengths(text: &str) -> Result<[Quantity; 2], String> {
    let example = "give two rising radii above 0 as 0.1:50, each with or without a unit";
    let (low, high) = text.split_once(':').ok_or(example)?;
    let ends = [length(low)?, length(high)?];
    if ends.iter().all(Quantity::is_above_zero) && is_rising(&ends) {
        Ok(ends)
    } else {
        Err(example.to_owned())
    }
}

/// Whether two quantities rise, if both have a unit or none has. Two of different kinds do not.
pub(crate) fn is_rising([low, high]: &[Quantity; 2]) -> bool {
    if low.has_unit() != high.has_unit() {
        return true;
    }
    let in_cgs = |end: &Quantity| end.value(Some(&Units::CGS)).unwrap_or(f64::NAN);
    low.dimension == high.dimension && in_cgs(low) < in_cgs(high)
}

/// The origin of coordinates.
pub(crate) fn origin() -> [Quantity; 3] {
    std::array::from_fn(|_| Quantity { text: "0".to_owned(), dimension: LENGTH, number: Some(0.0) })
}

/// Parses lengths of an option with commas between.
pub(crate) fn lengths<const N: usize>(text: &str) -> Result<[Quantity; N], String> {
    list(text, LENGTH)
}

/// Parses speeds of an option with commas between.
pub(crate) fn speeds<const N: usize>(text: &str) -> Result<[Quantity; N], String> {
    list(text, SPEED)
}

fn list<const N: usize>(text: &str, dimension: Dimension) -> Result<[Quantity; N], String> {
    let example = ["1.5", "0", "-2"][..N.min(3)].join(",");
    let wrong =
        || format!("must be {N} numbers with commas between, such as {example}, each with or without a unit");
    let parts: Vec<&str> = text.split(',').collect();
    if parts.len() != N || parts.iter().any(|part| part.trim().is_empty()) {
        return Err(wrong());
    }
    let list: Result<Vec<Quantity>, String> =
        parts.into_iter().map(|part| Quantity::new(part, dimension)).collect();
    list?.try_into().map_err(|_| wrong())
}

/// Dimension of an option of a model, by its key.
pub(crate) fn of_model(key: &str) -> Option<Dimension> {
    let is_it = |name: &&(&str, Dimension)| name.0 == key || name.0.strip_suffix(".*") == Some(key);
    INITIAL.iter().find(is_it).map(|(_, dimension)| *dimension)
}

/// Parses the value of an option of a model: a quantity, or several with commas between.
pub(crate) fn model_values(text: &str, dimension: Dimension) -> Result<Vec<Quantity>, String> {
    text.split(',').map(|part| Quantity::new(part, dimension)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_numbers_or_quantities() {
        let galactic = Some(&Units::GALACTIC);
        assert_eq!(length("3").unwrap().value(None), Ok(3.0));
        assert_eq!(length(" 3 kpc").unwrap().value(galactic), Ok(3.0));
        let parsecs = length("3kpc").unwrap().value(Some(&Units::PARSEC)).unwrap();
        assert!((parsecs / 3000.0 - 1.0).abs() < 1e-12);
        let shift = lengths::<3>("-2.5, 3 kpc,1e1 kpc").unwrap();
        assert_eq!(values(&shift, galactic), Ok([-2.5, 3.0, 10.0]));
        assert_eq!(values(&speeds::<3>("-2 km/s,0,1").unwrap(), galactic), Ok([-2.0, 0.0, 1.0]));
        let fault = length("3 kpc").unwrap().value(None).unwrap_err();
        assert!(fault.contains("G = 1"), "{fault}");
        for (wrong, words) in [
            ("3 Msun", "is a mass, where a length is needed"),
            ("3 parrots", "is no unit that is known"),
            ("wide", "is no number with a unit"),
            ("nan", "finite"),
            ("inf", "finite"),
        ] {
            let fault = length(wrong).unwrap_err();
            assert!(fault.contains(words), "{wrong}: {fault}");
        }
        for wrong in ["1,2", "1,2,3,4", "1,,2", "1,2,3 km/s"] {
            assert!(lengths::<3>(wrong).is_err(), "{wrong}");
        }
        assert_eq!((angle("-30"), angle("30 deg"), angle("0 rad")), (Ok(-30.0), Ok(30.0), Ok(0.0)));
        assert!(angle("3 kpc").is_err() && angle("up").is_err());
        assert_eq!(Quantity::new("3 deg", ANGLE).unwrap().value(None), Ok(3.0));
        assert!(length_above_zero("-1 pc").is_err() && length_above_zero("0").is_err());
        assert!(length_above_zero("1 pc").is_ok());
        assert_eq!((of_model("belt"), of_model("mass"), of_model("w0")), (Some(LENGTH), Some(MASS), None));
    }
}
