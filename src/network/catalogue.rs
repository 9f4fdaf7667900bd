//! Networks and nodes by name, from the built-in table `inputs/networks.toml` and from a user's
//! file.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::path::Path;

const BUILT_IN: &str = include_str!("../../inputs/networks.toml");

/// Networks and nodes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    #[serde(default, rename = "network")]
    networks: Vec<Network>,
    #[serde(default, rename = "node")]
    nodes: Vec<Node>,
}

/// A network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// Name on the command line.
    pub name: String,
    /// Descriptive name.
    #[serde(default)]
    pub title: String,
    /// Year of availability.
    pub year: Option<u32>,
    /// Name of the default node for this network.
    #[serde(default = "this_core")]
    pub node: String,
    /// Bandwidth of a link in each direction [Mbit/s].
    pub megabits_per_second: f64,
    /// Latency of a short message from program to program [us].
    pub latency_us: Figure,
    /// Processor time that each side spends on a message [us]. By default a quarter of the latency.
    pub overhead_us: Option<f64>,
    /// How the transfer time grows with the number of nodes if all of them communicate at once.
    pub growth: Growth,
    /// Topology.
    #[serde(default)]
    pub topology: Topology,
    /// Number of nodes per group, for topology `groups`.
    pub group: Option<usize>,
    /// Bandwidth of the nodes of a group, divided by that of its uplink, for topology `groups`.
    pub taper: Option<f64>,
    /// Number of bonded links per node.
    #[serde(default = "one")]
    pub links: u32,
    /// Greatest number of nodes.
    pub most_nodes: Option<usize>,
    /// Price per link, including its share of the switches [dollars].
    pub dollars: Figure,
    /// Source of the figures.
    #[serde(default)]
    pub source: String,
}

/// A node. It runs one rank.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    /// Name on the command line.
    pub name: String,
    /// Year of availability.
    pub year: Option<u32>,
    /// Sustained speed with 38 operations per interaction [Gflop/s]. "measured" takes the speed of
    /// the core on which a trace was recorded.
    pub gflops: Figure,
    /// Price without the network [dollars].
    pub dollars: Figure,
    /// Source of the figures.
    #[serde(default)]
    pub source: String,
}

/// A number, or the reason why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Figure {
    /// A number.
    Known(f64),
    /// No number.
    Missing(Missing),
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Missing {
    /// The source does not state it.
    Unknown,
    /// It is measured.
    Measured,
}

/// How the transfer time grows if all n nodes communicate at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Growth {
    /// Constant: full bisection bandwidth.
    #[serde(rename = "full")]
    Full,
    /// With log2 n.
    #[serde(rename = "log n")]
    Log,
    /// With the square root of n, as on a mesh.
    #[serde(rename = "sqrt n")]
    Root,
    /// With n: all nodes share one medium, such as a bus or a hub.
    #[serde(rename = "n")]
    Linear,
    /// Not known.
    #[serde(rename = "unknown")]
    Unknown,
}

/// Topology of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Topology {
    /// All nodes on one switch or one shared medium.
    #[default]
    Switch,
    /// A switch, and direct links between nodes whose numbers differ in one bit.
    Hypercube,
    /// Groups of nodes, each on a switch. A tapered fat tree connects the switches.
    Groups,
}

fn one() -> u32 {
    1
}

fn this_core() -> String {
    "this-core".to_owned()
}

impl Figure {
    /// The number, if there is one.
    pub(super) fn known(self) -> Option<f64> {
        match self {
            Figure::Known(number) => Some(number),
            Figure::Missing(_) => None,
        }
    }

    fn text(self) -> String {
        match self {
            Figure::Known(number) => number.to_string(),
            Figure::Missing(Missing::Measured) => "measured".to_owned(),
            Figure::Missing(Missing::Unknown) => "?".to_owned(),
        }
    }
}

impl Growth {
    /// Transfer time between all of n nodes at once, divided by that between two.
    pub(super) fn factor(self, nodes: usize) -> f64 {
        let n = nodes.max(2) as f64;
        match self {
            Growth::Full | Growth::Unknown => 1.0,
            Growth::Log => n.log2(),
            Growth::Root => (n / 2.0).sqrt(),
            Growth::Linear => n,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Growth::Full => "full",
            Growth::Log => "log n",
            Growth::Root => "sqrt n",
            Growth::Linear => "n",
            Growth::Unknown => "?",
        }
    }
}

impl Network {
    fn check(&self) -> Result<()> {
        let positive = |name: &str, number: Option<f64>| match number {
            Some(number) if !(number > 0.0 && number.is_finite()) => {
                bail!("network \"{}\": {name} = {number:?}: must be above 0 and finite", self.name)
            }
            _ => Ok(()),
        };
        positive("megabits_per_second", Some(self.megabits_per_second))?;
        positive("latency_us", self.latency_us.known())?;
        positive("taper", self.taper)?;
        ensure!(self.links > 0, "network \"{}\": links = 0: must be at least 1", self.name);
        if let (Some(overhead), Some(latency)) = (self.overhead_us, self.latency_us.known()) {
            ensure!(
                overhead >= 0.0 && 2.0 * overhead <= latency,
                "network \"{}\": overhead_us = {overhead:?}: must not be negative nor above half of latency_us = {latency:?}",
                self.name
            );
        }
        let grouped = self.group.is_some_and(|group| group > 0) && self.taper.is_some();
        ensure!(
            grouped == (self.topology == Topology::Groups)
                && (grouped || self.group.or(self.taper.map(|_| 1)).is_none()),
            "network \"{}\": group (nodes, at least 1) and taper go with topology = \"groups\", and only with it",
            self.name
        );
        Ok(())
    }
}

impl Catalogue {
    /// The built-in table and that of a file. Entries of the file replace built-in ones of the same
    /// name.
    ///
    /// # Errors
    /// If the file cannot be read, or a figure is wrong.
    pub(super) fn load(file: Option<&Path>) -> Result<Catalogue> {
        let mut all =
            Catalogue::parse(BUILT_IN, "inputs/networks.toml").expect("the built-in table is right");
        if let Some(path) = file {
            let text = io::read_text(path)?;
            let own = Catalogue::parse(&text, &path.display().to_string())?;
            all.networks.retain(|known| own.networks.iter().all(|network| network.name != known.name));
            all.nodes.retain(|known| own.nodes.iter().all(|node| node.name != known.name));
            all.networks.extend(own.networks);
            all.nodes.extend(own.nodes);
        }
        if let Some(network) = all.networks.iter().find(|network| all.node(&network.node).is_err()) {
            bail!("network \"{}\": there is no node \"{}\"", network.name, network.node);
        }
        Ok(all)
    }

    /// Parses the tables of a text; `name` is the file name for errors.
    ///
    /// # Errors
    /// If a key or a figure is wrong.
    pub(super) fn parse(text: &str, name: &str) -> Result<Catalogue> {
        let table: Catalogue = io::parameters::from_str(text, name, &[])?;
        table.networks.iter().try_for_each(Network::check).with_context(|| name.to_owned())?;
        Ok(table)
    }

    /// Whether there is a network with this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.networks.iter().any(|network| network.name == name)
    }

    /// Sets the price of all nodes and all links [dollars].
    ///
    /// # Errors
    /// If a price is negative or not finite.
    pub(super) fn set_prices(&mut self, node: Option<f64>, link: Option<f64>) -> Result<()> {
        let wrong = [node, link].into_iter().flatten().find(|price| !(*price >= 0.0 && price.is_finite()));
        if let Some(price) = wrong {
            bail!("a price of {price:?} dollars: must be finite and not negative");
        }
        let nodes = self.nodes.iter_mut().map(|known| (&mut known.dollars, node));
        let links = self.networks.iter_mut().map(|known| (&mut known.dollars, link));
        for (dollars, price) in nodes.chain(links) {
            *dollars = price.map_or(*dollars, Figure::Known);
        }
        Ok(())
    }

    /// Networks by name; "all" selects all.
    ///
    /// # Errors
    /// If a name is unknown.
    pub(super) fn networks(&self, names: &[String]) -> Result<Vec<&Network>> {
        let mut found = Vec::new();
        for name in names {
            if name == "all" {
                found.extend(&self.networks);
                continue;
            }
            let network = self.networks.iter().find(|network| network.name == *name);
            found.push(network.with_context(|| {
                format!("there is no network \"{name}\"; `heorot network list` shows those that are known")
            })?);
        }
        Ok(found)
    }

    /// A node by name.
    ///
    /// # Errors
    /// If the name is unknown.
    pub(super) fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.iter().find(|node| node.name == name).with_context(|| {
            format!("there is no node \"{name}\"; `heorot network list` shows those that are known")
        })
    }

    /// The whole catalogue as lines of text.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<22}{:>6}{:>12}{:>11}  {:<8}{:>9}  {}; source",
            "network", "year", "Mbit/s", "latency", "growth", "dollars", "node"
        )];
        lines.extend(self.networks.iter().map(|network| {
            format!(
                "{:<22}{:>6}{:>12}{:>8} us  {:<8}{:>9}  {}{}; {}",
                network.name,
                network.year.map_or(String::new(), |year| year.to_string()),
                format!("{}{}", network.megabits_per_second, bonded(network.links)),
                network.latency_us.text(),
                network.growth.text(),
                network.dollars.text(),
                network.node,
                match network.topology {
                    Topology::Switch => "",
                    Topology::Hypercube => ", hypercube",
                    Topology::Groups => ", groups",
                },
                network.source
            )
        }));
        lines.push(format!("{:<22}{:>6}{:>12}{:>11}  source", "node", "year", "Gflops", "dollars"));
        lines.extend(self.nodes.iter().map(|node| {
            let year = node.year.map_or(String::new(), |year| year.to_string());
            let (gflops, dollars) = (node.gflops.text(), node.dollars.text());
            format!("{:<22}{year:>6}{gflops:>12}{dollars:>11}  {}", node.name, node.source)
        }));
        lines
    }
}

fn bonded(links: u32) -> String {
    if links == 1 { String::new() } else { format!(" x{links}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dietz's table has twenty networks; for four of them it does not state the latency.
    #[test]
    fn the_built_in_table_is_whole() {
        let all = Catalogue::load(None).unwrap();
        let of_dietz: Vec<_> = all.networks.iter().filter(|network| network.source == "Dietz").collect();
        let unknown = of_dietz.iter().filter(|network| network.latency_us.known().is_none()).count();
        assert_eq!((of_dietz.len(), unknown), (20, 4));
        assert!(all.lines().len() > 28);
    }

    #[test]
    fn wrong_figures_are_named() {
        let row = "[[network]]\nname = \"x\"\nmegabits_per_second = 10\nlatency_us = 9\ngrowth = \"n\"\ndollars = 1\n";
        assert!(Catalogue::parse(row, "x.toml").is_ok());
        for (line, named) in [
            ("overhead_us = 5", "overhead_us"),
            ("links = 0", "links"),
            ("group = 4", "groups"),
            ("topology = \"groups\"", "groups"),
            ("lateny_us = 3", "lateny_us"),
        ] {
            let error = format!("{:#}", Catalogue::parse(&format!("{row}{line}\n"), "x.toml").unwrap_err());
            assert!(error.contains(named), "{line}: {error}");
        }
        let slow = row.replace("= 10", "= 0");
        assert!(
            format!("{:#}", Catalogue::parse(&slow, "x.toml").unwrap_err()).contains("megabits_per_second")
        );
    }
}
