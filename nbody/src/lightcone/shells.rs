//! Shells of a light cone, between spheres around the observer.

use crate::cosmology::{Cosmology, scale_factor_of};

/// Shells in the order in which a run completes them: the most distant one first.
#[derive(Clone, Debug, PartialEq)]
pub struct Shells {
    /// Redshifts of the spheres, descending.
    edges: Vec<f64>,
}

impl Shells {
    /// Divides a range of redshifts into shells of equal comoving thickness.
    #[must_use]
    pub fn equal(cosmology: &Cosmology, [least, greatest]: [f64; 2], shells: usize) -> Shells {
        // In units of the Hubble length.
        let distance = |z: f64| cosmology.comoving_distance(scale_factor_of(z), cosmology.hubble);
        let [near, far] = [least, greatest].map(distance);
        let edge = |k: usize| {
            let wanted = far + (near - far) * (k as f64 / shells as f64);
            // Bisection: distances ascend with the redshift.
            let (mut low, mut high) = (least, greatest);
            for _ in 0..100 {
                let middle = 0.5 * (low + high);
                if distance(middle) < wanted { low = middle } else { high = middle }
            }
            high
        };
        let edges = (0..=shells).map(|k| match k {
            0 => greatest,
            _ if k == shells => least,
            _ => edge(k),
        });
        Shells { edges: edges.collect() }
    }

    /// Number of shells.
    #[must_use]
    pub fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// Least and greatest redshift of a shell. The least redshift itself belongs to the next shell.
    ///
    /// # Panics
    /// There is no such shell.
    #[must_use]
    pub fn redshifts(&self, shell: usize) -> [f64; 2] {
        [self.edges[shell + 1], self.edges[shell]]
    }

    /// Number of shells that are complete when the light cone has reached a redshift.
    #[must_use]
    pub fn complete(&self, reached: f64) -> usize {
        self.edges[1..].iter().take_while(|edge| reached <= **edge).count()
    }
}
