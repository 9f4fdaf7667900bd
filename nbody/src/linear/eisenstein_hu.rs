//! The transfer function of cold dark matter and baryons (Eisenstein & Hu 1998, ApJ 496, 605), with
//! acoustic oscillations. It is an analytic fit with an error of a few per cent.

use serde::{Deserialize, Serialize};
use std::f64::consts::E;
use treecode::math::{self, exp, ln, powf};

/// The parameters of the transfer function.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Density of matter today, in units of the critical density.
    pub omega_m: f64,
    /// Density of baryons today, in units of the critical density; above 0.
    pub omega_b: f64,
    /// Hubble constant [100 km/s/Mpc].
    pub h: f64,
    /// Temperature of the microwave background today [K].
    pub temperature: f64,
}

impl Transfer {
    /// Transfer function of all matter at the wave number `k` [h/Mpc]; 1 on the largest scales.
    /// Eq. 16. The equations of the paper have wave numbers in 1/Mpc.
    pub fn at(&self, k: f64) -> f64 {
        let k = k * self.h;
        let (theta, matter, baryons) =
            (self.temperature / 2.7, self.omega_m * self.h * self.h, self.omega_b * self.h * self.h);
        let (theta2, fraction) = (theta * theta, self.omega_b / self.omega_m);
        // Equality, eqs. 2 and 3; drag epoch, eq. 4; ratio of the momenta of baryons and photons, eq. 5.
        let z_equality = 2.5e4 * matter / (theta2 * theta2);
        let k_equality = 7.46e-2 * matter / theta2;
        let b1 = 0.313 * powf(matter, -0.419) * (1.0 + 0.607 * powf(matter, 0.674));
        let b2 = 0.238 * powf(matter, 0.223);
        let z_drag = 1291.0 * powf(matter, 0.251) / (1.0 + 0.659 * powf(matter, 0.828))
            * (1.0 + b1 * powf(baryons, b2));
        let ratio = |z: f64| 31.5 * baryons / (theta2 * theta2) * (1000.0 / z);
        let (drag, equality) = (ratio(z_drag), ratio(z_equality));
        // Sound horizon, eq. 6; Silk damping, eq. 7.
        let sound = 2.0 / (3.0 * k_equality)
            * (6.0 / equality).sqrt()
            * ln(((1.0 + drag).sqrt() + (drag + equality).sqrt()) / (1.0 + equality.sqrt()));
        let silk = 1.6 * powf(baryons, 0.52) * powf(matter, 0.73) * (1.0 + powf(10.4 * matter, -0.95));
        // Cold dark matter, eqs. 11, 12, 17 and 18.
        let a1 = powf(46.9 * matter, 0.670) * (1.0 + powf(32.1 * matter, -0.532));
        let a2 = powf(12.0 * matter, 0.424) * (1.0 + powf(45.0 * matter, -0.582));
        let alpha_c = powf(a1, -fraction) * powf(a2, -fraction.powi(3));
        let b1 = 0.944 / (1.0 + powf(458.0 * matter, -0.708));
        let b2 = powf(0.395 * matter, -0.0266);
        let beta_c = 1.0 / (1.0 + b1 * (powf(1.0 - fraction, b2) - 1.0));
        let q = k / (13.41 * k_equality);
        let pressureless = |alpha: f64, beta: f64| {
            let log = ln(E + 1.8 * beta * q);
            let c = 14.2 / alpha + 386.0 / (1.0 + 69.9 * powf(q, 1.08));
            log / (log + c * q * q)
        };
        let phase = k * sound;
        let f = 1.0 / (1.0 + (phase / 5.4).powi(4));
        let cold = f * pressureless(1.0, beta_c) + (1.0 - f) * pressureless(alpha_c, beta_c);
        // Baryons, eqs. 14, 15 and 21 to 24.
        let y = (1.0 + z_equality) / (1.0 + z_drag);
        let root = (1.0 + y).sqrt();
        let g = y * (-6.0 * root + (2.0 + 3.0 * y) * ln((root + 1.0) / (root - 1.0)));
        let alpha_b = 2.07 * k_equality * sound * powf(1.0 + drag, -0.75) * g;
        let beta_b = 0.5 + fraction + (3.0 - 2.0 * fraction) * ((17.2 * matter).powi(2) + 1.0).sqrt();
        let node = 8.41 * powf(matter, 0.435);
        let shifted = phase / math::cbrt(1.0 + (node / phase).powi(3));
        let oscillation = if shifted > 1e-4 { math::sin_cos(shifted).0 / shifted } else { 1.0 };
        let damped = alpha_b / (1.0 + (beta_b / phase).powi(3)) * exp(-powf(k / silk, 1.4));
        let baryonic = (pressureless(1.0, 1.0) / (1.0 + (phase / 5.2).powi(2)) + damped) * oscillation;
        fraction * baryonic + (1.0 - fraction) * cold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of Colossus 1.4 (Diemer 2018, ApJS 239, 35).
    #[test]
    fn the_transfer_function_is_that_of_an_independent_program() {
        let transfer = Transfer { omega_m: 0.3089, omega_b: 0.0486, h: 0.6774, temperature: 2.7255 };
        for (k, expected) in [
            (1e-4, 9.9990626211e-01),
            (1e-3, 9.9220844756e-01),
            (0.01, 7.7956254347e-01),
            (0.05, 2.7085917972e-01),
            (0.1, 1.3089600973e-01),
            (0.3, 3.0342946520e-02),
            (1.0, 4.6795649168e-03),
            (10.0, 8.9650714532e-05),
            (100.0, 1.3403560474e-06),
        ] {
            let found = transfer.at(k);
            assert!((found / expected - 1.0).abs() < 1e-8, "{k}: {found:e} is not {expected:e}");
        }
    }
}
