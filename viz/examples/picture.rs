//! A picture of a spiral of bodies, written as PNG into the current folder or to the path given.
#![allow(clippy::disallowed_methods)] // no result depends on a picture

use heorot_viz::{
    ColourMap, Colours, Decorations, Direction, Range, Style, Subject, SurfaceDensity, TimeScale, Tint, View,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "spiral.png".to_owned());
    let n = 5000;
    let mut bodies = treecode::Bodies::zeroed(n);
    bodies.mass.fill(1.0 / n as f64);
    for i in 0..n {
        let t = i as f64 / n as f64;
        let (radius, phi) = (t.sqrt(), 12.0 * t + (i % 2) as f64 * std::f64::consts::PI);
        (bodies.pos[0][i], bodies.pos[1][i]) = (radius * phi.cos(), radius * phi.sin());
    }
    let kinds = [true; treecode::TYPES];
    let lengths = heorot_viz::smoothing_lengths(&bodies, kinds, heorot_viz::NEIGHBOURS)?;
    let view = View::new([400, 400], [0.0; 3], 2.4, Direction::Z)?;
    let subject = Subject { bodies: &bodies, kinds, lengths: &lengths, tint: Tint::Plain };
    let density = SurfaceDensity::project(&subject, &view)?;
    let style = Style {
        colours: Colours::Map(ColourMap::Inferno),
        range: Range::of(&density).ok_or("the picture is empty")?,
        units: None,
        decorations: Decorations::ALL,
        comoving: false,
        transparent: false,
    };
    let picture = heorot_viz::render(&density, &style, &TimeScale::for_times(&[0.0], None).label(0.0));
    std::fs::write(&path, heorot_viz::encode_png(&picture)?)?;
    println!("{path}");
    Ok(())
}
