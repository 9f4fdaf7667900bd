//! Pictures to bytes: PNG, and GIF for movies. Who calls decides where the bytes go.

use crate::colour::{ColourMap, Rgb};
use crate::decoration::text_colours;
use crate::view::check_size;
use crate::{Error, Picture};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// A picture as a PNG file.
///
/// # Errors
/// [`Error::Png`] when the encoder fails.
pub fn encode_png(picture: &Picture) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let [width, height] = picture.size().map(|n| n as u32);
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.pixels().as_flattened())?;
    writer.finish()?;
    Ok(bytes)
}

/// Colours of the map in a movie's palette; the rest is for text.
const MAP_COLOURS: usize = 176;
/// Grounds that text may stand on, and steps from each of them to white.
const TEXT_COLOURS: (usize, usize) = (5, 16);

/// An animated GIF in the making. All frames share one palette, so that colours stand still.
pub struct Movie {
    size: [usize; 2],
    delay: u16,
    palette: Vec<Rgb>,
    known: HashMap<Rgb, u8>,
    encoder: gif::Encoder<Vec<u8>>,
}

impl Movie {
    /// A movie of frames of `size` pixels in the colours of `colours`, which repeats for ever.
    ///
    /// # Errors
    /// [`Error::Size`] as for a [`View`](crate::View); [`Error::FramesPerSecond`] outside 0.1 to 50 (GIF counts hundredths of a second); [`Error::Gif`].
    pub fn new(size: [usize; 2], colours: ColourMap, frames_per_second: f64) -> Result<Movie, Error> {
        check_size(size)?;
        if !(0.1..=50.0).contains(&frames_per_second) {
            return Err(Error::FramesPerSecond(frames_per_second));
        }
        let mut palette = colours.steps(MAP_COLOURS);
        palette.extend(text_colours(colours, TEXT_COLOURS.0, TEXT_COLOURS.1));
        let [width, height] = size.map(|n| n as u16);
        let mut encoder = gif::Encoder::new(Vec::new(), width, height, palette.as_flattened())?;
        encoder.set_repeat(gif::Repeat::Infinite)?;
        let delay = (100.0 / frames_per_second).round() as u16;
        Ok(Movie { size, delay, palette, known: HashMap::new(), encoder })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// [`Error::FrameSize`] for a picture of another size than the movie's; [`Error::Gif`].
    pub fn push(&mut self, picture: &Picture) -> Result<(), Error> {
        if picture.size() != self.size {
            return Err(Error::FrameSize { frame: picture.size(), movie: self.size });
        }
        self.learn(picture.pixels());
        let frame = gif::Frame {
            delay: self.delay,
            width: self.size[0] as u16,
            height: self.size[1] as u16,
            buffer: picture.pixels().iter().map(|pixel| self.known[pixel]).collect(),
            ..gif::Frame::default()
        };
        Ok(self.encoder.write_frame(&frame)?)
    }

    /// The movie as a GIF file.
    ///
    /// # Errors
    /// [`Error::Gif`] when the encoder fails.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        Ok(self.encoder.into_inner()?)
    }

    /// Finds the nearest colour of the palette for every new colour of a frame.
    fn learn(&mut self, pixels: &[Rgb]) {
        let mut last = None;
        let new = pixels
            .iter()
            .filter(|&pixel| last.replace(*pixel) != Some(*pixel) && !self.known.contains_key(pixel));
        let new: BTreeSet<Rgb> = new.copied().collect();
        let new: Vec<Rgb> = new.into_iter().collect();
        let found: Vec<u8> = new.par_iter().map(|&colour| nearest(&self.palette, colour)).collect();
        self.known.extend(new.into_iter().zip(found));
    }
}

/// The place in the palette of the colour that differs least; green counts most and blue least, as to the eye.
fn nearest(palette: &[Rgb], colour: Rgb) -> u8 {
    let distance = |other: &Rgb| {
        let squared = |i: usize| (i32::from(other[i]) - i32::from(colour[i])).pow(2);
        3 * squared(0) + 6 * squared(1) + 2 * squared(2)
    };
    let best = (0..palette.len()).min_by_key(|&i| distance(&palette[i])).expect("a palette is not empty");
    best as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, Range, Style, SurfaceDensity, View};
    use treecode::{Bodies, TYPES};

    fn frame(x: f64, colours: ColourMap) -> Picture {
        let mut bodies = Bodies::zeroed(50);
        bodies.mass.fill(1.0);
        bodies.pos[0].fill(x);
        let view = View::new([200, 160], [0.0; 3], 10.0, Axis::Z).unwrap();
        let density = SurfaceDensity::project(&bodies, [true; TYPES], &view).unwrap();
        let style = Style { colours, range: Range::new(0.1, 100.0).unwrap(), units: None };
        crate::render(&density, &style, "t = 1.00")
    }

    #[test]
    fn a_png_has_the_pixels_of_the_picture() {
        let picture = frame(0.5, ColourMap::Viridis);
        let bytes = encode_png(&picture).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (200, 160, png::ColorType::Rgb));
        assert_eq!(pixels, picture.pixels().as_flattened());
    }

    #[test]
    fn a_gif_has_all_frames_in_nearly_the_colours_of_the_pictures() {
        for colours in [ColourMap::Inferno, ColourMap::Magma, ColourMap::Viridis, ColourMap::Cividis] {
            let frames = [frame(-2.0, colours), frame(2.0, colours)];
            let mut movie = Movie::new([200, 160], colours, 20.0).unwrap();
            frames.iter().for_each(|frame| movie.push(frame).unwrap());
            let bytes = movie.finish().unwrap();
            let mut options = gif::DecodeOptions::new();
            options.set_color_output(gif::ColorOutput::RGBA);
            let mut decoder = options.read_info(bytes.as_slice()).unwrap();
            for picture in &frames {
                let shown = decoder.read_next_frame().unwrap().unwrap();
                assert_eq!(shown.delay, 5);
                let errors = picture.pixels().iter().zip(shown.buffer.chunks(4)).map(|(pixel, shown)| {
                    (0..3).map(|i| i32::from(pixel[i]).abs_diff(i32::from(shown[i]))).max().unwrap()
                });
                let mut errors: Vec<u32> = errors.collect();
                errors.sort_unstable();
                println!(
                    "{colours:?} {:?}",
                    [50, 80, 90, 95, 98, 99].map(|p| errors[errors.len() * p / 100])
                );
                assert!(
                    errors[errors.len() - 1] <= 48,
                    "{colours:?}: a pixel is off by {}",
                    errors[errors.len() - 1]
                );
            }
            assert!(decoder.read_next_frame().unwrap().is_none());
        }
    }

    #[test]
    fn a_movie_refuses_other_sizes_and_impossible_speeds() {
        let mut movie = Movie::new([300, 160], ColourMap::Inferno, 15.0).unwrap();
        let error = movie.push(&frame(0.0, ColourMap::Inferno)).unwrap_err().to_string();
        assert_eq!(error, "a frame of 200x160 pixels in a movie of 300x160");
        for speed in [0.0, -1.0, 60.0, f64::NAN] {
            assert!(Movie::new([300, 160], ColourMap::Inferno, speed).is_err(), "{speed} frames per second");
        }
    }
}
