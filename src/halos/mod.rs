//! `heorot halos`: finds friends-of-friends groups and writes a catalogue.

use crate::cli::{above_zero, bodies_in};
use crate::console::{say, warn};
use crate::files::ids;
use crate::files::kinds;
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::initial;
use crate::parameters::cosmology::Keys;
use crate::parameters::periodic_box::domain_of_side;
use crate::parameters::quantities::{Quantity, length_above_zero};
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use anyhow::{Context, Result, anyhow, bail, ensure};
use decomposition::collective;
use io::Kind;
use io::Units;
use io::catalogue::{self, Catalogue};
use io::snapshot::{Universe, read_header};
use nbody::Start;
use nbody::cosmology::Cosmology;
use nbody::halos::{Halo, Sphere, census, label, spheres};
use std::f64::consts::PI;
use std::path::PathBuf;
use treecode::{Bodies, Domain, math};

/// Find friends-of-friends haloes; the result is the same on any number of ranks.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Snapshot, or any other file that `heorot convert` reads.
    #[arg(value_name = "SNAPSHOT")]
    pub file: PathBuf,
    /// Catalogue to write.
    #[arg(long, short, value_name = "FILE.hdf5")]
    pub output: PathBuf,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Linking length, in units of the mean separation of the bodies.
    #[arg(long, value_name = "B", default_value_t = 0.2, value_parser = above_zero, conflicts_with = "linking_length")]
    pub linking: f64,
    /// Linking length, in the units of the snapshot or with a unit.
    #[arg(long, value_name = "LENGTH", value_parser = length_above_zero)]
    pub linking_length: Option<Quantity>,
    /// Least number of bodies in a halo.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = bodies_in::<1, { u64::MAX }>)]
    pub min_members: u64,
    /// Particle types to group, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
    /// How the file is interpreted.
    #[command(flatten)]
    pub reading: ReadingOptions,
}

const HELP: &str = "Examples:
  heorot halos box.hdf5 -o haloes.hdf5
  mpirun -n 4 heorot halos box.hdf5 -o haloes.hdf5 --linking 0.2 --min-members 20
  heorot plot mass-function haloes.hdf5 -o haloes.png

The mean separation is the cube root of the volume per body. The volume is that of the box of the
snapshot or, for an isolated system, of the smallest box around its bodies. If the snapshot has a box,
it is periodic: bodies are linked across its faces. --isolated treats it as open space.

/Group contains GroupID (the smallest id in the halo), GroupLen (number of bodies), GroupOffset (of
its ids in /IDs/ID), GroupMass, GroupPos and GroupVel (of the centre of mass), GroupCentre (of the
densest part), GroupRadius (of the outermost body), GroupHalfMassRadius and GroupVelDisp
(one-dimensional). The halo with most members comes first. In a cosmological box, Group_M_Mean200
and Group_R_Mean200 are the mass and the comoving radius of the sphere about GroupCentre with 200
times the mean density of matter. The names with Crit200 are those for 200 times the critical
density, and with TopHat200 for the density of a collapsed sphere (Bryan & Norman 1998). These
masses include all bodies of the chosen types, whether they are members of the halo or not.";

/// Runs the command.
///
/// # Errors
/// If the snapshot cannot be read, has no bodies of the wanted types or shared ids, or the
/// catalogue cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| find(crew, arguments))
}

fn find(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let target = crew.agree(|| {
        Ok(arguments.overwrite.reading([&arguments.file]).file(&arguments.output, Kind::CATALOGUE)?)
    })?;
    let kinds = kinds::chosen(&arguments.types);
    // A cosmological box is as good as any other here.
    let any = ReadingOptions { isolated: true };
    let (Start { mut bodies, time }, units) = initial::read_kinds(crew, &arguments.file, None, kinds, &any)?;
    let header = crew.agree(|| Ok(read_header(&arguments.file)?))?;
    let side = if arguments.reading.isolated { 0.0 } else { header.box_size };
    let domain = domain_of_side(side);
    domain.check().map_err(|error| anyhow!("{}: its box: {error}", arguments.file.display()))?;
    bodies.wrap(domain);
    let count = collective::sum(crew.comm, bodies.len() as u64);
    ensure!(count > 0, "{}: has no bodies of the types wanted", arguments.file.display());
    let length = match &arguments.linking_length {
        Some(length) => crew.agree(|| length.of_option("--linking-length", &units))?,
        None => {
            let separation = mean_separation(crew, &bodies, count, domain);
            arguments.linking * separation.with_context(|| arguments.file.display().to_string())?
        }
    };
    if let Some(shared) = ids::shared(crew.comm, &bodies.id) {
        bail!(
            "{}: {}; a catalogue names members by their ids, which must be unique",
            arguments.file.display(),
            shared.words()
        );
    }
    if let Domain::Periodic { side } = domain {
        ensure!(
            length < 0.5 * side,
            "the linking length {length:?} must be less than half of the side of the box, {side:?}; --isolated ignores the box"
        );
    }
    let labelled = label(crew.comm, domain, bodies, length);
    let (groups, ids) = census(crew.comm, domain, &labelled, arguments.min_members);
    let universe = header.universe.filter(|universe| domain.is_periodic() && universe.omega_m > 0.0);
    let spheres = match universe.and_then(|universe| densities(&universe, &units)) {
        Some(densities) => spheres(crew.comm, domain, &labelled.bodies, &groups, densities),
        None => Vec::new(),
    };
    crew.lead(|| {
        let catalogue = Catalogue {
            time,
            units,
            side,
            universe,
            linking_length: length,
            least_members: arguments.min_members,
            groups,
            spheres,
            ids,
        };
        catalogue::write(&target, &catalogue)?;
        tell(&arguments.output, &catalogue, count);
        Ok(())
    })
}

/// The comoving densities of [`catalogue::SPHERES`] [M/L^3]. `None` if the file does not state the Hubble
/// constant.
fn densities(universe: &Universe, units: &Units) -> Option<[f64; 3]> {
    let Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, .. } = *universe;
    let hubble = Keys::hubble(h, units);
    let cosmology = Cosmology { omega_m, omega_lambda, omega_r, w0, wa, hubble };
    let mean = cosmology.matter_density(units.gravitational_constant());
    let part = cosmology.omega_m_at(scale_factor);
    let x = part - 1.0;
    let collapsed = 18.0 * PI * PI + 82.0 * x - 39.0 * x * x;
    let densities = [200.0 * mean, 200.0 * mean / part, collapsed * mean / part];
    densities.iter().all(|density| *density > 0.0 && density.is_finite()).then_some(densities)
}

/// Cube root of volume over number of bodies [L]. Collective.
fn mean_separation(crew: &Crew, bodies: &Bodies, count: u64, domain: Domain) -> Result<f64> {
    let volume = if let Domain::Periodic { side } = domain {
        side.powi(3)
    } else {
        let ends = |pick: fn(f64, f64) -> f64, start: f64| {
            bodies.pos.each_ref().map(|axis| axis.iter().copied().fold(start, pick))
        };
        let lo = collective::min(crew.comm, ends(f64::min, f64::INFINITY));
        let hi = collective::max(crew.comm, ends(f64::max, f64::NEG_INFINITY));
        (0..3).map(|axis| hi[axis] - lo[axis]).product()
    };
    ensure!(
        volume > 0.0 && volume.is_finite(),
        "the bodies fill a volume of {volume:?}, so they have no mean separation; give the length as --linking-length"
    );
    Ok(math::cbrt(volume / count as f64))
}

fn tell(path: &std::path::Path, catalogue: &Catalogue, bodies: u64) {
    let Catalogue { groups, ids, linking_length, least_members, .. } = catalogue;
    say(&format!(
        "{}: {} haloes of {least_members} bodies or more hold {} of {bodies} bodies; friends are within {linking_length:?}",
        path.display(),
        groups.len(),
        ids.len()
    ));
    match groups.first() {
        Some(Halo { members, mass, position: [x, y, z], .. }) => {
            say(&format!("the largest has {members} bodies and a mass of {mass:?} at {x:?}, {y:?}, {z:?}"));
            if let Some([Sphere { mass, radius }, ..]) = catalogue.spheres.first() {
                say(&format!(
                    "200 times the mean density reach to {radius:?} from its centre, with a mass of {mass:?}"
                ));
            }
        }
        None => warn("no halo was found; a larger --linking or fewer --min-members may find some"),
    }
}

#[cfg(test)]
mod tests;
