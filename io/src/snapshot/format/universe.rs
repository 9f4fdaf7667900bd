//! The expanding universe of a cosmological snapshot, and the conventions of its numbers.
//!
//! | flavour | lengths and masses | velocities |
//! |---|---|---|
//! | GADGET | comoving, in units with 1/h, which readers assume by default | peculiar velocity / sqrt(a) |
//! | SWIFT | comoving, without h | peculiar velocity |
//!
//! Accelerations and potentials are those of the masses at their comoving positions.

use super::column::{Column, Content};
use crate::snapshot::{Flavour, Format};
use serde::{Deserialize, Serialize};
use treecode::math::powf;

/// The universe of a cosmological snapshot at its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Universe {
    /// Scale factor.
    pub scale_factor: f64,
    /// Density of matter today, in units of the critical density; 0 if the file does not state it.
    pub omega_m: f64,
    /// Density of dark energy today.
    pub omega_lambda: f64,
    /// Density of radiation today.
    pub omega_r: f64,
    /// Equation of state of dark energy today.
    pub w0: f64,
    /// Its change with the scale factor.
    pub wa: f64,
    /// Hubble constant today [100 km/s/Mpc]; 0 if the file does not state it.
    pub h: f64,
    /// Hubble constant today [1/T]. Not set by reading.
    pub hubble: f64,
}

impl Universe {
    /// Redshift.
    #[must_use]
    pub fn redshift(&self) -> f64 {
        1.0 / self.scale_factor - 1.0
    }

    /// Factor from the velocities of a flavour to canonical momenta a^2 dx/dt.
    fn momentum_factor(&self, flavour: Flavour) -> f64 {
        match flavour {
            Flavour::Gadget => self.scale_factor * self.scale_factor.sqrt(),
            Flavour::Swift => self.scale_factor,
        }
    }

    /// Factor from the values of a column to those in a file. Only the units of GADGET include h.
    pub(in crate::snapshot) fn factor(&self, column: Column, flavour: Flavour) -> f64 {
        match (column, flavour) {
            (Column::Velocities, _) => 1.0 / self.momentum_factor(flavour),
            (_, Flavour::Swift) => 1.0,
            (_, Flavour::Gadget) => powf(self.h, -column.hubble_exponent()),
        }
    }

    /// Factor from the velocities in a file of this format to canonical momenta a^2 dx/dt. Velocities of
    /// other formats than GADGET's are peculiar velocities.
    #[must_use]
    pub fn momentum_of(&self, format: Format) -> f64 {
        self.momentum_factor(match format {
            Format::Gadget | Format::GadgetBinary => Flavour::Gadget,
            _ => Flavour::Swift,
        })
    }
}

impl Column {
    /// Power of the scale factor by which values in files of cosmological runs are multiplied to make
    /// them physical.
    fn scale_exponent(self, flavour: Flavour) -> f64 {
        match self {
            Column::Coordinates => 1.0,
            Column::Velocities if flavour == Flavour::Gadget => 0.5,
            Column::Acceleration => -2.0,
            Column::Potential => -1.0,
            Column::Velocities | Column::Ids | Column::Masses | Column::TimeStep => 0.0,
        }
    }

    /// Power of h by which values in GADGET files of cosmological runs are multiplied: lengths and masses
    /// have units that include 1/h.
    fn hubble_exponent(self) -> f64 {
        let dimension = self.dimension();
        // In powers of length, mass and velocity.
        -f64::from(dimension.length + dimension.time + dimension.mass)
    }
}

impl Content<'_> {
    /// Power of a by which values of a cosmological snapshot are multiplied to be physical. Further columns
    /// have the numbers of their file, whose powers are not known: 0.
    pub(in crate::snapshot) fn scale_exponent(self, flavour: Flavour) -> f64 {
        match self {
            Content::State(column) => column.scale_exponent(flavour),
            Content::Passenger(_) => 0.0,
        }
    }

    /// Power of h, as [`Column::hubble_exponent`].
    pub(in crate::snapshot) fn hubble_exponent(self) -> f64 {
        match self {
            Content::State(column) => column.hubble_exponent(),
            Content::Passenger(_) => 0.0,
        }
    }
}
