//! Forces in a periodic box against Ewald's sum.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use heorot_treecode as treecode;
use treecode::math::{hash, norm};
use treecode::{
    Bodies, Criterion, Cube, Domain, Gravity, SofteningKernel, Walk, accelerations, direct, exact_sum,
};

const SIDE: f64 = 3.0;

fn random(i: usize, salt: usize) -> f64 {
    (hash((i * 16 + salt) as u64) >> 11) as f64 / (1u64 << 53) as f64
}

/// Bodies all over the box, half of them in clumps, some of which lie across its faces.
fn clustered(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let clump = i % 8;
        for axis in 0..3 {
            let free = SIDE * random(i, axis);
            let near = SIDE * random(clump, axis + 8) * 1.2 + 0.1 * (random(i, axis + 3) - 0.5).powi(3);
            let x = if i % 2 == 0 { free } else { near };
            bodies.pos[axis][i] = Domain::Periodic { side: SIDE }.wrap(x);
        }
        bodies.mass[i] = (0.5 + random(i, 6)) / n as f64;
    }
    bodies
}

/// A lattice with small displacements.
fn nearly_uniform(along: usize, displacement: f64) -> Bodies {
    let n = along.pow(3);
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let place = [i / along / along, i / along % along, i % along];
        for axis in 0..3 {
            let wave = (2.0 * std::f64::consts::PI * place[(axis + 1) % 3] as f64 / along as f64).sin();
            let noise = random(i, axis) - 0.5;
            let x = (place[axis] as f64 + 0.5) / along as f64 + displacement * (wave + noise);
            bodies.pos[axis][i] = Domain::Periodic { side: SIDE }.wrap(SIDE * x);
        }
        bodies.mass[i] = 1.0 / n as f64;
    }
    bodies
}

fn gravity() -> Gravity {
    Gravity {
        domain: Domain::Periodic { side: SIDE },
        softening: treecode::Softening {
            kernel: SofteningKernel::Spline,
            length: [1e-3; 6],
            ..treecode::Softening::default()
        },
        ..Gravity::default()
    }
}

/// Some bodies with their exact accelerations and potentials.
struct Exact {
    targets: Vec<usize>,
    fields: Vec<direct::Field>,
}

impl Exact {
    fn of(bodies: &Bodies, targets: usize) -> Exact {
        let targets: Vec<usize> = (0..bodies.len()).step_by(bodies.len().div_ceil(targets)).collect();
        Exact { fields: direct::field(bodies, &gravity(), &targets), targets }
    }

    /// Root mean square of the error of the acceleration, as a part of that of the acceleration; and
    /// the same of the potential.
    fn errors(&self, bodies: &Bodies, gravity: &Gravity) -> [f64; 2] {
        let mut found = bodies.clone();
        accelerations(&mut found, gravity).unwrap();
        let (mut errors, mut squares) = ([0.0; 2], [0.0; 2]);
        for (&i, (acc, pot)) in self.targets.iter().zip(&self.fields) {
            errors[1] += (found.pot[i] - pot).powi(2);
            squares[1] += pot.powi(2);
            for axis in 0..3 {
                errors[0] += (found.acc[axis][i] - acc[axis]).powi(2);
                squares[0] += acc[axis].powi(2);
            }
        }
        [0, 1].map(|k| f64::sqrt(errors[k] / squares[k]))
    }
}

/// The errors follow the tolerance down to a small part of the pull of the peculiar field, so nothing is
/// left out. In a box that is nearly uniform, the pulls of the cells cancel to a hundredth.
#[test]
fn both_walks_converge_to_ewald() {
    for (name, bodies, bounds) in
        [("clustered", clustered(2000), [1e-2, 5e-4]), ("uniform", nearly_uniform(12, 2.7e-3), [3e-2, 2e-3])]
    {
        let exact = Exact::of(&bodies, 25);
        for (walk, order) in [(Walk::Fmm, 3), (Walk::Fmm, 5), (Walk::Tree, 3)] {
            let error = |tolerance: f64| {
                let gravity = Gravity { walk, order, tolerance, criterion: Criterion::Relative, ..gravity() };
                exact.errors(&bodies, &gravity)
            };
            let [rough, fine] = [3e-3, 3e-5].map(error);
            println!("{name} {walk:?} order {order}: {rough:?} {fine:?}");
            assert!(rough[0] < bounds[0] && fine[0] < bounds[1], "{name} {walk:?}: {rough:?} {fine:?}");
            assert!(fine[0] < 0.5 * rough[0], "{name} {walk:?}: {rough:?} {fine:?}");
            assert!(fine[1] < 5e-3, "{name} {walk:?}: potential {fine:?}");
        }
    }
}

/// The potentials of images and background are about 60 GM / side each. Their cancellation loses no
/// precision: the errors left are those of single interactions and of the expansion.
#[test]
fn potentials_of_images_and_background_cancel_precisely() {
    let bodies = nearly_uniform(16, 1e-4);
    let exact = Exact::of(&bodies, 30);
    for (softened, order) in [(false, 5), (true, 4)] {
        let softening = if softened { 0.03 } else { 1e-3 };
        let mut gravity = Gravity { order, tolerance: 1e-7, criterion: Criterion::Absolute, ..gravity() };
        gravity.softening.length = [softening; 6];
        let mut found = bodies.clone();
        accelerations(&mut found, &gravity).unwrap();
        let errors: Vec<f64> = exact
            .targets
            .iter()
            .zip(&exact.fields)
            .map(|(&i, (_, pot))| (found.pot[i] - pot) * SIDE)
            .collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        let rms = (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt();
        println!("softened {softened}: potentials err by {rms:.1e}, on average by {mean:.1e} GM / side");
        assert!(rms < 2e-6 && mean.abs() < 1e-6, "softened {softened}: {rms:e}, {mean:e}");
    }
}

/// The faces of the box are nowhere in particular.
#[test]
fn a_shift_of_all_bodies_changes_no_force() {
    let bodies = clustered(2000);
    let mut shifted = bodies.clone();
    for axis in 0..3 {
        shifted.pos[axis].iter_mut().for_each(|x| *x += [0.9, 1.7, 2.4][axis]);
    }
    // Bodies outside the box count as their images inside.
    let gravity = Gravity { tolerance: 1e-4, order: 5, ..gravity() };
    let [mut here, mut there] = [bodies, shifted];
    accelerations(&mut here, &gravity).unwrap();
    accelerations(&mut there, &gravity).unwrap();
    let (mut difference, mut square) = (0.0, 0.0);
    for i in 0..here.len() {
        for axis in 0..3 {
            difference += (here.acc[axis][i] - there.acc[axis][i]).powi(2);
            square += here.acc[axis][i].powi(2);
        }
    }
    assert!(difference / square < 1e-6, "{}", (difference / square).sqrt());
}

/// The cube of the tree has its corner elsewhere for each sort. Bodies return from it to the same bits.
#[test]
fn bodies_return_from_a_shifted_cube() {
    let domain = Domain::Periodic { side: SIDE };
    let mut start = clustered(1000);
    for (i, x) in [0.0, SIDE.next_down(), 0.5 * SIDE, f64::MIN_POSITIVE].into_iter().enumerate() {
        (0..3).for_each(|axis| start.pos[axis][i] = x);
    }
    let bounds = start.survey().unwrap().bounds;
    for sort in 0..20 {
        let (mut bodies, cube) = (start.clone(), Cube::of(domain, &bounds, sort));
        bodies.wrap_into(domain, &cube);
        for (axis, corner) in bodies.pos.iter().zip(cube.corner) {
            assert!(axis.iter().all(|x| (corner..=corner + SIDE).contains(x)), "sort {sort}");
        }
        assert!(sort == 0 || bodies.pos != start.pos);
        bodies.wrap(domain);
        assert_eq!(bodies.pos, start.pos, "sort {sort}");
    }
}

#[test]
fn few_bodies_feel_their_images() {
    for walk in [Walk::Fmm, Walk::Tree, Walk::Direct] {
        let gravity = Gravity { walk, tolerance: 1e-6, ..gravity() };
        // Alone, or half a side apart along each axis, by symmetry nothing pulls.
        for places in [vec![[0.0; 3]], vec![[0.1; 3], [0.1 + 0.5 * SIDE; 3]]] {
            let mut bodies = Bodies::zeroed(places.len());
            bodies.mass.fill(1.0);
            for (i, place) in places.iter().enumerate() {
                (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
            }
            accelerations(&mut bodies, &gravity).unwrap();
            assert!(bodies.acc.iter().flatten().all(|a| a.abs() < 2e-5), "{walk:?}: {:?}", bodies.acc);
        }
        // Across a face, the nearest images pull: 1 / 0.2^2 less the pull of the others.
        let mut bodies = Bodies::zeroed(2);
        bodies.mass.fill(1.0);
        bodies.pos[0] = vec![0.1, SIDE.next_down() - 0.1];
        accelerations(&mut bodies, &gravity).unwrap();
        let exact = direct::field(&bodies, &gravity, &[0, 1]);
        assert!(bodies.acc[0][0] < -24.0 && bodies.acc[0][1] > 24.0, "{walk:?}: {:?}", bodies.acc[0]);
        let [acc, pot] = [bodies.acc[0][0] - exact[0].0[0], bodies.pot[1] - exact[1].1];
        assert!(acc.abs() < 1e-3 && pot.abs() < 1e-3, "{walk:?}: {acc:e} {pot:e}");
    }
}

#[test]
fn what_a_box_cannot_have_is_refused() {
    let plummer = Gravity {
        softening: treecode::Softening {
            kernel: SofteningKernel::Plummer,
            length: [0.1; 6],
            ..treecode::Softening::default()
        },
        ..gravity()
    };
    let mut wide = gravity();
    wide.softening.length = [0.2 * SIDE; 6];
    let no_side = Gravity { domain: Domain::Periodic { side: 0.0 }, ..gravity() };
    for (gravity, name) in [(plummer, "softening.kernel"), (wide, "softening.length"), (no_side, "side")] {
        let message = gravity.check().unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    }
}

/// Accelerations at bodies by the short and the long part of Ewald's sum.
fn split_sum(bodies: &Bodies, gravity: &Gravity, targets: &[usize]) -> Vec<[f64; 3]> {
    let mass = bodies.mass.iter().sum();
    let mut waves = direct::Waves::new(SIDE, mass);
    (0..bodies.len()).step_by(100).for_each(|i| waves.add(bodies, i..(i + 100).min(bodies.len())));
    let places: Vec<_> = targets.iter().map(|&i| (bodies.position(i), bodies.kind[i])).collect();
    let mut found = Vec::new();
    for some in places.chunks(direct::SINKS) {
        let sinks = direct::Sinks::new(&gravity.softening, some);
        let short = direct::accelerations(bodies, 0..bodies.len(), gravity, &sinks);
        for (s, (place, _)) in some.iter().enumerate() {
            let long = waves.acceleration(gravity.constant, *place);
            found.push([0, 1, 2].map(|axis| short[axis * direct::SINKS + s] + long[axis]));
        }
    }
    found
}

/// The greatest error of `split_sum`, in units of GM / SIDE^2.
fn error_of_split_sum(bodies: &Bodies, gravity: &Gravity, targets: &[usize]) -> f64 {
    let scale = gravity.constant * bodies.mass.iter().sum::<f64>() / (SIDE * SIDE);
    let exact = direct::field(bodies, gravity, targets);
    let found = split_sum(bodies, gravity, targets);
    let errors = exact.iter().zip(&found).flat_map(|((exact, _), found)| {
        // Forces between close bodies are huge.
        let size = norm(*exact) / scale;
        [0, 1, 2].map(|axis| (exact[axis] - found[axis]).abs() / scale / size.max(1.0))
    });
    errors.fold(0.0, f64::max)
}

/// A pair in each octant, at the faces, edges and corners of the range of the nearest image, and close by.
#[test]
fn the_sum_over_waves_is_exact_for_pairs() {
    let gravity = Gravity { constant: 3.0, softening: treecode::Softening::default(), ..gravity() };
    let mut offsets: Vec<[f64; 3]> = vec![[0.0; 3], [1e-9, 0.0, 0.0], [1e-3, 2e-3, -1e-3], [0.005, 0.0, 0.0]];
    let sign = |octant: usize, axis: usize| if octant >> axis & 1 == 1 { -1.0 } else { 1.0 };
    for octant in 0..8 {
        for size in
            [[0.5, 0.5, 0.5], [0.5, 0.2, 0.0], [0.5 - 1e-13, 0.3, 0.1], [0.1, 0.2, 0.3], [0.45, 0.0, 0.22]]
        {
            offsets.push([0, 1, 2].map(|axis| sign(octant, axis) * size[axis]));
        }
    }
    offsets.extend((0..200).map(|i| [0, 1, 2].map(|axis| random(i, axis) - 0.5)));
    for (i, offset) in offsets.iter().enumerate() {
        let mut bodies = Bodies::zeroed(2);
        bodies.mass.fill(0.7);
        for axis in 0..3 {
            bodies.pos[axis] = vec![SIDE * random(i, axis + 5); 2];
            bodies.pos[axis][1] += SIDE * offset[axis];
        }
        let error = error_of_split_sum(&bodies, &gravity, &[0, 1]);
        assert!(error < 1e-10, "{offset:?}: {error:e}");
    }
}

#[test]
fn the_sum_over_waves_is_exact_for_many_bodies() {
    for (name, bodies) in [("clustered", clustered(3000)), ("uniform", nearly_uniform(15, 2.7e-3))] {
        let targets: Vec<usize> = (0..bodies.len()).step_by(97).collect();
        for softening in [1e-3, 0.1 * SIDE] {
            let mut gravity = gravity();
            gravity.softening.length = [softening; 6];
            let error = error_of_split_sum(&bodies, &gravity, &targets);
            println!("{name}, softening {softening}: {error:e}");
            assert!(error < 1e-11, "{name}, softening {softening}: {error:e}");
        }
    }
}

/// Sums of parts of the bodies may be added in any order.
#[test]
fn sums_over_waves_have_the_same_bits_in_any_order() {
    let bodies = clustered(1000);
    let mass = bodies.mass.iter().sum();
    let of = |parts: &[usize]| {
        let mut waves = direct::Waves::new(SIDE, mass);
        parts.iter().for_each(|&part| waves.add(&bodies, 50 * part..50 * part + 50));
        waves
    };
    let units = |waves: &mut direct::Waves| exact_sum::to_units(waves.sums_mut());
    let mut all = of(&(0..20).collect::<Vec<_>>());
    let mut back = of(&(0..20).rev().collect::<Vec<_>>());
    let mut halves = of(&(5..20).collect::<Vec<_>>()).and(&of(&[3, 4, 1, 0, 2]));
    assert!(units(&mut all).iter().any(|unit| *unit != 0));
    assert!(units(&mut all) == units(&mut back) && units(&mut all) == units(&mut halves));
    let mut joined = of(&[]);
    exact_sum::set_units(joined.sums_mut(), &units(&mut all));
    let place = [0.3, 1.2, 2.9];
    assert_eq!(joined.acceleration(1.0, place), all.acceleration(1.0, place));
}
