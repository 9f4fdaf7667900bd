//! Writes the shells of the light cone, and keeps its crossings with the checkpoints.

use super::Run;
use crate::parameters::lightcone::Plan;
use crate::ranks::crew::Crew;
use anyhow::Result;
use decomposition::collective;
use io::Target;
use io::checkpoint::Checkpoint;
use io::sky_map::{self, ShellMap};
use io::snapshot::{Header, IDS_INVENTED, Layout, names};
use nbody::cost::timed;
use nbody::lightcone::{LightCone, SkyMap};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use treecode::Bodies;

/// A shell of fewer bodies than this for each file is one file.
const BODIES_OF_A_FILE: u64 = 16;

/// The state of the light cone in a checkpoint, without its crossings. They are in a file beside it,
/// whose name follows from `reached`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The time, ln a, up to which crossings are recorded.
    pub reached: f64,
    /// Number of shells that are in files.
    pub shells: u64,
}

/// The light cone of a run.
pub(super) struct Cone {
    pub plan: Plan,
    /// Number of shells that are in files.
    pub written: usize,
}

/// Reads the crossings that belong to a checkpoint. Collective.
pub(super) fn read_crossings(crew: &Crew, path: &Path) -> Result<Bodies> {
    crew.agree(|| {
        let checkpoint = Checkpoint::<State>::open(path)?;
        Ok(checkpoint.read(crew.comm.rank(), crew.comm.size())?)
    })
}

impl Run<'_> {
    /// State of the light cone, for a checkpoint.
    pub(super) fn cone_state(&self) -> Option<State> {
        let shells = self.cone.as_ref()?.written as u64;
        Some(State { reached: self.simulation.light_cone()?.reached(), shells })
    }

    /// Writes the crossings that belong to the checkpoint after the present step. Collective.
    pub(super) fn write_crossings(&self) -> Result<()> {
        let (Some(state), Some(cone)) = (self.cone_state(), self.simulation.light_cone()) else {
            return Ok(());
        };
        let path = self.place.folder.crossings(self.progress.step, state.reached);
        self.crew.write_checkpoint(&path, &state, cone.crossed()).map(|_| ())
    }

    /// Removes the crossings of checkpoints that are gone. On the leading rank.
    pub(super) fn clear_crossings(&self) -> Result<()> {
        let Some(State { reached, .. }) = self.cone_state() else { return Ok(()) };
        let last = self.place.folder.crossings(self.progress.step, reached);
        self.place.folder.keep_crossings(&self.record.saved, &last)
    }

    /// Writes the shells of the light cone that are complete. Collective.
    pub(super) fn write_shells(&mut self) -> Result<()> {
        let (Some(cone), Some(light)) = (&self.cone, self.simulation.light_cone()) else { return Ok(()) };
        let complete = cone.written..cone.plan.shells.complete(light.reached_redshift());
        if !complete.is_empty() {
            self.check_lock()?;
        }
        for shell in complete {
            self.write_shell(shell, None)?;
        }
        Ok(())
    }

    /// Writes what has crossed of a shell that the run does not complete. Collective.
    pub(super) fn write_last_shell(&mut self) -> Result<()> {
        let (Some(cone), Some(light)) = (&self.cone, self.simulation.light_cone()) else { return Ok(()) };
        let (shell, reached) = (cone.written, light.reached_redshift());
        if shell < cone.plan.shells.count() && reached < cone.plan.shells.redshifts(shell)[1] {
            self.write_shell(shell, Some(reached))?;
        }
        Ok(())
    }

    /// Writes a shell, down to the redshift `until` if it ends there. Collective.
    fn write_shell(&mut self, shell: usize, until: Option<f64>) -> Result<()> {
        let (Some(cone), Some(light)) = (&mut self.cone, self.simulation.light_cone_mut()) else {
            return Ok(());
        };
        let mut redshifts = cone.plan.shells.redshifts(shell);
        let bodies = light.take(redshifts);
        redshifts[0] = until.unwrap_or(redshifts[0]);
        cone.written = shell + 1;
        let (plan, number) = (cone.plan.clone(), shell as u64);
        let count = collective::sum(self.crew.comm, bodies.len() as u64);
        let mut writing = Duration::ZERO;
        let mut files = Vec::new();
        self.watch.writes(true);
        let written = timed(&mut writing, || -> Result<()> {
            if plan.keys.bodies {
                let path = self.place.folder.shell(number);
                let layout = self.layout_of_shell(count);
                files.extend(names(&path, layout.files));
                self.write_bodies_of_shell(&path, &plan, redshifts, &bodies, &layout)?;
            }
            if let Some(nside) = plan.keys.nside {
                let path = self.place.folder.shell_map(number);
                let map = SkyMap::sum(self.crew.comm, &bodies, nside.into());
                files.push(path.clone());
                let shell = self.shell_map(&plan, redshifts, map);
                self.crew.lead(|| Ok(sky_map::write(&Target::own(&path), &shell)?))?;
            }
            Ok(())
        });
        self.watch.writes(false);
        written?;
        self.record.files.wrote(writing, &files);
        if let Some(journal) = &self.record.journal {
            journal.note(&format!(
                "shell {number} of the light cone, z {:.4} to {:.4}: {count} crossings",
                redshifts[1], redshifts[0]
            ));
        }
        Ok(())
    }

    fn layout_of_shell(&self, count: u64) -> Layout {
        let layout = self.parameters.output.layout();
        let files = if count < BODIES_OF_A_FILE * layout.files as u64 { 1 } else { layout.files };
        Layout { files, ..layout }
    }

    /// Writes the bodies of a shell as a snapshot of today, when comoving lengths are physical.
    fn write_bodies_of_shell(
        &self,
        path: &Path,
        plan: &Plan,
        redshifts: [f64; 2],
        bodies: &Bodies,
        layout: &Layout,
    ) -> Result<()> {
        let mut parameters = io::parameters::echo(self.parameters);
        if self.invented_ids {
            parameters.push((IDS_INVENTED.to_owned(), "true".to_owned()));
        }
        for (name, values) in [("redshift", redshifts), ("distance", plan.distances(redshifts))] {
            let one = |end: &str, value: f64| (format!("lightcone.{name}_{end}"), format!("{value:?}"));
            parameters.extend([one("min", values[0]), one("max", values[1])]);
        }
        let units = self.parameters.units.units();
        let universe = self.parameters.cosmology.map(|cosmology| cosmology.universe(&units, 0.0));
        let header = Header {
            time: universe.map_or(0.0, |(_, age)| age),
            universe: universe.map(|(universe, _)| universe),
            units: Some(units),
            parameters,
            ..Header::default()
        };
        let fields = io::snapshot::Fields::default();
        self.crew.write_snapshot(&Target::own(path), &header, bodies, fields, layout)
    }

    fn shell_map(&self, plan: &Plan, redshifts: [f64; 2], map: SkyMap) -> ShellMap {
        let units = self.parameters.units.units();
        let universe = self.parameters.cosmology.map(|cosmology| cosmology.universe(&units, 0.0).0);
        ShellMap {
            map,
            redshifts,
            distances: plan.distances(redshifts),
            density: plan.cosmology.matter_density(self.parameters.gravity.gravity.constant),
            side: plan.side,
            units,
            universe: universe.unwrap_or_default(),
        }
    }
}

impl Cone {
    /// The light cone of a run that starts at this time, and its place in the run.
    pub(super) fn begin(plan: Plan, time: f64) -> (Cone, LightCone) {
        let light = plan.begin(time);
        (Cone { plan, written: 0 }, light)
    }

    /// That of a run that continues.
    pub(super) fn resume(plan: Plan, state: State, crossed: Bodies) -> (Cone, LightCone) {
        let light = plan.resume(state.reached, crossed);
        (Cone { plan, written: state.shells as usize }, light)
    }
}
