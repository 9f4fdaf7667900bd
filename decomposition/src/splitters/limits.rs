//! Keeps the number of bodies of each rank within its limits.

use super::{Found, Goal, Measure, Splitters, Targets};
use crate::{Error, speeds::Shares};

/// Greatest number of bodies of a rank, as a multiple of the mean. It grows in proportion for a
/// rank whose share is greater than the mean. It limits the memory of a rank.
pub(super) const BODY_CAP: f64 = 4.0;
/// Extra work per body if the cap is exceeded, as a fraction f of the mean. It limits the number of
/// bodies of a rank to `(1 + f) / f` times its share. This factor is at most [`BODY_CAP`].
const CAP_SHARE: f64 = 0.4;
/// Number of times that the shares of ranks with too many bodies are reduced.
const REDUCTIONS: usize = 6;
/// Extra bits of the weights, so that a small weight can still be reduced.
const FINER: u32 = 20;
/// A rank with too many bodies gets a share for this fraction of its limit.
const BELOW_LIMIT: f64 = 0.99;

/// Splitters for these shares. `find` searches for splitters, and `totals` are count and work of
/// all bodies. All ranks make the same calls of `find`.
///
/// # Errors
/// The ranks together have too little room for all bodies, or a rank has too little room for the
/// bodies at one place.
pub(super) fn hold(
    totals: [u64; 2],
    group_size: u64,
    shares: &Shares,
    find: impl Fn(Goal) -> Found,
) -> Result<Splitters, Error> {
    let [bodies, work] = totals;
    // Each end of a rank's interval may be off by half a sink group.
    let room: Vec<u64> = shares.most.iter().map(|most| most.saturating_sub(group_size)).collect();
    let all = room.iter().fold(0u64, |sum, room| sum.saturating_add(*room));
    if all < bodies {
        return Err(Error::Room { bodies, room: all });
    }
    let by_weight = |weights: &[u64], extra: u64| {
        find(Goal { group_size, measure: Measure::Work(extra), targets: Targets::Weights(weights) })
    };
    let mut weights: Vec<u64> = shares.weights.iter().map(|weight| weight << FINER).collect();
    let mut extra = 1;
    let mut found = by_weight(&weights, extra);
    let mean_weight = weights.iter().sum::<u64>() as f64 / weights.len() as f64;
    let mean = bodies.div_ceil(weights.len() as u64) as f64;
    let cap = |weight: u64| BODY_CAP * mean * (weight as f64 / mean_weight).max(1.0);
    if found.counts().zip(&weights).any(|(count, weight)| count as f64 > cap(*weight)) {
        extra = 1 + ((work + bodies) as f64 / bodies as f64 * CAP_SHARE) as u64;
        found = by_weight(&weights, extra);
    }
    for _ in 0..REDUCTIONS {
        if !found.exceeds(&room) {
            return Ok(found.splitters);
        }
        for ((weight, count), room) in weights.iter_mut().zip(found.counts()).zip(&room) {
            if count > *room {
                let part = BELOW_LIMIT * *room as f64 / count as f64;
                *weight = (*weight as f64 * part).max(1.0) as u64;
            }
        }
        found = by_weight(&weights, extra);
    }
    if found.exceeds(&room) {
        let targets = within(&found.ends, &room);
        found = find(Goal { group_size, measure: Measure::Bodies, targets: Targets::At(&targets) });
    }
    // Bodies at one place are not divided, so a limit may still be exceeded.
    let crowded = found.counts().zip(&shares.most).find(|(count, most)| count > *most);
    match crowded {
        Some((count, most)) => Err(Error::Crowded { count, room: *most }),
        None => Ok(found.splitters),
    }
}

/// Numbers of bodies before each splitter, as close as possible to those of `ends`, such that no
/// rank has more bodies than it has room for. There must be room for all.
fn within(ends: &[u64], room: &[u64]) -> Vec<u64> {
    let mut at = ends.to_vec();
    for rank in 0..room.len() - 1 {
        at[rank + 1] = at[rank + 1].min(at[rank].saturating_add(room[rank]));
    }
    for rank in (1..room.len()).rev() {
        at[rank] = at[rank].max(at[rank + 1].saturating_sub(room[rank]));
    }
    at[1..room.len()].to_vec()
}

impl Found {
    /// Number of bodies of each rank.
    fn counts(&self) -> impl Iterator<Item = u64> {
        self.ends.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// Whether a rank has more bodies than its limit.
    fn exceeds(&self, most: &[u64]) -> bool {
        self.counts().zip(most).any(|(count, most)| count > *most)
    }
}
