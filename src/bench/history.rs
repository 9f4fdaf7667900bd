//! Compares this machine with machines for which tree-code speeds are published.

use crate::plot::output::Sheet;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// A machine and its measured speed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machine {
    /// Name of the machine.
    pub name: String,
    /// Year of the measurement.
    pub year: f64,
    /// Number and type of processors.
    pub processors: String,
    /// Number of bodies in the run, if published.
    pub bodies: Option<f64>,
    /// Sustained speed [Gflop/s].
    pub gflops: f64,
    /// Price in the year of the measurement [dollars].
    pub price: Option<f64>,
    /// Publication that states the speed.
    pub source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    machine: Vec<Machine>,
}

impl Machine {
    /// Price per speed [dollars / (Mflop/s)].
    pub(super) fn dollars_per_mflop(&self) -> Option<f64> {
        Some(self.price? / (1e3 * self.gflops))
    }
}

/// The built-in machines, ordered by year.
pub(super) fn known() -> Vec<Machine> {
    let text = include_str!("../../inputs/bench/history.toml");
    let file: File =
        io::parameters::from_str(text, "inputs/bench/history.toml", &[]).expect("a test has read it");
    file.machine
}

/// The current year, a whole number.
pub(super) fn this_year() -> f64 {
    const YEAR: f64 = 365.2425 * 86400.0;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    (1970.0 + now / YEAR).floor()
}

/// The machines as lines of text, this one last.
pub(super) fn table(machines: &[Machine]) -> Vec<String> {
    let head = format!("{:<20} {:>4} {:>11} {:>10}  processors", "machine", "year", "Gflops", "$/Mflop");
    let line = |machine: &Machine| {
        let Machine { name, year, processors, gflops, .. } = machine;
        let price = machine.dollars_per_mflop().map_or("-".to_owned(), |price| format!("{price:.3}"));
        format!("{name:<20} {year:>4.0} {gflops:>11.2} {price:>10}  {processors}")
    };
    std::iter::once(head).chain(machines.iter().map(line)).collect()
}

/// Speed and price over the years, as a figure and as a sheet of numbers.
pub(super) fn figure(machines: &[Machine]) -> (Figure, Sheet) {
    let panel = |label: &str, of: &dyn Fn(&Machine) -> Option<f64>| {
        let mut panel = Panel { direct: true, ..Panel::new(Axis::linear("Year"), Axis::log(label)) };
        let colours = colours(machines.len());
        panel.series = machines
            .iter()
            .zip(colours)
            .filter_map(|(machine, colour)| {
                let point = [machine.year, of(machine)?];
                Some(Series::new(machine.name.clone(), colour, Mark::Points, vec![point]))
            })
            .collect();
        panel
    };
    let speed = panel("Sustained speed [Gflop/s]", &|machine| Some(machine.gflops));
    let price = panel("Price [$ for a Mflop/s]", &Machine::dollars_per_mflop);
    let mut sheet = Sheet::new(&["machine", "source", "year", "gflops", "dollars_per_mflop"]);
    for machine in machines {
        let price = machine.dollars_per_mflop().unwrap_or(f64::NAN);
        sheet.row(&[&machine.name, &machine.source], &[machine.year, machine.gflops, price]);
    }
    (Figure { frame: [420.0, 300.0], ..Figure::new(vec![speed, price]) }, sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_in_order_and_has_sources() {
        let machines = known();
        assert!(machines.len() >= 5);
        assert!(machines.windows(2).all(|pair| pair[0].year <= pair[1].year));
        assert!(machines.iter().all(|machine| machine.gflops > 0.0 && !machine.source.is_empty()));
        let beowulf = machines.iter().find(|machine| machine.name == "Beowulf").unwrap();
        assert_eq!(beowulf.dollars_per_mflop(), Some(40.0));
        assert!((2024.0..2100.0).contains(&this_year()));
    }

    #[test]
    fn a_machine_without_a_price_is_only_in_the_first_panel() {
        let mut machines = known();
        let priced = machines.iter().filter(|machine| machine.price.is_some()).count();
        machines.push(Machine { name: "mine".to_owned(), price: None, ..machines[0].clone() });
        let (figure, sheet) = figure(&machines);
        assert_eq!(
            figure.panels.iter().map(|panel| panel.series.len()).collect::<Vec<_>>(),
            [machines.len(), priced]
        );
        assert_eq!(sheet.rows.len(), machines.len());
        assert!(figure.svg().contains("mine"));
        assert!(table(&machines).last().unwrap().starts_with("mine"));
    }
}
