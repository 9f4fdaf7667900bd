//! Exact forces at given places, by direct summation over the bodies of all ranks.

use crate::{Comm, Evaluation, collective};
use rayon::prelude::*;
use treecode::direct::{self, SINKS, Sinks, Waves};
use treecode::{Domain, Gravity, structure};

impl Evaluation {
    /// Exact accelerations [L/T^2] at places [L] with particle types, by direct summation over all
    /// bodies; in a periodic box, also over all their images. A body at the place itself
    /// contributes only its images. The result has the same bits on any number of ranks.
    /// Collective.
    pub fn exact_accelerations(
        &self,
        comm: &dyn Comm,
        gravity: &Gravity,
        places: &[([f64; 3], u8)],
    ) -> Vec<[f64; 3]> {
        let mut exact = Vec::with_capacity(places.len());
        for some in places.chunks(SINKS) {
            let sinks = Sinks::new(&gravity.softening, some);
            let sum =
                self.sum_of_leaves(comm, |bodies, leaf| direct::accelerations(bodies, leaf, gravity, &sinks));
            exact.extend((0..some.len()).map(|s| [0, 1, 2].map(|axis| sum[axis * SINKS + s])));
        }
        if let Domain::Periodic { side } = gravity.domain
            && !places.is_empty()
        {
            let waves = self.waves(comm, side, gravity.group_size);
            exact.par_iter_mut().zip(places).for_each(|(exact, (place, _))| {
                let long = waves.acceleration(gravity.constant, *place);
                (0..3).for_each(|axis| exact[axis] += long[axis]);
            });
        }
        exact
    }

    /// The long-range part of Ewald's sum over the bodies of all ranks. It is summed cell by cell,
    /// since cells of up to `group_size` bodies are never shared by ranks. Collective.
    fn waves(&self, comm: &dyn Comm, side: f64, group_size: usize) -> Waves {
        let [mass] = self.sum(comm, |bodies, i| [bodies.mass[i]]);
        let none = || Waves::new(side, mass);
        let add = |mut waves: Waves, cell: &structure::Cell| {
            waves.add(&self.bodies, cell.bodies.start as usize..cell.bodies.end as usize);
            waves
        };
        let cells = self.structure.cells_up_to(group_size);
        let mut waves = cells.par_iter().fold(none, add).reduce(none, |a, b| a.and(&b));
        comm.stage("waves");
        collective::exact_sum(comm, waves.sums_mut());
        waves
    }
}
