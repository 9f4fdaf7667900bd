//! `heorot study virtual`: records decomposition and essential trees of a step on any number of
//! ranks, all inside this process.
//!
//! First, one rank alone evaluates the field, does one step, and evaluates the field again. Then,
//! for each number of ranks, virtual ranks start with the bodies of the first evaluation. The
//! bodies drift and go through the second evaluation without the forces, in the same code as on a
//! cluster. The time for the forces follows from the work of the bodies, which does not depend on
//! the number of ranks.

use super::trace::{Call, Kind, Layout, Trace, round};
use crate::cli::bodies_in;
use crate::console::say;
use crate::files::outputs::Overwrite;
use crate::initial::Initial;
use crate::parameters::Parameters;
use crate::parameters::errors::name_key;
use crate::plot::output::drawn;
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::ranks::machine::{process_seconds, thread_seconds};
use anyhow::{Context, Result, anyhow, ensure};
use decomposition::{Comm, Event, Hosts, Plan, Recorder, Solo, TwoLevel, rehearse, threads};
use io::Target;
use nbody::Diagnostics;
use nbody::cost::Meter;
use nbody::forces::Engine;
use std::collections::BTreeMap;
use std::fs::create_dir_all;
use std::ops::Range;
use std::path::PathBuf;
use treecode::{Bodies, Gravity, Walk, leapfrog};
use viz::plot::{Axis, COLOURS, Figure, Look, Mark, Panel, Series};

/// Record the messages of a step on up to 4096 virtual ranks, inside this process.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Parameter file (TOML), as for `heorot run`; the study makes one step of `time.step`.
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Override a parameter, as in `heorot run`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Numbers of ranks.
    #[arg(long, value_name = "P,...", value_delimiter = ',', required = true, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub ranks: Vec<u32>,
    /// For weak scaling: number of bodies on each rank, instead of initial.bodies of the file. The
    /// file must start from a model.
    #[arg(long, value_name = "N", value_parser = bodies_in::<1, { u64::MAX }>)]
    pub bodies_per_rank: Option<u64>,
    /// Ranks on each host. If there are several hosts, a step is recorded twice: without packing,
    /// and with messages packed by host, as with `--pack` of other commands.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub ranks_per_host: u32,
    /// Threads of the first step, which one rank computes alone. Then the number of virtual ranks
    /// that compute at the same time, each with one thread [default: all cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub threads: Option<u32>,
    /// Folder for the traces, and a table (CSV) and a plot (SVG and PDF) of all of them.
    #[arg(long, short, value_name = "FOLDER", default_value = "out/virtual")]
    pub output: PathBuf,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

const EXAMPLES: &str = "Examples:
  heorot study virtual inputs/plummer.toml --set initial.bodies=1000000 --ranks 1,4,16,64,256
  heorot study virtual inputs/plummer.toml --ranks 1,4,16,64,256,1024 --bodies-per-rank 10000 --output out/weak
  heorot study virtual inputs/plummer.toml --ranks 64,256,512 --bodies-per-rank 10000 --ranks-per-host 16 --output out/hosts
  heorot network replay out/weak/trace-*.json --network all

Computing times are CPU times of single cores of this machine, so other load has little effect.
`heorot network replay` predicts the time of such a step on a network.";

/// A step of one rank alone, from which the steps of many ranks follow.
struct Alone {
    /// The bodies before the second evaluation, in the order of the first.
    bodies: Bodies,
    /// For each number of ranks, the range of bodies on each rank.
    shares: Vec<Vec<Range<usize>>>,
    /// The force settings, with the tolerance that gives the requested accuracy.
    gravity: Gravity,
    /// Number of the sort in the second evaluation.
    sort: u64,
    /// Work of each body in the second evaluation, in the same order.
    work: Vec<f32>,
    interactions: u64,
    /// Time of the walk and its kernels, and of the whole step [s].
    walk_seconds: f64,
    seconds: f64,
}

/// Runs the command.
///
/// # Errors
/// If the parameter file is wrong, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let parameters = Parameters::load(&arguments.file, &arguments.set)?;
    ensure!(
        parameters.gravity.gravity.walk != Walk::Direct,
        "{}: gravity.walk = \"direct\" has no essential trees to study; use \"tree\" or \"fmm\"",
        arguments.file.display()
    );
    ensure!(
        arguments.bodies_per_rank.is_none() || matches!(parameters.initial, Initial::Model(_)),
        "{}: --bodies-per-rank needs a model in [initial], not a file",
        arguments.file.display()
    );
    let mut ranks: Vec<usize> = arguments.ranks.iter().map(|ranks| *ranks as usize).collect();
    ranks.sort_unstable();
    ranks.dedup();
    create_dir_all(&arguments.output).with_context(|| arguments.output.display().to_string())?;
    let targets = Targets::new(arguments, &parameters, &ranks)?;
    let launch = Launch {
        threads: arguments.threads.map(|threads| threads as usize),
        virtual_ranks: Some(1),
        ..Launch::default()
    };
    on_all_ranks(&launch, |crew| study(crew, arguments, &parameters, &ranks, &targets))
}

/// Output files, checked before anything is computed.
struct Targets {
    traces: BTreeMap<(usize, bool), Target>,
    table: Target,
    plots: [Target; 2],
}

impl Targets {
    fn new(arguments: &Arguments, parameters: &Parameters, ranks: &[usize]) -> Result<Targets> {
        let Arguments { output: folder, file, .. } = arguments;
        let mut outputs = arguments.overwrite.reading([file]).reading(parameters.initial.files());
        let mut traces = BTreeMap::new();
        for &ranks in ranks {
            for packed in [false, true].into_iter().filter(|packed| !packed || arguments.can_pack(ranks)) {
                let name = if packed { "packed" } else { "trace" };
                let path = folder.join(format!("{name}-{ranks:05}.json"));
                traces.insert((ranks, packed), outputs.file(&path, io::Kind::REPORT)?);
            }
        }
        let table = outputs.file(&folder.join("virtual.csv"), io::Kind::TABLE)?;
        let mut plot = |name: &str| outputs.file(&folder.join(name), io::Kind::PLOT);
        let plots = [plot("virtual.svg")?, plot("virtual.pdf")?];
        Ok(Targets { traces, table, plots })
    }
}

impl Arguments {
    /// Whether a step on this number of ranks is also recorded with packed exchanges.
    fn can_pack(&self, ranks: usize) -> bool {
        Hosts::filled(ranks, self.ranks_per_host as usize).can_pack()
    }
}

fn study(
    crew: &Crew,
    arguments: &Arguments,
    parameters: &Parameters,
    ranks: &[usize],
    targets: &Targets,
) -> Result<()> {
    let mut table = Table::default();
    say(&Table::HEAD.map(|name| format!("{name:>12}")).concat());
    let mut record = |parameters: &Parameters, ranks: &[usize]| -> Result<()> {
        let alone = Alone::new(crew, parameters, ranks)?;
        for (&ranks, shares) in ranks.iter().zip(&alone.shares) {
            let record = |packed: bool| -> Result<Trace> {
                let layout = Layout { ranks_per_host: arguments.ranks_per_host as usize, packed };
                let trace = alone.record(layout, ranks, shares, crew.threads, parameters)?;
                trace.write(&targets.traces[&(ranks, packed)])?;
                Ok(trace)
            };
            let trace = record(false)?;
            say(&table.row(&trace));
            if arguments.can_pack(ranks) {
                table.pack(&record(true)?).iter().for_each(|line| say(line));
            }
        }
        Ok(())
    };
    match arguments.bodies_per_rank {
        None => record(parameters, ranks)?,
        Some(bodies) => {
            for &ranks in ranks {
                let all = bodies.checked_mul(ranks as u64);
                let all = all.with_context(|| {
                    format!(
                        "--bodies-per-rank {bodies}: too many for {ranks} ranks, must be below 2^64 in all"
                    )
                })?;
                let set = format!("initial.bodies={all}");
                let set: Vec<String> = arguments.set.iter().cloned().chain([set]).collect();
                record(&Parameters::load(&arguments.file, &set)?, &[ranks])?;
            }
        }
    }
    table.write(targets)
}

impl Alone {
    fn new(crew: &Crew, parameters: &Parameters, ranks: &[usize]) -> Result<Alone> {
        let bodies = parameters
            .initial
            .load(crew, &parameters.units.units(), parameters.cosmology.as_ref())?
            .start
            .bodies;
        let mut engine = Engine::new(&parameters.gravity);
        let before = engine.evaluate(&Solo, bodies, &Plan::default()).map_err(name_key)?;
        let gravity = engine.gravity().clone();
        let shares = ranks.iter().map(|&ranks| before.shares(ranks, gravity.group_size)).collect();
        let mut bodies = before.into_bodies();
        let step = parameters.time.step;
        leapfrog::kick(&mut bodies, 0.5 * step);
        leapfrog::drift(&mut bodies, step);

        let recorder = Recorder::new(&Solo, &process_seconds);
        let after = engine.evaluate(&recorder, bodies.clone(), &Plan::default()).map_err(name_key)?;
        let (events, walk_seconds) = recorder.take();
        Diagnostics::measure(&recorder, &after);
        let (sums, rest) = recorder.take();
        let others = events.iter().chain(&sums).map(|event| event.seconds).sum::<f64>();
        Ok(Alone {
            bodies,
            shares,
            gravity,
            sort: engine.sorts(),
            interactions: after.census.interactions.total(),
            work: after.into_bodies().work,
            walk_seconds,
            seconds: walk_seconds + others + rest,
        })
    }

    /// Runs the second evaluation on `ranks` virtual ranks, each starting with its share of the
    /// bodies.
    fn record(
        &self,
        layout: Layout,
        ranks: usize,
        shares: &[Range<usize>],
        at_a_time: usize,
        parameters: &Parameters,
    ) -> Result<Trace> {
        type OfRank = (Vec<Event>, Vec<Event>, usize);
        let recorded = threads::run_in_turn(ranks, at_a_time, |comm| -> Result<OfRank> {
            // Each virtual rank computes on its own thread only, so that the thread's clock
            // measures it.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
            let _pool = pool.map_err(|error| anyhow!("a virtual rank: {error}"))?;
            let mut message = Vec::new();
            self.bodies.write(shares[comm.rank()].clone(), &mut message);
            let mut bodies = Bodies::default();
            bodies.read(&message);
            drop(message);

            let recorder = Recorder::new(comm, &thread_seconds);
            let packed =
                layout.packed.then(|| TwoLevel::new(&recorder, Hosts::filled(ranks, layout.ranks_per_host)));
            let comm: &dyn Comm = packed.as_ref().map_or(&recorder, |packed| packed);
            let evaluation = rehearse(comm, &self.gravity, bodies, self.sort)?;
            let (events, _) = recorder.take();
            Diagnostics::measure(comm, &evaluation);
            comm.stage("costs");
            Meter::default().totals(comm, &mut [0; 3]);
            Ok((events, recorder.take().0, evaluation.bodies.len()))
        });
        let (mut before, mut after, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for rank in recorded {
            let (evaluation, sums, count) = rank?;
            before.push(evaluation);
            after.push(sums);
            counts.push(count as u64);
        }
        let mut calls = Trace::calls(before);
        calls.push(Call { stage: "forces".to_owned(), seconds: self.forces(&counts), call: Kind::Compute });
        calls.extend(Trace::calls(after));
        let echo = serde_json::to_value(parameters).expect("parameters have string keys");
        Ok(Trace::new(echo, layout, counts, self.interactions, self.seconds, calls))
    }

    /// Time of the forces on each rank, from the work of its bodies [s].
    fn forces(&self, counts: &[u64]) -> Vec<f64> {
        let all = sum(&self.work);
        let mut left = &self.work[..];
        let share = |count: &u64| {
            let (mine, rest) = left.split_at(*count as usize);
            left = rest;
            round(self.walk_seconds * sum(mine) / all)
        };
        counts.iter().map(share).collect()
    }
}

fn sum(work: &[f32]) -> f64 {
    work.iter().map(|work| f64::from(*work)).sum()
}

/// Mean messages and bytes that a host sends to others.
fn leaving(trace: &Trace) -> [f64; 2] {
    let hosts = trace.leaving();
    [0, 1].map(|which| hosts.iter().map(|sent| sent[which]).sum::<u64>() as f64 / hosts.len() as f64)
}

/// Summary of all traces.
#[derive(Default)]
struct Table {
    stages: Vec<String>,
    rows: Vec<Row>,
}

/// Summary of one trace.
struct Row {
    ranks: f64,
    bodies: f64,
    /// Bytes that a rank receives: mean and greatest, and the mean of each stage.
    received: [f64; 2],
    by_stage: Vec<f64>,
    /// Messages that a rank sends: mean and greatest.
    messages: [f64; 2],
    /// Load balance (mean over greatest compute time), of the forces and of everything.
    balance: [f64; 2],
    /// Compute time of all ranks, divided by that of one rank alone.
    overhead: f64,
    hosts: f64,
    /// Mean messages and bytes that a host sends to others, without and with packed exchanges.
    leaving: [f64; 2],
    packed: [f64; 2],
}

/// A value of a row for a plot.
type Value<'a> = &'a dyn Fn(&Row) -> f64;

impl Table {
    const HEAD: [&str; 9] =
        ["ranks", "bodies", "kB in", "most", "B/body", "messages", "most", "balance", "overhead"];

    /// Adds a trace. Returns a line of text about it.
    fn row(&mut self, trace: &Trace) -> String {
        let mean = |amounts: &[u64]| amounts.iter().sum::<u64>() as f64 / amounts.len() as f64;
        let most = |amounts: &[u64]| amounts.iter().copied().max().unwrap_or(0) as f64;
        let (received, messages) = (trace.received(|_| true), trace.messages());
        self.stages = trace.stages().into_iter().map(str::to_owned).collect();
        let computing = trace.computing();
        let forces = trace.calls.iter().find(|call| call.call == Kind::Compute);
        let row = Row {
            ranks: trace.ranks as f64,
            bodies: trace.bodies as f64,
            received: [mean(&received), most(&received)],
            by_stage: self.stages.iter().map(|stage| mean(&trace.received(|name| name == stage))).collect(),
            messages: [mean(&messages), most(&messages)],
            balance: [forces.map_or(1.0, |call| Trace::balance(&call.seconds)), Trace::balance(&computing)],
            overhead: computing.iter().sum::<f64>() / trace.single_seconds,
            hosts: trace.hosts() as f64,
            leaving: leaving(trace),
            packed: leaving(trace),
        };
        let [[mean_in, most_in], [messages, most]] = [row.received.map(|bytes| bytes * 1e-3), row.messages];
        let line = format!(
            "{:>12}{:>12}{mean_in:>12.1}{most_in:>12.1}{:>12.1}{messages:>12.1}{most:>12}{:>12.3}{:>12.3}",
            row.ranks,
            row.bodies,
            row.received[0] * row.ranks / row.bodies,
            row.balance[1],
            row.overhead
        );
        self.rows.push(row);
        line
    }

    /// Adds the traffic with packed exchanges to the last row. Returns a line of text about it.
    fn pack(&mut self, trace: &Trace) -> Option<String> {
        let row = self.rows.last_mut()?;
        row.packed = leaving(trace);
        let ([messages, bytes], [packed, packed_bytes]) = (row.leaving, row.packed);
        Some(format!(
            "{:>12} a host of {} sends others {messages:.0} messages, {:.1} kB; packed {packed:.0}, {:.1} kB",
            "",
            row.hosts,
            bytes * 1e-3,
            packed_bytes * 1e-3
        ))
    }

    /// Writes the table and its plot.
    fn write(&self, targets: &Targets) -> Result<()> {
        let names = [
            "ranks",
            "bodies",
            "received_mean [B]",
            "received_most [B]",
            "received_per_body [B]",
            "messages_mean",
            "messages_most",
            "balance_forces",
            "balance",
            "computing_over_single",
            "hosts",
            "messages_of_host",
            "sent_by_host [B]",
            "messages_of_host_packed",
            "sent_by_host_packed [B]",
        ];
        let mut columns: Vec<String> = names.map(str::to_owned).to_vec();
        columns.extend(self.stages.iter().map(|stage| format!("received_{} [B]", stage.replace(' ', "_"))));
        let cells = |row: &Row| {
            let per_body = row.received[0] * row.ranks / row.bodies;
            let ([mean, most], [messages, most_messages]) = (row.received, row.messages);
            let [forces, all] = row.balance;
            let mut cells = vec![row.ranks, row.bodies, mean, most, per_body, messages, most_messages];
            cells.extend([forces, all, row.overhead, row.hosts]);
            cells.extend(row.leaving.iter().chain(&row.packed));
            cells.extend(&row.by_stage);
            cells.into_iter().map(io::table::number).collect()
        };
        let Targets { table, plots, .. } = targets;
        io::table::write(table, &columns, &self.rows.iter().map(cells).collect::<Vec<_>>())?;
        for plot in plots {
            plot.write(&drawn(&self.figure(), plot.path(), &Look::default())?)?;
        }
        say(&format!("{}  {}", table.path().display(), plots[0].path().display()));
        Ok(())
    }

    fn figure(&self) -> Figure {
        let ranks = || Axis::log("Ranks");
        let panel = |y: Axis, series: &[(&str, Value)]| {
            let line = |((name, value), colour): (&(&str, Value), _)| {
                let points = self.rows.iter().map(|row| [row.ranks, value(row)]).collect();
                Series::new(*name, colour, Mark::LinePoints, points)
            };
            Panel { series: series.iter().zip(COLOURS).map(line).collect(), ..Panel::new(ranks(), y) }
        };
        let of_stage = |name: &str| {
            let place = self.stages.iter().position(|stage| stage == name);
            move |row: &Row| place.map_or(0.0, |place| row.by_stage[place] * 1e-6)
        };
        let [split, branches, requests, trees] =
            ["split", "branches", "requests", "essential trees"].map(of_stage);
        Figure::new(vec![
            panel(
                Axis::log("Received by a rank [MB]"),
                &[
                    ("all", &|row| row.received[0] * 1e-6),
                    ("essential trees", &trees),
                    ("branches", &branches),
                    ("requests", &requests),
                    ("splitters", &split),
                ],
            ),
            panel(
                Axis::linear("Received by a rank / log₂(2 P) [MB]").reaching(0.0),
                &[("", &|row| row.received[0] * 1e-6 / (2.0 * row.ranks).log2())],
            ),
            panel(
                Axis::log("Messages of a rank"),
                &[("mean", &|row| row.messages[0]), ("most", &|row| row.messages[1])],
            ),
            panel(
                Axis::linear("Load balance").reaching(0.0).reaching(1.0),
                &[("forces", &|row| row.balance[0]), ("all computing", &|row| row.balance[1])],
            ),
        ])
    }
}
