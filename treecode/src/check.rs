//! Checks of bodies that come from outside.

use crate::{Bodies, Error, TYPES};

impl Bodies {
    /// Says which body has an impossible value, if one has: positions, velocities and accelerations must be finite, masses positive and
    /// finite, types below [`TYPES`].
    ///
    /// # Errors
    /// [`Error::Body`] names the first such body.
    pub fn check(&self) -> Result<(), Error> {
        let wrong =
            |i: usize, what, value, expected| Err(Error::Body { id: self.id[i], what, value, expected });
        for (what, vector) in [("position", &self.pos), ("velocity", &self.vel), ("acceleration", &self.acc)]
        {
            for array in vector {
                if let Some(i) = array.iter().position(|x| !x.is_finite()) {
                    return wrong(i, what, array[i], "finite");
                }
            }
        }
        if let Some(i) = self.mass.iter().position(|mass| !(*mass > 0.0 && mass.is_finite())) {
            return wrong(i, "mass", self.mass[i], "positive and finite");
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
        let cases: [(Spoil, &str); 5] = [
            (|b| b.pos[2][3] = f64::NAN, "position is NaN"),
            (|b| b.vel[0][3] = f64::INFINITY, "velocity is inf"),
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
