//! The power spectrum of matter in linear theory.
//!
//! `eisenstein_hu` has the transfer function of a universe with cold dark matter and baryons,
//! `table` interpolates the spectrum of a Boltzmann solver. [`LinearPower`] is either of them with
//! an amplitude. `halofit` has a fit to the non-linear power spectrum, and `tinker` a fit to the
//! mass function of haloes. Wave numbers are in h/Mpc and powers in (Mpc/h)^3, with comoving
//! lengths, as in the literature and in the tables of other programs.

mod eisenstein_hu;
mod halofit;
mod table;
mod tinker;

pub use eisenstein_hu::Transfer;
pub use halofit::HaloFit;
pub use table::Table;
pub use tinker::tinker;

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use treecode::math::{self, ln, powf};

/// Speed of light over 100 km/s/Mpc [Mpc/h].
const HUBBLE_LENGTH: f64 = 2_997.924_58;
/// Wave number at which `A_s` is the amplitude [1/Mpc].
const PIVOT: f64 = 0.05;
/// Radius of the spheres that define sigma8 [Mpc/h].
const EIGHT: f64 = 8.0;

/// The linear power spectrum of matter today.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearPower {
    shape: Shape,
    /// Factor on the power of the shape.
    amplitude: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// k^n times the square of the transfer function.
    Transfer { transfer: Transfer, index: f64 },
    /// A table of powers.
    Table(Table),
}

/// What sets the amplitude of a power spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Amplitude {
    /// The rms contrast of linear theory today in spheres of 8 Mpc/h.
    #[serde(rename = "sigma8")]
    Sigma8(f64),
    /// The power of the primordial curvature at 0.05/Mpc, `A_s`.
    #[serde(rename = "a_s")]
    Primordial(f64),
}

impl LinearPower {
    /// The power of a universe of this transfer function and spectral index. `growth` is the growth
    /// factor D1 today, which tends to the scale factor at early times; `A_s` needs it.
    ///
    /// # Errors
    /// The amplitude is not above 0.
    pub fn new(
        transfer: Transfer,
        index: f64,
        amplitude: Amplitude,
        growth: f64,
    ) -> Result<LinearPower, String> {
        let raw = LinearPower { shape: Shape::Transfer { transfer, index }, amplitude: 1.0 };
        match amplitude {
            Amplitude::Sigma8(sigma8) => raw.with_sigma8(sigma8),
            Amplitude::Primordial(a_s) => {
                if !(a_s > 0.0 && a_s < 1.0) {
                    return Err(format!("a_s = {a_s:?}: must be above 0, such as 2.1e-9"));
                }
                // The contrast is 2/5 (k c / H0)^2 T D1 / Omega_m times the curvature, whose power is
                // 2 pi^2 A_s (k / pivot)^(n - 1) / k^3.
                let Transfer { omega_m, h, .. } = transfer;
                let contrast = 0.4 * HUBBLE_LENGTH * HUBBLE_LENGTH * growth / omega_m;
                let pivot = powf(PIVOT / h, 1.0 - index);
                Ok(LinearPower { amplitude: 2.0 * PI * PI * a_s * pivot * contrast * contrast, ..raw })
            }
        }
    }

    /// The power in a table, times `growth`^2: the growth factor today over that at the time of the
    /// table.
    pub fn of_table(table: Table, growth: f64) -> LinearPower {
        LinearPower { shape: Shape::Table(table), amplitude: growth * growth }
    }

    /// The same shape with another amplitude.
    ///
    /// # Errors
    /// `sigma8` is not above 0, or the shape ends too early to be integrated.
    pub fn with_sigma8(mut self, sigma8: f64) -> Result<LinearPower, String> {
        if !(sigma8 > 0.0 && sigma8 < 100.0) {
            return Err(format!("sigma8 = {sigma8:?}: must be above 0 and below 100"));
        }
        self.amplitude *= (sigma8 / self.sigma8()?).powi(2);
        Ok(self)
    }

    /// Power at the wave number `k` [h/Mpc] today [(Mpc/h)^3].
    ///
    /// # Panics
    /// `k` is outside [`Self::range`].
    pub fn at(&self, k: f64) -> f64 {
        self.amplitude
            * match &self.shape {
                Shape::Transfer { transfer, index } => powf(k, *index) * transfer.at(k).powi(2),
                Shape::Table(table) => table.at(k),
            }
    }

    /// The wave numbers for which the power is known [h/Mpc].
    pub fn range(&self) -> [f64; 2] {
        match &self.shape {
            Shape::Transfer { .. } => [0.0, f64::INFINITY],
            Shape::Table(table) => table.range(),
        }
    }

    /// The rms contrast of linear theory today in spheres of 8 Mpc/h.
    ///
    /// # Errors
    /// As [`Self::sigma`].
    pub fn sigma8(&self) -> Result<f64, String> {
        self.sigma(EIGHT)
    }

    /// The rms contrast of linear theory today in spheres of this radius [Mpc/h]: the square root of the
    /// integral of k^2 P W^2 / (2 pi^2), with W the transform of a sphere.
    ///
    /// # Errors
    /// A table does not reach over the wave numbers that matter.
    pub fn sigma(&self, radius: f64) -> Result<f64, String> {
        // The rest of the integral is a part of some 1e-6.
        let [first, last] = [1e-4, 300.0].map(|x| x / radius);
        let [low, high] = self.range();
        // What a table may lack: a part of some 1e-3 of the square.
        let [most, least] = [0.05, 10.0].map(|x| x / radius);
        if low > most || high < least {
            return Err(format!(
                "the power spectrum is given from k = {low:e} to {high:e} h/Mpc; the rms contrast in spheres of \
                 {radius} Mpc/h needs it from {most:e} to {least:e}"
            ));
        }
        let (begin, end) = (ln(first.max(low)), ln(last.min(high)));
        let steps = 4096;
        let width = (end - begin) / f64::from(steps);
        let term = |i: i32| {
            let k = math::exp(begin + f64::from(i) * width);
            let weight = if i == 0 || i == steps { 0.5 } else { 1.0 };
            weight * k.powi(3) * self.at(k.clamp(low, high)) * sphere(k * radius).powi(2)
        };
        let sum: f64 = (0..=steps).map(term).sum();
        Ok((sum * width / (2.0 * PI * PI)).sqrt())
    }
}

/// Fourier transform of a sphere: 3 (sin x - x cos x) / x^3.
fn sphere(x: f64) -> f64 {
    if x < 1e-2 {
        return 1.0 - x * x / 10.0;
    }
    let (sin, cos) = math::sin_cos(x);
    3.0 * (sin - x * cos) / (x * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosmology::Cosmology;

    const TRANSFER: Transfer = Transfer { omega_m: 0.3089, omega_b: 0.0486, h: 0.6774, temperature: 2.7255 };

    fn near(value: f64, right: f64, bound: f64) {
        assert!((value / right - 1.0).abs() < bound, "{value:e} is not {right:e}");
    }

    /// Numbers of Colossus 1.4 (Diemer 2018, ApJS 239, 35), without interpolation.
    #[test]
    fn the_power_is_that_of_an_independent_program() {
        let power = LinearPower::new(TRANSFER, 0.9667, Amplitude::Sigma8(0.8159), 1.0).unwrap();
        for (k, expected) in [
            (1e-4, 4.16536902e+02),
            (1e-3, 3.79875030e+03),
            (0.01, 2.17188504e+04),
            (0.05, 1.24255702e+04),
            (0.1, 5.67136661e+03),
            (0.3, 8.81421271e+02),
            (1.0, 6.71345155e+01),
            (10.0, 2.28214070e-01),
            (100.0, 4.72471115e-04),
        ] {
            near(power.at(k), expected, 2e-4);
        }
        near(power.sigma8().unwrap(), 0.8159, 1e-12);
    }

    #[test]
    fn the_variance_of_a_power_law_is_known() {
        // P = k^-2: sigma^2 = 9 / (2 pi^2) R^-1 times the integral of j1(x)^2 / x^2, which is pi / 15.
        let k: Vec<f64> = (0..600).map(|i| 10f64.powf(-5.0 + 0.013 * f64::from(i))).collect();
        let power = k.iter().map(|k| k.powi(-2)).collect();
        let power = LinearPower::of_table(Table::new(k, power).unwrap(), 3.0);
        for radius in [2.0, 8.0] {
            let expected = 3.0 * (9.0 / (2.0 * PI * PI) / radius * PI / 15.0f64).sqrt();
            near(power.sigma(radius).unwrap(), expected, 2e-4);
        }
    }

    /// A universe of Planck (2018, table 2, last column) has A_s = 2.105e-9 and sigma8 = 0.8102 with massive
    /// neutrinos of 0.06 eV, which lower it by about 1 %. The transfer function is good to some per cent.
    #[test]
    fn the_primordial_amplitude_gives_the_sigma8_of_planck() {
        let transfer = Transfer { omega_m: 0.3111, omega_b: 0.04897, h: 0.6766, temperature: 2.7255 };
        let growth = Cosmology::flat(0.3111, 1.0).growth(1.0).d1;
        let power = LinearPower::new(transfer, 0.9665, Amplitude::Primordial(2.105e-9), growth).unwrap();
        near(power.sigma8().unwrap(), 0.818, 0.02);
    }

    #[test]
    fn amplitudes_that_are_none_are_refused() {
        for amplitude in [
            Amplitude::Sigma8(0.0),
            Amplitude::Sigma8(f64::NAN),
            Amplitude::Primordial(-1e-9),
            Amplitude::Primordial(2.1),
        ] {
            assert!(LinearPower::new(TRANSFER, 1.0, amplitude, 1.0).is_err());
        }
        let short = Table::new(vec![0.1, 0.2, 0.5, 1.0], vec![1.0; 4]).unwrap();
        let error = LinearPower::of_table(short, 1.0).with_sigma8(0.8).unwrap_err();
        assert!(error.contains("from k = 1e-1 to 1e0 h/Mpc"), "{error}");
    }
}
