//! The model of a network: LogGP (Alexandrov et al. 1995) with shared resources.
//!
//! A message takes the sender's processor for an overhead, its links for `bytes / bandwidth`, what it shares with others (a medium, the middle
//! of a network, a group's uplink) for `bytes / capacity`, the receiver's link, and the receiver's processor. Each of these serves one message after
//! the other; a message goes on before its last byte has come (cut-through), and is as slow as the slowest thing on its way.
//! The time for all n nodes to talk at once grows as the network's `growth` says: its middle carries `n bandwidth / growth(n)`.
//!
//! Where nodes have several ranks, these share its links, each has a processor of its own, and messages inside a node go through its memory.
//!
//! Collectives go as MPI libraries do them: reductions by recursive doubling or, for many bytes, by scattering and gathering; gathers and the
//! exchange of lengths in log2(n) rounds. Reductions and gathers know nodes: what goes on inside of one takes no time here.

use super::catalogue::{Network, Topology};
use crate::study::trace::{Kind, LENGTH};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// Time of a message between ranks of one node, by which each waits for the other [s], and what its memory carries for one of them [bytes/s]: round
/// figures of today's machines, which hardly matter beside any network.
const INSIDE: (f64, f64) = (1e-6, 5e9);

/// A network between so many nodes.
pub struct Fabric {
    nodes: usize,
    ranks: usize,
    ranks_per_node: usize,
    /// Time of a short message from program to program [s].
    latency: f64,
    /// Part of it for which a processor on either side is busy [s].
    overhead: f64,
    /// Of a node's links to the switch, all together [bytes/s].
    link: f64,
    /// Of one link of a hypercube, if there are such [bytes/s].
    direct: Option<f64>,
    /// Of all that goes between nodes, if it is less than what their links can carry [bytes/s].
    middle: Option<f64>,
    /// Nodes of a group, and what its uplink carries [bytes/s].
    groups: Option<(usize, f64)>,
}

/// What serves one message after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Resource {
    Out(u32),
    In(u32),
    /// By which a rank copies to others of its node.
    Memory(u32),
    /// From a node along one bit of its number.
    Direct(u32, u32),
    Middle,
    Up(u32),
    Down(u32),
}

/// A message that comes to a resource, or has arrived.
struct Event {
    time: f64,
    message: usize,
    /// Which resource on its way.
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
    /// The earliest is the greatest; at one time, the first message.
    fn cmp(&self, other: &Event) -> Ordering {
        other.time.total_cmp(&self.time).then(other.message.cmp(&self.message))
    }
}

impl Fabric {
    /// This network between the nodes of so many ranks, `ranks_per_node` on each in the order of their numbers.
    pub fn new(network: &Network, ranks: usize, ranks_per_node: usize) -> Fabric {
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

    /// Lets the clocks of all ranks [s] go on over a call.
    pub fn call(&self, call: &Kind, clocks: &mut [f64]) {
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
                // Each of log2(n) rounds carries half of all lengths (Bruck et al. 1997); or each rank tells each other one. Ranks of a node share its link.
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

    /// Time of a byte while all nodes send [s].
    fn per_byte(&self) -> f64 {
        let middle = self.middle.map_or(0.0, |middle| self.nodes as f64 / middle);
        let uplink = match self.groups {
            Some((group, uplink)) if group < self.nodes => group as f64 / uplink,
            _ => 0.0,
        };
        (1.0 / self.link).max(middle).max(uplink)
    }

    /// All wait for the last and then take so long.
    fn together(&self, clocks: &mut [f64], time: f64) {
        let last = clocks.iter().copied().fold(0.0, f64::max);
        clocks.fill(last + time);
    }

    fn node(&self, rank: u32) -> u32 {
        rank / self.ranks_per_node as u32
    }

    /// What a message passes between its processors, with the speed of each [bytes/s].
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

    /// Messages in flight until the last has come. A rank goes on when all of its own have left and all that it gets have come.
    fn exchange(&self, messages: &[(u32, u32, u64)], clocks: &mut [f64]) {
        let mut events = BinaryHeap::new();
        let mut ways = Vec::with_capacity(messages.len());
        // Time for which a message keeps each of its processors busy, and for which it is between them.
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
        // When the last byte has passed all so far.
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

    /// 8 Mbit/s is a byte a microsecond; 40 us of latency, of which each processor has 10.
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

    /// When ranks end that begin at once [us].
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
        // The second leaves behind the first; the first's receiver is not held up by it.
        assert_eq!(ends(&fabric(3, ""), &[(0, 1, 1000), (0, 2, 1000)]), [2010, 1040, 2040]);
        // Two senders, one receiver: its link takes one after the other.
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
        // Groups of two with an uplink of one link: one message after the other; inside of a group both at once.
        let groups = fabric(4, "topology = \"groups\"\ngroup = 2\ntaper = 2\n");
        assert_eq!(ends(&groups, &crossing)[3], 2040);
        assert_eq!(ends(&groups, &[(0, 1, 1000), (2, 3, 1000)]), [1010, 1040, 1010, 1040]);
        // A hypercube has a link of its own for each neighbour, and the switch for the others.
        let cube = fabric(4, "topology = \"hypercube\"\n");
        assert_eq!(ends(&cube, &[(0, 1, 1000), (0, 2, 1000), (0, 3, 1000)]), [1030, 1040, 1050, 1060]);
    }

    #[test]
    fn ranks_of_a_node_share_its_link() {
        let pairs = of_nodes(4, 2, "");
        // Two ranks, one link: one message after the other, at both ends.
        assert_eq!(ends(&pairs, &[(0, 2, 1000), (1, 3, 1000)]), [1010, 2010, 1040, 2040]);
        // Inside of a node: a microsecond, and 5000 bytes in another one.
        assert_eq!(ends(&pairs, &[(0, 1, 5000)])[1], 2);
        // Reductions go between nodes, of which there are two; lengths between ranks, whose half leaves by one link each round.
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
        // Few bytes by doubling, many by scattering and gathering.
        assert_eq!(time(8, Kind::AllReduce(8)), 3 * 48);
        assert_eq!(time(8, Kind::AllReduce(8000)), 2 * (3 * 40 + 7000));
        // Lengths and bytes of the others, in log2 rounds each.
        assert_eq!(time(4, Kind::AllGather(vec![100; 4])), 4 * 40 + 3 * 8 + 300);
        // Lengths of an exchange without messages.
        assert_eq!(time(4, Kind::Exchange(Vec::new())), 2 * (40 + 16));
    }
}
