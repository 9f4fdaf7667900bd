//! Softened pairs with a table of softening lengths, one for each pair of types. The sources act
//! type by type. For each type of sources, the sinks get the terms of that row of the table. The
//! spline kernel uses the smaller term of sink and source. The sources here have a term so large
//! that the sink's is always used.

use crate::TYPES;
use crate::kernel::bodies::{Sinks, Sources, Spline};
use crate::kernel::simd::{LANES, Path};
use crate::kernel::softening::{Softened, Table, UNSOFTENED};

impl Sources {
    /// Replaces the sources by those sources of `all` that are of type `kind`. The terms in `all`
    /// are types.
    fn take_type(&mut self, all: &Sources, kind: usize) {
        self.clear();
        self.reserve(all.len());
        for from in (0..all.len()).filter(|&from| all.term[from] as usize == kind) {
            let to = self.len;
            (0..3).for_each(|axis| self.pos[axis][to] = all.pos[axis][from]);
            (self.mass[to], self.term[to]) = (all.mass[from], 2.0 * UNSOFTENED);
            self.len += 1;
        }
        self.pad();
    }
}

impl Sinks {
    /// The terms of sinks with these types.
    fn with_terms(types: &[[f32; LANES]], terms: &[f32; TYPES]) -> Vec<[f32; LANES]> {
        types.iter().map(|block| block.map(|kind| terms[kind as usize])).collect()
    }

    /// Replaces the types of the sinks by their terms for interactions with cells. Returns the
    /// types.
    pub(crate) fn soften_for_cells(&mut self, softened: &Softened) -> Vec<[f32; LANES]> {
        let terms = std::array::from_fn(|kind| softened.pair_term(kind as u8));
        let with_terms = Sinks::with_terms(&self.term, &terms);
        std::mem::replace(&mut self.term, with_terms)
    }

    /// Adds the field of all `sources` to sinks of these types. The terms of the sources are their
    /// types. `some` is a buffer for the sources of one type.
    pub(crate) fn feel_by_type(
        &mut self,
        path: Path,
        sources: &Sources,
        types: &[[f32; LANES]],
        table: &Table,
        some: &mut Sources,
    ) {
        for kind in 0..TYPES {
            some.take_type(sources, kind);
            if some.len() > 0 {
                self.term = Sinks::with_terms(types, &table.terms(kind));
                self.feel_bodies::<Spline>(path, some);
            }
        }
    }
}
