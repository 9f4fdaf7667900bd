//! A glass: bodies that are as evenly distributed as a lattice but without preferred directions
//! (White 1996).
//!
//! The tile of [`PER_SIDE`]^3 bodies is in `glass.bin`. It was made by `examples/glass.rs`. A box
//! is filled with copies of the tile.

use crate::spectral::Transform;
use treecode::Bodies;

/// Number of bodies along a side of the tile.
pub(super) const PER_SIDE: u64 = 16;

/// Three integers of 24 bits for each body, the lowest bits first: its position in units of the side of the
/// tile / 2^24.
static TILE: &[u8] = include_bytes!("glass.bin");

/// Position of a body of the tile, in sides of the tile.
fn place(body: usize) -> [f64; 3] {
    std::array::from_fn(|axis| {
        let [low, middle, high] = [0, 1, 2].map(|k| u32::from(TILE[9 * body + 3 * axis + k]));
        f64::from(low | middle << 8 | high << 16) / f64::from(1 << 24)
    })
}

/// The bodies of a glass in a box, and their positions in cells of the grid. They are the bodies on
/// this rank's planes of the grid. `per_side` is the number of bodies along a side, a multiple of
/// [`PER_SIDE`]. A body's id is the number of its tile times the bodies of a tile, plus its number
/// in the tile.
pub(super) fn glass(transform: &Transform, per_side: u64, side: f64) -> (Bodies, [Vec<f64>; 3]) {
    let (tiles, in_tile) = ((per_side / PER_SIDE) as usize, PER_SIDE.pow(3) as usize);
    let cells = transform.cells() as f64 / tiles as f64;
    let planes = transform.planes();
    let mut places: [Vec<f64>; 3] = Default::default();
    let mut ids = Vec::new();
    for tile in 0..tiles.pow(3) {
        let corner = [tile / tiles / tiles, tile / tiles % tiles, tile % tiles];
        for body in 0..in_tile {
            let own = place(body);
            let at: [f64; 3] = std::array::from_fn(|axis| (corner[axis] as f64 + own[axis]) * cells);
            if planes.contains(&(at[0] as usize)) {
                ids.push((tile * in_tile + body) as u64);
                places.iter_mut().zip(at).for_each(|(places, x)| places.push(x));
            }
        }
    }
    let mut bodies = Bodies::zeroed(ids.len());
    bodies.id = ids;
    let cell = side / transform.cells() as f64;
    for (pos, places) in bodies.pos.iter_mut().zip(&places) {
        pos.iter_mut().zip(places).for_each(|(x, place)| *x = place * cell);
    }
    (bodies, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectral::{Settings, measure};
    use decomposition::{Solo, evaluate};
    use std::f64::consts::PI;
    use treecode::{Criterion, Domain, Gravity};

    const SIDE: f64 = 3.0;
    /// Greatest rms force in 4 pi G density spacing, and power below half the Nyquist wave number in units of
    /// the shot noise. Found were 1.9e-4 and 1e-5. Random bodies without softening have 2.7 and 1.
    const FORCE_AND_POWER: [f64; 2] = [3e-4, 4e-5];

    /// The rms force on the bodies, in units of 4 pi G density spacing.
    fn force(bodies: Bodies, per_side: u64) -> f64 {
        let (count, domain) = (bodies.len() as f64, Domain::Periodic { side: SIDE });
        let gravity = Gravity {
            domain,
            criterion: Criterion::Absolute,
            tolerance: 1e-6,
            order: 5,
            ..Gravity::default()
        };
        let evaluated = evaluate(&Solo, &gravity, bodies).unwrap().bodies;
        let square: f64 = (0..3).flat_map(|axis| &evaluated.acc[axis]).map(|a| a * a).sum();
        (square / count).sqrt() / (4.0 * PI / SIDE.powi(3) * SIDE / per_side as f64)
    }

    fn bodies(per_side: u64) -> Bodies {
        let mut bodies = glass(&Transform::new(&Solo, 2 * per_side as usize), per_side, SIDE).0;
        let mass = 1.0 / bodies.len() as f64;
        bodies.mass.fill(mass);
        bodies
    }

    #[test]
    fn a_glass_feels_little_force_and_has_little_power() {
        for per_side in [16, 32] {
            let glass = bodies(per_side);
            assert_eq!(glass.len() as u64, per_side.pow(3));
            let spectrum =
                measure(&Solo, &glass, SIDE, &Settings { grid: 64, ..Settings::default() }).unwrap();
            let nyquist = PI * per_side as f64 / SIDE;
            let shot = SIDE.powi(3) / glass.len() as f64;
            for bin in spectrum.bins.iter().filter(|bin| bin.k < 0.5 * nyquist) {
                assert!(
                    bin.power < FORCE_AND_POWER[1] * shot,
                    "{per_side}: {} {}",
                    bin.k / nyquist,
                    bin.power / shot
                );
            }
            let force = force(glass, per_side);
            assert!(force < FORCE_AND_POWER[0], "{per_side}: {force}");
        }
    }

    /// No two bodies of a tile are close together, and no direction has more neighbours than others.
    #[test]
    fn a_glass_has_no_directions() {
        let glass = bodies(16);
        let domain = Domain::Periodic { side: SIDE };
        let (spacing, mut nearest, mut tensor, mut pairs) = (SIDE / 16.0, f64::INFINITY, [0.0f64; 3], 0.0);
        for i in 0..glass.len() {
            for j in 0..i {
                let between = domain.displacement(glass.position(i), glass.position(j));
                let square: f64 = between.iter().map(|x| x * x).sum();
                nearest = nearest.min(square.sqrt() / spacing);
                if square < (1.3 * spacing).powi(2) {
                    (0..3).for_each(|axis| tensor[axis] += between[axis].powi(2) / square);
                    pairs += 1.0;
                }
            }
        }
        assert!(nearest > 0.6, "{nearest}");
        assert!(tensor.iter().all(|sum| (3.0 * sum / pairs - 1.0).abs() < 0.02), "{tensor:?} {pairs}");
    }
}
