//! The keys of a parameter file that have a dimension. Their values may be strings with units.

use io::parameters::Dimension;

const LENGTH: Dimension = [1, 0, 0];
const MASS: Dimension = [0, 1, 0];
const TIME: Dimension = [0, 0, 1];
const SPEED: Dimension = [1, 0, -1];
const ANGULAR_SPEED: Dimension = [0, 0, -1];

/// Keys outside `[initial]`, with `*` for any key or place in a list.
const KEYS: [(&str, Dimension); 31] = [
    ("box.side", LENGTH),
    ("cosmology.softening_max_physical", LENGTH),
    ("time.end", TIME),
    ("time.step", TIME),
    ("time.smallest_step", TIME),
    ("output.snapshot_every", TIME),
    ("output.at.*", TIME),
    ("movie.every", TIME),
    ("movie.width", LENGTH),
    ("movie.centre.*", LENGTH),
    ("gravity.softening", LENGTH),
    ("gravity.softening.length", LENGTH),
    ("gravity.softening.length.*", LENGTH),
    ("gravity.tolerance", [1, 0, -2]),
    ("potential.*.mass", MASS),
    ("potential.*.scale", LENGTH),
    ("potential.*.height", LENGTH),
    ("potential.*.softening", LENGTH),
    ("potential.*.speed", SPEED),
    ("potential.*.core", LENGTH),
    ("potential.*.cut", LENGTH),
    ("potential.*.radius", LENGTH),
    ("potential.*.length", LENGTH),
    ("potential.*.pattern_speed", ANGULAR_SPEED),
    ("potential.*.centre.*", LENGTH),
    ("potential.*.velocity.*", SPEED),
    ("potential.*.orbit.radius", LENGTH),
    ("potential.*.orbit.period", TIME),
    ("potential.*.friction.dispersion", SPEED),
    ("potential.*.growth.start", TIME),
    ("potential.*.growth.duration", TIME),
];

/// Keys of `[initial]` and of `[[initial.galaxies]]`.
const INITIAL: [(&str, Dimension); 22] = [
    ("mass", MASS),
    ("radius", LENGTH),
    ("softening", LENGTH),
    ("semi_major_axis", LENGTH),
    ("pericentre", LENGTH),
    ("distance", LENGTH),
    ("disc_mass", MASS),
    ("disc_length", LENGTH),
    ("disc_height", LENGTH),
    ("halo_mass", MASS),
    ("halo_radius", LENGTH),
    ("bulge_mass", MASS),
    ("bulge_radius", LENGTH),
    ("side", LENGTH),
    ("solar_mass", MASS),
    ("binary_axis.*", LENGTH),
    ("belt.*", LENGTH),
    ("belt_mass", MASS),
    ("planets.*.mass", MASS),
    ("planets.*.semi_major_axis", LENGTH),
    ("position.*", LENGTH),
    ("velocity.*", SPEED),
];

/// Keys that are differences of ln a in an expanding universe, and then have no dimension.
const LOGARITHMIC: [&str; 4] = ["time.step", "time.smallest_step", "output.snapshot_every", "movie.every"];

/// The keys that have a dimension in an expanding universe.
pub(crate) fn keys_of_universe() -> Vec<(&'static str, Dimension)> {
    keys().into_iter().filter(|(key, _)| !LOGARITHMIC.contains(key)).collect()
}

/// All keys with a dimension.
pub(crate) fn keys() -> Vec<(&'static str, Dimension)> {
    static OF_INITIAL: std::sync::LazyLock<Vec<(String, Dimension)>> = std::sync::LazyLock::new(|| {
        let places = ["initial", "initial.galaxies.*"];
        let all = places.iter().flat_map(|place| {
            INITIAL.iter().map(move |(key, dimension)| (format!("{place}.{key}"), *dimension))
        });
        all.collect()
    });
    KEYS.into_iter().chain(OF_INITIAL.iter().map(|(key, dimension)| (key.as_str(), *dimension))).collect()
}
