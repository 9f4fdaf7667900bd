//! Requirements on every implementation of [`Comm`]. `tests/comm.rs` runs these checks, and
//! `examples/comm_check.rs` runs them on MPI ranks.

use heorot_decomposition::{Comm, Reduction, Traffic, agree, collective};

/// Panics unless `comm` fulfils the contract of its trait.
pub(crate) fn check(comm: &dyn Comm) {
    assert!(comm.rank() < comm.size());
    for round in 0..20 {
        all_gather(comm, round);
        all_reduce(comm, round);
        exchange(comm, round);
        send_receive(comm, round);
    }
    exchanges_overlap(comm);
    ranks_wait_at_a_barrier_for_the_last(comm);
    numbers(comm);
    agreement(comm);
    traffic(comm);
}

/// Bytes that depend on sender, receiver and round. Some messages are empty.
fn message(from: usize, to: usize, round: usize) -> Vec<u8> {
    let length = (from * 7 + to * 13 + round * 5) % 11 * 37;
    (0..length).map(|i| (i + 3 * from + 5 * to + 7 * round) as u8).collect()
}

fn messages_out(comm: &dyn Comm, round: usize) -> Vec<Vec<u8>> {
    (0..comm.size()).map(|to| message(comm.rank(), to, round)).collect()
}

fn messages_in(comm: &dyn Comm, round: usize) -> Vec<Vec<u8>> {
    (0..comm.size()).map(|from| message(from, comm.rank(), round)).collect()
}

fn all_gather(comm: &dyn Comm, round: usize) {
    let all = comm.all_gather(&message(comm.rank(), 0, round));
    assert_eq!(all, (0..comm.size()).map(|from| message(from, 0, round)).collect::<Vec<_>>());
    assert_eq!(comm.all_gather(&[]), vec![Vec::<u8>::new(); comm.size()]);
}

fn all_reduce(comm: &dyn Comm, round: usize) {
    let value = |rank: usize, i: usize| ((rank + 3) * (i + 5) * (round + 7)) as u64 % 1009;
    for (reduction, combine) in [
        (Reduction::Sum, u64::wrapping_add as fn(u64, u64) -> u64),
        (Reduction::Min, u64::min),
        (Reduction::Max, u64::max),
    ] {
        let mut values: Vec<u64> = (0..17).map(|i| value(comm.rank(), i)).collect();
        comm.all_reduce(&mut values, reduction);
        let expected = |i| (0..comm.size()).map(|rank| value(rank, i)).reduce(combine).unwrap();
        assert_eq!(values, (0..17).map(expected).collect::<Vec<_>>(), "{reduction:?}");
    }
    // Integers are unsigned, and sums wrap.
    let (rank, size) = (comm.rank() as u64, comm.size() as u64);
    let half = 1 << 63;
    let large = if comm.size() == 1 || rank % 2 == 1 { half + rank } else { half - 1 - rank };
    for (reduction, expected) in [
        (Reduction::Min, if size == 1 { half } else { half - 1 - (size - 1) / 2 * 2 }),
        (Reduction::Max, if size == 1 { half } else { half + (size - 2) / 2 * 2 + 1 }),
    ] {
        let mut values = [large];
        comm.all_reduce(&mut values, reduction);
        assert_eq!(values, [expected], "{reduction:?}");
    }
    assert_eq!(collective::sum(comm, u64::MAX), size.wrapping_neg());
}

fn exchange(comm: &dyn Comm, round: usize) {
    assert_eq!(comm.exchange(messages_out(comm, round)), messages_in(comm, round));
    assert_eq!(comm.exchange(vec![Vec::new(); comm.size()]), vec![Vec::<u8>::new(); comm.size()]);
    // From one rank to all.
    let speaker = round % comm.size();
    let speaks = |from| if from == speaker { message(from, 0, round) } else { Vec::new() };
    let heard = comm.exchange(vec![speaks(comm.rank()); comm.size()]);
    assert_eq!(heard, (0..comm.size()).map(speaks).collect::<Vec<_>>());
}

/// Messages around a ring, and from one rank to all.
fn send_receive(comm: &dyn Comm, round: usize) {
    let (rank, size) = (comm.rank(), comm.size());
    if size > 1 {
        let before = (rank + size - 1) % size;
        let heard = comm.send_receive(&[(rank + 1) % size], &message(rank, 0, round), &[before]);
        assert_eq!(heard, [message(before, 0, round)]);
    }
    let speaker = round % size;
    let others: Vec<usize> = (0..size).rev().filter(|other| *other != speaker).collect();
    let heard = match rank == speaker {
        true => comm.send_receive(&others, &message(speaker, 1, round), &[]),
        false => comm.send_receive(&[], &[1], &[speaker]),
    };
    assert_eq!(heard, vec![message(speaker, 1, round); usize::from(rank != speaker)]);
    // All ranks to one, in the order in which it receives them.
    let heard = match rank == speaker {
        true => comm.send_receive(&[], &[], &others),
        false => comm.send_receive(&[speaker], &message(rank, 2, round), &[]),
    };
    let told = others.iter().map(|from| message(*from, 2, round));
    assert_eq!(heard, if rank == speaker { told.collect() } else { Vec::new() });
}

/// Several exchanges are pending, progress by `test`, and end in another order. Other collectives
/// run in between.
fn exchanges_overlap(comm: &dyn Comm) {
    let mut first = comm.start_exchange(messages_out(comm, 1));
    let second = comm.start_exchange(messages_out(comm, 2));
    let third = comm.start_exchange(messages_out(comm, 3));
    assert_eq!(collective::sum(comm, 1), comm.size() as u64);
    assert_eq!(third.wait(), messages_in(comm, 3));
    while !first.test() {
        std::thread::yield_now();
    }
    assert!(first.test(), "what has arrived stays so");
    assert_eq!(second.wait(), messages_in(comm, 2));
    assert_eq!(first.wait(), messages_in(comm, 1));
}

/// The last rank arrives late, and no rank may leave before that. All ranks use the clock of the
/// node, so this check needs a single node.
fn ranks_wait_at_a_barrier_for_the_last(comm: &dyn Comm) {
    let now =
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
    if comm.rank() + 1 == comm.size() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut came = [now()];
    comm.barrier();
    let left = now();
    comm.all_reduce(&mut came, Reduction::Max);
    assert!(left >= came[0], "a rank left the barrier before the last one came");
}

fn numbers(comm: &dyn Comm) {
    let (rank, size) = (comm.rank(), comm.size());
    let mine: Vec<f64> = (0..rank % 3).map(|i| rank as f64 + i as f64 / 8.0).collect();
    let all = collective::gather(comm, &mine);
    assert_eq!(all[rank], mine);
    assert_eq!(all.iter().map(Vec::len).sum::<usize>(), (0..size).map(|rank| rank % 3).sum());
    let out: Vec<Vec<u32>> = (0..size).map(|to| vec![(rank * 1000 + to) as u32; to % 2]).collect();
    let expected: Vec<Vec<u32>> = (0..size).map(|from| vec![(from * 1000 + rank) as u32; rank % 2]).collect();
    assert_eq!(collective::exchange(comm, &out), expected);
    let centred = rank as f64 - 1.5;
    assert_eq!(collective::min(comm, [centred, -centred]), [-1.5, 2.5 - size as f64]);
    assert_eq!(collective::max(comm, [centred, -centred]), [size as f64 - 2.5, 1.5]);
}

fn agreement(comm: &dyn Comm) {
    assert_eq!(agree(comm, || Ok::<_, String>(comm.rank())), Ok(comm.rank()));
    let second_half = comm.rank() >= comm.size() / 2;
    let result = if second_half { Err(format!("rank {} is ill", comm.rank())) } else { Ok(()) };
    assert_eq!(agree(comm, || result), Err(format!("rank {} is ill", comm.size() / 2)));
    let rank = comm.rank() as f64;
    let greatest = collective::agree_on_greatest(comm, || Ok([rank, -rank]));
    assert_eq!(greatest, Ok([comm.size() as f64 - 1.0, 0.0]));
    let last = comm.rank() + 1 == comm.size();
    let result = if last { Err(String::from("the last is ill")) } else { Ok([rank]) };
    assert_eq!(collective::agree_on_greatest(comm, || result), Err("the last is ill".to_owned()));
}

fn traffic(comm: &dyn Comm) {
    let others = comm.size() as u64 - 1;
    let count = |action: &dyn Fn()| {
        let before = comm.traffic();
        action();
        let after = comm.traffic();
        Traffic { bytes: after.bytes - before.bytes, messages: after.messages - before.messages }
    };
    let gathered = count(&|| drop(comm.all_gather(&[0; 5])));
    assert_eq!(gathered, Traffic { bytes: 5 * others, messages: others });
    let to_all = count(&|| drop(comm.exchange(vec![vec![0; 100]; comm.size()])));
    assert_eq!(to_all, Traffic { bytes: 100 * others, messages: others });
    let to_none = count(&|| drop(comm.exchange(vec![Vec::new(); comm.size()])));
    assert_eq!(to_none, Traffic::default());
    let (there, back) = ((comm.rank() + 1) % comm.size(), (comm.rank() + comm.size() - 1) % comm.size());
    if comm.size() > 1 {
        let passed = count(&|| drop(comm.send_receive(&[there], &[0; 100], &[back])));
        assert_eq!(passed, Traffic { bytes: 100, messages: 1 });
    }
    let rounds = (comm.size() as f64).log2().ceil() as u64;
    let reduced = count(&|| comm.all_reduce(&mut [0; 3], Reduction::Sum));
    assert_eq!(reduced, Traffic { bytes: 24 * rounds, messages: rounds });
}
