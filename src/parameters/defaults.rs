//! Functions that serde calls for keys with a default.

/// The default of a key that is true unless it is given.
pub(crate) fn yes() -> bool {
    true
}

/// Whether a value is left out of a file because it is the default.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}
