//! `heorot plot force-error`: plots the force error against its cost, for each opening criterion
//! and order.

use crate::files::reading_options::ReadingOptions;
use crate::initial;
use crate::parameters::errors::name_source;
use crate::parameters::gravity::options::GravityOptions;
use crate::parameters::gravity::{Keys, by_name};
use crate::parameters::quantities::{Quantity, length};
use crate::plot::output::{Output, Sheet, refused};
use crate::plot::panels::{self, Named};
use crate::ranks::crew::Crew;
use anyhow::{Result, ensure};
use decomposition::{Evaluation, Solo, evaluate};
use nbody::Start;
use nbody::accuracy::{Accuracy, Balance, RelativeError, Sample};
use nbody::cost::timed;
use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;
use treecode::{Bodies, Criterion, Gravity, SofteningKernel, Walk};
use viz::plot::{Axis, COLOURS, Figure, Mark, Panel, Series};

/// Force errors of a snapshot against direct sums, for each criterion and order: histogram, error
/// against angle or tolerance, error against time.
#[derive(Clone, Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Arguments {
    /// Snapshot, or any other file that `heorot convert` reads.
    #[arg(value_name = "SNAPSHOT")]
    pub file: PathBuf,
    /// Number of random bodies that are compared with direct sums.
    #[arg(long, value_name = "K", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: u64,
    /// Orders of the expansion.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,2,3,4", value_parser = clap::value_parser!(u8).range(1..=Gravity::MAX_ORDER as i64))]
    pub orders: Vec<u8>,
    /// Opening angles of the criterion angle, in radians; the histogram uses the last one.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,0.85,0.7,0.6,0.5,0.4")]
    pub thetas: Vec<f64>,
    /// Tolerances of the criteria relative and absolute; the histograms use the last one. For
    /// absolute they are in units of the median acceleration.
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "0.1,0.03,0.01,0.003,0.001,0.0003"
    )]
    pub tolerances: Vec<f64>,
    /// Which walk computes the interactions: fmm or tree [default: fmm].
    #[arg(long, value_parser = by_name::<Walk>)]
    pub walk: Option<Walk>,
    /// Plummer-equivalent softening length of all types, in the units of the bodies or with a unit
    /// [default: 0].
    #[arg(long, value_name = "LENGTH", value_parser = length, allow_negative_numbers = true)]
    pub softening: Option<Quantity>,
    /// Shape of the softened force: spline or plummer [default: spline].
    #[arg(long, value_parser = by_name::<SofteningKernel>)]
    pub kernel: Option<SofteningKernel>,
    /// Panels to draw, in this order [default: all].
    #[arg(long, value_enum, value_name = "PANELS", value_delimiter = ',')]
    pub panels: Vec<Part>,
    /// Refused, with the reason.
    #[arg(long, hide = true, value_name = "IDS", value_parser = refused(NO_GALAXIES))]
    pub galaxies: Option<Infallible>,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Why the plot has no option `--galaxies`, which those of bodies have.
const NO_GALAXIES: &str =
    "the errors are those of a random sample of all bodies, and the lines are criteria and orders";

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Distribution of the errors with the criterion angle
    Angle,
    /// Distribution of the errors with the criterion relative
    Relative,
    /// Distribution of the errors with the criterion absolute
    Absolute,
    /// Error against the opening angle
    Thetas,
    /// Error against the tolerance
    Tolerances,
    /// Error against the time of an evaluation
    Time,
}

/// The criteria, with their names and marks.
const CRITERIA: [(Criterion, &str, Mark); 3] = [
    (Criterion::Angle, "angle", Mark::LinePoints),
    (Criterion::Relative, "relative", Mark::Line),
    (Criterion::Absolute, "absolute", Mark::Dashes),
];
const BINS_IN_A_DECADE: f64 = 8.0;

/// One force evaluation.
struct Trial {
    criterion: usize,
    order: usize,
    /// Opening angle or tolerance, as given by the user.
    setting: f64,
    seconds: f64,
    interactions: f64,
    errors: Vec<RelativeError>,
    accuracy: Accuracy,
}

/// Runs the command.
///
/// # Errors
/// If the snapshot cannot be read, a setting is out of range, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim([&arguments.file])?;
    let (Start { bodies, .. }, units) =
        initial::read(&Crew::alone(), &arguments.file, None, &ReadingOptions::default())?;
    ensure!(bodies.len() > 1, "{}: one body alone feels no force", arguments.file.display());
    let keys = Keys { walk: arguments.walk, ..Keys::default() };
    let softening = arguments.softening.as_ref();
    let softening = softening.map(|length| length.of_option("--softening", &units)).transpose()?;
    let options = GravityOptions { keys, softening, kernel: arguments.kernel, box_side: None };
    let base = options.forces(units.gravitational_constant())?.gravity;
    let trials = trials(arguments, &base, bodies)?;
    let panels = panels::chosen(&all_panels(arguments, &trials), &arguments.panels)?;
    targets.write(&Figure::new(panels), &sheet(&trials))
}

fn trials(arguments: &Arguments, base: &Gravity, bodies: Bodies) -> Result<Vec<Trial>> {
    let settings = settings(arguments, base);
    settings.iter().try_for_each(|(_, _, gravity)| gravity.check())?;
    // Finds the accelerations that criterion relative needs, and the order of the bodies.
    let blame = |error| name_source(Some(&arguments.file), error);
    let first = evaluate(&Solo, base, bodies).map_err(blame)?;
    let sample = Sample::draw(&Solo, base, &first, 0, arguments.sample as usize);
    let median = median_acceleration(&first.bodies);
    ensure!(median > 0.0, "{}: half of the bodies feel no force", arguments.file.display());
    settings
        .into_iter()
        .map(|(criterion, setting, gravity)| {
            let scale = if gravity.criterion == Criterion::Absolute { median } else { 1.0 };
            let gravity = Gravity { tolerance: gravity.tolerance * scale, ..gravity };
            let mut time = Duration::ZERO;
            let bodies = first.bodies.clone();
            let evaluation = timed(&mut time, || evaluate(&Solo, &gravity, bodies)).map_err(blame)?;
            let balance = Balance::measure(&Solo, &evaluation);
            let errors = sample.errors(&Solo, &evaluation, &balance);
            let accuracy = Accuracy::of(errors.clone());
            let interactions = interactions(&evaluation);
            let seconds = time.as_secs_f64();
            Ok(Trial { criterion, order: gravity.order, setting, seconds, interactions, errors, accuracy })
        })
        .collect()
}

/// All combinations: index of the criterion, its setting as given by the user, and the settings of
/// the evaluation.
fn settings(arguments: &Arguments, base: &Gravity) -> Vec<(usize, f64, Gravity)> {
    let mut all = Vec::new();
    for (place, (criterion, _, _)) in CRITERIA.into_iter().enumerate() {
        for &order in &arguments.orders {
            let gravity = Gravity { criterion, order: order.into(), ..base.clone() };
            match criterion {
                Criterion::Angle => all.extend(
                    arguments
                        .thetas
                        .iter()
                        .map(|&theta| (place, theta, Gravity { theta, ..gravity.clone() })),
                ),
                _ => all.extend(
                    arguments
                        .tolerances
                        .iter()
                        .map(|&tolerance| (place, tolerance, Gravity { tolerance, ..gravity.clone() })),
                ),
            }
        }
    }
    all
}

fn median_acceleration(bodies: &Bodies) -> f64 {
    let mut lengths: Vec<f64> =
        (0..bodies.len()).map(|i| treecode::math::norm(bodies.acceleration(i))).collect();
    let middle = lengths.len() / 2;
    *lengths.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Interactions of all kinds per body.
fn interactions(evaluation: &Evaluation) -> f64 {
    evaluation.census.interactions.total() as f64 / evaluation.bodies.len() as f64
}

fn all_panels(arguments: &Arguments, trials: &[Trial]) -> Vec<Named<Part>> {
    let error = || Axis::log("rms of |Δa| / |a|");
    let last = |settings: &[f64]| settings.last().copied().unwrap_or_default();
    let mut histograms = CRITERIA.map(|(criterion, name, _)| {
        let mut panel =
            Panel::new(Axis::log("|Δa| / |a|"), Axis::linear("Fraction per decade").reaching(0.0));
        panel.title = match criterion {
            Criterion::Angle => format!("criterion {name}, θ = {}", last(&arguments.thetas)),
            _ => format!("criterion {name}, tolerance {}", last(&arguments.tolerances)),
        };
        panel
    });
    let [mut over_angle, mut over_tolerance, mut over_time] =
        ["Opening angle θ", "Tolerance", "Time of an evaluation [s]"]
            .map(|what| Panel::new(Axis::log(what), error()));
    for (&order, colour) in arguments.orders.iter().zip(COLOURS) {
        let order = usize::from(order);
        for (place, (criterion, _, mark)) in CRITERIA.iter().enumerate() {
            let mine: Vec<&Trial> =
                trials.iter().filter(|trial| trial.criterion == place && trial.order == order).collect();
            let over =
                |of: fn(&Trial) -> f64| mine.iter().map(|trial| [of(trial), trial.accuracy.rms]).collect();
            let against = over(|trial| trial.setting);
            let is_angle = *criterion == Criterion::Angle;
            let name = if is_angle { format!("order {order}") } else { String::new() };
            if let Some(trial) = mine.last() {
                histograms[place].series.push(histogram(&name, colour, &trial.errors));
            }
            let panel = if is_angle { &mut over_angle } else { &mut over_tolerance };
            panel.series.push(Series::new(name, colour, *mark, against));
            over_time.series.push(Series::new("", colour, *mark, over(|trial| trial.seconds)));
        }
    }
    // Colours mean orders in all panels. The meaning of the marks is shown once, without a colour.
    for (_, name, mark) in CRITERIA {
        let sample = || Series::new(name, COLOURS[COLOURS.len() - 1], mark, Vec::new());
        if mark != CRITERIA[0].2 {
            over_tolerance.series.push(sample());
        }
        over_time.series.push(sample());
    }
    let [angle, relative, absolute] = histograms;
    vec![
        (Part::Angle, angle),
        (Part::Relative, relative),
        (Part::Absolute, absolute),
        (Part::Thetas, over_angle),
        (Part::Tolerances, over_tolerance),
        (Part::Time, over_time),
    ]
}

/// Histogram of the errors. Exact forces are left out, because the scale is logarithmic.
fn histogram(name: &str, colour: viz::Rgb, errors: &[RelativeError]) -> Series {
    let places: Vec<f64> = errors
        .iter()
        .filter(|error| error.length > 0.0)
        .map(|error| error.length.log10() * BINS_IN_A_DECADE)
        .collect();
    let lowest = places.iter().copied().fold(f64::INFINITY, f64::min).floor();
    let highest = places.iter().copied().fold(f64::NEG_INFINITY, f64::max).floor();
    if places.is_empty() {
        return Series::new(name, colour, Mark::Line, Vec::new());
    }
    let mut counts = vec![0.0; (highest - lowest) as usize + 1];
    places.iter().for_each(|place| counts[(place.floor() - lowest) as usize] += 1.0);
    let edges: Vec<f64> =
        (0..=counts.len()).map(|i| 10f64.powf((lowest + i as f64) / BINS_IN_A_DECADE)).collect();
    let parts: Vec<f64> = counts.iter().map(|count| count * BINS_IN_A_DECADE / errors.len() as f64).collect();
    Series::steps(name, colour, &edges, &parts)
}

fn sheet(trials: &[Trial]) -> Sheet {
    let mut sheet = Sheet::new(&[
        "criterion",
        "order",
        "theta_or_tolerance",
        "rms",
        "median",
        "percentile_99",
        "greatest",
        "seconds",
        "interactions_per_body",
    ]);
    for trial in trials {
        let Accuracy { rms, median, percentile_99, greatest, .. } = trial.accuracy;
        let numbers = [
            trial.order as f64,
            trial.setting,
            rms,
            median,
            percentile_99,
            greatest,
            trial.seconds,
            trial.interactions,
        ];
        sheet.row(&[CRITERIA[trial.criterion].1], &numbers);
    }
    sheet
}
