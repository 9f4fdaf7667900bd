//! The snapshots of a movie, their common properties and their extent.

use crate::files::galaxies::Named;
use crate::files::ids::Naming;
use crate::parameters::periodic_box::domain_of_side;
use crate::ranks::crew::Crew;
use crate::ranks::spread::{Cast, Weights, centre_of_mass, counted, visible};
use anyhow::{Context, Result, bail};
use decomposition::collective;
use io::snapshot::{self, Wanted};
use std::path::{Path, PathBuf};
use treecode::{Bodies, Domain, TYPES};
use viz::{Direction, Units, View};

/// Greatest number of bodies per snapshot from which the extent is computed.
const SAMPLE: u64 = 4096;
/// Fractions of the mass that the frame shows: of the whole sequence, and at least of each
/// snapshot. Debris in a late snapshot does not enlarge the frame of all.
const MASS_SHOWN: [f64; 2] = [0.98, 0.9];
/// Approximate memory of drawing per body, in addition to the body [bytes].
const BESIDE: u64 = 120;
/// Bodies farther than `FAR` times the distance that encloses the fraction `HELD` of the mass count
/// as escaped and do not widen the frame.
const FAR: f64 = 4.0;
const HELD: f64 = 0.8;
/// Free space at each edge of the frame, as a fraction of its width.
const MARGIN: f64 = 0.08;
/// Greatest relative difference of the sides of one box in several files.
const SAME_BOX: f64 = 1e-6;

/// A snapshot of the sequence.
pub struct Entry {
    /// Its file.
    pub path: PathBuf,
    /// Its time [T]; the scale factor in an expanding universe.
    pub time: f64,
    /// Whether its ids are valid in other snapshots.
    naming: Naming,
}

/// Snapshots ordered by time, in one system of units.
pub struct Sequence {
    /// The snapshots.
    pub entries: Vec<Entry>,
    /// Their units, if the files state them.
    pub units: Option<Units>,
    /// Which particle types are drawn.
    pub kinds: [bool; TYPES],
    /// The parameters of the run that wrote the first snapshot.
    pub parameters: Vec<(String, String)>,
    /// The space of the bodies: a box of the snapshots is periodic.
    pub domain: Domain,
    /// Whether the universe expands, so that lengths are comoving.
    pub expands: bool,
    /// Number of bodies of each type in all snapshots.
    count: [u64; TYPES],
    /// Greatest number of bodies of each type in a snapshot.
    most: [u64; TYPES],
}

impl Sequence {
    /// Reads the headers of all snapshots. Several files of one snapshot count as one. With
    /// `isolated`, boxes and the expansion of the universe are ignored.
    ///
    /// # Errors
    /// If one cannot be read, if units or boxes differ, or if no snapshot has a body of the wanted types.
    pub fn open(paths: &[PathBuf], kinds: [bool; TYPES], isolated: bool) -> Result<Sequence> {
        let mut entries = Vec::new();
        let mut units: Option<(&Path, Option<io::Units>)> = None;
        let (mut count, mut most, mut parameters) = ([0; TYPES], [0; TYPES], None);
        let mut space: Option<(f64, bool)> = None;
        let paths = &snapshot::distinct(paths)?[..];
        for path in paths {
            let header = snapshot::read_header(path)?;
            let (first, common) = *units.get_or_insert((path, header.units));
            if header.units != common {
                bail!("{}: its units are not those of {}", path.display(), first.display());
            }
            (0..TYPES).for_each(|kind| count[kind] += header.count[kind]);
            (0..TYPES).for_each(|kind| most[kind] = header.count[kind].max(most[kind]));
            let universe = header.universe.filter(|_| !isolated);
            let side = if isolated { 0.0 } else { header.box_size };
            let known = *space.get_or_insert((side, universe.is_some()));
            if (known.0 - side).abs() > SAME_BOX * known.0 || known.1 != universe.is_some() {
                bail!(
                    "{}: its box or its expansion is not that of {}; --isolated ignores both",
                    path.display(),
                    first.display()
                );
            }
            let time = universe.map_or(header.time, |universe| universe.scale_factor);
            entries.push(Entry { path: path.clone(), time, naming: Naming::of(&header) });
            parameters.get_or_insert(header.parameters);
        }
        check_kinds(count, kinds, paths)?;
        entries.sort_by(|a, b| a.time.total_cmp(&b.time));
        // Numbers of a run with G = 1 have no units.
        let sized = units.and_then(|(_, units)| units).filter(|units| *units != io::Units::NBODY);
        let units = sized.map(|units| Units {
            length_in_cm: units.length_in_cm,
            mass_in_g: units.mass_in_g,
            time_in_s: units.time_in_s(),
        });
        let (side, expands) = space.unwrap_or((0.0, false));
        let domain = domain_of_side(side);
        domain.check().with_context(|| format!("{}: its box", paths[0].display()))?;
        Ok(Sequence {
            entries,
            units,
            kinds,
            parameters: parameters.unwrap_or_default(),
            domain,
            expands,
            count,
            most,
        })
    }

    /// Whether bodies of a type are drawn.
    pub fn has(&self, kind: usize) -> bool {
        self.kinds[kind] && self.count[kind] > 0
    }

    /// Which drawn types have bodies, but at most `few` in each snapshot.
    pub fn sparse(&self, few: u64) -> [bool; TYPES] {
        std::array::from_fn(|kind| self.has(kind) && self.most[kind] <= few)
    }

    /// Whether the snapshots are of a model with one disc galaxy, alone or with other systems. Its centre
    /// is then the densest place; of several galaxies it would be any of them.
    pub fn is_a_galaxy(&self) -> bool {
        has_one_disc(&self.parameters)
    }

    /// Checks from the headers that an id means the same body in all snapshots. `purpose` names
    /// what requires it.
    ///
    /// # Errors
    /// If it does not. The error names two snapshots.
    pub fn check_naming(&self, purpose: &str) -> Result<()> {
        for pair in self.entries.windows(2) {
            if let Some(fault) = pair[0].naming.fault(&pair[1].naming) {
                let [first, second] = [&pair[0], &pair[1]].map(|entry| entry.path.display());
                bail!("{second}: its bodies cannot be told to be those of {first}: {fault}; {purpose}");
            }
        }
        Ok(())
    }

    /// Which types have at most `few` bodies in each snapshot, and which have more.
    pub fn sparse_and_spread(&self, few: u64) -> [[bool; TYPES]; 2] {
        let sparse = self.sparse(few);
        [sparse, std::array::from_fn(|kind| self.has(kind) && !sparse[kind])]
    }

    /// The units as in files, if the files state them.
    pub fn file_units(&self) -> Option<io::Units> {
        self.units.map(|units| io::Units {
            length_in_cm: units.length_in_cm,
            mass_in_g: units.mass_in_g,
            velocity_in_cm_per_s: units.length_in_cm / units.time_in_s,
        })
    }

    /// Mass of a body that is counted: that of the Sun, or 1 without units [M].
    pub fn counted_mass(&self) -> f64 {
        self.units.map_or(1.0, |units| io::Units::PARSEC.mass_in_g / units.mass_in_g)
    }

    /// Reads this rank's share of the bodies of a snapshot, and whether each has [`Self::counted_mass`],
    /// because none has mass. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the file cannot be read or holds invalid bodies.
    pub fn read(&self, crew: &Crew, entry: &Entry) -> Result<(Bodies, bool)> {
        let (rank, size) = (crew.comm.rank(), crew.comm.size());
        let wanted =
            Wanted { rank, size, kinds: self.kinds, beside: BESIDE, columns: false, ..Wanted::default() };
        let mut bodies = crew.agree(|| Ok(snapshot::read_wanted(&entry.path, &wanted)?.1))?;
        bodies.wrap(self.domain);
        let counted = counted(crew.comm, &bodies, self.kinds, self.counted_mass());
        let is_counted = counted.is_some();
        Ok((counted.unwrap_or(bodies), is_counted))
    }

    /// Reads all snapshots and samples the positions of their bodies. Types with at most `few` bodies are
    /// dots. The extent shows each of the `galaxies`. Collective.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn extent(&self, crew: &Crew, few: u64, galaxies: &[Named]) -> Result<Extent> {
        let mut centres = [0.0; 3];
        let (mut samples, mut each, mut dots_alone) = (Vec::new(), Vec::new(), false);
        for entry in &self.entries {
            let (bodies, counted) = self.read(crew, entry)?;
            let types = self.sparse_and_spread(few);
            let of_dots = Cast::of(crew.comm, &bodies, types, counted).is_of_dots();
            dots_alone |= of_dots;
            let weights = Weights::of(crew.comm, &bodies, self.kinds, of_dots);
            // Where the mass does not matter, the few bodies of sparse types are all in the sample.
            let always = |i: usize| of_dots && types[0][usize::from(bodies.kind[i])];
            // Those of no galaxy are a group, too.
            let group = |i: usize| {
                let place = galaxies.iter().position(|(_, ids)| ids.contains(&bodies.id[i]));
                place.unwrap_or(galaxies.len())
            };
            let visible = visible(crew.comm, &bodies, self.kinds, galaxies.len() + 1, group);
            let drawn = |&i: &usize| {
                let is_kind = self.kinds[usize::from(bodies.kind[i])];
                is_kind && (of_dots || visible[i]) && weights.weight(&bodies, i) > 0.0
            };
            let wanted: Vec<usize> = (0..bodies.len()).filter(drawn).collect();
            let Some(centre) = centre_of_mass(crew.comm, &bodies, self.kinds) else { continue };
            (0..3).for_each(|axis| centres[axis] += centre[axis]);
            // Every `stride`-th of the others, counted over all ranks.
            let others = wanted.iter().filter(|i| !always(**i)).count();
            let counts = collective::gather(crew.comm, &[others as u64]).concat();
            let stride = counts.iter().sum::<u64>().div_ceil(SAMPLE).max(1);
            let mut number = counts[..crew.comm.rank()].iter().sum::<u64>();
            let mut mine = Vec::new();
            for i in wanted {
                let [x, y, z] = bodies.position(i);
                let weight = weights.weight(&bodies, i);
                if always(i) {
                    mine.push([x, y, z, weight, group(i) as f64]);
                    continue;
                }
                if number.is_multiple_of(stride) {
                    mine.push([x, y, z, weight * stride as f64, group(i) as f64]);
                }
                number += 1;
            }
            let all = collective::gather(crew.comm, &mine).concat();
            let weighted = |[x, y, z, weight, _]: [f64; 5]| ([x, y, z], weight);
            for galaxy in 0..galaxies.len() {
                let own = all.iter().copied().filter(|body| body[4] == galaxy as f64);
                each.push(own.map(weighted).collect());
            }
            samples.push(all.into_iter().map(weighted).collect());
        }
        let centre = centres.map(|sum| sum / samples.len().max(1) as f64);
        Ok(Extent { centre, samples, galaxies: each, dots_alone })
    }
}

fn check_kinds(count: [u64; TYPES], kinds: [bool; TYPES], paths: &[PathBuf]) -> Result<()> {
    if (0..TYPES).any(|kind| kinds[kind] && count[kind] > 0) {
        return Ok(());
    }
    let there = named_types(count.map(|count| count > 0));
    let first = paths.first().map_or(Path::new(""), PathBuf::as_path).display();
    match there.is_empty() {
        true => bail!("{first}: there are no bodies to draw"),
        false => {
            bail!("{first}: no bodies of type {} to draw, only of type {there}", named_types(kinds))
        }
    }
}

/// Particle types by number, as "1, 3".
pub fn named_types(kinds: [bool; TYPES]) -> String {
    let list: Vec<String> = (0..TYPES).filter(|kind| kinds[*kind]).map(|kind| kind.to_string()).collect();
    list.join(", ")
}

/// Extent of the bodies of a sequence.
pub struct Extent {
    /// Mean of the centres of mass of all snapshots [L].
    pub centre: [f64; 3],
    /// For each snapshot, the positions of sampled bodies [L] and the weights that they represent:
    /// masses [M], or if only dots have mass, parts of the bodies of a type.
    samples: Vec<Vec<([f64; 3], f64)>>,
    /// As many samples of each galaxy that the frame must show.
    galaxies: Vec<Vec<([f64; 3], f64)>>,
    /// Whether only dots have mass. Then none of them counts as escaped.
    dots_alone: bool,
}

impl Extent {
    /// Extent of one set of bodies: positions [L] and weights, about a centre [L]. `dots_alone`
    /// says that only dots have mass.
    pub fn of(centre: [f64; 3], sample: Vec<([f64; 3], f64)>, dots_alone: bool) -> Extent {
        Extent { centre, samples: vec![sample], galaxies: Vec::new(), dots_alone }
    }

    /// Width [L] of a picture of `size` pixels that shows nearly all of the mass, with some margin.
    ///
    /// # Errors
    /// If there is no such picture.
    pub fn width(&self, centre: [f64; 3], direction: Direction, size: [usize; 2]) -> Result<f64> {
        let view = View::new(size, centre, 1.0, direction)?;
        let [across, along] = size.map(|side| side as f64);
        let half_width = |&(position, mass): &([f64; 3], f64)| {
            let [x, y] = view.project(position).map_or([0.0; 2], |sight| sight.point);
            ((x / across - 0.5).abs().max((y / along - 0.5).abs()), mass)
        };
        let widths = |samples: &[Vec<([f64; 3], f64)>]| -> Vec<Vec<(f64, f64)>> {
            samples.iter().map(|sample| sample.iter().map(half_width).collect()).collect()
        };
        let parts = widths(&self.samples);
        let [of_all, of_each] = MASS_SHOWN;
        let each = parts.iter().map(|part| quantile(part.clone(), of_each));
        let half = each.fold(quantile(parts.concat(), of_all), f64::max);
        let held = parts.iter().map(|part| quantile(part.clone(), HELD)).fold(0.0, f64::max);
        let half = if held > 0.0 && !self.dots_alone { half.min(FAR * held) } else { half };
        let galaxies = widths(&self.galaxies).into_iter().filter(|part| !part.is_empty());
        let half = galaxies.map(|part| quantile(part, HELD)).fold(half, f64::max);
        let width = 2.0 * half / (1.0 - 2.0 * MARGIN);
        Ok(if width > 0.0 { width } else { 1.0 })
    }
}

/// Whether the parameters of a run or a model have one model of a disc galaxy.
fn has_one_disc(parameters: &[(String, String)]) -> bool {
    const MODELS: [&str; 4] = ["model", "initial.model", "galaxies", "initial.galaxies"];
    let models = parameters.iter().filter(|(key, _)| MODELS.contains(&key.as_str()));
    models.map(|(_, value)| value.matches("\"disc-galaxy\"").count()).sum::<usize>() == 1
}

/// The smallest value such that a fraction `part` of the mass lies at or below it.
fn quantile(mut values: Vec<(f64, f64)>, part: f64) -> f64 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|(_, mass)| mass).sum();
    let mut below = 0.0;
    let reached = values.iter().find(|(_, mass)| {
        below += mass;
        below >= part * total
    });
    reached.or(values.last()).map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disc_galaxy_is_found_among_other_models() {
        let has = |key: &str, value: &str| has_one_disc(&[(key.to_owned(), value.to_owned())]);
        assert!(has("model", "\"disc-galaxy\"") && has("initial.model", "\"disc-galaxy\""));
        let satellite = "[{ model = \"disc-galaxy\" }, { model = \"plummer\" }]";
        let pair = "[{ model = \"disc-galaxy\" }, { model = \"disc-galaxy\" }]";
        assert!(has("initial.galaxies", satellite) && !has("initial.galaxies", pair));
        assert!(!has("initial.model", "\"plummer\"") && !has("initial.file", "\"disc-galaxy\""));
    }

    #[test]
    fn the_quantile_is_weighted_by_mass() {
        let values = || vec![(3.0, 1.0), (1.0, 1.0), (2.0, 8.0)];
        assert_eq!(
            [0.05, 0.5, 0.9, 0.95, 1.0].map(|part| quantile(values(), part)),
            [1.0, 2.0, 2.0, 3.0, 3.0]
        );
    }

    #[test]
    fn the_frame_holds_a_wide_scene_in_any_shape() {
        let corners = [[-4.0, -1.0, 0.0], [4.0, 1.0, 0.0]].map(|position| (position, 1.0));
        let extent = Extent {
            centre: [0.0; 3],
            samples: vec![corners.to_vec(), vec![([0.0; 3], 1.0)]],
            galaxies: Vec::new(),
            dots_alone: false,
        };
        let width_along =
            |direction, size| extent.width([0.0; 3], direction, size).unwrap() * (1.0 - 2.0 * MARGIN);
        let width = |size| width_along(Direction::Z, size);
        assert!((width([400, 400]) - 8.0).abs() < 1e-12);
        assert!((width([1600, 200]) - 16.0).abs() < 1e-12);
        assert!((width_along(Direction::X, [300, 300]) - 2.0).abs() < 1e-12);
    }

    /// Of 100 snapshots, 99 are compact and one has expanded. Its bodies are less than 2 % of the
    /// mass of the sequence, but they must be shown.
    #[test]
    fn no_snapshot_is_left_out_for_the_others() {
        let line = |length: f64| {
            (0..100).map(|i| ([length * f64::from(i) / 99.0, 0.0, 0.0], 1.0)).collect::<Vec<_>>()
        };
        let half = |last: f64| {
            let samples = (0..100).map(|i| line(if i == 99 { last } else { 1.0 })).collect();
            let extent = Extent { centre: [0.0; 3], samples, galaxies: Vec::new(), dots_alone: false };
            extent.width([0.0; 3], Direction::Z, [300, 300]).unwrap() * (1.0 - 2.0 * MARGIN) / 2.0
        };
        assert!((half(1.0) - 0.98).abs() < 0.011);
        assert!((half(10.0) - 9.0).abs() < 0.11);
    }

    #[test]
    fn escapers_do_not_widen_the_frame() {
        let place = |i: u32| [if i < 95 { f64::from(i) / 95.0 } else { 1000.0 }, 0.0, 0.0];
        let sample = (0..100).map(|i| (place(i), 1.0)).collect();
        let extent =
            Extent { centre: [0.0; 3], samples: vec![sample], galaxies: Vec::new(), dots_alone: false };
        let width = extent.width([0.0; 3], Direction::Z, [300, 300]).unwrap();
        assert!(width * (1.0 - 2.0 * MARGIN) < 8.0, "{width}");
    }

    #[test]
    fn a_point_gets_a_frame_too() {
        let extent = Extent {
            centre: [0.0; 3],
            samples: vec![vec![([0.0; 3], 1.0)]],
            galaxies: Vec::new(),
            dots_alone: false,
        };
        assert_eq!(extent.width([0.0; 3], Direction::Z, [300, 300]).unwrap(), 1.0);
    }
}
