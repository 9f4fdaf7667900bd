//! The `[box]` table: a cube that repeats in all directions.

use crate::console::warn;
use crate::initial::Loaded;
use crate::ranks::crew::Crew;
use anyhow::{Result, ensure};
use decomposition::collective;
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::Domain;

/// The keys of `[box]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodicBox {
    /// Side of the cube [L]. Its corner is the origin.
    pub side: f64,
    /// Boundary condition at the faces.
    #[serde(default)]
    pub boundary: Boundary,
}

/// Boundary condition at the faces of the box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// The next image of the box.
    #[default]
    Periodic,
}

/// Greatest relative difference between the side of the box in a file and in the parameters.
const ROUNDED: f64 = 1e-6;

impl PeriodicBox {
    /// The space of a run: this box, or open space without one.
    pub fn domain(of: Option<PeriodicBox>) -> Domain {
        of.map_or(Domain::Open, |PeriodicBox { side, .. }| Domain::Periodic { side })
    }
}

/// The space of a snapshot whose box has this side [L], which is 0 if it has none.
pub fn domain_of_side(side: f64) -> Domain {
    if side > 0.0 { Domain::Periodic { side } } else { Domain::Open }
}

/// Moves the bodies of a run or of a force computation that are outside the box to their images
/// inside, and reports how many there were. Collective.
///
/// # Errors
/// The file that they are from has a box of another side. The same on every rank.
pub fn settle(crew: &Crew, domain: Domain, source: Option<&Path>, loaded: &mut Loaded) -> Result<()> {
    let (theirs, name) = (loaded.box_side, source.map_or(String::new(), |path| path.display().to_string()));
    let Domain::Periodic { side } = domain else {
        if theirs > 0.0 && crew.leads() {
            warn(&format!("{name}: its box of {theirs:?} is not periodic here; its images exert no force"));
        }
        return Ok(());
    };
    ensure!(
        theirs == 0.0 || (theirs - side).abs() <= ROUNDED * side,
        "box.side = {side:?}: the box of {name} has a side of {theirs:?} in these units"
    );
    let bodies = &mut loaded.start.bodies;
    let is_outside = |&i: &usize| bodies.position(i).iter().any(|x| !(0.0..side).contains(x));
    let outside = collective::sum(crew.comm, (0..bodies.len()).filter(is_outside).count() as u64);
    let all = collective::sum(crew.comm, bodies.len() as u64);
    bodies.wrap(domain);
    if outside > 0 && crew.leads() {
        warn(&format!(
            "{outside} of {all} bodies were outside the box from 0 to {side:?}; they are moved to their images inside"
        ));
    }
    Ok(())
}
