//! Initial mass functions of stars, piecewise power laws. The number of stars per mass is
//! proportional to m^-slope.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use treecode::math::powf;

/// How the masses of stars are distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MassFunction {
    /// Kroupa (2001, MNRAS 322, 231), eq. 2: slopes 0.3, 1.3 and 2.3 with breaks at 0.08 and 0.5 solar
    /// masses.
    #[default]
    Kroupa,
    /// Salpeter (1955, ApJ 121, 161): slope 2.35.
    Salpeter,
    /// All stars have the same mass, the mean of the limits.
    Equal,
}

/// A mass function between two limits.
#[derive(Clone, Debug)]
pub(super) struct Masses {
    pieces: Vec<Piece>,
    mean: f64,
}

/// A power law between two masses.
#[derive(Clone, Copy, Debug)]
struct Piece {
    from: f64,
    to: f64,
    slope: f64,
    /// Number of stars in all pieces up to the end of this one, as a fraction of all.
    until: f64,
}

impl MassFunction {
    /// Upper limits [solar masses] and slopes of the power laws.
    fn laws(self) -> &'static [(f64, f64)] {
        match self {
            MassFunction::Kroupa => &[(0.08, 0.3), (0.5, 1.3), (f64::INFINITY, 2.3)],
            MassFunction::Salpeter => &[(f64::INFINITY, 2.35)],
            MassFunction::Equal => &[],
        }
    }

    /// The mass function between these masses [solar masses], `least` below `greatest`.
    pub(super) fn between(self, least: f64, greatest: f64) -> Masses {
        let (mut pieces, mut factor, mut last) = (Vec::new(), 1.0, None);
        let (mut number, mut mass) = (0.0, 0.0);
        let mut from = least;
        for &(end, slope) in self.laws() {
            let to = end.min(greatest);
            if from < to {
                // The function has no jump at a break.
                if let Some(last) = last {
                    factor *= powf(from, slope - last);
                }
                last = Some(slope);
                number += factor * integral(-slope, from, to);
                mass += factor * integral(1.0 - slope, from, to);
                pieces.push(Piece { from, to, slope, until: number });
                from = to;
            }
        }
        pieces.iter_mut().for_each(|piece| piece.until /= number);
        let mean = if pieces.is_empty() { 0.5 * (least + greatest) } else { mass / number };
        Masses { pieces, mean }
    }
}

/// Integral of m^power; the power is not -1.
fn integral(power: f64, from: f64, to: f64) -> f64 {
    (powf(to, power + 1.0) - powf(from, power + 1.0)) / (power + 1.0)
}

impl Masses {
    /// Mean mass of a star [solar masses].
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Draws the mass of a star [solar masses].
    pub(super) fn draw(&self, rng: &mut impl Rng) -> f64 {
        let part: f64 = rng.random();
        let Some(k) = self.pieces.iter().position(|piece| part < piece.until) else { return self.mean };
        let Piece { from, to, slope, until } = self.pieces[k];
        let before = if k == 0 { 0.0 } else { self.pieces[k - 1].until };
        let inside = (part - before) / (until - before);
        let [a, b] = [from, to].map(|m| powf(m, 1.0 - slope));
        powf(a + inside * (b - a), 1.0 / (1.0 - slope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn drawn(masses: &Masses, count: usize) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        (0..count).map(|_| masses.draw(&mut rng)).collect()
    }

    /// Counts in bins have the slopes of the paper, on both sides of its breaks.
    #[test]
    fn the_number_of_stars_falls_with_the_slopes_of_the_papers() {
        let stars = drawn(&MassFunction::Kroupa.between(0.01, 100.0), 400_000);
        let count = |from: f64, to: f64| stars.iter().filter(|m| (from..to).contains(m)).count() as f64;
        for (edge, slope) in [(0.02, 0.3), (0.15, 1.3), (0.8, 2.3), (4.0, 2.3)] {
            // Two bins of equal width in the logarithm.
            let ratio = count(edge / 1.5, edge) / count(edge, 1.5 * edge);
            let found = 1.0 + ratio.log2() / 1.5f64.log2();
            assert!((found - slope).abs() < 0.07, "at {edge}: {found}");
        }
        let stars = drawn(&MassFunction::Salpeter.between(0.1, 50.0), 200_000);
        let above = stars.iter().filter(|m| **m > 1.0).count() as f64 / stars.len() as f64;
        let expected = (1.0 - 50f64.powf(-1.35)) / (0.1f64.powf(-1.35) - 50f64.powf(-1.35));
        assert!((above / expected - 1.0).abs() < 0.02, "{above} {expected}");
    }

    #[test]
    fn the_mean_is_that_of_the_drawn_stars_within_the_limits() {
        for function in [MassFunction::Kroupa, MassFunction::Salpeter, MassFunction::Equal] {
            let masses = function.between(0.08, 20.0);
            let stars = drawn(&masses, 300_000);
            assert!(stars.iter().all(|m| (0.08..=20.0).contains(m)));
            let mean = stars.iter().sum::<f64>() / stars.len() as f64;
            assert!((mean / masses.mean() - 1.0).abs() < 0.01, "{function:?}: {mean} {}", masses.mean());
        }
        // Numbers and masses of the two pieces of Kroupa's function between 0.08 and 100 solar masses, by
        // hand: 3.0077 and 0.6356, 0.9461 and 1.6332.
        let mean = MassFunction::Kroupa.between(0.08, 100.0).mean();
        assert!((mean - (0.6356 + 1.6332) / (3.0077 + 0.9461)).abs() < 2e-4, "{mean}");
    }
}
