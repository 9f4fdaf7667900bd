//! A web page that shows bodies. Its reader can rotate, zoom and play it. It is one HTML file,
//! which contains the bodies or loads them from a server.
//!
//! A [`Chooser`] reads all frames and makes a [`Choice`] of bodies. A [`Frame`] encodes them at one
//! time. A [`Description`] and its frames make the page, whose HTML, CSS and JavaScript are in
//! `web/`.

mod choice;
mod frame;

pub use choice::{Choice, Chooser, Path, Unchosen};
pub use frame::Frame;

use crate::{ColourMap, Rgb, TYPE_NAMES, TimeScale, Units, dot_colour};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;
use std::fmt::Write;
use treecode::TYPES;

const TEMPLATE: &str = include_str!("web/index.html");
const STYLE: &str = include_str!("web/style.css");
const SCRIPT: &str = concat!(
    include_str!("web/data.js"),
    include_str!("web/camera.js"),
    include_str!("web/stage.js"),
    include_str!("web/controls.js"),
    include_str!("web/main.js"),
);

/// Number of bodies per piece when they are served.
pub const PIECE: usize = 1 << 18;

/// Content security policy: the page may run its own script and load nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; \
    base-uri 'none'; form-action 'none'";
/// A served page also loads bodies from its server.
const SERVED_POLICY: &str = "; connect-src 'self'";
/// Only a server can set this directive: no other page may show this one in a frame.
const ALONE: &str = "; frame-ancestors 'none'";

/// Number of colours for speeds, and their start on the map. The darkest colours would be
/// invisible.
const RAMP: usize = 16;
const RAMP_BEGINS: f64 = 0.15;

/// What a page shows, except the places of the bodies.
#[derive(Debug)]
pub struct Description {
    /// The program that makes the page, with its version.
    pub program: &'static str,
    /// The bodies.
    pub choice: Choice,
    /// The frames, in the order in which they are played.
    pub frames: Vec<FrameName>,
    /// Units of the bodies and of the times, if they are known.
    pub units: Option<Units>,
    /// The index of each chosen body's galaxy, and the names of the galaxies; `None` if they are
    /// not known. The index of a body outside all galaxies is the number of galaxies.
    pub galaxies: Option<(Vec<u8>, Vec<String>)>,
}

/// Name and time of a frame.
#[derive(Clone, Debug)]
pub struct FrameName {
    /// Its name, without control characters.
    pub name: String,
    /// Its time [T].
    pub time: f64,
    /// What the page shows in place of the time, such as the redshift.
    pub label: Option<String>,
}

/// The description that the script reads.
#[derive(Serialize)]
struct Facts<'a> {
    program: &'static str,
    served: bool,
    piece: usize,
    count: usize,
    total: usize,
    frames: Vec<FrameLabel<'a>>,
    side: f64,
    periodic: bool,
    length_in_cm: Option<f64>,
    home: Home,
    kinds: Vec<KindLabel>,
    palette: [Rgb; TYPES],
    galaxies: Vec<Rgb>,
    galaxy_names: &'a [String],
    sparse: [bool; TYPES],
    paths: &'a [Path],
    ramp: Vec<Rgb>,
    speed: Speed,
}

#[derive(Serialize)]
struct FrameLabel<'a> {
    name: &'a str,
    label: String,
    time: f64,
}

#[derive(Serialize)]
struct Home {
    centre: [f64; 3],
    radius: f64,
}

#[derive(Serialize)]
struct KindLabel {
    kind: usize,
    name: &'static str,
}

#[derive(Serialize)]
struct Speed {
    most: f64,
    unit: &'static str,
}

impl Description {
    /// The page with all bodies. `frame` returns each frame by its number.
    ///
    /// # Errors
    /// The first error of `frame`.
    pub fn page<E>(&self, mut frame: impl FnMut(usize) -> Result<Frame, E>) -> Result<String, E> {
        let mut data = String::new();
        let mut element = |name: &str, bytes: &[u8]| {
            let text = BASE64_STANDARD.encode(bytes);
            writeln!(data, "<script type=\"application/base64\" id=\"{name}\">{text}</script>")
                .expect("a string takes any text");
        };
        element("kinds", &self.choice.kinds);
        if let Some((galaxies, _)) = &self.galaxies {
            element("galaxies", galaxies);
        }
        for number in 0..self.frames.len() {
            element(&format!("frames/{number}/0"), &frame(number)?.bytes(0..self.choice.len()));
        }
        Ok(assemble(&self.facts(false), POLICY, &data))
    }

    /// The page that loads the bodies from its server: the types from `kinds`, the galaxies from
    /// `galaxies`, the bodies of piece p of frame f from `frames/f/p`.
    #[must_use]
    pub fn served_page(&self) -> String {
        assemble(&self.facts(true), &format!("{POLICY}{SERVED_POLICY}"), "")
    }

    fn facts(&self, served: bool) -> Facts<'_> {
        let Description { program, choice, frames, units, galaxies } = self;
        let there: Vec<usize> = (0..TYPES).filter(|&kind| choice.kinds.contains(&(kind as u8))).collect();
        // The colours of `heorot render --colour-by type`.
        let tone = |kind: usize| {
            let group = there.iter().position(|&other| other == kind);
            dot_colour(group.map(|group| (group, there.len())))
        };
        let names = galaxies.as_ref().map_or(&[][..], |(_, names)| names);
        let count = names.len();
        let times: Vec<f64> = frames.iter().map(|frame| frame.time).collect();
        let scale = TimeScale::for_times(&times, *units);
        let ramp = |i: usize| {
            let part = i as f64 / (RAMP - 1) as f64;
            ColourMap::Viridis.colour(RAMP_BEGINS + (1.0 - RAMP_BEGINS) * part)
        };
        let kilometres = units.map(|units| units.length_in_cm / units.time_in_s / 1e5);
        Facts {
            program,
            served,
            piece: if served { PIECE } else { choice.len() },
            count: choice.len(),
            total: choice.total,
            frames: frames
                .iter()
                .map(|frame| FrameLabel {
                    name: &frame.name,
                    label: frame.label.clone().unwrap_or_else(|| scale.label(frame.time)),
                    time: frame.time,
                })
                .collect(),
            side: choice.side,
            periodic: choice.is_box,
            length_in_cm: units.map(|units| units.length_in_cm),
            home: Home { centre: choice.centre, radius: choice.radius },
            kinds: there.iter().map(|&kind| KindLabel { kind, name: TYPE_NAMES[kind] }).collect(),
            palette: std::array::from_fn(tone),
            galaxies: (0..count).map(|galaxy| dot_colour(Some((galaxy, count)))).collect(),
            galaxy_names: names,
            sparse: choice.sparse,
            paths: &choice.paths,
            ramp: (0..RAMP).map(ramp).collect(),
            speed: Speed {
                most: choice.speed * kilometres.unwrap_or(1.0),
                unit: kilometres.map_or("code units", |_| "km/s"),
            },
        }
    }
}

/// Content security policy of all responses of a server.
#[must_use]
pub fn policy() -> String {
    [POLICY, SERVED_POLICY, ALONE].concat()
}

fn assemble(facts: &Facts, policy: &str, data: &str) -> String {
    let json = serde_json::to_string(facts).expect("the description has string keys");
    // Otherwise a name could close the script element.
    let json = json.replace('<', "\\u003c");
    let (head, tail) = TEMPLATE.split_once("{{data}}").expect("the template has a place for data");
    let head =
        head.replace("{{policy}}", policy).replace("{{style}}", STYLE).replace("{{description}}", &json);
    [&head, data, &tail.replace("{{script}}", SCRIPT)].concat()
}
