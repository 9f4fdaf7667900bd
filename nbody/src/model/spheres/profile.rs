//! Density profiles of spheres. Units of the file: the scale radius is 1, and the unit of density
//! is arbitrary.

use serde::{Deserialize, Serialize};
use treecode::math;

/// The density profile of a sphere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Plummer (1911): a core, and density as r^-5 outside.
    Plummer,
    /// Hernquist (1990): a cusp r^-1, and a density that falls as r^-4, like an elliptical galaxy.
    Hernquist,
    /// Jaffe (1983): a cusp as r^-2, and density as r^-4 outside.
    Jaffe,
    /// Hénon (1959): a core, and a density that falls as r^-4; radial periods depend on the energy
    /// alone.
    Isochrone,
    /// Navarro, Frenk & White (1996): a cusp r^-1, and a density that falls as r^-3, like a dark
    /// matter halo.
    Nfw,
}

/// A density and its slope.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Density {
    /// Density, up to a constant factor.
    pub value: f64,
    /// Logarithmic slope d ln(density) / d ln(radius).
    pub slope: f64,
}

impl Profile {
    /// Density at `radius` [scale radii].
    pub fn density(self, radius: f64) -> Density {
        let r = radius;
        let (value, slope) = match self {
            Profile::Plummer => (math::powf(1.0 + r * r, -2.5), -5.0 * r * r / (1.0 + r * r)),
            Profile::Hernquist => (1.0 / (r * (1.0 + r).powi(3)), -1.0 - 3.0 * r / (1.0 + r)),
            Profile::Jaffe => (1.0 / (r * (1.0 + r)).powi(2), -2.0 - 2.0 * r / (1.0 + r)),
            Profile::Isochrone => {
                let a = (1.0 + r * r).sqrt();
                let falls = 2.0 * a / ((2.0 * a + 1.0) * (1.0 + a)) + 3.0 / a;
                ((2.0 * a + 1.0) / ((1.0 + a).powi(2) * a.powi(3)), -r * r / a * falls)
            }
            Profile::Nfw => (1.0 / (r * (1.0 + r).powi(2)), -1.0 - 2.0 * r / (1.0 + r)),
        };
        Density { value, slope }
    }

    /// Density with a taper sech(radius / cut). The taper gives a profile a finite mass (McMillan &
    /// Dehnen 2007, MNRAS 378, 541, section 2.1).
    pub fn tapered(self, radius: f64, cut: f64) -> Density {
        let Density { value, slope } = self.density(radius);
        let x = radius / cut;
        Density { value: value / math::cosh(x), slope: slope - x * math::tanh(x) }
    }
}
