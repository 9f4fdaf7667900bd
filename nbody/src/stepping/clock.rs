//! Time within a full step, as an integer number of the finest steps.

use super::FINEST;
use serde::{Deserialize, Serialize};

/// Time since the beginning of the full step, in units of the full step / 2^40.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock(u64);

/// The end of the full step.
const END: u64 = 1 << FINEST;

impl Clock {
    /// Advances the clock by one step of this rung. Such a step must begin now.
    pub fn advance(&mut self, rung: u8) {
        let step = END >> rung;
        assert!(
            self.0.is_multiple_of(step) && self.0 < END,
            "no step of rung {rung} begins at {:#x}",
            self.0
        );
        self.0 += step;
    }

    /// The coarsest rung with a step that ends now. The steps of all finer rungs end now, too.
    pub fn coarsest(self) -> u8 {
        FINEST - self.0.min(END).trailing_zeros().min(u32::from(FINEST)) as u8
    }

    /// Whether the full step is complete.
    pub fn is_at_end(self) -> bool {
        self.0 == END
    }

    /// Time since the beginning of the full step, as a fraction of it.
    pub fn fraction(self) -> f64 {
        self.0 as f64 / END as f64
    }

    /// Fraction of the full step that is left. 0 at its end.
    pub fn rest(self) -> f64 {
        self.left(0)
    }

    /// Number of steps of this rung until the end of the full step.
    pub fn left(self, rung: u8) -> f64 {
        (END - self.0) as f64 / (END >> rung) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_with_those_that_they_divide() {
        let mut clock = Clock::default();
        let mut coarsest = Vec::new();
        while !clock.is_at_end() {
            clock.advance(3);
            coarsest.push(clock.coarsest());
        }
        assert_eq!(coarsest, [3, 2, 3, 1, 3, 2, 3, 0]);
        let mut clock = Clock::default();
        clock.advance(FINEST);
        assert_eq!((clock.coarsest(), clock.left(0) < 1.0), (FINEST, true));
        let mut clock = Clock::default();
        clock.advance(1);
        assert_eq!((clock.left(3), clock.left(0), clock.fraction()), (4.0, 0.5, 0.5));
    }

    #[test]
    #[should_panic(expected = "no step of rung 1 begins")]
    fn no_step_begins_in_the_midst_of_one() {
        let mut clock = Clock::default();
        clock.advance(2);
        clock.advance(1);
    }
}
