//! Assembles the page from the files in `page/`, a description of the bodies, and in a
//! self-contained page the bodies themselves.

use super::clip::{Clip, PIECE};
use crate::console::printable;
use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::fmt::Write;
use treecode::TYPES;
use viz::{ColourMap, Rgb, TimeScale};

const TEMPLATE: &str = include_str!("page/index.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = concat!(
    include_str!("page/data.js"),
    include_str!("page/camera.js"),
    include_str!("page/stage.js"),
    include_str!("page/controls.js"),
    include_str!("page/main.js"),
);

/// Content security policy: the page may run its own script and load nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; \
    base-uri 'none'; form-action 'none'";
/// A served page also loads bodies from its server.
const SERVED_POLICY: &str = "; connect-src 'self'";
/// Only a server can set this directive: no other page may show this one in a frame.
const ALONE: &str = "; frame-ancestors 'none'";

/// Colours of the particle types on black, which colour-blind readers can distinguish (after Okabe
/// & Ito 2008).
const PALETTE: [Rgb; TYPES] =
    [[86, 180, 233], [204, 121, 167], [240, 228, 66], [230, 159, 0], [255, 240, 220], [0, 158, 115]];
/// Number of colours for speeds, and their start on the map. The darkest colours would be
/// invisible.
const RAMP: usize = 16;
const RAMP_BEGINS: f64 = 0.15;

/// The description that the script reads.
#[derive(Serialize)]
struct Description {
    program: &'static str,
    served: bool,
    piece: usize,
    count: usize,
    total: usize,
    frames: Vec<FrameLabel>,
    side: f64,
    length_in_cm: Option<f64>,
    home: Home,
    kinds: Vec<KindLabel>,
    palette: [Rgb; TYPES],
    ramp: Vec<Rgb>,
    speed: Speed,
}

#[derive(Serialize)]
struct FrameLabel {
    name: String,
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

/// The self-contained page, with all bodies.
///
/// # Errors
/// If a snapshot cannot be read.
pub(super) fn whole(clip: &Clip) -> Result<String> {
    let mut data = String::new();
    let mut element = |name: &str, bytes: &[u8]| {
        let text = STANDARD.encode(bytes);
        writeln!(data, "<script type=\"application/base64\" id=\"{name}\">{text}</script>")
            .expect("a string takes any text");
    };
    element("kinds", &clip.choice.kinds);
    for number in 0..clip.sequence.entries.len() {
        element(&format!("frames/{number}/0"), &clip.frame(number)?.bytes(0..clip.choice.len()));
    }
    Ok(page(&describe(clip, false), POLICY, &data))
}

/// The page that loads the bodies from its server.
pub(super) fn served(clip: &Clip) -> String {
    page(&describe(clip, true), &format!("{POLICY}{SERVED_POLICY}"), "")
}

/// Content security policy of all responses.
pub(super) fn policy() -> String {
    [POLICY, SERVED_POLICY, ALONE].concat()
}

fn page(description: &Description, policy: &str, data: &str) -> String {
    let json = serde_json::to_string(description).expect("the description has string keys");
    // Otherwise a name could close the script element.
    let json = json.replace('<', "\\u003c");
    let (head, tail) = TEMPLATE.split_once("{{data}}").expect("the template has a place for data");
    let head =
        head.replace("{{policy}}", policy).replace("{{style}}", STYLE).replace("{{description}}", &json);
    [&head, data, &tail.replace("{{script}}", SCRIPT)].concat()
}

fn describe(clip: &Clip, served: bool) -> Description {
    let (sequence, choice) = (&clip.sequence, &clip.choice);
    let times: Vec<f64> = sequence.entries.iter().map(|entry| entry.time).collect();
    let scale = TimeScale::for_times(&times, sequence.units);
    let label = |entry: &crate::render::sequence::Entry| FrameLabel {
        name: printable(&entry.path.file_name().unwrap_or_default().to_string_lossy()).into_owned(),
        label: scale.label(entry.time),
        time: entry.time,
    };
    let ramp = |i: usize| {
        let part = i as f64 / (RAMP - 1) as f64;
        ColourMap::Viridis.colour(RAMP_BEGINS + (1.0 - RAMP_BEGINS) * part)
    };
    let kilometres = sequence.units.map(|units| units.length_in_cm / units.time_in_s / 1e5);
    Description {
        program: crate::version::PROGRAM,
        served,
        piece: if served { PIECE } else { choice.len() },
        count: choice.len(),
        total: choice.total,
        frames: sequence.entries.iter().map(label).collect(),
        side: choice.side,
        length_in_cm: sequence.units.map(|units| units.length_in_cm),
        home: Home { centre: choice.centre, radius: choice.radius },
        kinds: (0..TYPES)
            .filter(|&kind| choice.kinds.contains(&(kind as u8)))
            .map(|kind| KindLabel { kind, name: crate::kinds::NAMES[kind] })
            .collect(),
        palette: PALETTE,
        ramp: (0..RAMP).map(ramp).collect(),
        speed: Speed {
            most: choice.speed * kilometres.unwrap_or(1.0),
            unit: kilometres.map_or("code units", |_| "km/s"),
        },
    }
}
