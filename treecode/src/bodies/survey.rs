//! One pass over all bodies that checks their values and finds their extent.

use crate::{Bodies, Bounds, Error, TYPES};
use rayon::prelude::*;
use std::ops::Range;

/// Greatest coordinate [L]. The side of a cube can be several times as large and must not overflow.
const FARTHEST: f64 = 1e300;

/// The number of bodies of a task.
const SPAN: usize = 1 << 14;

/// The extent of bodies with allowed values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Survey {
    /// The box around all bodies [L].
    pub bounds: Bounds,
    /// Greatest mass [M], 0 if all bodies are massless; minus infinity if there are no bodies.
    pub mass: f64,
    /// Whether any acceleration is not zero.
    pub accelerated: bool,
    /// Whether any body is massless.
    pub tracers: bool,
}

impl Bodies {
    /// Checks the values of all bodies. Positions, velocities, accelerations and potentials must be
    /// finite, masses finite and not negative, types below [`TYPES`]. Coordinates are at most
    /// 1e300, so that no cube around them overflows.
    ///
    /// # Errors
    /// [`Error::Body`] names the first body that has the first such fault.
    pub fn check(&self) -> Result<(), Error> {
        self.survey().map(|_| ())
    }

    /// Checks the bodies as [`Bodies::check`] does, and returns their extent from the same pass
    /// over memory.
    ///
    /// # Errors
    /// As [`Bodies::check`].
    pub fn survey(&self) -> Result<Survey, Error> {
        let spans = (0..self.len().div_ceil(SPAN)).into_par_iter();
        spans
            .map(|span| self.survey_span(span * SPAN..self.len().min((span + 1) * SPAN)))
            .try_reduce(|| Survey::NOTHING, |a, b| Some(a.and(&b)))
            .ok_or_else(|| self.first_fault())
    }

    /// Returns `None` if a body of the range has a fault.
    fn survey_span(&self, range: Range<usize>) -> Option<Survey> {
        let of = |array: &Vec<f64>| extent(&array[range.clone()]);
        let all = |arrays: &[Vec<f64>; 3]| {
            let [x, y, z] = arrays.each_ref().map(of);
            Some([x?, y?, z?])
        };
        let (pos, mass, acc) = (all(&self.pos)?, of(&self.mass)?, all(&self.acc)?);
        all(&self.vel)?;
        of(&self.pot)?;
        let near = pos.iter().flatten().all(|x| x.abs() <= FARTHEST);
        let sound =
            near && mass[0] >= 0.0 && self.kind[range.clone()].iter().all(|kind| usize::from(*kind) < TYPES);
        let accelerated = acc.iter().flatten().any(|x| *x != 0.0);
        let bounds = Bounds { lo: pos.map(|x| x[0]), hi: pos.map(|x| x[1]) };
        sound.then_some(Survey { bounds, mass: mass[1], accelerated, tracers: mass[0] == 0.0 })
    }

    /// The fault to report for bodies that have one.
    fn first_fault(&self) -> Error {
        let wrong = |i: usize, what, value, expected| Error::Body { id: self.id[i], what, value, expected };
        let numbers = [
            ("position", &self.pos[..]),
            ("velocity", &self.vel),
            ("acceleration", &self.acc),
            ("potential", std::slice::from_ref(&self.pot)),
        ];
        for (what, arrays) in numbers {
            for array in arrays {
                if let Some(i) = array.iter().position(|x| !x.is_finite()) {
                    return wrong(i, what, array[i], "finite");
                }
            }
        }
        for array in &self.pos {
            if let Some(i) = array.iter().position(|x| x.abs() > FARTHEST) {
                return wrong(i, "position", array[i], "from -1e300 to 1e300");
            }
        }
        if let Some(i) = self.mass.iter().position(|mass| !(*mass >= 0.0 && mass.is_finite())) {
            return wrong(i, "mass", self.mass[i], "0 or above, and finite");
        }
        let i = self.kind.iter().position(|kind| usize::from(*kind) >= TYPES).expect("there is a fault");
        wrong(i, "particle type", f64::from(self.kind[i]), "from 0 to 5")
    }
}

/// Least and greatest extent of all bodies [L]. Cubes of distances, also divided by masses, stay in
/// the range of double precision.
const LENGTHS: [f64; 2] = [1e-60, 1e60];
/// Least and greatest typical acceleration [L/T^2]. Its square stays in the range of double
/// precision.
const ACCELERATIONS: [f64; 2] = [1e-120, 1e120];

impl Survey {
    /// Checks that squares and cubes of distances and accelerations neither overflow nor underflow.
    /// `constant` is the gravitational constant [L^3/(M T^2)]. Bodies that are all at one place
    /// pass, because none attracts another. Bodies that are all massless have no acceleration to check.
    ///
    /// # Errors
    /// [`Error::Scale`] names the quantity that is too small or too large.
    pub fn check_scale(&self, constant: f64) -> Result<(), Error> {
        let Bounds { lo, hi } = self.bounds;
        let extent = self.bounds.extent();
        let reach = (0..3).map(|axis| lo[axis].abs().max(hi[axis].abs())).fold(0.0, f64::max);
        let check = |what, value: f64, [least, most]: [f64; 2]| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(Error::Scale { what, value, least, most }),
        };
        if reach > 0.0 {
            check("the distance of the bodies from the origin", reach, LENGTHS)?;
        }
        if extent == 0.0 {
            return Ok(());
        }
        check("the extent of the bodies", extent, LENGTHS)?;
        if self.mass == 0.0 {
            return Ok(());
        }
        check("G mass / extent^2 of the bodies", constant * self.mass / (extent * extent), ACCELERATIONS)
    }

    /// The survey of no bodies.
    const NOTHING: Survey =
        Survey { bounds: Bounds::NOTHING, mass: f64::NEG_INFINITY, accelerated: false, tracers: false };

    /// The survey of two sets of bodies together.
    fn and(&self, other: &Survey) -> Survey {
        Survey {
            bounds: self.bounds.and(&other.bounds),
            mass: self.mass.max(other.mass),
            accelerated: self.accelerated || other.accelerated,
            tracers: self.tracers || other.tracers,
        }
    }
}

/// Least and greatest value; a zero is always positive. `None` if a value is not finite.
fn extent(values: &[f64]) -> Option<[f64; 2]> {
    const LANES: usize = 8;
    let (mut lo, mut hi, mut zero) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES], [0.0; LANES]);
    let mut take = |lane: usize, x: f64| {
        lo[lane] = if x < lo[lane] { x } else { lo[lane] };
        hi[lane] = if x > hi[lane] { x } else { hi[lane] };
        zero[lane] += x * 0.0; // NaN if x is not finite
    };
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        (0..LANES).for_each(|lane| take(lane, chunk[lane]));
    }
    rest.iter().for_each(|x| take(0, *x));
    let finite = zero.iter().all(|zero| *zero == 0.0);
    finite.then(|| {
        [
            lo.into_iter().fold(f64::INFINITY, f64::min) + 0.0,
            hi.into_iter().fold(f64::NEG_INFINITY, f64::max) + 0.0,
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_that_numbers_do_not_hold_are_named() {
        let survey = |lo: f64, hi: f64, mass| Survey {
            bounds: Bounds { lo: [lo; 3], hi: [hi; 3] },
            mass,
            accelerated: false,
            tracers: false,
        };
        let refused = |survey: Survey, constant| match survey.check_scale(constant) {
            Ok(()) => "",
            Err(Error::Scale { what, .. }) => what.rsplit(' ').next().unwrap(),
            Err(other) => panic!("{other}"),
        };
        for (lo, hi) in [(0.0, 0.0), (1.0, 1.0), (-1e-3, 1e16), (-1e-50, 1e-50), (0.0, 1e50)] {
            assert_eq!(refused(survey(lo, hi, 1.0), 1.0), "", "{lo} {hi}");
        }
        assert_eq!(refused(survey(1.0, 1.0 + 1e-15, 1.0), 1.0), "");
        assert_eq!(refused(survey(0.0, 1e-200, 1.0), 1.0), "origin");
        assert_eq!(refused(survey(0.0, 1e100, 1.0), 1.0), "origin");
        assert_eq!(refused(survey(1e-100, 1e-100, 1.0), 1.0), "origin");
        assert_eq!(refused(survey(0.0, 1e20, 1e-300), 1.0), "bodies");
        assert_eq!(refused(survey(0.0, 1.0, 1e100), 1e50), "bodies");
        assert_eq!(refused(survey(0.0, 1.0, 0.0), 1.0), "");
        assert_eq!(refused(survey(0.0, 1e100, 0.0), 1.0), "origin");
    }

    #[test]
    fn the_bad_body_is_named() {
        let mut good = Bodies::zeroed(5);
        good.mass.fill(1.0);
        assert_eq!(good.check(), Ok(()));
        good.mass[2] = 0.0;
        assert_eq!(good.check(), Ok(()), "a massless body");
        type Spoil = fn(&mut Bodies);
        let cases: [(Spoil, &str); 7] = [
            (|b| b.pos[1][3] = -1.1e300, "must be from -1e300 to 1e300"),
            (|b| b.pos[2][3] = f64::NAN, "position is NaN"),
            (|b| b.vel[0][3] = f64::INFINITY, "velocity is inf"),
            (|b| b.pot[3] = f64::NAN, "potential is NaN"),
            (|b| b.mass[3] = -1.0, "mass is -1"),
            (|b| b.mass[3] = f64::NAN, "mass is NaN"),
            (|b| b.kind[3] = 6, "particle type is 6"),
        ];
        for (spoil, message) in cases {
            let mut bodies = good.clone();
            spoil(&mut bodies);
            let error = bodies.check().unwrap_err().to_string();
            assert!(error.contains("id 3") && error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_survey_finds_the_box_mass_and_accelerations_wherever_they_are() {
        let n = 2 * SPAN + 5;
        for i in [0, 7, SPAN, n - 1] {
            let mut bodies = Bodies::zeroed(n);
            bodies.mass.fill(1.0);
            let plain =
                Survey { bounds: Bounds::at([0.0; 3]), mass: 1.0, accelerated: false, tracers: false };
            assert_eq!(bodies.survey(), Ok(plain));
            (bodies.pos[0][i], bodies.pos[1][i], bodies.mass[i], bodies.acc[2][i]) =
                (-2.0, 3.0, 4.0, -1e-300);
            let bounds = Bounds { lo: [-2.0, 0.0, 0.0], hi: [0.0, 3.0, 0.0] };
            let expected = Survey { bounds, mass: 4.0, accelerated: true, tracers: false };
            assert_eq!(bodies.survey(), Ok(expected));
            bodies.mass[i] = 0.0;
            assert_eq!(bodies.survey(), Ok(Survey { mass: 1.0, tracers: true, ..expected }));
            bodies.acc[2][i] = f64::NAN;
            assert!(bodies.survey().is_err());
        }
        assert_eq!(Bodies::default().survey(), Ok(Survey::NOTHING));
    }
}
