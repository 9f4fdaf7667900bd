//! Writes the straight-line code of the Cartesian expansions, order by order, into `$OUT_DIR/expansion.rs`.
//!
//! The formulas are short, their terms are many: a generator keeps the formulas readable and the code fast.
//! Notation: a multi-index `(a, b, c)` stands for the monomial `x^a y^b z^c` or the derivative `d^a_x d^b_y d^c_z`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

const MAX_ORDER: usize = 4;

type Index = [usize; 3];

/// All multi-indices of total order at most `order`, by order, then by descending `a`, then descending `b`.
fn full_basis(order: usize) -> Vec<Index> {
    (0..=order)
        .flat_map(|n| (0..=n).rev().flat_map(move |a| (0..=n - a).rev().map(move |b| [a, b, n - a - b])))
        .collect()
}

/// The components of the traceless moments: all of each order but the first, which is zero about the centre of mass.
fn traceless_basis(order: usize) -> Vec<Index> {
    full_basis(order).into_iter().filter(|i| total(*i) != 1).collect()
}

fn total(i: Index) -> usize {
    i.iter().sum()
}

fn plus(i: Index, j: Index) -> Index {
    [i[0] + j[0], i[1] + j[1], i[2] + j[2]]
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// n! / (a! b! c!) for n = a + b + c: how often a monomial stands in a symmetric tensor.
fn multiplicity(i: Index) -> f64 {
    factorial(total(i)) / i.map(factorial).iter().product::<f64>()
}

/// A homogeneous polynomial in x, y, z.
type Polynomial = BTreeMap<Index, f64>;

/// The polynomial T of degree n in `d^index (1 / r) = T / r^(2n + 1)`, by T' = r^2 d_i T - (2n + 1) x_i T.
fn numerator(index: Index) -> Polynomial {
    let Some(axis) = (0..3).find(|&axis| index[axis] > 0) else {
        return Polynomial::from([([0; 3], 1.0)]);
    };
    let mut lower = index;
    lower[axis] -= 1;
    let mut result = Polynomial::new();
    for (i, k) in numerator(lower) {
        let mut higher = i;
        higher[axis] += 1;
        *result.entry(higher).or_default() -= (2 * total(lower) + 1) as f64 * k;
        if i[axis] > 0 {
            let mut derivative = i;
            derivative[axis] -= 1;
            for square in [[2, 0, 0], [0, 2, 0], [0, 0, 2]] {
                *result.entry(plus(derivative, square)).or_default() += i[axis] as f64 * k;
            }
        }
    }
    result.retain(|_, k| *k != 0.0);
    result
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

/// `full`: the moments with the signs of the expansion. `harmonic`: what is left of them for 1 / r, the traceless tensors W of order n
/// with `W x^n / (n r^(2n + 1))` for the potential.
fn write_tile_moments(out: &mut String, order: usize) {
    let basis = full_basis(order);
    for (name, kept) in [("harmonic", traceless_basis(order)), ("full", basis.clone())] {
        let mut terms = vec![Vec::new(); kept.len()];
        for (k, i) in basis.iter().enumerate() {
            let sign = if total(*i).is_multiple_of(2) { 1.0 } else { -1.0 };
            let image = if name == "full" { Polynomial::from([(*i, 1.0)]) } else { numerator(*i) };
            for (image, weight) in image {
                let Some(slot) = kept.iter().position(|j| *j == image) else { continue };
                let scale = if name == "full" { 1.0 } else { total(*i).max(1) as f64 / multiplicity(image) };
                terms[slot].push(format!("{:?} * m[{k}]", sign * weight * scale));
            }
        }
        let lines: Vec<String> = terms.iter().map(|t| t.join(" + ")).collect();
        let (n, kept) = (basis.len(), kept.len());
        writeln!(
            out,
            "fn {name}_{order}(m: &[f64; {n}]) -> [f64; {kept}] {{\n    [{}]\n}}\n",
            lines.join(", ")
        )
        .unwrap();
    }
}

/// A chain of fused multiply-adds: the sum of the products; counts its operations.
fn chain(products: &[(String, String)], operations: &mut usize) -> String {
    *operations += 2 * products.len() - 1;
    let (a, b) = &products[0];
    products[1..].iter().fold(format!("{a} * {b}"), |sum, (a, b)| format!("{a}.mul_add({b}, {sum})"))
}

/// Sum over n = 2 ... order of `terms(n) u^(n - 2)` by Horner's scheme; counts its operations.
fn horner(order: usize, operations: &mut usize, term: impl Fn(usize) -> String) -> String {
    *operations += 2 * (order - 2);
    (2..order).rev().fold(term(order), |sum, n| format!("({sum}).mul_add(u, {})", term(n)))
}

/// `field` of the traceless moments: with n the unit vector to the sink, V_i = W n^(k-1) and P = V n of each order k, the potential is
/// `u sum u^k P / k` and the acceleration `u^2 (sum u^k V - n sum u^k (2k + 1) P / k)`, where u = 1 / r.
fn write_harmonic_field(out: &mut String, order: usize) {
    let basis = traceless_basis(order);
    let mut operations = 0;
    let mut code = String::new();
    let monomial = |i: Index| match i {
        [1, 0, 0] => "x".to_string(),
        [0, 1, 0] => "y".to_string(),
        [0, 0, 1] => "z".to_string(),
        [a, b, c] => format!("p{a}{b}{c}"),
    };
    // Monomials of the unit vector, times their multiplicity.
    for i in full_basis(order - 1).into_iter().filter(|i| total(*i) >= 2) {
        let axis = (0..3).find(|&axis| i[axis] > 0).unwrap();
        let mut lower = i;
        lower[axis] -= 1;
        let ratio = multiplicity(i) / multiplicity(lower);
        let scale = if ratio == 1.0 { String::new() } else { format!(" * L::splat({ratio:?})") };
        operations += if ratio == 1.0 { 1 } else { 2 };
        writeln!(code, "    let {} = {} * {}{scale};", monomial(i), monomial(lower), ["x", "y", "z"][axis])
            .unwrap();
    }
    for n in 2..=order {
        for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
            let products: Vec<(String, String)> = full_basis(n - 1)
                .into_iter()
                .filter(|i| total(*i) == n - 1)
                .map(|i| {
                    let mut component = i;
                    component[axis] += 1;
                    (format!("m({})", basis.iter().position(|j| *j == component).unwrap()), monomial(i))
                })
                .collect();
            writeln!(code, "    let v{n}{name} = {};", chain(&products, &mut operations)).unwrap();
        }
        let products = ["x", "y", "z"].map(|name| (name.to_string(), format!("v{n}{name}")));
        writeln!(code, "    let q{n} = {};", chain(&products, &mut operations)).unwrap();
    }
    if order == 1 {
        writeln!(code, "    let pull = L::splat(0.0) - m(0) * u2;").unwrap();
        writeln!(code, "    [m(0) * u, pull * x, pull * y, pull * z]").unwrap();
        operations += 6;
    } else {
        let share = |n: usize| format!("q{n} * L::splat({:?})", 1.0 / n as f32);
        let shares = horner(order, &mut operations, share);
        let whole = horner(order, &mut operations, |n| format!("q{n}"));
        operations += order - 1;
        writeln!(code, "    let shares = {shares};").unwrap();
        writeln!(code, "    let inward = L::splat(2.0).mul_add({whole}, shares).mul_add(u2, m(0));").unwrap();
        operations += 4;
        let along = ["x", "y", "z"].map(|name| {
            let sum = horner(order, &mut operations, |n| format!("v{n}{name}"));
            operations += 4;
            format!("inward.neg_mul_add({name}, ({sum}) * u2) * u2")
        });
        writeln!(code, "    [shares.mul_add(u2, m(0)) * u, {}]", along.join(", ")).unwrap();
        operations += 3;
    }
    write_function(out, "harmonic", order, operations, &code);
}

/// Wraps the code of a field. Counted besides: offset 3, squared distance 5, reciprocal square root 6, its square 1, direction 3, sums
/// of the four results 4.
fn write_function(out: &mut String, name: &str, order: usize, operations: usize, code: &str) {
    writeln!(
        out,
        "const OPERATIONS_{}_{order}: u64 = {};\n\n#[inline(always)]\nfn field_{name}_{order}<L: Lanes>([x, y, z]: [L; 3], r2: L, m: impl Fn(usize) -> L) -> [L; 4] {{\n    let u = r2.rsqrt();\n    let u2 = u * u;\n    let (x, y, z) = (x * u, y * u, z * u);\n{code}}}\n",
        name.to_uppercase(),
        operations + 22,
    )
    .unwrap();
}

/// Emits derivatives of 1 / sqrt(r^2 + softening^2) at a point whose softened distance is one, by the recursion of McMurchie &
/// Davidson (1978): R^m_{a+1} = a R^{m+1}_{a-1} + x R^{m+1}_a, with R^m_0 = (-1)^m (2m-1)!!.
struct Derivatives {
    code: String,
    known: HashMap<(usize, Index), String>,
    operations: usize,
}

impl Derivatives {
    fn get(&mut self, m: usize, index: Index) -> String {
        if let Some(name) = self.known.get(&(m, index)) {
            return name.clone();
        }
        let name = format!("d{m}_{}{}{}", index[0], index[1], index[2]);
        if total(index) == 0 {
            let value: f64 = (1..=m).map(|k| -(2.0 * k as f64 - 1.0)).product();
            writeln!(self.code, "    let {name} = L::splat({value:?});").unwrap();
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

/// `field` of the full moments. Derivatives are taken at unit distance, so that their high powers of the distance cannot overflow;
/// each order then takes its own power.
fn write_full_field(out: &mut String, order: usize) {
    let basis = full_basis(order);
    let mut d = Derivatives { code: String::new(), known: HashMap::new(), operations: 0 };
    let mut results = Vec::new();
    for (component, step) in [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].into_iter().enumerate() {
        let mut result = String::new();
        // Horner's scheme in 1 / distance; the dipole about the centre of mass is zero.
        for n in (0..=order).rev().filter(|n| *n != 1) {
            let products: Vec<(String, String)> = basis
                .iter()
                .enumerate()
                .filter(|(_, index)| total(**index) == n)
                .map(|(k, index)| (format!("m({k})"), d.get(0, plus(*index, step))))
                .collect();
            let sum = chain(&products, &mut d.operations);
            let below = if n == 0 { "u2" } else { "u" };
            result = if result.is_empty() { sum } else { format!("({result}).mul_add({below}, {sum})") };
            d.operations += 2;
        }
        results.push(format!("({result}) * {}", if component == 0 { "u" } else { "u2" }));
    }
    writeln!(d.code, "    [\n        {},\n    ]", results.join(",\n        ")).unwrap();
    write_function(out, "full", order, d.operations, &d.code);
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut out = String::new();
    for order in 1..=MAX_ORDER {
        write_powers(&mut out, order);
        write_shift(&mut out, order);
        write_tile_moments(&mut out, order);
        write_harmonic_field(&mut out, order);
        write_full_field(&mut out, order);
        let (full, harmonic) = (full_basis(order).len(), traceless_basis(order).len());
        writeln!(out, "order!({order}, {full}, {harmonic}, powers_{order}, shift_{order}, harmonic_{order}, full_{order}, field_harmonic_{order}, field_full_{order}, OPERATIONS_HARMONIC_{order}, OPERATIONS_FULL_{order});\n").unwrap();
    }
    let path =
        std::path::Path::new(&std::env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("expansion.rs");
    std::fs::write(path, out).expect("OUT_DIR is writable");
}
