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

use crate::{Comm, groups, splitters::Splitters};
use rayon::prelude::*;
use std::time::{Duration, Instant};
use treecode::{Tree, Visit};

/// Sinks of another rank, or of this one.
struct Guest {
    rank: u32,
    /// Number of ranks that have forwarded the request. Answers with fewer hops are grafted first,
    /// because later ones refer to cells inside them.
    hops: u32,
    visit: Visit,
}

/// Sends the sinks of this rank to the ranks whose cells they may open. Returns the answers to
/// other ranks, one message per rank. An answer has the cells that the sinks of that rank may open
/// and that no earlier rank on the route has sent. Adds the time in which this rank computed to
/// `computing`. Collective.
pub(crate) fn trees(
    comm: &dyn Comm,
    tree: &Tree,
    splits: &Splitters,
    computing: &mut Duration,
) -> Vec<Vec<u8>> {
    let mut clock = Instant::now();
    let mut guests = vec![Guest { rank: comm.rank() as u32, hops: 0, visit: tree.own_visit() }];
    comm.stage("requests");
    for stage in groups::stages(comm) {
        let keys = splits.span(&stage.other);
        let mut message = Vec::new();
        for guest in &guests {
            if let Some(request) = tree.request(&guest.visit, &keys) {
                message.extend_from_slice(bytemuck::bytes_of(&[guest.rank, guest.hops + 1]));
                message.extend_from_slice(&(request.len() as u64).to_ne_bytes());
                message.extend_from_slice(&request);
            }
        }
        *computing += clock.elapsed();
        let arrived = stage.hand_on(comm, &message);
        clock = Instant::now();
        let requests: Vec<_> = arrived.iter().flat_map(|message| requests(message)).collect();
        let visit =
            |&([rank, hops], request): &([u32; 2], &[u8])| Guest { rank, hops, visit: tree.visit(request) };
        guests.par_extend(requests.par_iter().map(visit));
    }
    comm.stage("essential trees");
    let answer = |guest: Guest| {
        let mut message = u64::from(guest.hops).to_ne_bytes().to_vec();
        tree.essential(guest.visit, &mut message);
        (guest.rank, message)
    };
    let answers: Vec<_> = guests.into_par_iter().skip(1).map(answer).collect();
    let mut out = vec![Vec::new(); comm.size()];
    answers.into_iter().for_each(|(rank, message)| out[rank as usize] = message);
    *computing += clock.elapsed();
    out
}

/// The requests in a message: rank and hops, and the bytes from the tree code.
fn requests(mut message: &[u8]) -> impl Iterator<Item = ([u32; 2], &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = message.split_at_checked(16)?;
        let (request, rest) = rest.split_at(bytemuck::pod_read_unaligned::<u64>(&head[8..]) as usize);
        message = rest;
        Some((bytemuck::pod_read_unaligned(&head[..8]), request))
    })
}

/// Adds the essential trees from all ranks to the local tree.
pub(crate) fn graft(tree: &mut Tree, messages: &[Vec<u8>]) {
    let answers = messages.iter().filter_map(|message| message.split_at_checked(8));
    let mut answers: Vec<_> =
        answers.map(|(hops, answer)| (bytemuck::pod_read_unaligned::<u64>(hops), answer)).collect();
    answers.sort_by_key(|(hops, _)| *hops);
    answers.into_iter().for_each(|(_, answer)| tree.graft(answer));
}
