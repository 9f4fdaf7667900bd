//! Records what a rank sends, while another implementation sends it. From this trace of a step, its
//! time on any network can be computed.

use super::{Comm, Mail, Pending, Reduction, Traffic};
use std::mem::{replace, take};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A collective call of one rank.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The purpose of the call, see [`Comm::stage`].
    pub stage: &'static str,
    /// The operation, with the bytes that this rank sent.
    pub operation: Operation,
    /// Time that this rank computed since the previous call, by the clock of the recorder [s].
    pub seconds: f64,
}

/// A collective operation, and what one rank sends in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// [`Comm::all_gather`] of this number of bytes.
    AllGather(u64),
    /// [`Comm::all_reduce`] of this number of bytes.
    AllReduce(u64),
    /// [`Comm::start_exchange`]: receivers, ascending, with the number of bytes for each. This rank
    /// and empty messages are left out.
    Exchange(Vec<(u32, u64)>),
    /// [`Comm::send_receive`] or [`Mail::post`]: receivers, in the order given, with the number of
    /// bytes for each.
    SendReceive(Vec<(u32, u64)>),
    /// [`Comm::barrier`].
    Barrier,
}

/// Forwards all calls to another implementation, and records them.
pub struct Recorder<'a> {
    inner: &'a dyn Mail,
    clock: &'a (dyn Fn() -> f64 + Sync),
    log: Mutex<Log>,
}

struct Log {
    stage: &'static str,
    events: Vec<Event>,
    /// Time at which the last call ended, plus the length of the waits after it.
    since: f64,
}

impl<'a> Recorder<'a> {
    /// Starts to record. `clock` returns the time [s] that this rank has computed.
    pub fn new(inner: &'a dyn Mail, clock: &'a (dyn Fn() -> f64 + Sync)) -> Recorder<'a> {
        let log = Mutex::new(Log { stage: "", events: Vec::new(), since: clock() });
        Recorder { inner, clock, log }
    }

    /// Removes and returns the calls so far, and the time that this rank has computed since the
    /// last one [s].
    pub fn take(&self) -> (Vec<Event>, f64) {
        let now = (self.clock)();
        let mut log = self.log();
        (take(&mut log.events), now - replace(&mut log.since, now))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `wait`. Its time does not count as computing.
    fn wait<T>(&self, wait: impl FnOnce() -> T) -> T {
        let begun = (self.clock)();
        let result = wait();
        self.log().since += (self.clock)() - begun;
        result
    }

    /// Records a call and makes it. Its time does not count as computing.
    fn note<T>(&self, operation: Operation, call: impl FnOnce() -> T) -> T {
        let now = (self.clock)();
        let mut log = self.log();
        let (stage, seconds) = (log.stage, now - log.since);
        log.events.push(Event { stage, operation, seconds });
        drop(log);
        let result = call();
        self.log().since = (self.clock)();
        result
    }
}

impl Comm for Recorder<'_> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        self.note(Operation::AllGather(mine.len() as u64), || self.inner.all_gather(mine))
    }

    fn all_reduce(&self, values: &mut [u64], reduction: Reduction) {
        let bytes = size_of_val(values) as u64;
        self.note(Operation::AllReduce(bytes), || self.inner.all_reduce(values, reduction));
    }

    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_> {
        let parts = out.iter().enumerate().map(|(to, part)| (to as u32, part.len() as u64));
        let sent = parts.filter(|&(to, bytes)| to as usize != self.rank() && bytes > 0).collect();
        let pending = self.note(Operation::Exchange(sent), || self.inner.start_exchange(out));
        Box::new(Recorded { pending, recorder: self })
    }

    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>> {
        let sent = to.iter().map(|to| (*to as u32, bytes.len() as u64)).collect();
        self.note(Operation::SendReceive(sent), || self.inner.send_receive(to, bytes, from))
    }

    fn barrier(&self) {
        self.note(Operation::Barrier, || self.inner.barrier());
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }

    fn stage(&self, name: &'static str) {
        self.log().stage = name;
        self.inner.stage(name);
    }

    fn abort(&self, code: i32) -> ! {
        self.inner.abort(code)
    }
}

impl Mail for Recorder<'_> {
    fn post(&self, number: u64, out: Vec<(usize, Vec<u8>)>) {
        let sent = out.iter().map(|(to, bytes)| (*to as u32, bytes.len() as u64)).collect();
        self.note(Operation::SendReceive(sent), || self.inner.post(number, out));
    }

    fn fetch(&self, number: u64, from: usize, waits: bool) -> Option<Vec<u8>> {
        self.wait(|| self.inner.fetch(number, from, waits))
    }

    fn settle(&self, below: u64) {
        self.wait(|| self.inner.settle(below));
    }
}

/// A pending exchange. The time of its `wait` does not count as computing.
struct Recorded<'a> {
    pending: Box<dyn Pending + 'a>,
    recorder: &'a Recorder<'a>,
}

impl Pending for Recorded<'_> {
    fn test(&mut self) -> bool {
        self.pending.test()
    }

    fn wait(self: Box<Self>) -> Vec<Vec<u8>> {
        let Recorded { pending, recorder } = *self;
        recorder.wait(|| pending.wait())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{collective, threads};
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn what_was_sent_is_noted_in_order() {
        let events = threads::run(3, |comm| {
            let recorder = Recorder::new(comm, &|| 0.0);
            let rank = comm.rank();
            recorder.stage("first");
            collective::sum(&recorder, 1);
            recorder.all_gather(&vec![0; 10 * rank]);
            recorder.stage("second");
            recorder.exchange((0..3).map(|to| vec![0; 100 * rank + to]).collect());
            recorder.barrier();
            recorder.take().0
        });
        for (rank, events) in (0u64..).zip(events) {
            let exchanged = (0..3u32).filter(|&to| u64::from(to) != rank);
            let sent = exchanged.map(|to| (to, 100 * rank + u64::from(to))).filter(|(_, bytes)| *bytes > 0);
            let expected = [
                ("first", Operation::AllReduce(8)),
                ("first", Operation::AllGather(10 * rank)),
                ("second", Operation::Exchange(sent.collect())),
                ("second", Operation::Barrier),
            ];
            let noted: Vec<_> = events.into_iter().map(|event| (event.stage, event.operation)).collect();
            assert_eq!(noted, expected);
        }
    }

    #[test]
    fn bytes_and_messages_are_those_of_the_traffic() {
        threads::run(4, |comm| {
            let recorder = Recorder::new(comm, &|| 0.0);
            let before = comm.traffic();
            for round in 0..5 {
                recorder.exchange((0..4).map(|to| vec![7; (comm.rank() + to + round) % 4]).collect());
            }
            let (mut messages, mut bytes) = (0, 0);
            for event in recorder.take().0 {
                let Operation::Exchange(sent) = event.operation else { panic!("only exchanges") };
                messages += sent.len() as u64;
                bytes += sent.iter().map(|(_, bytes)| bytes).sum::<u64>();
            }
            let after = comm.traffic();
            assert_eq!((messages, bytes), (after.messages - before.messages, after.bytes - before.bytes));
        });
    }

    #[test]
    fn only_time_outside_of_calls_is_computing() {
        let now = AtomicU64::new(0);
        let clock = || now.load(Ordering::Relaxed) as f64;
        let pass = |seconds| now.fetch_add(seconds, Ordering::Relaxed);
        let recorder = Recorder::new(&crate::Solo, &clock);
        pass(2);
        let pending = recorder.start_exchange(vec![Vec::new()]);
        pass(3);
        pending.wait();
        pass(4);
        recorder.barrier();
        pass(5);
        let (events, rest) = recorder.take();
        assert_eq!((events[0].seconds, events[1].seconds, rest), (2.0, 7.0, 5.0));
    }
}
