//! Pictures of bodies.

use crate::arrays::Columns;
use crate::files::kinds;
use crate::forces::settle;
use crate::pool;
use crate::settings::{by_name, domain_of};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use treecode::math::norm;
use treecode::{Domain, Neighbours, TYPES};
use viz::{
    ColourMap, Colours, Decorations, Direction, Range, Stretch, Style, Subject, SurfaceDensity, TimeScale,
    Tint, Units, View,
};

/// The camera and the style of a picture.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Look {
    size: [usize; 2],
    width: Option<f64>,
    centre: Option<[f64; 3]>,
    axis: String,
    azimuth: Option<f64>,
    elevation: Option<f64>,
    roll: f64,
    perspective: Option<f64>,
    colours: String,
    types: Option<Vec<u8>>,
    neighbours: usize,
    decorations: bool,
    axes: bool,
    transparent: bool,
    /// Side of a periodic box, whose bodies are drawn at their images nearest to the centre.
    #[pyo3(item("box"))]
    side: Option<f64>,
    /// Redshift, in an expanding universe.
    redshift: Option<f64>,
}

/// Fraction of the mass that a picture shows if no width is given.
const SHOWN: f64 = 0.98;

/// Draws bodies and returns a PNG.
#[pyfunction]
pub(crate) fn render<'py>(
    py: Python<'py>,
    columns: Columns<'py>,
    look: Look,
    time: Option<f64>,
    of: Option<[f64; 3]>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut bodies = columns.bodies()?;
    let kinds = kinds(look.types)?;
    let map: ColourMap = by_name("colours", &look.colours, "inferno, magma, viridis, cividis, galaxy")?;
    let axis = match look.axis.as_str() {
        "x" => Direction::X,
        "y" => Direction::Y,
        "z" => Direction::Z,
        other => return Err(PyValueError::new_err(format!("axis = {other:?}: must be one of x, y, z"))),
    };
    if !(1..=1024).contains(&look.neighbours) {
        let message = format!("neighbours = {}: must be from 1 to 1024", look.neighbours);
        return Err(PyValueError::new_err(message));
    }
    let direction = Direction {
        azimuth: look.azimuth.unwrap_or(axis.azimuth),
        elevation: look.elevation.unwrap_or(axis.elevation),
        roll: look.roll,
    };
    let units = of.map(|[length_in_cm, mass_in_g, velocity]| Units {
        length_in_cm,
        mass_in_g,
        time_in_s: length_in_cm / velocity,
    });
    let domain = domain_of(look.side)?;
    let png = pool::compute(py, threads, usize::MAX, move || {
        let fault = |error: viz::Error| error.to_string();
        settle(&mut bodies, domain)?;
        if let Some(kind) = bodies.kind.iter().find(|kind| usize::from(**kind) >= TYPES) {
            return Err(format!("type: {kind} is none, must be from 0 to 5"));
        }
        let distances = |pos: [&[f64]; 3]| Neighbours::new(domain, pos).distances(look.neighbours);
        let lengths = viz::smoothing_lengths_by(&bodies, kinds, distances).map_err(fault)?;
        let wanted: Vec<usize> = (0..bodies.len()).filter(|i| kinds[usize::from(bodies.kind[*i])]).collect();
        if wanted.is_empty() {
            return Err("there are no bodies of the types wanted to draw".to_owned());
        }
        // Bodies that are all massless are counted.
        if wanted.iter().all(|i| bodies.mass[*i] == 0.0) {
            bodies.mass.fill(1.0);
        }
        let total: f64 = wanted.iter().map(|i| bodies.mass[*i]).sum();
        let mean =
            |axis: usize| wanted.iter().map(|i| bodies.mass[*i] * bodies.pos[axis][*i]).sum::<f64>() / total;
        let centre = look.centre.unwrap_or_else(|| match domain {
            Domain::Periodic { side } => [0.5 * side; 3],
            Domain::Open => std::array::from_fn(mean),
        });
        let width = look.width.or(look.side).unwrap_or_else(|| {
            let radius = |i: usize| norm(std::array::from_fn(|axis| bodies.pos[axis][i] - centre[axis]));
            let mut radii: Vec<(f64, f64)> = wanted.iter().map(|i| (radius(*i), bodies.mass[*i])).collect();
            radii.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let mut mass = 0.0;
            let shown = radii.iter().find(|(_, own)| {
                mass += own;
                mass >= SHOWN * total
            });
            let radius = shown.or(radii.last()).map_or(1.0, |(radius, _)| *radius);
            if radius > 0.0 { 2.0 * radius } else { 1.0 }
        });
        let mut view = View::new(look.size, centre, width, direction).map_err(fault)?;
        if let Some(angle) = look.perspective {
            view = view.with_perspective(angle).map_err(fault)?;
        }
        if domain.is_periodic() {
            for (list, centre) in bodies.pos.iter_mut().zip(centre) {
                list.iter_mut().for_each(|x| *x = centre + domain.displacement([centre; 3], [*x; 3])[0]);
            }
        }
        let subject = Subject { bodies: &bodies, kinds, lengths: &lengths, tint: Tint::Plain };
        let density = SurfaceDensity::project(&subject, &view).map_err(fault)?;
        let range = Range::of(&density)
            .ok_or("no body with a mass lies in the frame: choose another centre or a larger width")?;
        let shown = look.decorations;
        let style = Style {
            colours: Colours::Map(map),
            range: range.with_stretch(Stretch::Log),
            units,
            decorations: Decorations {
                time: shown && time.is_some(),
                scale_bar: shown && !look.axes,
                colour_bar: shown,
                axes: look.axes.then(viz::AxesLook::default),
            },
            comoving: look.redshift.is_some(),
            transparent: look.transparent,
        };
        let time = time.unwrap_or_default();
        let label = match look.redshift {
            Some(redshift) => viz::redshift_label(redshift),
            None => TimeScale::for_times(&[time], units).label(time),
        };
        viz::encode_png(&viz::render(&density, &style, &label)).map_err(fault)
    })?;
    Ok(PyBytes::new(py, &png))
}
