//! The expansion of space in a run: factors of kicks and drifts over an interval of the time
//! variable.

use super::{Cosmology, Invalid};
use crate::forces::Forces;
use treecode::math::{cbrt, exp};
use treecode::{Domain, Softening};

/// How space expands during a run. All integrators get the factors of kicks and drifts here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Expansion {
    /// Space is static. The time variable of the run is the time [T], and velocities are dx/dt.
    #[default]
    Static,
    /// Space expands. The time variable of the run is ln a. Positions are comoving, velocities are
    /// canonical momenta a^2 dx/dt, and accelerations and potentials are those of the masses at their
    /// comoving positions.
    Comoving(Comoving),
}

/// An expanding universe and the settings of a run in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comoving {
    /// The background.
    pub cosmology: Cosmology,
    /// Greatest softening length in physical units [L]. Softening lengths are comoving until they reach
    /// it. Infinite for no limit.
    pub softening_max_physical: f64,
    /// Greatest rms displacement of the bodies in one timestep, as a fraction of their mean spacing.
    pub displacement: f64,
}

impl Comoving {
    /// Default of [`Comoving::displacement`].
    pub const DISPLACEMENT: f64 = 0.25;
}

/// Limits of the bodies' timesteps in the time variable of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Factor from the needed step in comoving quantities to the time variable.
    pub per_step: f64,
    /// Longest step of any body, in the time variable.
    pub longest: f64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { per_step: 1.0, longest: f64::INFINITY }
    }
}

impl Expansion {
    /// Factor of a kick over an interval of the time variable: its product with the acceleration is the
    /// change of the velocity. In static space it is the length of the interval; else the integral of
    /// dt / a.
    #[must_use]
    pub fn kick(&self, begin: f64, length: f64) -> f64 {
        match self {
            Expansion::Static => length,
            Expansion::Comoving(comoving) => comoving.cosmology.kick_over(begin, length),
        }
    }

    /// Factor of a drift over an interval of the time variable: its product with the velocity is the
    /// displacement. In static space it is the length of the interval; else the integral of dt / a^2.
    #[must_use]
    pub fn drift(&self, begin: f64, length: f64) -> f64 {
        match self {
            Expansion::Static => length,
            Expansion::Comoving(comoving) => comoving.cosmology.drift_over(begin, length),
        }
    }

    /// The scale factor at this value of the time variable. `None` in static space.
    #[must_use]
    pub fn scale_factor(&self, time: f64) -> Option<f64> {
        matches!(self, Expansion::Comoving(_)).then(|| exp(time))
    }

    /// The universe. `None` in static space.
    #[must_use]
    pub fn comoving(&self) -> Option<&Comoving> {
        match self {
            Expansion::Static => None,
            Expansion::Comoving(comoving) => Some(comoving),
        }
    }

    /// Comoving softening at this value of the time variable, from that without a limit.
    #[must_use]
    pub fn softening(&self, unlimited: &Softening, time: f64) -> Softening {
        match self {
            Expansion::Comoving(Comoving { softening_max_physical: most, .. }) if most.is_finite() => {
                let most = most / exp(time);
                unlimited.map(|length| length.min(most))
            }
            _ => unlimited.clone(),
        }
    }

    /// How long steps may be that begin at `time`, in a full step of this length. `kinetic` is the
    /// kinetic energy of the peculiar motion at the beginning of the full step, `count` the number of
    /// bodies.
    ///
    /// In comoving quantities the acceleration criterion gives sqrt(2 eta softening / |a|). With the
    /// physical softening a s and the physical peculiar acceleration g / a^2, the step is a^(3/2) times
    /// that in time, and a^(3/2) H times that in ln a.
    #[must_use]
    pub fn pace(&self, time: f64, length: f64, kinetic: f64, forces: &Forces, count: u64) -> Pace {
        let Expansion::Comoving(Comoving { cosmology, displacement, .. }) = *self else {
            return Pace::default();
        };
        let a = exp(time);
        let per_step = cosmology.hubble_at(a) * a * a.sqrt();
        let Domain::Periodic { side } = forces.gravity.domain else {
            return Pace { per_step, ..Pace::default() };
        };
        let mass = cosmology.matter_density(forces.gravity.constant) * side * side * side;
        let momentum = a * (2.0 * kinetic / mass).sqrt();
        let moved = momentum * cosmology.drift_over(time, length);
        let allowed = displacement * side / cbrt(count as f64);
        let longest = if moved > allowed { length * (allowed / moved) } else { f64::INFINITY };
        Pace { per_step, longest }
    }

    /// Checks that forces and space go together.
    ///
    /// # Errors
    /// The universe is invalid, or space is open.
    pub fn check(&self, forces: &Forces) -> Result<(), Invalid> {
        let Expansion::Comoving(Comoving { cosmology, softening_max_physical, displacement }) = *self else {
            return Ok(());
        };
        cosmology.check(1.0)?;
        let above_zero = |key, value: f64, range, is_inside| {
            if value > 0.0 && is_inside { Ok(()) } else { Err(Invalid::Range { key, value, range }) }
        };
        above_zero("softening_max_physical", softening_max_physical, "above 0", true)?;
        above_zero("displacement", displacement, "above 0 and at most 10", displacement <= 10.0)?;
        match forces.gravity.domain {
            Domain::Open => Err(Invalid::OpenSpace),
            Domain::Periodic { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use treecode::{PairLength, TYPES};

    #[test]
    fn static_space_keeps_every_length() {
        let space = Expansion::Static;
        for length in [0.1, 1.0 / 3.0, 1e-300] {
            assert_eq!((space.kick(7.0, length), space.drift(7.0, length)), (length, length));
        }
        assert_eq!(space.scale_factor(0.5), None);
        assert_eq!(space.pace(0.0, 1.0, 1.0, &Forces::default(), 9), Pace::default());
        let softening = Softening { length: [0.1; TYPES], ..Softening::default() };
        assert_eq!(space.softening(&softening, 3.0), softening);
    }

    fn comoving(softening_max_physical: f64, displacement: f64) -> Expansion {
        let cosmology = Cosmology::flat(1.0, 1.0);
        Expansion::Comoving(Comoving { cosmology, softening_max_physical, displacement })
    }

    #[test]
    fn softening_is_comoving_until_it_reaches_its_physical_limit() {
        let space = comoving(0.01, 1.0);
        let pairs = vec![PairLength { types: [1, 4], length: 0.02 }];
        let softening = Softening { length: [0.04; TYPES], pairs, ..Softening::default() };
        let at = |a: f64| space.softening(&softening, a.ln()).length[0];
        let of_pair = |a: f64| space.softening(&softening, a.ln()).of_pair(4, 1);
        assert!(of_pair(0.1) == 0.02 && of_pair(0.5) == 0.02 && (of_pair(1.0) - 0.01).abs() < 1e-15);
        assert_eq!(at(0.1), 0.04);
        assert!((at(0.5) - 0.02).abs() < 1e-15 && (at(1.0) - 0.01).abs() < 1e-15);
    }

    #[test]
    fn steps_are_limited_by_the_displacement() {
        // a universe of matter with H0 = 1 and G = 1: a cube of side 2 has the mass 3 / pi.
        let mut forces = Forces::direct(Softening::default());
        forces.gravity.domain = Domain::Periodic { side: 2.0 };
        let (a, length, count) = (0.25f64, 0.1, 512);
        let pace = |velocity: f64, limit: f64| {
            let kinetic = 0.5 * 3.0 / std::f64::consts::PI * velocity * velocity;
            comoving(1.0, limit).pace(a.ln(), length, kinetic, &forces, count)
        };
        // 2 (1 / sqrt(a) - 1 / sqrt(a')) is the drift; the spacing is 1/4.
        let moved = 0.3 * a * 2.0 * (1.0 / a.sqrt() - 1.0 / (a * length.exp()).sqrt()) / 0.25;
        let bound = pace(0.3, 0.5 * moved);
        assert!((bound.longest - 0.5 * length).abs() < 1e-12, "{bound:?}");
        assert!((bound.per_step - 1.0).abs() < 1e-14, "H a^(3/2) is H0 in a universe of matter");
        assert_eq!(pace(0.3, 1.01 * moved).longest, f64::INFINITY);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let mut forces = Forces::direct(Softening::default());
        assert_eq!(comoving(1.0, 0.2).check(&forces), Err(Invalid::OpenSpace));
        forces.gravity.domain = Domain::Periodic { side: 2.0 };
        assert_eq!(comoving(f64::INFINITY, 0.2).check(&forces), Ok(()));
        assert!(matches!(comoving(0.0, 0.2).check(&forces), Err(Invalid::Range { .. })));
        assert!(matches!(comoving(1.0, -1.0).check(&forces), Err(Invalid::Range { .. })));
    }
}
