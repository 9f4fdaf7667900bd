//! The mass function of haloes by the fit of Tinker et al. (2008, ApJ 688, 709) to simulations.
//! Masses are those within spheres of 200 times the mean density of matter. The error is about 5 %
//! up to z = 2.

use super::LinearPower;
use std::f64::consts::{LN_10, PI};
use treecode::math::{cbrt, exp, ln, powf};

/// Critical density today [h^2 Msun / Mpc^3]: 3 H0^2 / (8 pi G), with the solar mass of the IAU.
const CRITICAL: f64 = 2.775_366e11;
/// Half the interval of ln M over which sigma is differenced.
const HALF: f64 = 0.02;

/// Number of haloes per volume and ln M [(h/Mpc)^3] at a mass [Msun/h] and redshift. `growth` is
/// the growth factor D1 at this redshift, divided by its value today.
///
/// Equations 2 to 8 with the row of table 2 for a density of 200.
///
/// # Errors
/// The table of the power spectrum does not cover the wave numbers that are needed.
pub fn tinker(
    power: &LinearPower,
    omega_m: f64,
    mass: f64,
    redshift: f64,
    growth: f64,
) -> Result<f64, String> {
    let density = CRITICAL * omega_m;
    let sigma_of =
        |mass: f64| Ok::<f64, String>(growth * power.sigma(cbrt(mass / (4.0 / 3.0 * PI * density)))?);
    let sigma = sigma_of(mass)?;
    let slope = (ln(sigma_of(mass * exp(-HALF))?) - ln(sigma_of(mass * exp(HALF))?)) / (2.0 * HALF);
    let later = 1.0 + redshift.clamp(0.0, LAST);
    let alpha = powf(10.0, -powf(0.75 / (ln(200.0 / 75.0) / LN_10), 1.2));
    let (a, b) = (1.47 * powf(later, -0.06), 2.57 * powf(later, -alpha));
    let amplitude = 0.186 * powf(later, -0.14);
    let fit = amplitude * (powf(sigma / b, -a) + 1.0) * exp(-1.19 / (sigma * sigma));
    Ok(fit * density / mass * slope)
}

/// The fit does not change beyond this redshift, as its authors recommend.
const LAST: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::super::{Amplitude, Transfer};
    use super::*;

    #[test]
    fn the_mass_function_is_that_of_the_fit() {
        let transfer = Transfer { omega_m: 0.3111, omega_b: 0.04897, h: 0.6766, temperature: 2.7255 };
        let power = LinearPower::new(transfer, 0.9665, Amplitude::Sigma8(0.81), 1.0).unwrap();
        let at = |mass: f64, z: f64, growth: f64| tinker(&power, 0.3111, mass, z, growth).unwrap();
        // Numbers of an independent program in numpy.
        for (mass, redshift, growth, expected) in
            [(1e12, 0.0, 1.0, 4.216_986e-3), (1e14, 0.0, 1.0, 4.753_316e-5), (1e13, 1.0, 0.61, 3.070_511e-4)]
        {
            let found = at(mass, redshift, growth);
            assert!(
                (found / expected - 1.0).abs() < 1e-3,
                "{mass:e} at {redshift}: {found:e}, not {expected:e}"
            );
        }
    }
}
