//! Ranks as threads of this process, for tests, and for scaling studies with hundreds of virtual
//! ranks.
//!
//! Every collective is a *round* in a table that all ranks share: each rank posts one part for
//! every rank, and takes its own parts once all have posted. Messages between two ranks go through
//! a mailbox of the receiver instead. If a rank panics, or returns while others wait for it, all
//! ranks end.

use super::{Comm, Mail, Meter, Pending, Reduction, Traffic};
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Name of an exchange: the only collective that can return before all ranks have called it.
const EXCHANGE: &str = "exchange";

/// Stack of a rank [bytes]. Only touched pages are allocated, so hundreds of ranks are cheap.
const STACK: usize = 4 << 20;

/// Runs `body` on `ranks` ranks, each a thread of its own. Returns the results by rank.
///
/// All ranks share rayon's global pool. A rank must not wait for other ranks inside a task of that
/// pool.
///
/// # Panics
/// If a rank panics. The other ranks end at their next wait, and the panic continues here with the
/// rank in its message. Also if a rank returns while others wait for it, or if ranks call different
/// collectives.
pub fn run<T: Send>(ranks: usize, body: impl Fn(&dyn Mail) -> T + Sync) -> Vec<T> {
    run_in_turn(ranks, ranks, body)
}

/// As [`run`], but at most `at_a_time` ranks compute at a time. A rank has its *turn* from the end
/// of one wait to its next wait. This limits the memory for data that a rank holds only in its
/// turn. With one rank at a time, the length of a turn is the computing time of that rank alone.
///
/// # Panics
/// As [`run`].
pub fn run_in_turn<T: Send>(ranks: usize, at_a_time: usize, body: impl Fn(&dyn Mail) -> T + Sync) -> Vec<T> {
    assert!(ranks > 0 && at_a_time > 0, "a run needs at least one rank");
    let table = Table::new(ranks, at_a_time);
    let (table_ref, body) = (&table, &body);
    let outcomes: Vec<Result<T, Panic>> = std::thread::scope(|scope| {
        let spawn = |rank| {
            let builder = std::thread::Builder::new().name(format!("rank {rank}")).stack_size(STACK);
            let thread = builder.spawn_scoped(scope, move || table_ref.run_rank(rank, body));
            thread.unwrap_or_else(|error| {
                table_ref.fail(rank);
                panic!("cannot start the thread of rank {rank} of {ranks}: {error}")
            })
        };
        let threads: Vec<_> = (0..ranks).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(Err)).collect()
    });
    let failed = table.state().failed;
    let values = outcomes.into_iter().enumerate().filter_map(|(rank, outcome)| match outcome {
        Ok(value) => Some(value),
        Err(panic) if failed == Some(rank) => resume_unwind(Box::new(describe(rank, ranks, &*panic))),
        Err(_) => None,
    });
    values.collect()
}

type Panic = Box<dyn Any + Send>;

/// Payload of the unwinding of a rank after another rank has failed. [`resume_unwind`] does not
/// call the panic hook, so no message is printed.
struct EndedByAnother;

fn describe(rank: usize, ranks: usize, panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("rank {rank} of {ranks} panicked: {}", text.unwrap_or("no message"))
}

/// The state that all ranks share, and the conditions on which they wait.
struct Table {
    ranks: usize,
    /// The most ranks that may compute at a time.
    at_a_time: usize,
    state: Mutex<State>,
    /// Notified if a round is complete, or if a rank has returned or panicked.
    changed: Condvar,
    /// Notified if a turn has been given to a waiting rank, or if a rank has panicked.
    turn: Condvar,
    /// One for each receiver. Notified if a message has arrived, or may never arrive.
    mail: Vec<Condvar>,
}

struct State {
    rounds: BTreeMap<u64, Round>,
    returned: Vec<bool>,
    /// The first rank that panicked.
    failed: Option<usize>,
    /// Number of turns in use, including those given to waiting ranks.
    turns: usize,
    /// Number of ranks that wait for a turn, and of turns given to them that none has taken yet.
    queue: [usize; 2],
    /// Messages by receiver, with their numbers and senders.
    mail: Vec<HashMap<(u64, usize), Vec<u8>>>,
    /// Number of ranks that wait for a message.
    listening: usize,
}

/// One collective. It uses one of `common`, `reduced` and `parts`.
struct Round {
    name: &'static str,
    posted: Vec<bool>,
    /// Ranks that have not posted yet.
    missing: usize,
    taken: usize,
    /// Bytes of each rank, for a gather or a barrier.
    common: Vec<Arc<[u8]>>,
    /// Reduction of the values posted so far.
    reduced: Option<Vec<u64>>,
    /// Messages by receiver, each with its sender. An exchange leaves out empty ones.
    parts: Vec<Vec<(usize, Vec<u8>)>>,
}

impl Round {
    fn new(name: &'static str, ranks: usize) -> Round {
        let (common, parts) = (vec![Arc::default(); ranks], vec![Vec::new(); ranks]);
        Round { name, posted: vec![false; ranks], missing: ranks, taken: 0, common, reduced: None, parts }
    }

    fn reduce(&mut self, rank: usize, values: &[u64], reduction: Reduction) {
        let Some(reduced) = &mut self.reduced else {
            self.reduced = Some(values.to_vec());
            return;
        };
        assert_eq!(reduced.len(), values.len(), "rank {rank} reduces another number of values");
        reduced.iter_mut().zip(values).for_each(|(sum, value)| *sum = reduction.apply(*sum, *value));
    }
}

impl Table {
    fn new(ranks: usize, at_a_time: usize) -> Table {
        let (rounds, returned) = (BTreeMap::new(), vec![false; ranks]);
        let mail = vec![HashMap::new(); ranks];
        let state = State { rounds, returned, failed: None, turns: 0, queue: [0; 2], mail, listening: 0 };
        let (changed, turn) = (Condvar::new(), Condvar::new());
        let mail = (0..ranks).map(|_| Condvar::new()).collect();
        Table { ranks, at_a_time, state: Mutex::new(state), changed, turn, mail }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_rank<T>(&self, rank: usize, body: &(impl Fn(&dyn Mail) -> T + Sync)) -> Result<T, Panic> {
        let comm = ThreadComm { table: self, rank, next_round: AtomicU64::new(0), meter: Meter::default() };
        drop(self.take_turn(self.state()));
        let outcome = catch_unwind(AssertUnwindSafe(|| body(&comm)));
        self.end_turn(&mut self.state());
        match &outcome {
            Ok(_) => self.state().returned[rank] = true,
            Err(panic) if panic.is::<EndedByAnother>() => {}
            Err(_) => self.fail(rank),
        }
        self.changed.notify_all();
        self.wake_listeners(&self.state());
        outcome
    }

    fn fail(&self, rank: usize) {
        self.state().failed.get_or_insert(rank);
        self.changed.notify_all();
        self.turn.notify_all();
        self.wake_listeners(&self.state());
    }

    /// Wakes the ranks that wait for a message, so that they check whether it can still arrive.
    fn wake_listeners(&self, state: &State) {
        if state.listening > 0 {
            self.mail.iter().for_each(Condvar::notify_all);
        }
    }

    /// Waits until this rank may compute. Once a rank has failed, none waits here, so that all end.
    fn take_turn<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if state.turns < self.at_a_time {
            state.turns += 1;
            return state;
        }
        state.queue[0] += 1;
        while state.queue[1] == 0 && state.failed.is_none() {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.queue[0] -= 1;
        state.queue[1] = state.queue[1].saturating_sub(1);
        state
    }

    /// Gives the turn to a rank that waits for one, or frees it if none waits.
    fn end_turn(&self, state: &mut State) {
        if state.queue[0] > state.queue[1] {
            state.queue[1] += 1;
            self.turn.notify_one();
        } else {
            state.turns = state.turns.saturating_sub(1);
        }
    }

    fn post(&self, rank: usize, number: u64, name: &'static str, give: impl FnOnce(&mut Round)) {
        let mut state = self.state();
        let round = state.rounds.entry(number).or_insert_with(|| Round::new(name, self.ranks));
        assert!(round.name == name, "rank {rank} calls {name} where another rank calls {}", round.name);
        give(round);
        round.posted[rank] = true;
        round.missing -= 1;
        if round.missing == 0 {
            self.changed.notify_all();
        }
        self.wake_listeners(&state);
    }

    fn take<T>(&self, rank: usize, number: u64, receive: impl FnOnce(&mut Round) -> T) -> T {
        let mut state = self.state();
        if !state.is_complete(rank, number) {
            self.end_turn(&mut state);
            while !state.is_complete(rank, number) {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state = self.take_turn(state);
        }
        let round = state.rounds.get_mut(&number).expect("a round stays until all have taken their parts");
        let received = receive(round);
        round.taken += 1;
        if round.taken == self.ranks {
            state.rounds.remove(&number);
        }
        received
    }
}

impl Table {
    fn fetch(&self, rank: usize, number: u64, from: usize, waits: bool) -> Option<Vec<u8>> {
        let mut state = self.state();
        let found = state.message(rank, number, from);
        if found.is_some() {
            return found;
        }
        self.end_turn(&mut state);
        if !waits {
            drop(self.take_turn(state));
            return None;
        }
        state.listening += 1;
        let message = loop {
            state = self.mail[rank].wait(state).unwrap_or_else(PoisonError::into_inner);
            if let Some(message) = state.message(rank, number, from) {
                break message;
            }
        };
        state.listening -= 1;
        drop(self.take_turn(state));
        Some(message)
    }
}

impl State {
    /// Takes a message out of the mailbox of `rank`. `None` if it has not arrived. Unwinds if a
    /// rank has failed, and panics if the message can never arrive.
    fn message(&mut self, rank: usize, number: u64, from: usize) -> Option<Vec<u8>> {
        if self.failed.is_some() {
            resume_unwind(Box::new(EndedByAnother));
        }
        let message = self.mail[rank].remove(&(number, from));
        if message.is_none() {
            assert!(
                !self.returned[from],
                "rank {rank} waits for a message of rank {from}, which has returned"
            );
            // A rank that waits in a collective has already sent all earlier messages. It sends no
            // others until this rank calls the collective too.
            let waits = |round: &&Round| round.posted[from] && !round.posted[rank] && round.name != EXCHANGE;
            if let Some(Round { name, .. }) = self.rounds.values().find(waits) {
                panic!("rank {rank} waits for a message of rank {from}, which waits in {name}");
            }
        }
        message
    }

    /// Whether all ranks have posted to this round, so that `rank` may take its parts. Unwinds if a
    /// rank has failed, and panics if the round can never be complete.
    fn is_complete(&self, rank: usize, number: u64) -> bool {
        if self.failed.is_some() {
            resume_unwind(Box::new(EndedByAnother));
        }
        let Round { name, posted, missing, .. } = &self.rounds[&number];
        if *missing == 0 {
            return true;
        }
        if let Some(gone) = (0..posted.len()).find(|&other| !posted[other] && self.returned[other]) {
            panic!("rank {rank} waits in {name} for rank {gone}, which has returned");
        }
        false
    }
}

/// Communication of one rank through the table.
struct ThreadComm<'a> {
    table: &'a Table,
    rank: usize,
    next_round: AtomicU64,
    meter: Meter,
}

impl ThreadComm<'_> {
    fn number(&self) -> u64 {
        self.next_round.fetch_add(1, Ordering::Relaxed)
    }

    fn gather(&self, name: &'static str, mine: &[u8]) -> Vec<Arc<[u8]>> {
        let (number, mine) = (self.number(), Arc::from(mine));
        self.table.post(self.rank, number, name, |round| round.common[self.rank] = mine);
        self.table.take(self.rank, number, |round| round.common.clone())
    }
}

impl Comm for ThreadComm<'_> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.table.ranks
    }

    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        self.meter.all_gather(self.size(), mine.len());
        self.gather("all_gather", mine).iter().map(|part| part.to_vec()).collect()
    }

    fn all_reduce(&self, values: &mut [u64], reduction: Reduction) {
        self.meter.all_reduce(self.size(), size_of_val(values));
        let number = self.number();
        self.table.post(self.rank, number, "all_reduce", |round| round.reduce(self.rank, values, reduction));
        self.table.take(self.rank, number, |round| {
            values.copy_from_slice(round.reduced.as_ref().expect("all ranks have posted"));
        });
    }

    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_> {
        assert_eq!(out.len(), self.size(), "an exchange needs one entry a rank");
        self.meter.exchange(self.rank, &out);
        let number = self.number();
        self.table.post(self.rank, number, EXCHANGE, |round| {
            for (to, part) in out.into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
                round.parts[to].push((self.rank, part));
            }
        });
        Box::new(Exchange { table: self.table, rank: self.rank, number })
    }

    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>> {
        self.meter.send_receive(to, bytes);
        let number = self.number();
        self.table.post(self.rank, number, "send_receive", |round| {
            to.iter().for_each(|&to| round.parts[to].push((self.rank, bytes.to_vec())));
        });
        let mut parts =
            self.table.take(self.rank, number, |round| std::mem::take(&mut round.parts[self.rank]));
        assert_eq!(parts.len(), from.len(), "rank {} expects other senders than it has", self.rank);
        let place = |rank: usize| from.iter().position(|from| *from == rank).expect("a sender is expected");
        parts.sort_by_key(|(rank, _)| place(*rank));
        parts.into_iter().map(|(_, part)| part).collect()
    }

    fn barrier(&self) {
        self.meter.all_reduce(self.size(), 0);
        self.gather("barrier", &[]);
    }

    fn traffic(&self) -> Traffic {
        self.meter.read()
    }

    fn abort(&self, code: i32) -> ! {
        std::process::exit(code)
    }
}

impl Mail for ThreadComm<'_> {
    fn post(&self, number: u64, out: Vec<(usize, Vec<u8>)>) {
        let mut state = self.table.state();
        for (to, bytes) in out {
            let before = state.mail[to].insert((number, self.rank), bytes);
            assert!(
                before.is_none(),
                "rank {} sends two messages of number {number} to rank {to}",
                self.rank
            );
            self.table.mail[to].notify_all();
        }
    }

    fn fetch(&self, number: u64, from: usize, waits: bool) -> Option<Vec<u8>> {
        self.table.fetch(self.rank, number, from, waits)
    }

    fn settle(&self, _below: u64) {}
}

struct Exchange<'a> {
    table: &'a Table,
    rank: usize,
    number: u64,
}

impl Pending for Exchange<'_> {
    fn test(&mut self) -> bool {
        let mut state = self.table.state();
        let complete = state.is_complete(self.rank, self.number);
        if !complete {
            self.table.end_turn(&mut state);
            drop(self.table.take_turn(state));
        }
        complete
    }

    fn wait(self: Box<Self>) -> Vec<Vec<u8>> {
        let parts =
            self.table.take(self.rank, self.number, |round| std::mem::take(&mut round.parts[self.rank]));
        let mut received = vec![Vec::new(); self.table.ranks];
        parts.into_iter().for_each(|(from, part)| received[from] = part);
        received
    }
}
