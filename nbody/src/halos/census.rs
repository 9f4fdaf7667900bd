//! Collects the members of each group on one rank and computes the properties of the group. Members
//! are ordered by id, so sums are the same on any number of ranks.

use super::friends::Labelled;
use decomposition::{Comm, collective};
use treecode::Domain;
use treecode::math::{hash, norm};

/// The data of a body that are sent to the rank of its group.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Member {
    label: u64,
    id: u64,
    mass: f64,
    position: [f64; 3],
    velocity: [f64; 3],
}

/// A group of friends of friends, as one object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halo {
    /// Smallest id of its members.
    pub id: u64,
    /// Number of members.
    pub members: u64,
    /// Mass [M].
    pub mass: f64,
    /// Centre of mass [L], inside the box in a periodic domain.
    pub position: [f64; 3],
    /// Densest place [L], from the shrinking-sphere method (Power et al. 2003).
    pub centre: [f64; 3],
    /// Velocity of the centre of mass [L/T].
    pub velocity: [f64; 3],
    /// Distance of the outermost member from the centre of mass [L].
    pub radius: f64,
    /// Distance from the centre of mass that encloses half of the mass [L].
    pub half_mass_radius: f64,
    /// Velocity dispersion in one dimension [L/T].
    pub dispersion: f64,
}

/// Collects all groups of at least `least` members on the leading rank, the largest first. The
/// second list holds the ids of their members, group by group in ascending order. Other ranks get
/// empty lists. Ids must be unique, because they order the sums and the groups. In a periodic
/// domain, each member is taken at the image that is nearest to the member with the smallest id. A
/// group must therefore be smaller than half the side. Collective.
pub fn census(comm: &dyn Comm, domain: Domain, labelled: &Labelled, least: u64) -> (Vec<Halo>, Vec<u64>) {
    let members = meet(comm, labelled);
    let (mut groups, mut ids) = (Vec::new(), Vec::new());
    for members in members.chunk_by(|a, b| a.label == b.label).filter(|members| members.len() as u64 >= least)
    {
        groups.push(halo(domain, members));
        ids.push(members.iter().map(|member| member.id).collect::<Vec<u64>>());
    }
    let lead = |mine: Vec<u64>| {
        let mut out = vec![Vec::new(); comm.size()];
        out[0] = mine;
        collective::exchange(comm, &out).concat()
    };
    let lengths = lead(ids.iter().map(|ids| ids.len() as u64).collect());
    let all_ids = lead(ids.concat());
    let numbers = lead(groups.iter().flat_map(to_numbers).collect());
    let groups: Vec<Halo> = numbers.chunks_exact(NUMBERS).map(from_numbers).collect();
    let mut rest = &all_ids[..];
    let mut all: Vec<(Halo, &[u64])> = Vec::new();
    for (group, length) in groups.into_iter().zip(lengths) {
        let (mine, others) = rest.split_at(length as usize);
        rest = others;
        all.push((group, mine));
    }
    all.sort_by_key(|(group, _)| (std::cmp::Reverse(group.members), group.id));
    let ids = all.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    (all.into_iter().map(|(group, _)| group).collect(), ids)
}

/// Sends every body to the rank chosen by a hash of its label. Returns the received members, group
/// by group in the order of the ids.
fn meet(comm: &dyn Comm, Labelled { bodies, labels }: &Labelled) -> Vec<Member> {
    let mut out = vec![Vec::new(); comm.size()];
    for (i, &label) in labels.iter().enumerate() {
        let (id, mass, position, velocity) =
            (bodies.id[i], bodies.mass[i], bodies.position(i), bodies.velocity(i));
        out[(hash(label) % comm.size() as u64) as usize].push(Member { label, id, mass, position, velocity });
    }
    let mut here = collective::exchange(comm, &out).concat();
    here.sort_by_key(|member| (member.label, member.id));
    here
}

/// The properties of a group. Massless members count only if no member has mass; then all count alike.
fn halo(domain: Domain, members: &[Member]) -> Halo {
    let mass: f64 = members.iter().map(|member| member.mass).sum();
    let weight = |member: &Member| if mass > 0.0 { member.mass } else { 1.0 };
    let total: f64 = members.iter().map(weight).sum();
    let origin = if domain.is_periodic() { members[0].position } else { [0.0; 3] };
    let mean = |of: &dyn Fn(&Member) -> [f64; 3]| -> [f64; 3] {
        std::array::from_fn(|axis| {
            members.iter().map(|member| weight(member) * of(member)[axis]).sum::<f64>() / total
        })
    };
    let centre = mean(&|member| domain.displacement(origin, member.position));
    let position = std::array::from_fn(|axis| domain.wrap(origin[axis] + centre[axis]));
    let velocity = mean(&|member| member.velocity);
    let distance = |member: &Member| norm(domain.displacement(position, member.position));
    let mut radii: Vec<(f64, f64)> =
        members.iter().map(|member| (distance(member), weight(member))).collect();
    radii.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut inside = 0.0;
    let half = radii.iter().find(|(_, m)| {
        inside += m;
        inside >= 0.5 * total
    });
    let speed = |member: &Member| norm(Domain::Open.displacement(velocity, member.velocity));
    let squares: f64 = members.iter().map(|member| weight(member) * speed(member).powi(2)).sum();
    Halo {
        id: members[0].id,
        members: members.len() as u64,
        mass,
        position,
        centre: densest(domain, members, position, &weight),
        velocity,
        radius: radii.last().map_or(0.0, |(radius, _)| *radius),
        half_mass_radius: half.map_or(0.0, |(radius, _)| *radius),
        dispersion: (squares / total / 3.0).sqrt(),
    }
}

/// Each sphere that shrinks about the densest part is smaller than the last one by this factor.
const SHRUNK: f64 = 0.9;
/// The last sphere has at least this number of members, and this fraction of them.
const LAST: usize = 16;
const LAST_FRACTION: f64 = 0.01;

/// The place of the densest part of a group about `start`.
fn densest(domain: Domain, members: &[Member], start: [f64; 3], weight: &dyn Fn(&Member) -> f64) -> [f64; 3] {
    let least = LAST.max((LAST_FRACTION * members.len() as f64) as usize);
    let mut inside: Vec<(&Member, [f64; 3])> =
        members.iter().map(|member| (member, domain.displacement(start, member.position))).collect();
    let mut centre = [0.0; 3];
    let distance =
        |place: [f64; 3], from: [f64; 3]| norm(std::array::from_fn(|axis| place[axis] - from[axis]));
    while inside.len() > least {
        let farthest = inside.iter().map(|(_, place)| distance(*place, centre)).fold(0.0, f64::max);
        let radius = SHRUNK * farthest;
        if radius >= farthest {
            break; // all are at one place
        }
        let within = |place: [f64; 3]| distance(place, centre) <= radius;
        if inside.iter().filter(|(_, place)| within(*place)).count() < least {
            break;
        }
        inside.retain(|(_, place)| within(*place));
        let total: f64 = inside.iter().map(|(member, _)| weight(member)).sum();
        let sum =
            |axis: usize| inside.iter().map(|(member, place)| weight(member) * place[axis]).sum::<f64>();
        centre = std::array::from_fn(|axis| if total > 0.0 { sum(axis) / total } else { centre[axis] });
    }
    std::array::from_fn(|axis| domain.wrap(start[axis] + centre[axis]))
}

/// Number of integers per group in a message.
const NUMBERS: usize = 15;

fn to_numbers(group: &Halo) -> [u64; NUMBERS] {
    let Halo {
        id,
        members,
        mass,
        position: [x, y, z],
        centre: [a, b, c],
        velocity: [u, v, w],
        radius,
        half_mass_radius,
        dispersion,
    } = *group;
    let [mass, x, y, z, u, v, w, radius, half, dispersion, a, b, c] =
        [mass, x, y, z, u, v, w, radius, half_mass_radius, dispersion, a, b, c].map(f64::to_bits);
    [id, members, mass, x, y, z, u, v, w, radius, half, dispersion, a, b, c]
}

fn from_numbers(numbers: &[u64]) -> Halo {
    let real = |k: usize| f64::from_bits(numbers[k]);
    Halo {
        id: numbers[0],
        members: numbers[1],
        mass: real(2),
        position: [real(3), real(4), real(5)],
        velocity: [real(6), real(7), real(8)],
        radius: real(9),
        half_mass_radius: real(10),
        dispersion: real(11),
        centre: [real(12), real(13), real(14)],
    }
}
