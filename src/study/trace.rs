//! A trace: computation and communication of all ranks in one step, call by call. `heorot study
//! virtual` writes traces and `heorot network replay` reads them.

use crate::help::version::PROGRAM;
use anyhow::{Context, Result, ensure};
use decomposition::{Event, Operation};
use io::Target;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Format marker of a trace.
const FORMAT: &str = "heorot trace 1";

/// One step of all ranks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// [`FORMAT`].
    format: String,
    /// Name and version of the program.
    pub program: String,
    /// Processor whose core was used for the compute times.
    pub processor: String,
    /// SIMD path of the kernels.
    pub simd: String,
    /// All parameters, including defaults.
    pub parameters: serde_json::Value,
    /// Number of ranks.
    pub ranks: usize,
    /// Distribution of ranks over hosts. By default one per host.
    #[serde(default)]
    pub layout: Layout,
    /// Number of bodies on all ranks.
    pub bodies: u64,
    /// Number of bodies on each rank at the end.
    pub bodies_of_ranks: Vec<u64>,
    /// Interactions of all bodies in the step, all kinds.
    pub interactions: u64,
    /// Time of the same step on one core alone [s].
    pub single_seconds: f64,
    /// The calls of the ranks, in order.
    pub calls: Vec<Call>,
}

/// Distribution of ranks over hosts, and packing of messages between hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Number of consecutive ranks on each host. The last host may have fewer.
    pub ranks_per_host: usize,
    /// Whether all messages of an exchange between two hosts are packed into one.
    pub packed: bool,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { ranks_per_host: 1, packed: false }
    }
}

/// A collective call of all ranks, and the computation before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Purpose of the call.
    pub stage: String,
    /// Compute time of each rank since the previous call [s].
    pub seconds: Vec<f64>,
    /// The call.
    pub call: Kind,
}

/// Kinds of calls, with message sizes [bytes].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Computation only, no communication.
    Compute,
    /// A reduction of this many bytes.
    AllReduce(u64),
    /// Each rank sends its bytes to all others: size by rank.
    AllGather(Vec<u64>),
    /// Messages: sender, receiver, bytes. Messages of one sender are in the order of sending.
    Exchange(Vec<(u32, u32, u64)>),
    /// Like `Exchange`, between ranks that already know the lengths.
    SendReceive(Vec<(u32, u32, u64)>),
    /// All ranks wait for all others.
    Barrier,
}

/// Size of a message length, which exchanges and gathers send first [bytes].
pub const LENGTH: u64 = 8;

impl Kind {
    /// Bytes that each rank receives. A reduction of `n` bytes takes the smaller of `n log2(ranks)`
    /// and `2 n`.
    fn received(&self, ranks: usize) -> Vec<u64> {
        let others = ranks as u64 - 1;
        match self {
            Kind::Compute | Kind::Barrier => vec![0; ranks],
            Kind::AllReduce(bytes) => {
                vec![bytes * u64::from(ranks.next_power_of_two().ilog2()).min(2); ranks]
            }
            Kind::AllGather(bytes) => {
                let all: u64 = bytes.iter().sum();
                bytes.iter().map(|own| all - own + LENGTH * others).collect()
            }
            Kind::Exchange(messages) | Kind::SendReceive(messages) => {
                let lengths = if matches!(self, Kind::Exchange(_)) { LENGTH * others } else { 0 };
                let mut received = vec![lengths; ranks];
                messages.iter().for_each(|(_, to, bytes)| received[*to as usize] += bytes);
                received
            }
        }
    }
}

impl Trace {
    /// Combines the recordings of all ranks. Panics unless all have made the same calls.
    pub fn calls(ranks: Vec<Vec<Event>>) -> Vec<Call> {
        let mut ranks: Vec<_> = ranks.into_iter().map(Vec::into_iter).collect();
        std::iter::from_fn(|| {
            let events: Vec<Event> = ranks.iter_mut().filter_map(Iterator::next).collect();
            if events.is_empty() {
                return None;
            }
            assert_eq!(events.len(), ranks.len(), "some ranks call more often than others");
            let stage = events[0].stage;
            let seconds = events.iter().map(|event| round(event.seconds)).collect();
            let call = match events[0].operation {
                Operation::AllReduce(bytes) => Kind::AllReduce(bytes),
                Operation::Barrier => Kind::Barrier,
                Operation::AllGather(_) => Kind::AllGather(
                    events
                        .iter()
                        .map(|event| match event.operation {
                            Operation::AllGather(bytes) => bytes,
                            _ => panic!("not all ranks gather for {stage}"),
                        })
                        .collect(),
                ),
                Operation::Exchange(_) => Kind::Exchange(messages(&events, |operation| match operation {
                    Operation::Exchange(sent) => sent,
                    _ => panic!("not all ranks exchange for {stage}"),
                })),
                Operation::SendReceive(_) => {
                    Kind::SendReceive(messages(&events, |operation| match operation {
                        Operation::SendReceive(sent) => sent,
                        _ => panic!("not all ranks send and receive for {stage}"),
                    }))
                }
            };
            Some(Call { stage: stage.to_owned(), seconds, call })
        })
        .collect()
    }

    /// Builds the trace of a step from its parts.
    pub fn new(
        parameters: serde_json::Value,
        layout: Layout,
        bodies_of_ranks: Vec<u64>,
        interactions: u64,
        single_seconds: f64,
        calls: Vec<Call>,
    ) -> Trace {
        Trace {
            format: FORMAT.to_owned(),
            program: PROGRAM.to_owned(),
            processor: crate::ranks::machine::processor(),
            simd: treecode::simd_path().to_owned(),
            parameters,
            ranks: bodies_of_ranks.len(),
            layout,
            bodies: bodies_of_ranks.iter().sum(),
            bodies_of_ranks,
            interactions,
            single_seconds,
            calls,
        }
    }

    /// Writes the trace.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, target: &Target) -> Result<()> {
        Ok(target.write(&serde_json::to_vec(self)?)?)
    }

    /// Reads a trace and checks it.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a valid trace.
    pub fn read(path: &Path) -> Result<Trace> {
        let text = io::read_text(path)?;
        let trace: Trace = serde_json::from_str(&text)
            .with_context(|| format!("{}: is no trace of `heorot study virtual`", path.display()))?;
        trace.check().with_context(|| path.display().to_string())?;
        Ok(trace)
    }

    fn check(&self) -> Result<()> {
        ensure!(self.format == FORMAT, "its format is \"{}\", not \"{FORMAT}\"", self.format);
        ensure!(self.layout.ranks_per_host > 0, "ranks_per_host = 0: must be at least 1");
        ensure!(self.ranks > 0 && self.bodies_of_ranks.len() == self.ranks, "not every rank has its bodies");
        ensure!(
            self.single_seconds > 0.0 && self.single_seconds.is_finite(),
            "single_seconds = {:?}: must be above 0 and finite",
            self.single_seconds
        );
        for (number, call) in self.calls.iter().enumerate() {
            let sound = call.seconds.iter().all(|seconds| seconds.is_finite() && *seconds >= 0.0);
            ensure!(sound && call.seconds.len() == self.ranks, "call {number}: not every rank has its time");
            let known = |rank: u32| (rank as usize) < self.ranks;
            match &call.call {
                Kind::AllGather(bytes) => {
                    ensure!(bytes.len() == self.ranks, "call {number}: not every rank contributes");
                }
                Kind::Exchange(messages) | Kind::SendReceive(messages) => {
                    let wrong = messages.iter().find(|(from, to, _)| !known(*from) || !known(*to));
                    ensure!(
                        wrong.is_none(),
                        "call {number}: a message goes to or from a rank that does not exist"
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Bytes that each rank receives in calls of the wanted stages.
    pub fn received(&self, wanted: impl Fn(&str) -> bool) -> Vec<u64> {
        let mut sum = vec![0; self.ranks];
        for call in self.calls.iter().filter(|call| wanted(&call.stage)) {
            let received = call.call.received(self.ranks);
            sum.iter_mut().zip(received).for_each(|(sum, bytes)| *sum += bytes);
        }
        sum
    }

    /// Names of all stages, in the order of their first call.
    pub fn stages(&self) -> Vec<&str> {
        let mut stages: Vec<&str> = Vec::new();
        for call in &self.calls {
            if !stages.contains(&call.stage.as_str()) {
                stages.push(&call.stage);
            }
        }
        stages
    }

    /// Number of messages that each rank sends to others. Messages inside gathers and reductions
    /// are not counted.
    pub fn messages(&self) -> Vec<u64> {
        let mut sent = vec![0; self.ranks];
        for call in &self.calls {
            if let Kind::Exchange(messages) | Kind::SendReceive(messages) = &call.call {
                messages.iter().for_each(|(from, ..)| sent[*from as usize] += 1);
            }
        }
        sent
    }

    /// Number of hosts.
    pub fn hosts(&self) -> usize {
        self.ranks.div_ceil(self.layout.ranks_per_host)
    }

    /// Messages that each host sends to others, and their bytes, including lengths. Messages inside
    /// gathers and reductions are not counted.
    pub fn leaving(&self) -> Vec<[u64; 2]> {
        let host = |rank: usize| rank / self.layout.ranks_per_host;
        let mut sent = vec![[0; 2]; self.hosts()];
        for call in &self.calls {
            let (Kind::Exchange(messages) | Kind::SendReceive(messages)) = &call.call else { continue };
            let crossing =
                messages.iter().map(|(from, to, bytes)| (host(*from as usize), host(*to as usize), bytes));
            for (from, _, bytes) in crossing.filter(|(from, to, _)| from != to) {
                sent[from][0] += 1;
                sent[from][1] += bytes;
            }
            if matches!(call.call, Kind::Exchange(_)) {
                for (here, sent) in sent.iter_mut().enumerate() {
                    let mine = (0..self.ranks).filter(|rank| host(*rank) == here).count();
                    sent[1] += LENGTH * (mine * (self.ranks - mine)) as u64;
                }
            }
        }
        sent
    }

    /// Compute time of each rank [s].
    pub fn computing(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.ranks];
        for call in &self.calls {
            sum.iter_mut().zip(&call.seconds).for_each(|(sum, seconds)| *sum += seconds);
        }
        sum
    }

    /// Mean of these amounts, divided by the greatest. 1 is perfect.
    pub fn balance(amounts: &[f64]) -> f64 {
        let greatest = amounts.iter().copied().fold(0.0, f64::max);
        let mean = amounts.iter().sum::<f64>() / amounts.len() as f64;
        if greatest > 0.0 { mean / greatest } else { 1.0 }
    }
}

/// Sender, receiver and bytes of the messages of a call. Messages of one sender are in the order of
/// sending.
fn messages(events: &[Event], sent: impl Fn(&Operation) -> &Vec<(u32, u64)>) -> Vec<(u32, u32, u64)> {
    let of_rank = |(from, event): (u32, &Event)| {
        sent(&event.operation).iter().map(move |(to, bytes)| (from, *to, *bytes)).collect::<Vec<_>>()
    };
    (0u32..).zip(events).flat_map(of_rank).collect()
}

/// Rounds to 0.1 microseconds, less than the resolution of the clock. This keeps the traces of many
/// ranks short.
pub fn round(seconds: f64) -> f64 {
    (seconds.max(0.0) * 1e7).round() / 1e7
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn event(operation: Operation, seconds: f64) -> Event {
        Event { stage: "test", operation, seconds }
    }

    /// Two ranks that gather 10 and 20 bytes, exchange 100 and 200, reduce 40, and send each other
    /// 7 and 14.
    pub(crate) fn two_ranks() -> Trace {
        let rank = |own: u64, other: u32| {
            vec![
                event(Operation::AllGather(10 * own), 1.0),
                event(Operation::Exchange(vec![(other, 100 * own)]), own as f64),
                event(Operation::AllReduce(40), 0.0),
                event(Operation::SendReceive(vec![(other, 7 * own)]), 0.0),
            ]
        };
        let calls = Trace::calls(vec![rank(1, 1), rank(2, 0)]);
        Trace::new(serde_json::Value::Null, Layout::default(), vec![500, 500], 1_000_000, 4.0, calls)
    }

    #[test]
    fn what_ranks_recorded_adds_up() {
        let trace = two_ranks();
        assert_eq!(trace.calls[1].call, Kind::Exchange(vec![(0, 1, 100), (1, 0, 200)]));
        // Contribution of the other rank and a length, for gather and exchange each. A reduction
        // between two ranks is one message in each direction.
        assert_eq!(trace.received(|_| true), [20 + 8 + 200 + 8 + 40 + 14, 10 + 8 + 100 + 8 + 40 + 7]);
        assert_eq!((trace.messages(), trace.computing()), (vec![2, 2], vec![2.0, 3.0]));
        assert_eq!(Trace::balance(&trace.computing()), 2.5 / 3.0);
        assert_eq!(trace.stages(), ["test"]);
    }

    #[test]
    fn what_leaves_hosts_is_what_goes_between_their_ranks() {
        let sent =
            |own: u32| (0..3).filter(|to| *to != own).map(|to| (to, u64::from(10 * own + to))).collect();
        let rank = |own: u32| {
            vec![event(Operation::Exchange(sent(own)), 0.0), event(Operation::SendReceive(sent(own)), 0.0)]
        };
        let on = |ranks_per_host| {
            let layout = Layout { ranks_per_host, packed: false };
            let calls = Trace::calls((0..3).map(rank).collect());
            Trace::new(serde_json::Value::Null, layout, vec![5; 3], 1, 1.0, calls).leaving()
        };
        // Ranks 0 and 1 send 2 and 12 bytes to rank 2, and two lengths. It sends them 20 and 21.
        assert_eq!(on(2), [[4, 2 * 14 + 2 * 8], [4, 2 * 41 + 2 * 8]]);
        assert_eq!(on(1), [[4, 2 * 3 + 2 * 8], [4, 2 * 22 + 2 * 8], [4, 2 * 41 + 2 * 8]]);
        assert_eq!(on(3), [[0, 0]]);
    }

    #[test]
    fn a_trace_is_read_as_it_was_written_and_damage_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        two_ranks().write(&Target::own(&path)).unwrap();
        assert_eq!(Trace::read(&path).unwrap(), two_ranks());
        let text = std::fs::read_to_string(&path).unwrap();
        for (good, bad, named) in [
            ("heorot trace 1", "heorot trace 9", "heorot trace 9"),
            ("\"ranks\":2", "\"ranks\":3", "its bodies"),
            ("[0,1,100]", "[0,7,100]", "call 1"),
            ("[10,20]", "[10]", "call 0"),
            ("\"calls\"", "\"cells\"", "is no trace"),
        ] {
            assert!(text.contains(good), "{good} in {text}");
            std::fs::write(&path, text.replace(good, bad)).unwrap();
            let error = format!("{:#}", Trace::read(&path).unwrap_err());
            assert!(error.contains(named) && error.contains("trace.json"), "{error}");
        }
    }
}
