//! Checks of the bodies of a snapshot.

use serde::Serialize;
use treecode::Bodies;

/// A condition on all bodies.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    holds: &'static str,
    #[serde(skip)]
    fails: &'static str,
    /// Number of bodies that violate it.
    #[serde(rename = "violated_by")]
    pub(super) bodies: usize,
    /// The smallest id among them.
    #[serde(rename = "first_id")]
    id: Option<u64>,
}

impl Check {
    pub(super) fn text(&self) -> String {
        match (self.bodies, self.id) {
            (1, Some(id)) => format!("{}: the body with id {id}", self.fails),
            (bodies, Some(id)) => format!("{}: {bodies} bodies, the first with id {id}", self.fails),
            (_, None) => self.holds.to_owned(),
        }
    }
}

/// All checks.
pub(super) fn checks(bodies: &Bodies) -> Vec<Check> {
    let is_finite = |vector: [f64; 3]| vector.iter().all(|x| x.is_finite());
    let ids_where = |fails: &dyn Fn(usize) -> bool| -> Vec<u64> {
        (0..bodies.len()).filter(|&i| fails(i)).map(|i| bodies.id[i]).collect()
    };
    let check = |holds, fails, ids: Vec<u64>| Check {
        holds,
        fails,
        bodies: ids.len(),
        id: ids.iter().copied().min(),
    };
    vec![
        check(
            "all positions are finite",
            "position not finite, or beyond 1e300",
            // No command accepts such positions, see `Bodies::check`.
            ids_where(&|i| bodies.position(i).iter().any(|x| !x.is_finite() || x.abs() > 1e300)),
        ),
        check(
            "all velocities are finite",
            "velocity not finite",
            ids_where(&|i| !is_finite(bodies.velocity(i))),
        ),
        check(
            "no mass is negative",
            "mass negative or not finite",
            ids_where(&|i| !(bodies.mass[i] >= 0.0 && bodies.mass[i].is_finite())),
        ),
        check("all ids are unique", "id not unique", duplicates(&bodies.id)),
    ]
}

/// The ids that occur more than once, one entry per body.
fn duplicates(ids: &[u64]) -> Vec<u64> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_counts_its_bodies_and_names_the_first() {
        let mut bodies = Bodies::zeroed(5);
        bodies.mass.fill(1.0);
        assert!(checks(&bodies).iter().all(|check| check.bodies == 0));
        bodies.pos[1][4] = f64::NAN;
        bodies.pos[0][1] = -1e301;
        bodies.vel[2][3] = f64::INFINITY;
        bodies.mass[2] = -1.0;
        bodies.mass[1] = f64::NAN;
        bodies.mass[0] = 0.0;
        bodies.id[4] = 0;
        let text: Vec<String> = checks(&bodies).iter().map(Check::text).collect();
        assert_eq!(
            text,
            [
                "position not finite, or beyond 1e300: 2 bodies, the first with id 0",
                "velocity not finite: the body with id 3",
                "mass negative or not finite: 2 bodies, the first with id 1",
                "id not unique: 2 bodies, the first with id 0",
            ]
        );
    }
}
