//! A snapshot to plot: its bodies of some types, relative to a centre.

use super::source::Source;
use crate::console::warn;
use crate::files::kinds::{self, NAMES};
use crate::parameters::periodic_box::domain_of_side;
use crate::parameters::quantities::{Quantity, lengths, sized, values};
use crate::plot::legend;
use crate::plot::units::{AxisUnits, COUNTED, Unit};
use crate::ranks::spread::counted;
use anyhow::{Result, anyhow, bail};
use decomposition::Solo;
pub(in crate::plot) use io::snapshot::distinct;
use io::snapshot::{self, Wanted};
use nbody::profile::Centre;
pub(in crate::plot) use nbody::profile::enclosing;
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use treecode::{Bodies, Domain, TYPES};

/// Options of plots of bodies.
#[derive(Clone, Debug, clap::Args)]
pub struct Selection {
    /// Particle types, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Centre, in the units of the snapshot or each with a unit [default: found by a shrinking sphere].
    #[arg(long, alias = "center", value_name = "X,Y,Z", allow_hyphen_values = true, value_parser = lengths::<3>)]
    pub centre: Option<[Quantity; 3]>,
}

/// Bodies relative to a centre at rest.
pub(in crate::plot) struct Snapshot {
    /// Time [T].
    pub time: f64,
    /// Units of the axes.
    pub units: AxisUnits,
    /// The space of the bodies, in the units of the snapshot.
    pub domain: Domain,
    /// The centre that was subtracted from positions and velocities.
    pub centre: Centre,
    /// The bodies, in the units of the snapshot. Positions and velocities are relative to the
    /// centre.
    pub bodies: Bodies,
    /// The file.
    pub(in crate::plot) source: Rc<Source>,
    /// Whether these are all bodies of the file, with their masses.
    pub(in crate::plot) is_whole: bool,
    /// Whether the bodies have no mass and are counted.
    pub(in crate::plot) is_counted: bool,
    /// The types wanted; none for all.
    pub(in crate::plot) types: Vec<u8>,
    /// Ids of the galaxy, if the bodies are those of one.
    pub(in crate::plot) ids: Option<RangeInclusive<u64>>,
}

/// The mass within a radius, from pairs of [`Snapshot::cumulative_mass`].
pub(in crate::plot) fn mass_within(cumulative: &[[f64; 2]], radius: f64) -> f64 {
    let inside = cumulative.partition_point(|pair| pair[0] <= radius);
    if inside == 0 { 0.0 } else { cumulative[inside - 1][1] }
}

/// A result from one snapshot.
pub(in crate::plot) struct Taken<T> {
    /// Time [T].
    pub time: f64,
    /// Name of the file, with folders if others have the same name.
    pub name: String,
    /// Label in a legend; empty for a single snapshot.
    pub label: String,
    /// The result.
    pub taken: T,
}

/// Approximate memory of a plot per body, in addition to the body [bytes].
pub(super) const BESIDE: u64 = 60;
/// Greatest coordinate, velocity and mass that can be plotted. Products such as a mass times the
/// squares of two lengths must stay finite.
const REACH: f64 = 1e40;
const HEAVIEST: f64 = 1e60;

/// Refuses bodies that are too far, too fast or too heavy to compute with.
pub(super) fn check_reach(bodies: &Bodies) -> Result<(), String> {
    let most = [("position", REACH), ("velocity", REACH), ("mass", HEAVIEST)];
    let arrays = [&bodies.pos[..], &bodies.vel[..], std::slice::from_ref(&bodies.mass)];
    for ((what, most), arrays) in most.into_iter().zip(arrays) {
        let beyond =
            |array: &Vec<f64>| array.iter().position(|x| x.abs() > most).map(|i| (bodies.id[i], array[i]));
        if let Some((id, value)) = arrays.iter().find_map(beyond) {
            return Err(format!(
                "the {what} of the body with id {id} is {value:e}, must be within {most:e} to be plotted"
            ));
        }
    }
    Ok(())
}

/// Fewest bodies with mass that are shown without a word about the others.
const FEW: usize = 100;

/// Warns if most bodies have no mass and thus do not count.
fn warn_of_tracers(bodies: &Bodies, shown: impl Display) {
    let (heavy, all) = (bodies.massive(), bodies.len());
    if heavy >= FEW || heavy > all - heavy {
        return;
    }
    let mut has = [[false; TYPES]; 2];
    (0..all).for_each(|i| has[usize::from(bodies.mass[i] > 0.0)][usize::from(bodies.kind[i])] = true);
    let light: Vec<&str> =
        (0..TYPES).filter(|&kind| has[0][kind] && !has[1][kind]).map(|k| NAMES[k]).collect();
    let advice = match light.is_empty() {
        true => String::new(),
        false => format!("; --types {} shows them", light.join(",")),
    };
    warn(&format!(
        "{shown}: {heavy} bodies have mass and are shown; {} have no mass and are not shown{advice}",
        all - heavy
    ));
}

impl Selection {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// If it cannot be read or has no bodies of the wanted types.
    pub(in crate::plot) fn read(&self, path: &Path) -> Result<Snapshot> {
        let kinds = kinds::chosen(&self.types);
        let wanted = Wanted { kinds, beside: BESIDE, columns: false, ..Wanted::default() };
        let (header, bodies) = snapshot::read_wanted(path, &wanted)?;
        let shown = path.display();
        if let Some(why) = &header.cosmological {
            warn(&format!("{shown}: is cosmological ({why}); its numbers are shown as they are"));
        }
        if header.units.is_none() && header.gravity.is_none() {
            warn(&format!("{shown}: names no units; galactic ones are assumed"));
        }
        if bodies.is_empty() {
            let there: Vec<String> =
                (0..TYPES).filter(|&kind| header.count[kind] > 0).map(|kind| kind.to_string()).collect();
            match there.is_empty() {
                true => bail!("{shown}: holds no bodies"),
                false => {
                    bail!("{shown}: has no bodies of the types wanted, only of type {}", there.join(", "))
                }
            }
        }
        check_reach(&bodies).map_err(|fault| anyhow!("{shown}: {fault}"))?;
        let units = header.units_or(None);
        let unit = io::Units::PARSEC.mass_in_g / units.mass_in_g;
        let counted = counted(&Solo, &bodies, [true; TYPES], unit);
        let is_counted = counted.is_some();
        if !is_counted {
            warn_of_tracers(&bodies, &shown);
        }
        let mut bodies = counted.unwrap_or(bodies);
        let (time, domain) = (header.time, domain_of_side(header.box_size));
        let is_whole = !is_counted && (0..TYPES).all(|kind| kinds[kind] || header.count[kind] == 0);
        let source = Rc::new(Source::new(path.to_owned(), header));
        let centre = match &self.centre {
            Some(position) => {
                let position =
                    values(position, sized(&units)).map_err(|fault| anyhow!("--centre: {fault}"))?;
                Centre::at_in(&bodies, domain, position)
            }
            None => match source.centre_if_counted(is_counted, domain, None)? {
                Some(centre) => centre,
                None => Centre::find_in(&bodies, domain),
            },
        };
        centre.subtract_from(&mut bodies, domain);
        let units = AxisUnits::of(&units);
        let counts = Unit { name: COUNTED, size: unit.recip() };
        let units = if is_counted { AxisUnits { mass: counts, ..units } } else { units };
        let types = self.types.clone();
        Ok(Snapshot { time, units, domain, centre, bodies, source, is_whole, is_counted, types, ids: None })
    }

    /// Reads snapshots of different [`distinct`] paths and applies `of` to each. Results are ordered by
    /// time. The units fit the radii that hold half of the mass, and the times.
    ///
    /// # Errors
    /// If a snapshot cannot be read or has other units than the rest, or `of` fails.
    pub(in crate::plot) fn each<T>(
        &self,
        paths: &[PathBuf],
        of: impl Fn(&Snapshot) -> Result<T>,
    ) -> Result<(AxisUnits, Vec<Taken<T>>)> {
        let mut units: Option<AxisUnits> = None;
        let mut all: Vec<Taken<T>> = Vec::new();
        let mut largest = 0.0f64;
        for (path, name) in paths.iter().zip(legend::names(paths)) {
            let snapshot = self.read(path)?;
            if *units.get_or_insert(snapshot.units) != snapshot.units {
                bail!("{}: its units are not those of {}", path.display(), paths[0].display());
            }
            largest = largest.max(enclosing(&snapshot.cumulative_mass(), 0.5));
            let taken = of(&snapshot).map_err(|error| error.context(path.display().to_string()))?;
            all.push(Taken { time: snapshot.time, name, label: String::new(), taken });
        }
        all.sort_by(|a, b| a.time.total_cmp(&b.time));
        let times: Vec<f64> = all.iter().map(|one| one.time).collect();
        let latest = times.iter().fold(0.0, |latest: f64, time| latest.max(time.abs()));
        let units = units.expect("the command line asks for a snapshot").fitting(largest, latest);
        let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
        for (one, label) in all.iter_mut().zip(legend::labels(&times, &names, &units)) {
            one.label = label;
        }
        Ok((units, all))
    }
}

impl Snapshot {
    /// Bodies of all types in the file, about the centre, also those that are not shown.
    ///
    /// # Errors
    /// If the file cannot be read again, or other types have impossible bodies.
    pub(super) fn all_bodies(&self) -> Result<Cow<'_, Bodies>> {
        if self.is_whole {
            return Ok(Cow::Borrowed(&self.bodies));
        }
        let mut bodies = self.source.bodies()?.clone();
        self.centre.subtract_from_positions(&mut bodies, self.domain);
        Ok(Cow::Owned(bodies))
    }

    /// Distance of a body from the centre [L].
    pub(in crate::plot) fn radius(&self, i: usize) -> f64 {
        treecode::math::norm(self.bodies.position(i))
    }

    /// As [`nbody::profile::cumulative_mass`].
    pub(in crate::plot) fn cumulative_mass(&self) -> Vec<[f64; 2]> {
        nbody::profile::cumulative_mass(&self.bodies)
    }
}
