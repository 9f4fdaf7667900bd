//! The records of each step: a row of `energy.csv`, which has the same bits on any number of ranks, a row
//! of `steps.csv` with the cost of the step, and a line of the log. The leading rank writes them.
#![allow(clippy::disallowed_methods)] // messages, on which no result depends

use super::folder::Folder;
use crate::console::{Progress, duration, warn};
use crate::parameters::cosmology::redshift_in_words;
use crate::report::Energy;
use anyhow::Result;
use io::table::Table;
use nbody::Diagnostics;
use nbody::cosmology::redshift_of;
use nbody::cost::{Cost, Totals};
use nbody::forces::Forces;
use nbody::stepping::Course;
use std::path::Path;
use std::time::{Duration, Instant};
use treecode::math::{exp, norm};

/// Columns of `energy.csv` and their meaning.
const COLUMNS: [(&str, &str); 16] = [
    ("step", "number of full steps done; 0 is the first state"),
    ("time", "time at the end of the step"),
    ("kinetic", "kinetic energy of all bodies"),
    ("potential", "potential energy of all bodies, each pair once"),
    ("energy", "sum of all energies"),
    ("energy_error", "energy relative to that of the first state: (E - E0) / |E0|"),
    ("momentum_x", "total momentum"),
    ("momentum_y", "total momentum"),
    ("momentum_z", "total momentum"),
    ("angular_momentum_x", "total angular momentum about the origin"),
    ("angular_momentum_y", "total angular momentum about the origin"),
    ("angular_momentum_z", "total angular momentum about the origin"),
    ("virial_ratio", "2 K / |W|; 1 in equilibrium; NaN if W is 0"),
    ("substeps", "times within the full step at which the step of some body ended; 1 with fixed steps"),
    ("finest_rung", "rung of the shortest step: its length is that of the full step / 2^rung"),
    ("steps_per_body", "mean number of steps of a body in the full step"),
];

/// The column after these if there are external potentials.
const OUTSIDE_COLUMN: (&str, &str) =
    (EXTERNAL, "potential energy in the external potentials, only if there are any; energy includes it");

/// The name and meaning of `energy_error` if potentials depend on time.
const CHANGE_COLUMN: (&str, &str) =
    (CHANGE, "in place of energy_error if a potential moves or grows, so that the energy is not conserved");

/// Columns of `steps.csv` and their meaning; the seconds of each phase follow.
const COST_COLUMNS: [(&str, &str); 6] = [
    ("step", "number of full steps done"),
    ("time", "time at the end of the step"),
    ("load_balance", "mean over the ranks of the time spent computing, divided by the greatest"),
    ("gflops", "speed by the convention gordon-bell, 38 operations an interaction [Gflop/s]"),
    ("interactions", "interactions of all bodies"),
    ("bytes_sent", "bytes sent by all ranks"),
];

/// A table of a run, for the reference.
pub(crate) struct TableOfRun {
    /// Name of the file.
    pub(crate) file: &'static str,
    /// What the rows are.
    pub(crate) purpose: &'static str,
    /// Columns and their meaning.
    pub(crate) columns: Vec<(String, String)>,
}

/// The tables of a run, for the reference.
pub(crate) fn tables() -> [TableOfRun; 2] {
    let owned = |(name, meaning): (&str, &str)| (name.to_owned(), meaning.to_owned());
    let phase =
        |name: &str| (name.to_owned(), format!("wall time of the slowest rank in this phase: {name} [s]"));
    let seconds = Totals::default().cost().seconds.into_keys().map(phase);
    [
        TableOfRun {
            file: "energy.csv",
            purpose: "One row for the first state and one for each full step. It has the same bits on any number of ranks and threads.",
            columns: COLUMNS
                .into_iter()
                .chain([OUTSIDE_COLUMN, CHANGE_COLUMN])
                .chain(EXPANDING.map(|(_, name, meaning)| (name, meaning)))
                .chain([REDSHIFT])
                .map(owned)
                .collect(),
        },
        TableOfRun {
            file: "steps.csv",
            purpose: "One row for each full step: what it cost.",
            columns: COST_COLUMNS.into_iter().map(owned).chain(seconds).collect(),
        },
    ]
}

/// The column that is named otherwise if the potentials depend on time.
const ERROR: &str = "energy_error";
/// Column of `energy.csv` with the potential energy in external potentials, if there are any.
const EXTERNAL: &str = "external";
/// Name of the column `energy_error` if the potentials depend on time.
const CHANGE: &str = "energy_change";

/// Columns of `energy.csv` with other names in an expanding universe, and what they mean there.
const EXPANDING: [(&str, &str, &str); 3] = [
    ("time", "scale_factor", "scale factor at the end of the step"),
    (
        "energy",
        "layzer_irvine",
        "a (T + W) plus the integral of T da, with the kinetic and potential energies T and W of the peculiar motion; it is conserved",
    ),
    (
        ERROR,
        "layzer_irvine_error",
        "change of layzer_irvine since the first state, relative to the sum of the sizes of its terms, a T, a W and the integral of T da",
    ),
];
/// The column behind these in an expanding universe.
const REDSHIFT: (&str, &str) = ("redshift", "redshift at the end of the step, only in an expanding universe");

/// What acts beside the gravity of the bodies, as a journal shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// There are none.
    Nothing,
    /// They do not depend on time.
    Static,
    /// They depend on time, so energy is not conserved.
    Changing,
    /// Space expands.
    Expansion,
}

impl Outside {
    pub(super) fn of(forces: &Forces) -> Outside {
        let external = &forces.external;
        if forces.expansion.comoving().is_some() {
            return Outside::Expansion;
        }
        match (external.is_empty(), external.is_static()) {
            (true, _) => Outside::Nothing,
            (_, true) => Outside::Static,
            _ => Outside::Changing,
        }
    }

    /// All columns of `steps.csv`.
    fn cost_columns(self) -> Vec<&'static str> {
        let name = |name| if self == Outside::Expansion && name == "time" { EXPANDING[0].1 } else { name };
        let own = COST_COLUMNS.into_iter().map(|(column, _)| name(column));
        own.chain(Totals::default().cost().seconds.into_keys()).collect()
    }

    /// All columns of `energy.csv`.
    fn columns(self) -> Vec<&'static str> {
        let other =
            |column| EXPANDING.into_iter().find(|(name, ..)| *name == column).map(|(_, other, _)| other);
        let name = |column| match self {
            Outside::Changing if column == ERROR => CHANGE,
            Outside::Expansion => other(column).unwrap_or(column),
            _ => column,
        };
        let extra = match self {
            Outside::Nothing => None,
            Outside::Expansion => Some(REDSHIFT.0),
            Outside::Static | Outside::Changing => Some(EXTERNAL),
        };
        COLUMNS.into_iter().map(|(column, _)| name(column)).chain(extra).collect()
    }
}

/// The journal of a run.
pub(super) struct Journal {
    energies: Table,
    outside: Outside,
    costs: Table,
    progress: Progress,
    steps: u64,
    /// Steps done before this start of the program.
    before: u64,
    bodies: u64,
    first: Diagnostics,
    last: Diagnostics,
    greatest_error: f64,
    begun: Instant,
}

impl Journal {
    /// Starts `energy.csv` with the first state, and `steps.csv`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn begin(
        folder: &Folder,
        steps: u64,
        bodies: u64,
        time: f64,
        first: Diagnostics,
        outside: Outside,
    ) -> Result<Journal> {
        let energies = Table::create(&folder.energy(), &outside.columns())?;
        let costs = Table::create(&folder.steps(), &outside.cost_columns())?;
        let progress = Progress::of_run(steps);
        let begun = Instant::now();
        let mut journal = Journal {
            energies,
            outside,
            costs,
            progress,
            steps,
            before: 0,
            bodies,
            first,
            last: first,
            greatest_error: 0.0,
            begun,
        };
        journal.row(0, time, &Course::default())?;
        Ok(journal)
    }

    /// Continues both files after the row of the step `done`, and removes later rows of a killed run. A
    /// missing file is created. A missing row gives a warning.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn resume(
        folder: &Folder,
        steps: u64,
        bodies: u64,
        done: u64,
        energy: &Energy,
        outside: Outside,
    ) -> Result<Journal> {
        let go_on = |path: &Path, columns: &[&str]| -> Result<Table> {
            let (table, last) = if path.exists() {
                Table::resume(path, columns, |step| step <= done as f64)?
            } else {
                (Table::create(path, columns)?, None)
            };
            // The first state has taken no step.
            if last.unwrap_or(0.0) != done as f64 {
                warn(&format!("{}: has no row of step {done}, from which the run goes on", path.display()));
            }
            Ok(table)
        };
        let energies = go_on(&folder.energy(), &outside.columns())?;
        let costs = go_on(&folder.steps(), &outside.cost_columns())?;
        let (progress, begun) = (Progress::of_run(steps), Instant::now());
        let Energy { first, last, greatest_error, .. } = *energy;
        Ok(Journal {
            energies,
            outside,
            costs,
            progress,
            steps,
            before: done,
            bodies,
            first,
            last,
            greatest_error,
            begun,
        })
    }

    /// Forces both files to the disk.
    ///
    /// # Errors
    /// If the disk fails.
    pub(super) fn sync(&self) -> Result<()> {
        self.energies.sync()?;
        Ok(self.costs.sync()?)
    }

    /// Records a step.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn step(
        &mut self,
        step: u64,
        time: f64,
        diagnostics: Diagnostics,
        cost: &Cost,
        course: &Course,
    ) -> Result<()> {
        self.last = diagnostics;
        self.greatest_error = self.greatest_error.max(diagnostics.energy_error(&self.first).abs());
        let mut line = self.line(step, time, cost);
        if course.substeps > 1 {
            let (substeps, finest) = (course.substeps, course.finest());
            line +=
                &format!(" substeps {substeps} to rung {finest}, {:.2} a body", self.steps_per_body(course));
        }
        self.progress.step(step, &line, self.short_line(step, time, cost));
        self.row(step, time, course)?;
        let (interactions, bytes) = (cost.all_interactions() as f64, cost.traffic.bytes as f64);
        let mut row = vec![
            step as f64,
            self.moment(time),
            cost.load_balance,
            cost.gflops.gordon_bell,
            interactions,
            bytes,
        ];
        row.extend(cost.seconds.values());
        Ok(self.costs.row(&row)?)
    }

    /// Reports how much of the step `step` is done within it, at the time that its substeps have reached.
    pub(super) fn within(&self, step: u64, time: f64, part: f64) {
        let percent = (100.0 * part).floor();
        let line = format!(
            "step {step}/{} {} {percent} % of the time of this step is done",
            self.steps,
            self.words(time, 6)
        );
        self.progress.within(&line, format!("{percent} % of step {step}"));
    }

    /// 0 if the greatest energy error so far is within `bound`. Otherwise 1, plus the number of times that
    /// it has doubled since it exceeded `bound`.
    pub(super) fn excess(&self, bound: f64) -> u32 {
        if self.outside == Outside::Changing {
            return 0;
        }
        let ratio = self.greatest_error / bound;
        if ratio > 1.0 { 1 + ratio.log2() as u32 } else { 0 }
    }

    /// Mean number of steps of a body.
    fn steps_per_body(&self, course: &Course) -> f64 {
        course.body_steps.iter().sum::<u64>() as f64 / self.bodies as f64
    }

    /// Prints a line that stays visible.
    pub(super) fn note(&self, line: &str) {
        self.progress.note(line);
    }

    /// Prints a warning that stays visible.
    pub(super) fn warn(&self, line: &str) {
        self.progress.warn(line);
    }

    /// Conservation of energy so far.
    pub(super) fn energy(&self) -> Energy {
        let error = self.last.energy_error(&self.first);
        let conserved = self.outside != Outside::Changing;
        Energy { first: self.first, last: self.last, error, greatest_error: self.greatest_error, conserved }
    }

    fn row(&mut self, step: u64, time: f64, course: &Course) -> Result<()> {
        let d = &self.last;
        let ([px, py, pz], [lx, ly, lz]) = (d.momentum, d.angular_momentum);
        let (energy, error) = (d.energy(), d.energy_error(&self.first));
        let mut row = vec![
            step as f64,
            self.moment(time),
            d.kinetic,
            d.potential,
            energy,
            error,
            px,
            py,
            pz,
            lx,
            ly,
            lz,
            d.virial_ratio(),
            course.substeps as f64,
            course.finest() as f64,
            self.steps_per_body(course),
        ];
        match self.outside {
            Outside::Nothing => {}
            Outside::Expansion => row.push(redshift_of(exp(time))),
            Outside::Static | Outside::Changing => row.push(d.external),
        }
        Ok(self.energies.row(&row)?)
    }

    fn line(&self, step: u64, time: f64, cost: &Cost) -> String {
        let d = &self.last;
        format!(
            "step {step}/{} {} E {:.6e} {} {:+.2e} |P| {:.2e} |L| {:.4e} 2K/|W| {} int/body {:.0} Gflops {:.2} \
             balance {:.2} {:.2} s ETA {}",
            self.steps,
            self.words(time, 6),
            d.energy(),
            self.error_name(),
            d.energy_error(&self.first),
            norm(d.momentum),
            norm(d.angular_momentum),
            if d.virial_ratio().is_nan() { "-".to_owned() } else { format!("{:.4}", d.virial_ratio()) },
            cost.all_interactions() as f64 / self.bodies as f64,
            cost.gflops.gordon_bell,
            cost.load_balance,
            cost.total_seconds(),
            duration(self.remaining(step)),
        )
    }

    fn short_line(&self, step: u64, time: f64, cost: &Cost) -> String {
        let error = self.last.energy_error(&self.first);
        let (gflops, left) = (cost.gflops.gordon_bell, duration(self.remaining(step)));
        let name = self.error_name();
        let time = self.words(time, 4);
        format!("{time} {name} {error:+.1e} {gflops:.1} Gflops ETA {left}")
    }

    fn error_name(&self) -> &'static str {
        match self.outside {
            Outside::Changing => "change of E",
            Outside::Expansion => "Layzer-Irvine error",
            Outside::Nothing | Outside::Static => "dE/E",
        }
    }

    /// A time as tables show it: the scale factor, if space expands.
    fn moment(&self, time: f64) -> f64 {
        if self.outside == Outside::Expansion { exp(time) } else { time }
    }

    /// A time as the log shows it.
    fn words(&self, time: f64, digits: usize) -> String {
        match self.outside {
            Outside::Expansion => format!("z {}", redshift_in_words(exp(time))),
            _ => format!("t {time:.digits$}"),
        }
    }

    /// Estimated time to the end, at the mean speed so far, including reading and writing.
    pub(super) fn remaining(&self, step: u64) -> Duration {
        let done = (step - self.before).max(1);
        self.begun.elapsed().mul_f64((self.steps - step) as f64 / done as f64)
    }
}
