//! Draws the bodies of a model: each from its own stream of random numbers, then moved so that the
//! mean of its component is at its place.

use super::component::{Component, Shape};
use super::systems::Pair;
use super::{Model, State, UniformShape, uniform};
use decomposition::{Comm, collective};
use nalgebra::{Rotation3, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::ops::Range;
use treecode::Bodies;

/// Number of bodies in a chunk. Sums over bodies are added chunk by chunk, so that their bits do
/// not depend on the ranks.
const CHUNK: u64 = 4096;

/// Draws the bodies of this rank. `constant` is the gravitational constant in the units of the run.
/// Ids start at 0 and are consecutive within a component. The bits of the bodies do not depend on
/// the number of ranks. Collective.
///
/// # Panics
/// The model does not pass [`Model::check`].
pub fn generate(comm: &dyn Comm, model: &Model, constant: f64) -> Bodies {
    generate_from(comm, model, constant, 0)
}

/// As [`generate`], with ids from `first` on. Each body draws from the stream of random numbers of
/// its id, so two equal models with different ids have different bodies. Collective.
///
/// # Panics
/// The model does not pass [`Model::check`].
pub fn generate_from(comm: &dyn Comm, model: &Model, constant: f64, first: u64) -> Bodies {
    if let Model::Cosmology(model) = model {
        let mut bodies = model.generate(comm, constant);
        bodies.id.iter_mut().for_each(|id| *id += first);
        return bodies;
    }
    let components = model.components(constant).expect("the model was checked");
    let ends = ends(&components);
    let total = ends.last().copied().unwrap_or(0);
    let chunks = total.div_ceil(CHUNK);
    let (rank, size) = (comm.rank() as u64, comm.size() as u64);
    let mine = chunks * rank / size..chunks * (rank + 1) / size;

    let rng = ChaCha8Rng::seed_from_u64(model.seed());
    let drawn: Vec<Vec<Drawn>> = mine
        .clone()
        .into_par_iter()
        .map(|chunk| {
            range(chunk, total)
                .map(|id| {
                    let c = component_of(&ends, id);
                    let local = id - (ends[c] - components[c].count);
                    draw(&components[c], constant, &rng, first + id, local)
                })
                .collect()
        })
        .collect();
    let sums = sums(comm, &components, &ends, mine.clone(), &drawn);
    let offsets = offsets(&components, &sums);

    let ids = mine.start * CHUNK..(mine.end * CHUNK).min(total).max(mine.start * CHUNK);
    let drawn: Vec<Drawn> = drawn.into_iter().flatten().collect();
    let mut bodies = Bodies::zeroed(drawn.len());
    for (i, (id, drawn)) in ids.zip(drawn).enumerate() {
        let c = component_of(&ends, id);
        let (component, offset) = (&components[c], &offsets[c]);
        bodies.id[i] = first + id;
        bodies.kind[i] = component.kind;
        bodies.mass[i] = component.mass * drawn.weight / sums[c].weight;
        let state = match drawn.pair {
            None => drawn.state,
            Some(pair) => pair.state(constant * component.mass / sums[c].weight, &drawn.state),
        };
        for axis in 0..3 {
            bodies.pos[axis][i] = state.pos[axis] - offset.pos[axis] + component.place.pos[axis];
            bodies.vel[axis][i] = state.vel[axis] - offset.vel[axis] + component.place.vel[axis];
        }
    }
    bodies
}

/// A body as drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    /// State about the centre of the component. For a star of a binary, that of the centre of the binary.
    pub(super) state: State,
    /// Mass in any unit, the same for all bodies of a component.
    pub(super) weight: f64,
    /// The orbit, for a star of a binary.
    pub(super) pair: Option<Box<Pair>>,
}

fn range(chunk: u64, total: u64) -> Range<u64> {
    chunk * CHUNK..((chunk + 1) * CHUNK).min(total)
}

/// The first id after each component.
pub(super) fn ends(components: &[Component]) -> Vec<u64> {
    let end = components.iter().scan(0, |end, component| {
        *end += component.count;
        Some(*end)
    });
    end.collect()
}

fn component_of(ends: &[u64], id: u64) -> usize {
    ends.partition_point(|&end| end <= id)
}

/// Draws the body of a component with this id. `local` is its number in the component.
fn draw(component: &Component, constant: f64, rng: &ChaCha8Rng, id: u64, local: u64) -> Drawn {
    let mut rng = rng.clone();
    if let Shape::Stars(stars) = &component.shape {
        let mut drawn = stars.draw(constant, &mut rng, id, local);
        if let Some(turn) = component.turn {
            drawn.state = turned(&turn, &drawn.state);
        }
        return drawn;
    }
    rng.set_stream(id);
    let state = match &component.shape {
        Shape::Stars(..) => unreachable!("stars are drawn above"),
        Shape::Belt(belt) => belt.draw(constant, &mut rng),
        Shape::Disc(disc) => disc.draw(constant, &mut rng),
        Shape::Point => State::default(),
        Shape::Sphere(sphere) => sphere.draw(constant, &mut rng),
        &Shape::Uniform { shape, side, virial_ratio } => {
            let pos = shape.draw(side, &mut rng);
            let speed = uniform::greatest_speed(constant, component.mass, side, virial_ratio);
            State { pos, vel: UniformShape::Ball.draw(2.0 * speed, &mut rng) }
        }
    };
    let state = component.turn.map_or(state, |turn| turned(&turn, &state));
    Drawn { state, weight: 1.0, pair: None }
}

fn turned(turn: &Rotation3<f64>, state: &State) -> State {
    State { pos: (turn * Vector3::from(state.pos)).into(), vel: (turn * Vector3::from(state.vel)).into() }
}

/// Sums over the bodies of a component.
#[derive(Clone, Copy, Debug)]
struct Sums {
    /// Of the weights.
    weight: f64,
    /// Weighted mean position and velocity. Not a number, and not used, without bodies.
    mean: State,
}

/// Numbers of the sums of one component.
const SUMS: usize = 7;

/// Sums of each component, over all ranks. The sums of the chunks are added in the order of the chunks.
fn sums(
    comm: &dyn Comm,
    components: &[Component],
    ends: &[u64],
    mine: Range<u64>,
    drawn: &[Vec<Drawn>],
) -> Vec<Sums> {
    let width = components.len() * SUMS;
    let mut sums = Vec::with_capacity(drawn.len() * width);
    for (chunk, drawn) in mine.zip(drawn) {
        let mut sum = vec![[0.0f64; SUMS]; components.len()];
        for (id, drawn) in (chunk * CHUNK..).zip(drawn) {
            add(&mut sum[component_of(ends, id)], drawn);
        }
        sums.extend_from_slice(sum.as_flattened());
    }
    let all = collective::gather(comm, &sums);
    let mut totals = vec![0.0; width];
    all.into_iter().flatten().enumerate().for_each(|(i, value)| totals[i % width] += value);
    let of = |sum: &[f64]| {
        let weight = sum[6];
        let mean = State {
            pos: std::array::from_fn(|axis| sum[axis] / weight),
            vel: std::array::from_fn(|axis| sum[3 + axis] / weight),
        };
        Sums { weight, mean }
    };
    totals.chunks_exact(SUMS).map(of).collect()
}

fn add(sum: &mut [f64; SUMS], Drawn { state, weight, .. }: &Drawn) {
    for axis in 0..3 {
        sum[axis] += weight * state.pos[axis];
        sum[3 + axis] += weight * state.vel[axis];
    }
    sum[6] += weight;
}

/// What is subtracted from the bodies of each component: their mean. In a planetary system, it is the
/// same for all components, so that the centre of mass of the system comes to its place.
fn offsets(components: &[Component], sums: &[Sums]) -> Vec<State> {
    let vectors = |state: &State| [state.pos, state.vel];
    let of = |(component, sum): (&Component, &Sums)| {
        let Some((system, centre)) = component.system else { return sum.mean };
        let (mut mass, mut moments) = (0.0, [[0.0; 3]; 2]);
        for (other, sum) in components.iter().zip(sums) {
            if other.system.is_none_or(|(number, _)| number != system) || other.count == 0 {
                continue;
            }
            mass += other.mass;
            let (mean, place) = (vectors(&sum.mean), vectors(&other.place));
            for (moment, (mean, place)) in moments.iter_mut().zip(mean.iter().zip(&place)) {
                (0..3).for_each(|axis| moment[axis] += other.mass * (mean[axis] + place[axis]));
            }
        }
        let [pos, vel] = std::array::from_fn(|k| {
            std::array::from_fn(|axis| moments[k][axis] / mass - vectors(&centre)[k][axis])
        });
        State { pos, vel }
    };
    components.iter().zip(sums).map(of).collect()
}
