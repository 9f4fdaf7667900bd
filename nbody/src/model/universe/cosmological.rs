//! A periodic box of an expanding universe at an early time. Lagrangian perturbation theory
//! displaces bodies from a lattice (Zel'dovich 1970; Bouchet et al. 1995, A&A 296, 575).
//!
//! Each mode of the density is a Gaussian random number that depends on the seed and the integer
//! wave vector alone. So boxes of more bodies have the same large modes, on any number of ranks.

use super::glass;
use super::lagrangian::{Sites, Sources, displace, displace_transverse, second_order, third_order};
use crate::cosmology::{Cosmology, Growth, scale_factor_of};
use crate::linear::{Amplitude, LinearPower, Table, Transfer};
use crate::model::component::Component;
use crate::model::keys::range::within;
use crate::model::{Keys, Recipe};
use crate::spectral::{Complex, Transform, Wave};
use decomposition::Comm;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;
use std::path::PathBuf;
use treecode::math::{self, hash};
use treecode::{Bodies, Domain};

/// Greatest number of bodies along a side of a universe.
const MOST_PER_SIDE: u64 = 1 << 14;

/// Default of the index of the primordial spectrum (Planck 2018, table 2).
pub(super) const INDEX: f64 = 0.965;
/// Default of the temperature of the microwave background [K] (Fixsen 2009).
pub(super) const TEMPERATURE: f64 = 2.7255;

/// A box of an expanding universe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cosmological {
    /// Number of bodies along a side, even.
    pub per_side: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Order of perturbation theory, 1 (Zel'dovich) to 3.
    pub lpt: u8,
    /// The positions of the bodies without displacements.
    #[serde(skip_serializing_if = "Lattice::is_cubic")]
    pub lattice: Lattice,
    /// Density of baryons today, in units of the critical density; without a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omega_b: Option<f64>,
    /// Index of the primordial spectrum; without a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_s: Option<f64>,
    /// Temperature of the microwave background today [K]; without a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Amplitude of the power spectrum. `None`: that of the table.
    #[serde(flatten)]
    pub amplitude: Option<Amplitude>,
    /// File of a tabulated power spectrum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<PathBuf>,
    /// Redshift of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectrum_redshift: Option<f64>,
    /// Whether each mode has the amplitude of the power spectrum, instead of a random one.
    pub fixed_amplitude: bool,
    /// Whether the contrast of all modes has the opposite sign: the second run of a pair (Angulo &
    /// Pontzen 2016).
    pub opposite: bool,
    /// A plane wave in place of the power spectrum.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub pancake: Option<Box<Pancake>>,
    /// The universe and the box, which are in other tables of a parameter file.
    #[serde(skip)]
    pub universe: Option<Universe>,
    /// The content of `spectrum`.
    #[serde(skip)]
    pub table: Option<Table>,
}

/// Where the bodies of a universe are without displacements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lattice {
    /// At the centres of cubes.
    #[default]
    Cubic,
    /// In a glass, which has no directions.
    Glass,
}

impl Lattice {
    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
    fn is_cubic(&self) -> bool {
        *self == Lattice::Cubic
    }
}

/// The pancake of Zel'dovich (1970): a plane wave, whose motion is exact until its sheets cross at the
/// caustic. A body of the lattice at q is at q - D(a) / D(a_caustic) sin(k q) / k along the wave vector k.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pancake {
    /// Wave numbers along the axes, in waves per side of the box.
    pub wave: [i64; 3],
    /// Redshift of the caustic.
    pub caustic_redshift: f64,
}

/// The universe of a box, in the units of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Universe {
    /// The expansion.
    pub cosmology: Cosmology,
    /// Side of the box [L, comoving].
    pub side: f64,
    /// The length 1 Mpc/h [L].
    pub megaparsec: f64,
    /// Hubble constant [100 km/s/Mpc].
    pub h: f64,
    /// Scale factor of the bodies.
    pub scale_factor: f64,
}

impl Cosmological {
    /// Checks that the bodies can be made.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.lattice == Lattice::Glass && !self.per_side.is_multiple_of(glass::PER_SIDE) {
            return Err(format!(
                "per_side = {}: must be a multiple of {} with lattice = \"glass\", whose tile has so many bodies along a side",
                self.per_side,
                glass::PER_SIDE
            ));
        }
        let Some(pancake) = &self.pancake else { return self.power().map(|_| ()) };
        let (start, caustic) = (self.universe()?.scale_factor, pancake.caustic_redshift);
        if scale_factor_of(caustic) <= start {
            return Err(format!(
                "caustic_redshift = {caustic}: must be below start_redshift, since sheets have crossed then"
            ));
        }
        Ok(())
    }

    fn count(&self) -> u64 {
        self.per_side.pow(3)
    }

    /// Memory per body while the bodies are made, in addition to the bodies [bytes]: the modes, and on the finer
    /// grid for the second order three fields, a fourth one and the messages of its transform. The third order
    /// has six derivatives of phi1, five sources, and as much for a transform.
    pub(in crate::model) fn memory(&self) -> f64 {
        const VALUE: f64 = 8.0;
        // A glass has all fields on a grid of twice as many cells.
        let cells = |finer: f64| if self.lattice == Lattice::Glass { 8.0 } else { finer.powi(3) };
        VALUE
            * match self.lpt {
                1 => cells(1.0) * 5.0,
                2 => cells(1.0) + cells(1.5) * 7.0,
                _ => cells(1.0) + cells(2.0) * 15.0,
            }
    }

    fn universe(&self) -> Result<&Universe, String> {
        self.universe
            .as_ref()
            .ok_or_else(|| "model = \"cosmology\": needs the tables [cosmology] and [box]".to_owned())
    }

    /// The linear power spectrum today.
    ///
    /// # Errors
    /// A parameter is out of its range, the universe is missing, or a table does not reach over the
    /// modes of the box.
    pub fn power(&self) -> Result<LinearPower, String> {
        if self.pancake.is_some() {
            return Err("the model is a plane wave, which has no power spectrum".to_owned());
        }
        let &Universe { cosmology, side, megaparsec, h, .. } = self.universe()?;
        let today = cosmology.growth(1.0).d1;
        let power = match &self.table {
            Some(table) => {
                let then = cosmology.growth(scale_factor_of(self.spectrum_redshift.unwrap_or(0.0))).d1;
                let power = LinearPower::of_table(table.clone(), today / then);
                match self.amplitude {
                    Some(Amplitude::Sigma8(sigma8)) => power.with_sigma8(sigma8)?,
                    _ => power,
                }
            }
            None => {
                let omega_b = self.omega_b.unwrap_or_default();
                if !(omega_b > 0.0 && omega_b < cosmology.omega_m) {
                    return Err(format!(
                        "omega_b = {omega_b:?}: must be above 0 and below cosmology.omega_m = {:?}",
                        cosmology.omega_m
                    ));
                }
                let temperature = self.temperature.unwrap_or(TEMPERATURE);
                let transfer = Transfer { omega_m: cosmology.omega_m, omega_b, h, temperature };
                let amplitude = self.amplitude.ok_or("give `sigma8` or `a_s`")?;
                LinearPower::new(transfer, self.n_s.unwrap_or(INDEX), amplitude, today)?
            }
        };
        let fundamental = TAU / side * megaparsec;
        let last = fundamental * (0.75 * (self.per_side * self.per_side) as f64).sqrt();
        let [low, high] = power.range();
        if low > fundamental || high < last {
            return Err(format!(
                "spectrum: is given from k = {low:e} to {high:e} h/Mpc; the box has modes from {fundamental:e} to {last:e}"
            ));
        }
        Ok(power)
    }

    /// Makes the bodies of this rank, with comoving positions and peculiar velocities a dx/dt. `constant`
    /// is the gravitational constant. Collective.
    pub(in crate::model) fn generate(&self, comm: &dyn Comm, constant: f64) -> Bodies {
        let universe = self.universe().expect("the model was checked");
        let &Universe { cosmology, side, scale_factor: a, .. } = universe;
        let field = Field::of(self, universe);
        let (sites, mut bodies) = Sites::new(comm, self.lattice, self.per_side as usize, side);
        let contrast = sites.contrast(&field);
        let density = cosmology.matter_density(constant);
        bodies.mass.fill(density * side.powi(3) / self.bodies() as f64);

        let (today, now) = (cosmology.growth(1.0), cosmology.growth(a));
        let Growth { d1, d2, f1, f2, d3, f3 } = now;
        let rate = a * cosmology.hubble_at(a);
        let of_order = |order: i32, growth: f64, f: f64| {
            let factor = growth / today.d1.powi(order);
            [factor, rate * f * factor]
        };
        displace(comm, &sites, &mut bodies, &contrast, side, of_order(1, d1, f1));
        match self.lpt {
            1 => {}
            2 => {
                let source = second_order(comm, &sites, &field);
                displace(comm, &sites, &mut bodies, &source, side, of_order(2, d2, f2));
            }
            _ => {
                let Sources { second, determinant, mixed, transverse } = third_order(comm, &sites, &field);
                displace(comm, &sites, &mut bodies, &second, side, of_order(2, d2, f2));
                let [a, b, c] = [0, 1, 2].map(|k| of_order(3, d3[k], f3[k]));
                displace(comm, &sites, &mut bodies, &determinant, side, a.map(|factor| -factor));
                displace(comm, &sites, &mut bodies, &mixed, side, b);
                displace_transverse(comm, &sites, &mut bodies, &transverse, side, c);
            }
        }
        bodies.wrap(Domain::Periodic { side });
        bodies
    }
}

/// The Gaussian random field of the contrast of linear theory today, or a plane wave.
pub(super) struct Field {
    /// The wave vector of a plane wave, and its Fourier coefficient.
    pancake: Option<(Wave, f64)>,
    seed: u64,
    fixed_amplitude: bool,
    sign: f64,
    /// Wave numbers on each axis are below this one.
    end: i64,
    /// The rms amplitude of a mode, by the square of the length of its wave vector.
    pub(super) amplitudes: Vec<f64>,
}

impl Field {
    /// That of a model that was checked.
    fn of(model: &Cosmological, universe: &Universe) -> Field {
        let Some(Pancake { wave, caustic_redshift }) = model.pancake.as_deref().copied() else {
            return Field::new(model, universe, &model.power().expect("the model was checked"));
        };
        let growth = |a: f64| universe.cosmology.growth(a).d1;
        let coefficient = 0.5 * growth(1.0) / growth(scale_factor_of(caustic_redshift));
        Field {
            pancake: Some((wave, coefficient)),
            seed: 0,
            fixed_amplitude: true,
            sign: if model.opposite { -1.0 } else { 1.0 },
            end: model.per_side as i64 / 2,
            amplitudes: Vec::new(),
        }
    }

    pub(super) fn new(model: &Cosmological, universe: &Universe, power: &LinearPower) -> Field {
        let end = model.per_side as i64 / 2;
        let most = 3 * (end - 1) * (end - 1);
        let fundamental = TAU / universe.side * universe.megaparsec;
        let volume = (universe.side / universe.megaparsec).powi(3);
        let amplitude = |square: i64| match square {
            0 => 0.0,
            _ => (power.at(fundamental * (square as f64).sqrt()) / volume).sqrt(),
        };
        Field {
            pancake: None,
            seed: hash(model.seed),
            fixed_amplitude: model.fixed_amplitude,
            sign: if model.opposite { -1.0 } else { 1.0 },
            end,
            amplitudes: (0..=most.max(0)).into_par_iter().map(amplitude).collect(),
        }
    }

    /// A mode of the contrast: its Fourier coefficient.
    pub(super) fn mode(&self, wave: Wave) -> Complex<f64> {
        if wave.iter().any(|w| w.abs() >= self.end) {
            return Complex::default();
        }
        if let Some((own, coefficient)) = self.pancake {
            let is_own = wave == own || wave == own.map(|w| -w);
            return Complex::new(if is_own { self.sign * coefficient } else { 0.0 }, 0.0);
        }
        let amplitude = self.sign * self.amplitudes[wave.iter().map(|w| w * w).sum::<i64>() as usize];
        // Of two opposite modes, the one whose last wave number other than 0 is positive is drawn.
        let [x, y, z] = wave;
        let is_drawn = [z, y, x].into_iter().find(|&w| w != 0).is_none_or(|w| w > 0);
        let drawn = if is_drawn { wave } else { wave.map(|w| -w) };
        let number = drawn.into_iter().fold(self.seed, |number, w| hash(number ^ w as u64));
        // From 2^-53 to 1, so that the logarithm is finite.
        let uniform = |number: u64| ((number >> 11) + 1) as f64 / (1u64 << 53) as f64;
        let length = if self.fixed_amplitude { 1.0 } else { (-math::ln(uniform(hash(number)))).sqrt() };
        let (sin, cos) = math::sin_cos(TAU * uniform(number));
        let mode = Complex::new(cos, sin) * (amplitude * length);
        if is_drawn { mode } else { mode.conj() }
    }
}

/// Bodies at rest at the centres of the cells, for the planes of this rank.
pub(super) fn lattice(transform: &Transform, side: f64) -> Bodies {
    let n = transform.cells();
    let mut bodies = Bodies::zeroed(transform.field_len());
    let first = transform.planes().start * n * n;
    let cell = side / n as f64;
    for i in 0..bodies.len() {
        let place = first + i;
        bodies.id[i] = place as u64;
        let cells = [place / (n * n), place / n % n, place % n];
        (0..3).for_each(|axis| bodies.pos[axis][i] = (cells[axis] as f64 + 0.5) * cell);
    }
    bodies
}

impl Recipe for Cosmological {
    fn bodies(&self) -> u64 {
        self.count()
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        self.check().map(|()| Vec::new())
    }
}

impl Keys {
    pub(in crate::model) fn cosmology(&mut self) -> Result<Cosmological, String> {
        let per_side =
            self.per_side.take().ok_or("`per_side` is missing: the number of bodies along a side")?;
        if !(2..=MOST_PER_SIDE).contains(&per_side) || per_side % 2 == 1 {
            return Err(format!("per_side = {per_side}: must be an even number from 2 to {MOST_PER_SIDE}"));
        }
        if let Some(wave) = self.wave.take() {
            return self.pancake(per_side, wave);
        }
        let lpt = self.lpt.take().unwrap_or(2);
        if !(1..=3).contains(&lpt) {
            return Err(format!("lpt = {lpt}: must be 1 (Zel'dovich), 2 or 3"));
        }
        let spectrum = self.spectrum.take();
        let amplitude = match (self.sigma8.take(), self.a_s.take()) {
            (Some(_), Some(_)) => return Err("give either `sigma8` or `a_s`, not both".to_owned()),
            (Some(sigma8), None) => {
                Some(Amplitude::Sigma8(within("sigma8", Some(sigma8), 0.8, 1e-6..100.0, "from 1e-6 to 100")?))
            }
            (None, Some(_)) if spectrum.is_some() => {
                return Err("`a_s` has no meaning with `spectrum`: give `sigma8`, or neither for the amplitude of the table".to_owned());
            }
            (None, Some(a_s)) => Some(Amplitude::Primordial(within(
                "a_s",
                Some(a_s),
                2e-9,
                1e-20..1.0,
                "above 0, such as 2.1e-9",
            )?)),
            (None, None) if spectrum.is_none() => {
                return Err(
                    "give the amplitude as `sigma8` or `a_s`, or the file of a power spectrum as `spectrum`"
                        .to_owned(),
                );
            }
            (None, None) => None,
        };
        // Without a table, the shape of the spectrum follows from these.
        let (mut omega_b, mut n_s, mut temperature, mut spectrum_redshift) = (None, None, None, None);
        if spectrum.is_some() {
            let redshift = self.spectrum_redshift.take();
            redshift
                .ok_or("`spectrum_redshift` is missing: the redshift for which the table was computed")?;
            let above = "from 0 to 2000";
            spectrum_redshift = Some(within("spectrum_redshift", redshift, 0.0, 0.0..2000.1, above)?);
        } else {
            let given = self.omega_b.take();
            given.ok_or("`omega_b` is missing: the density of baryons, such as 0.049")?;
            omega_b = Some(within("omega_b", given, 0.0, 1e-6..10.0, "from 1e-6 to below omega_m")?);
            n_s = Some(within("n_s", self.n_s.take(), INDEX, 0.0..2.0, "from 0 to below 2")?);
            let kelvin = "from 1 to 10 kelvin";
            temperature =
                Some(within("temperature", self.temperature.take(), TEMPERATURE, 1.0..10.1, kelvin)?);
        }
        Ok(Cosmological {
            per_side,
            seed: self.seed.take().unwrap_or(0),
            lpt,
            lattice: self.lattice.take().unwrap_or_default(),
            omega_b,
            n_s,
            temperature,
            amplitude,
            spectrum,
            spectrum_redshift,
            fixed_amplitude: self.fixed_amplitude.take().unwrap_or(false),
            opposite: self.opposite.take().unwrap_or(false),
            pancake: None,
            universe: None,
            table: None,
        })
    }

    /// A plane wave in place of a power spectrum.
    fn pancake(&mut self, per_side: u64, wave: [i64; 3]) -> Result<Cosmological, String> {
        let least = per_side / 2;
        if wave == [0; 3] || wave.iter().any(|w| w.unsigned_abs() >= least) {
            return Err(format!(
                "wave = {wave:?}: must not be zero, and each number must be below per_side / 2 = {least}"
            ));
        }
        let given = self.caustic_redshift.take();
        given.ok_or("`caustic_redshift` is missing: the redshift at which the sheets of the wave cross")?;
        let caustic_redshift = within("caustic_redshift", given, 0.0, 0.0..2000.1, "from 0 to 2000")?;
        Ok(Cosmological {
            per_side,
            seed: 0,
            lpt: 1,
            lattice: self.lattice.take().unwrap_or_default(),
            omega_b: None,
            n_s: None,
            temperature: None,
            amplitude: None,
            spectrum: None,
            spectrum_redshift: None,
            fixed_amplitude: true,
            opposite: self.opposite.take().unwrap_or(false),
            pancake: Some(Box::new(Pancake { wave, caustic_redshift })),
            universe: None,
            table: None,
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
