//! Colours of bodies: by type, by galaxy, by motion, or by the time of arrival at the centre.

use super::ends::Ends;
use super::options::Look;
use super::sequence::Sequence;
use crate::files::galaxies::{self, Named};
use anyhow::{Result, bail, ensure};
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use treecode::{Bodies, TYPES};
use viz::{Colours, GROUP_TONES, Subject, TYPE_NAMES, TimeScale, Tint, Units, View};

/// Quantity shown by colour, beside brightness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourBy {
    /// Surface density, the same as brightness
    #[default]
    Density,
    /// Particle type: gas, halo, disc, bulge, stars, other
    Type,
    /// The galaxy of the model that a body came from
    Galaxy,
    /// Speed in three dimensions, averaged along the line of sight by mass
    Speed,
    /// Velocity away from the camera, averaged along the line of sight by mass
    Velocity,
    /// Time since bodies first came within --arrival-radius of the centre, averaged along the line
    /// of sight by mass
    Arrival,
}

/// Computes the value or group that sets the colour of each body.
pub(super) enum Tinter {
    /// No tint.
    Plain,
    /// The group of each particle type, and the names of the groups.
    Types([u8; TYPES], Vec<String>),
    /// The galaxies.
    Galaxies(Vec<Named>),
    /// Speed.
    Speed,
    /// Velocity away from the camera.
    Velocity,
    /// The time when each body was first seen within a radius of the centre [T].
    Arrival {
        /// The radius [L].
        radius: f64,
        /// The times [T], by id.
        since: HashMap<u64, f64>,
    },
}

/// The values or groups of bodies at one moment.
pub(crate) enum Tinted {
    /// No tint.
    Plain,
    /// One value per body.
    Values(Vec<f64>),
    /// The group of each body, and the number of groups.
    Groups(Vec<u8>, usize),
}

impl Tinted {
    /// The group of a body and the number of groups, if colours show groups.
    pub(super) fn group(&self, i: usize) -> Option<(usize, usize)> {
        match self {
            Tinted::Groups(of, groups) => Some((usize::from(of[i]), *groups)),
            _ => None,
        }
    }

    /// These bodies with this tint.
    pub(super) fn subject<'a>(
        &'a self,
        bodies: &'a Bodies,
        kinds: [bool; TYPES],
        lengths: &'a [f64],
    ) -> Subject<'a> {
        let tint = match self {
            Tinted::Plain => Tint::Plain,
            Tinted::Values(values) => Tint::Value(values),
            Tinted::Groups(of, groups) => Tint::Group { of, groups: *groups },
        };
        Subject { bodies, kinds, lengths, tint }
    }
}

impl Tinter {
    /// The tint that the options ask for; `radius` is that of arrivals [L].
    ///
    /// # Errors
    /// If the snapshots do not name the galaxies of their bodies or are too few for arrival times, or
    /// if an option goes with another quantity.
    pub(super) fn new(look: &Look, radius: Option<f64>, sequence: &Sequence) -> Result<Tinter> {
        let is_by = |colour_by| look.colour_by == colour_by;
        ensure!(
            look.galaxies.is_empty() || radius.is_none(),
            "--galaxies and --arrival-radius: give one of them, since each implies another --colour-by"
        );
        ensure!(
            look.galaxies.is_empty() || is_by(ColourBy::Galaxy),
            "--galaxies: needs --colour-by galaxy, or no --colour-by"
        );
        ensure!(
            radius.is_none() || is_by(ColourBy::Arrival),
            "--arrival-radius: needs --colour-by arrival, or no --colour-by"
        );
        Ok(match look.colour_by {
            ColourBy::Density => Tinter::Plain,
            ColourBy::Type => {
                let mut groups = [0; TYPES];
                let mut names = Vec::new();
                for kind in (0..TYPES).filter(|kind| sequence.has(*kind)) {
                    groups[kind] = names.len() as u8;
                    names.push(TYPE_NAMES[kind].to_owned());
                }
                Tinter::Types(groups, names)
            }
            ColourBy::Galaxy if !look.galaxies.is_empty() => {
                refuse_equal_names(look.galaxies.iter().map(|(name, _)| name))?;
                Tinter::Galaxies(checked(look.galaxies.clone(), |(_, ids)| ids)?)
            }
            ColourBy::Galaxy => Tinter::Galaxies(checked(galaxies(sequence)?, |(_, ids)| ids)?),
            ColourBy::Speed => Tinter::Speed,
            ColourBy::Velocity => Tinter::Velocity,
            ColourBy::Arrival => {
                ensure!(sequence.entries.len() > 1, "--colour-by arrival needs a sequence of snapshots");
                Tinter::Arrival { radius: radius.unwrap_or(0.0), since: HashMap::new() }
            }
        })
    }

    /// The tint of bodies in a view. Moments must be passed in the order of time.
    ///
    /// # Errors
    /// If a body belongs to none of the galaxies.
    pub(super) fn tint(
        &mut self,
        bodies: &Bodies,
        kinds: [bool; TYPES],
        view: &View,
        time: f64,
    ) -> Result<Tinted> {
        let each = |value: &dyn Fn(usize) -> f64| Tinted::Values((0..bodies.len()).map(value).collect());
        Ok(match self {
            Tinter::Plain => Tinted::Plain,
            Tinter::Types(groups, names) => Tinted::Groups(
                bodies.kind.iter().map(|kind| groups[usize::from(*kind)]).collect(),
                names.len(),
            ),
            Tinter::Galaxies(galaxies) => {
                let group = |i: usize| {
                    let place = galaxies.iter().position(|(_, ids)| ids.contains(&bodies.id[i]));
                    match place {
                        Some(place) => Ok(place as u8),
                        None if !kinds[usize::from(bodies.kind[i])] => Ok(0),
                        None => bail!(
                            "the body with id {} is of none of the galaxies; give all with --galaxies",
                            bodies.id[i]
                        ),
                    }
                };
                Tinted::Groups((0..bodies.len()).map(group).collect::<Result<_>>()?, galaxies.len())
            }
            Tinter::Speed => each(&|i| bodies.velocity(i).map(|v| v * v).iter().sum::<f64>().sqrt()),
            Tinter::Velocity => each(&|i| view.away(bodies.velocity(i))),
            Tinter::Arrival { radius, since } => {
                let middle = view.target();
                for i in (0..bodies.len()).filter(|i| kinds[usize::from(bodies.kind[*i])]) {
                    let x = bodies.position(i);
                    let square: f64 = (0..3).map(|axis| (x[axis] - middle[axis]).powi(2)).sum();
                    if square <= *radius * *radius {
                        since.entry(bodies.id[i]).or_insert(time);
                    }
                }
                each(&|i| since.get(&bodies.id[i]).map_or(0.0, |since| time - since))
            }
        })
    }

    /// The galaxies, if colours show them.
    pub(super) fn galaxies(&self) -> &[Named] {
        if let Tinter::Galaxies(galaxies) = self { galaxies } else { &[] }
    }

    /// Whether values can have both signs.
    pub(super) fn is_signed(&self) -> bool {
        matches!(self, Tinter::Velocity)
    }

    /// Whether the tint depends on one moment alone.
    pub(super) fn has_no_memory(&self) -> bool {
        !matches!(self, Tinter::Arrival { .. })
    }

    /// The colours and their labels. `range` holds the values at the ends of the colours, if there
    /// are values.
    pub(super) fn colours(&self, look: &Look, units: Option<Units>, range: [f64; 2]) -> Colours {
        let value = |title: String, per_unit: f64| Colours::Value {
            range,
            signed: self.is_signed(),
            title,
            per_unit,
        };
        match self {
            Tinter::Plain => Colours::Map(look.colours),
            Tinter::Types(_, names) => Colours::Groups(names.clone()),
            Tinter::Galaxies(galaxies) => Colours::Groups(names(galaxies)),
            Tinter::Speed | Tinter::Velocity => {
                let name = if self.is_signed() { "Velocity away" } else { "Speed" };
                let (unit, per_unit) = speed_unit(units);
                value(format!("{name} [{unit}]"), per_unit)
            }
            Tinter::Arrival { .. } => {
                let (unit, per_unit) = TimeScale::for_times(&range, units).unit();
                value(format!("Since arrival [{unit}]"), per_unit)
            }
        }
    }

    /// Checks that these can be values at the ends of the colours.
    ///
    /// # Errors
    /// If they have units of another kind, or colours show no values.
    pub(super) fn check(&self, ends: &Ends) -> Result<(), String> {
        match self {
            Tinter::Speed | Tinter::Velocity => ends.check(true),
            Tinter::Arrival { .. } => ends.check(false),
            _ => Err("needs --colour-by speed, velocity or arrival".to_owned()),
        }
    }

    /// Factor from the values to the unit of the colour bar.
    pub(super) fn per_unit(&self, units: Option<Units>, longest: f64) -> f64 {
        match self {
            Tinter::Speed | Tinter::Velocity => speed_unit(units).1,
            Tinter::Arrival { .. } => TimeScale::for_times(&[longest], units).unit().1,
            _ => 1.0,
        }
    }
}

fn speed_unit(units: Option<Units>) -> (&'static str, f64) {
    units.map_or(("code units", 1.0), |units| ("km s⁻¹", units.length_in_cm / units.time_in_s / 1e5))
}

/// Refuses more galaxies than there are colours, and galaxies that share ids.
///
/// # Errors
/// If there are such.
pub(crate) fn checked<T>(galaxies: Vec<T>, ids: impl Fn(&T) -> &RangeInclusive<u64>) -> Result<Vec<T>> {
    let count = galaxies.len();
    ensure!(count <= GROUP_TONES, "{count} galaxies: there are colours for {GROUP_TONES} at most");
    refuse_shared_ids(galaxies.iter().map(ids))?;
    Ok(galaxies)
}

/// Refuses galaxies of the same name.
///
/// # Errors
/// If two have one.
pub(crate) fn refuse_equal_names<'a>(galaxies: impl Iterator<Item = &'a Option<String>>) -> Result<()> {
    let mut names = HashSet::new();
    for name in galaxies.flatten() {
        ensure!(names.insert(name), "--galaxies: two galaxies have the name {name:?}; give each its own");
    }
    Ok(())
}

/// Refuses galaxies that share ids.
///
/// # Errors
/// If two do.
pub(crate) fn refuse_shared_ids<'a>(galaxies: impl Iterator<Item = &'a RangeInclusive<u64>>) -> Result<()> {
    let mut sorted: Vec<_> = galaxies.collect();
    sorted.sort_by_key(|ids| *ids.start());
    for pair in sorted.windows(2) {
        let (first, last) = (pair[1].start(), pair[0].end().min(pair[1].end()));
        ensure!(first > last, "--galaxies: two galaxies share the ids from {first} to {last}");
    }
    Ok(())
}

/// Name of a galaxy in legends, or its number counted from 1.
pub(crate) fn name(k: usize, given: Option<&String>) -> String {
    given.map_or_else(|| format!("galaxy {}", k + 1), String::clone)
}

/// Names of galaxies in legends.
pub(crate) fn names(galaxies: &[Named]) -> Vec<String> {
    galaxies.iter().enumerate().map(|(k, (given, _))| name(k, given.as_ref())).collect()
}

/// The galaxies, from the model of the run that wrote the snapshots.
///
/// # Errors
/// If they do not name galaxies.
pub(crate) fn galaxies(sequence: &Sequence) -> Result<Vec<Named>> {
    let path = &sequence.entries[0].path;
    let count = io::snapshot::read_header(path)?.count.iter().sum();
    let name = path.display().to_string();
    let all = galaxies::of(&sequence.parameters, count, &name)?;
    ensure!(all.len() > 1, "{name}: its model is one galaxy alone; --colour-by type tells its parts apart");
    Ok(all)
}
