//! Comparison of all accelerations with those of the same ids in another snapshot.

use crate::files::reading_options::ReadingOptions;
use crate::initial;
use crate::ranks::crew::Crew;
use anyhow::{Result, anyhow, ensure};
use decomposition::{Evaluation, collective};
use io::{Target, Units};
use nbody::accuracy::{Accuracy, Balance, RelativeError};
use std::fmt::Write;
use std::path::Path;
use treecode::Bodies;
use treecode::math::{hash, norm};

/// Error of one body.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct BodyError {
    /// Id of the body.
    pub id: u64,
    /// Position [L].
    pub position: [f64; 3],
    /// Magnitude of the exact acceleration [L/T^2].
    pub acceleration: f64,
    /// Relative error of the acceleration.
    pub error: RelativeError,
}

/// Data of a body that are sent to the rank that compares it with its reference.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Traveller {
    id: u64,
    position: [f64; 3],
    acceleration: [f64; 3],
}

/// Compares the accelerations of all bodies with those of a snapshot, converted to `units`. The
/// leading rank gets the errors of all bodies, sorted by id, and the other ranks get an empty list.
/// Collective.
///
/// Bodies with the same id must have the same position, to within single precision. Otherwise the
/// ids of the two files do not identify the same bodies.
///
/// # Errors
/// The snapshot cannot be read, has no accelerations, or contains other bodies. Every rank returns
/// the same error.
pub(super) fn compare(
    crew: &Crew,
    evaluation: &Evaluation,
    balance: &Balance,
    path: &Path,
    units: &Units,
) -> Result<(Accuracy, Vec<BodyError>)> {
    let loaded = initial::read_with_unique_ids(crew, path, Some(units), false, &ReadingOptions::default())?;
    let reference = loaded.start.bodies;
    let known = reference.acc.iter().flatten().any(|&a| a != 0.0);
    ensure!(
        collective::sum(crew.comm, u64::from(known)) > 0,
        "{}: has no accelerations to compare with",
        path.display()
    );
    let counts =
        [&evaluation.bodies, &reference].map(|bodies| collective::sum(crew.comm, bodies.len() as u64));
    ensure!(
        counts[0] == counts[1],
        "{}: holds another number of bodies: {} instead of {}",
        path.display(),
        counts[1],
        counts[0]
    );
    let reach = evaluation.bodies.pos.iter().flatten().fold(0.0, |reach: f64, x| reach.max(x.abs()));
    let [reach] = collective::max(crew.comm, [reach]);
    let (found, exact) = (meet(crew, &evaluation.bodies), meet(crew, &reference));
    let errors = crew.agree(|| {
        let errors = errors(&found, &exact, balance.centre, SAME_PLACE * reach);
        errors.map_err(|fault| anyhow!("{}: {fault}", path.display()))
    })?;
    let mut errors = to_the_leader(crew, errors);
    errors.sort_by_key(|error| error.id);
    // On the other ranks, this is the accuracy of no bodies, which they do not report.
    let accuracy = Accuracy::of(errors.iter().map(|error| error.error).collect());
    Ok((accuracy, errors))
}

/// Greatest distance between the positions of a body in the two files, as a fraction of the
/// greatest coordinate. It allows for files in single precision.
const SAME_PLACE: f64 = 1e-6;

/// Sends every body to the rank chosen by a hash of its id. Returns the received bodies, sorted by
/// id. Collective.
fn meet(crew: &Crew, bodies: &Bodies) -> Vec<Traveller> {
    let mut out = vec![Vec::new(); crew.comm.size()];
    for i in 0..bodies.len() {
        let (id, position, acceleration) = (bodies.id[i], bodies.position(i), bodies.acceleration(i));
        out[(hash(id) % crew.comm.size() as u64) as usize].push(Traveller { id, position, acceleration });
    }
    let mut here = collective::exchange(crew.comm, &out).concat();
    here.sort_unstable_by_key(|traveller| traveller.id);
    here
}

fn errors(
    found: &[Traveller],
    exact: &[Traveller],
    centre: [f64; 3],
    same_place: f64,
) -> Result<Vec<BodyError>, String> {
    if found.len() != exact.len() {
        return Err("holds other bodies: their ids differ".to_owned());
    }
    let error = |(found, exact): (&Traveller, &Traveller)| {
        if found.id != exact.id {
            return Err(format!("holds other bodies: the id {} beside {}", exact.id, found.id));
        }
        if norm(std::array::from_fn(|axis| found.position[axis] - exact.position[axis])) > same_place {
            return Err(format!("holds other bodies: that with id {} is at another place", found.id));
        }
        let radius = std::array::from_fn(|axis| found.position[axis] - centre[axis]);
        Ok(BodyError {
            id: found.id,
            position: found.position,
            acceleration: norm(exact.acceleration),
            error: RelativeError::new(
                found.acceleration,
                exact.acceleration,
                norm(exact.acceleration),
                radius,
            ),
        })
    };
    found.iter().zip(exact).map(error).collect()
}

fn to_the_leader(crew: &Crew, mine: Vec<BodyError>) -> Vec<BodyError> {
    let mut out = vec![Vec::new(); crew.comm.size()];
    out[0] = mine;
    collective::exchange(crew.comm, &out).concat()
}

/// Writes one row per body as CSV.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write_table(target: &Target, errors: &[BodyError]) -> Result<()> {
    let mut text = "id,x,y,z,acceleration,error,outward_error\n".to_owned();
    for BodyError { id, position: [x, y, z], acceleration, error } in errors {
        let RelativeError { length, outward, .. } = error;
        writeln!(text, "{id},{x:e},{y:e},{z:e},{acceleration:e},{length:e},{outward:e}")
            .expect("a string takes any text");
    }
    Ok(target.write(text.as_bytes())?)
}
