//! Boxes with sides along the axes.

/// A box around positions. In open space its corners are its least and greatest coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds<T = f64> {
    /// Lowest coordinates.
    pub lo: [T; 3],
    /// Highest coordinates.
    pub hi: [T; 3],
}

macro_rules! joined {
    ($($number:ty),*) => {$(
        impl Bounds<$number> {
            /// The smallest box around two others.
            #[must_use]
            pub fn and(&self, other: &Self) -> Self {
                Bounds {
                    lo: std::array::from_fn(|axis| self.lo[axis].min(other.lo[axis])),
                    hi: std::array::from_fn(|axis| self.hi[axis].max(other.hi[axis])),
                }
            }
        }
    )*};
}
joined!(f32, f64);

impl Bounds {
    /// A box that contains nothing.
    pub const NOTHING: Bounds = Bounds { lo: [f64::INFINITY; 3], hi: [f64::NEG_INFINITY; 3] };

    /// The box of a single position.
    #[must_use]
    pub fn at(position: [f64; 3]) -> Bounds {
        Bounds { lo: position, hi: position }
    }

    /// The longest side; negative infinity if the box contains nothing.
    #[must_use]
    pub fn extent(&self) -> f64 {
        (0..3).map(|axis| self.hi[axis] - self.lo[axis]).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Whether two boxes have a point in common.
    #[must_use]
    pub fn touches(&self, other: &Bounds) -> bool {
        (0..3).all(|axis| self.lo[axis] <= other.hi[axis] && self.hi[axis] >= other.lo[axis])
    }

    /// The lowest coordinates, then the highest, in the order that messages use.
    #[must_use]
    pub fn to_array(&self) -> [f64; 6] {
        let Bounds { lo: [x, y, z], hi: [u, v, w] } = *self;
        [x, y, z, u, v, w]
    }
}

impl From<[f64; 6]> for Bounds {
    fn from([x, y, z, u, v, w]: [f64; 6]) -> Bounds {
        Bounds { lo: [x, y, z], hi: [u, v, w] }
    }
}

impl FromIterator<[f64; 3]> for Bounds {
    /// The smallest box around all positions.
    fn from_iter<I: IntoIterator<Item = [f64; 3]>>(positions: I) -> Bounds {
        positions.into_iter().fold(Bounds::NOTHING, |bounds, position| bounds.and(&Bounds::at(position)))
    }
}
