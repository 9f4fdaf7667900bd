//! Checks `Comm` on real MPI ranks, as on a new cluster: `mpirun -n 4 target/debug/examples/comm_check`.
//!
//! With the argument `panic`, the last rank panics while the others wait for it: all must end, with exit code 101. With `panic-in-pool`,
//! a thread of rayon does it; with `panic-apart`, a thread that nobody waits for, before its rank takes part in a barrier; with `panic-deaf`,
//! such a thread of a rank that never calls MPI again. With `abort`, the last rank ends all with exit code 7. With `huge`, the first rank
//! sends the last one a message that MPI could not count (2 GiB; the two need twice that).
#![allow(clippy::disallowed_methods)] // held against bounds, not bits

#[path = "../tests/conformance/mod.rs"]
mod conformance;

use heorot_decomposition::mpi_world::{LONGEST_PIECE, World};
use heorot_decomposition::{Comm, Error, Hosts, TwoLevel};
use std::time::Duration;

fn main() -> Result<(), Error> {
    let mut world = World::start()?;
    assert_eq!(World::start().err(), Some(Error::MpiStarted));
    let last = world.comm().rank() + 1 == world.comm().size();
    match std::env::args().nth(1).as_deref() {
        Some("panic") if last => panic!("the last rank panics\non purpose"),
        Some("panic-in-pool") => drop(rayon::join(|| (), || assert!(!last, "a thread panics on purpose"))),
        Some("panic-apart") if last => {
            let thread = std::thread::spawn(|| panic!("a thread panics on purpose"));
            while !thread.is_finished() {
                std::thread::sleep(Duration::from_millis(10));
            }
            world.comm().barrier();
        }
        Some("panic-deaf") if last => {
            std::thread::spawn(|| panic!("a thread panics on purpose"));
            std::thread::sleep(Duration::from_secs(3600));
        }
        Some("abort") if last => world.comm().abort(7),
        Some("huge") => huge_message(world.comm()),
        Some(_) => world.comm().barrier(),
        None => check(&mut world),
    }
    Ok(())
}

fn check(world: &mut World) {
    conformance::check(world.comm());
    large_messages(world.comm(), 3_000_001); // beyond what MPI sends eagerly
    for longest_piece in [1, 7, 64] {
        world.cut_messages_at(longest_piece);
        conformance::check(world.comm());
    }
    world.cut_messages_at(65_536);
    large_messages(world.comm(), 3_000_001);
    dropped_exchange(world.comm());
    let size = world.comm().size();
    for hosts in [
        world.hosts(),
        Hosts::filled(size, 1),
        Hosts::filled(size, 2),
        Hosts::filled(size, size),
        Hosts::new((0..size).map(|rank| rank % 2)),
        Hosts::new((0..size).map(|rank| rank == 0)),
    ] {
        for longest_piece in [64, LONGEST_PIECE] {
            world.cut_messages_at(longest_piece);
            conformance::check(&TwoLevel::new(world.comm(), hosts.clone()));
        }
        let packed = TwoLevel::new(world.comm(), hosts);
        large_messages(&packed, 3_000_001);
        dropped_exchange(&packed);
    }
    off_the_main_thread(world.comm());
    println!("comm_check: rank {} of {} passed", world.comm().rank(), world.comm().size());
}

fn large_messages(comm: &dyn Comm, length: usize) {
    let bytes =
        |from: usize, to: usize| (0..length + from).map(|i| (i % 251 + from + 2 * to) as u8).collect();
    let out = (0..comm.size()).map(|to| bytes(comm.rank(), to)).collect();
    let expected: Vec<Vec<u8>> = (0..comm.size()).map(|from| bytes(from, comm.rank())).collect();
    assert!(comm.exchange(out) == expected, "a large message was changed on its way");
    let all = comm.all_gather(&expected[comm.rank()]);
    assert!(
        all.iter().enumerate().all(|(rank, part)| *part == bytes(rank, rank)),
        "a large part was changed"
    );
}

fn huge_message(comm: &dyn Comm) {
    let length = (1 << 31) + 12_345;
    let byte = |i: usize| (i ^ (i >> 27)) as u8;
    let (first, last) = (comm.rank() == 0, comm.rank() + 1 == comm.size());
    let mut out = vec![Vec::new(); comm.size()];
    if first {
        out[comm.size() - 1] = (0..length).map(byte).collect();
    }
    let received = comm.exchange(out).swap_remove(0);
    assert_eq!(received.len(), if last { length } else { 0 });
    assert!(received.iter().enumerate().all(|(i, &b)| b == byte(i)), "a huge message was changed on its way");
    println!("comm_check: rank {} of {} passed", comm.rank(), comm.size());
}

/// What is never waited for must neither hang nor disturb what follows.
fn dropped_exchange(comm: &dyn Comm) {
    drop(comm.start_exchange(vec![vec![1; 100_000]; comm.size()]));
    assert_eq!(comm.exchange(vec![vec![2]; comm.size()]), vec![vec![2]; comm.size()]);
}

/// MPI runs at level Funneled, so a call from another thread is our bug, and is told before it reaches MPI.
fn off_the_main_thread(comm: &dyn Comm) {
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::thread::scope(|scope| scope.spawn(|| comm.barrier()).join());
    std::panic::set_hook(quiet);
    assert!(outcome.is_err(), "a call off the main thread went unseen");
}
