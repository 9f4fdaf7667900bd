//! The keys of the `[gravity]` table, which are options of commands without a parameter file too:
//! one list for both.

pub mod options;
pub(crate) mod softening;

use crate::parameters::defaults::is_false;
use decomposition::Sharing;
use nbody::cosmology::Expansion;
use nbody::forces::{AccuracyOf, Forces};
use serde::de::{DeserializeOwned, Error, IntoDeserializer, value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;
use treecode::{Criterion, Gravity, Softening, Walk};

/// The keys of `[gravity]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Wanted force error, the root mean square of |a - a_direct| / |a_direct|. The program chooses
    /// the other settings for this error and corrects them by direct sums over a sample of bodies
    /// [default: 0.001, unless criterion, theta, tolerance, order or leaf-size is given].
    #[arg(long, value_name = "ERROR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// What the accuracy is relative to: the gravity of the bodies, or the total with external
    /// potentials, which only parameter files have.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_of: Option<AccuracyOf>,
    /// Which walk computes the interactions: fmm (cells act on cells), tree (cells act on bodies)
    /// or direct (all pairs of bodies, exact, for few bodies) [default: fmm].
    #[arg(long, value_parser = by_name::<Walk>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub walk: Option<Walk>,
    /// Multipole acceptance criterion: angle (Barnes & Hut), absolute (Salmon & Warren) or relative
    /// (to the last acceleration) [default: relative].
    #[arg(long, value_parser = by_name::<Criterion>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub criterion: Option<Criterion>,
    /// Opening angle of the criterion angle, in radians, above 0 and at most 1 [default: 0.5].
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theta: Option<f64>,
    /// Largest allowed force error of one cell. With the criterion relative it is a fraction of the
    /// last acceleration; with absolute it is an acceleration in the units of the bodies [default:
    /// 0.003].
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// Order of the multipole expansion: 1 monopole, 2 quadrupole, 3 octupole, 4 hexadecapole, 5 or
    /// 6 [default: 3].
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<usize>,
    /// Largest number of bodies in a leaf; a cell with more is split [default: 48].
    #[arg(long, value_name = "BODIES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf_size: Option<usize>,
    /// Largest number of bodies in a group that shares an interaction list [default: 128].
    #[arg(long, value_name = "BODIES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_size: Option<usize>,
    /// Continue if no tolerance gives the wanted error, or if bodies are too close together or too
    /// far apart for the precision of positions. Without this option, both are errors.
    #[arg(long)]
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_missed: bool,
    /// Softening at short distances.
    #[arg(skip)]
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::parameters::gravity::softening::deserialize_some"
    )]
    pub softening: Option<Softening>,
}

impl Keys {
    /// The first key that determines the error by other means than an accuracy.
    fn against_accuracy(&self) -> Option<&'static str> {
        let other_criterion = self.criterion.is_some_and(|criterion| criterion != Criterion::Relative);
        let given = [
            (self.theta.is_some(), "theta"),
            (self.tolerance.is_some(), "tolerance"),
            (other_criterion, "criterion"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, key)| key)
    }

    /// The first key that direct summation does not use.
    fn against_direct(&self) -> Option<&'static str> {
        let given = [
            (self.accuracy.is_some(), "accuracy"),
            (self.accuracy_of.is_some(), "accuracy_of"),
            (self.criterion.is_some(), "criterion"),
            (self.theta.is_some(), "theta"),
            (self.tolerance.is_some(), "tolerance"),
            (self.order.is_some(), "order"),
            (self.leaf_size.is_some(), "leaf_size"),
            (self.allow_missed, "allow_missed"),
        ];
        given.into_iter().find(|(given, _)| *given).map(|(_, key)| key)
    }

    fn is_explicit(&self) -> bool {
        self.against_accuracy().is_some()
            || self.criterion.is_some()
            || self.order.is_some()
            || self.leaf_size.is_some()
    }
}

impl TryFrom<Keys> for Forces {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Forces, String> {
        if keys.walk == Some(Walk::Direct) {
            if let Some(key) = keys.against_direct() {
                return Err(format!(
                    "`{key}` has no meaning with `walk = \"direct\"`, which is exact; leave it out"
                ));
            }
            let mut forces = Forces::direct(keys.softening.unwrap_or_default());
            if let Some(group_size) = keys.group_size {
                forces.gravity.group_size = group_size;
                forces.gravity.leaf_size = forces.gravity.leaf_size.min(group_size);
            }
            return Ok(forces);
        }
        let accuracy = match keys.accuracy {
            None if keys.is_explicit() => None,
            None => Some(Forces::DEFAULT_ACCURACY),
            Some(accuracy) => {
                if let Some(key) = keys.against_accuracy() {
                    let other = if key == "criterion" { " other than \"relative\"" } else { "" };
                    return Err(format!(
                        "give either `accuracy` or `{key}`{other}, not both: an accuracy chooses the tolerance of criterion relative"
                    ));
                }
                Some(accuracy)
            }
        };
        if accuracy.is_none() && keys.accuracy_of.is_some() {
            return Err(
                "`accuracy_of` has no meaning without an accuracy: these settings choose the tolerance; give `accuracy` or leave it out"
                    .to_owned(),
            );
        }
        let default = Gravity::default();
        let (walk, softening) = (keys.walk.unwrap_or(default.walk), keys.softening.unwrap_or_default());
        let base = match accuracy {
            Some(accuracy) => Forces::of_accuracy(accuracy, walk, keys.order, softening).gravity,
            None => Gravity { walk, softening, ..default },
        };
        let leaf_size = keys.leaf_size.unwrap_or(base.leaf_size);
        let gravity = Gravity {
            criterion: keys.criterion.unwrap_or(base.criterion),
            theta: keys.theta.unwrap_or(base.theta),
            tolerance: keys.tolerance.unwrap_or(base.tolerance),
            order: keys.order.unwrap_or(base.order),
            leaf_size,
            group_size: keys.group_size.unwrap_or(base.group_size.max(leaf_size)),
            ..base
        };
        Ok(Forces {
            accuracy,
            accuracy_of: keys.accuracy_of.unwrap_or_default(),
            allow_missed: keys.allow_missed,
            any_order: accuracy.is_some() && keys.order.is_none(),
            gravity,
            external: Arc::default(),
            expansion: Expansion::Static,
            sharing: Sharing::default(),
        })
    }
}

/// Keys that give the same forces.
impl From<Forces> for Keys {
    fn from(Forces { accuracy, accuracy_of, allow_missed, any_order, gravity, .. }: Forces) -> Keys {
        let direct = gravity.walk == Walk::Direct;
        let free = accuracy.is_none() && !direct;
        Keys {
            accuracy,
            accuracy_of: accuracy.map(|_| accuracy_of),
            walk: Some(gravity.walk),
            criterion: free.then_some(gravity.criterion),
            theta: free.then_some(gravity.theta),
            tolerance: free.then_some(gravity.tolerance),
            order: (!direct && !any_order).then_some(gravity.order),
            leaf_size: (!direct).then_some(gravity.leaf_size),
            group_size: Some(gravity.group_size),
            allow_missed,
            softening: Some(gravity.softening),
        }
    }
}

/// Reads a `[gravity]` table, for `serde(with)`.
///
/// # Errors
/// Keys contradict each other.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Forces, D::Error> {
    Keys::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
}

/// Writes a `[gravity]` table that gives the same forces, for `serde(with)`.
///
/// # Errors
/// The serializer fails.
pub fn serialize<S: Serializer>(forces: &Forces, serializer: S) -> Result<S::Ok, S::Error> {
    Keys::from(forces.clone()).serialize(serializer)
}

/// The value with this name in a parameter file.
pub(crate) fn by_name<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    let text: value::StrDeserializer<'_, value::Error> = name.into_deserializer();
    T::deserialize(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use treecode::Gravity;

    fn forces(keys: Keys) -> Forces {
        keys.try_into().unwrap()
    }

    fn with_accuracy(accuracy: f64) -> Keys {
        Keys { accuracy: Some(accuracy), ..Keys::default() }
    }

    #[test]
    fn an_accuracy_is_in_force_unless_settings_are_chosen() {
        assert_eq!(Forces::default().accuracy, Some(1e-3));
        let with = |change: fn(&mut Keys)| {
            let mut keys = Keys::default();
            change(&mut keys);
            forces(keys)
        };
        assert_eq!(with(|keys| keys.walk = Some(Walk::Tree)).accuracy, Some(1e-3));
        assert_eq!(with(|keys| keys.group_size = Some(200)).accuracy, Some(1e-3));
        let chosen: [fn(&mut Keys); 5] = [
            |keys| keys.criterion = Some(Criterion::Relative),
            |keys| keys.theta = Some(0.4),
            |keys| keys.tolerance = Some(0.01),
            |keys| keys.order = Some(2),
            |keys| keys.leaf_size = Some(20),
        ];
        for change in chosen {
            assert_eq!(with(change).accuracy, None);
        }
        let plain = with(|keys| keys.order = Some(2)).gravity;
        assert_eq!(plain, Gravity { order: 2, ..Gravity::default() });
    }

    #[test]
    fn order_and_leaf_size_are_respected_beside_an_accuracy() {
        let given = forces(Keys { order: Some(5), leaf_size: Some(200), ..with_accuracy(1e-3) });
        assert_eq!((given.accuracy, given.gravity.order), (Some(1e-3), 5));
        assert_eq!((given.gravity.leaf_size, given.gravity.group_size), (200, 200));
        let own = forces(with_accuracy(1e-3)).gravity;
        assert!(
            given.gravity.tolerance > 2.0 * own.tolerance,
            "a higher order gets on with a coarser tolerance"
        );
    }

    #[test]
    fn what_contradicts_an_accuracy_is_named() {
        let message = |keys: Keys| Forces::try_from(keys).unwrap_err();
        let text = message(Keys { theta: Some(0.5), ..with_accuracy(1e-3) });
        assert!(text.contains("`accuracy`") && text.contains("`theta`"), "{text}");
        let text = message(Keys { tolerance: Some(0.5), ..with_accuracy(1e-3) });
        assert!(text.contains("`accuracy`") && text.contains("`tolerance`"), "{text}");
        let text = message(Keys { criterion: Some(Criterion::Angle), ..with_accuracy(1e-3) });
        assert!(text.contains("`accuracy`") && text.contains("`criterion`"), "{text}");
        assert!(
            forces(Keys { criterion: Some(Criterion::Relative), ..with_accuracy(1e-3) }).accuracy.is_some()
        );
    }
}
