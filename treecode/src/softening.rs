//! Softening of the force at short distances: its kernel, and the length of each pair of types.

use crate::{Error, TYPES};
use serde::{Deserialize, Serialize};

/// Softening of the force at short distances.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Softening {
    /// Shape of the softened force.
    pub kernel: SofteningKernel,
    /// Plummer-equivalent softening length [L] of each particle type. Spline: a pair uses the
    /// larger of its two lengths, unless `pairs` has one. Plummer: a pair uses their root mean square.
    pub length: [f64; TYPES],
    /// Lengths of pairs of types, in place of the larger of the two. Spline only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairLength>,
}

/// The softening length between two particle types.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PairLength {
    /// The two types, in any order. They may be the same.
    pub types: [u8; 2],
    /// Plummer-equivalent softening length [L]; 0 for none.
    pub length: f64,
}

/// Shape of the softened force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SofteningKernel {
    /// Potential -m / sqrt(r^2 + length^2) (Plummer 1911): softened at every distance.
    Plummer,
    /// Cubic spline of Monaghan & Lattanzio (1985) with h = 2.8 length, as in GADGET. Newtonian
    /// from h on.
    Spline,
}

impl Default for Softening {
    fn default() -> Self {
        Softening { kernel: SofteningKernel::Spline, length: [0.0; TYPES], pairs: Vec::new() }
    }
}

impl PairLength {
    fn is_of(&self, a: u8, b: u8) -> bool {
        self.types == [a, b] || self.types == [b, a]
    }
}

impl Softening {
    /// Whether the kernel is Plummer's, and a length is above 0.
    #[must_use]
    pub fn is_plummer(&self) -> bool {
        self.kernel == SofteningKernel::Plummer && self.length.iter().any(|length| *length > 0.0)
    }

    /// Whether nothing is softened.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.named_lengths().all(|(_, length)| length == 0.0)
    }

    /// The length of a pair of bodies of these types [L].
    ///
    /// # Panics
    /// If there are no such types.
    #[must_use]
    pub fn of_pair(&self, a: u8, b: u8) -> f64 {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.is_of(a, b)) {
            return pair.length;
        }
        let [first, second] = [a, b].map(|kind| self.length[usize::from(kind)]);
        match self.kernel {
            SofteningKernel::Spline => first.max(second),
            SofteningKernel::Plummer => (0.5 * (first * first + second * second)).sqrt(),
        }
    }

    /// The shortest length of any pair with a body of this type [L]. Without a table of pairs it is
    /// the length of the type.
    ///
    /// # Panics
    /// If there is no such type.
    #[must_use]
    pub fn shortest(&self, kind: u8) -> f64 {
        if self.pairs.is_empty() {
            return self.length[usize::from(kind)];
        }
        (0..TYPES as u8).map(|other| self.of_pair(kind, other)).fold(f64::INFINITY, f64::min)
    }

    /// The same softening with each length changed by a function.
    #[must_use]
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Softening {
        let pairs = self.pairs.iter().map(|pair| PairLength { length: change(pair.length), ..*pair });
        Softening { kernel: self.kernel, length: self.length.map(&change), pairs: pairs.collect() }
    }

    /// All lengths that are set, each with the name of its parameter.
    pub(crate) fn named_lengths(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let of_types = self.length.iter().map(|length| ("softening.length", *length));
        of_types.chain(self.pairs.iter().map(|pair| ("softening.pairs", pair.length)))
    }

    /// Checks the lengths, and that no pair has two.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the parameter that is not valid.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |name, value: String, expected| Err(Error::Parameter { name, value, expected });
        if let Some((name, length)) =
            self.named_lengths().find(|(_, length)| !(length.is_finite() && *length >= 0.0))
        {
            return wrong(name, length.to_string(), "finite and not negative");
        }
        for (i, pair) in self.pairs.iter().enumerate() {
            let [a, b] = pair.types;
            if usize::from(a.max(b)) >= TYPES {
                return wrong("softening.pairs", a.max(b).to_string(), "types from 0 to 5");
            }
            if self.pairs[..i].iter().any(|other| other.is_of(a, b)) {
                return wrong(
                    "softening.pairs",
                    format!("types {a} and {b}"),
                    "one length for a pair of types",
                );
            }
        }
        if !self.pairs.is_empty() && self.kernel == SofteningKernel::Plummer {
            let expected = "left out with kernel plummer; the spline has lengths of pairs";
            return wrong("softening.pairs", format!("{} pairs", self.pairs.len()), expected);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softening(pairs: &[([u8; 2], f64)]) -> Softening {
        let pairs = pairs.iter().map(|&(types, length)| PairLength { types, length }).collect();
        Softening { length: [0.0, 0.4, 0.1, 0.1, 0.0, 0.0], pairs, ..Softening::default() }
    }

    #[test]
    fn a_pair_has_its_length_in_both_orders_and_others_the_larger_of_two() {
        let table = softening(&[([4, 1], 0.05), ([2, 2], 0.02)]);
        assert_eq!([table.of_pair(1, 4), table.of_pair(4, 1), table.of_pair(2, 2)], [0.05, 0.05, 0.02]);
        assert_eq!([table.of_pair(1, 2), table.of_pair(2, 3), table.of_pair(4, 4)], [0.4, 0.1, 0.0]);
        assert_eq!([1, 2, 3, 4].map(|kind| table.shortest(kind)), [0.05, 0.02, 0.1, 0.0]);
        assert_eq!(softening(&[]).shortest(2), 0.1, "not longer beside unsoftened types");
        assert_eq!(table.map(|length| 2.0 * length).of_pair(1, 4), 0.1);
    }

    #[test]
    fn wrong_tables_are_refused() {
        let fault = |softening: Softening| softening.check().unwrap_err().to_string();
        assert!(softening(&[([1, 4], 0.0), ([1, 1], 0.1)]).check().is_ok());
        assert!(fault(softening(&[([1, 4], -0.1)])).contains("finite and not negative"));
        assert!(fault(softening(&[([1, 6], 0.1)])).contains("from 0 to 5"));
        assert!(fault(softening(&[([1, 4], 0.1), ([4, 1], 0.1)])).contains("types 4 and 1"));
        let plummer = Softening { kernel: SofteningKernel::Plummer, ..softening(&[([1, 4], 0.1)]) };
        assert!(fault(plummer).contains("kernel plummer"));
        assert!(!Softening { length: [0.0; TYPES], ..softening(&[([4, 4], 0.1)]) }.is_none());
    }
}
