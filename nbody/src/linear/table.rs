//! A tabulated power spectrum, with a natural cubic spline of ln P over ln k.

use serde::Serialize;
use treecode::math::{exp, ln};

/// Powers at some wave numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// The first and the last wave number [h/Mpc].
    ends: [f64; 2],
    /// Logarithms of the wave numbers [h/Mpc] and of the powers [(Mpc/h)^3].
    #[serde(skip)]
    k: Vec<f64>,
    #[serde(skip)]
    power: Vec<f64>,
    /// Second derivatives of the spline.
    #[serde(skip)]
    bend: Vec<f64>,
}

impl Table {
    /// A table of wave numbers [h/Mpc], which ascend, and the powers there [(Mpc/h)^3].
    ///
    /// # Errors
    /// There are fewer than four rows, wave numbers do not ascend, or a number is not above 0. The
    /// message names the row.
    pub fn new(k: Vec<f64>, power: Vec<f64>) -> Result<Table, String> {
        assert_eq!(k.len(), power.len(), "columns of a table");
        if k.len() < 4 {
            return Err(format!("has {} rows of k and P, must have 4 or more", k.len()));
        }
        for (row, (k, power)) in k.iter().zip(&power).enumerate() {
            if !(*k > 0.0 && k.is_finite() && *power > 0.0 && power.is_finite()) {
                return Err(format!("row {}: k = {k:?} and P = {power:?} must be above 0", row + 1));
            }
        }
        if let Some(row) = k.windows(2).position(|pair| pair[1] <= pair[0]) {
            return Err(format!(
                "row {}: k = {:?} does not follow {:?}; wave numbers must ascend",
                row + 2,
                k[row + 1],
                k[row]
            ));
        }
        let ends = [k[0], k[k.len() - 1]];
        let (k, power): (Vec<f64>, Vec<f64>) =
            (k.into_iter().map(ln).collect(), power.into_iter().map(ln).collect());
        let bend = second_derivatives(&k, &power);
        Ok(Table { ends, k, power, bend })
    }

    /// The first and the last wave number [h/Mpc].
    pub(super) fn range(&self) -> [f64; 2] {
        self.ends
    }

    /// Power at the wave number `k` [h/Mpc] within the range of the table [(Mpc/h)^3].
    pub(super) fn at(&self, k: f64) -> f64 {
        assert!(self.ends[0] <= k && k <= self.ends[1], "k = {k} is outside the table {:?}", self.ends);
        let x = ln(k);
        let i = self.k.partition_point(|&other| other <= x).clamp(1, self.k.len() - 1) - 1;
        let width = self.k[i + 1] - self.k[i];
        let (a, b) = ((self.k[i + 1] - x) / width, (x - self.k[i]) / width);
        let curve = (a * a * a - a) * self.bend[i] + (b * b * b - b) * self.bend[i + 1];
        exp(a * self.power[i] + b * self.power[i + 1] + curve * width * width / 6.0)
    }
}

/// Second derivatives of the natural cubic spline through these points (de Boor 1978, chapter IV).
fn second_derivatives(x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    // Elimination of a tridiagonal system: `upper` and `bend` are a row's coefficient and right side.
    let (mut upper, mut bend) = (vec![0.0; n], vec![0.0; n]);
    for i in 1..n - 1 {
        let (before, after) = (x[i] - x[i - 1], x[i + 1] - x[i]);
        let turn = (y[i + 1] - y[i]) / after - (y[i] - y[i - 1]) / before;
        let pivot = 2.0 * (before + after) - before * upper[i - 1];
        upper[i] = after / pivot;
        bend[i] = (6.0 * turn - before * bend[i - 1]) / pivot;
    }
    for i in (1..n - 1).rev() {
        bend[i] -= upper[i] * bend[i + 1];
    }
    bend
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spline_has_the_order_of_its_polynomials() {
        // A parabola in logarithms; the error falls as the fourth power of the spacing inside.
        let curve = |k: f64| (-0.3 * k.ln().powi(2) + 0.1 * (2.0 * k.ln()).sin()).exp();
        let error = |rows: i32| {
            let k: Vec<f64> =
                (0..=rows).map(|i| (-4.0 + 8.0 * f64::from(i) / f64::from(rows)).exp()).collect();
            let table = Table::new(k.clone(), k.iter().map(|k| curve(*k)).collect()).unwrap();
            k.iter().zip(&k).for_each(|(k, _)| assert!((table.at(*k) / curve(*k) - 1.0).abs() < 1e-13));
            (0..200)
                .map(|i| (-1.0 + 0.01 * f64::from(i)).exp())
                .map(|k| (table.at(k) / curve(k) - 1.0).abs())
                .fold(0.0, f64::max)
        };
        let slope = (error(40) / error(80)).log2();
        assert!((slope - 4.0).abs() < 0.3, "{slope}");
    }

    #[test]
    fn rows_that_are_none_are_named() {
        let table = |k: &[f64], power: &[f64]| Table::new(k.to_vec(), power.to_vec()).unwrap_err();
        assert_eq!(table(&[1.0, 2.0], &[1.0, 2.0]), "has 2 rows of k and P, must have 4 or more");
        let ones = [1.0; 5];
        let error = table(&[1.0, 2.0, 2.0, 3.0, 4.0], &ones);
        assert_eq!(error, "row 3: k = 2.0 does not follow 2.0; wave numbers must ascend");
        let error = table(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, -1.0, 1.0, 1.0, 1.0]);
        assert_eq!(error, "row 2: k = 2.0 and P = -1.0 must be above 0");
        assert!(table(&[0.0, 2.0, 3.0, 4.0, 5.0], &ones).starts_with("row 1: k = 0.0"));
    }
}
