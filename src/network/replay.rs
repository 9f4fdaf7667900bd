//! `heorot network replay`: predicts time and cost of recorded steps on networks.

use super::catalogue::{Catalogue, Network, Node};
use super::fabric::Fabric;
use crate::console::say;
use crate::files::outputs::Overwrite;
use crate::plot::output::{drawn, picture};
use crate::study::trace::Trace;
use anyhow::Result;
use io::{Kind, Target};
use std::path::PathBuf;
use viz::plot::{Axis, Figure, Look, Mark, Panel, Series, colours};

/// Predict time, efficiency and price/performance of recorded steps on networks.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Arguments {
    /// Traces of `heorot study virtual`.
    #[arg(value_name = "TRACE", required = true)]
    pub traces: Vec<PathBuf>,
    /// Names of networks, or `all`.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', required = true)]
    pub network: Vec<String>,
    /// Node for all networks, instead of the node of each network.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// Price of a node without network [dollars], instead of that in the table.
    #[arg(long, value_name = "DOLLARS")]
    pub node_price: Option<f64>,
    /// Price of one link [dollars] in every network, instead of that in the table.
    #[arg(long, value_name = "DOLLARS")]
    pub link_price: Option<f64>,
    /// File with more networks and nodes (TOML), in the form of `inputs/networks.toml`.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Plot to write, .png, .svg or .pdf; its numbers are written to a .csv of the same name.
    #[arg(long, short, value_name = "FILE", value_parser = picture)]
    pub output: Option<PathBuf>,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

const NOTES: &str =
    "Parallel efficiency is the time of one rank alone, divided by the product of time and number of
ranks. Gflops count 38 operations for each interaction. A number of nodes is worth its price if its
speed per dollar is at least half that of one node without network. A time with < is a lower bound,
because the latency of the network is unknown.";

/// A network is worth its price if a dollar buys at least this fraction of the speed that it buys
/// with one node.
const WORTH: f64 = 0.5;

/// Prediction of a step on a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prediction {
    /// Number of nodes. Each has as many ranks as a host of the trace.
    pub nodes: usize,
    /// Time of the step [s].
    pub seconds: f64,
    /// Compute time of the busiest node [s].
    pub computing: f64,
    /// Parallel efficiency: time on one rank alone, divided by time and number of ranks.
    pub efficiency: f64,
    /// Sustained speed of all nodes, 38 operations per interaction [Gflop/s].
    pub gflops: f64,
    /// Price of nodes and network, if known [dollars].
    pub dollars: Option<f64>,
}

impl Prediction {
    /// Price per sustained speed [dollars / (Gflop/s)].
    pub(super) fn dollars_per_gflop(&self) -> Option<f64> {
        self.dollars.map(|dollars| dollars / self.gflops)
    }
}

/// Operations of a step [Gflop].
fn operations(trace: &Trace) -> f64 {
    38e-9 * trace.interactions as f64
}

/// Replays a step on a network of these nodes.
pub(super) fn predict(trace: &Trace, network: &Network, node: &Node) -> Prediction {
    let (nodes, ranks_per_node) = (trace.hosts(), trace.layout.ranks_per_host);
    // Compute time of a rank on this node, relative to the core of the trace.
    let measured = operations(trace) / trace.single_seconds;
    let slower = node.gflops.known().map_or(1.0, |gflops| measured * ranks_per_node as f64 / gflops);
    let fabric = Fabric::new(network, trace.ranks, ranks_per_node);
    let mut clocks = vec![0.0; trace.ranks];
    for call in &trace.calls {
        clocks.iter_mut().zip(&call.seconds).for_each(|(clock, seconds)| *clock += seconds * slower);
        fabric.call(&call.call, &mut clocks);
    }
    let seconds = clocks.into_iter().fold(0.0, f64::max);
    let links = if nodes > 1 { f64::from(network.links) } else { 0.0 };
    let price = match (node.dollars.known(), network.dollars.known()) {
        (Some(node), _) if nodes == 1 => Some(node),
        (Some(node), Some(link)) => Some(node + links * link),
        _ => None,
    };
    Prediction {
        nodes,
        seconds,
        computing: slower * trace.computing().into_iter().fold(0.0, f64::max),
        efficiency: slower * trace.single_seconds / (trace.ranks as f64 * seconds),
        gflops: operations(trace) / seconds,
        dollars: price.map(|price| price * nodes as f64),
    }
}

/// The greatest number of nodes that is worth its price, if prices are known. `measured` is the
/// speed of the core of the traces [Gflop/s].
fn worth(predictions: &[Prediction], node: &Node, measured: f64) -> Option<usize> {
    let alone = node.dollars.known()? / node.gflops.known().unwrap_or(measured);
    let is_worth =
        |prediction: &&Prediction| prediction.dollars_per_gflop().is_some_and(|price| price * WORTH <= alone);
    predictions.iter().filter(is_worth).map(|prediction| prediction.nodes).max()
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or a name is unknown.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let mut catalogue = Catalogue::load(arguments.file.as_deref())?;
    catalogue.set_prices(arguments.node_price, arguments.link_price)?;
    let networks = catalogue.networks(&arguments.network)?;
    let mut outputs = arguments.overwrite.reading(arguments.traces.iter().chain(&arguments.file));
    let mut claim = |path: &PathBuf| {
        let plot = outputs.file(path, Kind::PLOT)?;
        anyhow::Ok([plot, outputs.file(&path.with_extension("csv"), Kind::TABLE)?])
    };
    let targets = arguments.output.as_ref().map(&mut claim).transpose()?;
    let mut traces = arguments.traces.iter().map(|path| Trace::read(path)).collect::<Result<Vec<_>>>()?;
    traces.sort_by_key(|trace| (trace.ranks, trace.bodies, trace.layout.packed));
    let mut all = Vec::new();
    for network in networks {
        let node = catalogue.node(arguments.node.as_deref().unwrap_or(&network.node))?;
        let fits = |trace: &&Trace| network.most_nodes.is_none_or(|most| trace.hosts() <= most);
        let predictions: Vec<Prediction> =
            traces.iter().filter(fits).map(|trace| predict(trace, network, node)).collect();
        let measured = traces.iter().map(|trace| operations(trace) / trace.single_seconds).next();
        tell(network, node, &predictions, measured.unwrap_or(1.0));
        all.push((network, predictions));
    }
    targets.map_or(Ok(()), |[plot, table]| write(&plot, &table, &all))
}

/// Prints the predictions for one network.
fn tell(network: &Network, node: &Node, predictions: &[Prediction], measured: f64) {
    let title = if network.title.is_empty() { &network.name } else { &network.title };
    say(&format!("{title}, nodes {}", node.name));
    say(&format!(
        "{:>8}{:>14}{:>14}{:>12}{:>14}{:>14}",
        "nodes", "seconds", "computing", "efficiency", "Gflops", "$/Gflop"
    ));
    let bound = if network.latency_us.known().is_none() { "<" } else { "" };
    for prediction in predictions {
        let Prediction { nodes, seconds, computing, efficiency, gflops, .. } = prediction;
        let bound = if *nodes > 1 { bound } else { "" };
        say(&format!(
            "{nodes:>8}{:>14}{computing:>14.5}{efficiency:>12.3}{gflops:>14.4}{:>14}",
            format!("{bound}{seconds:.5}"),
            prediction.dollars_per_gflop().map_or("?".to_owned(), |price| format!("{price:.0}"))
        ));
    }
    if let Some(nodes) = worth(predictions, node, measured) {
        say(&format!("        worth their price: up to {nodes} nodes"));
    }
}

/// Writes all predictions as a plot and a table.
fn write(plot: &Target, table: &Target, all: &[(&Network, Vec<Prediction>)]) -> Result<()> {
    let columns =
        ["network", "nodes", "seconds [s]", "computing [s]", "efficiency", "gflops", "dollars_per_gflop"];
    let rows: Vec<Vec<String>> = all
        .iter()
        .flat_map(|(network, predictions)| {
            predictions.iter().map(|prediction| {
                let Prediction { nodes, seconds, computing, efficiency, gflops, .. } = *prediction;
                let price = prediction.dollars_per_gflop().unwrap_or(f64::NAN);
                let numbers = [nodes as f64, seconds, computing, efficiency, gflops, price];
                std::iter::once(network.name.clone()).chain(numbers.map(io::table::number)).collect()
            })
        })
        .collect();
    io::table::write(table, &columns.map(str::to_owned), &rows)?;
    let panel = |y: Axis, value: &dyn Fn(&Prediction) -> f64| {
        let series = all.iter().zip(colours(all.len())).map(|((network, predictions), colour)| {
            let points = predictions.iter().map(|prediction| [prediction.nodes as f64, value(prediction)]);
            Series::new(&network.name, colour, Mark::LinePoints, points.collect())
        });
        Panel { series: series.collect(), ..Panel::new(Axis::log("Nodes"), y) }
    };
    let figure = Figure::new(vec![
        panel(Axis::log("Time of a step [s]"), &|prediction| prediction.seconds),
        panel(Axis::linear("Parallel efficiency").reaching(0.0).reaching(1.0), &|prediction| {
            prediction.efficiency
        }),
        panel(Axis::log("Price of speed [$/Gflop]"), &|prediction| {
            prediction.dollars_per_gflop().unwrap_or(f64::NAN)
        }),
    ]);
    plot.write(&drawn(&figure, plot.path(), &Look::default())?)?;
    say(&format!("{}  {}", plot.path().display(), table.path().display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::trace::tests::two_ranks;

    const TABLE: &str = "
        [[network]]
        name = \"x\"
        node = \"half\"
        megabits_per_second = 8e-6
        latency_us = 4e6
        overhead_us = 1e6
        growth = \"full\"
        dollars = 100
        [[node]]
        name = \"half\"
        gflops = 0.00475
        dollars = 300
    ";

    /// A byte per second and four seconds of latency. Nodes are half as fast as the core of the
    /// trace: 1e6 interactions in 4 s are 0.0095 Gflop/s.
    #[test]
    fn a_hand_made_step_takes_what_the_hand_computes() {
        let catalogue = Catalogue::parse(TABLE, "x.toml").unwrap();
        let network = catalogue.networks(&["x".to_owned()]).unwrap()[0];
        let found = predict(&two_ranks(), network, catalogue.node("half").unwrap());
        // Both compute 2 s. Gather: two rounds of 4 s, 8 bytes for a length, and 15 bytes for the
        // mean contribution.
        let gathered = 2.0 + 8.0 + 8.0 + 15.0;
        // They compute 2 and 4 s. Lengths: a round of 4 s and 8 bytes. Then 100 and 200 bytes
        // cross, and the longer decides: overhead, bytes, wire, overhead.
        let exchanged = gathered + 4.0 + (4.0 + 8.0) + 1.0 + 200.0 + 2.0 + 1.0;
        // 40 bytes to each other; then 7 and 14 without lengths.
        let seconds = exchanged + 4.0 + 40.0 + 1.0 + 14.0 + 2.0 + 1.0;
        assert!((found.seconds - seconds).abs() < 1e-9, "{found:?}, not {seconds}");
        assert!((found.efficiency - 8.0 / (2.0 * seconds)).abs() < 1e-9);
        assert!((found.computing - 6.0).abs() < 1e-9 && found.dollars == Some(800.0));
        assert!((found.gflops - 0.038 / seconds).abs() < 1e-12);
    }

    #[test]
    fn nodes_are_worth_their_price_while_a_dollar_buys_half_the_speed() {
        let catalogue = Catalogue::parse(TABLE, "x.toml").unwrap();
        let node = catalogue.node("half").unwrap();
        let at = |nodes: usize, efficiency: f64| Prediction {
            nodes,
            seconds: 1.0,
            computing: 1.0,
            efficiency,
            gflops: 0.00475 * nodes as f64 * efficiency,
            dollars: Some(nodes as f64 * if nodes == 1 { 300.0 } else { 400.0 }),
        };
        // With efficiency e, 400 dollars per node buy 3 e / 4 of what 300 dollars buy without a
        // network.
        let all = [at(1, 1.0), at(4, 0.9), at(16, 0.7), at(64, 0.6)];
        assert_eq!(worth(&all, node, 1.0), Some(16));
    }
}
