//! Results on several ranks have the bits of one rank, for random bodies, parameters and numbers of
//! ranks.
//!
//! A missing cell in an essential tree causes a panic or different bits. Some hundred problems run
//! by default. `scripts/fuzz ranks` runs many thousands, with `HEOROT_PROBLEMS=FIRST..END`. A
//! problem depends on its number only.
#![allow(clippy::disallowed_methods)] // only for positions, which are equal in all compared runs

use heorot_decomposition::{
    Balancing, Comm, Evaluation, Moments, Plan, Sharing, Speeds, evaluate_selected, evaluate_shared, threads,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use treecode::{
    Bodies, Criterion, Domain, Gravity, PairLength, Selection, Softening, SofteningKernel, Walk, leapfrog,
};

const VARIABLE: &str = "HEOROT_PROBLEMS";
const DEFAULT: Range<u64> = 0..150;

/// Spatial distribution of bodies, in a cube of side two.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Ball,
    Filament,
    Line,
    Axes,
    Plane,
    Disc,
    Spiral,
    Helix,
    Shell,
    Ring,
    Lattice,
    Nested,
    Clumps,
    Pairs,
    Corners,
    Cusp,
}

const SHAPES: [Shape; 16] = [
    Shape::Ball,
    Shape::Filament,
    Shape::Line,
    Shape::Axes,
    Shape::Plane,
    Shape::Disc,
    Shape::Spiral,
    Shape::Helix,
    Shape::Shell,
    Shape::Ring,
    Shape::Lattice,
    Shape::Nested,
    Shape::Clumps,
    Shape::Pairs,
    Shape::Corners,
    Shape::Cusp,
];

#[derive(Debug)]
struct Problem {
    shape: Shape,
    bodies: usize,
    ranks: usize,
    /// Whether the bodies are rotated, so that nothing is aligned with an axis.
    turned: bool,
    /// Thickness of a thin shape.
    thickness: f64,
    gravity: Gravity,
    /// Whether some bodies are massless: all in one region, and some elsewhere.
    tracers: bool,
    /// Number of evaluations on one tree after the first.
    substeps: usize,
    seed: u64,
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

/// A random number between two limits, uniform in the logarithm.
fn log_uniform(rng: &mut ChaCha8Rng, from: f64, to: f64) -> f64 {
    from * (to / from).powf(rng.random())
}

impl Problem {
    fn new(seed: u64) -> Problem {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let softening = Softening {
            kernel: pick(rng, &[SofteningKernel::Spline, SofteningKernel::Plummer]),
            length: match rng.random_range(0..4) {
                0 => [0.0; 6],
                1 => [0.1; 6],
                2 => [log_uniform(rng, 1e-4, 0.3); 6],
                _ => std::array::from_fn(|_| pick(rng, &[0.0, 0.003, 0.1])),
            },
            pairs: Vec::new(),
        };
        let leaf_size = pick(rng, &[1, 4, 8, 16, 32, 48, 64]);
        let criterion =
            pick(rng, &[Criterion::Relative, Criterion::Relative, Criterion::Absolute, Criterion::Angle]);
        let gravity = Gravity {
            walk: pick(rng, &[Walk::Fmm, Walk::Fmm, Walk::Fmm, Walk::Fmm, Walk::Tree]),
            criterion,
            theta: 0.3 + 0.6 * rng.random::<f64>(),
            tolerance: log_uniform(rng, 1e-5, 0.1),
            order: rng.random_range(1..=if softening.is_plummer() { Gravity::MAX_SOFTENED_ORDER } else { 5 }),
            leaf_size,
            group_size: leaf_size * pick(rng, &[1, 1, 2, 4]),
            softening,
            ..Gravity::default()
        };
        Problem {
            shape: pick(rng, &SHAPES),
            bodies: log_uniform(rng, 300.0, 6000.0) as usize,
            ranks: if rng.random() { rng.random_range(2..12) } else { rng.random_range(2..=64) },
            turned: rng.random_range(0..3) == 0,
            thickness: pick(rng, &[0.0, 0.0, 1e-7, 1e-3, 1e-2, 0.1]),
            tracers: false,
            gravity,
            substeps: pick(rng, &[0, 0, 2]),
            seed: rng.random(),
        }
    }

    fn bodies(&self) -> Bodies {
        let rng = &mut ChaCha8Rng::seed_from_u64(self.seed);
        let turn =
            if self.turned { rotation(rng) } else { [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };
        let heavy = rng.random_range(0..3) == 0;
        let mut bodies = Bodies::zeroed(self.bodies);
        for i in 0..self.bodies {
            let thin = |rng: &mut ChaCha8Rng| self.thickness * (rng.random::<f64>() - 0.5);
            let place = self.place(i, rng).map(|x| x + thin(rng));
            for axis in 0..3 {
                bodies.pos[axis][i] = (0..3).map(|k| turn[axis][k] * place[k]).sum();
                bodies.vel[axis][i] = 0.1 * (rng.random::<f64>() - 0.5);
            }
            let mass = if heavy { log_uniform(rng, 1e-3, 1.0) } else { 1.0 };
            let massless = self.tracers && (bodies.pos[0][i] < -0.2 || i % 5 == 0);
            bodies.mass[i] = if massless { 0.0 } else { mass / self.bodies as f64 };
            bodies.kind[i] = (i % 6) as u8;
            bodies.rung[i] = (i % 3) as u8 + u8::from(i % 100 < 5);
        }
        bodies
    }

    /// Position of body `i`, before thickness and rotation are applied.
    fn place(&self, i: usize, rng: &mut ChaCha8Rng) -> [f64; 3] {
        let mut uniform = || 2.0 * rng.random::<f64>() - 1.0;
        let along = 2.0 * (i as f64 + 0.5) / self.bodies as f64 - 1.0;
        match self.shape {
            Shape::Ball => [uniform(), uniform(), uniform()],
            Shape::Filament | Shape::Line => [uniform(), 0.0, 0.0],
            Shape::Axes => std::array::from_fn(|axis| if axis == i % 3 { uniform() } else { 0.0 }),
            Shape::Plane => [uniform(), uniform(), 0.0],
            Shape::Disc => polar(-0.2 * uniform().abs().max(1e-9).ln(), 3.2 * uniform(), 0.0),
            Shape::Spiral => polar(along.abs(), 12.0 * along, 0.0),
            Shape::Helix => polar(0.3, 20.0 * along, along),
            Shape::Shell => direction(rng),
            Shape::Ring => polar(1.0, 3.2 * along, 0.0),
            Shape::Lattice => {
                let side = (self.bodies as f64).cbrt().ceil() as usize;
                [i % side, i / side % side, i / side / side].map(|k| 2.0 * k as f64 / side as f64 - 1.0)
            }
            Shape::Nested => {
                let scale = 8f64.powi(-((i % 6) as i32));
                [uniform(), uniform(), uniform()].map(|x| 0.3 + scale * x)
            }
            Shape::Clumps => {
                let centre = |k: usize| ((i % 7 + 1) * (k + 2) * 37 % 11) as f64 / 5.5 - 1.0;
                let size = 10f64.powi(-((i % 7) as i32));
                std::array::from_fn(|axis| centre(axis) + size * uniform())
            }
            Shape::Pairs => {
                let mut of_pair = ChaCha8Rng::seed_from_u64(self.seed ^ (i / 2) as u64);
                std::array::from_fn(|_| 2.0 * of_pair.random::<f64>() - 1.0 + 1e-6 * uniform())
            }
            Shape::Corners => {
                let corner: [f64; 3] =
                    std::array::from_fn(|axis| if i >> axis & 1 == 1 { 0.999_999_9 } else { -1.0 });
                let inward = 10f64.powf(-4.0 * uniform().abs());
                if i.is_multiple_of(3) {
                    corner
                } else {
                    corner.map(|x| x * (1.0 - inward * uniform().abs()))
                }
            }
            Shape::Cusp => {
                let radius = uniform().powi(6).abs();
                direction(rng).map(|x| radius * x)
            }
        }
    }

    /// All bodies after the evaluations, sorted by id, as the bytes of all columns.
    fn run(&self, start: &Bodies, ranks: usize) -> Vec<u8> {
        let parts = threads::run(ranks, |comm| {
            let mut mine = start.clone();
            let dealt = |i: &u32| (*i / 3) as usize % ranks == comm.rank();
            mine.permute(&(0..start.len() as u32).filter(dealt).collect::<Vec<_>>());
            self.evaluations(comm, mine).bodies
        });
        let mut all = Bodies::default();
        parts.iter().for_each(|bodies| all.append(bodies));
        let mut order: Vec<u32> = (0..all.len() as u32).collect();
        order.sort_by_key(|i| all.id[*i as usize]);
        all.permute(&order);
        let mut bytes = Vec::new();
        all.write(0..all.len(), &mut bytes);
        bytes
    }

    fn evaluations(&self, comm: &dyn Comm, bodies: Bodies) -> Evaluation {
        let plan = |least_rung| Plan {
            selection: Selection { least_rung, changes: true },
            ahead: if self.substeps > 0 { 3.0 } else { 0.0 },
            finest_rung: 3,
            sort: self.substeps as u64,
        };
        // Ranks of different speed, whose shares differ.
        let mut speeds = Speeds::new(Sharing { balancing: Balancing::Speed, most_bodies: None });
        speeds.record([1.0, 0.2, 3.0, 1.5, 0.7][comm.rank() % 5], 1.0);
        let mut now =
            evaluate_shared(comm, &self.gravity, bodies, &plan(0), &mut speeds).expect("the bodies are good");
        for substep in 0..self.substeps {
            leapfrog::drift(&mut now.bodies, 1e-3);
            now = now.again(comm, &self.gravity, &plan([2, 3][substep % 2]), Moments::Drifted);
        }
        now
    }
}

fn polar(radius: f64, angle: f64, z: f64) -> [f64; 3] {
    [radius * angle.cos(), radius * angle.sin(), z]
}

/// A random unit vector.
fn direction(rng: &mut ChaCha8Rng) -> [f64; 3] {
    let z = 2.0 * rng.random::<f64>() - 1.0;
    let [x, y, _] = polar((1.0 - z * z).sqrt(), 6.3 * rng.random::<f64>(), 0.0);
    [x, y, z]
}

/// Three orthogonal unit vectors.
fn rotation(rng: &mut ChaCha8Rng) -> [[f64; 3]; 3] {
    let (a, mut b) = (direction(rng), direction(rng));
    let dot: f64 = (0..3).map(|k| a[k] * b[k]).sum();
    (0..3).for_each(|k| b[k] -= dot * a[k]);
    let norm = b.iter().map(|x| x * x).sum::<f64>().sqrt();
    let b = b.map(|x| x / norm);
    [a, b, [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]]
}

fn problems() -> Range<u64> {
    let Ok(text) = std::env::var(VARIABLE) else { return DEFAULT };
    let range = text.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    range.unwrap_or_else(|| panic!("{VARIABLE}={text}: expected FIRST..END"))
}

#[test]
fn any_problem_has_the_bits_of_one_rank() {
    check(problems(), Problem::new);
}

/// The same problems in a box of the side of their cube, so that many shapes reach across its faces.
#[test]
fn any_problem_in_a_periodic_box_has_the_bits_of_one_rank() {
    let problems = problems();
    check(problems.start..problems.start + (problems.end - problems.start) / 2, |number| {
        let mut problem = Problem::new(number);
        problem.gravity.softening.kernel = SofteningKernel::Spline;
        problem.gravity.domain = Domain::Periodic { side: 2.0 };
        problem
    });
}

/// The same problems with softening lengths of some pairs of types. Bodies have four types.
#[test]
fn any_problem_with_lengths_of_pairs_has_the_bits_of_one_rank() {
    let problems = problems();
    check(problems.start..problems.start + (problems.end - problems.start) / 2, |number| {
        let mut problem = Problem::new(number);
        let rng = &mut ChaCha8Rng::seed_from_u64(number);
        let softening = &mut problem.gravity.softening;
        softening.kernel = SofteningKernel::Spline;
        for types in (0..4).flat_map(|a| (0..=a).map(move |b| [a, b])) {
            if rng.random_range(0..3) == 0 {
                let length = pick(rng, &[0.0, 0.003, 0.03, 0.1]);
                softening.pairs.push(PairLength { types, length });
            }
        }
        if number % 8 == 0 {
            problem.gravity.domain = Domain::Periodic { side: 2.0 };
        }
        problem
    });
}

/// The same problems with massless bodies, alone in some cells.
#[test]
fn any_problem_with_tracers_has_the_bits_of_one_rank() {
    let problems = problems();
    check(problems.start..problems.start + (problems.end - problems.start) / 4, |number| {
        let mut problem = Problem { tracers: true, ..Problem::new(number) };
        if number % 4 == 0 {
            problem.gravity.softening.kernel = SofteningKernel::Spline;
            problem.gravity.domain = Domain::Periodic { side: 2.0 };
        }
        problem
    });
}

fn check(problems: Range<u64>, problem: impl Fn(u64) -> Problem) {
    let mut failed = Vec::new();
    for number in problems.clone() {
        let problem = problem(number);
        let fault = catch_unwind(AssertUnwindSafe(|| {
            let start = problem.bodies();
            (problem.run(&start, problem.ranks) != problem.run(&start, 1)).then_some("other bits")
        }));
        if let Some(fault) = fault.unwrap_or(Some("a panic")) {
            println!("problem {number}: {fault}: {problem:?}");
            failed.push(number);
        }
    }
    assert!(failed.is_empty(), "of problems {problems:?} these fail: {failed:?}");
}

/// The last deepest cell of the cube belongs to the last rank.
#[test]
fn bodies_at_both_ends_of_the_curve_are_kept() {
    for walk in [Walk::Fmm, Walk::Tree, Walk::Direct] {
        let corners = [[0.0; 3], [0.5, 0.2, 0.1], [0.999_999_9; 3], [0.999_999_9, 0.0, 0.999_999_9]];
        let mut bodies = Bodies::zeroed(corners.len());
        for (i, corner) in corners.iter().enumerate() {
            (0..3).for_each(|axis| bodies.pos[axis][i] = corner[axis]);
            bodies.mass[i] = 1.0;
        }
        let gravity = Gravity { walk, leaf_size: 1, group_size: 1, ..Gravity::default() };
        for ranks in [1, 2, 3, 5] {
            let parts = threads::run(ranks, |comm| {
                let mine = if comm.rank() == 0 { bodies.clone() } else { Bodies::default() };
                evaluate_selected(comm, &gravity, mine, &Plan::default()).expect("the bodies are good").bodies
            });
            let mut ids: Vec<u64> = parts.iter().flat_map(|bodies| bodies.id.clone()).collect();
            ids.sort_unstable();
            assert_eq!(ids, [0, 1, 2, 3], "{walk:?}, {ranks} ranks");
        }
    }
}
