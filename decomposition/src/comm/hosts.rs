//! Which ranks are on which host.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// The hosts of all ranks. Hosts are numbered in the order of their first ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The host of each rank.
    of_rank: Vec<usize>,
    /// The ranks of each host, ascending.
    ranks: Vec<Vec<usize>>,
}

impl Hosts {
    /// Hosts from one name per rank, in the order of the ranks. Ranks with equal names are on one
    /// host.
    pub fn new<Name: Ord>(names: impl IntoIterator<Item = Name>) -> Hosts {
        let (mut known, mut ranks) = (BTreeMap::new(), Vec::new());
        let mut host = |(rank, name)| {
            let host = *known.entry(name).or_insert(ranks.len());
            if host == ranks.len() {
                ranks.push(Vec::new());
            }
            ranks[host].push(rank);
            host
        };
        let of_rank = names.into_iter().enumerate().map(&mut host).collect();
        Hosts { of_rank, ranks }
    }

    /// Hosts with `on_each` consecutive ranks each. The last host has fewer if `ranks` is not a
    /// multiple of it.
    pub fn filled(ranks: usize, on_each: usize) -> Hosts {
        Hosts::new((0..ranks).map(|rank| rank / on_each))
    }

    /// The number of hosts.
    pub fn count(&self) -> usize {
        self.ranks.len()
    }

    /// The number of ranks on all hosts.
    pub fn all_ranks(&self) -> usize {
        self.of_rank.len()
    }

    /// The host of a rank.
    pub fn of(&self, rank: usize) -> usize {
        self.of_rank[rank]
    }

    /// The ranks of a host, ascending.
    pub fn ranks(&self, host: usize) -> &[usize] {
        &self.ranks[host]
    }

    /// Whether messages between hosts can be packed: there are several hosts, and at least one of
    /// them has several ranks.
    pub fn can_pack(&self) -> bool {
        self.count() > 1 && self.count() < self.all_ranks()
    }

    /// The number of ranks outside the host with the most ranks.
    pub fn least_elsewhere(&self) -> usize {
        self.all_ranks() - self.ranks.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// The rank that sends to host `to` for all ranks of host `from`, and the rank of host `to`
    /// that receives. The other hosts are assigned to the ranks of a host in turn, so the number of
    /// hosts per rank differs by at most one.
    pub fn in_charge(&self, from: usize, to: usize) -> [usize; 2] {
        let distance = (to + self.count() - from) % self.count();
        assert!(distance > 0, "a host sends nothing to itself");
        [from, to].map(|host| self.ranks[host][(distance - 1) % self.ranks[host].len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_one_name_are_on_one_host() {
        let hosts = Hosts::new(["b", "a", "b", "c", "a"]);
        assert_eq!(hosts.ranks, [vec![0, 2], vec![1, 4], vec![3]]);
        assert_eq!((0..5).map(|rank| hosts.of(rank)).collect::<Vec<_>>(), [0, 1, 0, 2, 1]);
        assert_eq!(Hosts::filled(5, 2), Hosts::new([0, 0, 1, 1, 2]));
    }

    #[test]
    fn messages_are_packed_where_there_are_several_of_both() {
        let can_pack = |ranks, on_each| Hosts::filled(ranks, on_each).can_pack();
        assert!(can_pack(4, 2) && can_pack(3, 2));
        assert_eq!(
            [(4, 2), (3, 2), (4, 4)].map(|(ranks, each)| Hosts::filled(ranks, each).least_elsewhere()),
            [2, 1, 0]
        );
        assert!(!can_pack(4, 4) && !can_pack(4, 1) && !can_pack(1, 1));
    }

    #[test]
    fn other_hosts_are_spread_over_the_ranks_of_a_host() {
        for hosts in [Hosts::filled(9 * 4, 4), Hosts::new((0..36).map(|rank| rank % 9))] {
            for host in 0..9 {
                let others = || (0..9).filter(move |other| *other != host);
                let both = [
                    others().map(|other| hosts.in_charge(host, other)[0]).collect::<Vec<_>>(),
                    others().map(|other| hosts.in_charge(other, host)[1]).collect(),
                ];
                for ranks in both {
                    let falls_to = |rank: usize| ranks.iter().filter(|other| **other == rank).count();
                    assert!(hosts.ranks(host).iter().all(|rank| falls_to(*rank) == 2), "{ranks:?}");
                }
            }
        }
    }
}
