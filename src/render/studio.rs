//! Draws the frames of a sequence, with an extent and a range of brightness that suit all frames.

use super::camera::Camera;
use super::frames::{Moment, Reader, moments};
use super::marks::{Marks, Shot};
use super::options::{Follow, Look, Wished};
use super::sequence::Sequence;
use super::tint::{Tinted, Tinter};
use crate::ranks::crew::Crew;
use crate::ranks::spread::{Cast, expose};
use anyhow::{Context, Result, anyhow, ensure};
use nbody::cosmology::redshift_of;
use std::path::Path;
use treecode::{Domain, TYPES};
use viz::{Colours, Decorations, DensityUnit, Range, Style, SurfaceDensity, TimeScale, View, value_range};

/// Greatest number of frames from which the common range of brightness is found.
const SAMPLES: usize = 12;

/// Draws the frames of a sequence. The bodies are distributed over the ranks, and each rank gets
/// the whole picture.
pub struct Studio<'a> {
    crew: &'a Crew<'a>,
    look: &'a Look,
    sequence: &'a Sequence,
    camera: Camera,
    moments: Vec<Moment>,
    times: TimeScale,
    /// Thickness of the slab that is drawn [L].
    depth: Option<f64>,
    reader: Reader<'a>,
    tinter: Tinter,
    /// Types of few bodies, and the others.
    types: [[bool; TYPES]; 2],
    marks: Marks,
    /// The only frame, once it is drawn.
    only: Option<SurfaceDensity>,
}

impl<'a> Studio<'a> {
    /// Prepares the frames of a sequence in pictures of `size` pixels, with a camera at rest. There
    /// are as many frames as requested, or one per snapshot. Collective, like all methods that read
    /// snapshots.
    ///
    /// # Errors
    /// If a snapshot cannot be read or an option cannot be satisfied.
    pub fn new(
        crew: &'a Crew<'a>,
        look: &'a Look,
        sequence: &'a Sequence,
        size: [usize; 2],
        frames: Option<usize>,
    ) -> Result<Studio<'a>> {
        // Invalid views are refused before snapshots are read.
        let lengths = look.lengths(sequence.file_units().as_ref())?;
        let view = View::new(size, [0.0; 3], lengths.width.unwrap_or(1.0), look.direction())?;
        look.perspective.map_or(Ok(view), |angle| view.with_perspective(angle))?;
        let usual = sequence.is_a_galaxy() && look.centre.is_none() && !sequence.domain.is_periodic();
        let follow = look.follow.or(usual.then_some(Follow::Centre));
        let centre = lengths.centre.or(follow.map(|_| [0.0; 3]));
        let tinter = Tinter::new(look, lengths.arrival_radius, sequence)?;
        let (centre, width) = match (centre, lengths.width, sequence.domain) {
            (centre, width, Domain::Periodic { side }) => {
                (centre.unwrap_or([0.5 * side; 3]), width.unwrap_or(side))
            }
            (Some(centre), Some(width), _) => (centre, width),
            (_, width, _) => {
                let extent = sequence.extent(crew, look.neighbours.into(), tinter.galaxies())?;
                let centre = lengths.centre.unwrap_or(extent.centre);
                let found = || extent.width(centre, look.direction(), size);
                (centre, width.map_or_else(found, Ok)?)
            }
        };
        View::new(size, centre, width, look.direction())?;
        let times: Vec<f64> = sequence.entries.iter().map(|entry| entry.time).collect();
        let moments = moments(&times, frames);
        let shown: Vec<f64> = moments.iter().map(|moment| moment.time).collect();
        let between = frames.is_some() && sequence.entries.len() > 1;
        let types = sequence.sparse_and_spread(look.neighbours.into());
        let sparse = types[0];
        let trails = look.trails;
        ensure!(
            !trails || sparse.contains(&true),
            "--trails: draws the paths of types with at most {} bodies (--neighbours), and there are none",
            look.neighbours
        );
        ensure!(
            !trails || sequence.entries.len() > 1,
            "--trails: draws paths from snapshot to snapshot, and there is only one snapshot"
        );
        let by_id = between || !tinter.has_no_memory() || trails;
        if between {
            sequence.check_naming("frames between snapshots (--frames) need the same ids in both")?;
        } else if by_id {
            let option = if trails { "--trails" } else { "--colour-by arrival" };
            sequence.check_naming(&format!("{option}: follows bodies by their ids"))?;
        }
        let camera = Camera::still(look, follow, size, centre, width);
        check_followed(&camera, sequence)?;
        Ok(Studio {
            crew,
            look,
            sequence,
            camera,
            moments,
            times: TimeScale::for_times(&shown, sequence.units),
            depth: lengths.depth,
            reader: Reader::new(crew, sequence, look.neighbours as usize, by_id),
            tinter,
            types,
            marks: Marks::new(trails.then_some(sparse)),
            only: None,
        })
    }

    /// Rotates the camera by `orbit` degrees of azimuth and zooms in by a factor `zoom` until the
    /// last frame.
    pub fn move_camera(&mut self, orbit: f64, zoom: f64) {
        self.camera = self.camera.clone().moving(orbit, zoom);
    }

    /// Moves the camera on the path of a file.
    ///
    /// # Errors
    /// If the file cannot be read or has invalid values.
    pub fn move_camera_along(&mut self, path: &Path) -> Result<()> {
        self.camera = self.camera.clone().on_path(path, self.sequence.file_units().as_ref())?;
        check_followed(&self.camera, self.sequence)
    }

    /// Number of frames.
    pub fn count(&self) -> usize {
        self.moments.len()
    }

    /// The time of a frame as a label.
    pub fn label(&self, frame: usize) -> String {
        let time = self.moments[frame].time;
        if self.sequence.expands { redshift_label(time) } else { self.times.label(time) }
    }

    /// The surface density of a frame, with its tint. Frames must be drawn in order.
    ///
    /// # Errors
    /// If a snapshot cannot be read, or has bodies that cannot be drawn.
    pub fn draw(&mut self, frame: usize) -> Result<SurfaceDensity> {
        match self.only.take() {
            Some(only) => Ok(only),
            None => {
                let density = self.project(frame, true)?;
                self.marks.remember();
                Ok(density)
            }
        }
    }

    fn project(&mut self, frame: usize, tinted: bool) -> Result<SurfaceDensity> {
        let moment = self.moments[frame];
        let kinds = self.sequence.kinds;
        let sequence = self.sequence;
        let named = |error| named(error, sequence, &moment);
        let mut scene = self.reader.scene(&moment).map_err(named)?;
        let view = self.camera.view(self.crew.comm, moment.at, &scene.bodies, kinds);
        let view = view.map_err(named)?;
        let cast = Cast::of(self.crew.comm, &scene.bodies, self.types, scene.counted);
        cast.give_mass(&mut scene.bodies, self.sequence.counted_mass());
        scene.moved_around(self.sequence.domain, view.target());
        if let Some(depth) = self.depth {
            scene.cut(&view, depth);
        }
        let side = if let Domain::Periodic { side } = self.sequence.domain { side } else { f64::INFINITY };
        let tint = self.crew.agree(|| match tinted {
            true => self.tinter.tint(&scene.bodies, kinds, &view, moment.time),
            false => Ok(Tinted::Plain),
        })?;
        let subject = tint.subject(&scene.bodies, cast.spread, &scene.lengths);
        let exposure = expose(self.crew, &subject, &view).map_err(named)?;
        let shot = Shot { view: &view, depth: self.depth, follows: self.camera.follows(), side };
        let marks = self.marks.take(self.crew.comm, &scene.bodies, cast.dots, &tint, &shot);
        Ok(exposure.develop().with_marks(marks))
    }

    /// How the bodies of the first frame are drawn, and those of the others.
    fn cast(&mut self) -> Result<Cast> {
        let moment = self.moments[0];
        let sequence = self.sequence;
        let scene = self.reader.scene(&moment).map_err(|error| named(error, sequence, &moment))?;
        Ok(Cast::of(self.crew.comm, &scene.bodies, self.types, scene.counted))
    }

    /// The style of all frames: colours and brightness from the options, or else values that suit
    /// all frames.
    ///
    /// # Errors
    /// If a snapshot cannot be read, an option cannot be satisfied, or the pictures are empty.
    pub fn style(&mut self, decorations: Decorations, transparent: bool) -> Result<Style> {
        let (look, units) = (self.look, self.sequence.units);
        let tinter_knows = look.values.is_some() || !self.tinter.has_no_memory();
        let (mut common, mut values): (Option<Range>, Option<[f64; 2]>) = (None, None);
        let cast = self.cast()?;
        // Dots alone have no surface density.
        let dots_alone = cast.spread == [false; TYPES];
        let mut no_dots = false;
        let of_file = self.sequence.file_units();
        let given = match &look.range {
            Some(Wished::Densities(ends)) => {
                let unit = DensityUnit::for_width(self.camera.first_width(), units).per_code_unit;
                let values = ends.resolve(of_file.as_ref(), unit);
                let [low, high] = values.map_err(|fault| anyhow!("--range: {fault}"))?;
                // Checked as numbers of the colour bar, which an error shows.
                Range::new(low * unit, high * unit).context("--range")?;
                Some(Range::new(low, high).context("--range")?)
            }
            _ => None,
        };
        let signed = self.tinter.is_signed();
        let no_values = matches!(self.tinter, Tinter::Plain | Tinter::Types(..) | Tinter::Galaxies(_));
        if given.is_none() || !(tinter_knows || no_values) {
            no_dots = true;
            for frame in self.samples() {
                let density = self.project(frame, self.tinter.has_no_memory())?;
                no_dots &= !density.marks().iter().any(|mark| density.view().shows(mark.point));
                let range = match &look.range {
                    Some(Wished::Percentiles([below, above])) => {
                        Range::percentiles(&density, *below, *above)?
                    }
                    _ => Range::of(&density),
                };
                common = join(common, range, Range::union);
                let union = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
                values = join(values, value_range(&density, signed), union);
                if self.count() == 1 && self.tinter.has_no_memory() {
                    self.only = Some(density);
                }
            }
        }
        let nothing = (dots_alone && !no_dots).then(|| Range::new(1.0, 10.0)).transpose()?;
        let decorations = Decorations {
            colour_bar: decorations.colour_bar
                && (!dots_alone || matches!(self.tinter, Tinter::Types(..) | Tinter::Galaxies(_))),
            ..decorations
        };
        let range = given.or(common).or(nothing);
        let range = range.with_context(|| {
            let what = if dots_alone || cast.counts { "no body" } else { "no body with a mass" };
            format!("{what} lies in the frame: choose another --centre or a larger --width")
        })?;
        let span = self.moments[self.count() - 1].time - self.moments[0].time;
        let wished = look.values.as_ref().map(|ends| {
            self.tinter
                .check(ends)
                .and_then(|()| ends.resolve(of_file.as_ref(), self.tinter.per_unit(units, span)))
        });
        let wished = wished.transpose().map_err(|fault| anyhow!("--values: {fault}"))?;
        let values = wished.or(values).unwrap_or([0.0, span]);
        Ok(Style {
            colours: match self.tinter.colours(look, units, values) {
                Colours::Map(map) if cast.counts => Colours::Numbers(map),
                colours => colours,
            },
            range: range.with_stretch(look.stretch),
            units,
            decorations,
            comoving: self.sequence.expands,
            transparent,
        })
    }

    /// Evenly spaced frames, including the first and the last.
    fn samples(&self) -> Vec<usize> {
        let (count, last) = (self.count().min(SAMPLES), self.count() - 1);
        (0..count).map(|i| if count > 1 { i * last / (count - 1) } else { 0 }).collect()
    }
}

/// An error of a frame, with the name of its snapshot.
fn named(error: anyhow::Error, sequence: &Sequence, moment: &Moment) -> anyhow::Error {
    let path = sequence.entries[moment.snapshot()].path.display().to_string();
    if error.to_string().starts_with(&path) { error } else { error.context(path) }
}

fn join<T>(a: Option<T>, b: Option<T>, both: impl Fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}

/// The redshift of a scale factor, as text.
pub(crate) fn redshift_label(scale_factor: f64) -> String {
    viz::redshift_label(redshift_of(scale_factor))
}

/// If the camera follows a body through several snapshots, its id must mean the same body in each.
fn check_followed(camera: &Camera, sequence: &Sequence) -> Result<()> {
    if camera.follows_a_body() {
        sequence.check_naming("a camera finds the body that it follows by its id")?;
    }
    Ok(())
}
