//! The registry of columns: the name, type, unit and purpose of each array of [`Bodies`].
//!
//! Every body has the columns of [`FIXED`], which are fields of [`Bodies`]. Further columns can be
//! added: the state of an integrator, or data from a user's file. Sorting, migration, checkpoints
//! and conversion iterate over all columns with [`Bodies::arrays`], so a new column needs no code
//! there.

use super::{Bodies, TYPES};
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// Exponents of length, mass and time in the unit of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dimension {
    /// Exponent of the length.
    pub length: i8,
    /// Exponent of the mass.
    pub mass: i8,
    /// Exponent of the time.
    pub time: i8,
}

impl Dimension {
    /// The dimension of a pure number.
    pub const NONE: Dimension = Dimension::new(0, 0, 0);

    /// The dimension with these exponents.
    #[must_use]
    pub const fn new(length: i8, mass: i8, time: i8) -> Dimension {
        Dimension { length, mass, time }
    }
}

/// The purpose of a column. It decides where the column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// State of a body. It travels with the body and is written to checkpoints and snapshots.
    State,
    /// Result of the last evaluation. The next evaluation reads it as input. It travels with the
    /// body and is written to checkpoints.
    Result,
    /// State of an integrator. It travels with the body and is written to checkpoints.
    Integrator,
    /// Data that the engine does not read. They travel with the body from file to file.
    Passenger,
}

/// Type of the numbers of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Number {
    /// Unsigned, one byte.
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
    /// Signed, one byte.
    I8,
    /// Signed, two bytes.
    I16,
    /// Unsigned, two bytes.
    U16,
}

impl Number {
    /// All types, in the order of their codes in messages.
    const ALL: [Number; 10] = {
        use Number::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        [U8, I32, U32, I64, U64, F32, F64, I8, I16, U16]
    };

    /// Its length [bytes].
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Number::U8 | Number::I8 => 1,
            Number::I16 | Number::U16 => 2,
            Number::I32 | Number::U32 | Number::F32 => 4,
            Number::I64 | Number::U64 | Number::F64 => 8,
        }
    }

    /// Whether the numbers are integers.
    #[must_use]
    pub fn is_integer(self) -> bool {
        !matches!(self, Number::F32 | Number::F64)
    }
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Name, unique among the passengers of the bodies, and among their other columns.
    pub name: String,
    /// Type of the numbers.
    pub number: Number,
    /// The number of values per body.
    pub width: usize,
    /// Unit of the values; `None` if it is unknown.
    pub unit: Option<Dimension>,
    /// Size of the unit in cgs, if it is fixed. Otherwise it follows from the units of the bodies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cgs: Option<f64>,
    /// What the values are, in the words of the file that they are from; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Purpose of the column.
    pub purpose: Purpose,
    /// The particle types with values. Other bodies have zeros.
    pub kinds: [bool; TYPES],
}

impl About {
    /// A column of one number per body, for all particle types.
    #[must_use]
    pub fn new(name: &str, number: Number, unit: Option<Dimension>, purpose: Purpose) -> About {
        About {
            name: name.to_owned(),
            number,
            width: 1,
            unit,
            in_cgs: None,
            description: String::new(),
            purpose,
            kinds: [true; TYPES],
        }
    }

    /// Memory of the values of one body [bytes].
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.width * self.number.bytes()
    }

    /// Whether another column may not have the same name. A passenger has its name from a file. It
    /// may be the name of a column of the engine.
    fn excludes(&self, other: &About) -> bool {
        self.name == other.name && self.is_passenger() == other.is_passenger()
    }

    fn is_passenger(&self) -> bool {
        self.purpose == Purpose::Passenger
    }
}

/// Name, type, unit and purpose of a column that every body has.
pub type Fixed = (&'static str, Number, Dimension, Purpose);

/// The columns that every body has, in the order of [`Bodies::arrays`].
pub const FIXED: [Fixed; 16] = {
    use Number::{F32, F64, U8, U64};
    use Purpose::{Result, State};
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
        ("change", F32, ACCELERATION, Result),
    ]
};

/// A column in addition to those of [`FIXED`].
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    about: About,
    values: Values,
}

/// Defines the enums over the types of numbers, so that the list of types is written once.
macro_rules! numbers {
    ($($variant:ident: $type:ty),*) => {
        #[derive(Clone, Debug, PartialEq)]
        enum Values {
            $($variant(Vec<$type>)),*
        }

        /// The numbers of a column, read only.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Array<'a> {
            $(#[doc = "Its numbers."] $variant(&'a [$type])),*
        }

        /// The numbers of a column, to be changed.
        #[derive(Debug)]
        pub enum ArrayMut<'a> {
            $(#[doc = "Its numbers."] $variant(&'a mut Vec<$type>)),*
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
            /// The count of numbers.
            #[must_use]
            pub fn len(&self) -> usize {
                match self {
                    $(Array::$variant(values) => values.len()),*
                }
            }

            /// Whether the array is empty.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Size of one number [bytes].
            #[must_use]
            pub fn number_bytes(&self) -> usize {
                match self {
                    $(Array::$variant(_) => size_of::<$type>()),*
                }
            }

            /// The bits of number `i`, from the lowest bit on.
            ///
            /// # Panics
            /// If there is no number `i`.
            #[must_use]
            pub fn bits(&self, i: usize) -> u64 {
                let bytes = self.number_bytes();
                let mut bits = [0; 8];
                bits[..bytes].copy_from_slice(&self.bytes()[i * bytes..(i + 1) * bytes]);
                u64::from_le_bytes(bits)
            }

            /// All numbers as bytes.
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

        /// Runs `$body`, with `$array` for the vector of an [`ArrayMut`] of any type.
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

numbers!(
    U8: u8, I32: i32, U32: u32, I64: i64, U64: u64, F32: f32, F64: f64, I8: i8, I16: i16, U16: u16
);

/// A type of the numbers of a column.
pub trait Value: Pod {
    /// The name of the type.
    const NUMBER: Number;
    #[doc(hidden)]
    fn of<'a>(array: Array<'a>) -> Option<&'a [Self]>;
    #[doc(hidden)]
    fn of_mut<'a>(array: ArrayMut<'a>) -> Option<&'a mut Vec<Self>>;
}

impl Column {
    /// The description of the column.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The numbers, with those of one body side by side.
    #[must_use]
    pub fn array(&self) -> Array<'_> {
        self.values.array()
    }
}

impl Bodies {
    /// Adds a column of zeros. If the bodies already have this column, it stays as it is.
    ///
    /// # Panics
    /// If the bodies have a different column of this name, if the name is one of [`FIXED`], or if
    /// the width is 0. A [`Purpose::Passenger`] may have the name of a column of another purpose.
    pub fn add_column(&mut self, about: About) {
        assert!(about.width > 0, "a column has at least one number per body");
        let is_fixed = !about.is_passenger() && FIXED.iter().any(|(name, ..)| *name == about.name);
        assert!(!is_fixed, "`{}` is a column of all bodies", about.name);
        match self.columns.iter().find(|column| column.about.excludes(&about)) {
            Some(column) => assert_eq!(column.about, about, "another column has this name"),
            None => {
                let values = Values::zeros(about.number, self.len() * about.width);
                self.columns.push(Column { about, values });
            }
        }
    }

    /// Replaces the added columns by these. Those that the bodies have, by name, purpose, type and
    /// width, keep their values. The others are zeros.
    ///
    /// # Panics
    /// As [`Bodies::add_column`].
    pub fn set_columns(&mut self, abouts: &[About]) {
        let mut before = std::mem::take(&mut self.columns);
        for about in abouts {
            self.add_column(about.clone());
            let is_same = |column: &Column| {
                let theirs = &column.about;
                theirs.excludes(about) && (theirs.number, theirs.width) == (about.number, about.width)
            };
            if let (Some(i), Some(column)) = (before.iter().position(is_same), self.columns.last_mut()) {
                column.values = before.swap_remove(i).values;
            }
        }
    }

    /// The columns in addition to [`FIXED`], in the order in which they were added.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Memory of the added columns of one body [bytes].
    #[must_use]
    pub fn column_bytes(&self) -> u64 {
        self.columns.iter().map(|column| column.about.bytes() as u64).sum()
    }

    /// The added columns, to be changed. The length of each must stay that of the bodies, unless
    /// [`Bodies::fill_up`] follows.
    pub fn columns_mut(&mut self) -> impl Iterator<Item = (&About, ArrayMut<'_>)> {
        self.columns.iter_mut().map(|column| (&column.about, column.values.array_mut()))
    }

    /// The numbers of an added column. `None` if there is no such column, or if its numbers have
    /// another type. If a passenger has the name of another column, this is the other one.
    #[must_use]
    pub fn column<T: Value>(&self, name: &str) -> Option<&[T]> {
        T::of(self.columns[self.place(name)?].values.array())
    }

    /// The place of an added column of this name among all of them. Passengers come last.
    fn place(&self, name: &str) -> Option<usize> {
        let named = (0..self.columns.len()).filter(|&i| self.columns[i].about.name == name);
        named.min_by_key(|&i| self.columns[i].about.is_passenger())
    }

    /// The numbers of an added column, to be changed. The length must stay. `None` as for
    /// [`Bodies::column`].
    #[must_use]
    pub fn column_mut<T: Value>(&mut self, name: &str) -> Option<&mut Vec<T>> {
        let place = self.place(name)?;
        T::of_mut(self.columns[place].values.array_mut())
    }

    /// An empty set of bodies with the same columns.
    #[must_use]
    pub fn like(&self) -> Bodies {
        let mut bodies = Bodies::default();
        self.columns.iter().for_each(|column| bodies.add_column(column.about.clone()));
        bodies
    }

    /// Name, numbers per body, purpose and numbers of every column: first those of [`FIXED`], then
    /// the added ones.
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

    /// Numbers per body, purpose and numbers of every column, to be changed. The order is that of
    /// [`Bodies::arrays`].
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

/// Appends the descriptions of columns to a message, after their length in bytes.
pub(super) fn write_abouts(columns: &[Column], message: &mut Vec<u8>) {
    let start = message.len();
    message.extend_from_slice(&[0; 4]);
    for Column { about, .. } in columns {
        let About { name, number, width, unit, in_cgs, description, purpose, kinds } = about;
        let Dimension { length, mass, time } = unit.unwrap_or_default();
        let mask = kinds.iter().rev().fold(0u8, |bits, kind| bits << 1 | u8::from(*kind));
        let bytes = [length, mass, time].map(|exponent| exponent.to_ne_bytes()[0]);
        message.extend_from_slice(&[*number as u8, *purpose as u8, mask, u8::from(unit.is_some())]);
        message.extend_from_slice(&bytes);
        message.extend_from_slice(&(*width as u32).to_ne_bytes());
        // A unit has a size above 0.
        message.extend_from_slice(&in_cgs.unwrap_or(0.0).to_ne_bytes());
        for text in [name, description] {
            message.extend_from_slice(&(text.len() as u32).to_ne_bytes());
            message.extend_from_slice(text.as_bytes());
        }
    }
    let length = (message.len() - start - 4) as u32;
    message[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

/// Takes what [`write_abouts`] appended from the front of a message; `None` if it did not.
pub(super) fn read_abouts(message: &mut &[u8]) -> Option<Vec<About>> {
    const PURPOSES: [Purpose; 4] = [Purpose::State, Purpose::Result, Purpose::Integrator, Purpose::Passenger];
    let mut bytes = counted(message)?;
    let mut abouts = Vec::new();
    while !bytes.is_empty() {
        let (&[number, purpose, mask, has_unit, length, mass, time], rest) = bytes.split_first_chunk()?;
        let (width, rest) = rest.split_first_chunk()?;
        let (in_cgs, mut rest) = rest.split_first_chunk()?;
        let in_cgs = f64::from_ne_bytes(*in_cgs);
        let mut text = || String::from_utf8(counted(&mut rest)?.to_vec()).ok();
        let unit = [length, mass, time].map(|exponent| i8::from_ne_bytes([exponent]));
        abouts.push(About {
            name: text()?,
            description: text()?,
            number: *Number::ALL.get(usize::from(number))?,
            width: u32::from_ne_bytes(*width) as usize,
            unit: (has_unit != 0).then(|| Dimension::new(unit[0], unit[1], unit[2])),
            in_cgs: (in_cgs != 0.0).then_some(in_cgs),
            purpose: *PURPOSES.get(usize::from(purpose))?,
            kinds: std::array::from_fn(|kind| mask >> kind & 1 == 1),
        });
        bytes = rest;
    }
    Some(abouts)
}

/// Takes a length and as many bytes from the front of a message.
fn counted<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = message.split_first_chunk()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_ne_bytes(*length) as usize)?;
    *message = rest;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies with columns of every type and several widths. Each number encodes its place.
    fn with_columns(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        for (k, number) in Number::ALL.into_iter().enumerate() {
            assert_eq!(number as usize, k, "the codes of messages are those of the list");
            let about = About::new(&format!("column {k}"), number, None, Purpose::Passenger);
            let in_cgs = (k % 2 == 1).then_some(k as f64);
            bodies.add_column(About { width: 1 + k % 3, in_cgs, description: "é".repeat(k), ..about });
        }
        for (width, _, array) in bodies.arrays_mut() {
            with_array!(array, array => for i in 0..array.len() {
                array[i] = number(i / width * 3 + i % width);
            });
        }
        bodies.kind.iter_mut().for_each(|kind| *kind %= TYPES as u8);
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
        assert_eq!(bodies.like().columns().len(), Number::ALL.len());
    }

    #[test]
    fn every_field_is_a_column_of_its_own_type() {
        let bodies = with_columns(3);
        assert_eq!(bodies.arrays().count(), FIXED.len() + Number::ALL.len());
        for ((name, number, ..), (found, width, _, array)) in FIXED.iter().zip(bodies.arrays()) {
            assert_eq!((*name, width, array.len()), (found, 1, 3));
            assert_eq!(array.number_bytes(), number.bytes(), "{name}");
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
    fn a_passenger_may_have_the_name_of_a_column_of_the_engine() {
        let mut bodies = Bodies::zeroed(2);
        for name in ["rate", "x"] {
            bodies.add_column(About::new(name, Number::F64, None, Purpose::Passenger));
        }
        bodies.add_column(About::new("rate", Number::F32, None, Purpose::Integrator));
        assert_eq!(bodies.columns().len(), 3);
        assert_eq!(bodies.column::<f32>("rate"), Some(&[0.0; 2][..]));
        bodies.column_mut::<f64>("x").unwrap()[1] = 5.0;
        assert_eq!((bodies.pos[0][1], bodies.column::<f64>("x").unwrap()[1]), (0.0, 5.0));
        let names: Vec<String> = bodies.columns_mut().map(|(about, _)| about.name.clone()).collect();
        assert_eq!(names, ["rate", "x", "rate"]);
    }

    #[test]
    fn a_damaged_message_appends_nothing() {
        let mut message = Vec::new();
        with_columns(2).write(0..2, &mut message);
        let mut bodies = Bodies::default();
        for length in 0..message.len() {
            assert_eq!(bodies.try_read(&message[..length]), None);
        }
        message.push(0);
        assert_eq!(bodies.try_read(&message), None);
        assert_eq!(bodies, Bodies::default());
    }

    #[test]
    #[should_panic(expected = "columns of a message")]
    fn a_message_of_other_columns_is_refused() {
        let mut message = Vec::new();
        with_columns(2).write(0..2, &mut message);
        Bodies::zeroed(1).read(&message);
    }
}
