//! One call that computes the forces between bodies on one node.

use crate::tree::structure::{self, Structure};
use crate::{
    Bodies, Census, Criterion, Cube, Error, Frame, Gravity, Key, Part, Selection, Walk, kernel::direct,
    kernel::lattice, tree::index,
};

/// Computes acceleration [L/T^2], potential [L^2/T^2] and work of all bodies, in parallel. The
/// bodies stay in the caller's order. Ids need not be unique.
///
/// The relative criterion uses the accelerations that the bodies have. If no body has one, an
/// evaluation with an opening angle computes them first.
///
/// ```
/// use heorot_treecode::{Bodies, Gravity, SofteningKernel, accelerations};
///
/// let gravity = Gravity::builder().softening(SofteningKernel::Spline, 0.1).build()?;
/// let mass = vec![1.0, 2.0];
/// let pos = [vec![0.0, 3.0], vec![0.0, 4.0], vec![0.0, 0.0]];
/// let at_rest = [vec![0.0; 2], vec![0.0; 2], vec![0.0; 2]];
/// let mut bodies = Bodies::new(mass, pos, at_rest)?;
/// accelerations(&mut bodies, &gravity)?;
/// assert!((bodies.acc[1][0] - 2.0 / 25.0 * 0.8).abs() < 1e-6); // G m / r^2 along y
/// assert!((bodies.pot[1] + 1.0 / 5.0).abs() < 1e-6); // -G m / r
/// # Ok::<(), heorot_treecode::Error>(())
/// ```
///
/// # Errors
/// - A parameter is outside its range.
/// - A body has a value that is not allowed.
/// - There are no bodies.
/// - There are more bodies or cells than 32-bit indices can number.
pub fn accelerations(bodies: &mut Bodies, gravity: &Gravity) -> Result<Census, Error> {
    gravity.check()?;
    let survey = bodies.survey()?;
    if bodies.is_empty() {
        return Err(Error::NoBodies);
    }
    survey.check_scale(gravity.constant)?;
    index::check_bodies(bodies.len())?;

    // The ids of the copy are the places in the caller's order.
    let mut sorted = bodies.clone();
    sorted.id.iter_mut().zip(0..).for_each(|(id, place)| *id = place);
    sorted.wrap(gravity.domain);
    let cube = Cube::of(gravity.domain, &survey.bounds, 0);
    let keys = crate::sort(&mut sorted, &cube);
    let mut census = Census::default();
    if gravity.walk == Walk::Direct {
        let sources = sorted.clone();
        direct::walk(&sources, 0, gravity, Selection::default(), &mut sorted, &mut census);
    } else {
        let structure = structure::grow(&keys, &Key::CURVE, gravity.leaf_size);
        index::check_tiles(structure.tiles.len())?;
        let frame = Frame::new(cube, survey.mass * bodies.massive() as f64);
        if gravity.criterion == Criterion::Relative && !survey.accelerated {
            compute(frame, &gravity.estimate(), &structure, &mut sorted, &mut census);
        }
        compute(frame, gravity, &structure, &mut sorted, &mut census);
    }
    for (i, place) in sorted.id.iter().enumerate() {
        let place = *place as usize;
        (0..3).for_each(|axis| bodies.acc[axis][place] = sorted.acc[axis][i]);
        (bodies.pot[place], bodies.work[place]) = (sorted.pot[i], sorted.work[i]);
    }
    Ok(census)
}

fn compute(frame: Frame, gravity: &Gravity, structure: &Structure, bodies: &mut Bodies, census: &mut Census) {
    let frame = frame.for_bodies(gravity, bodies.sum_for_typical(), bodies.len() as u64);
    let part = Part::new(frame, gravity, bodies, structure, Selection::default());
    let mut tree = part.complete(bodies.len() as u64);
    if gravity.domain.is_periodic() {
        tree.set_far_images(&lattice::moments(&frame, bodies, structure, gravity.group_size));
    }
    tree.compute(bodies, census);
}
