//! Circular speed in a plane through the centre, from the forces of all mass on rings of massless
//! test bodies.
//!
//! The speed is that of a circular orbit for the mean radial force on each ring. Unlike the speed
//! from the mass within a radius, it is also right for discs.

use super::rings::{From, plane};
use super::snapshot::Snapshot;
use crate::files::kinds::NAMES;
use anyhow::Result;
use nbody::potential::External;
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::ops::Range;
use treecode::direct::{SINKS, Sinks, accelerations};
use treecode::{Bodies, Gravity, TYPES};

/// Number of points of a ring. For more than `MANY` bodies the field is smooth, and fewer suffice.
const POINTS: usize = 3 * SINKS;
const FEW_POINTS: usize = SINKS;
const MANY: usize = 2_000_000;

/// Circular speeds at some radii [L/T]. Where the mean force is outward, the speed is negative,
/// -sqrt(R |a|).
#[derive(Clone, Debug, Default)]
pub(in crate::plot) struct Circular {
    /// Of all mass.
    pub total: Vec<f64>,
    /// Of the bodies of the galaxy alone, if the snapshot is of a galaxy.
    pub own: Option<Vec<f64>>,
    /// Of each type with mass.
    pub types: Vec<(usize, Vec<f64>)>,
    /// Of the external potentials of the run, if it has some.
    pub external: Option<Vec<f64>>,
}

impl Circular {
    /// The parts by name: those of the types if there are several, and of the external potentials.
    pub(in crate::plot) fn parts(&self) -> Vec<(&'static str, &[f64])> {
        let types = self.types.iter().map(|(kind, speeds)| (NAMES[*kind], speeds.as_slice()));
        let types = types.filter(|_| self.types.len() > 1 || self.external.is_some());
        types.chain(self.external.iter().map(|speeds| ("external potentials", speeds.as_slice()))).collect()
    }
}

/// Circular speeds at these radii [L] in the plane at right angles to the axis of rotation of the bodies shown. They
/// are those of the mass of all types, also of bodies that are not shown, and of the external potentials.
///
/// # Errors
/// If the file of the snapshot cannot be read again.
pub(in crate::plot) fn speeds(snapshot: &Snapshot, radii: &[f64], external: &External) -> Result<Circular> {
    let groups = Groups::of(snapshot)?;
    let gravity = Gravity {
        constant: snapshot.units.gravity,
        softening: snapshot.source.softening().unwrap_or_default(),
        ..Gravity::default()
    };
    let kind = heaviest_type(&snapshot.bodies);
    let axes = plane(&snapshot.bodies, From::Spin);
    let points = if groups.sources.len() > MANY { FEW_POINTS } else { POINTS };
    let angles: Vec<[f64; 2]> = (0..points)
        .map(|i| TAU * (i as f64 + 0.5) / points as f64)
        .map(|angle| [angle.cos(), angle.sin()])
        .collect();
    let directions: Vec<[f64; 3]> =
        angles.iter().map(|[x, y]| (axes[0] * *x + axes[1] * *y).into()).collect();
    let centre = snapshot.centre.position;
    let moment = external.at(snapshot.time);
    // Squares of the speeds on a ring: of each group, and of the potentials.
    let ring = |&radius: &f64| -> ([f64; GROUPS], f64) {
        let mut squares = ([0.0; GROUPS], 0.0);
        for some in directions.chunks(SINKS) {
            let places: Vec<[f64; 3]> = some.iter().map(|along| along.map(|x| radius * x)).collect();
            let typed: Vec<([f64; 3], u8)> = places.iter().map(|place| (*place, kind)).collect();
            let sinks = Sinks::new(&gravity.softening, &typed);
            for (group, range) in groups.ranges.iter().enumerate().filter(|(_, range)| !range.is_empty()) {
                let field = accelerations(&groups.sources, range.clone(), &gravity, &sinks);
                for (s, along) in some.iter().enumerate() {
                    let inward = -(0..3).map(|axis| field[axis * SINKS + s] * along[axis]).sum::<f64>();
                    squares.0[group] += radius * inward / points as f64;
                }
            }
            for (place, along) in places.iter().zip(some) {
                let there = std::array::from_fn(|axis| centre[axis] + place[axis]);
                let pull = moment.field(there).acceleration;
                let inward = -(0..3).map(|axis| pull[axis] * along[axis]).sum::<f64>();
                squares.1 += radius * inward / points as f64;
            }
        }
        squares
    };
    let rings: Vec<([f64; GROUPS], f64)> = radii.par_iter().map(ring).collect();
    let sum = |groups: &dyn Fn(usize) -> bool, outside: f64| -> Vec<f64> {
        let of = |(squares, external): &([f64; GROUPS], f64)| {
            let bodies: f64 = (0..GROUPS).filter(|group| groups(*group)).map(|group| squares[group]).sum();
            let square = bodies + outside * external;
            square.signum() * square.abs().sqrt()
        };
        rings.iter().map(of).collect()
    };
    let has_mass = |kind: &usize| [*kind, kind + TYPES].iter().any(|group| !groups.ranges[*group].is_empty());
    Ok(Circular {
        total: sum(&|_| true, 1.0),
        own: snapshot.ids.is_some().then(|| sum(&|group| group < TYPES, 0.0)),
        types: (0..TYPES)
            .filter(has_mass)
            .map(|kind| (kind, sum(&|group| group % TYPES == kind, 0.0)))
            .collect(),
        external: (!external.is_empty()).then(|| sum(&|_| false, 1.0)),
    })
}

/// Groups of bodies: the types of the galaxy, and the types of all other bodies.
const GROUPS: usize = 2 * TYPES;

/// Bodies with mass about the centre of a snapshot, group by group.
struct Groups {
    sources: Bodies,
    ranges: [Range<usize>; GROUPS],
}

impl Groups {
    fn of(snapshot: &Snapshot) -> Result<Groups> {
        let all = snapshot.all_bodies()?;
        let group = |i: usize| {
            let is_own = snapshot.ids.as_ref().is_none_or(|ids| ids.contains(&all.id[i]));
            usize::from(all.kind[i]) + if is_own { 0 } else { TYPES }
        };
        let mut order: Vec<u32> = (0..all.len() as u32).filter(|&i| all.mass[i as usize] > 0.0).collect();
        order.sort_by_key(|&i| group(i as usize));
        let begin = |wanted: usize| order.partition_point(|&i| group(i as usize) < wanted);
        let ranges = std::array::from_fn(|wanted| begin(wanted)..begin(wanted + 1));
        let mut sources = all.into_owned();
        sources.permute(&order);
        Ok(Groups { sources, ranges })
    }
}

/// The type with most mass, whose softening the massless bodies have.
fn heaviest_type(bodies: &Bodies) -> u8 {
    let mut masses = [0.0; TYPES];
    (0..bodies.len()).for_each(|i| masses[usize::from(bodies.kind[i])] += bodies.mass[i]);
    (0..TYPES).max_by(|a, b| masses[*a].total_cmp(&masses[*b])).map_or(0, |kind| kind as u8)
}
