//! The position of the centre of a potential as a function of time.

use super::Sinking;
use treecode::math::sin_cos;

/// Motion of the centre of a potential.
#[derive(Clone, Debug, PartialEq)]
pub enum Motion {
    /// The centre stays at this place [L].
    Fixed([f64; 3]),
    /// The centre moves uniformly.
    Uniform {
        /// Place at time 0 [L].
        centre: [f64; 3],
        /// Velocity [L/T].
        velocity: [f64; 3],
    },
    /// The centre moves on a circle.
    Circle(Circle),
    /// The centre moves along a table of positions.
    Track(Track),
    /// The centre moves in the field of the other potentials, with dynamical friction.
    Sinking(Sinking),
}

/// A circular orbit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// Centre of the circle [L].
    pub centre: [f64; 3],
    /// Radius of the circle [L].
    pub radius: f64,
    /// Angular speed [1/T], positive from x to y.
    pub speed: f64,
    /// Angle from the x axis at time 0 [rad].
    pub angle: f64,
    /// Inclination of the plane, by which the y axis is turned towards the z axis [rad].
    pub inclination: f64,
}

/// A natural cubic spline through positions at given times.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    times: Vec<f64>,
    places: Vec<[f64; 3]>,
    /// Second derivatives [L/T^2].
    curvatures: Vec<[f64; 3]>,
}

impl Motion {
    /// Whether the centre never moves.
    pub fn is_fixed(&self) -> bool {
        match self {
            Motion::Fixed(_) => true,
            Motion::Uniform { velocity, .. } => *velocity == [0.0; 3],
            Motion::Circle(circle) => circle.speed == 0.0 || circle.radius == 0.0,
            Motion::Track(_) | Motion::Sinking(_) => false,
        }
    }

    /// Place of the centre [L] at a time [T].
    pub fn place(&self, time: f64) -> [f64; 3] {
        match self {
            Motion::Fixed(centre) => *centre,
            Motion::Uniform { centre, velocity } => {
                std::array::from_fn(|axis| centre[axis] + velocity[axis] * time)
            }
            Motion::Circle(circle) => circle.place(time),
            Motion::Track(track) => track.place(time),
            Motion::Sinking(orbit) => orbit.place(time),
        }
    }
}

impl Circle {
    fn place(&self, time: f64) -> [f64; 3] {
        let (sin, cos) = sin_cos(self.angle + self.speed * time);
        let (up, flat) = sin_cos(self.inclination);
        let [x, y] = [self.radius * cos, self.radius * sin];
        let [a, b, c] = self.centre;
        [a + x, b + y * flat, c + y * up]
    }
}

impl Track {
    /// The spline through these places [L] at these times [T].
    ///
    /// # Errors
    /// There are fewer than two places, or the times do not increase, or a number is not finite.
    pub fn new(times: Vec<f64>, places: Vec<[f64; 3]>) -> Result<Track, String> {
        if times.len() < 2 || times.len() != places.len() {
            return Err(format!(
                "{} positions are too few: must be at least 2",
                times.len().min(places.len())
            ));
        }
        if let Some(bad) = times.iter().chain(places.iter().flatten()).find(|x| !x.is_finite()) {
            return Err(format!("{bad} is no time or coordinate: must be finite"));
        }
        if let Some(pair) = times.windows(2).find(|pair| pair[1] <= pair[0]) {
            return Err(format!("time {:?} follows {:?}: times must increase", pair[1], pair[0]));
        }
        let curvatures = curvatures(&times, &places);
        Ok(Track { times, places, curvatures })
    }

    /// First and last time [T].
    pub fn span(&self) -> [f64; 2] {
        [self.times[0], self.times[self.times.len() - 1]]
    }

    fn place(&self, time: f64) -> [f64; 3] {
        let last = self.times.len() - 2;
        let i = self.times.partition_point(|&t| t <= time).saturating_sub(1).min(last);
        let step = self.times[i + 1] - self.times[i];
        let b = (time - self.times[i]) / step;
        let a = 1.0 - b;
        let (cubic_a, cubic_b) = (a * (a * a - 1.0), b * (b * b - 1.0));
        std::array::from_fn(|axis| {
            let bent = cubic_a * self.curvatures[i][axis] + cubic_b * self.curvatures[i + 1][axis];
            a * self.places[i][axis] + b * self.places[i + 1][axis] + bent * step * step / 6.0
        })
    }
}

/// Second derivatives of the natural spline, which are zero at both ends. They solve a tridiagonal
/// system, forward and back.
fn curvatures(times: &[f64], places: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let n = times.len();
    let (mut factors, mut sides) = (vec![0.0; n], vec![[0.0; 3]; n]);
    for i in 1..n - 1 {
        let (before, after) = (times[i] - times[i - 1], times[i + 1] - times[i]);
        let pivot = 2.0 * (before + after) - before * factors[i - 1];
        factors[i] = after / pivot;
        for axis in 0..3 {
            let rise = (places[i + 1][axis] - places[i][axis]) / after;
            let fall = (places[i][axis] - places[i - 1][axis]) / before;
            sides[i][axis] = (6.0 * (rise - fall) - before * sides[i - 1][axis]) / pivot;
        }
    }
    for i in (1..n - 1).rev() {
        for axis in 0..3 {
            sides[i][axis] -= factors[i] * sides[i + 1][axis];
        }
    }
    sides[n - 1] = [0.0; 3];
    sides
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Greatest error of a track of `n` intervals along a circle, away from the ends.
    fn error(n: usize) -> f64 {
        let circle =
            Circle { centre: [1.0, 2.0, 3.0], radius: 2.0, speed: 1.5, angle: 0.3, inclination: 0.7 };
        let times: Vec<f64> = (0..=n).map(|i| 4.0 * i as f64 / n as f64).collect();
        let track = Track::new(times.clone(), times.iter().map(|&t| circle.place(t)).collect()).unwrap();
        let gap = |t: f64| {
            let (found, exact) = (track.place(t), circle.place(t));
            (0..3).map(|axis| (found[axis] - exact[axis]).abs()).fold(0.0, f64::max)
        };
        assert!(times.iter().all(|&t| gap(t) < 1e-14));
        (0..1000).map(|i| gap(1.0 + 2.0 * f64::from(i) / 1000.0)).fold(0.0, f64::max)
    }

    #[test]
    fn a_spline_is_of_fourth_order() {
        let (coarse, fine) = (error(40), error(80));
        let order = (coarse / fine).log2();
        assert!((order - 4.0).abs() < 0.2, "order {order}: {coarse:e}, {fine:e}");
    }

    #[test]
    fn an_inclined_circle_keeps_its_radius_and_plane() {
        let circle = Circle { centre: [0.0; 3], radius: 2.0, speed: -3.0, angle: 0.1, inclination: 0.5 };
        for t in [0.0, 0.4, 2.0] {
            let [x, y, z] = circle.place(t);
            assert!(((x * x + y * y + z * z).sqrt() - 2.0).abs() < 1e-14);
            assert!((z * 0.5f64.cos() - y * 0.5f64.sin()).abs() < 1e-14);
        }
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        let place = [0.0; 3];
        for (times, word) in
            [(vec![0.0], "at least 2"), (vec![0.0, 0.0], "increase"), (vec![0.0, f64::NAN], "finite")]
        {
            let places = vec![place; times.len()];
            assert!(Track::new(times, places).unwrap_err().contains(word));
        }
    }
}
