//! Essential trees: the cells of other ranks that the sinks of a rank may open.
//!
//! A rank has the branch cells of the other half of each of its groups. If its sinks may open such
//! a cell, it sends the sinks as a request to the opposite rank of that half. The opposite rank has
//! more of that half's tree: its own cells, and all cells above its branches. It forwards the
//! request to the other halves of its smaller groups.
//!
//! So a request reaches every rank with cells that the sinks may open, and reaches it once. The
//! number of stages is the number of halvings. Every rank that gets a request sends an answer to
//! its source.

use crate::{Comm, collective, groups, splitters::Splitters};
use rayon::prelude::*;
use std::time::{Duration, Instant};
use treecode::{Tree, Visit, split_request};

/// Greatest number of ranks whose requests are answered together.
const MOST_RANKS_TOGETHER: usize = 16;
/// Requests are answered together only if the regions of each have at most this size per rank
/// [bytes]. Larger requests come from nearby ranks, which need more cells than others.
const SMALL_BYTES_PER_RANK: usize = 2048;

/// Sinks of other ranks, or of this one.
struct Guest {
    ranks: Vec<u32>,
    /// Number of times that the request was sent from rank to rank. Answers with fewer hops are
    /// grafted first, because later ones refer to cells inside them.
    hops: u32,
    visit: Visit,
}

/// A request of some ranks that the tree code can read.
struct Request {
    ranks: Vec<u32>,
    hops: u32,
    /// The cells to open, and regions of the sinks.
    cells: Vec<u8>,
    regions: Vec<u8>,
}

/// Sends the sinks of this rank to the ranks whose cells they may open. Returns the answers to
/// other ranks, one message per rank. An answer has the cells that the sinks of that rank may open
/// and that no earlier rank on the route has sent. Adds the time in which this rank computed to
/// `computing`. Collective.
///
/// Far ranks that may open the same cells are answered together: each gets what any of them may
/// open. A rank with large cells, which all others open, then searches once for up to 16 ranks.
pub(crate) fn trees(
    comm: &dyn Comm,
    tree: &Tree,
    splits: &Splitters,
    computing: &mut Duration,
) -> Vec<Vec<u8>> {
    let mut clock = Instant::now();
    let mut guests = vec![Guest { ranks: vec![comm.rank() as u32], hops: 0, visit: tree.own_visit() }];
    comm.stage("requests");
    for stage in groups::stages(comm) {
        let keys = splits.span(&stage.other);
        let mut message = Vec::new();
        for guest in &guests {
            if let Some(request) = tree.request(&guest.visit, &keys) {
                write(&mut message, &guest.ranks, guest.hops + 1, &request);
            }
        }
        *computing += clock.elapsed();
        let arrived = stage.hand_on(comm, &message);
        clock = Instant::now();
        let requests = join_small(arrived.iter().flat_map(|message| requests(message)));
        let visit = |request: Request| {
            let Request { ranks, hops, mut cells, regions } = request;
            cells.extend(regions);
            Guest { ranks, hops, visit: tree.visit(&cells) }
        };
        guests.par_extend(requests.into_par_iter().map(visit));
    }
    comm.stage("essential trees");
    // A growing buffer for each answer would take most of the time of a short one. So answers are
    // written to a buffer that is reused, and then copied.
    let answer = |memory: &mut Vec<u8>, guest: Guest| {
        memory.clear();
        memory.extend(u64::from(guest.hops).to_ne_bytes());
        tree.essential(guest.visit, memory);
        (guest.ranks, memory.as_slice().to_vec())
    };
    let answers: Vec<_> = guests.into_par_iter().skip(1).map_init(Vec::new, answer).collect();
    let mut out = vec![Vec::new(); comm.size()];
    for (ranks, message) in answers {
        let (last, others) = ranks.split_last().expect("a request has a rank");
        others.iter().for_each(|rank| out[*rank as usize].clone_from(&message));
        out[*last as usize] = message;
    }
    *computing += clock.elapsed();
    out
}

/// Appends a request of some ranks to a message.
fn write(message: &mut Vec<u8>, ranks: &[u32], hops: u32, request: &[u8]) {
    message.extend_from_slice(bytemuck::cast_slice(&[ranks.len() as u32, hops]));
    message.extend_from_slice(bytemuck::cast_slice(ranks));
    message.extend_from_slice(&(request.len() as u64).to_ne_bytes());
    message.extend_from_slice(request);
}

/// The requests in a message.
fn requests(mut message: &[u8]) -> impl Iterator<Item = Request> {
    std::iter::from_fn(move || {
        let (head, rest) = message.split_at_checked(8)?;
        let [count, hops] = bytemuck::pod_read_unaligned::<[u32; 2]>(head);
        let (ranks, rest) = rest.split_at(count as usize * size_of::<u32>());
        let (size, rest) = rest.split_at(size_of::<u64>());
        let (request, rest) = rest.split_at(bytemuck::pod_read_unaligned::<u64>(size) as usize);
        message = rest;
        let (cells, regions) = split_request(request);
        let (ranks, cells) = (collective::from_bytes(ranks), cells.to_vec());
        Some(Request { ranks, hops, cells, regions: regions.to_vec() })
    })
}

/// Joins small requests for the same cells. The joined request has the regions of all its ranks.
fn join_small(requests: impl Iterator<Item = Request>) -> Vec<Request> {
    let mut joined: Vec<Request> = Vec::new();
    for request in requests {
        let is_small =
            |request: &Request| request.regions.len() <= SMALL_BYTES_PER_RANK * request.ranks.len();
        let fits = |other: &&mut Request| {
            other.hops == request.hops
                && other.ranks.len() + request.ranks.len() <= MOST_RANKS_TOGETHER
                && other.cells == request.cells
                && is_small(other)
        };
        match joined.iter_mut().rev().find(fits).filter(|_| is_small(&request)) {
            Some(other) => {
                other.ranks.extend(request.ranks);
                other.regions.extend(request.regions);
            }
            None => joined.push(request),
        }
    }
    joined
}

/// Adds the essential trees from all ranks to the local tree.
pub(crate) fn graft(tree: &mut Tree, messages: &[Vec<u8>]) {
    let answers = messages.iter().filter_map(|message| message.split_at_checked(8));
    let mut answers: Vec<_> =
        answers.map(|(hops, answer)| (bytemuck::pod_read_unaligned::<u64>(hops), answer)).collect();
    answers.sort_by_key(|(hops, _)| *hops);
    answers.into_iter().for_each(|(_, answer)| tree.graft(answer));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(rank: u32, hops: u32, cell: u8, regions: usize) -> Request {
        Request { ranks: vec![rank], hops, cells: vec![cell; 16], regions: vec![rank as u8; regions] }
    }

    #[test]
    fn small_requests_for_the_same_cells_are_answered_together() {
        let of = |requests: Vec<Request>| -> Vec<(Vec<u32>, usize)> {
            let joined = join_small(requests.into_iter());
            joined.into_iter().map(|request| (request.ranks, request.regions.len())).collect()
        };
        let found = of(vec![request(1, 1, 7, 40), request(2, 1, 8, 40), request(3, 1, 7, 50)]);
        assert_eq!(found, [(vec![1, 3], 90), (vec![2], 40)]);
        // Another route, and ranks that need much.
        let found =
            of(vec![request(1, 1, 7, 40), request(2, 2, 7, 40), request(3, 1, 7, SMALL_BYTES_PER_RANK + 1)]);
        assert_eq!(found, [(vec![1], 40), (vec![2], 40), (vec![3], SMALL_BYTES_PER_RANK + 1)]);
        let many = of((0..2 * MOST_RANKS_TOGETHER as u32)
            .map(|rank| request(rank, 1, 7, SMALL_BYTES_PER_RANK))
            .collect());
        assert_eq!(many.iter().map(|(ranks, _)| ranks.len()).collect::<Vec<_>>(), [MOST_RANKS_TOGETHER; 2]);
        // A joined request is read as it was written.
        let mut message = Vec::new();
        for (ranks, cells) in [(vec![4u32, 9, 2], 2u64), (vec![5], 0)] {
            let mut request = cells.to_ne_bytes().to_vec();
            request.resize(request.len() + 8 * cells as usize, 1);
            request.extend([6; 5]);
            write(&mut message, &ranks, 3, &request);
        }
        let read: Vec<Request> = requests(&message).collect();
        let parts =
            read.iter().map(|one| (one.ranks.clone(), one.hops, one.cells.len(), one.regions.clone()));
        assert!(parts.eq([(vec![4, 9, 2], 3, 24, vec![6; 5]), (vec![5], 3, 8, vec![6; 5])]));
    }
}
