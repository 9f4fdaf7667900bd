//! The values at the two ends of a colour scale. Each is in the unit of the colour bar, or has its
//! own unit.

use crate::parameters::quantities::{self, Quantity};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// Two ascending values, each in the unit of the colour bar or with its own unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends([Quantity; 2]);

impl Ends {
    /// Two ends, each parsed by `parse`.
    ///
    /// # Errors
    /// If one is not a quantity, or they do not ascend. If only one has a unit, `resolve` checks
    /// their order.
    fn new<S: AsRef<str>>(
        ends: [S; 2],
        parse: impl Fn(&str) -> Result<Quantity, String>,
    ) -> Result<Ends, String> {
        let [low, high] = ends;
        let ends = [parse(low.as_ref())?, parse(high.as_ref())?];
        if !quantities::is_rising(&ends) {
            return Err(format!("{} is not below {}", low.as_ref().trim(), high.as_ref().trim()));
        }
        Ok(Ends(ends))
    }

    /// Parses `LOW:HIGH`.
    fn parsed(
        text: &str,
        example: &str,
        parse: impl Fn(&str) -> Result<Quantity, String>,
    ) -> Result<Ends, String> {
        let (low, high) = text.split_once(':').ok_or_else(|| format!("give {example}"))?;
        Ends::new([low, high], parse).map_err(|fault| format!("{fault}; give {example}"))
    }

    /// Parses two surface densities of an option, as `1e5:1e9` or `1 Msun/pc^2:1e3 Msun/pc^2`.
    ///
    /// # Errors
    /// If the text is something else.
    pub(super) fn surface_densities(text: &str, example: &str) -> Result<Ends, String> {
        Ends::parsed(text, example, quantities::surface_density)
    }

    /// Parses two speeds or two times of an option, as `0:250` or `-100 km/s:100 km/s`.
    ///
    /// # Errors
    /// If the text is something else.
    pub(super) fn speeds_or_times(text: &str) -> Result<Ends, String> {
        Ends::parsed(text, "two rising values as 0:250 or \"-100 km/s:100 km/s\"", quantities::speed_or_time)
    }

    /// The values in units of a file or a run: `None` if they have no size. `per_unit` is the factor from
    /// these units to that of the colour bar.
    ///
    /// # Errors
    /// If a value has a unit and the units have no size, or the values do not rise.
    pub(crate) fn resolve(&self, units: Option<&io::Units>, per_unit: f64) -> Result<[f64; 2], String> {
        let mut values = [0.0; 2];
        for (value, end) in values.iter_mut().zip(&self.0) {
            *value = if end.has_unit() { end.value(units)? } else { end.value(units)? / per_unit };
        }
        let [low, high] = values;
        if low < high && (high - low).is_finite() {
            return Ok(values);
        }
        let [low, high] = &self.0;
        Err(format!("{low} is not below {high}, or one of them is beyond the range of numbers"))
    }

    /// Checks the values before the unit of the colour bar is known. If only one has a unit, their order
    /// is not known either.
    ///
    /// # Errors
    /// As those of `resolve`.
    pub(crate) fn check_alone(&self, units: Option<&io::Units>) -> Result<(), String> {
        let [low, high] = &self.0;
        if low.has_unit() == high.has_unit() {
            return self.resolve(units, 1.0).map(|_| ());
        }
        quantities::values(&self.0, units).map(|_| ())
    }

    /// Checks that both are speeds, or that both are times.
    ///
    /// # Errors
    /// If one has a unit of another kind.
    pub(super) fn check(&self, is_speed: bool) -> Result<(), String> {
        self.0.iter().try_for_each(|end| end.check_speed_or_time(is_speed))
    }
}

/// As an array of numbers and of strings with units.
impl Serialize for Ends {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// An end in a parameter file, as text.
struct End(String);

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<End, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = End;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or a string such as \"1e6 Msun/kpc^2\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<End, E> {
                quantities::surface_density(text).map(|_| End(text.to_owned())).map_err(E::custom)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<End, E> {
                self.visit_str(&format!("{number:?}"))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<End, E> {
                self.visit_f64(number as f64)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<End, E> {
                self.visit_f64(number as f64)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Two surface densities.
impl<'de> Deserialize<'de> for Ends {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ends, D::Error> {
        let ends = <[End; 2]>::deserialize(deserializer)?.map(|End(text)| text);
        Ends::new(ends, quantities::surface_density).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_in_the_unit_of_the_colour_bar_or_have_their_own() {
        let units = Some(&io::Units::GALACTIC);
        let values = |text: &str| Ends::speeds_or_times(text).unwrap().resolve(units, 2.0).unwrap();
        assert_eq!(values("-3:250"), [-1.5, 125.0]);
        assert_eq!(values("-3 km/s:250 km/s"), [-3.0, 250.0]);
        assert_eq!(values(" 0 : 2.5e5 m/s"), [0.0, 250.0]);
        let times = Ends::speeds_or_times("0:977.792221 Myr").unwrap();
        assert!((times.resolve(units, 1.0).unwrap()[1] - 1.0).abs() < 1e-8);
        assert!(times.check(false).is_ok());
        assert!(times.check(true).unwrap_err().contains("is a time, where a speed is needed"));
        assert!(Ends::speeds_or_times("0:9").unwrap().check(true).is_ok());
        for (wrong, words) in [
            ("9", "give two rising"),
            ("9:2", "9 is not below 2"),
            ("9 km/s:2 km/s", "is not below"),
            ("1 kpc:2 kpc", "is a length, where a speed or a time is needed"),
            ("1 Myr:2 knots", "no unit that is known"),
            ("nan:2", "finite"),
            ("1:2:3", "no unit that is known"),
            ("", "give two rising"),
        ] {
            let fault = Ends::speeds_or_times(wrong).unwrap_err();
            assert!(fault.contains(words), "{wrong}: {fault}");
        }
        // Only one has a unit.
        let falling = Ends::speeds_or_times("300:2.5 km/s").unwrap().resolve(units, 1.0).unwrap_err();
        assert!(falling.contains("300 is not below 2.5 km/s"), "{falling}");
        let sizeless = Ends::speeds_or_times("0:2 km/s").unwrap().resolve(None, 1.0).unwrap_err();
        assert!(sizeless.contains("G = 1"), "{sizeless}");
    }
}
