//! The parameters of a force evaluation: the `[gravity]` table of a parameter file.

use crate::simd::check_path;
use crate::{Error, TYPES};
use serde::{Deserialize, Serialize};

/// How forces are computed. Field names are the keys of the `[gravity]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gravity {
    /// Gravitational constant [L^3/(M T^2)]; it follows from the units of the run, so it is no key of the table.
    #[serde(skip, default = "one")]
    pub constant: f64,
    /// Which walk computes the interactions.
    pub walk: Walk,
    /// When a cell is far enough to stand for its bodies.
    pub criterion: Criterion,
    /// Opening angle of `criterion = "angle"` [rad]; smaller is more accurate.
    pub theta: f64,
    /// Error allowed for one cell: a fraction of the last acceleration for `criterion = "relative"`, an acceleration [L/T^2] for
    /// `criterion = "absolute"`; smaller is more accurate.
    pub tolerance: f64,
    /// Order of the multipole expansion: 1 monopole (the dipole about the centre of mass is zero), 2 quadrupole, 3 octupole,
    /// 4 hexadecapole, up to 6. The fmm walk's local expansions go one order higher.
    pub order: usize,
    /// A cell with more bodies than this is split.
    pub leaf_size: usize,
    /// The largest cells with no more bodies than this walk the tree as one sink group; never below `leaf_size`.
    pub group_size: usize,
    /// Softening of the force at short distances.
    pub softening: Softening,
}

/// The walk that computes the interactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walk {
    /// A group of sinks shares an interaction list of cells and bodies (Barnes 1990).
    Tree,
    /// Cells act on cells, and local expansions pass down to the bodies (Dehnen 2002).
    Fmm,
    /// All bodies act on all, in double precision: for few bodies.
    Direct,
}

/// The opening criterion. Every criterion *accepts* a cell that is far enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Barnes & Hut (1986) with the guard of Barnes (1994) for a centre of mass far off the cell's centre.
    Angle,
    /// Error bound of Salmon & Warren (1994) below `tolerance`.
    Absolute,
    /// Estimated error below `tolerance` times the sink's last acceleration (Springel 2005). The first evaluation of a run finds
    /// that acceleration with `angle`.
    Relative,
}

/// Softening of the force at short distances. A parameter file may write it as one number, the length of all types.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Softening {
    /// Shape of the softened force.
    pub kernel: SofteningKernel,
    /// Plummer-equivalent softening length [L] of each particle type; a pair takes the larger of its two.
    pub length: [f64; TYPES],
}

/// Shape of the softened force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SofteningKernel {
    /// Potential -m / sqrt(r^2 + length^2) (Plummer 1911): softened at every distance.
    Plummer,
    /// Cubic spline of Monaghan & Lattanzio (1985) with h = 2.8 length, as in GADGET: Newtonian from h on.
    Spline,
}

fn one() -> f64 {
    1.0
}

/// Settings for a force error of about 1e-3 (rms); see docs/performance.md.
impl Default for Gravity {
    fn default() -> Self {
        Gravity {
            constant: 1.0,
            walk: Walk::Fmm,
            criterion: Criterion::Relative,
            theta: 0.5,
            tolerance: 0.003,
            order: 3,
            leaf_size: 48,
            group_size: 128,
            softening: Softening::default(),
        }
    }
}

impl Default for Softening {
    fn default() -> Self {
        Softening { kernel: SofteningKernel::Spline, length: [0.0; TYPES] }
    }
}

impl Gravity {
    /// The highest order of expansion there is.
    pub const MAX_ORDER: usize = 6;
    /// The same with Plummer softening.
    pub const MAX_SOFTENED_ORDER: usize = 4;

    /// Says which parameter is out of its range, if one is.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |name, value: &dyn ToString, expected| {
            Err(Error::Parameter { name, value: value.to_string(), expected })
        };
        if !(self.theta > 0.0 && self.theta <= 1.0) {
            return wrong("theta", &self.theta, "above 0 and at most 1");
        }
        if !(self.tolerance > 0.0 && self.tolerance.is_finite()) {
            return wrong("tolerance", &self.tolerance, "above 0 and finite");
        }
        if !(1..=Self::MAX_ORDER).contains(&self.order) {
            return wrong(
                "order",
                &self.order,
                "1 (monopole), 2 (quadrupole), 3 (octupole), 4 (hexadecapole), 5 or 6",
            );
        }
        if self.order > Self::MAX_SOFTENED_ORDER && self.softening.is_plummer() {
            return wrong(
                "order",
                &self.order,
                "at most 4 with Plummer softening; the spline has orders up to 6",
            );
        }
        if !(1..=1024).contains(&self.leaf_size) {
            return wrong("leaf_size", &self.leaf_size, "from 1 to 1024");
        }
        if !(self.leaf_size..=4096).contains(&self.group_size) {
            return wrong("group_size", &self.group_size, "from leaf_size to 4096");
        }
        check_path()?;
        match self.softening.length.iter().find(|length| !(length.is_finite() && **length >= 0.0)) {
            Some(length) => wrong("softening.length", length, "finite and not negative"),
            None => Ok(()),
        }
    }
}
