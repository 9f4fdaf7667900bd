//! Essential trees: what the sinks of each rank can need of the cells of all others.
//!
//! A rank knows of other ranks the cells of the other half of each group that it is in. Where its sinks may open one, it hands them on to the rank
//! opposite, which knows what is inside down to its own cells, and hands them on in its turn to the other halves of its smaller groups. So they come
//! to every rank that has something for them, to each once, in as many stages as there are halvings. All of these answer.

use crate::{Comm, groups, splitters::Splitters};
use rayon::prelude::*;
use treecode::{Tree, Visit};

/// Sinks of some rank that this one has heard of.
struct Guest {
    rank: u32,
    /// Ranks that handed them on. The answers of few are to be grafted before those of more, which are about cells inside.
    hops: u32,
    visit: Visit,
}

/// Hands the sinks of this rank on to those whose cells they may open; what each rank's sinks can need of the cells that this rank knows, by rank.
pub fn trees(comm: &dyn Comm, tree: &Tree, splits: &Splitters) -> Vec<Vec<u8>> {
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
        let arrived = stage.hand_on(comm, &message);
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
    out
}

/// The requests of a message: rank and hops, and what the engine wrote.
fn requests(mut message: &[u8]) -> impl Iterator<Item = ([u32; 2], &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = message.split_at_checked(16)?;
        let (request, rest) = rest.split_at(bytemuck::pod_read_unaligned::<u64>(&head[8..]) as usize);
        message = rest;
        Some((bytemuck::pod_read_unaligned(&head[..8]), request))
    })
}

/// Takes in what all ranks found essential for this one.
pub fn graft(tree: &mut Tree, messages: &[Vec<u8>]) {
    let answers = messages.iter().filter_map(|message| message.split_at_checked(8));
    let mut answers: Vec<_> =
        answers.map(|(hops, answer)| (bytemuck::pod_read_unaligned::<u64>(hops), answer)).collect();
    answers.sort_by_key(|(hops, _)| *hops);
    answers.into_iter().for_each(|(_, answer)| tree.graft(answer));
}
