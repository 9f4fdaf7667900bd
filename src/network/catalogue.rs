//! Networks and nodes by name: the table in `inputs/networks.toml`, which is built in, and a user's own.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::path::Path;

/// The table that is always there.
const BUILT_IN: &str = include_str!("../../inputs/networks.toml");

/// Networks and nodes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(default, rename = "network")]
    networks: Vec<Network>,
    #[serde(default, rename = "node")]
    nodes: Vec<Node>,
}

/// A network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Its name, for the command line.
    pub name: String,
    /// Its name, for people.
    #[serde(default)]
    pub title: String,
    /// When it was to be had.
    pub year: Option<u32>,
    /// The node that it goes with, by name.
    #[serde(default = "this_core")]
    pub node: String,
    /// Bandwidth of a link in each direction [Mbit/s].
    pub megabits_per_second: f64,
    /// Time of a short message from program to program [us].
    pub latency_us: Figure,
    /// Time of the latency for which the processor of either side is busy [us]; by default a quarter each.
    pub overhead_us: Option<f64>,
    /// How the time grows with n nodes that all talk to any others.
    pub growth: Growth,
    /// What is connected with what.
    #[serde(default)]
    pub topology: Topology,
    /// Nodes of a group, of `groups`.
    pub group: Option<usize>,
    /// Bandwidth of a group's nodes over that of its uplink, of `groups`.
    pub taper: Option<f64>,
    /// Links that every node has, bonded.
    #[serde(default = "one")]
    pub links: u32,
    /// The most nodes there can be.
    pub most_nodes: Option<usize>,
    /// Price of a link with its share of switches [dollars].
    pub dollars: Figure,
    /// Where the figures are from.
    #[serde(default)]
    pub source: String,
}

/// A node: one rank.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// When it was to be had.
    pub year: Option<u32>,
    /// Its sustained speed, 38 operations an interaction [Gflop/s]; "measured" is that of the core a trace was recorded on.
    pub gflops: Figure,
    /// Price without a network [dollars].
    pub dollars: Figure,
    /// Where the figures are from.
    #[serde(default)]
    pub source: String,
}

/// A number, or none.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    /// The number.
    Known(f64),
    /// None.
    Missing(Missing),
}

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The source does not tell.
    Unknown,
    /// It is measured.
    Measured,
}

/// How the time of messages between all of n nodes grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Growth {
    /// Not at all: full bisection.
    #[serde(rename = "full")]
    Full,
    /// With log2 n.
    #[serde(rename = "log n")]
    Log,
    /// With the root of n, as on a mesh.
    #[serde(rename = "sqrt n")]
    Root,
    /// With n: all share one medium, as on a bus or a hub.
    #[serde(rename = "n")]
    Linear,
    /// Nobody says.
    #[serde(rename = "unknown")]
    Unknown,
}

/// What is connected with what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Each node with a switch, or with the medium.
    #[default]
    Switch,
    /// The same and, by links of their own, nodes whose numbers differ in one bit.
    Hypercube,
    /// Groups of nodes on a switch each; the switches on a fat tree that is thinner by a taper.
    Groups,
}

fn one() -> u32 {
    1
}

fn this_core() -> String {
    "this-core".to_owned()
}

impl Figure {
    /// The number.
    pub fn known(self) -> Option<f64> {
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
    /// Time of messages between all of n nodes over that between two.
    pub fn factor(self, nodes: usize) -> f64 {
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
                bail!("network \"{}\": {name} = {number}: must be above 0 and finite", self.name)
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
                "network \"{}\": overhead_us = {overhead}: must not be negative nor above half of latency_us = {latency}",
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
    /// The built-in table, and that of a file; what the file names takes the place of what has the same name.
    ///
    /// # Errors
    /// If the file cannot be read, or a figure is wrong.
    pub fn load(file: Option<&Path>) -> Result<Catalogue> {
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

    /// The tables of a text, the file of this name.
    ///
    /// # Errors
    /// If a key or a figure is wrong.
    pub fn parse(text: &str, name: &str) -> Result<Catalogue> {
        let table: Catalogue = io::parameters::from_str(text, name, &[])?;
        table.networks.iter().try_for_each(Network::check).with_context(|| name.to_owned())?;
        Ok(table)
    }

    /// Whether there is a network of this name.
    pub fn has(&self, name: &str) -> bool {
        self.networks.iter().any(|network| network.name == name)
    }

    /// Gives all nodes and all links a price [dollars].
    ///
    /// # Errors
    /// If a price is negative or no number.
    pub fn set_prices(&mut self, node: Option<f64>, link: Option<f64>) -> Result<()> {
        let wrong = [node, link].into_iter().flatten().find(|price| !(*price >= 0.0 && price.is_finite()));
        if let Some(price) = wrong {
            bail!("a price of {price} dollars: must be finite and not negative");
        }
        let nodes = self.nodes.iter_mut().map(|known| (&mut known.dollars, node));
        let links = self.networks.iter_mut().map(|known| (&mut known.dollars, link));
        for (dollars, price) in nodes.chain(links) {
            *dollars = price.map_or(*dollars, Figure::Known);
        }
        Ok(())
    }

    /// Networks by name; "all" is all.
    ///
    /// # Errors
    /// If there is none of a name.
    pub fn networks(&self, names: &[String]) -> Result<Vec<&Network>> {
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

    /// A node by its name.
    ///
    /// # Errors
    /// If there is none.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.iter().find(|node| node.name == name).with_context(|| {
            format!("there is no node \"{name}\"; `heorot network list` shows those that are known")
        })
    }

    /// All of it, for people.
    pub fn lines(&self) -> Vec<String> {
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

    /// Dietz's table has twenty networks; of four he does not know the latency.
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
