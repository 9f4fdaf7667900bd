//! The `[movie]` table: frames that are drawn during a run, without snapshots on disk.
//!
//! A frame is the same on any number of ranks: neither the order of the bodies nor the distances to
//! their neighbours depend on it, and masses are summed as integers.

use crate::console::warn;
use crate::parameters::defaults::is_false;
use crate::parameters::quantities;
use crate::ranks::crew::Crew;
use crate::ranks::spread::{Cast, Weights, counted, expose, numbers, quick_smoothing_lengths, visible};
use crate::render::ends::Ends;
use crate::render::marks::{Marks, Shot, Trails};
use crate::render::tint::Tinted;
use crate::render::{Extent, Scene, named_types, redshift_label};
use anyhow::{Context, Result, anyhow, ensure};
use decomposition::{Comm, collective, in_key_order};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use treecode::math::{exp, hash};
use treecode::{Bodies, Domain, TYPES};
use viz::{
    Apng, ColourMap, Colours, Decorations, Direction, Gif, NEIGHBOURS, Range, Stretch, Style, Subject,
    SurfaceDensity, TimeScale, Tint, Units, View, decode_png, encode_png_quickly,
};

/// Greatest number of bodies from which the default width is found.
const SAMPLE: u64 = 1 << 14;
/// Factor by which later frames may be brighter than the first.
const HEADROOM: f64 = 3.0;

/// Greatest number of a frame.
const LAST_FRAME: f64 = 1e9;
/// Greatest number of pixels of a frame. The run waits until a frame is done.
const MOST_PIXELS: usize = 1 << 24;

/// The `[movie]` table. A frame is drawn at the end of the first step that reaches its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Movie {
    /// Time between frames [T], or difference of ln a in an expanding universe.
    pub every: f64,
    /// Width and height of the frames [pixels].
    #[serde(default = "default_size")]
    pub size: [usize; 2],
    /// Length from the left to the right edge [L]. By default it shows 98 % of the mass of the
    /// stars (or without them, of all bodies) in the first frame, or a whole periodic box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Centre of the frames [L]. By default the origin, or the centre of a periodic box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centre: Option<[f64; 3]>,
    /// Direction to the camera in the x-y plane, from x towards y [degree].
    #[serde(default = "default_azimuth")]
    pub azimuth: f64,
    /// Direction to the camera above the x-y plane [degree].
    #[serde(default = "default_elevation")]
    pub elevation: f64,
    /// Angle of view across the width [degree]. By default there is no perspective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perspective: Option<f64>,
    /// Whether the paths of bodies that are dots are drawn, from the first frame on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub trails: bool,
    /// Numbers or names of the particle types to draw. By default all.
    #[serde(
        default,
        deserialize_with = "crate::files::kinds::list_of",
        skip_serializing_if = "Option::is_none"
    )]
    pub types: Option<Vec<u8>>,
    /// Colour map.
    #[serde(default)]
    pub colours: ColourMap,
    /// How brightness depends on surface density.
    #[serde(default)]
    pub stretch: Stretch,
    /// Darkest and brightest surface density, in the unit of the colour bar or with units. By default
    /// those of the first frame, with some room above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Ends>,
    /// Movie format.
    #[serde(default)]
    pub format: Format,
    /// Frame rate of the movie [1/s].
    #[serde(default = "default_speed")]
    pub frames_per_second: f64,
}

/// Format of the movie that is made at the end of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `frames.gif`.
    #[default]
    Gif,
    /// `frames.apng`.
    Apng,
    /// No movie: only the PNG frames.
    None,
}

fn default_size() -> [usize; 2] {
    [640, 640]
}

fn default_azimuth() -> f64 {
    Direction::Z.azimuth
}

fn default_elevation() -> f64 {
    Direction::Z.elevation
}

fn default_speed() -> f64 {
    25.0
}

impl Movie {
    /// Checks that such frames can be drawn.
    ///
    /// # Errors
    /// Names the wrong key.
    pub fn check(&self, units: &io::Units) -> Result<()> {
        ensure!(
            self.every > 0.0 && self.every.is_finite(),
            "movie.every = {:?}: must be above 0 and finite",
            self.every
        );
        if let Some(kind) = self.types.iter().flatten().find(|kind| usize::from(**kind) >= TYPES) {
            anyhow::bail!("movie.types: {kind} is no particle type, must be from 0 to {}", TYPES - 1);
        }
        if let Some(ends) = &self.range {
            ends.check_alone(quantities::sized(units)).map_err(|fault| anyhow!("movie.range: {fault}"))?;
        }
        self.view(Domain::Open, self.width.unwrap_or(1.0)).context("movie")?;
        let [width, height] = self.size;
        ensure!(
            width * height <= MOST_PIXELS,
            "movie.size = [{width}, {height}]: must be at most {MOST_PIXELS} pixels, such as [4096, 4096]; heorot render draws larger pictures of snapshots"
        );
        // Reports encoder errors now instead of at the end of the run.
        let (speed, key) = (self.frames_per_second, "movie.frames_per_second");
        match self.format {
            Format::Gif => {
                Gif::new(self.size, &self.style([1.0, 2.0], None, false)?, speed).map(|_| ()).context(key)
            }
            Format::Apng | Format::None => Apng::new(self.size, false, 1, speed).map(|_| ()).context(key),
        }
    }

    /// Checks that the frames of a run over these times can be numbered.
    ///
    /// # Errors
    /// The interval between frames is too short.
    pub fn check_span(&self, [start, end]: [f64; 2]) -> Result<()> {
        let last = (end - start) / self.every;
        ensure!(
            last <= LAST_FRAME,
            "movie.every = {:?}: would give frame numbers up to {last:.0e}, must be at most {LAST_FRAME:.0e}",
            self.every
        );
        Ok(())
    }

    /// Checks that there are bodies to draw. Collective.
    ///
    /// # Errors
    /// On every rank, if no body has one of the wanted types.
    pub fn check_bodies(&self, comm: &dyn Comm, bodies: &Bodies) -> Result<()> {
        let kinds = self.kinds();
        let count = bodies.kind.iter().filter(|kind| kinds[usize::from(**kind)]).count();
        let count = collective::sum(comm, count as u64);
        ensure!(count > 0, "movie.types: there are no bodies of type {}", named_types(kinds));
        Ok(())
    }

    fn style(&self, [low, high]: [f64; 2], units: Option<Units>, comoving: bool) -> Result<Style> {
        Ok(Style {
            colours: Colours::Map(self.colours),
            range: Range::new(low, high)?.with_stretch(self.stretch),
            units,
            decorations: Decorations::ALL,
            comoving,
            transparent: false,
        })
    }

    /// Centre of the frames of a run in this space [L].
    fn centre(&self, domain: Domain) -> [f64; 3] {
        let usual = if let Domain::Periodic { side } = domain { 0.5 * side } else { 0.0 };
        self.centre.unwrap_or([usual; 3])
    }

    fn view(&self, domain: Domain, width: f64) -> Result<View, viz::Error> {
        let direction = Direction { azimuth: self.azimuth, elevation: self.elevation, roll: 0.0 };
        let view = View::new(self.size, self.centre(domain), width, direction)?;
        self.perspective.map_or(Ok(view), |angle| view.with_perspective(angle))
    }

    /// The types that are drawn.
    fn kinds(&self) -> [bool; TYPES] {
        std::array::from_fn(|kind| self.types.as_ref().is_none_or(|types| types.contains(&(kind as u8))))
    }
}

/// Settings that all frames of a run share. They are saved beside the frames, so that a continued
/// run uses them again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Common {
    /// Length from the left to the right edge [L].
    pub width: f64,
    /// Darkest and brightest surface density [M/L^2].
    pub range: [f64; 2],
}

impl Common {
    /// Encodes the settings as integers for messages.
    pub fn to_numbers(self) -> Vec<u64> {
        [self.width, self.range[0], self.range[1]].map(f64::to_bits).to_vec()
    }

    /// Decodes the settings; `None` for an empty message.
    pub fn from_numbers(numbers: &[u64]) -> Option<Common> {
        let [width, low, high] = <[u64; 3]>::try_from(numbers).ok()?.map(f64::from_bits);
        Some(Common { width, range: [low, high] })
    }
}

/// Which of these types have so few bodies that each is a dot, and which have more. Collective.
fn sparse_and_spread(comm: &dyn Comm, kinds: [bool; TYPES], bodies: &Bodies) -> [[bool; TYPES]; 2] {
    let counts = numbers(comm, bodies, kinds);
    let few = NEIGHBOURS as u64;
    let of = |range: RangeInclusive<u64>| counts.map(|count| range.contains(&count));
    [of(1..=few), of(few + 1..=u64::MAX)]
}

/// Draws the frames of a running simulation.
pub struct Filming<'a> {
    crew: &'a Crew<'a>,
    movie: &'a Movie,
    /// `None` if G is 1.
    units: Option<Units>,
    /// The same.
    sized: Option<io::Units>,
    times: TimeScale,
    domain: Domain,
    /// Whether space expands, so that times are ln a.
    expands: bool,
    start: f64,
    /// Number of the last frame.
    last: Option<u64>,
    /// Width of the frames [L], once it is found. The same on all ranks.
    width: Option<f64>,
    /// Darkest and brightest surface density [M/L^2], once they are found. On the leading rank
    /// only.
    range: Option<[f64; 2]>,
    /// The dots with their paths. Earlier frames than this run has drawn are on the leading rank only.
    marks: Marks,
    /// The paths as they are saved, if paths are drawn.
    trails: Option<Trails>,
}

impl<'a> Filming<'a> {
    /// Prepares the frames of a run from `start` to `end` [T]. A run continued at `time` already
    /// has its earlier frames, with the settings `common`.
    pub fn new(
        crew: &'a Crew<'a>,
        movie: &'a Movie,
        units: io::Units,
        [start, end]: [f64; 2],
        domain: Domain,
        expands: bool,
    ) -> Filming<'a> {
        let sized = quantities::sized(&units).copied();
        let units = sized.map(|units| Units {
            length_in_cm: units.length_in_cm,
            mass_in_g: units.mass_in_g,
            time_in_s: units.time_in_s(),
        });
        let times = TimeScale::for_times(&[start, start + movie.every, end], units);
        let width = match domain {
            Domain::Periodic { side } => Some(movie.width.unwrap_or(side)),
            Domain::Open => movie.width,
        };
        let trails = movie.trails.then(Trails::default);
        let marks = Marks::new(movie.trails.then_some([true; TYPES]));
        Filming {
            crew,
            movie,
            units,
            sized,
            times,
            domain,
            expands,
            start,
            last: None,
            width,
            range: None,
            marks,
            trails,
        }
    }

    /// Continues at `time` after the existing frames, with their settings and, on the leading rank, the
    /// paths of their dots.
    pub fn resume(mut self, time: f64, common: Option<Common>, mut trails: Trails) -> Filming<'a> {
        let last = self.number(time);
        self.last = Some(last);
        if self.trails.is_some() {
            trails.keep_until(last);
            self.marks = Marks::continued([true; TYPES], &trails);
            self.trails = Some(trails);
        }
        self.width = common.map(|common| common.width).or(self.width);
        self.range = common.map(|common| common.range);
        self
    }

    /// The paths of the dots of all frames, if paths are drawn. Complete on the leading rank.
    pub fn trails(&self) -> Option<&Trails> {
        self.trails.as_ref()
    }

    /// Number of the last frame that is due at a time [T].
    pub fn number(&self, time: f64) -> u64 {
        ((time - self.start) / self.movie.every + 1e-9) as u64
    }

    /// Number of the frame to draw at a time [T], if one is due.
    pub fn due(&self, time: f64) -> Option<u64> {
        let number = self.number(time);
        (self.last != Some(number)).then_some(number)
    }

    /// Draws a frame. The leading rank gets the PNG file and the common settings. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a body cannot be drawn or the picture is empty.
    pub fn frame(&mut self, number: u64, time: f64, bodies: &Bodies) -> Result<Option<(Vec<u8>, Common)>> {
        self.last = Some(number);
        let kinds = self.movie.kinds();
        let unit = self.units.map_or(1.0, |units| io::Units::PARSEC.mass_in_g / units.mass_in_g);
        let counted = counted(self.crew.comm, bodies, kinds, unit);
        let bodies = counted.as_ref().unwrap_or(bodies);
        let types = sparse_and_spread(self.crew.comm, kinds, bodies);
        let cast = Cast::of(self.crew.comm, bodies, types, counted.is_some());
        let width = self.width.map_or_else(|| self.find_width(bodies, &cast), Ok)?;
        self.width = Some(width);
        let view = self.movie.view(self.domain, width)?;
        let mut bodies = Cow::Borrowed(bodies);
        cast.give_mass(&mut bodies, unit);
        let Some(density) = self.density(&view, &cast, &bodies)? else { return Ok(None) };
        let dots_alone = cast.dots.contains(&true) && !cast.spread.contains(&true);
        let range = match (self.range, &self.movie.range) {
            (Some(range), _) => Some(range),
            (None, Some(ends)) => {
                let unit = viz::DensityUnit::for_width(width, self.units).per_code_unit;
                let values = ends.resolve(self.sized.as_ref(), unit);
                Some(values.map_err(|fault| anyhow!("movie.range: {fault}"))?)
            }
            (None, None) if dots_alone => Some([1.0, 10.0]), // of no use to dots
            (None, None) => Range::of(&density).map(|range| [range.low(), HEADROOM * range.high()]),
        };
        let Some(range) = range else {
            warn(&format!("[movie]: no body with a mass lies in the frame at t {time:?}: none is made"));
            return Ok(None);
        };
        self.range = Some(range);
        if let Some(trails) = &mut self.trails {
            self.marks.remember_in(trails, number);
        }
        let label = if self.expands { redshift_label(exp(time)) } else { self.times.label(time) };
        let decorations = Decorations { colour_bar: !dots_alone, ..Decorations::ALL };
        let map = self.movie.colours;
        let colours = if cast.counts { Colours::Numbers(map) } else { Colours::Map(map) };
        let picture = viz::render(&density, &Style { decorations, colours, ..self.style(range)? }, &label);
        Ok(Some((encode_png_quickly(&picture)?, Common { width, range })))
    }

    fn style(&self, range: [f64; 2]) -> Result<Style> {
        self.movie.style(range, self.units, self.expands)
    }

    /// Surface density of the bodies of some types, with those of others as dots, on the leading rank.
    fn density(&mut self, view: &View, cast: &Cast, bodies: &Bodies) -> Result<Option<SurfaceDensity>> {
        let kinds = cast.spread;
        let ordered = self.crew.cube(bodies)?.map(|cube| in_key_order(self.crew.comm, &cube, bodies));
        let bodies = ordered.as_ref().map_or(bodies, |ordered| &ordered.bodies);
        let lengths = quick_smoothing_lengths(self.crew, self.domain, bodies, kinds, NEIGHBOURS)?;
        let mut scene = Scene { bodies: Cow::Borrowed(bodies), lengths: Cow::Owned(lengths), counted: false };
        scene.moved_around(self.domain, view.target());
        let Scene { bodies, lengths, .. } = &scene;
        let subject = Subject { bodies, kinds, lengths, tint: Tint::Plain };
        let exposure = expose(self.crew, &subject, view)?;
        let side = if let Domain::Periodic { side } = self.domain { side } else { f64::INFINITY };
        let shot = Shot { view, depth: None, follows: false, side };
        let marks = self.marks.take(self.crew.comm, bodies, cast.dots, &Tinted::Plain, &shot);
        Ok(self.crew.leads().then(|| exposure.develop().with_marks(marks)))
    }

    /// The width that shows nearly all of the mass, or if only dots have mass, nearly all bodies. Collective.
    fn find_width(&self, bodies: &Bodies, cast: &Cast) -> Result<f64> {
        let (comm, kinds) = (self.crew.comm, self.movie.kinds());
        let visible = visible(comm, bodies, kinds, 1, |_| 0);
        let wanted = |i: &usize| kinds[usize::from(bodies.kind[*i])] && (cast.is_of_dots() || visible[*i]);
        let count = collective::sum(comm, (0..bodies.len()).filter(wanted).count() as u64);
        ensure!(count > 0, "movie.types: there are no bodies of type {}", named_types(kinds));
        // A hash of the id selects the sample. It is the same on any number of ranks and
        // independent of patterns in the ids.
        let stride = count.div_ceil(SAMPLE);
        let weights = Weights::of(comm, bodies, kinds, cast.is_of_dots());
        // Dots with mass are all in it if the mass does not matter.
        let always = |i: usize| cast.is_of_dots() && bodies.mass[i] > 0.0;
        let chosen = (0..bodies.len())
            .filter(wanted)
            .filter(|&i| always(i) || hash(bodies.id[i]).is_multiple_of(stride));
        let mine: Vec<[u64; 5]> = chosen
            .map(|i| {
                let [x, y, z] = bodies.position(i).map(f64::to_bits);
                let share = if cast.is_of_dots() && !always(i) { stride as f64 } else { 1.0 };
                [bodies.id[i], x, y, z, (share * weights.weight(bodies, i)).to_bits()]
            })
            .collect();
        let mut all = collective::gather(comm, &mine).concat();
        all.sort_unstable();
        let sample =
            all.into_iter().map(|[_, x, y, z, mass]| ([x, y, z].map(f64::from_bits), f64::from_bits(mass)));
        let few = cast.is_of_dots();
        let extent = Extent::of(self.movie.centre(self.domain), sample.collect(), few);
        let direction = Direction { azimuth: self.movie.azimuth, elevation: self.movie.elevation, roll: 0.0 };
        extent.width(self.movie.centre(self.domain), direction, self.movie.size)
    }

    /// Encodes a movie from the frames on disk. Returns its file name and bytes.
    ///
    /// # Errors
    /// If a frame cannot be read.
    pub fn assemble(&self, frames: &[PathBuf]) -> Result<Option<(&'static str, Vec<u8>)>> {
        let Some(range) = self.range.filter(|_| !frames.is_empty()) else { return Ok(None) };
        let (size, speed) = (self.movie.size, self.movie.frames_per_second);
        let picture = |path: &PathBuf| {
            let bytes = io::read_bytes(path, io::LONGEST_TEXT)?;
            decode_png(&bytes).with_context(|| path.display().to_string())
        };
        Ok(match self.movie.format {
            Format::None => None,
            Format::Gif => {
                let mut movie = Gif::new(size, &self.style(range)?, speed)?;
                frames.iter().try_for_each(|path| Ok::<_, anyhow::Error>(movie.push(&picture(path)?)?))?;
                Some(("frames.gif", movie.finish()?))
            }
            Format::Apng => {
                let mut movie = Apng::new(size, false, frames.len(), speed)?;
                frames.iter().try_for_each(|path| Ok::<_, anyhow::Error>(movie.push(&picture(path)?)?))?;
                Some(("frames.apng", movie.finish()?))
            }
        })
    }
}

/// Reads the paths of the dots of earlier frames, if there are any.
pub fn read_trails(path: &Path) -> Trails {
    io::read_bytes(path, io::LONGEST_TEXT).map_or_else(|_| Trails::default(), |bytes| Trails::read(&bytes))
}

/// Reads the common settings of earlier frames, if there are any.
pub fn read_common(path: &Path) -> Option<Common> {
    serde_json::from_slice(&io::read_bytes(path, io::LONGEST_TEXT).ok()?).ok()
}

#[cfg(test)]
mod tests;
