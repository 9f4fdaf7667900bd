//! Rings about an axis through the centre of a system: surface density, and the strength of a bar.

use super::galaxies::{Common, Measured};
use super::snapshot::{Selection, Snapshot};
use crate::parameters::quantities::{Quantity, length_above_zero};
use anyhow::{Result, ensure};
use nalgebra::Vector3;
use nbody::profile;
use treecode::Bodies;

/// Options of plots with rings, bar and surface density.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots, galaxies and output.
    #[command(flatten)]
    pub common: Common,
    /// Rings and projection.
    #[command(flatten)]
    pub rings: RingOptions,
    /// Bodies and centre; for a disc galaxy, --types disc.
    #[command(flatten)]
    pub selection: Selection,
}

impl Arguments {
    /// A result for each snapshot, or for each galaxy of each.
    ///
    /// # Errors
    /// As [`Common::each`].
    pub(in crate::plot) fn each<T>(&self, of: impl Fn(&Snapshot) -> Result<T>) -> Result<Measured<T>> {
        self.common.each(&self.selection, of)
    }
}

/// Default number of rings.
pub(in crate::plot) const RINGS: u16 = 30;

/// Options of plots with rings.
#[derive(Clone, Debug, clap::Args)]
pub struct RingOptions {
    /// Number of rings, of equal width [default: 30; `plot bar` takes fewer if there are few
    /// bodies].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub rings: Option<u16>,
    /// Radius of the outermost ring, in the units of the snapshot or with a unit [default: encloses
    /// 98 % of the mass of disc, bulge and stars, or of all bodies if there are none].
    #[arg(long, value_name = "RADIUS", value_parser = length_above_zero)]
    pub radius: Option<Quantity>,
    /// Line of sight.
    #[arg(long, value_enum, default_value_t)]
    pub axis: From,
}

/// Radii from here on are too large to compute with: their squares must stay finite.
const WIDEST: f64 = 1e40;

impl RingOptions {
    /// Radius of the outermost ring in the units of a snapshot, if one is given.
    ///
    /// # Errors
    /// It has a unit, and those of the snapshot have no size.
    pub(in crate::plot) fn radius(&self, snapshot: &Snapshot) -> Result<Option<f64>> {
        let units = snapshot.source.units();
        let radius = self.radius.as_ref().map(|radius| radius.of_option("--radius", &units)).transpose()?;
        ensure!(radius.is_none_or(|radius| radius < WIDEST), "--radius: must be below {WIDEST:e}");
        Ok(radius)
    }
}

/// Direction from which a disc is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum From {
    /// The axis of rotation of the inner bodies, so that a disc is seen face-on
    #[default]
    Spin,
    /// The x axis
    X,
    /// The y axis
    Y,
    /// The z axis
    Z,
}

/// A ring in projection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::plot) struct Ring {
    /// Inner and outer radius [L].
    pub ends: [f64; 2],
    /// Number of bodies.
    pub bodies: u64,
    /// Mass [M].
    pub mass: f64,
    /// Sum of the squares of the masses [M^2].
    pub squares: f64,
    /// Sums of m cos 2 phi and m sin 2 phi [M].
    pub second: [f64; 2],
}

impl Ring {
    /// Geometric mean of the inner and outer radius [L]; half the outer one for the innermost ring.
    pub(in crate::plot) fn radius(&self) -> f64 {
        if self.ends[0] > 0.0 { (self.ends[0] * self.ends[1]).sqrt() } else { 0.5 * self.ends[1] }
    }

    /// Mean surface density [M/L^2].
    pub(in crate::plot) fn surface_density(&self) -> f64 {
        self.mass / (std::f64::consts::PI * (self.ends[1].powi(2) - self.ends[0].powi(2)))
    }

    /// Number of bodies of equal mass with the same noise.
    fn effective(&self) -> f64 {
        self.mass * self.mass / self.squares
    }

    /// Standard error of the surface density by the noise of the bodies [M/L^2].
    pub(in crate::plot) fn surface_density_error(&self) -> f64 {
        self.surface_density() / self.effective().sqrt()
    }

    /// Standard error of the strength by the noise of the bodies, 1 / sqrt(2 N) in each of its two parts.
    pub(in crate::plot) fn strength_error(&self) -> f64 {
        (2.0 * self.effective()).sqrt().recip()
    }

    /// Relative amplitude A2/A0 of the second Fourier mode of the surface density.
    pub(in crate::plot) fn strength(&self) -> f64 {
        self.second[0].hypot(self.second[1]) / self.mass
    }

    /// Angle of the bar from the first axis of the projection, from -90 to 90 degrees.
    pub(in crate::plot) fn angle(&self) -> f64 {
        (0.5 * self.second[1].atan2(self.second[0])).to_degrees()
    }

    /// This ring and others together.
    pub(in crate::plot) fn sum(rings: &[Ring]) -> Ring {
        rings.iter().fold(Ring::default(), |sum, ring| Ring {
            ends: [sum.ends[0].min(ring.ends[0]), sum.ends[1].max(ring.ends[1])],
            bodies: sum.bodies + ring.bodies,
            mass: sum.mass + ring.mass,
            squares: sum.squares + ring.squares,
            second: [sum.second[0] + ring.second[0], sum.second[1] + ring.second[1]],
        })
    }
}

/// Two axes of the projection, at right angles to the line of sight and to each other. In the direction
/// of z, they are x and y.
pub(super) fn plane(bodies: &Bodies, from: From) -> [Vector3<f64>; 2] {
    let normal = match from {
        From::X => Vector3::x(),
        From::Y => Vector3::y(),
        From::Z => Vector3::z(),
        From::Spin => profile::rotation_axis(bodies).into(),
    };
    let near = if normal.x.abs() > 0.9 { Vector3::y() } else { Vector3::x() };
    let first = (near - normal * normal.dot(&near)).normalize();
    [first, normal.cross(&first)]
}

/// Greatest fraction of the mass outside the outermost ring, unless a radius is given.
const OUTSIDE: f64 = 0.02;

/// Rings of equal width up to a radius [L]; by default it holds nearly all of the mass of the visible types.
/// Rings without bodies are left out.
///
/// # Errors
/// If no body lies there.
pub(in crate::plot) fn rings(
    snapshot: &Snapshot,
    count: usize,
    radius: Option<f64>,
    from: From,
) -> Result<Vec<Ring>> {
    let bodies = &snapshot.bodies;
    let axes = plane(bodies, from);
    let places: Vec<[f64; 2]> =
        (0..bodies.len()).map(|i| axes.map(|axis| axis.dot(&Vector3::from(bodies.position(i))))).collect();
    let distance = |[x, y]: &[f64; 2]| x.hypot(*y);
    let radius = radius.unwrap_or_else(|| {
        let kinds = profile::visible_types(bodies);
        let mut all: Vec<(f64, f64)> = (0..bodies.len())
            .filter(|&i| kinds[usize::from(bodies.kind[i])])
            .map(|i| (distance(&places[i]), bodies.mass[i]))
            .collect();
        all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = all.iter().map(|(_, mass)| mass).sum();
        let mut inside = 0.0;
        let outermost = all.iter().find(|(_, mass)| {
            inside += mass;
            inside >= (1.0 - OUTSIDE) * total
        });
        // The outermost ring has this body.
        outermost.or(all.last()).map_or(0.0, |(distance, _)| distance * (1.0 + 1e-9))
    });
    ensure!(radius > 0.0, "all bodies are in one place, so there are no rings");
    let width = radius / count as f64;
    let mut rings: Vec<Ring> = (0..count)
        .map(|k| Ring { ends: [k as f64 * width, (k + 1) as f64 * width], ..Ring::default() })
        .collect();
    for (place, mass) in places.iter().zip(&bodies.mass) {
        let distance = distance(place);
        let Some(ring) = rings.get_mut((distance / width) as usize).filter(|_| *mass > 0.0) else { continue };
        let [x, y] = place.map(|x| if distance > 0.0 { x / distance } else { 0.0 });
        ring.bodies += 1;
        ring.mass += mass;
        ring.squares += mass * mass;
        ring.second[0] += mass * (x * x - y * y);
        ring.second[1] += mass * 2.0 * x * y;
    }
    rings.retain(|ring| ring.bodies > 0);
    ensure!(!rings.is_empty(), "no body lies within the radius {radius:?}");
    Ok(rings)
}
