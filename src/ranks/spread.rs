//! Pictures of bodies that are distributed over ranks. Masses are summed as integers, so the bits
//! do not depend on the number of ranks.

use crate::ranks::crew::Crew;
use anyhow::Result;
use decomposition::{Comm, Reduction, collective, neighbour_distances, sampled_distances};
use nbody::profile::STELLAR;
use std::borrow::Cow;
use treecode::math::hash;
use treecode::{Bodies, Domain, TYPES, math};
use viz::{Bounds, Exposure, Subject, Tint, View};

/// Number of bits of the largest integer sum.
const BITS: i32 = 61;

/// For quick smoothing lengths, one of this many bodies of a type, in key order, searches for its
/// neighbours.
const STRIDE: usize = 4;
/// Up to this number of bodies of a type, all search for their neighbours.
const FEW: u64 = 4096;

/// Smoothing lengths of this rank's bodies [L]. They extend to the `neighbours`-th nearest body of
/// the same type on any rank. Collective.
///
/// # Errors
/// The same on every rank, if a body of a wanted type has an invalid mass or position.
pub(crate) fn smoothing_lengths(
    crew: &Crew,
    domain: Domain,
    bodies: &Bodies,
    kinds: [bool; TYPES],
    neighbours: usize,
) -> Result<Vec<f64>> {
    let distances = |pos: [&[f64]; 3]| neighbour_distances(crew.comm, domain, pos, neighbours);
    smoothing_lengths_by(crew, bodies, kinds, distances)
}

/// Like [`smoothing_lengths`], but accurate to about 10 % and much faster. The bodies must be in
/// key order over all ranks. The result does not depend on the number of ranks. Collective.
///
/// # Errors
/// As [`smoothing_lengths`].
pub(crate) fn quick_smoothing_lengths(
    crew: &Crew,
    domain: Domain,
    bodies: &Bodies,
    kinds: [bool; TYPES],
    neighbours: usize,
) -> Result<Vec<f64>> {
    let distances = |pos: [&[f64]; 3]| match collective::sum(crew.comm, pos[0].len() as u64) {
        ..=FEW => neighbour_distances(crew.comm, domain, pos, neighbours),
        _ => sampled_distances(crew.comm, domain, pos, neighbours, STRIDE),
    };
    smoothing_lengths_by(crew, bodies, kinds, distances)
}

/// Calls `distances` once for each wanted type, after all ranks have agreed that their bodies can
/// be drawn. Collective.
fn smoothing_lengths_by(
    crew: &Crew,
    bodies: &Bodies,
    kinds: [bool; TYPES],
    distances: impl Fn([&[f64]; 3]) -> Vec<f64>,
) -> Result<Vec<f64>> {
    let plain = Subject { bodies, kinds, lengths: &[], tint: Tint::Plain };
    crew.agree(|| Ok(Bounds::of(&plain)?))?;
    Ok(viz::smoothing_lengths_by(bodies, kinds, distances)?)
}

/// Draws all bodies of all ranks in one view, on every rank. Collective.
///
/// # Errors
/// The same on every rank, if a body of a wanted type has an invalid mass, position or value.
pub(crate) fn expose(crew: &Crew, subject: &Subject, view: &View) -> Result<Exposure> {
    let mine = crew.agree(|| Ok(Bounds::of(subject)?))?;
    let [mass, value] = collective::max(crew.comm, [mine.mass, mine.value]);
    let bounds = Bounds { bodies: collective::sum(crew.comm, mine.bodies), mass, value };
    let mut exposure = Exposure::new(view, subject, bounds);
    exposure.add(subject);
    if crew.comm.size() > 1 {
        exposure.reduce(|numbers| crew.comm.all_reduce(numbers, Reduction::Sum));
    }
    Ok(exposure)
}

/// Bodies of which none of these types has mass on any rank, with the mass `unit` [M] for each, so that
/// pictures and profiles count them. `None` if one has mass. Collective.
pub(crate) fn counted(comm: &dyn Comm, bodies: &Bodies, kinds: [bool; TYPES], unit: f64) -> Option<Bodies> {
    let has_mass = |i: usize| kinds[usize::from(bodies.kind[i])] && bodies.mass[i] > 0.0;
    let any = collective::sum(comm, u64::from((0..bodies.len()).any(has_mass))) > 0;
    (!any).then(|| {
        let mut bodies = bodies.clone();
        bodies.mass.fill(unit);
        bodies
    })
}

/// Number of bodies without mass from which on they are not drawn as dots beside bodies with mass.
const MOST_TRACERS: u64 = 10_000;

/// How the bodies of each type are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Types whose bodies are dots.
    pub dots: [bool; TYPES],
    /// Types whose bodies are spread over the distances of their neighbours.
    pub spread: [bool; TYPES],
    /// Whether the surface density counts bodies: no body that is spread has a mass of its own.
    pub counts: bool,
    /// Whether bodies that are dots have mass nevertheless.
    tracers: bool,
}

impl Cast {
    /// Types of few bodies, `sparse`, are dots, and the others, `spread`, are not. If only dots have mass,
    /// the others are tracers: fewer than [`MOST_TRACERS`] of them are dots too, and more are counted. `counted`
    /// says that all these bodies were given a mass by [`counted`]. Collective.
    pub(crate) fn of(
        comm: &dyn Comm,
        bodies: &Bodies,
        [sparse, spread]: [[bool; TYPES]; 2],
        counted: bool,
    ) -> Cast {
        let (mut tracers, mut heavy) = (0, 0);
        for i in (0..bodies.len()).filter(|&i| spread[usize::from(bodies.kind[i])]) {
            tracers += 1;
            heavy += u64::from(bodies.mass[i] > 0.0);
        }
        let mut sums = [tracers, heavy];
        comm.all_reduce(&mut sums, Reduction::Sum);
        let [tracers, heavy] = sums;
        let plain = Cast { dots: sparse, spread, counts: counted && tracers > 0, tracers: false };
        match (tracers, heavy) {
            (_, 1..) => plain,
            (MOST_TRACERS.., 0) => Cast { counts: true, tracers: true, ..plain },
            (_, 0) => Cast {
                dots: std::array::from_fn(|kind| sparse[kind] || spread[kind]),
                spread: [false; TYPES],
                ..plain
            },
        }
    }

    /// Gives the bodies that are counted the mass `unit` [M].
    pub(crate) fn give_mass(&self, bodies: &mut Cow<Bodies>, unit: f64) {
        if self.tracers {
            let Bodies { mass, kind, .. } = bodies.to_mut();
            let counted = mass.iter_mut().zip(kind).filter(|(_, kind)| self.spread[usize::from(**kind)]);
            counted.for_each(|(mass, _)| *mass = unit);
        }
    }

    /// Whether nothing but dots has mass, so that masses say little about the extent of the bodies.
    pub(crate) fn is_of_dots(&self) -> bool {
        self.spread == [false; TYPES] || self.tracers
    }
}

/// Weights of bodies in the default width of a picture: the mass, or 1 over the number of bodies of the type
/// if nothing but dots has mass.
pub(crate) struct Weights {
    /// Number of bodies of each type, if it matters.
    counts: Option<[u64; TYPES]>,
}

impl Weights {
    /// The weights of drawn bodies of these types. Collective.
    pub(crate) fn of(comm: &dyn Comm, bodies: &Bodies, kinds: [bool; TYPES], by_number: bool) -> Weights {
        Weights { counts: by_number.then(|| numbers(comm, bodies, kinds)) }
    }

    /// The weight of a body.
    pub(crate) fn weight(&self, bodies: &Bodies, i: usize) -> f64 {
        match &self.counts {
            Some(counts) => 1.0 / counts[usize::from(bodies.kind[i])] as f64,
            None => bodies.mass[i],
        }
    }
}

/// Whether each body counts in the default width of a picture: in a group that has stars with mass, only the
/// stars do. `group` is below `groups`. Collective.
pub(crate) fn visible(
    comm: &dyn Comm,
    bodies: &Bodies,
    kinds: [bool; TYPES],
    groups: usize,
    group: impl Fn(usize) -> usize,
) -> Vec<bool> {
    let is_star = |i: usize| {
        let kind = usize::from(bodies.kind[i]);
        kinds[kind] && STELLAR[kind] && bodies.mass[i] > 0.0
    };
    let mut stars = vec![0u64; groups];
    (0..bodies.len()).filter(|&i| is_star(i)).for_each(|i| stars[group(i)] += 1);
    comm.all_reduce(&mut stars, Reduction::Sum);
    (0..bodies.len()).map(|i| stars[group(i)] == 0 || is_star(i)).collect()
}

/// Number of bodies of each of these types on all ranks. Collective.
pub(crate) fn numbers(comm: &dyn Comm, bodies: &Bodies, kinds: [bool; TYPES]) -> [u64; TYPES] {
    let mut counts = [0; TYPES];
    let drawn = bodies.kind.iter().map(|kind| usize::from(*kind)).filter(|kind| kinds[*kind]);
    drawn.for_each(|kind| counts[kind] += 1);
    comm.all_reduce(&mut counts, Reduction::Sum);
    counts
}

/// Factor by which the sphere of [`main_centre`] shrinks, and fraction of the bodies in the last one
/// with limits of their number (Power et al. 2003, section 2.5, with larger steps).
const SHRINKS: f64 = 0.9;
const LAST_PART: f64 = 0.05;
const LAST: [u64; 2] = [10, 1000];

/// Centre of the main concentration of the bodies of these types on all ranks [L], by a sphere that
/// shrinks about the centre of mass inside it; `None` if they have no mass. It does not depend on the
/// number of ranks. Collective.
pub(crate) fn main_centre(comm: &dyn Comm, bodies: &Bodies, kinds: [bool; TYPES]) -> Option<[f64; 3]> {
    let mut inside = with_mass(bodies, kinds);
    let mut centre = mean_place(comm, bodies, &inside)?;
    let count = collective::sum(comm, inside.len() as u64);
    let last = ((LAST_PART * count as f64) as u64).clamp(LAST[0], LAST[1]);
    loop {
        let distance = |i: u32| {
            let place = bodies.position(i as usize);
            math::norm(std::array::from_fn(|axis| place[axis] - centre[axis]))
        };
        let farthest = inside.iter().map(|&i| distance(i)).fold(0.0, f64::max);
        let [farthest] = collective::max(comm, [farthest]);
        let near: Vec<u32> = inside.iter().copied().filter(|&i| distance(i) <= SHRINKS * farthest).collect();
        let left = collective::sum(comm, near.len() as u64);
        if left < last || farthest == 0.0 {
            return Some(centre);
        }
        inside = near;
        centre = mean_place(comm, bodies, &inside)?;
    }
}

/// Centre of mass of the bodies of these types on all ranks [L]; `None` if they have no mass.
/// Collective.
pub(crate) fn centre_of_mass(comm: &dyn Comm, bodies: &Bodies, kinds: [bool; TYPES]) -> Option<[f64; 3]> {
    mean_place(comm, bodies, &with_mass(bodies, kinds))
}

/// Bodies of these types that have mass.
fn with_mass(bodies: &Bodies, kinds: [bool; TYPES]) -> Vec<u32> {
    let wanted = |&i: &u32| kinds[usize::from(bodies.kind[i as usize])] && bodies.mass[i as usize] > 0.0;
    (0..bodies.len() as u32).filter(wanted).collect()
}

/// Centre of mass of some bodies, over all ranks [L]; `None` if there are none. Collective.
fn mean_place(comm: &dyn Comm, bodies: &Bodies, some: &[u32]) -> Option<[f64; 3]> {
    means(comm, &bodies.mass, bodies.pos.each_ref().map(Vec::as_slice), some).map(|(_, place)| place)
}

/// Mass of some bodies over all ranks [M], and means of columns weighted by mass; `None` if there are
/// none. If no body has mass, all count alike. The sums are integers, so the bits do not depend on the
/// ranks. Collective.
pub(crate) fn means<const N: usize>(
    comm: &dyn Comm,
    mass: &[f64],
    columns: [&[f64]; N],
    some: &[u32],
) -> Option<(f64, [f64; N])> {
    let wanted = || some.iter().map(|&i| i as usize);
    let greatest = |of: &dyn Fn(usize) -> f64| wanted().map(of).fold(f64::NEG_INFINITY, f64::max);
    let high = collective::max(comm, columns.map(|column| greatest(&|i| column[i])));
    let low = collective::max(comm, columns.map(|column| greatest(&|i| -column[i]))).map(|x| -x);
    let [heaviest] = collective::max(comm, [greatest(&|i| mass[i])]);
    let count = collective::sum(comm, some.len() as u64);
    if count == 0 {
        return None;
    }
    let most = 2f64.powi(BITS - math::log2(count as f64).ceil() as i32);
    let share = |i: usize| if heaviest > 0.0 { most * (mass[i] / heaviest) } else { most };
    let side: [f64; N] = std::array::from_fn(|k| (high[k] - low[k]).max(f64::MIN_POSITIVE));
    let part = |k: usize, i: usize| (share(i) * ((columns[k][i] - low[k]) / side[k])) as u64;
    let mut sums: Vec<u64> = (0..N).map(|k| wanted().map(|i| part(k, i)).sum()).collect();
    sums.push(wanted().map(|i| share(i) as u64).sum());
    comm.all_reduce(&mut sums, Reduction::Sum);
    let whole = sums[N] as f64;
    let mean = std::array::from_fn(|k| low[k] + side[k] * (sums[k] as f64 / whole));
    Some((heaviest.max(0.0) * (whole / most), mean))
}

/// Distributes bodies over ranks by hashes of their ids. A body is then on the same rank in every
/// snapshot. Collective.
pub(crate) fn deal_by_id(comm: &dyn Comm, mut bodies: Bodies) -> Bodies {
    let ranks = comm.size() as u64;
    let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
    let owner = |id: &u64| hash(*id) % ranks;
    order.sort_by_key(|i| owner(&bodies.id[*i as usize]));
    bodies.permute(&order);
    let starts: Vec<usize> =
        (0..=ranks).map(|rank| bodies.id.partition_point(|id| owner(id) < rank)).collect();
    let out = starts.windows(2).map(|ends| {
        let mut message = Vec::new();
        bodies.write(ends[0]..ends[1], &mut message);
        message
    });
    let arrived = comm.exchange(out.collect());
    let mut mine = Bodies::default();
    arrived.iter().for_each(|message| mine.read(message));
    mine
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;

    fn some(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        for i in 0..n {
            bodies.id[i] = (i * 7 % n) as u64;
            bodies.mass[i] = 1.0 + (i % 3) as f64;
            bodies.kind[i] = (i % 2) as u8;
            (0..3).for_each(|axis| bodies.pos[axis][i] = ((i * (axis + 3)) as f64).sin() - 5.0 * axis as f64);
        }
        bodies
    }

    /// Each rank's share of all bodies, in their order.
    fn share(all: &Bodies, comm: &dyn Comm) -> Bodies {
        let ends = [comm.rank(), comm.rank() + 1].map(|k| k * all.len() / comm.size());
        let mut mine = all.clone();
        mine.keep(ends[0]..ends[1]);
        mine
    }

    #[test]
    fn bodies_without_mass_are_counted_unless_others_have_mass() {
        let mut all = Bodies::zeroed(6);
        (all.mass[4], all.kind[4], all.kind[5]) = (2.0, 3, 3);
        let kinds = |kind: usize| std::array::from_fn(|k| k == kind || kind == TYPES);
        let of = |kind| {
            let found = threads::run(2, |comm| counted(comm, &share(&all, comm), kinds(kind), 0.5));
            found.iter().map(|bodies| bodies.as_ref().map(|bodies| bodies.mass.clone())).collect::<Vec<_>>()
        };
        assert_eq!(of(1), [Some(vec![0.5; 3]), Some(vec![0.5; 3])]);
        assert_eq!((of(3), of(TYPES)), (vec![None, None], vec![None, None]));
    }

    #[test]
    fn the_centre_of_mass_is_the_same_on_any_ranks() {
        let (all, kinds) = (some(1001), std::array::from_fn(|kind| kind == 1));
        let of = |i: usize| f64::from(all.kind[i]) * all.mass[i];
        let mass: f64 = (0..all.len()).map(of).sum();
        let expected = all.pos.each_ref().map(|x| (0..all.len()).map(|i| of(i) * x[i]).sum::<f64>() / mass);
        let found: Vec<Vec<_>> = [1, 2, 5]
            .map(|ranks| threads::run(ranks, |comm| centre_of_mass(comm, &share(&all, comm), kinds).unwrap()))
            .to_vec();
        assert!(found.iter().flatten().all(|centre| *centre == found[0][0]));
        (0..3).for_each(|axis| assert!((found[0][0][axis] - expected[axis]).abs() < 1e-14));
        let none = threads::run(2, |comm| centre_of_mass(comm, &share(&all, comm), [false; TYPES]));
        assert_eq!(none, [None, None]);
    }

    #[test]
    fn bodies_are_dealt_out_by_their_ids() {
        let all = some(100);
        let dealt = threads::run(3, |comm| deal_by_id(comm, share(&all, comm)));
        for (rank, bodies) in dealt.iter().enumerate() {
            assert!(bodies.id.iter().all(|id| hash(*id) as usize % 3 == rank) && bodies.len() > 20);
            for i in 0..bodies.len() {
                let from = all.id.iter().position(|id| *id == bodies.id[i]).unwrap();
                assert_eq!(bodies.position(i), all.position(from));
            }
        }
        assert_eq!(dealt.iter().map(Bodies::len).sum::<usize>(), 100);
    }
}
