//! Draws pictures of made-up bodies into a folder, to be looked at: `cargo run -p viz --example gallery -- FOLDER`.

use rand::{RngExt, SeedableRng};
use std::error::Error;
use std::f64::consts::TAU;
use std::path::Path;
use std::time::Instant;
use treecode::{Bodies, TYPES};
use viz::{Axis, ColourMap, Movie, Range, Style, SurfaceDensity, TimeScale, Units, View};

type Random = rand_chacha::ChaCha8Rng;

/// kpc, 1e10 solar masses, km/s.
const GALACTIC: Units = Units { length_in_cm: 3.085678e21, mass_in_g: 1.98841e43, time_in_s: 3.085678e16 };

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut random = Random::seed_from_u64(1);

    let mut one = Bodies::default();
    plummer(&mut one, 100_000, 5.0, [0.0; 3], 2.0, &mut random);
    draw(folder, "plummer", &one, [1024, 1024], 30.0, ColourMap::Inferno, Some(GALACTIC))?;
    draw(folder, "plummer-wide", &one, [1280, 720], 8.0, ColourMap::Viridis, None)?;
    draw(folder, "plummer-small", &one, [160, 160], 30.0, ColourMap::Magma, Some(GALACTIC))?;
    draw(folder, "plummer-medium", &one, [320, 240], 30.0, ColourMap::Cividis, Some(GALACTIC))?;
    draw(folder, "core", &one, [512, 512], 0.02, ColourMap::Inferno, Some(GALACTIC))?;

    let mut two = Bodies::default();
    plummer(&mut two, 100_000, 5.0, [-8.0, -3.0, 0.0], 1.5, &mut random);
    plummer(&mut two, 30_000, 1.5, [9.0, 4.0, 0.0], 0.7, &mut random);
    ring(&mut two, 40_000, 0.5, 6.0, &mut random);
    draw(folder, "clumps", &two, [1024, 1024], 50.0, ColourMap::Inferno, Some(GALACTIC))?;
    draw(folder, "clumps-magma", &two, [1024, 1024], 50.0, ColourMap::Magma, Some(GALACTIC))?;

    let mut sparse = Bodies::default();
    plummer(&mut sparse, 300, 5.0, [0.0; 3], 2.0, &mut random);
    draw(folder, "sparse", &sparse, [1024, 1024], 30.0, ColourMap::Inferno, Some(GALACTIC))?;
    let mut lonely = Bodies::default();
    plummer(&mut lonely, 1, 1.0, [0.0; 3], 2.0, &mut random);
    draw(folder, "one", &lonely, [512, 512], 30.0, ColourMap::Inferno, None)?;

    let mut million = Bodies::default();
    plummer(&mut million, 1_000_000, 5.0, [0.0; 3], 1.0, &mut random);
    draw(folder, "million", &million, [1024, 1024], 20.0, ColourMap::Inferno, Some(GALACTIC))?;
    movie(folder, &mut random)
}

fn draw(
    folder: &Path,
    name: &str,
    bodies: &Bodies,
    size: [usize; 2],
    width: f64,
    colours: ColourMap,
    units: Option<Units>,
) -> Result<(), Box<dyn Error>> {
    let view = View::new(size, [0.0; 3], width, Axis::Z)?;
    let start = Instant::now();
    let density = SurfaceDensity::project(bodies, [true; TYPES], &view)?;
    let projected = start.elapsed();
    let range = Range::of(&density).ok_or("an empty picture")?;
    let time = TimeScale::for_times(&[0.5, 1.25], units).label(1.25);
    let picture = viz::render(&density, &Style { colours, range, units }, &time);
    let drawn = start.elapsed();
    std::fs::write(folder.join(name).with_extension("png"), viz::encode_png(&picture)?)?;
    println!(
        "{name}: projected {projected:.2?}, drawn {:.2?}, written {:.2?}",
        drawn - projected,
        start.elapsed() - drawn
    );
    Ok(())
}

/// Two clumps that pass each other.
fn movie(folder: &Path, random: &mut Random) -> Result<(), Box<dyn Error>> {
    let view = View::new([512, 512], [0.0; 3], 40.0, Axis::Z)?;
    let times: Vec<f64> = (0..12).map(|frame| 0.05 * f64::from(frame)).collect();
    let scale = TimeScale::for_times(&times, Some(GALACTIC));
    let mut movie = Movie::new(view.size(), ColourMap::Inferno, 15.0)?;
    for time in times {
        let mut bodies = Bodies::default();
        plummer(&mut bodies, 20_000, 5.0, [20.0 * time - 6.0, 3.0, 0.0], 1.0, random);
        plummer(&mut bodies, 20_000, 5.0, [6.0 - 20.0 * time, -3.0, 0.0], 1.0, random);
        let density = SurfaceDensity::project(&bodies, [true; TYPES], &view)?;
        let style =
            Style { colours: ColourMap::Inferno, range: Range::new(1e-4, 0.5)?, units: Some(GALACTIC) };
        movie.push(&viz::render(&density, &style, &scale.label(time)))?;
    }
    Ok(std::fs::write(folder.join("movie.gif"), movie.finish()?)?)
}

fn add(bodies: &mut Bodies, mass: f64, position: [f64; 3]) {
    let mut body = Bodies::zeroed(1);
    body.id[0] = bodies.len() as u64;
    body.mass[0] = mass;
    (0..3).for_each(|axis| body.pos[axis][0] = position[axis]);
    bodies.append(&body);
}

fn plummer(bodies: &mut Bodies, n: usize, mass: f64, centre: [f64; 3], scale: f64, random: &mut Random) {
    for _ in 0..n {
        let radius = scale / (random.random::<f64>().powf(-2.0 / 3.0) - 1.0).sqrt();
        let (z, angle) = (2.0 * random.random::<f64>() - 1.0, TAU * random.random::<f64>());
        let flat = (1.0 - z * z).sqrt();
        let direction = [flat * angle.cos(), flat * angle.sin(), z];
        add(bodies, mass / n as f64, std::array::from_fn(|axis| centre[axis] + radius * direction[axis]));
    }
}

fn ring(bodies: &mut Bodies, n: usize, mass: f64, radius: f64, random: &mut Random) {
    for _ in 0..n {
        let angle = TAU * random.random::<f64>();
        let r = radius + 0.8 * (random.random::<f64>() + random.random::<f64>() - 1.0);
        add(bodies, mass / n as f64, [-8.0 + r * angle.cos(), -3.0 + r * angle.sin(), 0.0]);
    }
}
