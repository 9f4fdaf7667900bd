//! How far the forces of an evaluation are from exact ones: on a random sample, against a stored reference, and as a whole.

mod balance;
mod sample;

pub use balance::Balance;
pub use sample::{Sample, check};

use serde::{Deserialize, Serialize};
use treecode::math::norm;

/// Relative errors |a - a_exact| / |a_exact| of some bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Bodies compared.
    pub sample: usize,
    /// Root mean square.
    pub rms: f64,
    /// Median.
    pub median: f64,
    /// 99th percentile.
    pub percentile_99: f64,
    /// 99.9th percentile.
    pub percentile_99_9: f64,
    /// Greatest.
    pub greatest: f64,
    /// Mean of the error's part along the radius from the centre of mass, over |a_exact|: positive is too much outward.
    pub bias: f64,
}

/// Error of one body as a fraction of the exact acceleration: its length, and its part along the radius from the centre of mass.
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct RelativeError {
    /// Length.
    pub length: f64,
    /// Part along the radius, positive outward.
    pub outward: f64,
}

impl RelativeError {
    /// Of the acceleration `found` of a body at this `radius` vector from the centre of mass. An exact acceleration below `least` [L/T^2] counts as that:
    /// where the pulls on a body cancel, its error has nothing to be relative to.
    #[must_use]
    pub fn new(found: [f64; 3], exact: [f64; 3], least: f64, radius: [f64; 3]) -> RelativeError {
        let difference: [f64; 3] = std::array::from_fn(|axis| found[axis] - exact[axis]);
        let length = norm(difference);
        if length == 0.0 {
            return RelativeError { length: 0.0, outward: 0.0 };
        }
        let along: f64 = (0..3).map(|axis| difference[axis] * radius[axis]).sum();
        let distance = norm(radius);
        let outward = if distance > 0.0 { along / distance } else { 0.0 };
        let size = norm(exact).max(least);
        RelativeError { length: length / size, outward: outward / size }
    }
}

impl Accuracy {
    /// Of bodies with these errors, in any order.
    #[must_use]
    pub fn of(mut errors: Vec<RelativeError>) -> Accuracy {
        errors.sort_by(|a, b| a.length.total_cmp(&b.length).then(a.outward.total_cmp(&b.outward)));
        let n = errors.len();
        let at = |fraction: f64| {
            let place = ((fraction * n as f64) as usize).min(n.wrapping_sub(1));
            errors.get(place).map_or(0.0, |error| error.length)
        };
        let mean = |term: fn(&RelativeError) -> f64| errors.iter().map(term).sum::<f64>() / n.max(1) as f64;
        Accuracy {
            sample: n,
            rms: mean(|error| error.length * error.length).sqrt(),
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
