//! The implementations of `Comm` that live in one process.

mod conformance;

use decomposition::{Comm, Solo, collective, threads};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

#[test]
fn solo_keeps_the_contract() {
    conformance::check(&Solo);
}

#[test]
fn threads_keep_the_contract_on_any_number_of_ranks() {
    for ranks in [1, 2, 3, 7, 64] {
        threads::run(ranks, conformance::check);
    }
}

#[test]
fn threads_return_by_rank_and_lend_what_lives_outside() {
    let squares: Vec<usize> = (0..300).map(|i| i * i).collect();
    assert_eq!(threads::run(300, |comm| squares[comm.rank()]), squares);
}

#[test]
fn ranks_share_the_pool_of_rayon() {
    use rayon::prelude::*;
    let sums = threads::run(64, |comm| {
        let partial: u64 = (0..10_000u64).into_par_iter().filter(|i| i % 64 == comm.rank() as u64).sum();
        collective::sum(comm, partial)
    });
    assert_eq!(sums, vec![49_995_000; 64]);
}

/// Runs and expects a panic within a second; its message.
fn panic_of(ranks: usize, body: impl Fn(&dyn Comm) + Sync) -> String {
    let start = Instant::now();
    let panic = catch_unwind(AssertUnwindSafe(|| threads::run(ranks, body))).expect_err("a rank panicked");
    assert!(start.elapsed() < Duration::from_secs(1), "the ranks ended after {:?}", start.elapsed());
    *panic.downcast::<String>().expect("a message")
}

#[test]
fn a_panic_on_one_rank_ends_all() {
    for ranks in [1, 2, 64] {
        let last = ranks - 1;
        let message = panic_of(ranks, |comm| {
            collective::sum(comm, 1);
            assert!(comm.rank() != last, "out of luck");
            comm.exchange(vec![vec![1]; ranks]);
            comm.barrier();
        });
        assert_eq!(message, format!("rank {last} of {ranks} panicked: out of luck"));
    }
}

#[test]
fn a_panic_ends_ranks_that_only_test() {
    let message = panic_of(3, |comm| {
        assert!(comm.rank() != 0, "out of luck");
        let mut pending = comm.start_exchange(vec![Vec::new(); 3]);
        while !pending.test() {
            std::thread::yield_now();
        }
        pending.wait();
    });
    assert_eq!(message, "rank 0 of 3 panicked: out of luck");
}

#[test]
fn a_rank_that_returns_early_ends_all() {
    let wait = |comm: &dyn Comm| comm.barrier();
    let poll = |comm: &dyn Comm| {
        let mut pending = comm.start_exchange(vec![Vec::new(); 3]);
        while !pending.test() {}
    };
    for (name, body) in [("barrier", &wait as &(dyn Fn(&dyn Comm) + Sync)), ("exchange", &poll)] {
        let message = panic_of(3, |comm| {
            if comm.rank() != 1 {
                body(comm);
            }
        });
        let expected = format!("waits in {name} for rank 1, which has returned");
        assert!(message.ends_with(&expected), "{message}");
    }
}

#[test]
fn ranks_that_call_different_collectives_are_caught() {
    let message = panic_of(2, |comm| match comm.rank() {
        0 => comm.barrier(),
        _ => drop(comm.all_gather(&[])),
    });
    assert!(message.contains("barrier") && message.contains("all_gather"), "{message}");
}
