//! Perceptual colour maps: equal steps of brightness look equal, also in print and to the colour-blind.
//!
//! The tables come from the crate `colorous` (Apache-2.0), after matplotlib's (van der Walt & Smith 2015, CC0) and
//! cividis of Nuñez, Anderton & Renslow (2018).

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// A perceptual colour map from dark to bright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourMap {
    /// Black, red, yellow.
    #[default]
    Inferno,
    /// Black, purple, white.
    Magma,
    /// Blue, green, yellow.
    Viridis,
    /// Blue, grey, yellow: the same to colour-blind eyes.
    Cividis,
}

impl ColourMap {
    /// The colour at `brightness` from 0 to 1.
    pub fn colour(self, brightness: f64) -> Rgb {
        let gradient = match self {
            ColourMap::Inferno => colorous::INFERNO,
            ColourMap::Magma => colorous::MAGMA,
            ColourMap::Viridis => colorous::VIRIDIS,
            ColourMap::Cividis => colorous::CIVIDIS,
        };
        gradient.eval_continuous(brightness.clamp(0.0, 1.0)).into_array()
    }

    /// `steps` colours from the darkest to the brightest.
    pub fn steps(self, steps: usize) -> Vec<Rgb> {
        (0..steps).map(|i| self.colour(i as f64 / (steps - 1) as f64)).collect()
    }
}

/// `over` laid on `under` with an opacity from 0 to 1.
pub fn blend(under: Rgb, over: Rgb, opacity: f64) -> Rgb {
    std::array::from_fn(|i| {
        let (under, over) = (f64::from(under[i]), f64::from(over[i]));
        (under + (over - under) * opacity).round() as u8
    })
}
