//! A random sample of bodies against direct summation.

use super::{Accuracy, Balance, RelativeError};
use decomposition::{Comm, Evaluation, collective};
use treecode::{Bodies, Gravity, direct};

/// Compares `acc` of `wanted` random bodies of all ranks with direct summation over all bodies. The sample depends on the ids alone,
/// so it is the same on any number of ranks; the exact sums differ by rounding in f64. Collective.
pub fn check(
    comm: &dyn Comm,
    gravity: &Gravity,
    evaluation: &Evaluation,
    balance: &Balance,
    wanted: usize,
) -> Accuracy {
    let bodies = &evaluation.bodies;
    let mine = sample(comm, bodies, wanted);
    let exact = exact(comm, gravity, bodies, &mine);
    let error = |(&i, exact): (&usize, [f64; 3])| {
        let position = bodies.position(i);
        let radius = std::array::from_fn(|axis| position[axis] - balance.centre[axis]);
        RelativeError::new(bodies.acceleration(i), exact, radius)
    };
    let errors: Vec<RelativeError> = mine.iter().zip(exact).map(error).collect();
    Accuracy::of(collective::gather(comm, &errors).concat())
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
