//! Potentials whose strength changes with time.

/// Smooth change of the strength from one fraction to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Time at which the change begins [T].
    pub start: f64,
    /// Duration of the change [T], above 0.
    pub duration: f64,
    /// Fraction of the full strength before the change.
    pub from: f64,
    /// Fraction of the full strength after the change.
    pub to: f64,
}

impl Growth {
    /// Fraction of the full strength at a time [T]. Between both ends, with xi from -1 to 1, it
    /// follows 3/16 xi^5 - 5/8 xi^3 + 15/16 xi + 1/2 (Dehnen 2000, eq. 4), whose first and second
    /// derivatives vanish at the ends.
    pub fn strength(&self, time: f64) -> f64 {
        let xi = (2.0 * (time - self.start) / self.duration - 1.0).clamp(-1.0, 1.0);
        let square = xi * xi;
        let rise = ((3.0 / 16.0 * square - 5.0 / 8.0) * square + 15.0 / 16.0) * xi + 0.5;
        self.from + (self.to - self.from) * rise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_is_smooth_and_reaches_both_ends() {
        let growth = Growth { start: 1.0, duration: 2.0, from: 0.25, to: 1.0 };
        for (time, strength) in [(-5.0, 0.25), (1.0, 0.25), (2.0, 0.625), (3.0, 1.0), (9.0, 1.0)] {
            assert!((growth.strength(time) - strength).abs() < 1e-15, "{time}");
        }
        // The change near an end falls with the third power of the distance from it.
        let change = |h: f64| growth.strength(1.0 + h) - 0.25;
        let order = (change(0.02) / change(0.01)).log2();
        assert!((order - 3.0).abs() < 0.05, "{order}");
    }
}
