//! `heorot combine`: puts two sets of bodies into one snapshot, the second one turned and moved.

use crate::console::{say, warn};
use crate::files::layout_options::LayoutOptions;
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::files::{galaxies, ids};
use crate::initial::{self, Loaded};
use crate::parameters::SystemName;
use crate::parameters::quantities::{self, Quantity, sized};
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::ranks::memory;
use crate::render::tint::refuse_shared_ids;
use anyhow::{Result, anyhow, bail, ensure};
use clap::ValueEnum;
use decomposition::{Reduction, collective};
use io::Units;
use io::snapshot::{Fields, Header};
use nalgebra::{Rotation3, Unit, Vector3};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use treecode::math::sin_cos;
use treecode::{About, Bodies, Column, TYPES};

/// Combine two files of bodies into one snapshot.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// First file; any format that `heorot convert` reads.
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// Second file, whose bodies are rotated, shifted and boosted.
    #[arg(value_name = "B")]
    pub second: PathBuf,
    /// Snapshot to write.
    #[arg(short, long, value_name = "OUT.hdf5")]
    pub output: PathBuf,
    /// Add this vector to the positions of B, in the units of the output or as "30 kpc,0,-5 kpc".
    #[arg(long, value_name = "X,Y,Z", value_parser = quantities::lengths::<3>, allow_hyphen_values = true)]
    pub shift: Option<[Quantity; 3]>,
    /// Add this vector to the velocities of B, in the units of the output or as "-100 km/s,50 km/s,0".
    #[arg(long, value_name = "X,Y,Z", value_parser = quantities::speeds::<3>, allow_hyphen_values = true)]
    pub boost: Option<[Quantity; 3]>,
    /// Rotate B about the axis X,Y,Z through its origin by ANGLE, in degrees or as "1.5 rad",
    /// before it is shifted.
    #[arg(long, value_name = "X,Y,Z,ANGLE", value_parser = axis_and_angle, allow_hyphen_values = true, conflicts_with = "euler")]
    pub rotate: Option<[f64; 4]>,
    /// Rotate B by three angles in degrees: about z, then about the new x, then about the new z.
    #[arg(long, value_name = "PHI,THETA,PSI", value_parser = angles, allow_hyphen_values = true)]
    pub euler: Option<[f64; 3]>,
    /// Units of the output [default: those of A, or galactic if it has none].
    #[arg(long, value_enum)]
    pub units: Option<SystemName>,
    /// Layout of the snapshot.
    #[command(flatten)]
    pub layout: LayoutOptions,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
    /// How the files are interpreted.
    #[command(flatten)]
    pub reading: ReadingOptions,
}

const HELP: &str = "Examples:
  heorot combine a.hdf5 b.hdf5 -o both.hdf5 --shift 60,0,20 --boost -100,50,0
  heorot combine a.hdf5 b.hdf5 -o pair.hdf5 --euler 0,60,30 --shift \"40 kpc,0,0\"
  heorot combine both.hdf5 c.hdf5 -o abc.hdf5 --rotate 1,0,0,90

B is rotated about its own origin first, then shifted and boosted. Its units are converted to those
of the output. If the two files share ids, the ids of B are raised by the greatest id of A plus 1.
The time of the output is that of A. Further columns are kept, but vectors in them are not rotated.
The output lists the galaxies of both files; a file without galaxies is one galaxy. heorot plot
separation and --colour-by galaxy then separate them. If a file states no units, its numbers are
taken to be in the units of the output.";

/// Exactly `N` finite numbers with commas between. Those from the place `from` on are angles, in degrees.
fn numbers<const N: usize>(text: &str, from: usize) -> Result<[f64; N], String> {
    let number = |(k, part): (usize, &str)| {
        let number = if k < from { part.trim().parse().ok() } else { quantities::angle(part).ok() };
        number.filter(|x: &f64| x.abs() <= LARGEST)
    };
    let list: Option<Vec<f64>> = text.split(',').enumerate().map(number).collect();
    list.and_then(|list| list.try_into().ok()).ok_or_else(|| {
        format!(
            "must be {N} numbers with commas between, each within {LARGEST:e}; angles are in degrees, or as 0.5 rad"
        )
    })
}

/// Parses the components of an axis and an angle in degrees.
fn axis_and_angle(text: &str) -> Result<[f64; 4], String> {
    numbers(text, 3)
}

/// Parses three angles in degrees.
fn angles(text: &str) -> Result<[f64; 3], String> {
    numbers(text, 0)
}

/// Greatest number of an option.
const LARGEST: f64 = 1e100;

/// Runs the command.
///
/// # Errors
/// If a file cannot be read, holds invalid bodies, or the snapshot cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| {
        let layout = arguments.layout.layout();
        let target = crew.agree(|| {
            let mut outputs = arguments.overwrite.reading([&arguments.first, &arguments.second]);
            Ok(outputs.snapshot(&arguments.output, layout.files)?)
        })?;
        let turn = crew.agree(|| rotation(arguments))?;
        let read = |path: &PathBuf, units: Option<&Units>| {
            initial::read_as_it_is(crew, path, units, [true; TYPES], &arguments.reading)
        };
        let wanted = arguments.units.map(SystemName::units);
        let (header, Loaded { start: first, units, .. }) = read(&arguments.first, wanted.as_ref())?;
        let (other_header, Loaded { start: second, .. }) = read(&arguments.second, Some(&units))?;
        let sources = [(&arguments.first, &header), (&arguments.second, &other_header)];
        check_units(crew, sources, wanted.is_some(), &units)?;
        let (mut bodies, mut others) = (first.bodies, second.bodies);
        let vector = |option: &str, vector: &Option<[Quantity; 3]>| -> Result<Option<[f64; 3]>> {
            let vector = vector.as_ref().map(|parts| quantities::values(parts, sized(&units))).transpose();
            let vector = vector.map_err(|fault| anyhow!("{option}: {fault}"))?;
            let fits = vector.iter().flatten().all(|x| x.abs() <= LARGEST);
            ensure!(fits, "{option}: each number must be within {LARGEST:e}");
            Ok(vector)
        };
        let (shift, boost) = (vector("--shift", &arguments.shift)?, vector("--boost", &arguments.boost)?);
        place(&mut others, turn.as_ref(), shift, boost);
        let all = [bodies.len() as u64, others.len() as u64].map(|n| collective::sum(crew.comm, n));
        let columns = common_columns(crew, [&bodies, &others], [&arguments.first, &arguments.second]);
        bodies.set_columns(&columns);
        others.set_columns(&columns);
        let column_bytes = memory::of_columns(bodies.column_bytes(), crew.comm.size());
        memory::check_evenly(crew, all[0] + all[1], column_bytes)?;
        let mut ids = [&bodies, &others].map(|bodies| span(crew, &bodies.id));
        bodies.append(&others);
        let mut raised = 0;
        if ids::shared(crew.comm, &bodies.id).is_some() {
            let first = ids[0].end().checked_add(1);
            let from = bodies.len() - others.len();
            let all: Option<Vec<u64>> = others.id.iter().map(|id| id.checked_add(first?)).collect();
            let fits = crew.agree(|| match all {
                Some(all) => Ok(all),
                None => {
                    bail!("{}: its ids do not fit above those of the first file", arguments.second.display())
                }
            })?;
            bodies.id[from..].copy_from_slice(&fits);
            raised = first.unwrap_or_default();
            ids[1] = ids[1].start().saturating_add(raised)..=ids[1].end().saturating_add(raised);
            if let Some(shared) = ids::shared(crew.comm, &bodies.id) {
                crew.agree(|| -> Result<()> {
                    bail!("{}; ids must be unique in each file", shared.words())
                })?;
            }
        }
        let checked = bodies.check();
        crew.agree(|| Ok(checked?))?;
        let files = [("first", &arguments.first), ("second", &arguments.second)];
        let mut parameters: Vec<(String, String)> = files
            .iter()
            .map(|(name, path)| (format!("combine.{name}"), path.display().to_string()))
            .collect();
        for (name, vector) in [("shift", shift), ("boost", boost), ("euler", arguments.euler)] {
            parameters.extend(vector.map(|vector| (format!("combine.{name}"), format!("{vector:?}"))));
        }
        parameters.extend(arguments.rotate.map(|turn| ("combine.rotate".to_owned(), format!("{turn:?}"))));
        let galaxies = galaxies_of(sources, &ids, raised);
        let are_apart = refuse_shared_ids(galaxies.iter().map(|(_, ids)| ids)).is_ok();
        if are_apart {
            parameters.push(galaxies::parameter(&galaxies));
        }
        let header = Header { time: first.time, units: Some(units), parameters, ..Header::default() };
        crew.write_snapshot(&target, &header, &bodies, Fields::default(), &layout)?;
        if crew.leads() {
            let note = if raised > 0 { "; the ids of the second are raised" } else { "" };
            say(&format!("{}: {} and {} bodies{note}", arguments.output.display(), all[0], all[1]));
            if !are_apart {
                warn("the id ranges of the two files overlap, so the output lists no galaxies");
            }
        }
        Ok(())
    })
}

/// Refuses a file in units with G = 1 beside one in units with a size, unless the units of the output are
/// given. Prints which units a file without units has got.
fn check_units(crew: &Crew, sources: [(&PathBuf, &Header); 2], are_given: bool, units: &Units) -> Result<()> {
    let states = |header: &Header| header.units.is_some();
    let has_size = |header: &Header| header.units_or(None).physical().is_some();
    let [(first, one), (second, other)] = sources;
    if !are_given && states(other) && has_size(one) != has_size(other) {
        let (sizeless, sized) = if has_size(one) { (second, first) } else { (first, second) };
        let counts = if states(one) { "is in" } else { "states no units and counts as in" };
        bail!(
            "{0} is in units with G = 1 and no size, and {1} {counts} units with a size; give --units for the output, and \
             numbers of {0} are taken as kpc, 1e10 solar masses and 207.4 km/s",
            sizeless.display(),
            sized.display()
        );
    }
    let name = SystemName::value_variants().iter().find(|name| name.units() == *units);
    let name = name.and_then(SystemName::to_possible_value);
    let name = name.map_or(String::new(), |name| format!(", {}", name.get_name()));
    for (path, _) in sources.into_iter().filter(|(_, header)| !states(header) && crew.leads()) {
        say(&format!(
            "{}: states no units; its numbers count as in those of the output{name}",
            path.display()
        ));
    }
    Ok(())
}

/// Least and greatest of the ids of all ranks. Collective.
fn span(crew: &Crew, ids: &[u64]) -> RangeInclusive<u64> {
    let [mut least, mut greatest] =
        [[ids.iter().copied().min().unwrap_or(u64::MAX)], [ids.iter().copied().max().unwrap_or(0)]];
    crew.comm.all_reduce(&mut least, Reduction::Min);
    crew.comm.all_reduce(&mut greatest, Reduction::Max);
    least[0]..=greatest[0]
}

/// The galaxies of both files, whose ids lie in `spans`: those that a file names, or the file as one, with its
/// name. `raised` has been added to the ids of the second.
fn galaxies_of(
    sources: [(&PathBuf, &Header); 2],
    spans: &[RangeInclusive<u64>; 2],
    raised: u64,
) -> Vec<galaxies::Named> {
    let mut all = Vec::new();
    for ((path, header), (span, raised)) in sources.into_iter().zip(spans.iter().zip([0, raised])) {
        let count = header.count.iter().sum();
        let known = galaxies::of(&header.parameters, count, &path.display().to_string()).unwrap_or_default();
        let moved = |(name, ids): galaxies::Named| {
            (name, ids.start().saturating_add(raised)..=ids.end().saturating_add(raised))
        };
        let named: Vec<galaxies::Named> = known.into_iter().map(moved).collect();
        let fit = named.iter().all(|(_, ids)| span.contains(ids.start()) && span.contains(ids.end()));
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        all.extend(if fit && named.len() > 1 { named } else { vec![(stem(), span.clone())] });
    }
    all
}

/// The further columns of bodies from two files. Those that only one file has are zeros for the bodies
/// of the other, with a warning. Those that differ in type or unit are left out, with a warning.
/// Collective.
fn common_columns(crew: &Crew, bodies: [&Bodies; 2], paths: [&PathBuf; 2]) -> Vec<About> {
    let say_once = |text: String| {
        if crew.leads() {
            warn(&text);
        }
    };
    let has = |bodies: &Bodies, kinds: [bool; TYPES]| {
        let count = bodies.kind.iter().filter(|&&kind| kinds[usize::from(kind)]).count();
        collective::sum(crew.comm, count as u64) > 0
    };
    let named = |bodies: &Bodies, name: &str| {
        bodies.columns().iter().map(Column::about).find(|about| about.name == name).cloned()
    };
    let mut columns = Vec::new();
    for i in [0, 1] {
        let (mine, other, path) = (bodies[i], bodies[1 - i], paths[1 - i]);
        for about in mine.columns().iter().map(Column::about) {
            let name = about.name.escape_debug();
            match named(other, &about.name) {
                Some(_) if i == 1 => {}
                Some(theirs)
                    if (theirs.number, theirs.width, theirs.unit, theirs.in_cgs)
                        == (about.number, about.width, about.unit, about.in_cgs) =>
                {
                    let kinds = std::array::from_fn(|kind| about.kinds[kind] || theirs.kinds[kind]);
                    columns.push(About { kinds, ..about.clone() });
                }
                Some(_) => say_once(format!(
                    "{name} is left out: its type or unit in {} is another one",
                    path.display()
                )),
                None => {
                    if has(other, about.kinds) {
                        say_once(format!("{} has no {name}; it is 0 for its bodies", path.display()));
                    }
                    columns.push(about.clone());
                }
            }
        }
    }
    columns
}

/// The rotation that the options ask for.
fn rotation(arguments: &Arguments) -> Result<Option<Rotation3<f64>>> {
    if let Some([x, y, z, angle]) = arguments.rotate {
        let axis = Vector3::new(x, y, z);
        let Some(axis) = Unit::try_new(axis, f64::MIN_POSITIVE.sqrt()) else {
            bail!("--rotate {x},{y},{z},{angle}: the axis must not be zero");
        };
        return Ok(Some(about(&axis, angle)));
    }
    Ok(arguments.euler.map(|[phi, theta, psi]| {
        about(&Vector3::z_axis(), phi) * about(&Vector3::x_axis(), theta) * about(&Vector3::z_axis(), psi)
    }))
}

/// A rotation about an axis by an angle in degrees (Rodrigues' formula), with the same bits everywhere.
fn about(axis: &Unit<Vector3<f64>>, degrees: f64) -> Rotation3<f64> {
    let (sin, cos) = sin_cos(degrees.to_radians());
    let cross = axis.cross_matrix();
    Rotation3::from_matrix_unchecked(
        nalgebra::Matrix3::identity() + cross * sin + cross * cross * (1.0 - cos),
    )
}

fn place(
    bodies: &mut Bodies,
    turn: Option<&Rotation3<f64>>,
    shift: Option<[f64; 3]>,
    boost: Option<[f64; 3]>,
) {
    let [shift, boost] = [shift, boost].map(Option::unwrap_or_default);
    for i in 0..bodies.len() {
        for (vectors, by) in [(&mut bodies.pos, shift), (&mut bodies.vel, boost)] {
            let vector = Vector3::from_fn(|axis, _| vectors[axis][i]);
            let vector = turn.map_or(vector, |turn| turn * vector);
            (0..3).for_each(|axis| vectors[axis][i] = vector[axis] + by[axis]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use treecode::{Number, Purpose};

    fn one(pos: [f64; 3], vel: [f64; 3]) -> Bodies {
        Bodies::new(vec![1.0], pos.map(|x| vec![x]), vel.map(|x| vec![x])).unwrap()
    }

    fn close(found: [f64; 3], expected: [f64; 3]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}, {expected:?}");
    }

    #[test]
    fn bodies_are_turned_before_they_are_moved() {
        let mut bodies = one([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
        let quarter = about(&Vector3::z_axis(), 90.0);
        place(&mut bodies, Some(&quarter), Some([10.0, 0.0, 0.0]), Some([0.0, 0.0, 5.0]));
        close(bodies.position(0), [10.0, 1.0, 0.0]);
        close(bodies.velocity(0), [-1.0, 0.0, 5.0]);
    }

    #[test]
    fn euler_angles_follow_the_turned_axes() {
        // About z by 90 degrees, and then about the new x axis, which is the old y axis.
        let turn = about(&Vector3::z_axis(), 90.0) * about(&Vector3::x_axis(), 90.0);
        let mut bodies = one([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]);
        place(&mut bodies, Some(&turn), None, None);
        close(bodies.position(0), [1.0, 0.0, 0.0]);
        close(bodies.velocity(0), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn columns_of_one_file_are_zeros_for_the_bodies_of_the_other() {
        let with = |columns: &[(&str, Number)]| {
            let mut bodies = one([0.0; 3], [0.0; 3]);
            for (name, number) in columns {
                bodies.add_column(About::new(name, *number, None, Purpose::Passenger));
            }
            bodies
        };
        let mut first = with(&[("tag", Number::U8), ("age", Number::F64), ("flux", Number::F32)]);
        let mut second = with(&[("flux", Number::F64), ("colour", Number::I16), ("age", Number::F64)]);
        first.column_mut::<u8>("tag").unwrap()[0] = 7;
        first.column_mut::<f64>("age").unwrap()[0] = 3.0;
        second.column_mut::<f64>("age").unwrap()[0] = 4.0;
        second.column_mut::<i16>("colour").unwrap()[0] = -1;
        let path = PathBuf::from("a.hdf5");
        let columns = common_columns(&Crew::alone(), [&first, &second], [&path, &path]);
        first.set_columns(&columns);
        second.set_columns(&columns);
        first.append(&second);
        let names: Vec<&str> = first.columns().iter().map(|column| &column.about().name[..]).collect();
        assert_eq!(names, ["tag", "age", "colour"]);
        assert_eq!(first.column::<u8>("tag"), Some(&[7, 0][..]));
        assert_eq!(first.column::<f64>("age"), Some(&[3.0, 4.0][..]));
        assert_eq!(first.column::<i16>("colour"), Some(&[0, -1][..]));
    }

    #[test]
    fn numbers_are_counted() {
        assert_eq!(angles("1, -2 deg,3e1"), Ok([1.0, -2.0, 30.0]));
        assert_eq!(axis_and_angle("0,0,1,90 deg"), Ok([0.0, 0.0, 1.0, 90.0]));
        assert!(axis_and_angle("0,0,1 deg,90").is_err());
        for text in ["1,2", "1,2,3,4", "1,2,x", "1,2,nan", "1,2,1e308", ""] {
            assert!(angles(text).is_err(), "{text}");
        }
    }
}
