//! Masses of haloes within spheres of a given mean density. All bodies count, not only members of
//! the halo. The result is the same on any number of ranks.

use super::Halo;
use decomposition::{Comm, collective};
use std::collections::HashMap;
use std::f64::consts::PI;
use treecode::math::{cbrt, hash, norm};
use treecode::{Bodies, Domain};

/// The sphere about the centre of a halo that has the requested mean density.
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Sphere {
    /// Mass inside [M]. Zero if even the innermost bodies do not reach the density.
    pub mass: f64,
    /// Radius [L].
    pub radius: f64,
}

/// Bodies are searched out to the radius of a sphere that holds this multiple of the halo's mass at
/// the lowest requested density. Larger spheres end there.
const MOST: f64 = 4.0;
/// Within this number of innermost bodies, a density that is too low is ignored. Softening and an
/// inexact centre can cause it.
const INNERMOST: usize = 8;

/// A body near a halo.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Near {
    halo: u64,
    id: u64,
    distance: f64,
    mass: f64,
}

/// The spheres of each halo with these mean densities [M/L^3], which may be in any order. The
/// leading rank passes the haloes and gets the result; other ranks pass none and get an empty list.
/// Ids must be unique. Collective.
///
/// # Panics
/// A density is not above 0.
pub fn spheres<const N: usize>(
    comm: &dyn Comm,
    domain: Domain,
    bodies: &Bodies,
    haloes: &[Halo],
    densities: [f64; N],
) -> Vec<[Sphere; N]> {
    let least = densities.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(least > 0.0, "densities are above 0");
    let mine: Vec<[f64; 4]> = haloes
        .iter()
        .map(|halo| {
            let [x, y, z] = halo.centre;
            [x, y, z, cbrt(MOST * halo.mass / (4.0 / 3.0 * PI * least))]
        })
        .collect();
    let places = collective::gather(comm, &mine).swap_remove(0);
    let mut out = vec![Vec::new(); comm.size()];
    let grid = Grid::new(domain, &places);
    for i in 0..bodies.len() {
        let position = bodies.position(i);
        grid.visit(position, |halo| {
            let [x, y, z, reach] = places[halo as usize];
            let distance = norm(domain.displacement([x, y, z], position));
            if distance < reach {
                let near = Near { halo, id: bodies.id[i], distance, mass: bodies.mass[i] };
                out[(hash(halo) % comm.size() as u64) as usize].push(near);
            }
        });
    }
    let mut near = collective::exchange(comm, &out).concat();
    drop(out);
    near.sort_by(|a, b| {
        (a.halo, a.distance, a.id).partial_cmp(&(b.halo, b.distance, b.id)).expect("numbers")
    });
    let mut found = vec![Vec::new(); comm.size()];
    for near in near.chunk_by(|a, b| a.halo == b.halo) {
        let halo = near[0].halo;
        found[0].extend(densities.iter().enumerate().map(|(n, &density)| {
            let Sphere { mass, radius } = sphere(near, density);
            [f64::from_bits(halo), n as f64, mass, radius]
        }));
    }
    let mut all = vec![[Sphere::default(); N]; haloes.len()];
    for [halo, n, mass, radius] in collective::exchange(comm, &found).concat() {
        all[halo.to_bits() as usize][n as usize] = Sphere { mass, radius };
    }
    all
}

/// The sphere of this mean density, given the bodies in the order of their distances: the first, from
/// inside, at whose surface the mean density falls below it.
fn sphere(near: &[Near], density: f64) -> Sphere {
    let per_density = 4.0 / 3.0 * PI * density;
    let (mut mass, mut last) = (0.0, Sphere::default());
    for (k, body) in near.iter().enumerate() {
        let is_dense = mass > per_density * body.distance.powi(3);
        if k >= INNERMOST && !is_dense {
            break;
        }
        mass += body.mass;
        if mass > per_density * body.distance.powi(3) {
            last = Sphere { mass, radius: cbrt(mass / per_density) };
        }
    }
    last
}

/// Haloes by the cells of a grid, for the haloes near a body.
struct Grid {
    domain: Domain,
    /// Side of a cell, not below the reach of any halo.
    side: f64,
    /// Cells along a side of a periodic box.
    cells: i64,
    haloes: HashMap<[i64; 3], Vec<u64>>,
}

/// Greatest number of cells along a side of the box.
const CELLS: f64 = 512.0;

impl Grid {
    /// A grid of places with reaches.
    fn new(domain: Domain, places: &[[f64; 4]]) -> Grid {
        let reach = places.iter().map(|place| place[3]).fold(0.0, f64::max);
        let (side, cells) = match domain {
            Domain::Open => (reach, i64::MAX),
            Domain::Periodic { side } => {
                let cells = (side / reach).floor().clamp(1.0, CELLS);
                (side / cells, cells as i64)
            }
        };
        let mut grid = Grid { domain, side, cells, haloes: HashMap::new() };
        for (&[x, y, z, _], halo) in places.iter().zip(0..) {
            grid.haloes.entry(grid.cell([x, y, z])).or_default().push(halo);
        }
        grid
    }

    fn cell(&self, position: [f64; 3]) -> [i64; 3] {
        position.map(|x| {
            let cell = (x / self.side).floor() as i64;
            if self.domain.is_periodic() { cell.rem_euclid(self.cells) } else { cell }
        })
    }

    /// Calls `visit` for every halo that may reach a position.
    fn visit(&self, position: [f64; 3], mut visit: impl FnMut(u64)) {
        if self.haloes.is_empty() {
            return;
        }
        let here = self.cell(position);
        // In a box of one or two cells, neighbours on both sides are the same cell.
        let around = |x: i64| {
            let next = |step: i64| {
                if self.domain.is_periodic() { (x + step).rem_euclid(self.cells) } else { x + step }
            };
            let mut cells = [-1, 0, 1].map(next).to_vec();
            cells.sort_unstable();
            cells.dedup();
            cells
        };
        let [xs, ys, zs] = here.map(around);
        for x in &xs {
            for y in &ys {
                for z in &zs {
                    self.haloes.get(&[*x, *y, *z]).into_iter().flatten().for_each(|halo| visit(*halo));
                }
            }
        }
    }
}
