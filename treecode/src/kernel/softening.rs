//! Softening of the force at short distances, per particle type.
//!
//! Spline: a pair uses the larger of its two lengths, and is Newtonian beyond h = 2.8 length
//! (Springel, Yoshida & White 2001, eq. 71).
//!
//! Plummer: a pair uses the root mean square of its two lengths. A cell of mixed types can
//! therefore use a mean length, which is correct to first order. It is accepted only beyond
//! `MIXED_REACH` lengths.

use crate::{Frame, Softening, SofteningKernel, TYPES};

/// Support of the spline in units of the Plummer-equivalent length.
pub(crate) const SPLINE_SUPPORT: f64 = 2.8;
/// A pair term of the spline above this value means no softening: h is far below the resolution of
/// positions.
pub(crate) const UNSOFTENED: f32 = 1e12;
/// Distance, in lengths, from which a cell of several Plummer lengths is accepted with their mean.
const MIXED_REACH: f64 = 8.0;

impl Softening {
    /// Whether cells need the full expansion: the kernel is Plummer's, and a length is above 0.
    pub fn is_plummer(&self) -> bool {
        self.kernel == SofteningKernel::Plummer && self.length.iter().any(|length| *length > 0.0)
    }

    /// Whether nothing is softened.
    pub fn is_none(&self) -> bool {
        self.length.iter().all(|length| *length == 0.0)
    }
}

/// A [`Softening`] in units of a [`Frame`].
#[derive(Clone, Debug)]
pub(crate) struct Softened {
    pub(crate) kernel: SofteningKernel,
    pub(crate) none: bool,
    length: [f64; TYPES],
    mixed: bool,
}

impl Softened {
    pub(crate) fn new(softening: &Softening, frame: &Frame) -> Softened {
        let length = softening.length.map(|length| length / frame.length);
        let mixed = length.iter().any(|other| *other != length[0]);
        Softened { kernel: softening.kernel, none: softening.is_none(), length, mixed }
    }

    /// Distance within which a cell with a body of this type must be opened.
    pub(crate) fn reach(&self, kind: u8) -> f64 {
        let length = self.length[usize::from(kind)];
        match self.kernel {
            SofteningKernel::Spline => SPLINE_SUPPORT * length,
            SofteningKernel::Plummer if self.mixed => MIXED_REACH * length,
            SofteningKernel::Plummer => 0.0,
        }
    }

    /// Squared Plummer length of a particle type.
    pub(crate) fn length2(&self, kind: u8) -> f64 {
        self.length[usize::from(kind)].powi(2)
    }

    /// The number that the kernels combine for a pair. Spline: 1/h, and the pair uses the smaller.
    /// Plummer: half the squared length, and the pair uses the sum.
    pub(crate) fn pair_term(&self, kind: u8) -> f32 {
        match self.kernel {
            SofteningKernel::Spline => {
                let h = SPLINE_SUPPORT * self.length[usize::from(kind)];
                ((1.0 / h) as f32).min(2.0 * UNSOFTENED)
            }
            SofteningKernel::Plummer => (0.5 * self.length2(kind)) as f32,
        }
    }

    /// Potential of a unit mass at its own place. The pair sums include it; the field does not.
    pub(crate) fn own_potential(&self, kind: u8) -> f64 {
        let length = self.length[usize::from(kind)];
        if length > 0.0 { 1.0 / length } else { 0.0 }
    }
}
