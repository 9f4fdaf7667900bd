//! Exchanges in three hops, for hosts with several ranks. All short messages from one host to
//! another are packed into one message.
//!
//! 1. Inside a host, each rank sends one message to each other rank: the data for that rank, and
//!    the data for the hosts that it is in charge of.
//! 2. Between hosts, the rank in charge of another host sends all data of the first hop to the rank
//!    in charge there.
//! 3. Inside the receiving host, that rank sends each other rank its data.
//!
//! Long data go directly to their receiver. One more message costs little beside their bytes, and a
//! route over other ranks would take longer. A notice travels by the hops in their place.
//!
//! Every message of every hop is sent, even if it is empty. So receivers know which messages to
//! wait for. Without this, any two ranks would have to exchange a message with the length.
//!
//! An exchange advances only while its ranks test it or wait for it. A rank that only computes
//! delays the ranks that it is in charge of. Pending exchanges are completed in the order in which
//! they were started, and before any other collective. This prevents deadlock.

use super::{Comm, Hosts, Mail, Meter, Pending, Reduction, Traffic};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of hops of an exchange.
const HOPS: usize = 3;

/// In place of a hop: the message is sent directly. Such messages are received after the hops.
const LONG: usize = HOPS;

/// Data longer than this that leave their host are sent directly [bytes]. On a gigabit link, this
/// length takes as long as the latency of a message.
const SHORT: usize = 8192;

/// Bytes before each part of a message: sender, receiver, length.
const HEAD: usize = 16;

/// In place of a length: the part is sent directly.
const NOTICE: u64 = u64::MAX;

/// The message number of [`Mail::post`] for a hop of an exchange.
fn posted(number: u64, hop: usize) -> u64 {
    (LONG as u64 + 1) * number + hop as u64
}

/// Packs exchanges between hosts. All other calls are forwarded to another implementation, which
/// may use hosts in its own way.
pub struct TwoLevel<'a> {
    inner: &'a dyn Mail,
    hosts: Hosts,
    /// For each hop, the ranks to which this rank sends a message.
    to: [Vec<usize>; HOPS],
    /// For each hop, the ranks from which this rank receives a message.
    from: [Vec<usize>; HOPS],
    /// Number of exchanges started so far.
    started: AtomicU64,
    /// Exchanges, by number, until [`Pending::wait`] returns their data.
    flights: Mutex<BTreeMap<u64, Flight>>,
    meter: Meter,
}

/// A pending exchange.
struct Flight {
    /// The hop whose messages are awaited, or [`LONG`].
    hop: usize,
    /// Ranks whose messages of this hop have not arrived.
    awaited: Vec<usize>,
    /// Ranks that are known to send data to this rank directly.
    long: Vec<usize>,
    /// Data packed so far for the messages of later hops, by receiver.
    packets: [BTreeMap<usize, Vec<u8>>; HOPS],
    /// Received data, by rank.
    received: Vec<Vec<u8>>,
}

impl<'a> TwoLevel<'a> {
    /// Wraps another implementation whose ranks are on these hosts. `hosts` must be the same on all
    /// ranks.
    pub fn new(inner: &'a dyn Mail, hosts: Hosts) -> TwoLevel<'a> {
        assert_eq!(hosts.all_ranks(), inner.size(), "every rank has a host");
        let rank = inner.rank();
        let here = hosts.of(rank);
        let near: Vec<usize> = hosts.ranks(here).iter().copied().filter(|other| *other != rank).collect();
        let far = || (0..hosts.count()).filter(|host| *host != here);
        let leaving = far().map(|host| hosts.in_charge(here, host)).filter(|[from, _]| *from == rank);
        let coming: Vec<_> = far().map(|host| hosts.in_charge(host, here)).collect();
        let mine = coming.iter().filter(|[_, to]| *to == rank);
        let receives = |rank: &usize| coming.iter().any(|[_, to]| to == rank);
        let handed_on = if receives(&rank) { near.clone() } else { Vec::new() };
        TwoLevel {
            inner,
            to: [near.clone(), leaving.map(|[_, to]| to).collect(), handed_on],
            from: [
                near.clone(),
                mine.map(|[from, _]| *from).collect(),
                near.into_iter().filter(receives).collect(),
            ],
            hosts,
            started: AtomicU64::new(0),
            flights: Mutex::default(),
            meter: Meter::default(),
        }
    }

    /// The first hop, from `hop` on, in which this rank sends data for rank `to`, and the rank that
    /// receives them in this hop.
    fn next(&self, mut hop: usize, to: usize) -> (usize, usize) {
        let (here, there) = (self.hosts.of(self.rank()), self.hosts.of(to));
        loop {
            let next = match hop {
                0 if here != there => self.hosts.in_charge(here, there)[0],
                1 if here != there => self.hosts.in_charge(here, there)[1],
                _ => to,
            };
            if next != self.rank() {
                return (hop, next);
            }
            hop += 1;
        }
    }

    fn flights(&self) -> MutexGuard<'_, BTreeMap<u64, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the messages of the current hop, and sets the ranks whose messages are awaited.
    fn send(&self, number: u64, flight: &mut Flight) {
        let packets = &mut flight.packets[flight.hop];
        let out =
            self.to[flight.hop].iter().map(|to| (*to, packets.remove(to).unwrap_or_default())).collect();
        assert!(packets.is_empty(), "something is for a rank that this one sends nothing");
        flight.awaited = self.from[flight.hop].clone();
        self.inner.post(posted(number, flight.hop), out);
    }

    /// Advances an exchange as far as messages have arrived, or to its end if `waits` is true.
    /// Returns whether all data have arrived.
    fn drive(&self, number: u64, flight: &mut Flight, waits: bool) -> bool {
        loop {
            while let Some(from) = flight.awaited.last().copied() {
                let message = self.inner.fetch(posted(number, flight.hop), from, waits);
                let Some(message) = message else { return false };
                flight.awaited.pop();
                if flight.hop == LONG {
                    flight.received[from] = message;
                } else {
                    self.sort(flight, &message);
                }
            }
            if flight.hop == LONG {
                return true;
            }
            flight.hop += 1;
            if flight.hop == LONG {
                flight.awaited = std::mem::take(&mut flight.long);
            } else {
                self.send(number, flight);
            }
        }
    }

    /// Unpacks a message of the current hop. Stores the data for this rank, and packs the others
    /// for later hops.
    fn sort(&self, flight: &mut Flight, mut message: &[u8]) {
        while let Some((head, rest)) = message.split_at_checked(HEAD) {
            let [from, to] = bytemuck::pod_read_unaligned::<[u32; 2]>(&head[..8]).map(|rank| rank as usize);
            let length = bytemuck::pod_read_unaligned::<u64>(&head[8..]);
            let (part, rest) = rest.split_at(if length == NOTICE { 0 } else { length as usize });
            message = rest;
            if to != self.rank() {
                flight.pack(self.next(flight.hop + 1, to), head, part);
            } else if length == NOTICE {
                flight.long.push(from);
            } else {
                flight.received[from] = part.to_vec();
            }
        }
        assert!(message.is_empty(), "a message is torn");
    }

    /// Completes all exchanges up to this number. This rank has then also forwarded all data that
    /// it is in charge of.
    fn complete(&self, last: u64) {
        let mut flights = self.flights();
        for (number, flight) in flights.range_mut(..=last) {
            self.drive(*number, flight, true);
        }
        drop(flights);
        self.inner.settle(posted(last, LONG).saturating_add(1));
    }

    /// The inner implementation, for a collective that waits for all ranks. All exchanges are
    /// completed first, because other ranks may need this rank for them.
    fn inner(&self) -> &dyn Comm {
        if let Some(last) = self.started.load(Ordering::Relaxed).checked_sub(1) {
            self.complete(last);
        }
        self.inner
    }
}

impl Flight {
    fn pack(&mut self, (hop, next): (usize, usize), head: &[u8], part: &[u8]) {
        let packet = self.packets[hop].entry(next).or_default();
        packet.reserve(HEAD + part.len());
        packet.extend_from_slice(head);
        packet.extend_from_slice(part);
    }
}

/// The [`HEAD`] bytes before a part.
fn head(from: usize, to: usize, length: u64) -> [u8; HEAD] {
    bytemuck::cast([bytemuck::cast([from as u32, to as u32]), length])
}

impl Comm for TwoLevel<'_> {
    fn rank(&self) -> usize {
        self.inner.rank()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        self.inner().all_gather(mine)
    }

    fn all_reduce(&self, values: &mut [u64], reduction: Reduction) {
        self.inner().all_reduce(values, reduction);
    }

    fn start_exchange(&self, mut out: Vec<Vec<u8>>) -> Box<dyn Pending + '_> {
        let (rank, size) = (self.rank(), self.size());
        assert_eq!(out.len(), size, "an exchange needs one entry a rank");
        self.meter.exchange(rank, &out);
        let mut received = vec![Vec::new(); size];
        received[rank] = std::mem::take(&mut out[rank]);
        let (awaited, long) = (Vec::new(), Vec::new());
        let mut flight = Flight { hop: 0, awaited, long, packets: Default::default(), received };
        let mut by_itself = Vec::new();
        for (to, part) in out.into_iter().enumerate().filter(|(_, part)| !part.is_empty()) {
            let way = self.next(0, to);
            if part.len() > SHORT && self.hosts.of(to) != self.hosts.of(rank) {
                flight.pack(way, &head(rank, to, NOTICE), &[]);
                by_itself.push((to, part));
            } else {
                flight.pack(way, &head(rank, to, part.len() as u64), &part);
            }
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        self.send(number, &mut flight);
        self.inner.post(posted(number, LONG), by_itself);
        self.drive(number, &mut flight, false);
        self.flights().insert(number, flight);
        Box::new(Carried { comm: self, number })
    }

    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>> {
        self.inner().send_receive(to, bytes, from)
    }

    fn barrier(&self) {
        self.inner().barrier();
    }

    fn traffic(&self) -> Traffic {
        let (carried, others) = (self.meter.read(), self.inner.traffic());
        Traffic { bytes: carried.bytes + others.bytes, messages: carried.messages + others.messages }
    }

    fn stage(&self, name: &'static str) {
        self.inner.stage(name);
    }

    fn abort(&self, code: i32) -> ! {
        self.inner.abort(code)
    }

    #[cfg(feature = "mpi")]
    fn communicator(&self) -> Option<&mpi::topology::SimpleCommunicator> {
        self.inner().communicator()
    }
}

/// Handle of a pending exchange.
struct Carried<'a> {
    comm: &'a TwoLevel<'a>,
    number: u64,
}

impl Pending for Carried<'_> {
    fn test(&mut self) -> bool {
        let mut flights = self.comm.flights();
        let mut come = true;
        for (number, flight) in flights.range_mut(..=self.number) {
            come = self.comm.drive(*number, flight, false);
        }
        come
    }

    fn wait(self: Box<Self>) -> Vec<Vec<u8>> {
        self.comm.complete(self.number);
        let flight = self.comm.flights().remove(&self.number);
        flight.expect("an exchange is waited for once").received
    }
}

impl Drop for Carried<'_> {
    /// Completes an exchange that was dropped without a wait, because other ranks may need this
    /// rank for it.
    fn drop(&mut self) {
        if self.comm.flights().contains_key(&self.number) && !std::thread::panicking() {
            self.comm.complete(self.number);
            self.comm.flights().remove(&self.number);
        }
    }
}
