//! Models of initial conditions. Each body has its own stream of random numbers, so it does not
//! depend on the number of ranks.
//!
//! A model is a list of components, such as a galaxy or a point mass. The bodies of a component are
//! drawn about its centre, and their mean position and velocity are subtracted. They are then moved
//! to the position and velocity of the component. The box of a universe has no components: its bodies
//! are a lattice that a random field displaces.

mod clumps;
mod collision;
mod cosmological;
mod disc;
mod disc_galaxy;
mod eddington;
mod encounter;
mod glass;
mod hernquist;
mod isotropic;
mod keys;
mod king;
mod lagrangian;
mod mass_function;
mod orbit;
mod planetary;
mod plummer;
mod profile;
mod softened;
mod sphere;
mod star_cluster;
mod tapered;
mod uniform;

pub use clumps::Clumps;
pub use collision::Collision;
pub use cosmological::{Cosmological, Lattice, Pancake, Universe};
pub use disc_galaxy::{DiscGalaxy, Preset};
pub use encounter::{Encounter, Galaxy, Move, Orbit, Placement};
pub use keys::{Keys, MODELS, ModelName, PlanetKeys, TypeKey, whole_number};
pub use mass_function::MassFunction;
pub use planetary::{Belt, Elements, Planet, PlanetarySystem};
pub use profile::Profile;
pub use sphere::Sphere;
pub use star_cluster::StarCluster;
pub use uniform::{Shape as UniformShape, Uniform};

use decomposition::{Comm, collective};
use disc::Disc;
use nalgebra::{Rotation3, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;
use treecode::Bodies;

/// Number of bodies in a chunk. Sums over bodies are added chunk by chunk, so that their bits do
/// not depend on the ranks.
const CHUNK: u64 = 4096;

/// A model and its parameters, in the units of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum Model {
    /// A sphere of Plummer (1911).
    Plummer(Spherical),
    /// A sphere of Hernquist (1990).
    Hernquist(Spherical),
    /// A sphere of Jaffe (1983).
    Jaffe(Spherical),
    /// An isochrone sphere of Hénon (1959).
    Isochrone(Spherical),
    /// A sphere of Navarro, Frenk & White (1996).
    Nfw(Spherical),
    /// A sphere of King (1966).
    King(King),
    /// A cluster of stars of different masses, with binaries.
    StarCluster(StarCluster),
    /// A star with planets and small bodies.
    PlanetarySystem(PlanetarySystem),
    /// Two bodies on a Kepler ellipse, at apocentre.
    TwoBody(TwoBody),
    /// Two spherical galaxies on a collision orbit.
    Collision(Collision),
    /// A disc galaxy with a halo and a bulge.
    DiscGalaxy(DiscGalaxy),
    /// An encounter of arbitrary galaxies.
    Encounter(Encounter),
    /// Spheres of very different masses on a uniform background.
    Clumps(Clumps),
    /// Bodies of uniform density.
    Uniform(Uniform),
    /// A periodic box of an expanding universe.
    Cosmology(Cosmological),
}

/// A sphere in equilibrium, at rest at the origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spherical {
    /// Number of bodies.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Scale radius [L].
    pub radius: f64,
    /// Limit of the radius [scale radii]. A Plummer or Hernquist sphere has no bodies beyond it.
    /// The density of the others is tapered with this length.
    pub cut: f64,
    /// Softening of the bodies, with the spline kernel [L]. The sphere is in equilibrium in the
    /// softened field. Unless it is 0, the density of all profiles is tapered.
    pub softening: f64,
}

/// A sphere of King (1966), at rest at the origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct King {
    /// Number of bodies.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Core radius [L].
    pub radius: f64,
    /// Depth of the potential in the centre, relative to the edge, in units of sigma^2.
    pub w0: f64,
}

/// Two bodies on a Kepler ellipse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwoBody {
    /// Sum of the masses [M].
    pub mass: f64,
    /// Mass of the second body divided by that of the first.
    pub mass_ratio: f64,
    /// Semi-major axis of the relative orbit [L].
    pub semi_major_axis: f64,
    /// Eccentricity, below 1.
    pub eccentricity: f64,
}

/// Position and velocity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Position [L].
    pub pos: [f64; 3],
    /// Velocity [L/T].
    pub vel: [f64; 3],
}

/// Bodies of one particle type. They have equal masses, unless they are stars of a cluster.
#[derive(Clone, Debug)]
struct Component {
    count: u64,
    mass: f64,
    kind: u8,
    shape: Shape,
    place: State,
    /// Rotation of the bodies about the centre of the component.
    turn: Option<Rotation3<f64>>,
    /// Of the parts of a planetary system: the number of the system, and the state of its centre of
    /// mass. Bodies keep their places about the star, so their mean is not subtracted.
    system: Option<(usize, State)>,
}

#[derive(Clone, Debug)]
enum Shape {
    Point,
    Sphere(Sphere),
    Disc(Arc<Disc>),
    Stars(Arc<star_cluster::Stars>),
    Belt(Belt),
    /// A box of this side or a ball of this diameter [L].
    Uniform {
        shape: UniformShape,
        side: f64,
        virial_ratio: f64,
    },
}

impl Model {
    /// Checks that the bodies of the model can be drawn.
    ///
    /// # Errors
    /// A component has no equilibrium, or a universe is missing or has no power spectrum for the box.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Model::Cosmology(model) => model.check(),
            _ => self.components(1.0).map(|_| ()),
        }
    }

    /// Number of bodies.
    pub fn bodies(&self) -> u64 {
        match self {
            Model::Plummer(model)
            | Model::Hernquist(model)
            | Model::Jaffe(model)
            | Model::Isochrone(model)
            | Model::Nfw(model) => model.bodies,
            Model::King(model) => model.bodies,
            Model::StarCluster(model) => model.bodies,
            Model::PlanetarySystem(model) => model.bodies(),
            Model::TwoBody(_) => 2,
            Model::Collision(model) => model.bodies,
            Model::DiscGalaxy(model) => model.bodies,
            Model::Encounter(model) => model.galaxies.iter().map(|galaxy| galaxy.model.bodies()).sum(),
            Model::Clumps(model) => model.bodies,
            Model::Uniform(model) => model.bodies,
            Model::Cosmology(model) => model.bodies(),
        }
    }

    /// Memory per body while the bodies are made, in addition to the bodies [bytes].
    pub fn memory(&self) -> f64 {
        match self {
            Model::Cosmology(model) => model.memory(),
            _ => 0.0,
        }
    }

    /// Number of bodies of each galaxy. The ids of the galaxies are consecutive.
    pub fn galaxies(&self) -> Vec<u64> {
        match self {
            Model::Collision(model) => model.galaxies().to_vec(),
            Model::Encounter(model) => model.galaxies.iter().map(|galaxy| galaxy.model.bodies()).collect(),
            other => vec![other.bodies()],
        }
    }

    /// Names of the galaxies, as far as they have some.
    pub fn galaxy_names(&self) -> Vec<Option<String>> {
        match self {
            Model::Encounter(model) => model.galaxies.iter().map(|galaxy| galaxy.name.clone()).collect(),
            other => vec![None; other.galaxies().len()],
        }
    }

    fn seed(&self) -> u64 {
        match self {
            Model::Plummer(model)
            | Model::Hernquist(model)
            | Model::Jaffe(model)
            | Model::Isochrone(model)
            | Model::Nfw(model) => model.seed,
            Model::King(model) => model.seed,
            Model::StarCluster(model) => model.seed,
            Model::PlanetarySystem(model) => model.seed,
            Model::TwoBody(_) => 0,
            Model::Collision(model) => model.seed,
            Model::DiscGalaxy(model) => model.seed,
            Model::Encounter(model) => model.seed,
            Model::Clumps(model) => model.seed,
            Model::Uniform(model) => model.seed,
            Model::Cosmology(model) => model.seed,
        }
    }

    fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
        match self {
            Model::Plummer(model) => model.components(Profile::Plummer),
            Model::Hernquist(model) => model.components(Profile::Hernquist),
            Model::Jaffe(model) => model.components(Profile::Jaffe),
            Model::Isochrone(model) => model.components(Profile::Isochrone),
            Model::Nfw(model) => model.components(Profile::Nfw),
            Model::King(model) => Ok(vec![model.component()]),
            Model::StarCluster(model) => model.components(),
            Model::PlanetarySystem(model) => Ok(model.components(constant)),
            Model::TwoBody(model) => Ok(model.components(constant).into()),
            Model::Collision(model) => model.components(constant),
            Model::DiscGalaxy(model) => model.components(),
            Model::Encounter(model) => model.components(constant),
            Model::Clumps(model) => model.components(),
            Model::Uniform(model) => Ok(vec![model.component()]),
            Model::Cosmology(_) => Ok(Vec::new()),
        }
    }
}

impl Component {
    /// A component at rest at the origin.
    fn at_rest(count: u64, mass: f64, kind: u8, shape: Shape) -> Component {
        Component { count, mass, kind, shape, place: State::default(), turn: None, system: None }
    }

    fn at(self, place: State) -> Component {
        Component { place, ..self }
    }
}

impl Spherical {
    fn components(&self, profile: Profile) -> Result<Vec<Component>, String> {
        let &Spherical { bodies, mass, radius, cut, softening, .. } = self;
        let sphere = Sphere::softened(profile, mass, radius, cut, softening)?;
        Ok(vec![Component::at_rest(bodies, mass, 1, Shape::Sphere(sphere))])
    }
}

impl King {
    fn component(&self) -> Component {
        let &King { bodies, mass, radius, w0, .. } = self;
        Component::at_rest(bodies, mass, 1, Shape::Sphere(Sphere::king(mass, radius, w0)))
    }
}

impl TwoBody {
    fn components(&self, constant: f64) -> [Component; 2] {
        let second = self.mass_ratio / (1.0 + self.mass_ratio);
        let relative = orbit::at_apocentre(constant * self.mass, self.semi_major_axis, self.eccentricity);
        let places = orbit::about_the_centre(relative, second);
        [(0, 1.0 - second), (1, second)]
            .map(|(i, part)| Component::at_rest(1, part * self.mass, 1, Shape::Point).at(places[i]))
    }
}

/// Draws the bodies of this rank. `constant` is the gravitational constant in the units of the run.
/// Ids start at 0 and are consecutive within a component. The bits of the bodies do not depend on
/// the number of ranks. Collective.
///
/// # Panics
/// The model does not pass [`Model::check`].
pub fn generate(comm: &dyn Comm, model: &Model, constant: f64) -> Bodies {
    generate_from(comm, model, constant, 0)
}

/// As [`generate`], with ids from `first` on. Each body draws from the stream of random numbers of its
/// id, so two equal models with other ids have other bodies. Collective.
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
struct Drawn {
    /// State about the centre of the component. For a star of a binary, that of the centre of the binary.
    state: State,
    /// Mass in any unit, the same for all bodies of a component.
    weight: f64,
    /// The orbit, for a star of a binary.
    pair: Option<Box<star_cluster::Pair>>,
}

fn range(chunk: u64, total: u64) -> Range<u64> {
    chunk * CHUNK..((chunk + 1) * CHUNK).min(total)
}

/// The first id after each component.
fn ends(components: &[Component]) -> Vec<u64> {
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

#[cfg(test)]
mod tests;
