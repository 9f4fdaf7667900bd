//! Forces of a Plummer sphere in one call, and their error against direct summation.
#![allow(clippy::disallowed_methods)] // an example needs no equal bits on every platform

use heorot_treecode::{Bodies, Gravity, accelerations, direct};

fn main() -> Result<(), heorot_treecode::Error> {
    let n = 20_000;
    // A sequence of low discrepancy stands for random numbers.
    let fraction = |i: usize, factor: f64| ((i + 1) as f64 * factor).fract();
    let mut pos = [const { Vec::new() }; 3];
    for i in 0..n {
        let radius = (fraction(i, 0.754_877_666).max(1e-3).powf(-2.0 / 3.0) - 1.0).max(1e-3).powf(-0.5);
        let (z, phi) =
            (2.0 * fraction(i, 0.569_840_29) - 1.0, std::f64::consts::TAU * fraction(i, 0.618_033_988));
        let ring = (1.0 - z * z).sqrt();
        pos[0].push(radius * ring * phi.cos());
        pos[1].push(radius * ring * phi.sin());
        pos[2].push(radius * z);
    }
    let mass = vec![1.0 / n as f64; n];
    let at_rest = [const { Vec::new() }; 3].map(|mut v: Vec<f64>| {
        v.resize(n, 0.0);
        v
    });
    let mut bodies = Bodies::new(mass, pos, at_rest)?;

    let gravity = Gravity::builder().tolerance(1e-3).build()?;
    let census = accelerations(&mut bodies, &gravity)?;
    let sample: Vec<usize> = (0..n).step_by(100).collect();
    let exact = direct::field(&bodies, &gravity, &sample);
    let squares = sample.iter().zip(&exact).map(|(&i, (acc, _))| {
        let found = bodies.acceleration(i);
        let difference: f64 = (0..3).map(|axis| (found[axis] - acc[axis]).powi(2)).sum();
        difference / acc.iter().map(|a| a * a).sum::<f64>()
    });
    let rms = (squares.sum::<f64>() / sample.len() as f64).sqrt();
    println!("{n} bodies, {} interactions, force error {rms:.1e} (rms)", census.interactions.total());
    assert!(rms < 2e-3, "the force error is too large");
    Ok(())
}
