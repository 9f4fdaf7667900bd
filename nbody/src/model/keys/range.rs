//! Checks of the values of keys. Messages name the key.

pub(in crate::model) fn within(
    name: &str,
    value: Option<f64>,
    default: f64,
    range: std::ops::Range<f64>,
    expected: &str,
) -> Result<f64, String> {
    let value = value.unwrap_or(default);
    if range.contains(&value) { Ok(value) } else { Err(format!("{name} = {value:?}: must be {expected}")) }
}

pub(in crate::model) fn positive(name: &str, value: Option<f64>, default: f64) -> Result<f64, String> {
    // Squares and cubes of the value, and quotients of these, must not overflow or underflow.
    within(name, value, default, 1e-60..1e60, "above 0, from 1e-60 to 1e60")
}

/// A value that may be 0. 0 is the default.
pub(in crate::model) fn none_or(name: &str, value: Option<f64>) -> Result<f64, String> {
    within(name, value, 0.0, 0.0..1e60, "0 or above, below 1e60")
}

/// Checks that two lengths are above 0 and ascend.
pub(in crate::model) fn rising(name: &str, [from, to]: [f64; 2]) -> Result<(), String> {
    if from >= 1e-60 && from < to && to < 1e60 {
        Ok(())
    } else {
        Err(format!("{name} = [{from:?}, {to:?}]: must be two rising lengths above 0, from 1e-60 to 1e60"))
    }
}

/// A taper length [scale radii].
pub(in crate::model) fn taper(name: &str, value: Option<f64>, default: f64) -> Result<f64, String> {
    within(name, value, default, 0.01..1e6, "from 0.01 to below 1e6")
}

pub(in crate::model) fn angles(name: &str, value: Option<[f64; 2]>) -> Result<[f64; 2], String> {
    let angles = value.unwrap_or_default();
    if angles.iter().all(|angle| angle.is_finite()) {
        Ok(angles)
    } else {
        Err(format!("{name} = {angles:?}: must be two angles in degrees"))
    }
}
