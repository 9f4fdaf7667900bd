//! Forces in a periodic box against Ewald's sum.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use heorot_treecode as treecode;
use treecode::math::hash;
use treecode::{Bodies, Criterion, Domain, Gravity, SofteningKernel, Walk, accelerations, direct};

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
