//! Pixels of equal area on the sphere, in rings (RING scheme): HEALPix (Gorski et al. 2005, ApJ 622, 759).
//!
//! A map of resolution N (`nside`) has 12 N^2 pixels. They are numbered from the north pole (+z) along
//! 4 N - 1 rings, and within a ring from the x axis towards the y axis.

use std::f64::consts::{FRAC_PI_2, PI};
use treecode::math::atan2;

/// Number of pixels of a map of this resolution.
#[must_use]
pub fn pixels(nside: u64) -> u64 {
    12 * nside * nside
}

/// Solid angle of a pixel [sr].
#[must_use]
pub fn solid_angle(nside: u64) -> f64 {
    4.0 * PI / pixels(nside) as f64
}

/// The pixel in this direction from the centre of the sphere. The vector may have any length; the
/// zero vector is in pixel 0.
///
/// The edges of pixels are lines of constant z +- phi / (pi / 2) * 4 / 3 where |z| <= 2 / 3
/// (section 4.4). In the polar caps they are the lines on which N sqrt(3 (1 - |z|)) times the
/// fraction of the quadrant, from either of its ends, is an integer.
#[must_use]
pub fn pixel(nside: u64, vector: [f64; 3]) -> u64 {
    let n = nside as i64;
    let [x, y, z] = vector;
    let across = (x * x + y * y).sqrt();
    let length = (across * across + z * z).sqrt();
    if length == 0.0 {
        return 0;
    }
    let z = z / length;
    // The angle around the pole in quadrants, from 0 to 4.
    let quadrants = (atan2(y, x) / FRAC_PI_2).rem_euclid(4.0);
    let quadrants = if quadrants < 4.0 { quadrants } else { 0.0 };
    let number = if z.abs() <= 2.0 / 3.0 {
        let (along, up) = (nside as f64 * (0.5 + quadrants), nside as f64 * 0.75 * z);
        // Numbers of the edges that ascend and descend.
        let (ascending, descending) = ((along - up).floor() as i64, (along + up).floor() as i64);
        let ring = n + 1 + ascending - descending; // from 1 on, below the polar cap
        let shift = 1 - (ring & 1);
        let place = (ascending + descending - n + shift + 1).div_euclid(2).rem_euclid(4 * n);
        2 * n * (n - 1) + (ring - 1) * 4 * n + place
    } else {
        // N sqrt(3 (1 - |z|)), without cancellation near the pole.
        let scale = nside as f64 * across / length * (3.0 / (1.0 + z.abs())).sqrt();
        let fraction = quadrants.fract();
        let [first, second] =
            [fraction * scale, (1.0 - fraction) * scale].map(|edge| (edge.floor() as i64).min(n - 1));
        let ring = (first + second + 1).min(n); // from the pole
        let place = ((quadrants * ring as f64).floor() as i64).rem_euclid(4 * ring);
        if z > 0.0 { 2 * ring * (ring - 1) + place } else { 12 * n * n - 2 * ring * (ring + 1) + place }
    };
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use treecode::math::hash;

    fn at(theta: f64, phi: f64) -> [f64; 3] {
        [theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()]
    }

    /// The centre of a pixel (Gorski et al. 2005, equations 2 to 9).
    fn centre(nside: u64, pixel: u64) -> [f64; 3] {
        let (n, all) = (nside as f64, pixels(nside));
        let cap = 2 * nside * (nside - 1);
        let (z, phi) = if pixel < cap || pixel >= all - cap {
            let from_pole = if pixel < cap { pixel } else { all - 1 - pixel };
            let ring = (1..nside).find(|i| from_pole < 2 * i * (i + 1)).unwrap();
            let place = from_pole - 2 * ring * (ring - 1);
            let place = if pixel < cap { place } else { 4 * ring - 1 - place };
            let z = 1.0 - (ring * ring) as f64 / (3.0 * n * n);
            let phi = FRAC_PI_2 * (place as f64 + 0.5) / ring as f64;
            (if pixel < cap { z } else { -z }, phi)
        } else {
            let (ring, place) = ((pixel - cap) / (4 * nside) + nside, (pixel - cap) % (4 * nside));
            let shift = 0.5 * ((ring - nside + 1) % 2) as f64;
            (4.0 / 3.0 - 2.0 * ring as f64 / (3.0 * n), FRAC_PI_2 * (place as f64 + shift) / n)
        };
        at(z.acos(), phi)
    }

    #[test]
    fn centres_are_in_their_pixels() {
        for nside in [1, 2, 3, 4, 8, 16, 33] {
            for number in 0..pixels(nside) {
                assert_eq!(pixel(nside, centre(nside, number)), number, "nside {nside}");
            }
        }
        for number in [0, 7, 123_456_789, pixels(8192) / 2, pixels(8192) - 1] {
            assert_eq!(pixel(8192, centre(8192, number)), number);
        }
    }

    /// Values of the documentation of healpy's `ang2pix`.
    #[test]
    fn directions_have_the_pixels_of_healpy() {
        let angles = [(PI / 2.0, 0.0), (PI / 4.0, PI / 4.0), (PI / 2.0, PI / 2.0), (0.0, 0.0), (PI, 0.0)];
        let found = angles.map(|(theta, phi)| pixel(16, at(theta, phi)));
        assert_eq!(found, [1440, 427, 1520, 0, 3068]);
        assert_eq!(pixel(16, [0.0; 3]), 0);
    }

    #[test]
    fn pixels_have_equal_areas() {
        // A grid of equal areas in z and phi.
        let (nside, fine) = (4, 1200);
        let mut counts = vec![0u32; pixels(nside) as usize];
        for i in 0..fine {
            for j in 0..fine {
                let z = 2.0 * (f64::from(i) + 0.5) / f64::from(fine) - 1.0;
                let phi = 2.0 * PI * (f64::from(j) + 0.5) / f64::from(fine);
                counts[pixel(nside, at(z.acos(), phi)) as usize] += 1;
            }
        }
        let mean = f64::from(fine * fine) / counts.len() as f64;
        for (number, count) in counts.into_iter().enumerate() {
            assert!((f64::from(count) / mean - 1.0).abs() < 0.01, "{number}: {count}");
        }
    }

    /// No direction is farther from the centre of its pixel than the radius of the largest pixel.
    #[test]
    fn directions_are_near_the_centres_of_their_pixels() {
        let random = |i: u64| (hash(i) >> 11) as f64 / (1u64 << 53) as f64;
        for i in 0..60_000 {
            let nside = 1u64 << (i % 12);
            let vector = at((2.0 * random(2 * i) - 1.0).acos(), 11.0 * random(2 * i + 1) - 4.0);
            let number = pixel(nside, vector);
            assert!(number < pixels(nside));
            let centre = centre(nside, number);
            let apart = (0..3).map(|axis| (vector[axis] - centre[axis]).powi(2)).sum::<f64>().sqrt();
            assert!(apart < 1.03 / nside as f64, "{nside} {vector:?}: {apart}");
        }
    }
}
