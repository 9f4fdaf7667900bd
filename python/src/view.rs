//! Pages that show bodies in a browser.

use crate::arrays::Columns;
use crate::files::kinds;
use crate::settings::domain_of;
use crate::{analysis::finite, pool};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use treecode::{Bodies, Domain, TYPES};
use viz::page::{Chooser, Description, Frame, FrameName};
use viz::{GROUP_TONES, NEIGHBOURS, Units, printable, redshift_label};

/// The program that makes the page.
const PROGRAM: &str = concat!("heorot ", env!("CARGO_PKG_VERSION"));
/// Greatest number of bodies that a browser still rotates smoothly.
const MOST_BODIES: usize = 1_000_000;

/// The bodies of a frame, its time, its redshift in an expanding universe, and its name.
type Given<'py> = (Columns<'py>, f64, Option<f64>, String);

/// An HTML page of frames in the order given, with at most `most` bodies of each. `side` is that of a periodic box,
/// into which bodies are moved.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn view(
    py: Python<'_>,
    frames: Vec<Given<'_>>,
    of: Option<[f64; 3]>,
    types: Option<Vec<u8>>,
    galaxies: Vec<(u64, u64)>,
    most: usize,
    side: Option<f64>,
    threads: Option<usize>,
) -> PyResult<String> {
    let (kinds, domain) = (kinds(types)?, domain_of(side)?);
    if !(1..=MOST_BODIES).contains(&most) {
        return Err(PyValueError::new_err(format!("most = {most}: must be from 1 to {MOST_BODIES}")));
    }
    // Bodies are converted twice, so that only one frame is in memory at a time.
    let alone = frames.len() == 1;
    let mut chooser = Chooser::new(most, alone, sparse(&frames, kinds)).in_domain(domain);
    let mut ids = Vec::new();
    for (columns, _, _, name) in &frames {
        let bodies = wanted(columns, kinds, domain)?;
        if alone {
            ids = bodies.id.clone();
        }
        chooser = pool::compute(py, threads, bodies.len(), move || {
            chooser.take(&bodies).map(|()| chooser).map_err(|fault| format!("{name}: {fault}"))
        })?;
    }
    let choice = chooser.choice().map_err(|fault| PyValueError::new_err(fault.to_string()))?;
    let names = frames.iter().map(|(_, time, redshift, name)| FrameName {
        name: printable(name).into_owned(),
        time: *time,
        label: redshift.map(redshift_label),
    });
    let units = of.map(|[length_in_cm, mass_in_g, velocity]| Units {
        length_in_cm,
        mass_in_g,
        time_in_s: length_in_cm / velocity,
    });
    let of = |galaxies: Vec<(u64, u64)>| {
        let id = |name: &u64| if alone { ids[*name as usize] } else { *name };
        let galaxy = |name: &u64| {
            let id = id(name);
            galaxies.iter().position(|(first, last)| (first..=last).contains(&&id)).unwrap_or(galaxies.len())
        };
        let names = (1..=galaxies.len()).map(|number| format!("galaxy {number}"));
        (choice.ids.iter().map(|name| galaxy(name) as u8).collect(), names.collect())
    };
    if galaxies.len() > GROUP_TONES {
        return Err(PyValueError::new_err(format!(
            "galaxies: {} are more than {GROUP_TONES}",
            galaxies.len()
        )));
    }
    let galaxies = if galaxies.is_empty() { None } else { Some(of(galaxies)) };
    let description = Description { program: PROGRAM, choice, frames: names.collect(), units, galaxies };
    description.page(|number| {
        let (bodies, choice) = (wanted(&frames[number].0, kinds, domain)?, &description.choice);
        pool::compute(py, threads, bodies.len(), move || Ok::<_, String>(Frame::of(choice, &bodies)))
    })
}

/// Types of few bodies in every frame: all of them are shown, as larger points, with their paths.
fn sparse(frames: &[Given<'_>], kinds: [bool; TYPES]) -> [bool; TYPES] {
    let count = |(columns, ..): &Given<'_>, kind: usize| {
        columns.kind.as_array().iter().filter(|other| usize::from(**other) == kind).count()
    };
    let most = |kind| frames.iter().map(|frame| count(frame, kind)).max().unwrap_or(0);
    std::array::from_fn(|kind| kinds[kind] && (1..=NEIGHBOURS).contains(&most(kind)))
}

/// The bodies of these types, inside the box if there is one. Their masses do not matter.
fn wanted(columns: &Columns<'_>, kinds: [bool; TYPES], domain: Domain) -> PyResult<Bodies> {
    let mut bodies = columns.bodies()?;
    finite("pos", &bodies.pos)?;
    finite("vel", &bodies.vel)?;
    if let Some(kind) = bodies.kind.iter().find(|kind| usize::from(**kind) >= TYPES) {
        return Err(PyValueError::new_err(format!("type: {kind} is none, must be from 0 to 5")));
    }
    let is_wanted = |i: &u32| kinds[usize::from(bodies.kind[*i as usize])];
    let wanted: Vec<u32> = (0..bodies.len() as u32).filter(is_wanted).collect();
    if wanted.len() < bodies.len() {
        bodies.permute(&wanted);
    }
    bodies.wrap(domain);
    Ok(bodies)
}
