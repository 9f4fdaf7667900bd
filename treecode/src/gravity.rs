//! The parameters of a force evaluation.

use crate::kernel::softening::SPLINE_SUPPORT;
use crate::{Domain, Error, Softening, SofteningKernel, TYPES};
use serde::{Deserialize, Serialize};

/// How forces are computed. [`Gravity::builder`] checks the values; every evaluation checks them
/// again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gravity {
    /// Gravitational constant [L^3/(M T^2)].
    #[serde(skip)]
    pub constant: f64,
    /// The space that the bodies live in. In a periodic box the field is that of all images and of
    /// a uniform background of the opposite mass.
    #[serde(skip)]
    pub domain: Domain,
    /// The walk that computes the interactions.
    pub walk: Walk,
    /// The multipole acceptance criterion: when a cell is far enough to stand for its bodies.
    pub criterion: Criterion,
    /// Opening angle of `criterion = "angle"` [rad]. Smaller is more accurate.
    pub theta: f64,
    /// Error allowed for one cell. With `criterion = "relative"` a fraction of the last
    /// acceleration, with `criterion = "absolute"` an acceleration [L/T^2]. Smaller is more
    /// accurate.
    pub tolerance: f64,
    /// Order of the multipole expansion: 1 monopole (the dipole about the centre of mass is zero),
    /// 2 quadrupole, 3 octupole, 4 hexadecapole, up to 6. The local expansions of the fmm walk go
    /// one order higher.
    pub order: usize,
    /// A cell with more bodies than this is split.
    pub leaf_size: usize,
    /// The largest cells with at most this number of bodies walk the tree as one sink group. Not
    /// below `leaf_size`.
    pub group_size: usize,
    /// Softening of the force at short distances.
    pub softening: Softening,
}

/// The walk that computes the interactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walk {
    /// The bodies of a sink group share one interaction list of cells and bodies (Barnes 1990).
    Tree,
    /// Cells act on cells, and local expansions pass down to the bodies (Dehnen 2002).
    Fmm,
    /// Every body acts on every other body, in double precision. For few bodies.
    Direct,
}

/// The multipole acceptance criterion. Every criterion *accepts* a cell that is far enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Barnes & Hut (1986), with the guard of Barnes (1994) for a centre of mass far from the
    /// centre of the cell.
    Angle,
    /// The error bound of Salmon & Warren (1994) is below `tolerance`.
    Absolute,
    /// The estimated error is below `tolerance` times the last acceleration of the sink (Springel
    /// 2005). The first evaluation of a run computes that acceleration with `angle`.
    Relative,
}

/// Highest order of [`Gravity::estimate`].
const ESTIMATE_ORDER: usize = 3;

/// Settings for a force error of about 1e-3 (root mean square); see docs/performance.md.
impl Default for Gravity {
    fn default() -> Self {
        Gravity {
            constant: 1.0,
            domain: Domain::Open,
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

impl Gravity {
    /// The highest order of the expansion of the Newtonian potential.
    pub const MAX_ORDER: usize = 6;
    /// The highest order of the expansion of softened potentials. Beyond it there is none for Plummer
    /// softening, and with the spline cells act only beyond the softening.
    pub const MAX_SOFTENED_ORDER: usize = 4;

    /// Starts from the defaults: a force error of about 1e-3 (root mean square), G = 1, no
    /// softening.
    ///
    /// ```
    /// use heorot_treecode::{Gravity, SofteningKernel};
    /// let spline = SofteningKernel::Spline;
    /// let gravity = Gravity::builder().tolerance(1e-3).softening(spline, 0.01).build()?;
    /// assert_eq!(gravity.order, 3);
    /// assert!(Gravity::builder().order(9).build().is_err());
    /// # Ok::<(), heorot_treecode::Error>(())
    /// ```
    #[must_use]
    pub fn builder() -> GravityBuilder {
        GravityBuilder(Gravity::default())
    }

    /// Settings of the evaluation that computes the first accelerations, which the relative
    /// criterion starts from: an opening angle and a low order. Errors of these accelerations
    /// hardly matter.
    #[must_use]
    pub fn estimate(&self) -> Gravity {
        Gravity { criterion: Criterion::Angle, order: self.order.min(ESTIMATE_ORDER), ..self.clone() }
    }

    /// Whether the expansions of cells are softened, so that cells may act within the softening. In the
    /// tree walk with the spline they are not: there cells act on bodies, and cost more than they save.
    pub(crate) fn softens_cells(&self) -> bool {
        let spline = self.walk == Walk::Fmm
            && self.order <= Self::MAX_SOFTENED_ORDER
            && !self.softening.is_none()
            && !self.domain.is_periodic();
        self.softening.is_plummer() || spline
    }

    /// Checks every parameter against its range.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter that is outside its range.
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
        self.softening.check()?;
        self.domain.check()?;
        let Domain::Periodic { side } = self.domain else { return Ok(()) };
        if self.softening.is_plummer() {
            return wrong("softening.kernel", &"plummer", "spline in a periodic box");
        }
        match self.softening.named_lengths().find(|(_, length)| 2.0 * SPLINE_SUPPORT * length > side) {
            Some((name, length)) => wrong(name, &length, "below 0.17 sides of the periodic box"),
            None => Ok(()),
        }
    }
}

/// Sets the parameters of a [`Gravity`] one by one. The fields of [`Gravity`] explain them.
#[derive(Clone, Debug)]
pub struct GravityBuilder(Gravity);

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),*) => {
        impl GravityBuilder {
            $($(#[$doc])* #[must_use] pub fn $name(mut self, $name: $type) -> GravityBuilder {
                self.0.$name = $name;
                self
            })*
        }
    };
}

setters! {
    /// Gravitational constant [L^3/(M T^2)].
    constant: f64,
    /// The space that the bodies live in.
    domain: Domain,
    /// The walk.
    walk: Walk,
    /// The multipole acceptance criterion.
    criterion: Criterion,
    /// Opening angle of the angle criterion [rad].
    theta: f64,
    /// Error allowed for one cell by the criteria `absolute` and `relative`.
    tolerance: f64,
    /// Order of the multipole expansion.
    order: usize,
    /// A cell with more bodies than this is split.
    leaf_size: usize,
    /// The greatest number of bodies that share an interaction list
    group_size: usize
}

impl GravityBuilder {
    /// Softening with one length [L] for all particle types.
    #[must_use]
    pub fn softening(self, kernel: SofteningKernel, length: f64) -> GravityBuilder {
        self.softening_by_type(kernel, [length; TYPES])
    }

    /// Softening with one length [L] for each particle type.
    #[must_use]
    pub fn softening_by_type(mut self, kernel: SofteningKernel, length: [f64; TYPES]) -> GravityBuilder {
        self.0.softening = Softening { kernel, length, ..Softening::default() };
        self
    }

    /// Returns the parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter that is outside its range.
    pub fn build(self) -> Result<Gravity, Error> {
        self.0.check()?;
        Ok(self.0)
    }
}
