//! Checks that positions in the frame of the tree resolve the distances between bodies.
//!
//! The tree measures coordinates from a corner of the cube around all bodies. Their resolution is at best
//! 2^-53 of its side. One body that is far away from all others makes the side so large that the positions
//! of the others are rounded too coarsely.
//!
//! Within a leaf, positions have single precision only. This matters for pairs that are much closer
//! together than their leaf is large. It is checked after the first force evaluation.

use crate::console::warn;
use crate::parameters::errors::GO_ON;
use crate::ranks::crew::Crew;
use anyhow::{Result, anyhow, bail};
use decomposition::{Comm, Reduction, collective, survey_all};
use nbody::accuracy::TooClose;
use nbody::forces::{Forces, Pairs};
use std::path::Path;
use treecode::{Bodies, Cube, TYPES};

/// Greatest rounding error, as a fraction of the distance between neighbours, or of the softening
/// length if that is larger.
const TOLERATED: f64 = 1.0 / 1024.0;

/// Checks the resolution before forces are computed. With `allow_missed`, a fault is only a
/// warning. The distance between neighbours is estimated from the half of the bodies that is
/// nearest to the median, so that neither a few distant bodies nor a dense centre affects it.
/// Collective.
///
/// # Errors
/// On every rank, naming the file and the body that is farthest from the median.
pub fn check(crew: &Crew, file: Option<&Path>, bodies: &Bodies, forces: &Forces) -> Result<()> {
    let fault = fault(crew.comm, bodies, forces)?;
    refuse(crew, file, fault, forces.allow_missed)
}

/// Warns of close pairs that the first evaluation has found but that are not an error.
pub fn warn_of_pairs(crew: &Crew, file: Option<&Path>, pairs: &Pairs) {
    let gain = |found: &TooClose| {
        format!(
            "{}; leaves have one body each (leaf_size = 1), which is slower; the force error was {:.1e}",
            found.words(),
            found.error
        )
    };
    let news = pairs.fault().or_else(|| pairs.refined.as_ref().map(gain));
    if let Some(news) = news
        && crew.leads()
    {
        warn(&name_file(file, &news));
    }
}

/// An error if there is a fault; with `allow_missed`, only a warning.
fn refuse(crew: &Crew, file: Option<&Path>, fault: Option<String>, allow_missed: bool) -> Result<()> {
    let Some(fault) = fault else { return Ok(()) };
    let fault = name_file(file, &fault);
    if !allow_missed {
        bail!("{fault}; {GO_ON}");
    }
    if crew.leads() {
        warn(&fault);
    }
    Ok(())
}

/// The text with the file of the bodies in front.
fn name_file(file: Option<&Path>, text: &str) -> String {
    file.map_or(text.to_owned(), |file| format!("{}: {text}", file.display()))
}

fn fault(comm: &dyn Comm, bodies: &Bodies, forces: &Forces) -> Result<Option<String>> {
    let Some(survey) = survey_all(comm, bodies).map_err(|fault| anyhow!(fault))? else { return Ok(None) };
    if survey.check_scale(forces.gravity.constant).is_err() {
        return Ok(None); // the evaluation says what is wrong
    }
    let resolution = Cube::around(survey.bounds.lo, survey.bounds.hi).side * (0.5 * f64::EPSILON);
    let all = collective::sum(comm, bodies.len() as u64);
    let middle = [0, 1, 2].map(|axis| select(comm, &bodies.pos[axis], (all - 1) / 2));
    let distance = |i: usize| {
        bodies.position(i).iter().zip(middle).map(|(x, middle)| (x - middle).abs()).fold(0.0, f64::max)
    };
    let distances: Vec<f64> = (0..bodies.len()).map(distance).collect();
    let half = (all / 2).min(all - 1);
    let radius = select(comm, &distances, half);
    let spacing = radius / treecode::math::cbrt((half + 1) as f64);
    let softening =
        (0..TYPES as u8).map(|kind| forces.gravity.softening.shortest(kind)).fold(f64::INFINITY, f64::min);
    let needed = spacing.max(softening);
    // If half of the bodies are at one place and none is softened, there is no distance to resolve.
    if needed == 0.0 || resolution <= TOLERATED * needed {
        return Ok(None);
    }
    let farthest = select(comm, &distances, all - 1);
    let ids = distances.iter().zip(&bodies.id).filter(|(distance, _)| **distance == farthest);
    let mut id = [ids.map(|(_, id)| *id).min().unwrap_or(u64::MAX)];
    comm.all_reduce(&mut id, Reduction::Min);
    Ok(Some(format!(
        "the extent of the bodies is too large: the body with id {} is {farthest:.1e} away from the middle of all, so that positions are resolved to \
         {resolution:.1e} only, but neighbours are some {spacing:.1e} apart, and forces are softened over {softening:.1e}; leave out what is so far away",
        id[0]
    )))
}

/// The value with the index `place` in the ascending order of the values of all ranks. Collective.
fn select(comm: &dyn Comm, values: &[f64], place: u64) -> f64 {
    const SIGN: u64 = 1 << 63;
    // Whole numbers in the order of the values.
    let ordered = |value: f64| {
        let bits = value.to_bits();
        if bits & SIGN == 0 { bits | SIGN } else { !bits }
    };
    let (mut prefix, mut place) = (0u64, place);
    for byte in (0..8).rev() {
        let shift = 8 * byte;
        let above = |number: u64| number.checked_shr(shift + 8).unwrap_or(0);
        let mut counts = [0u64; 256];
        for number in values.iter().map(|value| ordered(*value)).filter(|&number| above(number) == prefix) {
            counts[(number >> shift & 0xff) as usize] += 1;
        }
        comm.all_reduce(&mut counts, Reduction::Sum);
        let mut next = 0;
        while place >= counts[next] {
            place -= counts[next];
            next += 1;
        }
        prefix = prefix << 8 | next as u64;
    }
    f64::from_bits(if prefix & SIGN == 0 { !prefix } else { prefix & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::{Solo, threads};
    use treecode::{Gravity, Softening, SofteningKernel};

    fn forces(softening: f64) -> Forces {
        let softening =
            Softening { kernel: SofteningKernel::Spline, length: [softening; 6], ..Softening::default() };
        Forces { accuracy: None, gravity: Gravity { softening, ..Gravity::default() }, ..Forces::default() }
    }

    /// A lattice of side two about a place, and perhaps one body far away.
    fn lattice(n: usize, about: f64, outlier: Option<f64>) -> Bodies {
        let mut bodies = Bodies::zeroed(n * n * n + usize::from(outlier.is_some()));
        bodies.mass.fill(1.0);
        for i in 0..n * n * n {
            let place = [i % n, i / n % n, i / n / n];
            (0..3).for_each(|axis| bodies.pos[axis][i] = about + 2.0 * place[axis] as f64 / n as f64 - 1.0);
        }
        if let Some(far) = outlier {
            bodies.pos[1][n * n * n] = far;
        }
        bodies
    }

    #[test]
    fn a_value_is_found_at_its_place_on_any_ranks() {
        let values = [3.0, -1e300, 0.0, 5e-324, -2.5, 3.0, 1e300, -0.0, 7.25, -2.5, 1.0];
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        for ranks in [1, 2, 5, 16] {
            let found = threads::run(ranks, |comm| {
                let mine: Vec<f64> = values.iter().copied().skip(comm.rank()).step_by(ranks).collect();
                (0..values.len() as u64).map(|place| select(comm, &mine, place)).collect::<Vec<_>>()
            });
            for found in found {
                assert_eq!(
                    found.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                    sorted.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
                );
            }
        }
    }

    #[test]
    fn an_outlier_that_takes_the_resolution_of_all_is_named() {
        for (far, softening, is_fault) in [
            (1e16, 0.02, true),
            (1e14, 0.02, true),
            (1e14, 0.0, true),
            (1e9, 0.02, false),
            (1e9, 0.0, false),
            // What is softened needs no finer places.
            (1e14, 1e3, false),
        ] {
            for about in [0.0, -3e4] {
                let bodies = lattice(7, about, Some(far));
                let found = threads::run(3, |comm| {
                    let mut mine = bodies.clone();
                    mine.permute(&(0..344).filter(|i| *i as usize % 3 == comm.rank()).collect::<Vec<u32>>());
                    fault(comm, &mine, &forces(softening)).unwrap()
                });
                assert_eq!(found[0].is_some(), is_fault, "{far} {softening} {about}: {found:?}");
                assert!(found.iter().all(|one| *one == found[0]), "ranks disagree");
                if let Some(fault) = &found[0] {
                    assert!(fault.contains("the body with id 343 is 1.0e1"), "{fault}");
                }
            }
        }
    }

    #[test]
    fn bodies_that_lie_as_they_may_pass() {
        let none = |bodies: Bodies, softening| fault(&Solo, &bodies, &forces(softening)).unwrap().is_none();
        for softening in [0.0, 1e-9, 0.1] {
            assert!(none(lattice(7, 0.0, None), softening));
            assert!(none(lattice(1, 0.0, None), softening), "one body");
            assert!(none(lattice(1, 5.0, Some(1e14)), softening), "two bodies");
            assert!(none(Bodies::default(), softening), "none");
        }
        let mut same = lattice(3, 0.0, None);
        (0..3).for_each(|axis| same.pos[axis].fill(1e5));
        assert!(none(same.clone(), 0.0) && none(same, 1e-3), "all at one place");
        // A cusp: half of the bodies within 1e-4 of the extent, some at distances of 1e-9.
        let mut cusp = lattice(9, 0.0, None);
        for i in 0..cusp.len() {
            let scale = treecode::math::powf(i as f64 / cusp.len() as f64, 12.0);
            (0..3).for_each(|axis| cusp.pos[axis][i] *= scale);
        }
        assert!(none(cusp, 0.0));
    }
}
