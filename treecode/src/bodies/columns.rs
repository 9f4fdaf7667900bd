//! Columns: what arrays of bodies are called, what they hold, and how all of them are handled alike.
//!
//! Every body has the columns of [`FIXED`], which are fields of [`Bodies`]. More can be added: state of an integrator, or data
//! that a user's file brings along. Sort, migration, checkpoints and conversion iterate over all columns by
//! [`Bodies::arrays`], so a new column needs no code there.

use super::{Bodies, TYPES};
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// Exponents of length, mass and time in the unit of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dimension {
    /// Of the length.
    pub length: i8,
    /// Of the mass.
    pub mass: i8,
    /// Of the time.
    pub time: i8,
}

impl Dimension {
    /// A number without a unit.
    pub const NONE: Dimension = Dimension::new(0, 0, 0);

    /// With these exponents of length, mass and time.
    #[must_use]
    pub const fn new(length: i8, mass: i8, time: i8) -> Dimension {
        Dimension { length, mass, time }
    }
}

/// Why bodies have a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// State of a body: it travels with the body and belongs to checkpoints and snapshots.
    State,
    /// Result of the last evaluation that the next one reads: it travels with the body and belongs to checkpoints.
    Result,
    /// State of an integrator: it travels with the body and belongs to checkpoints.
    Integrator,
    /// Output of an evaluation that its caller reads at once: it does not travel.
    Scratch,
    /// Data that the engine does not read: they travel with the body from file to file.
    Passenger,
}

/// Type of the numbers of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Number {
    /// One byte.
    U8,
    /// Signed, four bytes.
    I32,
    /// Unsigned, four bytes.
    U32,
    /// Signed, eight bytes.
    I64,
    /// Unsigned, eight bytes.
    U64,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct About {
    /// Its name, unique among the columns of the bodies.
    pub name: String,
    /// Type of its numbers.
    pub number: Number,
    /// Numbers per body.
    pub width: usize,
    /// Its unit; `None` if it is unknown.
    pub unit: Option<Dimension>,
    /// Why bodies have it.
    pub purpose: Purpose,
    /// The particle types that have values; other bodies have zeros.
    pub kinds: [bool; TYPES],
}

impl About {
    /// A column of one number per body, for all particle types.
    #[must_use]
    pub fn new(name: &str, number: Number, unit: Option<Dimension>, purpose: Purpose) -> About {
        About { name: name.to_owned(), number, width: 1, unit, purpose, kinds: [true; TYPES] }
    }
}

/// Name, type, unit and purpose of a column that every body has.
pub type Fixed = (&'static str, Number, Dimension, Purpose);

/// The columns that every body has, in the order of [`Bodies::arrays`].
pub const FIXED: [Fixed; 16] = {
    use Number::{F32, F64, U8, U64};
    use Purpose::{Result, Scratch, State};
    const LENGTH: Dimension = Dimension::new(1, 0, 0);
    const VELOCITY: Dimension = Dimension::new(1, 0, -1);
    const ACCELERATION: Dimension = Dimension::new(1, 0, -2);
    [
        ("id", U64, Dimension::NONE, State),
        ("kind", U8, Dimension::NONE, State),
        ("mass", F64, Dimension::new(0, 1, 0), State),
        ("x", F64, LENGTH, State),
        ("y", F64, LENGTH, State),
        ("z", F64, LENGTH, State),
        ("vx", F64, VELOCITY, State),
        ("vy", F64, VELOCITY, State),
        ("vz", F64, VELOCITY, State),
        ("ax", F64, ACCELERATION, Result),
        ("ay", F64, ACCELERATION, Result),
        ("az", F64, ACCELERATION, Result),
        ("potential", F64, Dimension::new(2, 0, -2), Result),
        ("work", F32, Dimension::NONE, Result),
        ("rung", U8, Dimension::NONE, Purpose::Integrator),
        ("change", F32, ACCELERATION, Scratch),
    ]
};

/// A column beside those of [`FIXED`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    about: About,
    values: Values,
}

/// Declares the variants of the enums over the types of numbers, once.
macro_rules! numbers {
    ($($variant:ident: $type:ty),*) => {
        #[derive(Clone, Debug, PartialEq)]
        enum Values {
            $($variant(Vec<$type>)),*
        }

        /// An array of a column.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Array<'a> {
            $(#[doc = "Its numbers."] $variant(&'a [$type])),*
        }

        /// The vector of a column.
        #[derive(Debug)]
        pub enum ArrayMut<'a> {
            $($variant(&'a mut Vec<$type>)),*
        }

        impl Values {
            fn zeros(number: Number, len: usize) -> Values {
                match number {
                    $(Number::$variant => Values::$variant(vec![<$type>::zeroed(); len])),*
                }
            }

            fn array(&self) -> Array<'_> {
                match self {
                    $(Values::$variant(values) => Array::$variant(values)),*
                }
            }

            fn array_mut(&mut self) -> ArrayMut<'_> {
                match self {
                    $(Values::$variant(values) => ArrayMut::$variant(values)),*
                }
            }
        }

        impl Array<'_> {
            /// Number of its numbers.
            #[must_use]
            pub fn len(&self) -> usize {
                match self {
                    $(Array::$variant(values) => values.len()),*
                }
            }

            /// Whether it has none.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Length of one of its numbers [bytes].
            #[must_use]
            pub fn number_bytes(&self) -> usize {
                match self {
                    $(Array::$variant(_) => size_of::<$type>()),*
                }
            }

            /// The bits of one of its numbers.
            #[must_use]
            pub fn bits(&self, i: usize) -> u64 {
                let bytes = self.number_bytes();
                let mut bits = [0; 8];
                bits[..bytes].copy_from_slice(&self.bytes()[i * bytes..(i + 1) * bytes]);
                u64::from_le_bytes(bits)
            }

            /// Its bytes.
            #[must_use]
            pub fn bytes(&self) -> &[u8] {
                match self {
                    $(Array::$variant(values) => bytemuck::cast_slice(values)),*
                }
            }
        }

        $(impl Value for $type {
            const NUMBER: Number = Number::$variant;
            fn of<'a>(array: Array<'a>) -> Option<&'a [$type]> {
                match array {
                    Array::$variant(values) => Some(values),
                    _ => None,
                }
            }
            fn of_mut<'a>(array: ArrayMut<'a>) -> Option<&'a mut Vec<$type>> {
                match array {
                    ArrayMut::$variant(values) => Some(values),
                    _ => None,
                }
            }
        })*

        /// Runs `$body` with `$array` standing for the vector of an [`ArrayMut`], whatever its type.
        macro_rules! with_array {
            ($any:expr, $array:ident => $body:expr) => {
                match $any {
                    $($crate::bodies::columns::ArrayMut::$variant($array) => $body),*
                }
            };
        }
        pub(crate) use with_array;
    };
}

numbers!(U8: u8, I32: i32, U32: u32, I64: i64, U64: u64, F32: f32, F64: f64);

/// A type that the numbers of a column can have.
pub trait Value: Pod {
    /// The type by name.
    const NUMBER: Number;
    #[doc(hidden)]
    fn of<'a>(array: Array<'a>) -> Option<&'a [Self]>;
    #[doc(hidden)]
    fn of_mut<'a>(array: ArrayMut<'a>) -> Option<&'a mut Vec<Self>>;
}

impl Column {
    /// What it is.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its numbers, those of one body side by side.
    #[must_use]
    pub fn array(&self) -> Array<'_> {
        self.values.array()
    }
}

impl Bodies {
    /// Adds a column of zeros. If the bodies have a column of this name, it stays as it is.
    ///
    /// # Panics
    /// If a column of this name is another one, or its width is 0.
    pub fn add_column(&mut self, about: About) {
        assert!(about.width > 0, "a column has at least one number per body");
        let fixed = FIXED.iter().any(|(name, ..)| *name == about.name);
        assert!(!fixed, "`{}` is a column of all bodies", about.name);
        match self.columns.iter().find(|column| column.about.name == about.name) {
            Some(column) => assert_eq!(column.about, about, "another column has this name"),
            None => {
                let values = Values::zeros(about.number, self.len() * about.width);
                self.columns.push(Column { about, values });
            }
        }
    }

    /// The columns beside those that all bodies have, in the order in which they were added.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The numbers of an added column; `None` if there is no such column or its numbers have another type.
    #[must_use]
    pub fn column<T: Value>(&self, name: &str) -> Option<&[T]> {
        let column = self.columns.iter().find(|column| column.about.name == name)?;
        T::of(column.values.array())
    }

    /// The same, to be changed. Its length must stay.
    #[must_use]
    pub fn column_mut<T: Value>(&mut self, name: &str) -> Option<&mut Vec<T>> {
        let column = self.columns.iter_mut().find(|column| column.about.name == name)?;
        T::of_mut(column.values.array_mut())
    }

    /// No bodies, with the columns of these.
    #[must_use]
    pub fn like(&self) -> Bodies {
        let mut bodies = Bodies::default();
        self.columns.iter().for_each(|column| bodies.add_column(column.about.clone()));
        bodies
    }

    /// Name, numbers per body, purpose and numbers of every column: those of [`FIXED`], then those added.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, usize, Purpose, Array<'_>)> {
        #[rustfmt::skip]
        let Bodies { id, kind, mass, pos: [x, y, z], vel: [u, v, w], acc: [ax, ay, az], pot, work, rung, change, columns } = self;
        let reals = |array| Array::F64(array);
        let fixed = [
            Array::U64(id),
            Array::U8(kind),
            reals(mass),
            reals(x),
            reals(y),
            reals(z),
            reals(u),
            reals(v),
            reals(w),
            reals(ax),
            reals(ay),
            reals(az),
            reals(pot),
            Array::F32(work),
            Array::U8(rung),
            Array::F32(change),
        ];
        let fixed = FIXED.iter().zip(fixed).map(|(&(name, _, _, purpose), array)| (name, 1, purpose, array));
        let added = columns
            .iter()
            .map(|Column { about, values }| (&about.name[..], about.width, about.purpose, values.array()));
        fixed.chain(added)
    }

    /// The same, to be changed.
    pub(crate) fn arrays_mut(&mut self) -> impl Iterator<Item = (usize, Purpose, ArrayMut<'_>)> {
        #[rustfmt::skip]
        let Bodies { id, kind, mass, pos: [x, y, z], vel: [u, v, w], acc: [ax, ay, az], pot, work, rung, change, columns } = self;
        let fixed = [
            ArrayMut::U64(id),
            ArrayMut::U8(kind),
            ArrayMut::F64(mass),
            ArrayMut::F64(x),
            ArrayMut::F64(y),
            ArrayMut::F64(z),
            ArrayMut::F64(u),
            ArrayMut::F64(v),
            ArrayMut::F64(w),
            ArrayMut::F64(ax),
            ArrayMut::F64(ay),
            ArrayMut::F64(az),
            ArrayMut::F64(pot),
            ArrayMut::F32(work),
            ArrayMut::U8(rung),
            ArrayMut::F32(change),
        ];
        let fixed = FIXED.iter().zip(fixed).map(|(&(_, _, _, purpose), array)| (1, purpose, array));
        let added = columns
            .iter_mut()
            .map(|Column { about, values }| (about.width, about.purpose, values.array_mut()));
        fixed.chain(added)
    }
}

/// Appends what the columns are to a message; nothing but a length if there are none.
pub(super) fn write_abouts(columns: &[Column], message: &mut Vec<u8>) {
    let start = message.len();
    message.extend_from_slice(&[0; 4]);
    for Column { about, .. } in columns {
        let About { name, number, width, unit, purpose, kinds } = about;
        let Dimension { length, mass, time } = unit.unwrap_or_default();
        let mask = kinds.iter().rev().fold(0u8, |bits, kind| bits << 1 | u8::from(*kind));
        let bytes = [length, mass, time].map(|exponent| exponent.to_ne_bytes()[0]);
        message.extend_from_slice(&[*number as u8, *purpose as u8, mask, u8::from(unit.is_some())]);
        message.extend_from_slice(&bytes);
        message.extend_from_slice(&(*width as u32).to_ne_bytes());
        message.extend_from_slice(&(name.len() as u32).to_ne_bytes());
        message.extend_from_slice(name.as_bytes());
    }
    let length = (message.len() - start - 4) as u32;
    message[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

/// Takes what [`write_abouts`] appended from the front of a message.
///
/// # Panics
/// If it did not.
pub(super) fn read_abouts(message: &mut &[u8]) -> Vec<About> {
    use crate::message::take;
    const NUMBERS: [Number; 7] =
        [Number::U8, Number::I32, Number::U32, Number::I64, Number::U64, Number::F32, Number::F64];
    const PURPOSES: [Purpose; 5] =
        [Purpose::State, Purpose::Result, Purpose::Integrator, Purpose::Scratch, Purpose::Passenger];
    let length = take::<u32>(message) as usize;
    let (mut bytes, rest) = message.split_at(length);
    *message = rest;
    let mut abouts = Vec::new();
    while !bytes.is_empty() {
        let [number, purpose, mask, has_unit] = take::<[u8; 4]>(&mut bytes);
        let [length, mass, time] = take::<[i8; 3]>(&mut bytes);
        let width = take::<u32>(&mut bytes) as usize;
        let letters = take::<u32>(&mut bytes) as usize;
        let name;
        (name, bytes) = bytes.split_at(letters);
        abouts.push(About {
            name: String::from_utf8(name.to_vec()).expect("names are text"),
            number: NUMBERS[usize::from(number)],
            width,
            unit: (has_unit != 0).then_some(Dimension { length, mass, time }),
            purpose: PURPOSES[usize::from(purpose)],
            kinds: std::array::from_fn(|kind| mask >> kind & 1 == 1),
        });
    }
    abouts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies with columns of every type and several widths, each number of which says its place.
    fn with_columns(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        let numbers =
            [Number::U8, Number::I32, Number::U32, Number::I64, Number::U64, Number::F32, Number::F64];
        for (k, number) in numbers.into_iter().enumerate() {
            let about = About::new(&format!("column {k}"), number, None, Purpose::Passenger);
            bodies.add_column(About { width: 1 + k % 3, ..about });
        }
        for (width, _, array) in bodies.arrays_mut() {
            with_array!(array, array => for i in 0..array.len() {
                array[i] = number(i / width * 3 + i % width);
            });
        }
        bodies
    }

    fn number<T: Pod>(i: usize) -> T {
        let mut value = T::zeroed();
        bytemuck::bytes_of_mut(&mut value)[0] = i as u8;
        value
    }

    #[test]
    fn columns_follow_their_bodies_through_messages_and_sorts() {
        let bodies = with_columns(90);
        bodies.assert_well_formed();
        let mut message = Vec::new();
        bodies.write(10..80, &mut message);
        let mut arrived = Bodies::default();
        arrived.read(&message);
        let mut kept = bodies.clone();
        kept.keep(10..80);
        kept.change.fill(0.0); // does not travel
        assert_eq!(arrived, kept);
        arrived.read(&message);
        let mut twice = kept.clone();
        twice.append(&kept);
        assert_eq!(arrived, twice);

        let order: Vec<u32> = (0..70).rev().collect();
        let mut back = kept.clone();
        back.permute(&order);
        assert_ne!(back, kept);
        let f32s = back.column::<f32>("column 5").unwrap();
        assert_eq!(f32s[..3], kept.column::<f32>("column 5").unwrap()[69 * 3..]);
        back.permute(&order);
        assert_eq!(back, kept);
        assert!(back.column::<f64>("column 5").is_none() && back.column::<f32>("column 50").is_none());
        assert_eq!(bodies.like().columns().len(), 7);
    }

    #[test]
    fn every_field_is_a_column_of_its_own_type() {
        let bodies = with_columns(3);
        assert_eq!(bodies.arrays().count(), FIXED.len() + 7);
        for ((name, number, ..), (found, width, _, array)) in FIXED.iter().zip(bodies.arrays()) {
            assert_eq!((*name, width, array.len()), (found, 1, 3));
            let bytes = match number {
                Number::U8 => 1,
                Number::F32 | Number::I32 | Number::U32 => 4,
                _ => 8,
            };
            assert_eq!(array.number_bytes(), bytes, "{name}");
        }
    }

    #[test]
    #[should_panic(expected = "another column has this name")]
    fn two_columns_of_one_name_are_one_mistake() {
        let mut bodies = Bodies::zeroed(1);
        bodies.add_column(About::new("age", Number::F32, None, Purpose::Passenger));
        bodies.add_column(About::new("age", Number::F64, None, Purpose::Passenger));
    }

    #[test]
    #[should_panic(expected = "columns of a message")]
    fn a_message_of_other_columns_is_refused() {
        let mut message = Vec::new();
        with_columns(2).write(0..2, &mut message);
        Bodies::zeroed(1).read(&message);
    }
}
