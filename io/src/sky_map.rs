//! Maps of shells of a light cone in HDF5, in the RING order of HEALPix.
//!
//! | name | content |
//! |---|---|
//! | `/Header` | attributes `Nside`, `Ordering` ("RING"), `RedshiftMin`, `RedshiftMax`, `DistanceMin`, `DistanceMax`, `PixelSolidAngle`, `MeanMass`, `BoxSize` |
//! | `/Cosmology`, `/Parameters` | as in a catalogue of haloes: the universe today, and the units |
//! | `/Map/Mass`, `/Map/Count` | mass and number of the bodies in each pixel |
//! | `/Map/SurfaceDensity` | mass over the area of the pixel at the mean of the two distances, comoving |

use crate::catalogue::{attribute, column, write_units, write_universe};
use crate::snapshot::{Universe, plain, write_text};
use crate::{Error, Target, Units};
use hdf5::File;
use nbody::lightcone::{SkyMap, healpix};
use std::path::Path;

/// A map and the properties of its shell.
#[derive(Clone, Debug, PartialEq)]
pub struct ShellMap {
    /// The sums.
    pub map: SkyMap,
    /// Least and greatest redshift.
    pub redshifts: [f64; 2],
    /// Least and greatest comoving distance from the observer [L].
    pub distances: [f64; 2],
    /// Mean comoving density of matter [M/L^3].
    pub density: f64,
    /// Side of the periodic box [L].
    pub side: f64,
    /// Units of all values.
    pub units: Units,
    /// The universe today.
    pub universe: Universe,
}

impl ShellMap {
    /// Mean mass in a pixel [M]: the mean density times the volume of a pixel in the shell.
    #[must_use]
    pub fn mean_mass(&self) -> f64 {
        let [near, far] = self.distances.map(|distance| distance.powi(3) / 3.0);
        self.density * healpix::solid_angle(self.map.nside) * (far - near)
    }
}

/// Writes a map. The file appears complete or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write(target: &Target, shell: &ShellMap) -> Result<(), Error> {
    let part = target.begin()?;
    write_part(part.path(), shell)
        .map_err(|error| Error::snapshot(target.path(), format!("cannot write: {}", plain(error))))?;
    part.finish()
}

fn write_part(path: &Path, shell: &ShellMap) -> hdf5::Result<()> {
    let ShellMap { map, redshifts, distances, side, units, universe, .. } = shell;
    let file = File::create(path)?;
    {
        let header = file.create_group("Header")?;
        attribute(&header, "Nside", map.nside)?;
        write_text(&header, "Ordering", "RING")?;
        for (name, values) in [("Redshift", redshifts), ("Distance", distances)] {
            attribute(&header, &format!("{name}Min"), values[0])?;
            attribute(&header, &format!("{name}Max"), values[1])?;
        }
        attribute(&header, "PixelSolidAngle", healpix::solid_angle(map.nside))?;
        attribute(&header, "MeanMass", shell.mean_mass())?;
        attribute(&header, "BoxSize", *side)?;
        write_universe(&file, universe)?;
        write_units(&file, units)?;
        let place = file.create_group("Map")?;
        let radius = 0.5 * (distances[0] + distances[1]);
        let area = healpix::solid_angle(map.nside) * radius * radius;
        column(&place, "Mass", 1, &map.mass)?;
        column(&place, "Count", 1, &map.count)?;
        column(&place, "SurfaceDensity", 1, &map.mass.iter().map(|mass| mass / area).collect::<Vec<_>>())?;
    }
    file.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_has_the_mass_of_its_shell() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.hdf5");
        let mut map = SkyMap { nside: 2, mass: vec![0.0; 48], count: vec![0; 48] };
        (map.mass[7], map.count[7]) = (6.0, 3);
        let universe = Universe { scale_factor: 1.0, omega_m: 0.3, h: 0.7, ..Universe::default() };
        let shell = ShellMap {
            map,
            redshifts: [0.1, 0.2],
            distances: [3.0, 5.0],
            density: 0.5,
            side: 4.0,
            units: Units::GALACTIC,
            universe,
        };
        // Pixels of a shell of uniform density have together the mass of the shell.
        let volume = 4.0 / 3.0 * std::f64::consts::PI * (125.0 - 27.0);
        assert!((48.0 * shell.mean_mass() / (0.5 * volume) - 1.0).abs() < 1e-14);
        write(&Target::own(&path), &shell).unwrap();
        let file = File::open(&path).unwrap();
        let mass: Vec<f64> = file.dataset("Map/Mass").unwrap().read_raw().unwrap();
        assert_eq!(mass, shell.map.mass);
        let density: Vec<f64> = file.dataset("Map/SurfaceDensity").unwrap().read_raw().unwrap();
        let area = 4.0 * std::f64::consts::PI / 48.0 * 16.0;
        assert!((density[7] - 6.0 / area).abs() < 1e-14 && density[8] == 0.0);
        let header = file.group("Header").unwrap();
        assert_eq!(header.attr("RedshiftMax").unwrap().read_scalar::<f64>().unwrap(), 0.2);
        assert_eq!(file.group("Cosmology").unwrap().attr("h").unwrap().read_scalar::<f64>().unwrap(), 0.7);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
