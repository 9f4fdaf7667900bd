//! Perceptual colours: equal steps of brightness look equal, also in print and to colour-blind
//! readers.
//!
//! Four colour maps come from the crate `colorous` (Apache-2.0). It took them from matplotlib (van
//! der Walt & Smith 2015, CC0) and from cividis (Nuñez, Anderton & Renslow 2018). The other colours
//! are computed in the Oklab space (Ottosson 2020). There, equal steps in lightness and in the two
//! numbers for hue and strength look equal to the eye.

use std::sync::LazyLock;

/// A colour: red, green and blue, each from 0 to 255.
pub type Rgb = [u8; 3];

/// A perceptual colour map from dark to bright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourMap {
    /// Black, red, yellow.
    #[default]
    Inferno,
    /// Black, purple, white.
    Magma,
    /// Blue, green, yellow.
    Viridis,
    /// Blue, grey, yellow. It looks the same to colour-blind readers.
    Cividis,
    /// Black, blue, rose, cream: the colours of a spiral galaxy from the outskirts to the bulge.
    Galaxy,
}

/// The two Oklab coordinates other than lightness: green to red, and blue to yellow.
type Tone = [f64; 2];

/// The tones of [`ColourMap::Galaxy`] at equal steps of brightness.
const GALAXY: [Tone; 6] =
    [[0.0, 0.0], [0.010, -0.075], [0.040, -0.095], [0.080, -0.015], [0.045, 0.070], [0.0, 0.030]];
/// The tones of the groups: blue, orange, green, magenta, yellow, turquoise.
const GROUPS: [Tone; 6] =
    [[-0.055, -0.130], [0.085, 0.105], [-0.130, 0.080], [0.140, -0.060], [0.000, 0.140], [-0.120, -0.015]];
/// Tones for unsigned values (slow to fast, young to old): blue, violet, rose, orange, yellow.
const RISING: [Tone; 5] = [[-0.035, -0.150], [0.070, -0.120], [0.140, 0.010], [0.090, 0.110], [0.000, 0.140]];
/// Tones for signed values, from approaching to receding: blue, no colour, red.
const SIGNED: [Tone; 3] = [[-0.050, -0.150], [0.0, 0.0], [0.165, 0.080]];
/// Oklab lightness of the brightest colour.
const WHITE: f64 = 0.98;
/// Number of colours in the table for [`ColourMap::Galaxy`].
const TABLE: usize = 1024;

impl ColourMap {
    /// The colour at `brightness` from 0 to 1.
    pub fn colour(self, brightness: f64) -> Rgb {
        static TABLED: LazyLock<Vec<Rgb>> = LazyLock::new(|| {
            let colour = |t: f64| from_oklab(WHITE * t, between(&GALAXY, t));
            (0..TABLE).map(|i| colour(i as f64 / (TABLE - 1) as f64)).collect()
        });
        let brightness = brightness.clamp(0.0, 1.0);
        let gradient = match self {
            ColourMap::Inferno => colorous::INFERNO,
            ColourMap::Magma => colorous::MAGMA,
            ColourMap::Viridis => colorous::VIRIDIS,
            ColourMap::Cividis => colorous::CIVIDIS,
            ColourMap::Galaxy => return TABLED[(brightness * (TABLE - 1) as f64).round() as usize],
        };
        gradient.eval_continuous(brightness).into_array()
    }
}

/// The colour of a pixel with this brightness whose value lies at `place` in the range of values.
/// Both are from 0 to 1.
pub(crate) fn of_value(place: f64, signed: bool, brightness: f64) -> Rgb {
    let tones: &[Tone] = if signed { &SIGNED } else { &RISING };
    tinted(between(tones, place.clamp(0.0, 1.0)), brightness)
}

/// The colour of a pixel with this brightness (0 to 1) in which each group has the given fraction
/// of the surface density.
pub(crate) fn of_parts(parts: impl Iterator<Item = f64>, brightness: f64) -> Rgb {
    let mut tone = [0.0; 2];
    for (group, part) in parts.enumerate() {
        (0..2).for_each(|k| tone[k] += part * GROUPS[group % GROUPS.len()][k]);
    }
    tinted(tone, brightness)
}

/// Number of groups that have a tone of their own.
pub const GROUP_TONES: usize = GROUPS.len();

/// The colour of a tone at a brightness. Dark colours are less saturated, and the brightest are
/// white.
fn tinted(tone: Tone, brightness: f64) -> Rgb {
    let strength =
        (brightness / 0.4).min(1.0) * (1.0 - 0.85 * ((brightness - 0.6) / 0.4).clamp(0.0, 1.0).powi(2));
    from_oklab(WHITE * brightness, tone.map(|x| x * strength))
}

/// Interpolates between equally spaced tones at `place`, from 0 to 1.
fn between(tones: &[Tone], place: f64) -> Tone {
    let step = place * (tones.len() - 1) as f64;
    let first = (step as usize).min(tones.len() - 2);
    let part = step - first as f64;
    std::array::from_fn(|k| tones[first][k] + part * (tones[first + 1][k] - tones[first][k]))
}

/// The sRGB colour of a lightness and a tone. Ottosson (2020), "A perceptual color space for image
/// processing".
fn from_oklab(lightness: f64, [a, b]: Tone) -> Rgb {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    let linear = [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ];
    linear.map(|x| {
        let encoded = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        (255.0 * encoded).round().clamp(0.0, 255.0) as u8
    })
}

/// Blends `over` onto `under` with an opacity from 0 to 1.
pub(crate) fn blend(under: Rgb, over: Rgb, opacity: f64) -> Rgb {
    std::array::from_fn(|i| {
        let (under, over) = (f64::from(under[i]), f64::from(over[i]));
        (under + (over - under) * opacity).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Oklab lightness of a colour.
    fn lightness(colour: Rgb) -> f64 {
        let [r, g, b] = colour.map(|x| {
            let x = f64::from(x) / 255.0;
            if x <= 0.040_45 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
        });
        let l = 0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b;
        let m = 0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b;
        let s = 0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b;
        0.210_454_255_3 * l.cbrt() + 0.793_617_785_0 * m.cbrt() - 0.004_072_046_8 * s.cbrt()
    }

    #[test]
    fn known_colours_of_oklab() {
        assert_eq!(from_oklab(1.0, [0.0, 0.0]), [255; 3]);
        assert_eq!(from_oklab(0.0, [0.0, 0.0]), [0; 3]);
        assert_eq!(from_oklab(0.627_955_4, [0.224_863_1, 0.125_846_3]), [255, 0, 0]);
    }

    /// In every map, brightness rises throughout. In our own map it rises by equal steps, except
    /// for the rounding of the darkest colours.
    #[test]
    fn brightness_rises_evenly() {
        for map in
            [ColourMap::Inferno, ColourMap::Magma, ColourMap::Viridis, ColourMap::Cividis, ColourMap::Galaxy]
        {
            let steps: Vec<f64> = (0..=32).map(|i| lightness(map.colour(f64::from(i) / 32.0))).collect();
            assert!(steps[2..].windows(2).all(|pair| pair[1] > pair[0]), "{map:?}: {steps:?}");
            if map == ColourMap::Galaxy {
                let off = (4..=32).map(|i| (steps[i] - WHITE * i as f64 / 32.0).abs()).fold(0.0, f64::max);
                assert!(off < 0.02, "off by {off}");
            }
        }
    }

    /// The tint does not change the lightness: two pixels of one brightness are equally light.
    #[test]
    fn tints_leave_the_lightness_alone() {
        for brightness in [0.2, 0.5, 0.8, 1.0] {
            let colours = (0..=8).flat_map(|i| {
                let place = f64::from(i) / 8.0;
                [of_value(place, false, brightness), of_value(place, true, brightness)]
            });
            let groups = (0..GROUP_TONES)
                .map(|group| of_parts((0..GROUP_TONES).map(|k| f64::from(u8::from(k == group))), brightness));
            for colour in colours.chain(groups) {
                let off = lightness(colour) - WHITE * brightness;
                assert!(off.abs() < 0.05, "{colour:?} is off by {off} at {brightness}");
            }
        }
    }

    #[test]
    fn equal_parts_of_opposite_groups_have_little_colour() {
        let [r, g, b] = of_parts([0.5, 0.5].into_iter(), 0.6).map(i32::from);
        assert!((r - g).abs() < 25 && (g - b).abs() < 25, "{r} {g} {b}");
    }
}
