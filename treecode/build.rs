//! Generates the straight-line code of the Cartesian expansions, order by order, in
//! `$OUT_DIR/expansion.rs`.
//!
//! The formulas are short but have many terms. A generator keeps the formulas readable and the code
//! fast.
//!
//! Notation: a multi-index `(a, b, c)` is the monomial `x^a y^b z^c` or the derivative
//! `d^a_x d^b_y d^c_z`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Highest order of the multipoles. Local expansions have one order more.
const MAX_ORDER: usize = 6;
/// Highest order for softened potentials, which have many more terms at high orders.
const MAX_SOFTENED_ORDER: usize = 4;

type Index = [usize; 3];

/// All multi-indices of total order up to `order`, sorted by order, then by descending `a` and `b`.
fn full_basis(order: usize) -> Vec<Index> {
    (0..=order)
        .flat_map(|n| (0..=n).rev().flat_map(move |a| (0..=n - a).rev().map(move |b| [a, b, n - a - b])))
        .collect()
}

/// Components of the traceless moments: those of all orders except 1, which are zero about the
/// centre of mass.
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

/// n! / (a! b! c!) for n = a + b + c: the number of equal components of a symmetric tensor.
fn multiplicity(i: Index) -> f64 {
    factorial(total(i)) / i.map(factorial).iter().product::<f64>()
}

/// A homogeneous polynomial in x, y, z.
type Polynomial = BTreeMap<Index, f64>;

/// The polynomial T of degree n in `d^index (1 / r) = T / r^(2n + 1)`, from the recursion
/// T' = r^2 d_i T - (2n + 1) x_i T.
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

/// Writes `powers`: x^a y^b z^c / (a! b! c!) for the full basis.
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

/// Writes `gather`: adds the moments of eight bodies to sums, one body per lane.
fn write_gather(out: &mut String, order: usize) {
    let basis = full_basis(order);
    let mut code = String::from("    let p0 = mass;\n    sum[0] = sum[0] + p0;\n");
    for (k, i) in basis.iter().enumerate().skip(1) {
        let axis = (0..3).find(|&axis| i[axis] > 0).unwrap();
        let mut lower = *i;
        lower[axis] -= 1;
        let from = basis.iter().position(|j| *j == lower).unwrap();
        let scale = match i[axis] {
            1 => String::new(),
            n => format!(" * L::splat({:?})", 1.0 / n as f32),
        };
        writeln!(
            code,
            "    let p{k} = p{from} * {}{scale};\n    sum[{k}] = sum[{k}] + p{k};",
            ["x", "y", "z"][axis]
        )
        .unwrap();
    }
    writeln!(
        out,
        "#[inline(always)]\nfn gather_{order}<L: Lanes>(sum: &mut [L; {}], [x, y, z]: [L; 3], mass: L) {{\n{code}}}\n",
        basis.len()
    )
    .unwrap();
}

/// Writes `shift`: moments about another centre are products of the moments with powers of the
/// shift.
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

/// Writes `traceless`: the traceless tensors W of order n, from the moments that the harmonic form
/// keeps. The potential has the terms `W x^n / (n r^(2n + 1))`.
fn write_traceless(out: &mut String, harmonic: &Form, order: usize) {
    let kept = traceless_basis(order);
    let mut terms = vec![Vec::new(); kept.len()];
    for (k, i) in harmonic.moments(order).iter().enumerate() {
        for (image, weight) in numerator(*i) {
            let Some(slot) = kept.iter().position(|j| *j == image) else { continue };
            let scale = total(*i).max(1) as f64 / multiplicity(image);
            terms[slot].push(format!("{:?} * m({k})", weight * scale));
        }
    }
    let (n, lines) = (kept.len(), terms.iter().map(|t| t.join(" + ")).collect::<Vec<_>>());
    writeln!(
        out,
        "#[inline(always)]\nfn traceless_{order}(m: impl Fn(usize) -> f32) -> [f32; {n}] {{\n    [{}]\n}}\n",
        lines.join(", ")
    )
    .unwrap();
}

/// Writes `radial`: sum m r^n for the highest even n up to the order, by the multinomial theorem.
fn write_radial(out: &mut String, order: usize) {
    let (basis, half) = (full_basis(order), order / 2);
    let mut terms = Vec::new();
    for (k, i) in basis.iter().enumerate() {
        if total(*i) == 2 * half && i.iter().all(|n| n.is_multiple_of(2)) {
            let weight = multiplicity(i.map(|n| n / 2)) * i.map(factorial).iter().product::<f64>();
            terms.push(format!("{weight:?} * m[{k}]"));
        }
    }
    writeln!(out, "fn radial_{order}(m: &[f64; {}]) -> f64 {{\n    {}\n}}\n", basis.len(), terms.join(" + "))
        .unwrap();
}

/// A chain of fused multiply-adds for a sum of products. Adds the number of operations to
/// `operations`.
fn chain(products: &[(String, String)], operations: &mut usize) -> String {
    *operations += 2 * products.len() - 1;
    let (a, b) = &products[0];
    products[1..].iter().fold(format!("{a} * {b}"), |sum, (a, b)| format!("{a}.mul_add({b}, {sum})"))
}

/// Horner's scheme for the sum of `term(n) u^(n - 2)` over n = 2 ... order. Adds the number of
/// operations to `operations`.
fn horner(order: usize, operations: &mut usize, term: impl Fn(usize) -> String) -> String {
    *operations += 2 * (order - 2);
    (2..order).rev().fold(term(order), |sum, n| format!("({sum}).mul_add(u, {})", term(n)))
}

/// Writes `field` for traceless moments. Let n be the unit vector to the sink and u = 1 / r. For
/// each order k, V_i = W n^(k-1) and P = V n. The potential is `u sum u^k P / k`, and the
/// acceleration is `u^2 (sum u^k V - n sum u^k (2k + 1) P / k)`.
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
        let scale = if ratio == 1.0 { String::new() } else { format!(" * L::splat({:?})", ratio as f32) };
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

/// Code for the scaled distance u and, if the potential is softened, for the scaled radial
/// derivatives `radial` up to `highest`.
fn distance(harmonic: bool, highest: usize, lanes: &str) -> String {
    match harmonic {
        true if lanes.is_empty() => "let u = square([x, y, z]).rsqrt();".to_string(),
        true => format!("let u = square([x, y, z]).rsqrt().in_lanes({lanes});"),
        false => {
            let lanes = if lanes.is_empty() { "u32::MAX" } else { lanes };
            format!("let (u, radial) = pair.derivatives::<{}>(square([x, y, z]), {lanes});", highest + 1)
        }
    }
}

/// Writes the function around the code of a field. It counts further operations: offset 3, squared
/// distance 5, reciprocal square root 6, its square 1, direction 3, sums of the four results 4.
fn write_function(out: &mut String, name: &str, order: usize, operations: usize, code: &str) {
    writeln!(
        out,
        "const OPERATIONS_{}_{order}: u64 = {};\n\n#[inline(always)]\nfn field_{name}_{order}<L: Lanes>([x, y, z]: [L; 3], pair: Pair<L>, m: impl Fn(usize) -> L) -> [L; 4] {{\n    {}\n    let u2 = u * u;\n    let (x, y, z) = (x * u, y * u, z * u);\n{code}}}\n",
        name.to_uppercase(),
        operations + 22,
        distance(name == "harmonic", order + 1, ""),
    )
    .unwrap();
}

/// Writes derivatives of a potential that depends on the distance r, at the unit vector to the
/// sink. The recursion is that of McMurchie & Davidson (1978): R^m_{a+1} = a R^{m+1}_{a-1} +
/// x R^{m+1}_a. It starts from R^m_0, the m-th derivative by r^2 / 2, scaled by r^(2m+1): for 1/r
/// these are the numbers (-1)^m (2m-1)!!, for softened potentials the array `radial`.
struct Derivatives {
    harmonic: bool,
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
            let value = if self.harmonic { format!("L::splat({value:?})") } else { format!("radial[{m}]") };
            writeln!(self.code, "    let {name} = {value};").unwrap();
        } else {
            // With a single nonzero exponent, an axis costs one product. Otherwise take the
            // smallest exponent.
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

/// Writes `field` for the full moments. Derivatives are computed at unit distance, so that high
/// powers of the distance cannot overflow. Each order is then multiplied by its power.
fn write_full_field(out: &mut String, order: usize) {
    let basis = full_basis(order);
    let mut d = Derivatives { harmonic: false, code: String::new(), known: HashMap::new(), operations: 0 };
    let mut results = Vec::new();
    for (component, step) in [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].into_iter().enumerate() {
        let mut result = String::new();
        // Horner's scheme in 1 / distance. The dipole about the centre of mass is zero.
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

/// A form of the expansion for the cell-cell kernels: the components that it keeps, and the
/// relations that give the others.
struct Form {
    name: &'static str,
    /// Whether the potential is harmonic. Second derivatives along z then follow from those along x
    /// and y.
    harmonic: bool,
}

impl Form {
    /// Components up to an order. If the potential is harmonic, the exponent of z is at most 1.
    fn basis(&self, order: usize) -> Vec<Index> {
        full_basis(order).into_iter().filter(|i| !self.harmonic || i[2] <= 1).collect()
    }

    /// A derivative, expressed by those that are kept: d_zz = -d_xx - d_yy.
    fn reduce(&self, index: Index) -> Polynomial {
        if !self.harmonic || index[2] <= 1 {
            return Polynomial::from([(index, 1.0)]);
        }
        let mut result = Polynomial::new();
        let lower = [index[0], index[1], index[2] - 2];
        for square in [[2, 0, 0], [0, 2, 0]] {
            for (i, k) in self.reduce(plus(lower, square)) {
                *result.entry(i).or_default() -= k;
            }
        }
        result
    }

    /// Moments that the kernels read. In the harmonic form, the dipole is left out, because it is
    /// zero about the centre of mass.
    fn moments(&self, order: usize) -> Vec<Index> {
        self.basis(order).into_iter().filter(|i| !self.harmonic || total(*i) != 1).collect()
    }

    /// Code for the contraction `sum_i factor(i) value(i + index)`. `value` is the name of a kept
    /// component, or of the negative of a component with exponent 2 of z. The exponent of z in `i`
    /// is at most 1.
    fn contract(
        &self,
        terms: &[(String, Index)],
        value: impl Fn(Index) -> String,
        operations: &mut usize,
    ) -> String {
        *operations += 2 * terms.len();
        let mut terms = terms.iter();
        let (factor, index) = terms.next().expect("a contraction has terms");
        let first = if factor == "1" {
            *operations -= 2;
            value(*index)
        } else {
            *operations -= 1;
            format!("{factor} * {}", value(*index))
        };
        terms.fold(first, |sum, (factor, index)| {
            let kind = if self.harmonic && index[2] == 2 { "neg_mul_add" } else { "mul_add" };
            format!("{factor}.{kind}({}, {sum})", value(*index))
        })
    }

    /// The components with exponent 2 of z. The negative of each is the sum of two that are kept.
    fn second_z(&self, order: usize) -> Vec<(Index, [Index; 2])> {
        let needed = full_basis(order).into_iter().filter(|index| self.harmonic && index[2] == 2);
        needed.map(|[a, b, c]| ([a, b, c], [[a + 2, b, 0], [a, b + 2, 0]])).collect()
    }

    /// Writes `m2l`: local += sum over moments times derivatives (Warren & Salmon 1995; Dehnen
    /// 2002, eq. 3). With the unit vector n and u = 1/r, the moments are scaled by u^order and the
    /// derivatives are taken at n. The results are scaled by u^(order + 1).
    ///
    /// All derivatives and moments together do not fit the registers. So the derivatives are put into memory,
    /// from where each product reads one. Without `black_box`, the compiler would keep them in registers, and
    /// would store and load many values more than once.
    fn write_cell_cell(&self, out: &mut String, order: usize) {
        let local = order + 1;
        let Form { harmonic, .. } = *self;
        let mut d = Derivatives { harmonic, code: String::new(), known: HashMap::new(), operations: 0 };
        let mut kept = self.basis(local);
        let mut values: Vec<String> = kept.iter().map(|index| d.get(0, *index)).collect();
        for (index, [first, second]) in self.second_z(local) {
            values.push(format!("{} + {}", d.get(0, first), d.get(0, second)));
            kept.push(index);
            d.operations += 1;
        }
        let Derivatives { mut code, mut operations, .. } = d;
        writeln!(code, "    let t = &[{}];", values.join(", ")).unwrap();
        for n in 3..=local + 1 {
            writeln!(code, "    let u{n} = u{} * u;", n - 1).unwrap();
            operations += 1;
        }
        let moments = self.moments(order);
        for (k, index) in moments.iter().enumerate() {
            match total(*index) {
                1 => {}
                0 => writeln!(code, "    let w{k} = m({k});").unwrap(),
                n => {
                    writeln!(code, "    let w{k} = m({k}) * u{n};").unwrap();
                    operations += 1;
                }
            }
        }
        for (slot, index) in self.basis(local).into_iter().enumerate() {
            let terms: Vec<(String, Index)> = moments
                .iter()
                .enumerate()
                .filter(|(_, moment)| total(**moment) != 1 && total(**moment) + total(index) <= local)
                .map(|(k, moment)| (format!("w{k}"), plus(*moment, index)))
                .collect();
            let value = |index| format!("t[{}]", kept.iter().position(|i| *i == index).expect("it is there"));
            let sum = self.contract(&terms, value, &mut operations);
            let scale = match total(index) {
                0 => "u".to_string(),
                n => format!("u{}", n + 1),
            };
            writeln!(code, "    let t = black_box(t);").unwrap();
            writeln!(code, "    local[{slot}] = ({sum}).mul_add({scale}, local[{slot}]);").unwrap();
            operations += 2;
        }
        // Offset 3, squared distance 5, reciprocal square root 6, its square 1, direction 3.
        writeln!(
            out,
            "const CELL_OPERATIONS_{}_{order}: u64 = {};\n\n#[inline(always)]\nfn m2l_{}_{order}<L: Block>([x, y, z]: [L; 3], pair: Pair<L>, lanes: u32, m: impl Fn(usize) -> L, local: &mut [L; {}]) {{\n    {}\n    let u2 = u * u;\n    let (x, y, z) = (x * u, y * u, z * u);\n{code}}}\n",
            self.name.to_uppercase(),
            operations + 18,
            self.name,
            self.basis(local).len(),
            distance(harmonic, local, "lanes"),
        )
        .unwrap();
    }

    /// Code for the values `e{index}` of the polynomials x^a y^b z^c / (a! b! c!) that multiply a
    /// local expansion. Higher powers of z are added to the components to which they reduce.
    fn write_local_powers(&self, code: &mut String, order: usize) {
        let mut sums: BTreeMap<Index, Vec<String>> = BTreeMap::new();
        for index in full_basis(order) {
            let name = format!("p{}", digits(index));
            match (0..3).find(|&axis| index[axis] > 0) {
                None => writeln!(code, "    let {name} = L::splat(1.0);").unwrap(),
                Some(axis) => {
                    let mut lower = index;
                    lower[axis] -= 1;
                    let x = ["x", "y", "z"][axis];
                    let scale = match index[axis] {
                        1 => String::new(),
                        n => format!(" * L::splat({:?})", 1.0 / n as f32),
                    };
                    writeln!(code, "    let {name} = p{} * {x}{scale};", digits(lower)).unwrap();
                }
            }
            for (kept, k) in self.reduce(index) {
                let terms = sums.entry(kept).or_default();
                let sign = if k < 0.0 { " - " } else { " + " };
                let factor =
                    if k.abs() == 1.0 { String::new() } else { format!(" * L::splat({:?})", k.abs()) };
                terms.push(if terms.is_empty() {
                    format!("{name}{factor}")
                } else {
                    format!("{sign}{name}{factor}")
                });
            }
        }
        for (index, terms) in sums {
            writeln!(code, "    let e{} = {};", digits(index), terms.concat()).unwrap();
        }
    }

    /// Writes `l2l`, a local expansion about another centre, and `l2p`, potential and acceleration
    /// of a local expansion at a position.
    fn write_local(&self, out: &mut String, order: usize) {
        let local = order + 1;
        let basis = self.basis(local);
        let mut code = String::new();
        self.write_local_powers(&mut code, local);
        for (k, index) in basis.iter().enumerate() {
            writeln!(code, "    let l{} = local({k});", digits(*index)).unwrap();
        }
        for (index, [first, second]) in self.second_z(local) {
            writeln!(code, "    let l{} = l{} + l{};", digits(index), digits(first), digits(second)).unwrap();
        }
        let sum = |target: Index, highest: usize| {
            let mut terms: Vec<(String, Index)> = basis
                .iter()
                .filter(|i| total(**i) + total(target) <= highest)
                .map(|i| (format!("e{}", digits(*i)), plus(*i, target)))
                .collect();
            terms[0].0 = "1".to_string();
            self.contract(&terms, |i| format!("l{}", digits(i)), &mut 0)
        };
        let shifted: Vec<String> = basis.iter().map(|target| sum(*target, local)).collect();
        let field: Vec<String> =
            [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]].iter().map(|target| sum(*target, local)).collect();
        for (name, kept, lines) in [("l2l", basis.len(), shifted), ("l2p", 4, field)] {
            writeln!(
                out,
                "#[inline(always)]\nfn {name}_{}_{order}<L: Numbers>([x, y, z]: [L; 3], local: impl Fn(usize) -> L) -> [L; {kept}] {{\n{code}    [\n        {},\n    ]\n}}\n",
                self.name,
                lines.join(",\n        "),
            )
            .unwrap();
        }
    }

    /// Writes `far_moments`, the moments in the harmonic form from those of this form, and `add_far`, which
    /// adds a harmonic local expansion to one of this form.
    fn write_far(&self, out: &mut String, harmonic: &Form, order: usize) {
        let (moments, kept) = (self.moments(order), harmonic.moments(order));
        let mut terms = vec![Vec::new(); kept.len()];
        for (k, index) in moments.iter().enumerate() {
            for (image, weight) in harmonic.reduce(*index) {
                let Some(slot) = kept.iter().position(|j| *j == image) else { continue };
                let factor = if weight == 1.0 { String::new() } else { format!(" * L::splat({weight:?})") };
                terms[slot].push(format!("m({k}){factor}"));
            }
        }
        let lines: Vec<String> = terms.iter().map(|t| t.join(" + ")).collect();
        writeln!(
            out,
            "#[inline(always)]\nfn far_moments_{}_{order}<L: Lanes>(m: impl Fn(usize) -> L) -> [L; {}] {{\n    [{}]\n}}\n",
            self.name,
            kept.len(),
            lines.join(", ")
        )
        .unwrap();
        let (basis, far) = (self.basis(order + 1), harmonic.basis(order + 1));
        let mut code = String::new();
        for (slot, index) in basis.iter().enumerate() {
            for (image, weight) in harmonic.reduce(*index) {
                let k = far.iter().position(|j| *j == image).expect("the harmonic form keeps it");
                writeln!(code, "    local[{slot}] += T::from({weight:?}) * far[{k}];").unwrap();
            }
        }
        writeln!(
            out,
            "fn add_far_{}_{order}<T: Real>(local: &mut [T; {}], far: &[T; {}]) {{\n{code}}}\n",
            self.name,
            basis.len(),
            far.len()
        )
        .unwrap();
    }

    /// Writes the macro call that turns these functions into an `Expansion`.
    fn write_expansion(&self, out: &mut String, order: usize) {
        let (name, all, moments) = (self.name, full_basis(order).len(), self.moments(order).len());
        let local = self.basis(order + 1).len();
        let (form, single, singles) = match self.harmonic {
            true => ("Harmonic", format!("traceless_{order}"), traceless_basis(order).len()),
            false => ("Full", "same".to_string(), moments),
        };
        writeln!(
            out,
            "expansion! {{\n    {form}<{order}>, softened: {}, full: {all}, tile: {moments}, single: {singles}, local: {local},\n    powers_{order}, gather_{order}, shift_{order}, radial_{order}, {name}_{order}, {single}, field_{name}_{order}, OPERATIONS_{upper}_{order},\n    m2l_{name}_{order}, l2l_{name}_{order}, l2p_{name}_{order}, CELL_OPERATIONS_{upper}_{order}, far_moments_{name}_{order}, add_far_{name}_{order}\n}}\n",
            !self.harmonic,
            upper = name.to_uppercase(),
        )
        .unwrap();
    }

    /// Writes the function, named like the form, that reduces moments to the kept ones, with the
    /// signs of the expansion.
    fn write_moments(&self, out: &mut String, order: usize) {
        let (basis, kept) = (full_basis(order), self.moments(order));
        let mut terms = vec![Vec::new(); kept.len()];
        for (k, index) in basis.iter().enumerate() {
            let sign = if total(*index).is_multiple_of(2) { 1.0 } else { -1.0 };
            for (image, weight) in self.reduce(*index) {
                if let Some(slot) = kept.iter().position(|j| *j == image) {
                    terms[slot].push(format!("{:?} * m[{k}]", sign * weight));
                }
            }
        }
        let lines: Vec<String> = terms.iter().map(|t| t.join(" + ")).collect();
        writeln!(
            out,
            "fn {}_{order}(m: &[f64; {}]) -> [f64; {}] {{\n    [{}]\n}}\n",
            self.name,
            basis.len(),
            kept.len(),
            lines.join(", ")
        )
        .unwrap();
    }
}

fn digits([a, b, c]: Index) -> String {
    format!("{a}{b}{c}")
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut out = String::new();
    for order in 1..=MAX_ORDER {
        write_powers(&mut out, order);
        write_gather(&mut out, order);
        write_shift(&mut out, order);
        write_radial(&mut out, order);
        let forms = [Form { name: "harmonic", harmonic: true }, Form { name: "full", harmonic: false }];
        write_traceless(&mut out, &forms[0], order);
        write_harmonic_field(&mut out, order);
        if order <= MAX_SOFTENED_ORDER {
            write_full_field(&mut out, order);
        }
        for form in forms.iter().filter(|form| form.harmonic || order <= MAX_SOFTENED_ORDER) {
            form.write_moments(&mut out, order);
            form.write_cell_cell(&mut out, order);
            form.write_far(&mut out, &forms[0], order);
            form.write_local(&mut out, order);
            form.write_expansion(&mut out, order);
        }
    }
    let path =
        std::path::Path::new(&std::env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("expansion.rs");
    std::fs::write(path, out).expect("OUT_DIR is writable");
}
