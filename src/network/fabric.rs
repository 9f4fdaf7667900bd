//! A network model: LogGP (Alexandrov et al. 1995) with shared resources.
//!
//! A message occupies a chain of resources. The first is the sender's processor, for an overhead.
//! The next is its link, for `bytes / bandwidth`. Then come shared resources (a medium, the middle
//! of a network, a group's uplink), each for `bytes / capacity`. The last are the receiver's link
//! and processor. A resource serves one message after the other. Messages are forwarded before
//! their last byte has arrived (cut-through), so the slowest resource sets the time. If all n nodes
//! communicate at once, the middle of the network carries `n bandwidth / growth(n)`.
//!
//! The ranks of a node share its links. Each has a processor of its own, and messages inside a node
//! go through its memory.
//!
//! Collectives are modelled as in MPI libraries. Reductions use recursive doubling or, for many
//! bytes, scatter and gather. Gathers and the exchange of lengths take log2(n) rounds. Reductions
//! and gathers take no time inside a node.

use super::catalogue::{Network, Topology};
use crate::study::trace::{Kind, LENGTH};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// Processor time of a message between two ranks of one node, both sides together [s], and memory
/// bandwidth for one rank [bytes/s]. Typical of current machines. Both hardly matter compared with
/// any network.
const INSIDE: (f64, f64) = (1e-6, 5e9);

/// A network between the nodes of a run.
pub(super) struct Fabric {
    nodes: usize,
    ranks: usize,
    ranks_per_node: usize,
    /// Latency of a short message from program to program [s].
    latency: f64,
    /// Processor time of a message on either side, included in the latency [s].
    overhead: f64,
    /// Bandwidth of a node's links to the switch, all together [bytes/s].
    link: f64,
    /// Bandwidth of one direct link of a hypercube, if there are any [bytes/s].
    direct: Option<f64>,
    /// Total bandwidth between nodes, if it is less than that of their links [bytes/s].
    middle: Option<f64>,
    /// Number of nodes in a group, and bandwidth of its uplink [bytes/s].
    groups: Option<(usize, f64)>,
}

/// A resource that serves one message after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Resource {
    Out(u32),
    In(u32),
    /// Memory through which a rank sends to other ranks of its node.
    Memory(u32),
    /// Direct link from a node along one bit of its number.
    Direct(u32, u32),
    Middle,
    Up(u32),
    Down(u32),
}

/// Arrival of a message at a resource or at its receiver.
struct Event {
    time: f64,
    message: usize,
    /// Index of the resource on the route.
    hop: usize,
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Event) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    /// `BinaryHeap` returns the greatest, so the earliest event is the greatest. At equal times, it
    /// is the first message.
    fn cmp(&self, other: &Event) -> Ordering {
        other.time.total_cmp(&self.time).then(other.message.cmp(&self.message))
    }
}

impl Fabric {
    /// The network between the nodes of `ranks` ranks. Consecutive ranks share a node,
    /// `ranks_per_node` on each.
    pub(super) fn new(network: &Network, ranks: usize, ranks_per_node: usize) -> Fabric {
        let nodes = ranks.div_ceil(ranks_per_node);
        let bandwidth = network.megabits_per_second * 1e6 / 8.0;
        let link = bandwidth * f64::from(network.links);
        let latency = network.latency_us.known().unwrap_or(0.0) * 1e-6;
        let factor = network.growth.factor(nodes);
        let groups =
            network.group.zip(network.taper).map(|(group, taper)| (group, group as f64 * link / taper));
        Fabric {
            nodes,
            ranks,
            ranks_per_node,
            latency,
            overhead: network.overhead_us.map_or(0.25 * latency, |overhead| overhead * 1e-6),
            link,
            direct: (network.topology == Topology::Hypercube).then_some(link),
            middle: (factor > 1.0).then_some(nodes as f64 * link / factor),
            groups,
        }
    }

    /// Advances the clocks of all ranks [s] by a communication call.
    pub(super) fn call(&self, call: &Kind, clocks: &mut [f64]) {
        let nodes = self.nodes as f64;
        if self.ranks == 1 || *call == Kind::Compute {
            return;
        }
        let rounds = nodes.log2().ceil();
        match call {
            Kind::Compute => {}
            Kind::Barrier => self.together(clocks, rounds * self.latency),
            Kind::AllReduce(bytes) => {
                let time = *bytes as f64 * self.per_byte();
                let doubling = rounds * (self.latency + time);
                let scattering = 2.0 * (rounds * self.latency + time * (nodes - 1.0) / nodes);
                self.together(clocks, doubling.min(scattering));
            }
            Kind::AllGather(bytes) => {
                let all: u64 = bytes.iter().sum();
                let lengths = LENGTH as f64 * (self.ranks - self.ranks.min(self.ranks_per_node)) as f64;
                let others = all as f64 * (nodes - 1.0) / nodes;
                self.together(clocks, 2.0 * rounds * self.latency + (lengths + others) * self.per_byte());
            }
            Kind::Exchange(messages) if self.nodes == 1 => self.exchange(messages, clocks),
            Kind::Exchange(messages) => {
                // Each of log2(n) rounds carries half of all lengths (Bruck et al. 1997).
                // Alternatively, each rank sends a length to each other rank. The faster method
                // counts. The ranks of a node share its link.
                let (ranks, sharing) = (self.ranks as f64, self.ranks_per_node as f64);
                let lengths = LENGTH as f64 * ranks * sharing * self.per_byte();
                let in_rounds = ranks.log2().ceil() * self.latency + 0.5 * ranks.log2().ceil() * lengths;
                let each = self.latency + (ranks - 1.0) * 2.0 * self.overhead + lengths;
                self.together(clocks, in_rounds.min(each));
                self.exchange(messages, clocks);
            }
            Kind::SendReceive(messages) => self.exchange(messages, clocks),
        }
    }

    /// Time per byte while all nodes send [s].
    fn per_byte(&self) -> f64 {
        let middle = self.middle.map_or(0.0, |middle| self.nodes as f64 / middle);
        let uplink = match self.groups {
            Some((group, uplink)) if group < self.nodes => group as f64 / uplink,
            _ => 0.0,
        };
        (1.0 / self.link).max(middle).max(uplink)
    }

    /// All ranks wait for the last one and then take this time.
    fn together(&self, clocks: &mut [f64], time: f64) {
        let last = clocks.iter().copied().fold(0.0, f64::max);
        clocks.fill(last + time);
    }

    fn node(&self, rank: u32) -> u32 {
        rank / self.ranks_per_node as u32
    }

    /// The resources on the route of a message, with the bandwidth of each [bytes/s].
    fn way(&self, from: u32, to: u32) -> Vec<(Resource, f64)> {
        let (sender, [from, to]) = (from, [from, to].map(|rank| self.node(rank)));
        if from == to {
            return vec![(Resource::Memory(sender), INSIDE.1)];
        }
        if let Some(speed) = self.direct.filter(|_| (from ^ to).is_power_of_two()) {
            return vec![(Resource::Direct(from, (from ^ to).ilog2()), speed)];
        }
        let mut way = vec![(Resource::Out(from), self.link)];
        way.extend(self.middle.map(|speed| (Resource::Middle, speed)));
        if let Some((group, speed)) = self.groups {
            let [here, there] = [from, to].map(|node| node / group as u32);
            if here != there {
                way.extend([(Resource::Up(here), speed), (Resource::Down(there), speed)]);
            }
        }
        way.push((Resource::In(to), self.link));
        way
    }

    /// Simulates an exchange of messages. A rank continues when all its messages have left and all
    /// messages to it have arrived.
    fn exchange(&self, messages: &[(u32, u32, u64)], clocks: &mut [f64]) {
        let mut events = BinaryHeap::new();
        let mut ways = Vec::with_capacity(messages.len());
        // Time that a message spends on each of its two processors, and time between them.
        let inside = |from, to| self.node(from) == self.node(to);
        let overhead = |from, to| if inside(from, to) { 0.5 * INSIDE.0 } else { self.overhead };
        let between = (self.latency - 2.0 * self.overhead).max(0.0);
        let wire = |from, to| if inside(from, to) { 0.0 } else { between };
        for (message, (from, to, _)) in messages.iter().enumerate() {
            let clock = &mut clocks[*from as usize];
            *clock += overhead(*from, *to);
            events.push(Event { time: *clock, message, hop: 0 });
            ways.push(self.way(*from, *to));
        }
        let mut free: HashMap<Resource, f64> = HashMap::new();
        // Time at which the last byte of each message has passed all resources so far.
        let mut passed = vec![0.0f64; messages.len()];
        let mut receiving: Vec<f64> = clocks.to_vec();
        while let Some(Event { time, message, hop }) = events.pop() {
            let ((from, to, bytes), way) = (messages[message], &ways[message]);
            let Some((resource, speed)) = way.get(hop) else {
                let clock = &mut receiving[to as usize];
                *clock = clock.max(time) + overhead(from, to);
                continue;
            };
            let free = free.entry(*resource).or_insert(0.0);
            let start = time.max(*free);
            *free = start + bytes as f64 / speed;
            passed[message] = passed[message].max(*free);
            if hop == 0 {
                let clock = &mut clocks[from as usize];
                *clock = clock.max(*free);
            }
            let last = hop + 1 == way.len();
            let time = if last { passed[message] + wire(from, to) } else { start };
            events.push(Event { time, message, hop: hop + 1 });
        }
        clocks.iter_mut().zip(receiving).for_each(|(clock, received)| *clock = clock.max(received));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::catalogue::Catalogue;

    /// 8 Mbit/s is a byte per microsecond. Each processor takes 10 us of the latency of 40 us.
    fn fabric(nodes: usize, more: &str) -> Fabric {
        of_nodes(nodes, 1, more)
    }

    fn of_nodes(ranks: usize, ranks_per_node: usize, more: &str) -> Fabric {
        let text = format!(
            "[[network]]\nname = \"x\"\nmegabits_per_second = 8\nlatency_us = 40\noverhead_us = 10\ndollars = 1\n{more}"
        );
        let text = if more.contains("growth") { text } else { format!("{text}growth = \"full\"\n") };
        let catalogue = Catalogue::parse(&text, "x.toml").unwrap();
        Fabric::new(catalogue.networks(&["x".to_owned()]).unwrap()[0], ranks, ranks_per_node)
    }

    /// End times of ranks that start at the same time [us].
    fn ends(fabric: &Fabric, messages: &[(u32, u32, u64)]) -> Vec<i64> {
        let mut clocks = vec![0.0; fabric.ranks];
        fabric.exchange(messages, &mut clocks);
        clocks.iter().map(|clock| (clock * 1e6).round() as i64).collect()
    }

    #[test]
    fn one_message_takes_latency_and_its_bytes() {
        assert_eq!(ends(&fabric(2, ""), &[(0, 1, 1000)]), [1010, 1040]);
        assert_eq!(ends(&fabric(2, "links = 2\n"), &[(0, 1, 1000)]), [510, 540]);
    }

    #[test]
    fn messages_queue_at_the_sender_and_at_the_receiver() {
        // The second message leaves after the first. The receiver of the first is not delayed by
        // it.
        assert_eq!(ends(&fabric(3, ""), &[(0, 1, 1000), (0, 2, 1000)]), [2010, 1040, 2040]);
        // Two senders, one receiver: its link serves one after the other.
        assert_eq!(ends(&fabric(3, ""), &[(0, 2, 1000), (1, 2, 1000)])[2], 2040);
        // Both directions of a link at once.
        assert_eq!(ends(&fabric(2, ""), &[(0, 1, 1000), (1, 0, 1000)]), [1040, 1040]);
    }

    #[test]
    fn what_is_shared_carries_less() {
        let crossing = [(0, 2, 1000), (1, 3, 1000)];
        assert_eq!(ends(&fabric(4, ""), &crossing), [1010, 1010, 1040, 1040]);
        // A bus carries one message at a time.
        assert_eq!(ends(&fabric(4, "growth = \"n\"\n"), &crossing)[3], 2040);
        // log2 4 = 2: the middle carries half of four links, which is enough for two.
        assert_eq!(ends(&fabric(4, "growth = \"log n\"\n"), &crossing)[3], 1540);
        // Groups of two whose uplink is as fast as one link: one message after the other. Inside a
        // group, both at once.
        let groups = fabric(4, "topology = \"groups\"\ngroup = 2\ntaper = 2\n");
        assert_eq!(ends(&groups, &crossing)[3], 2040);
        assert_eq!(ends(&groups, &[(0, 1, 1000), (2, 3, 1000)]), [1010, 1040, 1010, 1040]);
        // A hypercube has a direct link to each neighbour, and the switch for other nodes.
        let cube = fabric(4, "topology = \"hypercube\"\n");
        assert_eq!(ends(&cube, &[(0, 1, 1000), (0, 2, 1000), (0, 3, 1000)]), [1030, 1040, 1050, 1060]);
    }

    #[test]
    fn ranks_of_a_node_share_its_link() {
        let pairs = of_nodes(4, 2, "");
        // Two ranks share a link: one message after the other, at both ends.
        assert_eq!(ends(&pairs, &[(0, 2, 1000), (1, 3, 1000)]), [1010, 2010, 1040, 2040]);
        // Inside a node: a microsecond of overhead, and one more for 5000 bytes.
        assert_eq!(ends(&pairs, &[(0, 1, 5000)])[1], 2);
        // Reductions are between the two nodes. Lengths are between ranks: half of them leave by
        // one link in each round.
        let time = |call| {
            let mut clocks = vec![0.0; 4];
            pairs.call(&call, &mut clocks);
            (clocks[3] * 1e6).round() as i64
        };
        assert_eq!(time(Kind::AllReduce(8)), 48);
        assert_eq!(time(Kind::Exchange(Vec::new())), 2 * (40 + 32));
        assert_eq!(time(Kind::SendReceive(Vec::new())), 0);
    }

    #[test]
    fn collectives_take_rounds() {
        let time = |nodes, call: Kind| {
            let mut clocks = vec![0.0; nodes];
            clocks[0] = 1e-3;
            fabric(nodes, "").call(&call, &mut clocks);
            assert!(clocks.iter().all(|clock| *clock == clocks[0]) || nodes == 1);
            ((clocks[0] - 1e-3) * 1e6).round() as i64
        };
        assert_eq!(time(1, Kind::AllReduce(1000)), 0);
        assert_eq!(time(8, Kind::Barrier), 3 * 40);
        // Recursive doubling for few bytes, scatter and gather for many.
        assert_eq!(time(8, Kind::AllReduce(8)), 3 * 48);
        assert_eq!(time(8, Kind::AllReduce(8000)), 2 * (3 * 40 + 7000));
        // Lengths and bytes of the other ranks, in log2(n) rounds each.
        assert_eq!(time(4, Kind::AllGather(vec![100; 4])), 4 * 40 + 3 * 8 + 300);
        // Lengths of an exchange without messages.
        assert_eq!(time(4, Kind::Exchange(Vec::new())), 2 * (40 + 16));
    }
}
