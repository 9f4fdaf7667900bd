//! Force errors, relative to exact forces: of a random sample, and of bodies with close neighbours.
//! Also the sum of all forces.

mod balance;
mod close;
mod sample;

pub use balance::Balance;
pub use close::{TooClose, too_close};
pub use sample::{Sample, check};

use serde::{Deserialize, Serialize};
use treecode::math::norm;

/// Statistics of the relative errors |a - a_exact| / |a_exact| of some bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Number of bodies.
    pub sample: usize,
    /// Root mean square.
    pub rms: f64,
    /// Root mean square of |a - a_exact| over that of |a_exact|.
    #[serde(default)]
    pub of_rms: f64,
    /// Median.
    pub median: f64,
    /// 99th percentile.
    pub percentile_99: f64,
    /// 99.9th percentile.
    pub percentile_99_9: f64,
    /// Greatest error.
    pub greatest: f64,
    /// Mean of the radial error component about the centre of mass, divided by |a_exact|. It is
    /// positive if the acceleration error points outward.
    pub bias: f64,
}

/// Error of one acceleration, relative to an acceleration of known magnitude, with the absolute
/// values.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct RelativeError {
    /// Magnitude.
    pub length: f64,
    /// Component along the radius from the centre of mass, positive outward.
    pub outward: f64,
    /// |a - a_exact| [L/T^2].
    pub difference: f64,
    /// |a_exact| [L/T^2].
    pub exact: f64,
}

impl RelativeError {
    /// Error of the acceleration `found` of a body at the vector `radius` from the centre of mass.
    /// It is relative to an acceleration of the size `divisor` [L/T^2], such as |exact|.
    #[must_use]
    pub fn new(found: [f64; 3], exact: [f64; 3], divisor: f64, radius: [f64; 3]) -> RelativeError {
        let difference: [f64; 3] = std::array::from_fn(|axis| found[axis] - exact[axis]);
        let (length, exact) = (norm(difference), norm(exact));
        if length == 0.0 {
            return RelativeError { length: 0.0, outward: 0.0, difference: 0.0, exact };
        }
        let along: f64 = (0..3).map(|axis| difference[axis] * radius[axis]).sum();
        let distance = norm(radius);
        let outward = if distance > 0.0 { along / distance } else { 0.0 };
        RelativeError { length: length / divisor, outward: outward / divisor, difference: length, exact }
    }
}

impl Accuracy {
    /// Statistics of these errors, in any order.
    #[must_use]
    pub fn of(mut errors: Vec<RelativeError>) -> Accuracy {
        errors.sort_by(|a, b| a.length.total_cmp(&b.length).then(a.outward.total_cmp(&b.outward)));
        let n = errors.len();
        let at = |fraction: f64| {
            let place = ((fraction * n as f64) as usize).min(n.wrapping_sub(1));
            errors.get(place).map_or(0.0, |error| error.length)
        };
        let mean = |term: fn(&RelativeError) -> f64| errors.iter().map(term).sum::<f64>() / n.max(1) as f64;
        let squares = mean(|error| error.exact * error.exact);
        let of_rms = mean(|error| error.difference * error.difference) / squares;
        Accuracy {
            sample: n,
            rms: mean(|error| error.length * error.length).sqrt(),
            of_rms: if squares > 0.0 { of_rms.sqrt() } else { 0.0 },
            median: at(0.5),
            percentile_99: at(0.99),
            percentile_99_9: at(0.999),
            greatest: at(1.0),
            bias: mean(|error| error.outward),
        }
    }
}

#[cfg(test)]
mod tests;
