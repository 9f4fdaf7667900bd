//! Errors of the libraries in terms of a parameter file. They name the wrong key, or one that
//! helps.

use anyhow::{Error, anyhow};
use nbody::cosmology::Invalid;
use nbody::schedule::{Impossible, Length};
use std::path::Path;

/// Advice for a user who accepts larger force errors.
pub const GO_ON: &str = "or go on with --allow-missed (gravity.allow_missed = true)";

/// The error as a message. It names the file of the bodies if these cause the error, and otherwise
/// the key of the parameter file.
pub fn name_source(file: Option<&Path>, error: impl Into<nbody::Error>) -> Error {
    let error = error.into();
    let of_bodies = matches!(
        error,
        nbody::Error::TooClose(_)
            | nbody::Error::Forces(
                decomposition::Error::Body(_)
                    | decomposition::Error::Gravity(
                        treecode::Error::Body { .. }
                            | treecode::Error::TooMany { .. }
                            | treecode::Error::Scale { .. }
                            | treecode::Error::NoBodies
                    )
            )
    );
    match file {
        Some(file) if of_bodies => anyhow!("{}: {}", file.display(), name_key(error)),
        _ => name_key(error),
    }
}

/// The error with the key of the parameter file that causes it.
pub fn name_key(error: impl Into<nbody::Error>) -> Error {
    match error.into() {
        nbody::Error::Forces(error) => name_gravity_key(error),
        error @ nbody::Error::Accuracy { .. } => anyhow!("gravity.{error}"),
        error @ nbody::Error::AccuracyMissed { .. } => {
            anyhow!("gravity.{error}, {GO_ON}")
        }
        error @ nbody::Error::TooClose(_) => anyhow!("{error}; {GO_ON}"),
        nbody::Error::Unsoftened { kind } => anyhow!(
            "time.criterion = \"acceleration\": bodies of type {kind} have no softening, from which their steps would follow; give \
             gravity.softening, or use time.criterion = \"rate\""
        ),
        nbody::Error::StepsTooShort { length, finest, bodies } => anyhow!(
            "time.step = {length:?}: the bodies need steps that are 2^{finest} times shorter, {bodies} of them the shortest; give a shorter \
             time.step, a longer gravity.softening or time.smallest_step, or a larger time.eta or time.eta_rate"
        ),
        nbody::Error::Schedule(error) => name_time_key(error),
        error @ nbody::Error::ExternalInBox => anyhow!("box: {error}; leave out [[potential]] or [box]"),
        nbody::Error::Cosmology(error) => name_cosmology_key(error),
        error @ (nbody::Error::Model(_) | nbody::Error::Spectrum(_) | nbody::Error::Massless) => error.into(),
    }
}

/// The error of a force evaluation with the key of `[gravity]` that causes it.
pub fn name_gravity_key(error: decomposition::Error) -> Error {
    match error {
        decomposition::Error::Gravity(error @ treecode::Error::Parameter { .. }) => {
            let table = if matches!(error, treecode::Error::Parameter { name: "side", .. }) {
                "box"
            } else {
                "gravity"
            };
            anyhow!("{table}.{error}")
        }
        error => error.into(),
    }
}

fn name_cosmology_key(error: Invalid) -> Error {
    match error {
        Invalid::Range { key: "displacement", value, range } => {
            anyhow!("cosmology.max_displacement = {value:?}: must be {range}")
        }
        error @ (Invalid::Range { .. } | Invalid::EarlyDarkEnergy { .. } | Invalid::Halts { .. }) => {
            anyhow!("cosmology.{error}")
        }
        Invalid::OpenSpace => anyhow!("cosmology: {error}; give [box] with its side"),
        Invalid::Criterion => anyhow!("time.criterion: {error}; use \"acceleration\""),
    }
}

fn name_time_key(error: Impossible) -> Error {
    match error {
        Impossible::TooManySnapshots { every, .. } => {
            let text = error.to_string();
            let rest = text.split_once("would").map_or("", |(_, rest)| rest);
            anyhow!("output.snapshot_every = {every:?}: would{rest}")
        }
        Impossible::Lost { which, length, start, end } => {
            let key = match which {
                Length::Step => "time.step",
                Length::Interval => "output.snapshot_every",
                Length::Gap => "output.at",
            };
            anyhow!("{key} = {length:?}: is lost beside the time, which goes from {start:?} to {end:?}")
        }
        error => anyhow!("time.{error}"),
    }
}
