//! Writes the straight-line code of the Cartesian expansions, order by order, into `$OUT_DIR/expansion.rs`.
//!
//! The formulas are short, their terms are many: a generator keeps the formulas readable and the code fast.
//! Notation: a multi-index `(a, b, c)` stands for the monomial `x^a y^b z^c` or the derivative `d^a_x d^b_y d^c_z`.

use std::collections::HashMap;
use std::fmt::Write as _;

const MAX_ORDER: usize = 4;

type Index = [usize; 3];

/// All multi-indices of total order at most `order`, by order, then by descending `a`, then descending `b`.
fn full_basis(order: usize) -> Vec<Index> {
    (0..=order)
        .flat_map(|n| (0..=n).rev().flat_map(move |a| (0..=n - a).rev().map(move |b| [a, b, n - a - b])))
        .collect()
}

/// The multi-indices that suffice for a harmonic function: with `d_z^2 = -d_x^2 - d_y^2`, at most one `z`.
fn harmonic_basis(order: usize) -> Vec<Index> {
    full_basis(order).into_iter().filter(|i| i[2] <= 1).collect()
}

fn total(i: Index) -> usize {
    i.iter().sum()
}

fn plus(i: Index, j: Index) -> Index {
    [i[0] + j[0], i[1] + j[1], i[2] + j[2]]
}

/// Coefficients of `d^index` in the harmonic basis.
fn reduce(index: Index) -> Vec<(Index, f64)> {
    let [a, b, c] = index;
    if c <= 1 {
        return vec![(index, 1.0)];
    }
    let mut terms: HashMap<Index, f64> = HashMap::new();
    for lower in [[a + 2, b, c - 2], [a, b + 2, c - 2]] {
        for (i, k) in reduce(lower) {
            *terms.entry(i).or_default() -= k;
        }
    }
    let mut terms: Vec<_> = terms.into_iter().collect();
    terms.sort_by_key(|t| t.0);
    terms
}

/// `powers`: x^a y^b z^c / (a! b! c!) for the full basis.
fn write_powers(out: &mut String, order: usize) {
    let basis = full_basis(order);
    writeln!(out, "fn powers_{order}([x, y, z]: [f64; 3]) -> [f64; {}] {{", basis.len()).unwrap();
    writeln!(out, "    let p0 = 1.0;").unwrap();
    for (k, i) in basis.iter().enumerate().skip(1) {
        let axis = (0..3).find(|&axis| i[axis] > 0).unwrap();
        let mut lower = *i;
        lower[axis] -= 1;
        let from = basis.iter().position(|j| *j == lower).unwrap();
        let name = ["x", "y", "z"][axis];
        match i[axis] {
            1 => writeln!(out, "    let p{k} = p{from} * {name};").unwrap(),
            n => writeln!(out, "    let p{k} = p{from} * {name} * {:?};", 1.0 / n as f64).unwrap(),
        }
    }
    let names: Vec<String> = (0..basis.len()).map(|k| format!("p{k}")).collect();
    writeln!(out, "    [{}]\n}}\n", names.join(", ")).unwrap();
}

/// `shift`: moments about another centre are the product of the moments with the powers of the shift.
fn write_shift(out: &mut String, order: usize) {
    let basis = full_basis(order);
    let n = basis.len();
    writeln!(out, "fn shift_{order}(m: &[f64; {n}], s: &[f64; {n}]) -> [f64; {n}] {{\n    [").unwrap();
    for target in &basis {
        let mut terms = Vec::new();
        for (k, i) in basis.iter().enumerate() {
            if (0..3).all(|axis| i[axis] <= target[axis]) {
                let rest = [target[0] - i[0], target[1] - i[1], target[2] - i[2]];
                let j = basis.iter().position(|j| *j == rest).unwrap();
                terms.push(if total(rest) == 0 { format!("m[{k}]") } else { format!("m[{k}] * s[{j}]") });
            }
        }
        writeln!(out, "        {},", terms.join(" + ")).unwrap();
    }
    writeln!(out, "    ]\n}}\n").unwrap();
}

/// `harmonic`: the moments that a harmonic kernel needs, signs of the expansion included; `full`: the same without reduction.
fn write_tile_moments(out: &mut String, order: usize) {
    let basis = full_basis(order);
    let n = basis.len();
    for (name, reduced) in [("harmonic", true), ("full", false)] {
        let kept = if reduced { harmonic_basis(order) } else { basis.clone() };
        let mut terms = vec![Vec::new(); kept.len()];
        for (k, i) in basis.iter().enumerate() {
            let sign = if total(*i).is_multiple_of(2) { 1.0 } else { -1.0 };
            let images = if reduced { reduce(*i) } else { vec![(*i, 1.0)] };
            for (image, weight) in images {
                let slot = kept.iter().position(|j| *j == image).unwrap();
                terms[slot].push(format!("{:?} * m[{k}]", sign * weight));
            }
        }
        let lines: Vec<String> = terms.iter().map(|t| t.join(" + ")).collect();
        writeln!(
            out,
            "fn {name}_{order}(m: &[f64; {n}]) -> [f64; {}] {{\n    [{}]\n}}\n",
            kept.len(),
            lines.join(", ")
        )
        .unwrap();
    }
}

/// Emits derivatives of 1 / sqrt(r^2 + softening^2) at a point whose softened distance is one, by the recursion of McMurchie &
/// Davidson (1978): R^m_{a+1} = a R^{m+1}_{a-1} + x R^{m+1}_a, with R^m_0 = (-1)^m (2m-1)!!.
struct Derivatives {
    code: String,
    known: HashMap<(usize, Index), String>,
    operations: usize,
    harmonic: bool,
}

impl Derivatives {
    fn get(&mut self, m: usize, index: Index) -> String {
        if let Some(name) = self.known.get(&(m, index)) {
            return name.clone();
        }
        let [a, b, c] = index;
        let name = format!("d{m}_{a}{b}{c}");
        if total(index) == 0 {
            let value: f64 = (1..=m).map(|k| -(2.0 * k as f64 - 1.0)).product();
            writeln!(self.code, "    let {name} = L::splat({value:?});").unwrap();
        } else if self.harmonic && c >= 2 {
            let (p, q) = (self.get(m, [a + 2, b, c - 2]), self.get(m, [a, b + 2, c - 2]));
            writeln!(self.code, "    let {name} = L::splat(0.0) - {p} - {q};").unwrap();
            self.operations += 2;
        } else {
            // An axis that stands alone costs one product; else take the one with the smallest exponent.
            let axis = (0..3).filter(|&axis| index[axis] > 0).min_by_key(|&axis| index[axis]).unwrap();
            let mut lower = index;
            lower[axis] -= 1;
            let first = self.get(m + 1, lower);
            let x = ["x", "y", "z"][axis];
            if lower[axis] == 0 {
                writeln!(self.code, "    let {name} = {x} * {first};").unwrap();
                self.operations += 1;
            } else {
                let factor = lower[axis];
                lower[axis] -= 1;
                let mut second = self.get(m + 1, lower);
                if factor > 1 {
                    self.operations += 1;
                    second = format!("{second} * L::splat({:?})", factor as f64);
                }
                writeln!(self.code, "    let {name} = {x}.mul_add({first}, {second});").unwrap();
                self.operations += 2;
            }
        }
        self.known.insert((m, index), name.clone());
        name
    }
}

/// `field`: potential and acceleration of a cell's moments at an offset from its centre of mass. Derivatives are taken at unit distance, so
/// that their high powers of the distance cannot overflow; each order then takes its own power.
fn write_field(out: &mut String, order: usize) {
    for (name, harmonic) in [("harmonic", true), ("full", false)] {
        let basis = if harmonic { harmonic_basis(order) } else { full_basis(order) };
        let mut d = Derivatives { code: String::new(), known: HashMap::new(), operations: 0, harmonic };
        let mut results = Vec::new();
        for (component, step) in [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].into_iter().enumerate() {
            // The sum of each order; the dipole about the centre of mass is zero.
            let sums: Vec<(usize, String)> = (0..=order)
                .filter(|n| *n != 1)
                .map(|n| {
                    let mut sum = String::new();
                    for (k, index) in basis.iter().enumerate().filter(|(_, index)| total(**index) == n) {
                        let derivative = d.get(0, plus(*index, step));
                        let first = sum.is_empty();
                        sum = if first {
                            format!("m({k}) * {derivative}")
                        } else {
                            format!("m({k}).mul_add({derivative}, {sum})")
                        };
                        d.operations += if first { 1 } else { 2 };
                    }
                    (n, sum)
                })
                .collect();
            // Horner's scheme in 1 / distance.
            let mut result = String::new();
            for (n, sum) in sums.into_iter().rev() {
                let below = if n == 0 { "u2" } else { "u" };
                result = if result.is_empty() { sum } else { format!("({result}).mul_add({below}, {sum})") };
                d.operations += 2;
            }
            results.push(format!("({result}) * {}", if component == 0 { "u" } else { "u2" }));
        }
        // Offset 3, squared distance 5, reciprocal square root 6, its square 1, direction 3, sums of the results 4.
        let operations = d.operations + 22;
        writeln!(
            out,
            "const OPERATIONS_{}_{order}: u64 = {operations};\n\n#[inline(always)]\nfn field_{name}_{order}<L: Lanes>([x, y, z]: [L; 3], r2: L, m: impl Fn(usize) -> L) -> [L; 4] {{\n    let u = r2.rsqrt();\n    let u2 = u * u;\n    let (x, y, z) = (x * u, y * u, z * u);\n{}    [\n        {},\n    ]\n}}\n",
            name.to_uppercase(),
            d.code,
            results.join(",\n        ")
        )
        .unwrap();
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut out = String::new();
    for order in 1..=MAX_ORDER {
        write_powers(&mut out, order);
        write_shift(&mut out, order);
        write_tile_moments(&mut out, order);
        write_field(&mut out, order);
        let (full, harmonic) = (full_basis(order).len(), harmonic_basis(order).len());
        writeln!(out, "order!({order}, {full}, {harmonic}, powers_{order}, shift_{order}, harmonic_{order}, full_{order}, field_harmonic_{order}, field_full_{order}, OPERATIONS_HARMONIC_{order}, OPERATIONS_FULL_{order});\n").unwrap();
    }
    let path =
        std::path::Path::new(&std::env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("expansion.rs");
    std::fs::write(path, out).expect("OUT_DIR is writable");
}
