//! Models of the Milky Way from the literature.

use super::nfw::enclosed;
use super::{CutPowerLaw, Disc, Galaxy, MiyamotoNagai, Nfw, Shape, Spheroid};

/// The caller's units, for models that are given in kpc, km/s and solar masses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Length of 1 kpc [L].
    pub kpc: f64,
    /// Speed of 1 km/s [L/T].
    pub km_per_s: f64,
    /// G times one solar mass [L^3/T^2].
    pub sun: f64,
}

/// `MWPotential2014` of Bovy (2015, ApJS 216, 29, section 3.5 and table 1): a bulge, a disc of
/// Miyamoto & Nagai and an NFW halo, which give 5, 60 and 35 % of the square of the circular speed
/// of 220 km/s at 8 kpc.
pub fn mw_potential_2014(scale: &Scale) -> Vec<Shape> {
    let radius = 8.0 * scale.kpc;
    let square = (220.0 * scale.km_per_s).powi(2);
    let cut = 1.9 * scale.kpc;
    let (a, b) = (3.0 * scale.kpc, 0.28 * scale.kpc);
    let halo = 16.0 * scale.kpc;
    let bulge = 0.05 * square * radius / CutPowerLaw::new(1.0, 1.8, cut).enclosed(radius);
    let distance = (radius * radius + (a + b).powi(2)).sqrt();
    let disc = 0.6 * square * distance.powi(3) / (radius * radius);
    let nfw = 0.35 * square * radius / enclosed(radius / halo);
    vec![
        Shape::CutPowerLaw(CutPowerLaw::new(bulge, 1.8, cut)),
        Shape::MiyamotoNagai(MiyamotoNagai { gm: disc, scale: a, height: b }),
        Shape::Nfw(Nfw { gm: nfw, scale: halo }),
    ]
}

/// The main model of McMillan (2017, MNRAS 465, 76, tables 1 and 3): thin and thick stellar discs,
/// discs of atomic and molecular gas with central holes, a flattened bulge, and an NFW halo. No
/// component is replaced by a simpler one; see [`Galaxy`] for how the potential is computed.
pub fn mcmillan_2017(scale: &Scale) -> Vec<Shape> {
    let disc = |surface: f64, length: f64, hole: f64, height: f64, isothermal: bool| Disc {
        surface: surface * scale.sun / (scale.kpc * scale.kpc),
        scale: length * scale.kpc,
        hole: hole * scale.kpc,
        height: height * scale.kpc,
        isothermal,
    };
    let discs = [
        disc(8.96e8, 2.5, 0.0, 0.3, false),
        disc(1.83e8, 3.02, 0.0, 0.9, false),
        disc(5.31e7, 7.0, 4.0, 0.085, true),
        disc(2.18e9, 1.5, 12.0, 0.045, true),
    ];
    let volume = scale.kpc.powi(3);
    let bulge = Spheroid {
        density: 9.84e10 * scale.sun / volume,
        scale: 0.075 * scale.kpc,
        slope: 1.8,
        cut: 2.1 * scale.kpc,
        ratio: 0.5,
    };
    let radius = 19.6 * scale.kpc;
    let halo = 4.0 * std::f64::consts::PI * 8.54e6 * scale.sun / volume * radius.powi(3);
    vec![Shape::Galaxy(Box::new(Galaxy::new(&discs, &[bulge]))), Shape::Nfw(Nfw { gm: halo, scale: radius })]
}
