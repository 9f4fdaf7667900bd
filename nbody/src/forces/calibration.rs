//! Force error of the settings, measured on a Plummer sphere and on clumps of 200,000 bodies. See
//! docs/performance.md.

use super::ladder::Rung;
use std::ops::RangeInclusive;
use treecode::{Criterion, Gravity, Softening, Walk, math};

/// Force errors that a caller may request.
pub(super) const ACCURACIES: RangeInclusive<f64> = 1e-6..=0.05;

/// The rms error of a walk and an order with the relative criterion:
/// `error (tolerance / TOLERANCE)^slope`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    error: f64,
    pub(super) slope: f64,
}

const TOLERANCE: f64 = 1e-3;
/// One entry per order, from order 1.
const FMM: [Law; Gravity::MAX_ORDER] = [
    Law { error: 8.1e-3, slope: 0.22 },
    Law { error: 1.6e-3, slope: 0.40 },
    Law { error: 7.8e-4, slope: 0.43 },
    Law { error: 4.8e-4, slope: 0.53 },
    Law { error: 3.3e-4, slope: 0.57 },
    Law { error: 2.9e-4, slope: 0.65 },
];
const TREE: [Law; Gravity::MAX_ORDER] = [
    Law { error: 2.2e-4, slope: 0.41 },
    Law { error: 1.05e-4, slope: 0.43 },
    Law { error: 4.6e-5, slope: 0.50 },
    Law { error: 2.6e-5, slope: 0.57 },
    Law { error: 1.6e-5, slope: 0.52 },
    Law { error: 1.0e-5, slope: 0.56 },
];
/// The fastest order for errors down to each value. Below all values, it is the highest order.
const FMM_ORDERS: [(f64, usize); 4] = [(6e-3, 2), (6e-4, 3), (1.5e-4, 4), (3e-5, 5)];
const TREE_ORDERS: [(f64, usize); 2] = [(1.5e-4, 2), (1e-5, 4)];

/// Opening angle of the pass that computes the first accelerations. The relative criterion needs
/// them to a few percent only.
const FIRST_THETA: f64 = 0.6;

#[cfg(test)]
impl Law {
    pub(super) fn error_at(&self, tolerance: f64) -> f64 {
        self.error * math::powf(tolerance / TOLERANCE, self.slope)
    }
}

pub(super) fn law(walk: Walk, order: usize) -> Law {
    let laws = match walk {
        Walk::Fmm => &FMM,
        Walk::Tree | Walk::Direct => &TREE,
    };
    laws[order.clamp(1, Gravity::MAX_ORDER) - 1]
}

/// The order in place of `order` that keeps errors of softened cells from adding up.
///
/// At order p, the first terms that the force of a cell lacks have p + 1 powers of the places of
/// bodies in the two cells. If p + 1 is even, the mean of these terms over all directions is a
/// derivative of the Laplacian of the potential. It vanishes for 1/r, but not for a softened
/// potential. Its errors have the same sign everywhere, and change the energy of a system in one
/// direction.
fn without_bias(order: usize, walk: Walk, softening: &Softening) -> usize {
    let is_biased = walk == Walk::Fmm && !softening.is_none() && order == 3;
    if is_biased { order + 1 } else { order }
}

/// First settings for a requested error. With an `order`, only the tolerance is chosen.
pub(super) fn start(walk: Walk, accuracy: f64, order: Option<usize>, softening: Softening) -> Gravity {
    let orders: &[_] = match walk {
        Walk::Fmm => &FMM_ORDERS,
        Walk::Tree | Walk::Direct => &TREE_ORDERS,
    };
    let highest = if softening.is_plummer() { Gravity::MAX_SOFTENED_ORDER } else { Gravity::MAX_ORDER };
    let quickest = orders.iter().find(|(least, _)| accuracy >= *least).map_or(highest, |(_, order)| *order);
    let order = order.unwrap_or(without_bias(quickest.min(highest), walk, &softening));
    Gravity {
        walk,
        criterion: Criterion::Relative,
        theta: FIRST_THETA,
        tolerance: first_rung(walk, order, accuracy).tolerance(),
        order,
        leaf_size: if walk == Walk::Fmm { 48 } else { 32 },
        softening,
        ..Gravity::default()
    }
}

/// First tolerance of the search.
pub(super) fn first_rung(walk: Walk, order: usize, accuracy: f64) -> Rung {
    let Law { error, slope } = law(walk, order);
    Rung::below(TOLERANCE * math::powf(super::ladder::AIM * accuracy / error, 1.0 / slope))
}
