//! The state of a run in a checkpoint, without the bodies, and the search for the checkpoint from which
//! a run continues.

use super::folder::Folder;
use super::light_cone::{self, read_crossings};
use crate::console::warn;
use crate::files::same_files;
use crate::parameters::{Parameters, Restart};
use crate::ranks::crew::Crew;
use crate::ranks::memory::{self, Free};
use crate::report::{Energy, FileTimes};
use anyhow::{Result, bail};
use io::checkpoint::Checkpoint;
use nbody::PartialStep;
use nbody::cost::Totals;
use nbody::forces::Progress;
use nbody::stepping::Course;
use serde::{Deserialize, Serialize};
use treecode::Bodies;

/// The state of a run, without its bodies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The program and its version.
    pub program: String,
    /// The SIMD path of the kernels.
    pub simd: String,
    /// Every parameter as key and value.
    pub parameters: Vec<(String, String)>,
    /// Number of steps done.
    pub step: u64,
    /// Current time [T].
    pub time: f64,
    /// Time of the initial state [T].
    pub start: f64,
    /// Energies so far.
    pub energy: Energy,
    /// State of the control of the force error.
    pub forces: Progress,
    /// Statistics of the steps of bodies so far.
    pub course: Course,
    /// Cost so far.
    pub totals: Totals,
    /// Times of reading and writing so far.
    pub files: FileTimes,
    /// Number of times that the run was continued.
    pub restarts: u64,
    /// Whether bodies were numbered in the order of the initial file, because it had no ids or shared
    /// ones.
    #[serde(default)]
    pub invented_ids: bool,
    /// The incomplete step, if the checkpoint was written within one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartialStep>,
    /// The light cone, if the run has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub light_cone: Option<light_cone::State>,
}

/// A checkpoint from which a run continues.
pub(super) struct Found {
    /// The state.
    pub state: State,
    /// This rank's share of the bodies.
    pub bodies: Bodies,
    /// Number of bodies on all ranks.
    pub count: u64,
    /// This rank's share of the crossings of the light cone.
    pub crossed: Bodies,
    /// Free memory of this rank before the bodies were read.
    pub free: Free,
}

/// Finds the last undamaged checkpoint in the folder, if the run is to continue from one. Names
/// damaged checkpoints and skips them. Collective.
///
/// # Errors
/// The same on every rank, if there must be a checkpoint and none exists, or all are damaged.
pub(super) fn find(crew: &Crew, folder: &Folder, restart: Restart) -> Result<Option<Found>> {
    if restart == Restart::Never {
        return Ok(None);
    }
    let steps = crew.lead_tells(|| {
        let list = if folder.is_being_cleared() { Vec::new() } else { folder.checkpoints()? };
        Ok(list.into_iter().map(|(step, _)| step).collect())
    })?;
    for &step in &steps {
        match read(crew, folder, step)? {
            Ok(found) => return Ok(Some(found)),
            Err(fault) if crew.leads() => warn(&format!("{fault}; this checkpoint is skipped")),
            Err(_) => {}
        }
    }
    if !steps.is_empty() {
        bail!(
            "{}: no whole checkpoint is left; start anew with --overwrite, or from a snapshot",
            folder.shown()
        );
    }
    if restart == Restart::Always {
        bail!("{}", nothing_in(folder));
    }
    Ok(None)
}

/// The error for a missing checkpoint.
pub(super) fn nothing_in(folder: &Folder) -> String {
    format!(
        "{}: holds no checkpoint to restart from; leave out --restart to start the run, or give --restart=auto",
        folder.shown()
    )
}

/// Reads a checkpoint, if it is undamaged and its bodies fit into memory. Collective.
fn read(crew: &Crew, folder: &Folder, step: u64) -> Result<Result<Found>> {
    let path = folder.checkpoint(step);
    let checkpoint = match crew.agree(|| Ok(Checkpoint::<State>::open(&path)?)) {
        Ok(checkpoint) => checkpoint,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Err(fault) = same_files::check(crew, &[path]) {
        return Ok(Err(fault));
    }
    let count = checkpoint.bodies();
    let free = Free::measure(crew);
    memory::check(crew, count, memory::of_columns(checkpoint.column_bytes(), crew.comm.size()))?;
    let bodies = crew.agree(|| Ok(checkpoint.read(crew.comm.rank(), crew.comm.size())?));
    let state = checkpoint.state;
    let crossings = state.light_cone.map(|cone| folder.crossings(step, cone.reached));
    let crossed = crossings.map_or(Ok(Bodies::default()), |path| read_crossings(crew, &path));
    Ok(bodies.and_then(|bodies| Ok(Found { state, bodies, count, crossed: crossed?, free })))
}

/// Keys that may differ when a run continues: its end, its output and its limits.
const HARMLESS: [&str; 6] = ["time.end", "time.steps", "time.energy_bound", "output.", "batch.", "movie."];
/// Keys of output that may not, since files of the same light cone are there.
const LIGHT_CONE: &str = "output.lightcone.";

/// One line for each parameter that differs from that of the checkpoint.
///
/// # Errors
/// If one of these parameters changes the physics.
pub(super) fn changes(state: &State, parameters: &Parameters) -> Result<Vec<String>> {
    let now = io::parameters::echo(parameters);
    let changed = io::parameters::differences(&state.parameters, &now);
    let lines = changed.into_iter().map(|(key, old, new)| {
        let [old, new] = [old, new].map(|value| value.unwrap_or("unset".to_owned()));
        if key.starts_with(LIGHT_CONE) {
            bail!(
                "{key} = {new}: the checkpoint was written with {old}, and a restart cannot change the light cone; set it back, or start a \
                 run of its own in another output.folder"
            )
        } else if HARMLESS.iter().any(|harmless| key.starts_with(harmless)) {
            Ok(format!("{key} was {old} and is {new} from here on"))
        } else {
            bail!(
                "{key} = {new}: the checkpoint was written with {old}, and a restart cannot change the physics; set it back, or start a run \
                 of its own in another output.folder"
            )
        }
    });
    lines.collect()
}

impl State {
    /// Whether times of steps or snapshots may differ from those of the run that wrote the checkpoint.
    pub(super) fn has_other_times(&self, parameters: &Parameters) -> bool {
        let now = io::parameters::echo(parameters);
        let value = |list: &[(String, String)], key: &str| {
            list.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone())
        };
        const TIMES: [&str; 8] = [
            "time.end",
            "time.end_redshift",
            "time.end_scale_factor",
            "time.steps",
            "output.snapshot_every",
            "output.at",
            "output.redshifts",
            "output.scale_factors",
        ];
        TIMES.iter().any(|key| value(&now, key) != value(&self.parameters, key))
    }
}
