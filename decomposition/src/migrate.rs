//! Migration: each body goes to the rank whose keys it has.

use crate::{Comm, splitters::Splitters};
use treecode::{Bodies, Cube};

/// Sends bodies, sorted by `keys`, to the ranks that own them. Returns this rank's bodies and their keys, sorted.
pub fn migrate(
    comm: &dyn Comm,
    cube: &Cube,
    mut bodies: Bodies,
    mut keys: Vec<u64>,
    splitters: &Splitters,
) -> (Bodies, Vec<u64>) {
    let out = (0..comm.size()).map(|rank| {
        let share = splitters.share(rank, &keys);
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
    // Messages and old keys give their memory back before the sort takes its own.
    arrived.into_iter().filter(|message| !message.is_empty()).for_each(|message| bodies.read(&message));
    if bodies.len() > staying {
        drop(keys);
        keys = treecode::sort(&mut bodies, cube);
    }
    (bodies, keys)
}
