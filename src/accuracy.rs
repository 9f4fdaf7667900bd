//! How far the forces of a tree are from the exact ones, on a random sample of bodies.

use decomposition::{Comm, collective};
use serde::Serialize;
use treecode::{Bodies, Gravity, direct};

/// Relative errors |a - a_direct| / |a_direct| of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Bodies in the sample.
    pub sample: usize,
    /// Root mean square.
    pub rms: f64,
    /// Median.
    pub median: f64,
    /// 99th percentile.
    pub percentile_99: f64,
    /// Greatest.
    pub greatest: f64,
}

/// Compares `acc` of `wanted` random bodies of all ranks with direct summation over all bodies. The sample depends on the ids alone,
/// so it is the same on any number of ranks; the exact sums differ by rounding in f64. Collective.
pub fn check(comm: &dyn Comm, gravity: &Gravity, bodies: &Bodies, wanted: usize) -> Accuracy {
    let mine = sample(comm, bodies, wanted);
    let exact = exact(comm, gravity, bodies, &mine);
    let errors: Vec<f64> =
        mine.iter().zip(exact).map(|(&i, exact)| relative(bodies.acceleration(i), exact)).collect();
    summary(collective::gather(comm, &errors).concat())
}

/// Places here of the bodies whose hashed ids are the lowest of all ranks.
fn sample(comm: &dyn Comm, bodies: &Bodies, wanted: usize) -> Vec<usize> {
    let mut lowest: Vec<u64> = bodies.id.iter().map(|&id| hash(id)).collect();
    lowest.sort_unstable();
    lowest.truncate(wanted);
    let mut all = collective::gather(comm, &lowest).concat();
    all.sort_unstable();
    let Some(&limit) = all.get(wanted.min(all.len()).wrapping_sub(1)) else { return Vec::new() };
    (0..bodies.len()).filter(|&i| hash(bodies.id[i]) <= limit).collect()
}

/// Spreads ids over all 64 bits: the finalizer of SplitMix64 (Steele, Lea & Flood 2014). One to one.
fn hash(id: u64) -> u64 {
    let mut x = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Exact accelerations of the bodies `mine`: every rank adds the pull of its own bodies on the samples of all ranks.
fn exact(comm: &dyn Comm, gravity: &Gravity, bodies: &Bodies, mine: &[usize]) -> Vec<[f64; 3]> {
    let samples = collective::gather(comm, &mine.iter().map(|&i| Probe::of(bodies, i)).collect::<Vec<_>>());
    let pull = |sample: &Vec<Probe>| {
        let sinks: Vec<direct::Sink> = sample.iter().map(Probe::sink).collect();
        let mut field = vec![([0.0; 3], 0.0); sinks.len()];
        direct::add_field(bodies, gravity, &sinks, &mut field);
        field.into_iter().map(|(acceleration, _)| acceleration).collect()
    };
    let pulls: Vec<Vec<[f64; 3]>> = samples.iter().map(pull).collect();
    let mut sums = vec![[0.0; 3]; mine.len()];
    for part in collective::exchange(comm, &pulls) {
        for (sum, pull) in sums.iter_mut().zip(part) {
            (0..3).for_each(|axis| sum[axis] += pull[axis]);
        }
    }
    sums
}

/// What another rank must know of a body to pull it.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Probe {
    position: [f64; 3],
    kind: u64,
    id: u64,
}

impl Probe {
    fn of(bodies: &Bodies, i: usize) -> Probe {
        Probe { position: bodies.position(i), kind: u64::from(bodies.kind[i]), id: bodies.id[i] }
    }

    fn sink(&self) -> direct::Sink {
        (self.position, self.kind as u8, self.id)
    }
}

fn relative(found: [f64; 3], exact: [f64; 3]) -> f64 {
    let difference = crate::diagnostics::norm(std::array::from_fn(|axis| found[axis] - exact[axis]));
    if difference == 0.0 { 0.0 } else { difference / crate::diagnostics::norm(exact) }
}

fn summary(mut errors: Vec<f64>) -> Accuracy {
    errors.sort_by(f64::total_cmp);
    let n = errors.len();
    let at = |fraction: f64| {
        errors.get(((fraction * n as f64) as usize).min(n.wrapping_sub(1))).copied().unwrap_or(0.0)
    };
    let rms = (errors.iter().map(|e| e * e).sum::<f64>() / n.max(1) as f64).sqrt();
    Accuracy { sample: n, rms, median: at(0.5), percentile_99: at(0.99), greatest: at(1.0) }
}
