//! Chooses the bodies that a page shows. A hash of the id gives every body the same chance, and all
//! snapshots show the same bodies.
#![allow(clippy::disallowed_methods)] // no result depends on the page

use crate::render::sequence::{Entry, Sequence};
use anyhow::{Result, bail, ensure};
use io::snapshot::Wanted;
use std::path::Path;
use treecode::Bodies;
use treecode::math::hash;

/// Approximate number of bodies per snapshot from which centre, radius and speed are estimated.
const SAMPLE: usize = 4096;
/// Approximate memory for the choice per body, in addition to the body [bytes].
const BESIDE: u64 = 60;
/// Fraction of the bodies that the first view shows.
const SHOWN: f64 = 0.95;
/// Fraction of the bodies that are slower than the end of the colour scale.
const SLOWER: f64 = 0.995;

/// The chosen bodies.
pub(super) struct Choice {
    /// Hashes of their ids, in ascending order.
    hashes: Vec<u64>,
    /// Particle type of each, in the first snapshot that has it.
    pub kinds: Vec<u8>,
    /// Number of bodies of the wanted types, in the snapshot that has most of them.
    pub total: usize,
    /// Lowest corner of the cube around all bodies in all snapshots [L].
    pub corner: [f64; 3],
    /// Side of the cube [L].
    pub side: f64,
    /// Initial target of the view: the median position, in sides of the cube from its corner.
    pub centre: [f64; 3],
    /// Radius around the target that contains most bodies, in sides of the cube.
    pub radius: f64,
    /// Speed that few bodies exceed [L/T].
    pub speed: f64,
    /// Whether bodies are identified by their order. A single snapshot needs no ids.
    by_order: bool,
}

/// A body that may be chosen.
struct Candidate {
    hash: u64,
    id: u64,
    kind: u8,
}

impl Choice {
    /// Reads all snapshots and chooses at most `most` bodies.
    ///
    /// # Errors
    /// If a snapshot cannot be read, or if bodies must be followed and an id occurs twice.
    pub(super) fn of(sequence: &Sequence, most: usize) -> Result<Choice> {
        let by_order = sequence.entries.len() == 1;
        sequence.check_naming("view each snapshot alone")?;
        let mut chosen: Vec<Candidate> = Vec::new();
        let mut highest = u64::MAX;
        let mut sample = Sample::default();
        let mut total = 0;
        for Entry { path, .. } in &sequence.entries {
            let bodies = read(path, sequence)?;
            total = total.max(bodies.len());
            sample.take(&bodies);
            let candidate = |i: usize| {
                let id = name(&bodies, i, by_order);
                Candidate { hash: hash(id), id, kind: bodies.kind[i] }
            };
            let mut new: Vec<Candidate> =
                (0..bodies.len()).map(candidate).filter(|candidate| candidate.hash <= highest).collect();
            new.sort_unstable_by_key(|candidate| candidate.hash);
            if let Some(pair) = new.windows(2).find(|pair| pair[0].hash == pair[1].hash) {
                let (path, id) = (path.display(), pair[0].id);
                bail!(
                    "{path}: the id {id} occurs twice, so that bodies cannot be followed; view this snapshot alone"
                );
            }
            chosen.append(&mut new);
            chosen.sort_by_key(|candidate| candidate.hash);
            chosen.dedup_by_key(|candidate| candidate.hash);
            chosen.truncate(most);
            if chosen.len() == most {
                highest = chosen.last().map_or(u64::MAX, |candidate| candidate.hash);
            }
        }
        sample.choice(chosen, total, by_order)
    }

    /// Number of chosen bodies.
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Index of body `i` of a snapshot among the chosen ones, if it is one of them.
    pub(super) fn place(&self, bodies: &Bodies, i: usize) -> Option<usize> {
        let hash = hash(name(bodies, i, self.by_order));
        if hash > *self.hashes.last()? {
            return None;
        }
        self.hashes.binary_search(&hash).ok()
    }
}

/// The bodies of the wanted types in a snapshot.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read(path: &Path, sequence: &Sequence) -> Result<Bodies> {
    let wanted = Wanted { kinds: sequence.kinds, beside: BESIDE, massless: true, ..Wanted::default() };
    Ok(io::snapshot::read_wanted(path, &wanted)?.1)
}

fn name(bodies: &Bodies, i: usize, by_order: bool) -> u64 {
    if by_order { i as u64 } else { bodies.id[i] }
}

/// Positions and speeds of sampled bodies, and the bounding box of all.
struct Sample {
    lo: [f64; 3],
    hi: [f64; 3],
    places: [Vec<f64>; 3],
    speeds: Vec<f64>,
}

impl Default for Sample {
    fn default() -> Self {
        Sample {
            lo: [f64::INFINITY; 3],
            hi: [f64::NEG_INFINITY; 3],
            places: Default::default(),
            speeds: Vec::new(),
        }
    }
}

impl Sample {
    fn take(&mut self, bodies: &Bodies) {
        let stride = bodies.len().div_ceil(SAMPLE).max(1);
        for axis in 0..3 {
            let places = &bodies.pos[axis];
            self.lo[axis] = places.iter().copied().fold(self.lo[axis], f64::min);
            self.hi[axis] = places.iter().copied().fold(self.hi[axis], f64::max);
            self.places[axis].extend(places.iter().step_by(stride));
        }
        self.speeds.extend((0..bodies.len()).step_by(stride).map(|i| speed(bodies, i)));
    }

    fn choice(mut self, chosen: Vec<Candidate>, total: usize, by_order: bool) -> Result<Choice> {
        let extent = (0..3).map(|axis| self.hi[axis] - self.lo[axis]).fold(0.0, f64::max);
        ensure!(extent.is_finite(), "the bodies lie farther apart than numbers reach");
        let side = if extent > 0.0 { extent } else { 1.0 };
        for axis in 0..3 {
            self.places[axis].iter_mut().for_each(|x| *x = (*x - self.lo[axis]) / side);
        }
        let centre = self.places.each_ref().map(|places| quantile(places.clone(), 0.5));
        let [x, y, z] = &self.places;
        let distance = |i: usize| (x[i] - centre[0]).hypot(y[i] - centre[1]).hypot(z[i] - centre[2]);
        let radius = quantile((0..x.len()).map(distance).collect(), SHOWN);
        Ok(Choice {
            hashes: chosen.iter().map(|candidate| candidate.hash).collect(),
            kinds: chosen.iter().map(|candidate| candidate.kind).collect(),
            total,
            corner: self.lo,
            side,
            centre,
            radius: if radius > 0.0 { radius } else { 0.5 },
            speed: quantile(self.speeds, SLOWER),
            by_order,
        })
    }
}

/// Speed of a body [L/T].
pub(super) fn speed(bodies: &Bodies, i: usize) -> f64 {
    treecode::math::norm(bodies.velocity(i))
}

/// The quantile of a non-empty list at a fraction `part`.
fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    let place = ((values.len() as f64 * part) as usize).min(values.len() - 1);
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}
