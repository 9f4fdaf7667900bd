//! What `heorot render` can be told.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use treecode::TYPES;
use viz::{Axis, ColourMap};

/// Options of `heorot render`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Snapshots, of this or another program; of a snapshot in several files, its first
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Folder for the pictures, SNAPSHOT.png and movie.gif
    #[arg(short = 'o', long = "output", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Width and height of the pictures in pixels; one number for both
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1024x1024", value_parser = size)]
    pub size: [usize; 2],
    /// Length from the left to the right edge, in the unit of the snapshots [default: what shows 98 % of the mass]
    #[arg(long, value_name = "LENGTH", allow_negative_numbers = true)]
    pub width: Option<f64>,
    /// Middle of the pictures, in the unit of the snapshots [default: the centre of mass]
    #[arg(long, alias = "center", value_name = "X,Y,Z", allow_hyphen_values = true, value_parser = centre)]
    pub centre: Option<[f64; 3]>,
    /// Line of sight
    #[arg(long, default_value = "z", value_parser = named([("x", Axis::X), ("y", Axis::Y), ("z", Axis::Z)]))]
    pub axis: Axis,
    /// Colour map
    #[arg(long, alias = "colors", value_name = "MAP", default_value = "inferno", value_parser = named([
        ("inferno", ColourMap::Inferno),
        ("magma", ColourMap::Magma),
        ("viridis", ColourMap::Viridis),
        ("cividis", ColourMap::Cividis),
    ]))]
    pub colours: ColourMap,
    /// Darkest and brightest surface density, in the unit of the colour bar [default: what shows the sequence well]
    #[arg(long, value_name = "LOW:HIGH", value_parser = range)]
    pub range: Option<[f64; 2]>,
    /// Speed of the movie
    #[arg(long, value_name = "NUMBER", default_value_t = 15.0, allow_negative_numbers = true)]
    pub frames_per_second: f64,
    /// Particle types to draw, as 1,2 [default: all]
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(..TYPES as i64))]
    pub types: Vec<u8>,
}

impl Arguments {
    /// Which particle types to draw.
    pub fn kinds(&self) -> [bool; TYPES] {
        std::array::from_fn(|kind| self.types.is_empty() || self.types.contains(&(kind as u8)))
    }
}

/// A parser of one of a few words, each with its meaning.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    words: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    let meaning =
        move |said: String| words.iter().find(|(word, _)| *word == said).expect("clap knows the words").1;
    PossibleValuesParser::new(words.map(|(word, _)| word)).map(meaning)
}

fn size(text: &str) -> Result<[usize; 2], String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    match (width.parse(), height.parse()) {
        (Ok(width), Ok(height)) => Ok([width, height]),
        _ => Err("give pixels as 1024x768, or one number for a square".into()),
    }
}

fn centre(text: &str) -> Result<[f64; 3], String> {
    numbers(text, ',').ok_or_else(|| "give three lengths as 1.5,0,-2".into())
}

fn range(text: &str) -> Result<[f64; 2], String> {
    numbers(text, ':').ok_or_else(|| "give two surface densities as 1e5:1e9".into())
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> = text.split(separator).map(|number| number.trim().parse().ok()).collect();
    numbers?.try_into().ok()
}
