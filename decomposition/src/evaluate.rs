//! The way of the data over all ranks: from bodies anywhere to bodies in key order with their field.

use crate::{Comm, Error};
use treecode::{Bodies, Census, Gravity};

/// What a force evaluation leaves on one rank.
pub struct Evaluation {
    /// This rank's bodies, in key order, with `acc`, `pot` and `work` of this evaluation.
    pub bodies: Bodies,
    /// What this rank did.
    pub census: Census,
}

/// Computes the field of all bodies on all ranks. Bodies may lie on any rank in any order.
///
/// # Errors
/// The same error on every rank if a parameter or a body is bad, or if there are no bodies at all.
pub fn evaluate(comm: &dyn Comm, gravity: &Gravity, bodies: Bodies) -> Result<Evaluation, Error> {
    let _ = (comm, gravity, bodies);
    todo!()
}

impl Evaluation {
    /// Sum of `term(bodies, i)` over all bodies of all ranks, the same bits on any number of ranks: it goes up the tree as the
    /// moments do.
    pub fn sum<const K: usize>(
        &self,
        comm: &dyn Comm,
        term: impl Fn(&Bodies, usize) -> [f64; K] + Sync,
    ) -> [f64; K] {
        let _ = (comm, term);
        todo!()
    }
}
