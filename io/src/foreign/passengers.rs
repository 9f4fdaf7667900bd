//! Further columns of tables and arrays. They travel with their bodies from file to file.

use super::source::Component;
use crate::Error;
use crate::snapshot::{MOST_COLUMNS, name_fault};
use std::ops::Range;
use treecode::{About, ArrayMut};

/// A further column of an array, and the places of its numbers.
#[derive(Clone, Debug)]
pub(super) struct Passenger {
    pub(super) about: About,
    /// One component with all numbers of a row, or one for each number.
    pub(super) parts: Vec<Component>,
}

impl Passenger {
    /// Appends the numbers of these rows.
    pub(super) fn read(&self, rows: &Range<u64>, mut array: ArrayMut) -> Result<(), Error> {
        if let [part] = &self.parts[..] {
            return part.append(rows, &mut array);
        }
        let words: Vec<Vec<u64>> =
            self.parts.iter().map(|part| part.words(rows)).collect::<Result<_, _>>()?;
        for row in 0..(rows.end - rows.start) as usize {
            self.parts
                .iter()
                .zip(&words)
                .for_each(|(part, words)| part.number().push(words[row], &mut array));
        }
        Ok(())
    }
}

/// The reason why a column cannot be added to those before it, if there is one.
pub(super) fn fault(
    name: &str,
    mut before: impl ExactSizeIterator<Item = impl AsRef<str>>,
) -> Option<String> {
    if before.len() >= MOST_COLUMNS {
        return Some(format!("more than {MOST_COLUMNS} further columns"));
    }
    if before.any(|other| other.as_ref() == name) {
        return Some("it is there twice".to_owned());
    }
    name_fault(name).map(str::to_owned)
}
