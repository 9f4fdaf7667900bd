//! Checks of body ids: whether they are unique, and whether they identify the same bodies in two
//! snapshots.

use decomposition::{Comm, Reduction, collective};
use io::snapshot::Header;
use rayon::prelude::*;
use treecode::math::hash;

/// Bodies whose ids are not unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Number of such bodies.
    pub bodies: u64,
    /// The smallest id that occurs more than once.
    pub id: u64,
}

impl Shared {
    /// Describes it, as "3 bodies share ids, such as 7".
    pub fn words(&self) -> String {
        format!("{} bodies have an id that another one has, too, such as {}", self.bodies, self.id)
    }
}

/// Finds the bodies of all ranks whose ids are not unique, given the ids on this rank. `None` if
/// all are unique. A hash of the id chooses the rank that counts it, and each rank sends each of
/// its ids once. So no rank receives many more ids than it has bodies. Collective.
pub fn shared(comm: &dyn Comm, ids: &[u64]) -> Option<Shared> {
    let ranks = comm.size() as u64;
    let mut mine = ids.to_vec();
    mine.par_sort_unstable();
    let mut out: Vec<Vec<[u64; 2]>> = vec![Vec::new(); comm.size()];
    for same in mine.chunk_by(|a, b| a == b) {
        out[(hash(same[0]) % ranks) as usize].push([same[0], same.len() as u64]);
    }
    drop(mine);
    let mut here = collective::exchange(comm, &out).concat();
    drop(out);
    here.par_sort_unstable();
    let (mut bodies, mut least) = (0, [u64::MAX]);
    for same in here.chunk_by(|a, b| a[0] == b[0]) {
        let count: u64 = same.iter().map(|[_, count]| count).sum();
        if count > 1 {
            bodies += count;
            least = [least[0].min(same[0][0])];
        }
    }
    comm.all_reduce(&mut least, Reduction::Min);
    let bodies = collective::sum(comm, bodies);
    (bodies > 0).then_some(Shared { bodies, id: least[0] })
}

/// Whether the ids of a snapshot are valid in other snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Whether the ids number the bodies in the order of some file.
    invented: bool,
    /// That file, if it is known: the initial conditions of a run or of a force evaluation.
    source: Option<String>,
}

impl Naming {
    /// Naming of a snapshot with this header.
    pub fn of(header: &Header) -> Naming {
        let source = header.parameters.iter().find(|(key, _)| key == "initial.file");
        let source = source.filter(|_| !header.numbered).map(|(_, value)| value.clone());
        Naming { invented: header.has_invented_ids(), source }
    }

    /// The reason why equal ids in two snapshots do not mean the same body; `None` if they do. Ids
    /// stored in files do. Invented ids do if both snapshots come from the same initial conditions.
    pub fn fault(&self, other: &Naming) -> Option<&'static str> {
        match (self.invented, other.invented) {
            (false, false) => None,
            (true, true) if self.source.is_some() && self.source == other.source => None,
            (true, true) => {
                Some("neither has ids of its own, and another program may change the order of its bodies")
            }
            (true, false) | (false, true) => Some("one of them has no ids"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;
    use io::snapshot::IDS_INVENTED;

    fn shared_on(ranks: usize, ids: &[u64]) -> Option<Shared> {
        let found = threads::run(ranks, |comm| {
            let mine: Vec<u64> = ids.iter().copied().skip(comm.rank()).step_by(ranks).collect();
            shared(comm, &mine)
        });
        assert!(found.iter().all(|one| *one == found[0]), "ranks disagree");
        found[0]
    }

    #[test]
    fn bodies_that_share_ids_are_counted_on_any_ranks() {
        let unique: Vec<u64> = (0..1000).map(|i| i * 8).chain([u64::MAX]).collect();
        let mut twins = unique.clone();
        (twins[3], twins[700], twins[500]) = (unique[900], unique[900], unique[41]);
        for ranks in [1, 2, 5, 8] {
            assert_eq!(shared_on(ranks, &unique), None, "{ranks} ranks");
            assert_eq!(shared_on(ranks, &[]), None);
            assert_eq!(shared_on(ranks, &twins), Some(Shared { bodies: 5, id: 328 }), "{ranks} ranks");
            assert_eq!(shared_on(ranks, &[0; 100]), Some(Shared { bodies: 100, id: 0 }));
            assert_eq!(shared_on(ranks, &[u64::MAX; 2]), Some(Shared { bodies: 2, id: u64::MAX }));
        }
    }

    /// Holds even if all bodies share one id or the ids are multiples of the number of ranks.
    #[test]
    fn no_rank_gets_many_more_ids_than_it_has() {
        for id in [|_: u64| 0, |i: u64| i * 4, |i: u64| i / 2] {
            let received = threads::run(4, |comm| {
                let ids: Vec<u64> = (0..20_000).filter(|i| i % 4 == comm.rank() as u64).map(id).collect();
                let before = comm.traffic().bytes;
                shared(comm, &ids);
                comm.traffic().bytes - before
            });
            // Three quarters of 5000 ids of 16 bytes leave a rank, plus a few bytes.
            assert!(received.iter().all(|&bytes| bytes < 62_000), "{received:?}");
        }
    }

    #[test]
    fn invented_ids_join_only_snapshots_of_one_run() {
        let ids = Header { count: [0, 5, 0, 0, 0, 0], ..Header::default() };
        let none = Header { numbered: true, ..ids.clone() };
        let marked = |more: &[(&str, &str)]| {
            let pairs = [(IDS_INVENTED, "true")].iter().chain(more);
            let parameters = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            Header { parameters, ..ids.clone() }
        };
        let converted = marked(&[]);
        let run = marked(&[("initial.file", "a.std"), ("time.steps", "3")]);
        let same_run = marked(&[("time.steps", "9"), ("initial.file", "a.std")]);
        let other_run = marked(&[("initial.file", "b.std")]);
        let without = Header { numbered: true, ..run.clone() };
        let fault = |a: &Header, b: &Header| Naming::of(a).fault(&Naming::of(b)).is_some();
        for (a, b, expected) in [
            (&ids, &ids, false),
            (&ids, &none, true),
            (&ids, &converted, true),
            (&ids, &run, true),
            (&none, &none, true),
            (&none, &converted, true),
            (&converted, &converted, true),
            (&converted, &run, true),
            (&run, &same_run, false),
            (&run, &other_run, true),
            (&run, &without, true),
        ] {
            assert_eq!((fault(a, b), fault(b, a)), (expected, expected), "{a:?} {b:?}");
        }
    }
}
