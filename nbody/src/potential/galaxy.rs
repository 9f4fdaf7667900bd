//! The potential of discs with exponential surface density and of spheroids.

use super::{Field, Multipole};
use treecode::math::{cosh, exp, ln, norm, powf, tanh};

/// A disc of the surface density S exp(-R_m/R - R/R_d).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disc {
    /// G times the surface density S [L/T^2].
    pub surface: f64,
    /// Scale length R_d [L].
    pub scale: f64,
    /// Scale length R_m of the central hole [L], 0 for none.
    pub hole: f64,
    /// Scale height z_d [L].
    pub height: f64,
    /// Whether the vertical density follows sech^2(z / 2 z_d) instead of exp(-|z| / z_d).
    pub isothermal: bool,
}

/// A spheroid of the density rho (1 + m/r_0)^-alpha exp(-(m/r_c)^2), m^2 = R^2 + z^2/q^2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spheroid {
    /// G times the density rho [1/T^2].
    pub density: f64,
    /// Scale radius r_0 [L].
    pub scale: f64,
    /// Slope alpha.
    pub slope: f64,
    /// Cut-off radius r_c [L].
    pub cut: f64,
    /// Axis ratio q.
    pub ratio: f64,
}

/// Potential of discs and spheroids together. A term in closed form, 4 pi G sigma(r) H(z) with H''
/// the vertical profile, accounts for the thin structure of the discs. The rest of the density is
/// smooth. Its potential is a multipole expansion (Kuijken & Dubinski 1995; Dehnen & Binney 1998,
/// section 2.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Galaxy {
    discs: Vec<Disc>,
    rest: Multipole,
}

/// Limits of the radial grid, in scale lengths of the smallest and of the largest component.
const LEAST: f64 = 1e-3;
const GREATEST: f64 = 50.0;

impl Galaxy {
    /// The potential of at least one disc or spheroid.
    pub fn new(discs: &[Disc], spheroids: &[Spheroid]) -> Galaxy {
        let small = discs.iter().map(|disc| disc.scale).chain(spheroids.iter().map(|part| part.scale));
        let large = discs.iter().map(|disc| disc.scale).chain(spheroids.iter().map(|part| part.cut));
        let (least, greatest) = (small.fold(f64::INFINITY, f64::min), large.fold(0.0, f64::max));
        let density = |r: f64, z: f64| {
            let flat: f64 = discs.iter().map(|disc| disc.rest(r, z)).sum();
            flat + spheroids.iter().map(|part| part.density(r, z)).sum::<f64>()
        };
        let rest = Multipole::new(density, LEAST * least, GREATEST * greatest);
        Galaxy { discs: discs.to_vec(), rest }
    }

    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let mut field = self.rest.field(place);
        self.discs.iter().for_each(|disc| field.add(&disc.thin(place)));
        field
    }
}

impl Spheroid {
    pub(super) fn density(&self, r: f64, z: f64) -> f64 {
        let m = (r * r + z * z / (self.ratio * self.ratio)).sqrt();
        self.density * powf(1.0 + m / self.scale, -self.slope) * exp(-(m / self.cut).powi(2))
    }
}

impl Disc {
    /// G times the surface density at a radius, and its first and second derivatives.
    fn surface(&self, r: f64) -> [f64; 3] {
        if self.hole > 0.0 && r < 1e-3 * self.hole {
            return [0.0; 3]; // exp(-1000) is 0
        }
        let (dip, curve) = if self.hole > 0.0 { (self.hole / r, self.hole / (r * r)) } else { (0.0, 0.0) };
        let value = self.surface * exp(-dip - r / self.scale);
        let slope = curve - 1.0 / self.scale;
        let bend = if self.hole > 0.0 { 2.0 * curve / r } else { 0.0 };
        [value, value * slope, value * (slope * slope - bend)]
    }

    /// The vertical profile of integral 1, and its integral and double integral from the plane.
    fn vertical(&self, z: f64) -> [f64; 3] {
        let z_d = self.height;
        let (height, sign) = (z.abs(), if z < 0.0 { -1.0 } else { 1.0 });
        if self.isothermal {
            let x = 0.5 * height / z_d;
            // ln cosh x, which does not overflow.
            let log = x + ln(0.5 * (1.0 + exp(-2.0 * x)));
            let sech = if x < 300.0 { 1.0 / cosh(x) } else { 0.0 };
            [0.25 * sech * sech / z_d, sign * 0.5 * tanh(x), z_d * log]
        } else {
            let fall = exp(-height / z_d);
            [0.5 * fall / z_d, sign * 0.5 * (1.0 - fall), 0.5 * (height - z_d * (1.0 - fall))]
        }
    }

    /// G times the density.
    #[cfg(test)]
    pub(super) fn density(&self, r: f64, z: f64) -> f64 {
        self.surface(r)[0] * self.vertical(z)[0]
    }

    /// G times the part of the density that the potential in closed form does not have.
    fn rest(&self, r: f64, z: f64) -> f64 {
        let radius = (r * r + z * z).sqrt();
        let [value, slope, bend] = self.surface(radius);
        let [profile, once, twice] = self.vertical(z);
        (self.surface(r)[0] - value) * profile - bend * twice - 2.0 * slope / radius * (twice + z * once)
    }

    /// The field 4 pi G sigma(r) H(z).
    fn thin(&self, place: [f64; 3]) -> Field {
        const FOUR_PI: f64 = 4.0 * std::f64::consts::PI;
        let radius = norm(place);
        if radius == 0.0 {
            return Field::default();
        }
        let ([value, slope, _], [_, once, twice]) = (self.surface(radius), self.vertical(place[2]));
        let along = -FOUR_PI * slope * twice / radius;
        let mut acceleration = place.map(|x| along * x);
        acceleration[2] -= FOUR_PI * value * once;
        Field { potential: FOUR_PI * value * twice, acceleration }
    }
}
