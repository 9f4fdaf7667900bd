//! Migration: sends each body to the rank that owns its interval of the space-filling curve.

use crate::{Comm, splitters::Splitters};
use treecode::{Bodies, Cube};

/// Sends bodies to the ranks that own them. They must be sorted by their curve indices `keys`.
/// Returns the bodies of this rank and their curve indices, sorted. Collective.
///
/// Panics if a body is in no rank's interval. A loss of bodies is detected later, when the tree is
/// complete.
pub(crate) fn migrate(
    comm: &dyn Comm,
    cube: &Cube,
    mut bodies: Bodies,
    mut keys: Vec<u64>,
    splitters: &Splitters,
) -> (Bodies, Vec<u64>) {
    let shares: Vec<_> = (0..comm.size()).map(|rank| splitters.share(rank, &keys)).collect();
    assert_eq!(shares.iter().map(|share| share.len()).sum::<usize>(), keys.len(), "a body has no rank");
    let out = shares.into_iter().enumerate().map(|(rank, share)| {
        let mut message = Vec::new();
        if rank != comm.rank() && !share.is_empty() {
            bodies.write(share, &mut message);
        }
        message
    });
    let arrived = comm.exchange(out.collect());
    let mine = splitters.share(comm.rank(), &keys);
    keys.truncate(mine.end);
    keys.drain(..mine.start);
    bodies.keep(mine);
    let staying = bodies.len();
    // Messages and old keys are freed before the sort allocates memory.
    arrived.into_iter().filter(|message| !message.is_empty()).for_each(|message| bodies.read(&message));
    if bodies.len() > staying {
        drop(keys);
        keys = treecode::sort(&mut bodies, cube);
    }
    (bodies, keys)
}
