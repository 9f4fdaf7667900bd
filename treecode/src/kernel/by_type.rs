//! Softened pairs whose lengths are in a table by pair of types: the sources of one type act after
//! those of another, each time with other terms of the sinks. The kernel is that of the spline, which
//! takes the smaller of two terms; here the sources have none.

use crate::TYPES;
use crate::kernel::bodies::{Sinks, Sources, Spline};
use crate::kernel::simd::{LANES, Path};
use crate::kernel::softening::{Softened, Table, UNSOFTENED};

impl Sources {
    /// Replaces all bodies by those of another set that are of one type. The terms of the others are
    /// their types.
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
    /// Replaces the types of the sinks by their terms.
    fn with_terms(types: &[[f32; LANES]], terms: &[f32; TYPES]) -> Vec<[f32; LANES]> {
        types.iter().map(|block| block.map(|kind| terms[kind as usize])).collect()
    }

    /// Replaces the types of the sinks by the terms that cells combine. Returns the types.
    pub(crate) fn soften_for_cells(&mut self, softened: &Softened) -> Vec<[f32; LANES]> {
        let terms = std::array::from_fn(|kind| softened.pair_term(kind as u8));
        let with_terms = Sinks::with_terms(&self.term, &terms);
        std::mem::replace(&mut self.term, with_terms)
    }

    /// Adds the field of all `sources`, whose terms are their types, to sinks of these types. `some` is a buffer
    /// for the sources of one type.
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
