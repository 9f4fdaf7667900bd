//! Forces of cells within the softening: their errors do not have the same sign everywhere, so they
//! do not add up to a change of energy.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use decomposition::{Moments, Plan, Solo};
use heorot_nbody::forces::{Engine, Forces};
use heorot_nbody::model::{Model, Spherical, generate};
use treecode::math::norm;
use treecode::{
    Bodies, Census, Gravity, Selection, Softening, SofteningKernel, TYPES, Walk, direct, leapfrog,
};

/// A Plummer sphere of radius 1 of which most lies within the softening, as in a cold collapse at
/// its greatest density.
fn sphere() -> Bodies {
    let model = Spherical { bodies: 8_000, seed: 3, mass: 1.0, radius: 1.0, cut: 4.0, softening: 0.0 };
    generate(&Solo, &Model::Plummer(model), 1.0)
}

fn softening(kernel: SofteningKernel) -> Softening {
    Softening { kernel, length: [0.3; TYPES], ..Softening::default() }
}

/// Root mean square of |a - a_exact| / |a_exact|, and the sum of m x (a - a_exact) over that of
/// m x a_exact: the error of the virial. Errors of random directions give a virial that is a
/// hundredth of the root mean square.
fn errors(bodies: &Bodies, gravity: &Gravity) -> [f64; 2] {
    let gravity = Gravity { walk: Walk::Direct, ..gravity.clone() };
    let mut exact = bodies.clone();
    direct::walk(bodies, 0, &gravity, Selection::default(), &mut exact, &mut Census::default());
    let [mut squares, mut error, mut virial] = [0.0; 3];
    for i in 0..bodies.len() {
        let (x, found, exact) = (bodies.position(i), bodies.acceleration(i), exact.acceleration(i));
        let difference: [f64; 3] = std::array::from_fn(|axis| found[axis] - exact[axis]);
        squares += (norm(difference) / norm(exact)).powi(2);
        let along = |a: [f64; 3]| (0..3).map(|axis| x[axis] * a[axis]).sum::<f64>();
        error += along(difference);
        virial += along(exact);
    }
    [(squares / bodies.len() as f64).sqrt(), error / virial]
}

#[test]
fn errors_of_softened_cells_have_no_common_sign() {
    for kernel in [SofteningKernel::Spline, SofteningKernel::Plummer] {
        let mut engine = Engine::new(&Forces::of_accuracy(1e-3, Walk::Fmm, None, softening(kernel)));
        let found = engine.evaluate(&Solo, sphere(), &Plan::default()).unwrap();
        let cells = found.census.interactions.cell_cell;
        let [rms, virial] = errors(&found.bodies, engine.gravity());
        println!(
            "{kernel:?}: rms {rms:.2e}, virial {virial:+.2e}, {cells} cells, order {}",
            engine.gravity().order
        );
        assert!(rms > 2e-4 && cells > 0, "{kernel:?}: {rms}, {cells} cells: nothing is tested");
        assert!(virial.abs() < 0.12 * rms, "{kernel:?}: virial {virial:+.2e} at rms {rms:.2e}");
    }
}

/// Bodies that leave their cells spread. The moments of the cells follow, so the error of the
/// virial is not that of too compact cells.
#[test]
fn moments_of_softened_cells_follow_bodies_that_spread() {
    for kernel in [SofteningKernel::Spline, SofteningKernel::Plummer] {
        let mut engine = Engine::new(&Forces::of_accuracy(1e-3, Walk::Fmm, None, softening(kernel)));
        let plan = Plan { ahead: 8.0, ..Plan::default() };
        let mut found = engine.evaluate(&Solo, sphere(), &plan).unwrap();
        leapfrog::drift(&mut found.bodies, 0.1);
        let drifted = found.again(&Solo, engine.gravity(), &plan, Moments::Drifted);
        let [rms, virial] = errors(&drifted.bodies, engine.gravity());
        let fresh = drifted.again(&Solo, engine.gravity(), &plan, Moments::Fresh);
        let [fresh_rms, _] = errors(&fresh.bodies, engine.gravity());
        println!("{kernel:?}: rms {rms:.2e}, virial {virial:+.2e}, fresh rms {fresh_rms:.2e}");
        assert!(rms > 1.1 * fresh_rms, "{kernel:?}: {rms} and {fresh_rms}: nothing is tested");
        assert!(virial.abs() < 0.08 * rms, "{kernel:?}: virial {virial:+.2e} at rms {rms:.2e}");
    }
}
