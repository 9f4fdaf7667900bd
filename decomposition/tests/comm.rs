//! Implementations of `Comm` within one process.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

mod conformance;

use heorot_decomposition::{
    Comm, Event, Hosts, Mail, Operation, Recorder, Shifted, Solo, TwoLevel, collective, threads,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

#[test]
fn solo_keeps_the_contract() {
    conformance::check(&Solo);
}

#[test]
fn threads_keep_the_contract_on_any_number_of_ranks() {
    for ranks in [1, 2, 3, 7, 64] {
        threads::run(ranks, |comm| conformance::check(comm));
        threads::run(ranks, |comm| conformance::check(&Shifted::new(comm, 2)));
    }
}

/// Layouts of ranks on hosts: even, uneven, one rank per host, one host, round-robin, random.
fn layouts() -> Vec<Hosts> {
    let at_random = (0..23u64).map(|rank| rank.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61);
    vec![
        Hosts::filled(1, 1),
        Hosts::filled(2, 1),
        Hosts::filled(4, 2),
        Hosts::filled(7, 3),
        Hosts::filled(7, 7),
        Hosts::filled(9, 1),
        Hosts::filled(64, 16),
        Hosts::new([0, 0, 0, 0, 0, 1]),
        Hosts::new([0, 1, 1, 1, 1, 2, 2]),
        Hosts::new((0..12).map(|rank| rank % 5)),
        Hosts::new(at_random),
    ]
}

#[test]
fn exchanges_in_two_levels_keep_the_contract_on_any_layout() {
    for hosts in layouts() {
        threads::run(hosts.all_ranks(), |comm| conformance::check(&TwoLevel::new(comm, hosts.clone())));
        threads::run(hosts.all_ranks(), |comm| {
            conformance::check(&Shifted::new(&TwoLevel::new(comm, hosts.clone()), 1));
        });
    }
}

#[test]
fn exchanges_that_nobody_waits_for_are_completed() {
    for hosts in layouts() {
        let ranks = hosts.all_ranks();
        threads::run(ranks, |comm| {
            let comm = TwoLevel::new(comm, hosts.clone());
            drop(comm.start_exchange(vec![vec![1; 1000]; ranks]));
            let forgotten = comm.start_exchange(vec![vec![2; 1000]; ranks]);
            assert_eq!(comm.exchange(vec![vec![3]; ranks]), vec![vec![3]; ranks]);
            drop(forgotten);
            comm.barrier();
        });
    }
}

/// Ranks of different hosts may wait for their exchanges in any order.
#[test]
fn ranks_that_wait_in_different_orders_do_not_wait_for_each_other() {
    for hosts in layouts() {
        let ranks = hosts.all_ranks();
        threads::run(ranks, |comm| {
            let comm = TwoLevel::new(comm, hosts.clone());
            let mut pending: Vec<_> =
                (0..4u8).map(|number| (number, comm.start_exchange(vec![vec![number]; ranks]))).collect();
            if comm.rank() % 2 == 1 {
                pending.reverse();
            }
            for (number, exchange) in pending {
                assert_eq!(exchange.wait(), vec![vec![number]; ranks]);
            }
        });
    }
}

/// Long messages are sent directly between ranks of different hosts. Several exchanges of both
/// kinds are pending at once.
#[test]
fn long_and_short_messages_come_to_their_receivers() {
    for hosts in layouts() {
        let ranks = hosts.all_ranks();
        threads::run(ranks, |comm| {
            let comm = TwoLevel::new(comm, hosts.clone());
            let message = |from: usize, to: usize, round: usize| {
                let length = [0, 5, 8192, 8193, 30_000][(from + 2 * to + round) % 5];
                (0..length).map(|i| (i + 3 * from + 5 * to + 7 * round) as u8).collect::<Vec<_>>()
            };
            let start =
                |round| comm.start_exchange((0..ranks).map(|to| message(comm.rank(), to, round)).collect());
            let pending: Vec<_> = (0..5).map(start).collect();
            for (round, exchange) in pending.into_iter().enumerate() {
                let expected: Vec<_> = (0..ranks).map(|from| message(from, comm.rank(), round)).collect();
                assert!(exchange.wait() == expected, "rank {} got something else", comm.rank());
            }
        });
    }
}

#[test]
fn one_message_goes_between_two_hosts() {
    for hosts in layouts() {
        let ranks = hosts.all_ranks();
        let crossing = threads::run(ranks, |comm| {
            let recorder = Recorder::new(comm, &|| 0.0);
            let packed = TwoLevel::new(&recorder, hosts.clone());
            packed.exchange((0..ranks).map(|to| vec![comm.rank() as u8; to]).collect());
            let leaves = |to: &u32| hosts.of(*to as usize) != hosts.of(comm.rank());
            let sent = |event: Event| match event.operation {
                Operation::SendReceive(sent) => sent.iter().filter(|(to, _)| leaves(to)).count(),
                other => panic!("{other:?}"),
            };
            recorder.take().0.into_iter().map(sent).sum::<usize>()
        });
        assert_eq!(crossing.iter().sum::<usize>(), hosts.count() * (hosts.count() - 1));
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

/// Runs `body` on `ranks` ranks, which must panic and not hang. Returns the message.
fn panic_of(ranks: usize, body: impl Fn(&dyn Mail) + Sync) -> String {
    let start = Instant::now();
    let panic = catch_unwind(AssertUnwindSafe(|| threads::run(ranks, body))).expect_err("a rank panicked");
    assert!(start.elapsed() < Duration::from_secs(60), "the ranks ended after {:?}", start.elapsed());
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

/// As [`panic_of`], with two ranks per host.
fn panic_on_hosts(ranks: usize, body: impl Fn(&dyn Comm) + Sync) -> String {
    panic_of(ranks, |comm| body(&TwoLevel::new(comm, Hosts::filled(ranks, 2))))
}

/// The first, a middle and the last rank panic. So one of them is the lead rank of a host.
#[test]
fn a_panic_ends_ranks_whose_messages_are_packed() {
    for ranks in [3, 6, 64] {
        for bad in [0, ranks / 2, ranks - 1] {
            let message = panic_on_hosts(ranks, |comm| {
                comm.exchange(vec![vec![1]; ranks]);
                assert!(comm.rank() != bad, "out of luck");
                comm.exchange(vec![vec![1]; ranks]);
            });
            assert_eq!(message, format!("rank {bad} of {ranks} panicked: out of luck"));
            let message = panic_on_hosts(ranks, |comm| {
                assert!(comm.rank() != bad, "out of luck");
                let mut pending = comm.start_exchange(vec![Vec::new(); ranks]);
                while !pending.test() {
                    std::thread::yield_now();
                }
            });
            assert_eq!(message, format!("rank {bad} of {ranks} panicked: out of luck"));
        }
    }
}

#[test]
fn a_rank_that_sends_others_nothing_ends_all() {
    for bad in 0..4 {
        let message = panic_on_hosts(4, |comm| {
            if comm.rank() != bad {
                comm.exchange(vec![vec![1]; 4]);
            }
        });
        assert!(message.ends_with(&format!("for a message of rank {bad}, which has returned")), "{message}");
        let message = panic_on_hosts(4, |comm| match comm.rank() == bad {
            true => comm.barrier(),
            false => drop(comm.exchange(vec![vec![1]; 4])),
        });
        let expected = format!("for a message of rank {bad}, which waits in barrier");
        assert!(message.ends_with(&expected), "{message}");
    }
}
