//! Writes frames, snapshots, power spectra and checkpoints of a run.

use super::Run;
use super::journal::Journal;
use super::state::State;
use crate::batch::status;
use crate::initial::Initial;
use crate::movie::{Common, read_common, read_trails};
use crate::spectrum::{self, Linear, Sample};
use anyhow::Result;
use io::Target;
use io::snapshot::{Header, IDS_INVENTED, names};
use nbody::cost::{Totals, timed};
use nbody::model::Model;
use std::path::Path;
use std::time::{Duration, Instant};
use treecode::math::exp;

impl Run<'_> {
    /// Draws a frame of the movie, if one is due. Collective.
    pub(super) fn film(&mut self) -> Result<()> {
        let time = self.simulation.time;
        let Some(filming) = &mut self.filming else { return Ok(()) };
        let Some(number) = filming.due(time) else { return Ok(()) };
        let mut making = Duration::ZERO;
        timed(&mut making, || {
            let frame = self.crew.agree(|| filming.frame(number, time, self.simulation.bodies()))?;
            self.crew.lead(|| {
                let Some((picture, common)) = frame else { return Ok(()) };
                if let Some(trails) = filming.trails() {
                    io::replace_for_readers(&self.place.folder.trails(), &trails.to_text())?;
                }
                io::write_json_for_readers(&self.place.folder.frames(), &common)?;
                Ok(io::replace_for_readers(&self.place.folder.frame(number), &picture)?)
            })
        })?;
        self.record.files.frame_seconds += making.as_secs_f64();
        self.record.files.frames += 1;
        Ok(())
    }

    /// Continues the movie after the existing frames. Collective.
    pub(super) fn resume_film(&mut self) -> Result<()> {
        let Some(filming) = self.filming.take() else { return Ok(()) };
        let numbers = self.crew.lead_tells(|| {
            self.place.folder.remove_frames_after(filming.number(self.simulation.time))?;
            Ok(read_common(&self.place.folder.frames()).map_or(Vec::new(), Common::to_numbers))
        })?;
        let trails = self.crew.leads().then(|| read_trails(&self.place.folder.trails()));
        let common = Common::from_numbers(&numbers);
        self.filming = Some(filming.resume(self.simulation.time, common, trails.unwrap_or_default()));
        Ok(())
    }

    /// Encodes the movie from the frames, and prints the time that the frames took.
    pub(super) fn finish_film(&mut self) -> Result<()> {
        let Some(filming) = self.filming.take() else { return Ok(()) };
        let clock = Instant::now();
        self.crew.lead(|| {
            let frames = self.place.folder.all_frames()?;
            let Some((name, bytes)) = filming.assemble(&frames)? else { return Ok(()) };
            Target::own(self.place.folder.movie(name)).write(&bytes)?;
            if let Some(journal) = &self.record.journal {
                journal.note(&format!(
                    "{} of {} frames in {:.2} s; a frame took {:.3} s, a step {:.3} s",
                    self.place.folder.movie(name).display(),
                    frames.len(),
                    clock.elapsed().as_secs_f64(),
                    self.record.files.frame_seconds / self.record.files.frames.max(1) as f64,
                    self.simulation.all.total.as_secs_f64() / self.simulation.all.evaluations.max(1) as f64
                ));
            }
            Ok(())
        })
    }

    /// Writes the next numbered snapshot. Collective.
    pub(super) fn write_snapshot(&mut self) -> Result<()> {
        self.write_snapshot_to(&self.place.folder.snapshot(self.record.files.snapshots))?;
        self.write_spectrum()?;
        self.record.files.snapshots += 1;
        let snapshots = self.record.files.snapshots;
        self.record.beacon.iter_mut().for_each(|beacon| beacon.tell(|status| status.snapshots = snapshots));
        Ok(())
    }

    /// Writes the power spectrum that belongs to the next numbered snapshot, if the run has spectra.
    /// Collective.
    fn write_spectrum(&self) -> Result<()> {
        let (Some(keys), Some(periodic)) = (&self.parameters.output.spectrum, self.parameters.periodic_box)
        else {
            return Ok(());
        };
        let target = Target::own(self.place.folder.spectrum(self.record.files.snapshots));
        let (units, time) = (self.parameters.units.units(), self.simulation.time);
        let universe = self.parameters.cosmology.map(|cosmology| cosmology.universe(&units, time));
        let sample = Sample {
            bodies: self.simulation.bodies(),
            time: universe.map_or(time, |(_, age)| age),
            universe: universe.map(|(universe, _)| universe),
            side: periodic.side,
            units,
        };
        let linear = match &self.parameters.initial {
            Initial::Model(Model::Cosmology(model)) if model.pancake.is_none() => Some(Linear::of(model)?),
            _ => None,
        };
        spectrum::write(self.crew, keys, &target, &sample, linear.as_ref())
    }

    pub(super) fn write_snapshot_to(&mut self, path: &Path) -> Result<()> {
        let output = &self.parameters.output;
        let mut parameters = io::parameters::echo(self.parameters);
        if self.invented_ids {
            parameters.push((IDS_INVENTED.to_owned(), "true".to_owned()));
        }
        let (units, time) = (self.parameters.units.units(), self.simulation.time);
        let universe = self.parameters.cosmology.map(|cosmology| cosmology.universe(&units, time));
        let header = Header {
            time: universe.map_or(time, |(_, age)| age),
            universe: universe.map(|(universe, _)| universe),
            units: Some(units),
            parameters,
            box_size: self.parameters.periodic_box.map_or(0.0, |periodic| periodic.side),
            ..Header::default()
        };
        // Steps in files are times also in an expanding universe.
        let comoving = self.parameters.gravity.expansion.comoving();
        let rate = comoving.map_or(1.0, |comoving| comoving.cosmology.hubble_at(exp(time)));
        let (fields, layout) = (output.fields(self.progress.step_length / rate), output.layout());
        let mut writing = Duration::ZERO;
        self.watch.writes(true);
        let written = timed(&mut writing, || {
            // Accelerations and potentials in files are those of all that acts on a body.
            let field = self.simulation.field();
            let all = (!field.is_empty() && (fields.acceleration || fields.potential)).then(|| {
                let mut bodies = self.simulation.bodies().clone();
                field.add_to(&mut bodies);
                bodies
            });
            let bodies = all.as_ref().unwrap_or_else(|| self.simulation.bodies());
            self.crew.write_snapshot(&Target::own(path), &header, bodies, fields, &layout)
        });
        self.watch.writes(false);
        written?;
        self.record.files.wrote(writing, &names(path, layout.files));
        self.watch.snapshot_took(writing);
        if let Some(journal) = &self.record.journal {
            journal.note(&format!("{} at {}", path.display(), self.parameters.moment(self.simulation.time)));
        }
        Ok(())
    }

    /// Writes a checkpoint. Keeps the one before it and removes all others. Collective.
    pub(super) fn write_checkpoint(&mut self) -> Result<()> {
        let (path, step) = (self.place.folder.checkpoint(self.progress.step), self.progress.step);
        let state = self.state();
        let journal = &self.record.journal;
        self.crew.lead(|| journal.as_ref().map_or(Ok(()), Journal::sync))?;
        let mut writing = Duration::ZERO;
        self.watch.writes(true);
        let bytes = timed(&mut writing, || {
            self.write_crossings()?;
            self.crew.write_checkpoint(&path, &state, self.simulation.bodies())
        });
        self.watch.writes(false);
        let bytes = bytes?;
        self.record.saved.retain(|&saved| saved != step);
        self.record.saved.push(step);
        self.record.saved.drain(..self.record.saved.len().saturating_sub(2));
        self.crew.lead(|| {
            self.place.folder.keep_checkpoints(&self.record.saved)?;
            self.clear_crossings()?;
            self.place.folder.forget_start()
        })?;
        self.record.files.checkpoint_seconds += writing.as_secs_f64();
        self.record.files.checkpoints += 1;
        self.watch.checkpoint_took(writing);
        if let Some(journal) = &self.record.journal {
            let (seconds, megabytes) = (writing.as_secs_f64(), bytes as f64 * 1e-6);
            let within = if self.simulation.part().is_some() { "within the step after" } else { "at" };
            journal.note(&format!(
                "{} {within} {}: {megabytes:.1} MB in {seconds:.2} s, {:.0} MB/s",
                path.display(),
                self.parameters.moment(self.simulation.time),
                megabytes / seconds
            ));
        }
        let last = self.last_checkpoint(step, status::now());
        self.record
            .beacon
            .iter_mut()
            .for_each(|beacon| beacon.tell(|status| status.checkpoint = Some(last.clone())));
        Ok(())
    }

    /// The state without the bodies. The energies are those of the leading rank. Collective.
    fn state(&self) -> State {
        State {
            program: crate::help::version::PROGRAM.to_owned(),
            simd: treecode::simd_path().to_owned(),
            parameters: io::parameters::echo(self.parameters),
            step: self.progress.step,
            time: self.simulation.time,
            start: self.progress.start,
            energy: self.record.journal.as_ref().map(Journal::energy).unwrap_or_default(),
            forces: self.simulation.progress(),
            course: self.progress.course.clone(),
            totals: self.totals(),
            files: self.record.files,
            restarts: self.progress.restarts,
            invented_ids: self.invented_ids,
            part: self.simulation.part().cloned(),
            light_cone: self.cone_state(),
        }
    }

    /// Cost of the whole run so far. Collective.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = self.progress.earlier.clone();
        totals.add(&self.simulation.so_far().totals(self.crew.comm, &mut []));
        totals
    }
}
