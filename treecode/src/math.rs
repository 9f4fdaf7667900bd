//! Transcendental functions with the same bits on every platform. They are those of the crate
//! `libm`, which are plain Rust.
//!
//! The last bit of `ln` or `pow` differs between the C libraries of different systems. Code whose
//! result depends on such a function calls this module. `clippy.toml` forbids the methods of `f64`,
//! except for pictures and messages. Square roots and `powi` stay methods: they give the same bits
//! everywhere.

/// `x` to the power `y`.
#[must_use]
pub fn powf(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// e to the power `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e to the power `x`, minus one.
#[must_use]
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// Natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Logarithm to the base 2.
#[must_use]
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// Logarithm to the base 10.
#[must_use]
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// Cube root.
#[must_use]
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// Length of the vector `(x, y)`.
#[must_use]
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

/// Sine and cosine of an angle [rad].
#[must_use]
pub fn sin_cos(x: f64) -> (f64, f64) {
    libm::sincos(x)
}

/// Arc sine [rad].
#[must_use]
pub fn asin(x: f64) -> f64 {
    libm::asin(x)
}

/// Arc cosine [rad].
#[must_use]
pub fn acos(x: f64) -> f64 {
    libm::acos(x)
}

/// Angle of the vector `(x, y)` from the x axis [rad], from -pi to pi.
#[must_use]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Hyperbolic sine.
#[must_use]
pub fn sinh(x: f64) -> f64 {
    libm::sinh(x)
}

/// Hyperbolic cosine.
#[must_use]
pub fn cosh(x: f64) -> f64 {
    libm::cosh(x)
}

/// Hyperbolic tangent.
#[must_use]
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// Inverse hyperbolic tangent.
#[must_use]
pub fn atanh(x: f64) -> f64 {
    libm::atanh(x)
}

/// Error function.
#[must_use]
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// One minus the error function.
#[must_use]
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

/// Bessel function of the first kind of order 0.
#[must_use]
pub fn j0(x: f64) -> f64 {
    libm::j0(x)
}

/// Bessel function of the first kind of order 1.
#[must_use]
pub fn j1(x: f64) -> f64 {
    libm::j1(x)
}

/// Euclidean length of a vector.
#[must_use]
pub fn norm(vector: [f64; 3]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Spreads numbers over all 64 bits, one to one. The finalizer of SplitMix64 (Steele, Lea & Flood
/// 2014).
#[must_use]
pub fn hash(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Coefficients, lowest first, of the polynomial that equals a function at Chebyshev's nodes of [-1, 1].
/// They keep the digits of a smooth function, whose terms fall faster than 2.4^-k.
#[must_use]
pub fn polynomial_of<const N: usize>(function: impl Fn(f64) -> f64) -> [f64; N] {
    let angle = |node: usize| std::f64::consts::PI * (node as f64 + 0.5) / N as f64;
    let values: [f64; N] = std::array::from_fn(|node| function(sin_cos(angle(node)).1));
    // Chebyshev's polynomials by their recurrence, in powers of t.
    let (mut before, mut now, mut sum) = ([0.0; N], [0.0; N], [0.0; N]);
    now[0] = 1.0;
    for k in 0..N {
        let twice = if k == 0 { 1.0 } else { 2.0 };
        let term = |(node, value): (usize, &f64)| value * sin_cos(k as f64 * angle(node)).1;
        let coefficient = twice / N as f64 * values.iter().enumerate().map(term).sum::<f64>();
        (0..N).for_each(|power| sum[power] += coefficient * now[power]);
        let next = |power: usize| if power == 0 { 0.0 } else { twice * now[power - 1] } - before[power];
        (before, now) = (now, std::array::from_fn(next));
    }
    sum
}
