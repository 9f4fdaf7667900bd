//! `heorot plot mass-function`: plots the cumulative mass function of haloes, and that of a fit.

use crate::parameters::cosmology::MEGAPARSEC_IN_CM;
use crate::plot::legend;
use crate::plot::output::{Output, Sheet, refused};
use crate::plot::units::AxisUnits;
use crate::spectrum::Linear;
use anyhow::{Context, Result, ensure};
use io::catalogue::{self, Catalogue};
use std::convert::Infallible;
use std::path::PathBuf;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// The cumulative mass function of haloes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Catalogues of `heorot halos`.
    #[arg(required = true, value_name = "CATALOGUE")]
    pub catalogues: Vec<PathBuf>,
    /// Also plot the fit of Tinker et al. (2008) for the volume of the box and the cosmology of
    /// this parameter file, whose model must be "cosmology". The masses of haloes are then those
    /// within spheres of 200 times the mean density of matter.
    #[arg(long, value_name = "FILE.toml")]
    pub linear: Option<PathBuf>,
    /// Refused, with the reason.
    #[arg(long, hide = true, value_name = "IDS", value_parser = refused(NO_GALAXIES))]
    pub galaxies: Option<Infallible>,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Why the plot has no option `--galaxies`, which those of bodies have.
const NO_GALAXIES: &str = "a halo may hold bodies of several galaxies, and a catalogue does not tell them apart; for galaxies, use `heorot plot profile` or `lagrange` with snapshots";

/// Runs the command.
///
/// # Errors
/// If a catalogue cannot be read or has no halo, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let inputs: Vec<&PathBuf> = arguments.catalogues.iter().chain(&arguments.linear).collect();
    let targets = arguments.output.claim(inputs)?;
    let linear = arguments.linear.as_deref().map(Linear::read).transpose()?;
    let mut panel = Panel::new(Axis::log("Mass M [M☉]"), Axis::log("N(≥M)"));
    let mut columns = vec!["catalogue", "time", "mass [Msun]", "haloes", "poisson_error"];
    columns.extend(linear.as_ref().map(|_| "tinker"));
    let mut sheet = Sheet::new(&columns);
    let named = arguments.catalogues.iter().zip(legend::names(&arguments.catalogues));
    for ((path, name), colour) in named.zip(colours(arguments.catalogues.len())) {
        let catalogue = catalogue::read(path)?;
        ensure!(!catalogue.groups.is_empty(), "{}: holds no halo", path.display());
        let units = AxisUnits::of(&catalogue.units);
        let masses: Vec<f64> = match &linear {
            Some(_) => {
                ensure!(
                    !catalogue.spheres.is_empty(),
                    "--linear: {} has no masses within 200 times the mean density: make it with `heorot halos` of a box in an expanding universe",
                    path.display()
                );
                catalogue.spheres.iter().map(|[mean, ..]| mean.mass).filter(|mass| *mass > 0.0).collect()
            }
            None => catalogue.groups.iter().map(|group| group.mass).collect(),
        };
        ensure!(!masses.is_empty(), "{}: no halo has 200 times the mean density", path.display());
        let points = mass_function(masses.iter().map(|mass| mass * units.mass.size).collect());
        let curve = match &linear {
            Some(linear) => fit(&catalogue, linear, &points).with_context(|| path.display().to_string())?,
            None => Vec::new(),
        };
        for (k, [mass, count]) in points.iter().enumerate() {
            let mut numbers = vec![catalogue.time, *mass, *count, count.sqrt()];
            numbers.extend(curve.get(k).map(|[_, count]| *count));
            sheet.row(&[&name], &numbers);
        }
        panel.series.push(Series::new("", colour, Mark::Dashes, curve));
        let label = if arguments.catalogues.len() > 1 { name } else { String::new() };
        panel.series.push(Series::new(label, colour, Mark::Line, stairs(&points)));
        panel.series.push(bars(&points, colour));
    }
    targets.write(&Figure { frame: [430.0, 330.0], ..Figure::new(vec![panel]) }, &sheet)
}

/// Error bars in a decade of mass.
const BARS: f64 = 5.0;

/// The Poisson errors sqrt(N) at some masses of a mass function.
fn bars(points: &[[f64; 2]], colour: viz::Rgb) -> Series {
    let mut some: Vec<[f64; 2]> = Vec::new();
    for point in points {
        if some.last().is_none_or(|last| (last[0] / point[0]).log10() >= 1.0 / BARS) {
            some.push(*point);
        }
    }
    let errors = some.iter().map(|[_, count]| count.sqrt()).collect();
    Series::new("", colour, Mark::Points, some).with_errors(errors)
}

/// Steps in a factor e of the mass in the integral of the fit, and its greatest mass in units of that of
/// the heaviest halo.
const STEPS: f64 = 40.0;
const HEAVIEST: f64 = 100.0;

/// The number of haloes of more than each mass [Msun] in the volume of a box, by the fit.
fn fit(catalogue: &Catalogue, linear: &Linear, points: &[[f64; 2]]) -> Result<Vec<[f64; 2]>> {
    let Some(universe) = catalogue.universe else { return Ok(Vec::new()) };
    let (Some([most, _]), Some([least, _])) = (points.first(), points.last()) else { return Ok(Vec::new()) };
    let h = linear.h();
    let side = catalogue.side * catalogue.units.length_in_cm / MEGAPARSEC_IN_CM * h;
    let (begin, end) = ((most * HEAVIEST).ln(), least.ln());
    let steps = ((begin - end) * STEPS).ceil() as usize;
    let width = (begin - end) / steps as f64;
    // From the heaviest down, each with the number above it.
    let mut above = vec![(begin, 0.0)];
    let mut last = linear.mass_function(begin.exp() * h, universe.scale_factor)?;
    for k in 1..=steps {
        let log = begin - k as f64 * width;
        let next = linear.mass_function(log.exp() * h, universe.scale_factor)?;
        above.push((log, above[k - 1].1 + 0.5 * (last + next) * width * side.powi(3)));
        last = next;
    }
    let at = |mass: f64| {
        let place = ((begin - mass.ln()) / width).clamp(0.0, steps as f64);
        let k = (place as usize).min(steps - 1);
        let [a, b] = [above[k].1, above[k + 1].1];
        a + (place - k as f64) * (b - a)
    };
    Ok(points.iter().map(|[mass, _]| [*mass, at(*mass)]).collect())
}

/// Masses in descending order, each with the number of haloes of at least this mass.
pub(in crate::plot) fn mass_function(mut masses: Vec<f64>) -> Vec<[f64; 2]> {
    masses.sort_by(|a, b| b.total_cmp(a));
    masses.into_iter().zip(1..).map(|(mass, count)| [mass, f64::from(count)]).collect()
}

/// The points as a step function.
fn stairs(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let next = points.iter().skip(1).map(|point| Some(point[0])).chain([None]);
    let step = |(&[mass, count], next): (&[f64; 2], Option<f64>)| {
        std::iter::once([mass, count]).chain(next.map(move |next| [next, count]))
    };
    points.iter().zip(next).flat_map(step).collect()
}
