//! Tests of plots, and the bodies and folders that they share.

mod centres;
mod commands;
mod models;
mod speeds;

use super::bodies::circular;
use super::bodies::galaxies::{Galaxies, Galaxy};
use super::bodies::rings::{From, Ring, rings};
use super::bodies::shape::fit;
use super::bodies::snapshot::{Selection, Snapshot, enclosing};
use super::bodies::source::Source;
use super::kinds::lagrange::radii;
use super::kinds::mass_function::mass_function;
use super::kinds::phase::Grid;
use super::kinds::profile::{Shell, shells};
use super::kinds::separation::{self, centres};
use super::kinds::tidal_radius::tides;
use super::units::AxisUnits;
use super::*;
use crate::ranks::crew::Crew;
use clap::Parser;
use decomposition::Solo;
use io::Units;
use io::catalogue::Catalogue;
use io::snapshot::{Fields, Header, Layout};
use nbody::halos::Halo;
use nbody::model::{self, Model, Spherical};
use nbody::potential::{Component, External, PointMass, Shape};
use nbody::profile::Centre;
use std::path::Path;
use treecode::{Bodies, Domain};

const BODIES: u64 = 60_000;

/// A sphere of mass and scale radius 1 in units with G = 1.
fn sphere(of: fn(Spherical) -> Model, cut: f64) -> Bodies {
    let spherical = Spherical { bodies: BODIES, seed: 7, mass: 1.0, radius: 1.0, cut, softening: 0.0 };
    model::generate(&Solo, &of(spherical), 1.0)
}

fn about_its_centre(bodies: Bodies) -> Snapshot {
    let centre = Centre { position: [0.0; 3], velocity: [0.0; 3] };
    let units = AxisUnits::of(&Units::NBODY);
    let source = std::rc::Rc::default();
    let types = Vec::new();
    let domain = Domain::Open;
    Snapshot {
        time: 0.0,
        units,
        domain,
        centre,
        bodies,
        source,
        is_whole: true,
        is_counted: false,
        types,
        ids: None,
    }
}

/// Galaxies of these ids.
fn galaxies(ids: &[std::ops::RangeInclusive<u64>]) -> Galaxies {
    Galaxies(ids.iter().map(|ids| Galaxy { name: None, ids: ids.clone() }).collect())
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// Runs `heorot plot` in `folder`; `@` stands for the folder.
fn plot(folder: &Path, line: &str) -> Result<(), String> {
    let words = line.replace('@', &folder.to_string_lossy());
    let parsed = Line::try_parse_from(["plot"].into_iter().chain(words.split_whitespace()));
    let arguments = parsed.map_err(|error| error.to_string())?.arguments;
    main(&arguments).map_err(|error| format!("{error:#}"))
}

fn write(folder: &Path, name: &str, header: &Header, bodies: &Bodies) {
    let target = io::Target::own(folder.join(name));
    Crew::alone().write_snapshot(&target, header, bodies, Fields::default(), &Layout::default()).unwrap();
}

/// A folder with two snapshots of a small sphere, an energy log and a catalogue.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let spherical = Spherical { bodies: 3000, seed: 2, mass: 1.0, radius: 1.0, cut: 20.0, softening: 0.0 };
    let bodies = model::generate(&Solo, &Model::Plummer(spherical), 1.0);
    for (name, time) in [("a", 2.0), ("b", 1.0)] {
        let header = Header { time, units: Some(Units::GALACTIC), ..Header::default() };
        write(folder.path(), &format!("{name}.hdf5"), &header, &bodies);
    }
    let log = "step,time,later,energy_error,energy,momentum_x,momentum_y,momentum_z,virial_ratio,finest_rung\n\
               0,0,7,0,-1,0,0,0,1,0\n1,0.1,7,1e-5,-1.00001,1e-9,0,0,1.01,2\n2,0.2,7,-2e-5,-0.99998,0,2e-9,0,0.98,1\n3,0.";
    std::fs::write(folder.path().join("energy.csv"), log).unwrap();
    let steps = "step,time,load_balance,total\n1,0.1,0.9,2.5\n2,0.2,0.5,3\n";
    std::fs::write(folder.path().join("steps.csv"), steps).unwrap();
    let report = serde_json::json!({
        "parameters": { "units": Units::GALACTIC },
        "time_steps": { "rungs": [{ "body_steps": 10 }, { "body_steps": 300 }, { "body_steps": 7 }] },
    });
    std::fs::write(folder.path().join("report.json"), report.to_string()).unwrap();
    let group = |i: u64| Halo {
        id: i,
        members: 2,
        mass: 1.0 / i as f64,
        position: [0.0; 3],
        centre: [0.0; 3],
        velocity: [0.0; 3],
        radius: 1.0,
        half_mass_radius: 0.5,
        dispersion: 1.0,
    };
    let catalogue = Catalogue {
        time: 1.0,
        units: Units::GALACTIC,
        side: 0.0,
        universe: None,
        linking_length: 0.1,
        least_members: 2,
        groups: (1..9).map(group).collect(),
        spheres: Vec::new(),
        ids: (0..16).collect(),
    };
    io::catalogue::write(&io::Target::own(folder.path().join("haloes.hdf5")), &catalogue).unwrap();
    folder
}
