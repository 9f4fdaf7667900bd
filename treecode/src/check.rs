//! Checks of bodies that come from outside.

use crate::{Bodies, Error, TYPES};

impl Bodies {
    /// Says which body has an impossible value, if one has: positions, velocities, accelerations and potentials must be finite, masses
    /// above 0 and finite, types below [`TYPES`].
    ///
    /// # Errors
    /// [`Error::Body`] names the first body that has the first such fault.
    pub fn check(&self) -> Result<(), Error> {
        let wrong =
            |i: usize, what, value, expected| Err(Error::Body { id: self.id[i], what, value, expected });
        let numbers = [
            ("position", &self.pos[..]),
            ("velocity", &self.vel),
            ("acceleration", &self.acc),
            ("potential", std::slice::from_ref(&self.pot)),
        ];
        for (what, arrays) in numbers {
            for array in arrays {
                if let Some(i) = array.iter().position(|x| !x.is_finite()) {
                    return wrong(i, what, array[i], "finite");
                }
            }
        }
        if let Some(i) = self.mass.iter().position(|mass| !(*mass > 0.0 && mass.is_finite())) {
            return wrong(i, "mass", self.mass[i], "above 0 and finite");
        }
        match self.kind.iter().position(|kind| usize::from(*kind) >= TYPES) {
            Some(i) => wrong(i, "particle type", f64::from(self.kind[i]), "from 0 to 5"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bad_body_is_named() {
        let mut good = Bodies::zeroed(5);
        good.mass.fill(1.0);
        assert_eq!(good.check(), Ok(()));
        type Spoil = fn(&mut Bodies);
        let cases: [(Spoil, &str); 6] = [
            (|b| b.pos[2][3] = f64::NAN, "position is NaN"),
            (|b| b.vel[0][3] = f64::INFINITY, "velocity is inf"),
            (|b| b.pot[3] = f64::NAN, "potential is NaN"),
            (|b| b.mass[3] = -1.0, "mass is -1"),
            (|b| b.mass[3] = 0.0, "mass is 0"),
            (|b| b.kind[3] = 6, "particle type is 6"),
        ];
        for (spoil, message) in cases {
            let mut bodies = good.clone();
            spoil(&mut bodies);
            let error = bodies.check().unwrap_err().to_string();
            assert!(error.contains("id 3") && error.contains(message), "{error}");
        }
    }
}
