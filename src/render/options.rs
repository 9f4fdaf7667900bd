//! Options of `heorot render` and `heorot poster`.

use super::ends::Ends;
use super::tint::ColourBy;
use crate::files::galaxies::Named;
use crate::files::kinds;
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::parameters::quantities::{self, Quantity, length, length_above_zero, lengths};
use crate::plot::output::{ThemeName, dpi, font_size, millimetres};
use crate::ranks::launch::Launch;
use anyhow::{Context, Result, anyhow};
use clap::Args;
use clap::builder::{ArgPredicate, PossibleValuesParser, TypedValueParser};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use treecode::TYPES;
use viz::{AxesLook, ColourMap, Decorations, Direction, Stretch};

const EXAMPLES: &str = "Examples:
  heorot render out/snapshot_010.hdf5 -o disc.png --types 2,3 --axis y --width 40 --colours galaxy
  heorot render out/snapshot_*.hdf5 -o merger.mp4 --frames 600 --colour-by galaxy --follow mass
  heorot render out/snapshot_010.hdf5 -o turn.apng --frames 120 --elevation 30 --orbit 360 --perspective 40
  heorot render out/snapshot_*.hdf5 -o images
  heorot render out/snapshot_010.hdf5 -o figure.png --axes --types disc,bulge --width 40
  heorot render out/snapshot_010.hdf5 -o column.png --axes --width-mm 88 --font-size 8 --dpi 300

All pictures of one command have the same brightness scale. With --frames, frames are evenly spaced
between the first and the last snapshot, and positions between snapshots are interpolated from
positions and velocities. Numbers are in the units of the snapshots; lengths may have a unit, as in
--width \"40 kpc\".

A box of the snapshots is periodic: the picture shows each body at its image that is nearest to the
centre. In an expanding universe, lengths are comoving, and pictures show the redshift instead of
the time.";

/// Options of `heorot render`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Snapshots of this program or another one. If a snapshot has several files, give any or all
    /// of them; they count as one snapshot
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// FILE.png for one picture; FILE.gif, FILE.apng or FILE.mp4 (needs ffmpeg) for a movie;
    /// otherwise a folder for pictures and movie.gif. May be given several times
    #[arg(short = 'o', long = "output", value_name = "PATH", required = true)]
    pub outputs: Vec<PathBuf>,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Width and height of the pictures in pixels; one number for both
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1024x1024", value_parser = size)]
    pub size: [usize; 2],
    /// Number of frames of the movie, evenly spaced in time [default: one for each snapshot]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: Option<u32>,
    /// Frame rate of the movie, in frames per second
    #[arg(long, value_name = "NUMBER", default_value_t = 15.0, allow_negative_numbers = true)]
    pub frames_per_second: f64,
    /// Degrees of azimuth by which the camera turns about its target during the movie
    #[arg(long, value_name = "DEGREES", value_parser = quantities::angle, allow_negative_numbers = true, conflicts_with = "camera")]
    pub orbit: Option<f64>,
    /// Factor by which the picture is magnified during the movie
    #[arg(long, value_name = "FACTOR", conflicts_with = "camera", value_parser = positive)]
    pub zoom: Option<f64>,
    /// File of a camera path with key frames (TOML), see docs/pictures.md
    #[arg(long, value_name = "FILE.toml")]
    pub camera: Option<PathBuf>,
    /// Leave out the time
    #[arg(long)]
    pub no_time: bool,
    /// Leave out the scale bar
    #[arg(long)]
    pub no_scale_bar: bool,
    /// Leave out the colour bar
    #[arg(long)]
    pub no_colour_bar: bool,
    /// Leave out the time, the scale bar and the colour bar
    #[arg(long)]
    pub plain: bool,
    /// Axes around the pictures; for SVG and PDF see `heorot poster`.
    #[command(flatten)]
    pub axes: AxesOptions,
    /// Ranks and threads
    #[command(flatten)]
    pub launch: Launch,
    /// Make the background transparent (PNG and APNG)
    #[arg(long, conflicts_with = "axes")]
    pub transparent: bool,
    /// Bodies, camera and colours.
    #[command(flatten)]
    pub look: Look,
}

/// Options that imply a value of `--colour-by`.
const IMPLIED: [(&str, ArgPredicate, &str); 2] =
    [("galaxies", ArgPredicate::IsPresent, "galaxy"), ("arrival_radius", ArgPredicate::IsPresent, "arrival")];

/// Bodies, camera and colours.
#[derive(Args, Clone, Debug)]
pub struct Look {
    /// Particle types to draw, as 1,2 or halo,disc [default: all]
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Spread each body over the distance to its NUMBER-th nearest neighbour of the same type.
    /// Bodies of a type with at most NUMBER bodies are drawn as dots, with a volume in proportion
    /// to the mass
    #[arg(long, value_name = "NUMBER", default_value_t = viz::NEIGHBOURS as u32, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub neighbours: u32,
    /// Width of the picture, from the left to the right edge [default: in a periodic box the whole
    /// box, otherwise 98 % of the mass of disc, bulge and stars, or of all bodies if there are
    /// none, without bodies far outside]
    #[arg(long, value_name = "LENGTH", allow_negative_numbers = true, value_parser = length)]
    pub width: Option<Quantity>,
    /// Draw only a slab of this thickness along the line of sight, about the centre
    #[arg(long, value_name = "LENGTH", value_parser = length_above_zero)]
    pub depth: Option<Quantity>,
    /// Centre of the pictures [default: the centre of mass, or of the box]
    #[arg(long, alias = "center", value_name = "X,Y,Z", allow_hyphen_values = true, value_parser = lengths::<3>)]
    pub centre: Option<[Quantity; 3]>,
    /// What stays at the centre of the picture: the densest place (`centre`, found by a shrinking
    /// sphere), the centre of mass (`mass`) or a body (its id) [default: centre for a model with
    /// one disc galaxy]
    #[arg(long, value_name = "centre|mass|ID", conflicts_with = "centre", value_parser = follow)]
    pub follow: Option<Follow>,
    /// Draw the paths of bodies that are dots, from the first frame on
    #[arg(long)]
    pub trails: bool,
    /// Line of sight
    #[arg(long, default_value = "z", value_parser = named([("x", Direction::X), ("y", Direction::Y), ("z", Direction::Z)]))]
    pub axis: Direction,
    /// Azimuth of the camera, from x towards y in the x-y plane, in degrees [default: that of
    /// --axis]
    #[arg(long, value_name = "DEGREES", value_parser = quantities::angle, allow_negative_numbers = true)]
    pub azimuth: Option<f64>,
    /// Elevation of the camera above the x-y plane, in degrees [default: that of --axis]
    #[arg(long, value_name = "DEGREES", value_parser = quantities::angle, allow_negative_numbers = true)]
    pub elevation: Option<f64>,
    /// Rotation of the camera about the line of sight, in degrees
    #[arg(long, value_name = "DEGREES", value_parser = quantities::angle, allow_negative_numbers = true, default_value_t = 0.0)]
    pub roll: f64,
    /// Field of view: the angle that the width of the picture spans at the distance of its centre,
    /// in degrees [default: no perspective]
    #[arg(long, value_name = "DEGREES", value_parser = quantities::angle, allow_negative_numbers = true)]
    pub perspective: Option<f64>,
    /// Colour map of the surface density
    #[arg(long, alias = "colors", value_name = "MAP", default_value = "inferno", value_parser = named([
        ("inferno", ColourMap::Inferno),
        ("magma", ColourMap::Magma),
        ("viridis", ColourMap::Viridis),
        ("cividis", ColourMap::Cividis),
        ("galaxy", ColourMap::Galaxy),
    ]))]
    pub colours: ColourMap,
    /// Quantity shown by colour; brightness shows surface density. --galaxies implies galaxy, and
    /// --arrival-radius implies arrival
    #[arg(long, alias = "color-by", value_name = "WHAT", value_enum, default_value = "density", default_value_ifs = IMPLIED)]
    pub colour_by: ColourBy,
    /// First and last id of each galaxy, as 0-59999,60000-119999 or with names as
    /// A=0-59999,B=60000-119999 [default: those of the model of the run]
    #[arg(long, value_name = "[NAME=]FIRST-LAST,...", value_delimiter = ',', value_parser = galaxy)]
    pub galaxies: Vec<Named>,
    /// Distance from the centre within which a body has arrived, for --colour-by arrival
    #[arg(long, value_name = "LENGTH", required_if_eq("colour_by", "arrival"), value_parser = length_above_zero)]
    pub arrival_radius: Option<Quantity>,
    /// Lowest and highest value of the colour bar with --colour-by speed, velocity or arrival, in
    /// the unit of the colour bar or with a unit such as km/s or Myr [default: for speed and
    /// velocity a range with most of the mass; for arrival 0 and the duration of the sequence]
    #[arg(long, value_name = "LOW:HIGH", allow_hyphen_values = true, value_parser = Ends::speeds_or_times)]
    pub values: Option<Ends>,
    /// Dependence of brightness on surface density
    #[arg(long, default_value = "log", value_parser = named([("log", Stretch::Log), ("asinh", Stretch::Asinh)]))]
    pub stretch: Stretch,
    /// Surface densities that are darkest and brightest, in the unit of the colour bar or with a
    /// unit such as Msun/pc^2; or percentiles of the pixels that are not empty, as 1%:99.9%
    /// [default: a range for the whole sequence]
    #[arg(long, value_name = "LOW:HIGH", value_parser = range)]
    pub range: Option<Wished>,
    /// Whether boxes and expansion are ignored.
    #[command(flatten)]
    pub reading: ReadingOptions,
}

/// Axes around pictures.
#[derive(Args, Clone, Copy, Debug)]
pub struct AxesOptions {
    /// Draw axes around each picture, with coordinates relative to its centre. They replace the scale
    /// bar and enlarge the picture
    #[arg(long)]
    pub axes: bool,
    /// Colours of the axes and of the background around pictures [default: light]
    #[arg(long, value_enum, requires = "axes")]
    pub theme: Option<ThemeName>,
    /// Width of the figure with its axes in millimetres, at the resolution of --dpi. --size then
    /// sets only the aspect ratio of a picture
    #[arg(long, value_name = "MM", requires = "axes", value_parser = millimetres)]
    pub width_mm: Option<f64>,
    /// Size of the labels of axes in points [default: follows the size of the picture]
    #[arg(long, value_name = "POINTS", requires = "axes", value_parser = font_size)]
    pub font_size: Option<f64>,
    /// Pixels per inch [default: 144]
    #[arg(long, value_name = "DPI", requires = "axes", value_parser = dpi)]
    pub dpi: Option<f64>,
}

/// Pixels per inch of pictures, of vector graphics with a width, and of others.
const PICTURE_DPI: f64 = 144.0;
const PAPER_DPI: f64 = 300.0;
const VECTOR_DPI: f64 = 96.0;

impl AxesOptions {
    /// Pixels per inch of a picture, or of a poster in vectors.
    fn pixels_per_inch(&self, is_vector: bool) -> f64 {
        let usual = match (is_vector, self.width_mm) {
            (false, _) => PICTURE_DPI,
            (true, Some(_)) => PAPER_DPI,
            (true, None) => VECTOR_DPI,
        };
        self.dpi.unwrap_or(usual)
    }

    /// The look of the axes, if there are axes.
    pub(crate) fn look(&self, is_vector: bool) -> Option<AxesLook> {
        let pixels =
            |points: f64| (points / 72.0 * self.pixels_per_inch(is_vector)).round().max(6.0) as usize;
        self.axes.then(|| AxesLook {
            theme: self.theme.unwrap_or_default().theme(),
            text: self.font_size.map(pixels),
        })
    }

    /// The resolution on paper, if an option asks for one.
    pub(crate) fn paper_dpi(&self, is_vector: bool) -> Option<f64> {
        let is_asked_for = self.width_mm.or(self.font_size).or(self.dpi).is_some();
        is_asked_for.then(|| self.pixels_per_inch(is_vector))
    }

    /// Size of each of `columns` pictures side by side [pixels].
    ///
    /// # Errors
    /// If the width has no room for them.
    pub(crate) fn size(&self, shape: [usize; 2], columns: usize, is_vector: bool) -> Result<[usize; 2]> {
        let (Some(width), Some(look)) = (self.width_mm, self.look(is_vector)) else { return Ok(shape) };
        let pixels = (width / 25.4 * self.pixels_per_inch(is_vector)).round() as usize;
        viz::panel_size(pixels, shape, columns, look).with_context(|| {
            format!(
                "--width-mm {width}: leaves no room for pictures; give a larger width, a smaller --font-size, a higher --dpi or fewer --columns"
            )
        })
    }
}

/// A requested range of brightness.
#[derive(Clone, Debug, PartialEq)]
pub enum Wished {
    /// Surface densities.
    Densities(Ends),
    /// Percentiles of the non-empty pixels.
    Percentiles([f64; 2]),
}

/// What stays at the centre of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// The densest place of the drawn bodies, by a shrinking sphere.
    Centre,
    /// The centre of mass of the drawn bodies.
    Mass,
    /// The body with this id.
    Body(u64),
}

impl Arguments {
    /// The decorations to draw.
    pub fn decorations(&self) -> Decorations {
        Decorations {
            time: !self.no_time && !self.plain,
            scale_bar: !self.no_scale_bar && !self.plain && !self.axes.axes,
            colour_bar: !self.no_colour_bar && !self.plain,
            axes: self.axes.look(false),
        }
    }
}

/// Lengths of [`Look`] in the units of the snapshots [L].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lengths {
    pub(super) width: Option<f64>,
    pub(super) depth: Option<f64>,
    pub(super) centre: Option<[f64; 3]>,
    pub(super) arrival_radius: Option<f64>,
}

impl Look {
    /// The lengths in these units; `None` if they have no size.
    ///
    /// # Errors
    /// One has a unit, and the units have no size. It names the option.
    pub(super) fn lengths(&self, units: Option<&io::Units>) -> Result<Lengths> {
        let value = |option: &str, quantity: &Option<Quantity>| {
            let value = quantity.as_ref().map(|quantity| quantity.value(units)).transpose();
            value.map_err(|fault| anyhow!("{option}: {fault}"))
        };
        let centre = self.centre.as_ref().map(|centre| quantities::values(centre, units)).transpose();
        Ok(Lengths {
            width: value("--width", &self.width)?,
            depth: value("--depth", &self.depth)?,
            centre: centre.map_err(|fault| anyhow!("--centre: {fault}"))?,
            arrival_radius: value("--arrival-radius", &self.arrival_radius)?,
        })
    }

    /// Which particle types to draw.
    pub fn kinds(&self) -> [bool; TYPES] {
        kinds::chosen(&self.types)
    }

    /// The direction of the camera.
    pub fn direction(&self) -> Direction {
        Direction {
            azimuth: self.azimuth.unwrap_or(self.axis.azimuth),
            elevation: self.elevation.unwrap_or(self.axis.elevation),
            roll: self.roll,
        }
    }
}

/// A parser that accepts a few words, each with a value.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    words: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    let meaning =
        move |said: String| words.iter().find(|(word, _)| *word == said).expect("clap knows the words").1;
    PossibleValuesParser::new(words.map(|(word, _)| word)).map(meaning)
}

/// Parses width and height.
///
/// # Errors
/// If the text is not a size.
pub fn size(text: &str) -> Result<[usize; 2], String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    match (width.parse(), height.parse()) {
        (Ok(width), Ok(height)) => Ok([width, height]),
        _ => Err("give pixels as 1024x768, or one number for a square".into()),
    }
}

pub(super) fn follow(text: &str) -> Result<Follow, String> {
    match text {
        "mass" => Ok(Follow::Mass),
        "centre" | "center" => Ok(Follow::Centre),
        _ => text
            .parse()
            .map(Follow::Body)
            .map_err(|_| "give `centre`, `mass`, or the id of a body as 4711".into()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x: &f64| *x > 0.0 && x.is_finite());
    number.ok_or_else(|| "must be a number above 0".into())
}

/// Parses a galaxy: its name, if it is given one, and its ids.
///
/// # Errors
/// If the text is neither NAME=FIRST-LAST nor FIRST-LAST.
pub(crate) fn galaxy(text: &str) -> Result<(Option<String>, RangeInclusive<u64>), String> {
    match text.rsplit_once('=') {
        None => Ok((None, ids(text)?)),
        Some((name, _)) if name.trim().is_empty() => Err("give a name before `=`, as A=0-59999".into()),
        Some((name, rest)) => Ok((Some(viz::printable(name.trim()).into_owned()), ids(rest)?)),
    }
}

/// Parses the ids of a galaxy.
///
/// # Errors
/// If the text is not two rising ids.
pub(crate) fn ids(text: &str) -> Result<RangeInclusive<u64>, String> {
    let ends = text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let ids = ends.map(|(first, last)| first..=last).filter(|ids| !ids.is_empty());
    ids.ok_or_else(|| "give the first and the last id of each galaxy as 0-59999,60000-119999".into())
}

fn range(text: &str) -> Result<Wished, String> {
    const EXAMPLE: &str =
        "two surface densities as 1e5:1e9 or \"1 Msun/pc^2:1e3 Msun/pc^2\", or percentiles as 1%:99.9%";
    if text.contains('%') {
        let ends = text
            .split_once(':')
            .and_then(|(low, high)| Some([low.strip_suffix('%')?, high.strip_suffix('%')?]));
        let numbers =
            ends.and_then(|[low, high]| Some([low.trim().parse().ok()?, high.trim().parse().ok()?]));
        return numbers.map(Wished::Percentiles).ok_or_else(|| format!("give {EXAMPLE}"));
    }
    Ends::surface_densities(text, EXAMPLE).map(Wished::Densities)
}
