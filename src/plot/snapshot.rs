//! A snapshot to plot: its bodies of some types, relative to a centre.

use super::units::AxisUnits;
use crate::console::warn;
use crate::kinds;
use crate::spread::counted;
use anyhow::{Result, anyhow, bail};
use decomposition::Solo;
use io::snapshot::{self, Wanted};
use nbody::profile::Centre;
pub(crate) use nbody::profile::enclosing;
use std::path::{Path, PathBuf};
use treecode::{Bodies, TYPES};

/// Options of plots of bodies.
#[derive(Clone, Debug, clap::Args)]
pub struct Selection {
    /// Particle types, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Centre, in the units of the snapshot [default: found by a shrinking sphere].
    #[arg(long, alias = "center", value_name = "X,Y,Z", allow_hyphen_values = true, value_parser = position)]
    pub centre: Option<[f64; 3]>,
}

/// Bodies relative to a centre at rest.
pub struct Snapshot {
    /// Name of the file.
    pub name: String,
    /// Time [T].
    pub time: f64,
    /// Units of the axes.
    pub units: AxisUnits,
    /// The centre that was subtracted from positions and velocities.
    pub centre: Centre,
    /// The bodies, in the units of the snapshot. Positions and velocities are relative to the
    /// centre.
    pub bodies: Bodies,
    /// The file, if bodies of some types of it were left out.
    pub whole: Option<PathBuf>,
}

/// Mass within each distance of the centre, over all types and for each type with bodies.
pub(super) struct AllMass {
    /// Of all types: distances in ascending order [L], each with the mass up to it [M].
    pub all: Vec<[f64; 2]>,
    /// The same for each type that has bodies with mass.
    pub parts: Vec<(usize, Vec<[f64; 2]>)>,
}

/// The mass within a radius, from pairs of [`AllMass`].
pub(super) fn mass_within(cumulative: &[[f64; 2]], radius: f64) -> f64 {
    let inside = cumulative.partition_point(|pair| pair[0] <= radius);
    if inside == 0 { 0.0 } else { cumulative[inside - 1][1] }
}

impl Snapshot {
    /// The mass of all types about the centre, also of those that are not shown.
    ///
    /// # Errors
    /// If the file cannot be read again, or other types have impossible bodies.
    pub(super) fn all_mass(&self) -> Result<AllMass> {
        let read;
        let bodies = match &self.whole {
            None => &self.bodies,
            Some(path) => {
                let wanted = Wanted { beside: BESIDE, ..Wanted::default() };
                let (_, mut bodies) = snapshot::read_wanted(path, &wanted)?;
                check_reach(&bodies).map_err(|fault| anyhow!("{}: {fault}", path.display()))?;
                for axis in 0..3 {
                    bodies.pos[axis].iter_mut().for_each(|x| *x -= self.centre.position[axis]);
                }
                read = bodies;
                &read
            }
        };
        let of = |kinds: &dyn Fn(usize) -> bool| {
            let mut part = bodies.clone();
            let has_mass =
                |i: &u32| kinds(usize::from(bodies.kind[*i as usize])) && bodies.mass[*i as usize] > 0.0;
            part.permute(&(0..bodies.len() as u32).filter(has_mass).collect::<Vec<_>>());
            nbody::profile::cumulative_mass(&part)
        };
        let parts = (0..TYPES).map(|kind| (kind, of(&|other| other == kind)));
        Ok(AllMass { all: of(&|_| true), parts: parts.filter(|(_, pairs)| !pairs.is_empty()).collect() })
    }
}

/// A result from one snapshot.
pub struct Taken<T> {
    /// Time [T].
    pub time: f64,
    /// Name of the file.
    pub name: String,
    /// The result.
    pub taken: T,
}

fn position(text: &str) -> Result<[f64; 3], String> {
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|x| x.trim().parse().ok().filter(|x: &f64| x.is_finite())).collect();
    numbers
        .and_then(|numbers| numbers.try_into().ok())
        .ok_or_else(|| "give three lengths as 1.5,0,-2".to_owned())
}

/// Approximate memory of a plot per body, in addition to the body [bytes].
const BESIDE: u64 = 60;
/// Greatest coordinate, velocity and mass that can be plotted. Products such as a mass times the
/// squares of two lengths must stay finite.
const REACH: f64 = 1e40;
const HEAVIEST: f64 = 1e60;

/// Refuses bodies that are too far, too fast or too heavy to compute with.
fn check_reach(bodies: &Bodies) -> Result<(), String> {
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

impl Selection {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// If it cannot be read or has no bodies of the wanted types.
    pub fn read(&self, path: &Path) -> Result<Snapshot> {
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
        let mut bodies = counted(&Solo, &bodies, [true; TYPES], unit).unwrap_or(bodies);
        let centre = match self.centre {
            Some(position) => Centre::at(&bodies, position),
            None => Centre::find(&bodies),
        };
        for axis in 0..3 {
            bodies.pos[axis].iter_mut().for_each(|x| *x -= centre.position[axis]);
            bodies.vel[axis].iter_mut().for_each(|v| *v -= centre.velocity[axis]);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let units = AxisUnits::of(&units);
        let is_whole = (0..TYPES).all(|kind| kinds[kind] || header.count[kind] == 0);
        let whole = (!is_whole).then(|| path.to_owned());
        Ok(Snapshot { name, time: header.time, units, centre, bodies, whole })
    }

    /// Reads snapshots and applies `of` to each. Several files of one snapshot count as one.
    /// Results are ordered by time.
    ///
    /// # Errors
    /// If a snapshot cannot be read or has other units than the rest, or `of` fails.
    pub fn each<T>(
        &self,
        paths: &[PathBuf],
        of: impl Fn(&Snapshot) -> Result<T>,
    ) -> Result<(AxisUnits, Vec<Taken<T>>)> {
        let mut units: Option<AxisUnits> = None;
        let mut all: Vec<Taken<T>> = Vec::new();
        for path in &snapshot::distinct(paths)? {
            let snapshot = self.read(path)?;
            if *units.get_or_insert(snapshot.units) != snapshot.units {
                bail!("{}: its units are not those of {}", path.display(), paths[0].display());
            }
            let taken = of(&snapshot).map_err(|error| error.context(path.display().to_string()))?;
            all.push(Taken { time: snapshot.time, name: snapshot.name, taken });
        }
        all.sort_by(|a, b| a.time.total_cmp(&b.time));
        Ok((units.expect("the command line asks for a snapshot"), all))
    }
}

impl Snapshot {
    /// Distance of a body from the centre [L].
    pub fn radius(&self, i: usize) -> f64 {
        treecode::math::norm(self.bodies.position(i))
    }

    /// As [`nbody::profile::cumulative_mass`].
    pub fn cumulative_mass(&self) -> Vec<[f64; 2]> {
        nbody::profile::cumulative_mass(&self.bodies)
    }
}
