//! Decodes one number from a binary file.

use treecode::ArrayMut;

/// Meaning of the bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Signed,
    Unsigned,
}

/// Kind, size and byte order of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    kind: Kind,
    bytes: usize,
    big_endian: bool,
}

impl Number {
    /// `None` for unsupported sizes. Floats have 2, 4 or 8 bytes, integers 1, 2, 4 or 8.
    pub(super) fn new(kind: Kind, bytes: usize, big_endian: bool) -> Option<Number> {
        let fits = match kind {
            Kind::Float => matches!(bytes, 2 | 4 | 8),
            Kind::Signed | Kind::Unsigned => matches!(bytes, 1 | 2 | 4 | 8),
        };
        fits.then_some(Number { kind, bytes, big_endian })
    }

    /// Its size [bytes].
    pub(super) fn bytes(self) -> usize {
        self.bytes
    }

    /// The value. An integer beyond 2^53 is rounded.
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        self.value_of(self.bits(bytes))
    }

    fn value_of(self, bits: u64) -> f64 {
        match self.kind {
            Kind::Float if self.bytes == 2 => half(bits as u16),
            Kind::Float if self.bytes == 4 => f64::from(f32::from_bits(bits as u32)),
            Kind::Float => f64::from_bits(bits),
            Kind::Signed => self.extended(bits) as f64,
            Kind::Unsigned => bits as f64,
        }
    }

    /// The value as an id. Negative integers are accepted with their bits. `None` for a float that
    /// is not an integer.
    pub(super) fn name(self, bytes: &[u8]) -> Option<u64> {
        let bits = self.bits(bytes);
        match self.kind {
            Kind::Float => whole(self.value(bytes)),
            Kind::Signed => Some(self.extended(bits) as u64),
            Kind::Unsigned => Some(bits),
        }
    }

    /// The type of a column of such numbers. Half precision becomes single precision.
    pub(super) fn stored(self) -> treecode::Number {
        use treecode::Number as Stored;
        match (self.kind, self.bytes) {
            (Kind::Float, 8) => Stored::F64,
            (Kind::Float, _) => Stored::F32,
            (Kind::Signed, 1) => Stored::I8,
            (Kind::Signed, 2) => Stored::I16,
            (Kind::Signed, 4) => Stored::I32,
            (Kind::Signed, _) => Stored::I64,
            (Kind::Unsigned, 1) => Stored::U8,
            (Kind::Unsigned, 2) => Stored::U16,
            (Kind::Unsigned, 4) => Stored::U32,
            (Kind::Unsigned, _) => Stored::U64,
        }
    }

    /// Appends the number with these bits to a column of the type [`Number::stored`].
    pub(super) fn push(self, bits: u64, array: &mut ArrayMut) {
        match array {
            ArrayMut::U8(values) => values.push(bits as u8),
            ArrayMut::U16(values) => values.push(bits as u16),
            ArrayMut::U32(values) => values.push(bits as u32),
            ArrayMut::U64(values) => values.push(bits),
            ArrayMut::I8(values) => values.push(bits as i8),
            ArrayMut::I16(values) => values.push(bits as i16),
            ArrayMut::I32(values) => values.push(bits as i32),
            ArrayMut::I64(values) => values.push(bits as i64),
            ArrayMut::F32(values) if self.bytes == 4 => values.push(f32::from_bits(bits as u32)),
            ArrayMut::F32(values) => values.push(self.value_of(bits) as f32),
            ArrayMut::F64(values) => values.push(f64::from_bits(bits)),
        }
    }

    pub(super) fn bits(self, bytes: &[u8]) -> u64 {
        let shift = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        let bytes = &bytes[..self.bytes];
        if self.big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) }
    }

    fn extended(self, bits: u64) -> i64 {
        let spare = 64 - 8 * self.bytes as u32;
        (bits << spare) as i64 >> spare
    }
}

/// Decodes half precision (IEEE 754).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * f64::powi(2.0, -24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * f64::powi(2.0, exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Converts a float to an integer if it is one.
pub(crate) fn whole(value: f64) -> Option<u64> {
    const EXACT: f64 = (1u64 << 53) as f64;
    (value.fract() == 0.0 && (0.0..=EXACT).contains(&value)).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind_and_order() {
        let number = |kind, bytes, big| Number::new(kind, bytes, big).unwrap();
        for big in [false, true] {
            let order = |bytes: &[u8]| -> Vec<u8> {
                if big { bytes.to_vec() } else { bytes.iter().rev().copied().collect() }
            };
            let float = number(Kind::Float, 4, big);
            assert_eq!(float.value(&order(&1.5f32.to_be_bytes())), 1.5);
            assert_eq!(float.name(&order(&7f32.to_be_bytes())), Some(7));
            assert_eq!(float.name(&order(&7.5f32.to_be_bytes())), None);
            assert_eq!(number(Kind::Float, 8, big).value(&order(&0.1f64.to_be_bytes())), 0.1);
            assert_eq!(number(Kind::Signed, 4, big).value(&order(&(-3i32).to_be_bytes())), -3.0);
            assert_eq!(number(Kind::Signed, 2, big).name(&order(&(-1i16).to_be_bytes())), Some(u64::MAX));
            assert_eq!(number(Kind::Unsigned, 8, big).name(&order(&u64::MAX.to_be_bytes())), Some(u64::MAX));
        }
        assert_eq!(Number::new(Kind::Float, 16, false), None);
        let halves = [0x3c00, 0xc500, 0x0001, 0x83ff, 0x7bff, 0x7c00, 0x8000].map(half);
        let least = f64::powi(2.0, -24);
        assert_eq!(halves, [1.0, -5.0, least, -1023.0 * least, 65504.0, f64::INFINITY, 0.0]);
        assert!(half(0x7e00).is_nan());
        assert_eq!([-1.0, f64::NAN, 1e300, 3.0].map(whole), [None, None, None, Some(3)]);
    }
}
