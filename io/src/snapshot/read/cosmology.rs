//! Decides whether a file belongs to a cosmological simulation.

use crate::snapshot::Universe;

/// Tolerance of the relation between scale factor and redshift. Some programs write their headers
/// in single precision.
const NEAR: f64 = 1e-3;

/// Statements of a header about cosmology.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// Explicit statement, if there is one.
    pub(crate) said: Option<bool>,
    /// The scale factor or, if there is none, the time: in a cosmological run it is the scale
    /// factor.
    pub(crate) scale_factor: f64,
    pub(crate) redshift: f64,
    pub(crate) omega_matter: f64,
    pub(crate) omega_lambda: f64,
    /// Side of the periodic box; 0 if there is none.
    pub(crate) box_size: f64,
}

impl Evidence {
    /// The reason why the file is cosmological; `None` if it is isolated.
    ///
    /// Isolated systems have redshift 0, but the rest of their header is unreliable. Many state the
    /// densities of a universe, and their time may be 1 by chance. So at redshift 0, a file is
    /// cosmological only if it has a time of 1, a density and a periodic box.
    pub(crate) fn verdict(&self) -> Option<String> {
        let Evidence { said, scale_factor, redshift, omega_matter, omega_lambda, box_size } = *self;
        if let Some(said) = said {
            return said.then(|| "its header says so".to_owned());
        }
        let matches = (scale_factor * (1.0 + redshift) - 1.0).abs() < NEAR;
        let universe = (omega_matter > 0.0 || omega_lambda != 0.0) && box_size > 0.0;
        let densities = format!(
            "it has a box of {box_size:?} and the densities {omega_matter:?} of matter and {omega_lambda:?} of dark energy"
        );
        match (redshift != 0.0, matches, universe) {
            (true, true, _) => {
                Some(format!("its time {scale_factor:?} is the scale factor of its redshift {redshift:?}"))
            }
            (true, false, true) => Some(format!("its redshift is {redshift:?}, and {densities}")),
            (false, true, true) => Some(format!("its time is that of redshift 0, and {densities}")),
            _ => None,
        }
    }

    /// The universe of a cosmological file. The scale factor is that of the header, or that of the
    /// redshift if the two do not belong together.
    pub(crate) fn universe(&self) -> Universe {
        let of_redshift = 1.0 / (1.0 + self.redshift);
        let matches = (self.scale_factor / of_redshift - 1.0).abs() < NEAR;
        Universe {
            scale_factor: if matches || self.redshift == 0.0 { self.scale_factor } else { of_redshift },
            omega_m: self.omega_matter,
            omega_lambda: self.omega_lambda,
            w0: -1.0,
            ..Universe::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_evidence_is_weighed_together() {
        let evidence = |scale_factor, redshift, omega_matter, omega_lambda, box_size| Evidence {
            said: None,
            scale_factor,
            redshift,
            omega_matter,
            omega_lambda,
            box_size,
        };
        for cosmological in [
            evidence(1.0 / 11.0, 10.0, 0.0, 0.0, 0.0),
            evidence(1.0 / 51.0, 50.0, 0.3, 0.0, 100.0),
            evidence(1.0 / 51.0, 50.0, 1.0, 0.0, 100.0),
            evidence(f64::from(0.02f32), 49.0, 0.3, 0.7, 100.0),
            evidence(1.25, -0.2, 0.3, 0.7, 100.0),
            evidence(1.0, 0.0, 0.3, 0.7, 100.0),
            evidence(1.0, 0.0, 1.0, 0.0, 100.0),
            evidence(0.0, 50.0, 0.3, 0.7, 100.0),
        ] {
            assert!(cosmological.verdict().is_some(), "{cosmological:?}");
            assert_eq!(Evidence { said: Some(false), ..cosmological }.verdict(), None);
        }
        for isolated in [
            evidence(1.0, 0.0, 0.3, 0.7, 0.0),
            evidence(1.0, 0.0, 0.0, 0.0, 100.0),
            evidence(0.0, 0.0, 0.3, 0.7, 100.0),
            evidence(3.5, 0.0, 0.3, 0.7, 100.0),
            evidence(0.5, 0.0, 0.3, 0.7, 100.0),
            evidence(0.0, 0.05, 0.0, 0.0, 0.0),
        ] {
            assert_eq!(isolated.verdict(), None, "{isolated:?}");
            assert!(Evidence { said: Some(true), ..isolated }.verdict().is_some());
        }
    }
}
