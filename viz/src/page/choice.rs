//! Chooses the bodies that a page shows. A hash of the id gives every body the same chance, and all
//! frames show the same bodies.

use std::collections::BTreeMap;
use treecode::math::hash;
use treecode::{Bodies, Domain, TYPES};

/// Approximate number of bodies per frame from which centre, radius and speed are estimated.
const SAMPLE: usize = 4096;
/// Fraction of the bodies that the first view shows.
const SHOWN: f64 = 0.95;
/// Fraction of the bodies that are slower than the end of the colour scale.
const SLOWER: f64 = 0.995;

/// The chosen bodies.
#[derive(Debug)]
pub struct Choice {
    /// Hashes of their ids, in ascending order.
    hashes: Vec<u64>,
    /// Particle type of each, in the first frame that has it.
    pub kinds: Vec<u8>,
    /// Id of each, or its index if bodies are identified by their order.
    pub ids: Vec<u64>,
    /// Types with few bodies, which are all chosen.
    pub sparse: [bool; TYPES],
    /// Paths of the bodies of the sparse types.
    pub paths: Vec<Path>,
    /// Number of bodies of the wanted types, in the frame that has most of them.
    pub total: usize,
    /// Lowest corner of the cube [L]: the periodic box, or one around all bodies in all frames.
    pub corner: [f64; 3],
    /// Side of the cube [L].
    pub side: f64,
    /// Initial target of the view: the median position, in sides of the cube from its corner.
    pub centre: [f64; 3],
    /// Radius around the target that contains most bodies, in sides of the cube.
    pub radius: f64,
    /// Speed that few bodies exceed [L/T].
    pub speed: f64,
    /// Whether the cube is a periodic box.
    pub is_box: bool,
    /// Whether bodies are identified by their order.
    by_order: bool,
}

/// The path of a body of a type with few bodies.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Path {
    /// Particle type.
    pub kind: u8,
    /// Id, or index if bodies are identified by their order.
    pub id: u64,
    /// Places in the frames, in sides of the cube from its corner; `None` where the body is missing.
    pub places: Vec<Option<[f64; 3]>>,
}

/// A body that may be chosen.
#[derive(Debug)]
struct Candidate {
    hash: u64,
    id: u64,
    kind: u8,
}

/// Why no choice of bodies can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchosen {
    /// A frame has an id twice.
    #[error("the id {0} occurs twice, so that bodies cannot be followed")]
    Twice(u64),
    /// The cube around the bodies is not finite.
    #[error("the bodies lie farther apart than numbers reach")]
    TooFar,
    /// There are no bodies.
    #[error("there are no bodies to show")]
    None,
}

/// Chooses bodies while it sees one frame after the other.
#[derive(Debug)]
pub struct Chooser {
    most: usize,
    by_order: bool,
    domain: Domain,
    chosen: Vec<Candidate>,
    /// Greatest hash of a body that may still be chosen.
    highest: u64,
    sample: Sample,
    total: usize,
    sparse: [bool; TYPES],
    frames: usize,
    paths: BTreeMap<(u8, u64), Vec<Option<[f64; 3]>>>,
}

impl Chooser {
    /// Chooses at most `most` bodies, and all of the types `sparse`. With `by_order`, bodies are
    /// identified by their order instead of their ids: a single frame needs no ids.
    #[must_use]
    pub fn new(most: usize, by_order: bool, sparse: [bool; TYPES]) -> Chooser {
        let (chosen, sample, paths) = (Vec::new(), Sample::default(), BTreeMap::new());
        let (domain, highest, total, frames) = (Domain::Open, u64::MAX, 0, 0);
        Chooser { most, by_order, domain, chosen, highest, sample, total, sparse, frames, paths }
    }

    /// Shows a periodic domain as a box.
    #[must_use]
    pub fn in_domain(self, domain: Domain) -> Chooser {
        Chooser { domain, ..self }
    }

    /// Takes the bodies of a frame. Their positions and velocities must be finite, and inside the box if
    /// there is one.
    ///
    /// # Errors
    /// If two of them have the same id.
    pub fn take(&mut self, bodies: &Bodies) -> Result<(), Unchosen> {
        self.total = self.total.max(bodies.len());
        self.sample.take(bodies);
        let candidate = |i: usize| {
            let id = name(bodies, i, self.by_order);
            Candidate { hash: hash(id), id, kind: bodies.kind[i] }
        };
        let is_sparse = |kind: u8| self.sparse[usize::from(kind)];
        let may = |candidate: &Candidate| candidate.hash <= self.highest || is_sparse(candidate.kind);
        let mut new: Vec<Candidate> = (0..bodies.len()).map(candidate).filter(may).collect();
        for i in (0..bodies.len()).filter(|&i| is_sparse(bodies.kind[i])) {
            let path = self.paths.entry((bodies.kind[i], name(bodies, i, self.by_order))).or_default();
            path.resize(self.frames, None);
            path.push(Some(bodies.position(i)));
        }
        self.frames += 1;
        new.sort_unstable_by_key(|candidate| candidate.hash);
        if let Some(pair) = new.windows(2).find(|pair| pair[0].hash == pair[1].hash) {
            return Err(Unchosen::Twice(pair[0].id));
        }
        self.chosen.append(&mut new);
        self.chosen.sort_by_key(|candidate| candidate.hash);
        self.chosen.dedup_by_key(|candidate| candidate.hash);
        let sparse = self.sparse;
        let mut kept = 0;
        let mut highest = 0;
        self.chosen.retain(|candidate| {
            if sparse[usize::from(candidate.kind)] {
                return true;
            }
            kept += 1;
            if kept <= self.most {
                highest = candidate.hash;
            }
            kept <= self.most
        });
        if kept >= self.most {
            self.highest = highest;
        }
        Ok(())
    }

    /// The bodies that were chosen from all frames.
    ///
    /// # Errors
    /// If there are none, or if they lie too far apart.
    pub fn choice(self) -> Result<Choice, Unchosen> {
        if self.chosen.is_empty() {
            return Err(Unchosen::None);
        }
        let mut choice = self.sample.choice(self.chosen, self.total, self.by_order)?;
        if let Domain::Periodic { side } = self.domain {
            // The first view shows all of the box.
            (choice.corner, choice.side, choice.is_box) = ([0.0; 3], side, true);
            (choice.centre, choice.radius) = ([0.5; 3], 0.75);
        }
        let (corner, side) = (choice.corner, choice.side);
        let relative = |place: [f64; 3]| std::array::from_fn(|axis| (place[axis] - corner[axis]) / side);
        let path = |((kind, id), mut places): ((u8, u64), Vec<Option<[f64; 3]>>)| {
            places.resize(self.frames, None);
            let places = places.into_iter().map(|place| place.map(relative)).collect();
            Path { kind, id, places }
        };
        choice.sparse = self.sparse;
        choice.paths = self.paths.into_iter().map(path).collect();
        Ok(choice)
    }
}

impl Choice {
    /// Number of chosen bodies.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // there is at least one
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Index of body `i` of a frame among the chosen ones, if it is one of them.
    pub(super) fn place(&self, bodies: &Bodies, i: usize) -> Option<usize> {
        let hash = hash(name(bodies, i, self.by_order));
        if hash > *self.hashes.last()? {
            return None;
        }
        self.hashes.binary_search(&hash).ok()
    }
}

fn name(bodies: &Bodies, i: usize, by_order: bool) -> u64 {
    if by_order { i as u64 } else { bodies.id[i] }
}

/// Positions and speeds of sampled bodies, and the bounding box of all.
#[derive(Debug)]
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

    fn choice(mut self, chosen: Vec<Candidate>, total: usize, by_order: bool) -> Result<Choice, Unchosen> {
        let extent = (0..3).map(|axis| self.hi[axis] - self.lo[axis]).fold(0.0, f64::max);
        if !extent.is_finite() {
            return Err(Unchosen::TooFar);
        }
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
            ids: chosen.iter().map(|candidate| candidate.id).collect(),
            sparse: [false; TYPES],
            paths: Vec::new(),
            total,
            corner: self.lo,
            side,
            centre,
            radius: if radius > 0.0 { radius } else { 0.5 },
            speed: quantile(self.speeds, SLOWER),
            is_box: false,
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
