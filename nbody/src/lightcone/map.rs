//! Maps of the sky: the mass of a shell in each pixel.

use super::healpix;
use decomposition::{Comm, Reduction, collective};
use treecode::Bodies;

/// Mass and number of bodies in each pixel of the sky, in the order of the RING scheme.
#[derive(Clone, Debug, PartialEq)]
pub struct SkyMap {
    /// Resolution: the map has 12 nside^2 pixels.
    pub nside: u64,
    /// Mass of the bodies in each pixel [M].
    pub mass: Vec<f64>,
    /// Number of the bodies in each pixel.
    pub count: Vec<u64>,
}

impl SkyMap {
    /// Memory for the sums of a map [bytes].
    #[must_use]
    pub fn bytes(nside: u64) -> u64 {
        24 * healpix::pixels(nside)
    }

    /// Sums the bodies of all ranks, whose positions are relative to the observer. Masses are summed as
    /// integers, so the bits do not depend on ranks or the order of bodies. Collective.
    #[must_use]
    pub fn sum(comm: &dyn Comm, bodies: &Bodies, nside: u64) -> SkyMap {
        let pixels = healpix::pixels(nside) as usize;
        let heaviest = bodies.mass.iter().fold(0.0f64, |most, mass| most.max(*mass));
        // The bits of positive numbers are in the order of the numbers.
        let mut most = [heaviest.to_bits()];
        comm.all_reduce(&mut most, Reduction::Max);
        let total = collective::sum(comm, bodies.len() as u64);
        let unit = unit(f64::from_bits(most[0]), total);
        let mut sums = vec![0; 2 * pixels];
        for i in 0..bodies.len() {
            let pixel = healpix::pixel(nside, bodies.position(i)) as usize;
            sums[pixel] += (bodies.mass[i] / unit).round() as u64;
            sums[pixels + pixel] += 1;
        }
        comm.all_reduce(&mut sums, Reduction::Sum);
        let count = sums.split_off(pixels);
        SkyMap { nside, mass: sums.into_iter().map(|sum| sum as f64 * unit).collect(), count }
    }
}

/// The unit of the summed masses, a power of two. The sum of `count` bodies of mass `heaviest`
/// stays below 2^63 units.
fn unit(heaviest: f64, count: u64) -> f64 {
    let mut unit = 1.0;
    let most = |unit: f64| heaviest / unit * (count as f64 + 1.0);
    if heaviest == 0.0 {
        return unit;
    }
    while most(unit) < 2f64.powi(61) {
        unit *= 0.5;
    }
    while most(unit) > 2f64.powi(62) {
        unit *= 2.0;
    }
    unit
}
