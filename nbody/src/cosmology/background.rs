//! The homogeneous universe (Friedmann 1922). Integrals over time are integrals over ln a.
//!
//! Integrals are computed for each interval by quadrature and not from a table, so they have no
//! range and no interpolation error.

use serde::{Deserialize, Serialize};
use treecode::math::{exp, ln, powf};

/// Parameters of a universe. The density of curvature is one minus the sum of the other densities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cosmology {
    /// Density of matter today, in units of the critical density.
    pub omega_m: f64,
    /// Density of dark energy today, in units of the critical density.
    pub omega_lambda: f64,
    /// Density of radiation today, in units of the critical density.
    pub omega_r: f64,
    /// Equation of state of dark energy today, pressure / density. -1 is a cosmological constant.
    pub w0: f64,
    /// Change of the equation of state with the scale factor: w(a) = w0 + wa (1 - a) (Chevallier &
    /// Polarski 2001; Linder 2003).
    pub wa: f64,
    /// Hubble constant today [1/T].
    pub hubble: f64,
}

/// Reasons why parameters describe no universe that a run can follow.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// A parameter is outside its range.
    #[error("{key} = {value:?}: must be {range}")]
    Range {
        /// Name of the parameter.
        key: &'static str,
        /// Its value.
        value: f64,
        /// Its range, in words.
        range: &'static str,
    },
    /// Dark energy dominates the early universe.
    #[error("w0 + wa = {sum:?}: must be below 0, or dark energy outweighs matter at early times")]
    EarlyDarkEnergy {
        /// w0 + wa.
        sum: f64,
    },
    /// The expansion halts.
    #[error(
        "omega_m = {omega_m:?}, omega_lambda = {omega_lambda:?}: this universe does not expand at the scale factor {a:.3}; \
         their sum is usually 1"
    )]
    Halts {
        /// Density of matter.
        omega_m: f64,
        /// Density of dark energy.
        omega_lambda: f64,
        /// Scale factor at which the square of the Hubble rate is not positive.
        a: f64,
    },
    /// Space is open. A homogeneous background needs a periodic box.
    #[error("an expanding universe needs a periodic box")]
    OpenSpace,
    /// A timestep criterion that uses the potential, whose zero has no meaning in a periodic box.
    #[error("only the acceleration criterion for timesteps is possible in an expanding universe")]
    Criterion,
}

/// The scale factor at this redshift.
#[must_use]
pub fn scale_factor_of(redshift: f64) -> f64 {
    1.0 / (1.0 + redshift)
}

/// The redshift at this scale factor.
#[must_use]
pub fn redshift_of(a: f64) -> f64 {
    1.0 / a - 1.0
}

/// Positive nodes and weights of the Gauss-Legendre rule of twelve points on (-1, 1).
const GAUSS: [(f64, f64); 6] = [
    (0.1252334085114689, 0.2491470458134027),
    (0.3678314989981802, 0.2334925365383546),
    (0.5873179542866175, 0.20316742672306573),
    (0.7699026741943047, 0.16007832854334642),
    (0.9041172563704748, 0.10693932599531907),
    (0.9815606342467192, 0.04717533638651141),
];
/// Greatest width of a panel of the quadrature in ln a. The rate of expansion has singularities at
/// a distance of about 1 from the real axis; the error of a panel is then below 1e-15.
const PANEL: f64 = 0.4;
/// Below this part of the upper limit, the scale factor adds less than 1e-17 to an age: exp(-1.5 * 28).
const BEGINNING: f64 = 28.0;

impl Cosmology {
    /// A flat universe of matter and a cosmological constant, with this Hubble constant [1/T].
    #[must_use]
    pub fn flat(omega_m: f64, hubble: f64) -> Cosmology {
        Cosmology { omega_m, omega_lambda: 1.0 - omega_m, omega_r: 0.0, w0: -1.0, wa: 0.0, hubble }
    }

    /// Checks that the parameters describe a universe that begins with matter or radiation and expands
    /// until today, and until `latest` if this scale factor is greater.
    ///
    /// # Errors
    /// It does not, or a parameter is out of its range.
    pub fn check(&self, latest: f64) -> Result<(), Invalid> {
        let Cosmology { omega_m, omega_lambda, omega_r, w0, wa, hubble } = *self;
        let range = |key, value, range, is_inside: bool| {
            if is_inside { Ok(()) } else { Err(Invalid::Range { key, value, range }) }
        };
        range("omega_m", omega_m, "above 0 and at most 10", omega_m > 0.0 && omega_m <= 10.0)?;
        range("omega_lambda", omega_lambda, "from -10 to 10", omega_lambda.abs() <= 10.0)?;
        range("omega_r", omega_r, "from 0 to 1", (0.0..=1.0).contains(&omega_r))?;
        range("w0", w0, "from -3 to 0", (-3.0..=0.0).contains(&w0))?;
        range("wa", wa, "from -3 to 3", (-3.0..=3.0).contains(&wa))?;
        range("hubble", hubble, "above 0", hubble > 0.0 && hubble.is_finite())?;
        if w0 + wa >= 0.0 && omega_lambda != 0.0 {
            return Err(Invalid::EarlyDarkEnergy { sum: w0 + wa });
        }
        let last = ln(latest.max(1.0));
        let all = (0..=4000).map(|i| last - 16.0 * f64::from(i) / 4000.0).map(exp);
        // Not a number is no square either.
        let is_positive = |a: f64| self.e_squared(a) > 0.0;
        match all.into_iter().find(|&a| !is_positive(a)) {
            Some(a) => Err(Invalid::Halts { omega_m, omega_lambda, a }),
            None => Ok(()),
        }
    }

    /// Density of curvature today, in units of the critical density: what the others leave.
    #[must_use]
    pub fn omega_k(&self) -> f64 {
        1.0 - self.omega_m - self.omega_lambda - self.omega_r
    }

    /// The Hubble rate at the scale factor `a`, in units of that today.
    #[must_use]
    pub fn e(&self, a: f64) -> f64 {
        self.e_squared(a).sqrt()
    }

    /// The Hubble rate at the scale factor `a` [1/T].
    #[must_use]
    pub fn hubble_at(&self, a: f64) -> f64 {
        self.hubble * self.e(a)
    }

    fn e_squared(&self, a: f64) -> f64 {
        let [matter, radiation, curvature, dark] = self.densities(a);
        matter + radiation + curvature + dark
    }

    /// Densities of matter, radiation, curvature and dark energy, in units of the critical density today.
    fn densities(&self, a: f64) -> [f64; 4] {
        let square = a * a;
        [
            self.omega_m / (square * a),
            self.omega_r / (square * square),
            self.omega_k() / square,
            self.omega_lambda * self.dark_energy(a),
        ]
    }

    /// Density of dark energy in units of that today.
    fn dark_energy(&self, a: f64) -> f64 {
        if self.w0 == -1.0 && self.wa == 0.0 {
            return 1.0;
        }
        powf(a, -3.0 * (1.0 + self.w0 + self.wa)) * exp(-3.0 * self.wa * (1.0 - a))
    }

    /// d ln H / d ln a.
    #[must_use]
    pub fn dln_hubble(&self, a: f64) -> f64 {
        let [matter, radiation, curvature, dark] = self.densities(a);
        let slope = -3.0 * (1.0 + self.w0 + self.wa * (1.0 - a));
        let sum = -3.0 * matter - 4.0 * radiation - 2.0 * curvature + slope * dark;
        0.5 * sum / (matter + radiation + curvature + dark)
    }

    /// Density of matter at the scale factor `a`, in units of the critical density at that time.
    #[must_use]
    pub fn omega_m_at(&self, a: f64) -> f64 {
        self.omega_m / (a * a * a) / self.e_squared(a)
    }

    /// Comoving density of matter [M/L^3], with this constant of gravitation.
    #[must_use]
    pub fn matter_density(&self, constant: f64) -> f64 {
        self.omega_m * 3.0 * self.hubble * self.hubble / (8.0 * std::f64::consts::PI * constant)
    }

    /// Time since the beginning at the scale factor `a` [T].
    #[must_use]
    pub fn time(&self, a: f64) -> f64 {
        let end = ln(a);
        self.integrate(end - BEGINNING, BEGINNING, |_| 1.0)
    }

    /// The scale factor at this time since the beginning [T]: the inverse of [`Cosmology::time`].
    #[must_use]
    pub fn scale_factor(&self, time: f64) -> f64 {
        // Newton's method in ln a, from the age of a universe of matter alone.
        let mut log = 2.0 / 3.0 * ln(1.5 * time * self.hubble * self.omega_m.sqrt());
        for _ in 0..60 {
            let a = exp(log);
            let change = (time - self.time(a)) * self.hubble_at(a);
            log += change.clamp(-1.0, 1.0);
            if change.abs() < 1e-15 {
                break;
            }
        }
        exp(log)
    }

    /// Integral of dt / a^2 from the scale factor `from` to `to` [T]. Times the canonical momentum
    /// a^2 dx/dt, it is a comoving displacement (Quinn et al. 1997).
    #[must_use]
    pub fn drift(&self, from: f64, to: f64) -> f64 {
        let begin = ln(from);
        self.drift_over(begin, ln(to) - begin)
    }

    /// Integral of dt / a from the scale factor `from` to `to` [T]. Times the comoving peculiar
    /// acceleration, the gravity of the masses at their comoving positions, it is a change of the
    /// canonical momentum (Quinn et al. 1997).
    #[must_use]
    pub fn kick(&self, from: f64, to: f64) -> f64 {
        let begin = ln(from);
        self.kick_over(begin, ln(to) - begin)
    }

    /// As [`Cosmology::drift`], over an interval of this length in ln a that begins at `begin` = ln a.
    #[must_use]
    pub fn drift_over(&self, begin: f64, length: f64) -> f64 {
        self.integrate(begin, length, |a| 1.0 / (a * a))
    }

    /// As [`Cosmology::kick`], over an interval of this length in ln a that begins at `begin` = ln a.
    #[must_use]
    pub fn kick_over(&self, begin: f64, length: f64) -> f64 {
        self.integrate(begin, length, |a| 1.0 / a)
    }

    /// Time over an interval of this length in ln a that begins at `begin` = ln a [T].
    #[must_use]
    pub fn time_over(&self, begin: f64, length: f64) -> f64 {
        self.integrate(begin, length, |_| 1.0)
    }

    /// Comoving distance along the line of sight to the scale factor `a` [L], with the speed of
    /// light [L/T]: the integral of c dt / a until today.
    #[must_use]
    pub fn comoving_distance(&self, a: f64, speed_of_light: f64) -> f64 {
        speed_of_light * self.kick(a, 1.0)
    }

    /// Integral of `f(a)` dt over an interval of ln a.
    fn integrate(&self, begin: f64, length: f64, f: impl Fn(f64) -> f64) -> f64 {
        let panels = (length.abs() / PANEL).ceil().max(1.0);
        let width = length / panels;
        let at = |log: f64| {
            let a = exp(log);
            f(a) / self.e(a)
        };
        let panel = |i: u32| {
            let middle = begin + (f64::from(i) + 0.5) * width;
            let pair =
                |&(x, w): &(f64, f64)| w * (at(middle - 0.5 * width * x) + at(middle + 0.5 * width * x));
            GAUSS.iter().map(pair).sum::<f64>()
        };
        0.5 * width * (0..panels as u32).map(panel).sum::<f64>() / self.hubble
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, right: f64, bound: f64) {
        assert!((value / right - 1.0).abs() < bound, "{value:.16} is not {right:.16}");
    }

    /// The numbers of PKDGRAV3's own tests.
    #[test]
    fn the_background_is_that_of_an_independent_program() {
        let cosmology = Cosmology::flat(0.32, (8.0 * std::f64::consts::PI / 3.0).sqrt());
        near(cosmology.time(1.0), 0.32710340943410, 1e-12);
        let (from, to) = (cosmology.scale_factor(0.10), cosmology.scale_factor(0.11));
        near(cosmology.drift(from, to), 0.05912002238902, 1e-11);
        near(cosmology.kick(from, to), 0.02431012964186, 1e-11);
    }

    #[test]
    fn a_universe_of_matter_has_closed_forms() {
        let cosmology = Cosmology::flat(1.0, 0.7);
        for a in [1e-4, 0.01, 0.3, 1.0, 4.0] {
            near(cosmology.time(a), 2.0 / 3.0 * a.powf(1.5) / 0.7, 1e-14);
            near(cosmology.scale_factor(cosmology.time(a)), a, 1e-14);
            near(cosmology.drift(a, 3.0 * a), 2.0 * (1.0 - 1.0 / 3f64.sqrt()) / a.sqrt() / 0.7, 1e-13);
            near(cosmology.kick(a, 3.0 * a), 2.0 * (3f64.sqrt() - 1.0) * a.sqrt() / 0.7, 1e-13);
            near(cosmology.dln_hubble(a), -1.5, 1e-15);
        }
        near(cosmology.comoving_distance(0.25, 2.0), 2.0 * 2.0 * 0.5 / 0.7, 1e-14);
    }

    /// An age in closed form: matter and curvature (open), and matter and radiation.
    #[test]
    fn curvature_and_radiation_have_closed_forms() {
        let open = Cosmology { omega_lambda: 0.0, ..Cosmology::flat(0.3, 1.0) };
        let (m, k) = (0.3f64, 0.7f64);
        let age = |a: f64| (a * (m + k * a)).sqrt() / k - m / k.powf(1.5) * (k * a / m).sqrt().asinh();
        near(open.time(1.0), age(1.0), 1e-13);
        near(open.time(0.1), age(0.1), 1e-12);
        let early = Cosmology { omega_r: 1e-3, omega_lambda: 0.0, ..Cosmology::flat(0.999, 1.0) };
        let (m, r) = (0.999f64, 1e-3f64);
        let age = |a: f64| {
            let root = (m * a + r).sqrt();
            2.0 / (3.0 * m * m) * ((m * a - 2.0 * r) * root + 2.0 * r * r.sqrt())
        };
        near(early.time(1.0), age(1.0), 1e-13);
        near(early.time(0.01), age(0.01), 1e-12);
    }

    #[test]
    fn dark_energy_follows_its_equation_of_state() {
        let quintessence = Cosmology { w0: -0.9, wa: 0.3, ..Cosmology::flat(0.3, 1.0) };
        let density = |a: f64| quintessence.e_squared(a) - 0.3 / a.powi(3);
        for a in [0.2f64, 0.5, 1.0, 1.5] {
            // The continuity equation: d ln density / d ln a = -3 (1 + w).
            let h = 1e-4f64;
            let slope = (density(a * h.exp()) / density(a * (-h).exp())).ln() / (2.0 * h);
            near(slope, -3.0 * (1.0 - 0.9 + 0.3 * (1.0 - a)), 1e-6);
            let slope = (quintessence.e(a * h.exp()) / quintessence.e(a * (-h).exp())).ln() / (2.0 * h);
            near(slope, quintessence.dln_hubble(a), 1e-6);
        }
    }

    /// Factors of the parts of an interval add up, also of very short ones.
    #[test]
    fn intervals_add_up() {
        let cosmology = Cosmology { w0: -0.8, wa: -0.4, omega_r: 9e-5, ..Cosmology::flat(0.3, 2.0) };
        let parts = |f: fn(&Cosmology, f64, f64) -> f64| {
            let sum: f64 = (0..64).map(|i| f(&cosmology, -3.0 + f64::from(i) / 64.0, 1.0 / 64.0)).sum();
            near(sum, f(&cosmology, -3.0, 1.0), 1e-14);
        };
        parts(Cosmology::drift_over);
        parts(Cosmology::kick_over);
        parts(Cosmology::time_over);
        let short = 2f64.powi(-40);
        near(
            cosmology.kick_over(-3.0, short),
            short * 3f64.exp() / cosmology.hubble_at((-3f64).exp()),
            1e-11,
        );
    }

    #[test]
    fn what_is_no_universe_is_refused() {
        let flat = Cosmology::flat(0.3, 1.0);
        flat.check(1.0).unwrap();
        let range = |cosmology: Cosmology| matches!(cosmology.check(1.0), Err(Invalid::Range { .. }));
        assert!(range(Cosmology { omega_m: 0.0, ..flat }));
        assert!(range(Cosmology { omega_m: f64::NAN, ..flat }));
        assert!(range(Cosmology { omega_r: -0.1, ..flat }));
        assert!(range(Cosmology { hubble: 0.0, ..flat }));
        let early = Cosmology { w0: -0.5, wa: 0.6, ..flat };
        assert!(matches!(early.check(1.0), Err(Invalid::EarlyDarkEnergy { .. })));
        // A loitering universe that has bounced, and one that recollapses after today.
        let bounce = Cosmology { omega_lambda: 2.5, ..flat };
        assert!(matches!(bounce.check(1.0), Err(Invalid::Halts { .. })));
        let closed = Cosmology { omega_m: 2.0, omega_lambda: 0.0, ..flat };
        closed.check(1.5).unwrap();
        assert!(matches!(closed.check(2.5), Err(Invalid::Halts { .. })));
    }
}
