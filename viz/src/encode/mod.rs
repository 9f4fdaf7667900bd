//! Encodes pictures as PNG, and movies as GIF or APNG. `pdf` makes pages with vectors, text and
//! pictures. The caller writes the bytes.

pub(crate) mod pdf;

use crate::colour::Rgb;
use crate::view::check_size;
use crate::{Error, Picture, Style};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Encodes a picture as a PNG file, with opacity if it has one.
///
/// # Errors
/// [`Error::Png`] when the encoder fails.
pub fn encode_png(picture: &Picture) -> Result<Vec<u8>, Error> {
    encode(picture, png::Compression::Balanced)
}

/// Like [`encode_png`], in a fraction of the time and with a somewhat larger file.
///
/// # Errors
/// As [`encode_png`].
pub fn encode_png_quickly(picture: &Picture) -> Result<Vec<u8>, Error> {
    encode(picture, png::Compression::Fastest)
}

fn encode(picture: &Picture, compression: png::Compression) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut encoder = png_encoder(&mut bytes, picture.size(), picture.opacity().is_some());
    encoder.set_compression(compression);
    encoder.set_pixel_dims(picture.dpi().map(pixels_per_metre));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples(picture))?;
    writer.finish()?;
    Ok(bytes)
}

/// The resolution of a PNG file, from pixels per inch.
fn pixels_per_metre(dpi: f64) -> png::PixelDimensions {
    let pixels = (dpi / 0.0254).round() as u32;
    png::PixelDimensions { xppu: pixels, yppu: pixels, unit: png::Unit::Meter }
}

fn png_encoder<'a, W: Write>(out: W, size: [usize; 2], opacity: bool) -> png::Encoder<'a, W> {
    let mut encoder = png::Encoder::new(out, size[0] as u32, size[1] as u32);
    encoder.set_color(if opacity { png::ColorType::Rgba } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder
}

/// The bytes of all pixels, with opacity if the picture has one.
fn samples(picture: &Picture) -> std::borrow::Cow<'_, [u8]> {
    match picture.opacity() {
        None => picture.pixels().as_flattened().into(),
        Some(opacity) => {
            let pixels = picture.pixels().iter().zip(opacity);
            pixels.flat_map(|([r, g, b], opacity)| [*r, *g, *b, *opacity]).collect()
        }
    }
}

/// Reads a picture from a PNG file that [`encode_png`] made of an opaque picture.
///
/// # Errors
/// [`Error::Decoding`] if it is not such a file.
pub fn decode_png(bytes: &[u8]) -> Result<Picture, Error> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info()?;
    let mut samples = vec![0; reader.output_buffer_size().unwrap_or(0)];
    let info = reader.next_frame(&mut samples)?;
    let (pixels, rest) = samples.as_chunks::<3>();
    let size = [info.width as usize, info.height as usize];
    match info.color_type == png::ColorType::Rgb && rest.is_empty() && pixels.len() == size[0] * size[1] {
        true => Ok(Picture::new(size, pixels.to_vec())),
        false => Err(Error::OtherColours),
    }
}

/// Refuses sizes that no view has, and frame rates outside [`SLOWEST`] to `fastest`.
fn check(size: [usize; 2], frames_per_second: f64, fastest: f64) -> Result<(), Error> {
    check_size(size)?;
    match (SLOWEST..=fastest).contains(&frames_per_second) {
        true => Ok(()),
        false => Err(Error::FramesPerSecond(frames_per_second, fastest)),
    }
}

fn check_frame(picture: &Picture, movie: [usize; 2]) -> Result<(), Error> {
    if picture.size() == movie { Ok(()) } else { Err(Error::FrameSize { frame: picture.size(), movie }) }
}

/// Smallest frame rate of a movie [1/s].
pub const SLOWEST: f64 = 0.1;
/// Greatest frame rate of a GIF [1/s]. GIF counts time in hundredths of a second.
pub const FASTEST_GIF: f64 = 50.0;
/// Greatest frame rate of any other movie [1/s].
pub const FASTEST: f64 = 120.0;

/// A shared buffer for an encoder that owns its output.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An encoder for animated PNG. Every pixel is kept exactly.
pub struct Apng {
    size: [usize; 2],
    /// Number of frames that are still missing.
    left: usize,
    sink: Sink,
    writer: png::Writer<Sink>,
}

impl Apng {
    /// A movie of `frames` frames of `size` pixels that repeats for ever, with opacity if the
    /// pictures have one.
    ///
    /// # Errors
    /// [`Error::Size`] as for a [`View`](crate::View); [`Error::FramesPerSecond`] outside
    /// [`SLOWEST`] to [`FASTEST`]; [`Error::NoFrames`]; [`Error::Png`].
    pub fn new(
        size: [usize; 2],
        opacity: bool,
        frames: usize,
        frames_per_second: f64,
    ) -> Result<Apng, Error> {
        check(size, frames_per_second, FASTEST)?;
        if frames == 0 {
            return Err(Error::NoFrames);
        }
        let sink = Sink::default();
        let mut encoder = png_encoder(sink.clone(), size, opacity);
        encoder.set_animated(frames as u32, 0)?;
        encoder.set_frame_delay((1000.0 / frames_per_second).round() as u16, 1000)?;
        Ok(Apng { size, left: frames, writer: encoder.write_header()?, sink })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// [`Error::FrameSize`] if the picture and the movie differ in size; [`Error::Png`].
    pub fn push(&mut self, picture: &Picture) -> Result<(), Error> {
        check_frame(picture, self.size)?;
        self.writer.write_image_data(&samples(picture))?;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }

    /// Returns the movie as a PNG file.
    ///
    /// # Errors
    /// [`Error::FramesMissing`] if fewer frames were added than announced; [`Error::Png`].
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        if self.left > 0 {
            return Err(Error::FramesMissing(self.left));
        }
        self.writer.finish()?;
        Ok(std::mem::take(&mut *self.sink.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Number of palette colours for bodies in a GIF. The rest is for text.
const BODY_COLOURS: usize = 176;
/// Number of backgrounds of text in the palette, and of steps from each of them to white.
const TEXT_COLOURS: (usize, usize) = (5, 16);

/// An encoder for animated GIF. All frames share one palette, so that colours do not flicker.
pub struct Gif {
    size: [usize; 2],
    delay: u16,
    palette: Vec<Rgb>,
    known: HashMap<Rgb, u8>,
    encoder: gif::Encoder<Vec<u8>>,
}

impl Gif {
    /// A movie of frames of `size` pixels in the colours of `style`, which repeats for ever.
    ///
    /// # Errors
    /// [`Error::Size`] as for a [`View`](crate::View); [`Error::FramesPerSecond`] outside 0.1 to
    /// 50; [`Error::Gif`].
    pub fn new(size: [usize; 2], style: &Style, frames_per_second: f64) -> Result<Gif, Error> {
        check(size, frames_per_second, FASTEST_GIF)?;
        let palette = style.palette(BODY_COLOURS, TEXT_COLOURS.0, TEXT_COLOURS.1);
        let [width, height] = size.map(|n| n as u16);
        let mut encoder = gif::Encoder::new(Vec::new(), width, height, palette.as_flattened())?;
        encoder.set_repeat(gif::Repeat::Infinite)?;
        let delay = (100.0 / frames_per_second).round() as u16;
        Ok(Gif { size, delay, palette, known: HashMap::new(), encoder })
    }

    /// Adds a frame. Its opacity is ignored.
    ///
    /// # Errors
    /// [`Error::FrameSize`] if the picture and the movie differ in size; [`Error::Gif`].
    pub fn push(&mut self, picture: &Picture) -> Result<(), Error> {
        check_frame(picture, self.size)?;
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

    /// Returns the movie as a GIF file.
    ///
    /// # Errors
    /// [`Error::Gif`] when the encoder fails.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        Ok(self.encoder.into_inner()?)
    }

    /// Finds the nearest palette colour for every new colour of a frame.
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

/// Index of the nearest palette colour. Differences in green count most and in blue least, as for
/// the eye.
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
    use crate::{ColourMap, Colours, Decorations, Direction, Range, Subject, SurfaceDensity, Tint, View};
    use treecode::{Bodies, TYPES};

    fn style(colours: Colours, transparent: bool) -> Style {
        let range = Range::new(0.1, 100.0).unwrap();
        Style { colours, range, units: None, decorations: Decorations::ALL, comoving: false, transparent }
    }

    fn frame(x: f64, style: &Style) -> Picture {
        let mut bodies = Bodies::zeroed(50);
        bodies.mass.fill(1.0);
        bodies.pos[0].fill(x);
        let view = View::new([200, 160], [0.0; 3], 10.0, Direction::Z).unwrap();
        let groups: Vec<u8> = (0..50).map(|i| i % 2).collect();
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let tint = match &style.colours {
            Colours::Map(_) | Colours::Numbers(_) => Tint::Plain,
            Colours::Value { .. } => Tint::Value(&values),
            Colours::Groups(_) => Tint::Group { of: &groups, groups: 2 },
        };
        let subject = Subject { bodies: &bodies, kinds: [true; TYPES], lengths: &[2.0; 50], tint };
        let density = SurfaceDensity::project(&subject, &view).unwrap();
        crate::render(&density, style, "t = 1.00")
    }

    fn plain() -> Style {
        style(Colours::Map(ColourMap::Viridis), false)
    }

    #[test]
    fn a_png_has_the_pixels_of_the_picture() {
        let picture = frame(0.5, &plain());
        for encode in [encode_png, encode_png_quickly] {
            assert_eq!(decode_png(&encode(&picture).unwrap()).unwrap(), picture);
        }
        assert!(decode_png(b"not a picture").is_err());
    }

    #[test]
    fn a_png_keeps_the_opacity() {
        let picture = frame(0.5, &style(Colours::Map(ColourMap::Magma), true));
        let bytes = encode_png(&picture).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        assert_eq!(reader.next_frame(&mut samples).unwrap().color_type, png::ColorType::Rgba);
        let opacity: Vec<u8> = samples.chunks(4).map(|pixel| pixel[3]).collect();
        assert_eq!(Some(&opacity[..]), picture.opacity());
        assert_eq!(decode_png(&bytes).unwrap_err().to_string(), "a picture that is not in RGB of 8 bits");
    }

    #[test]
    fn an_apng_has_all_frames_as_they_are() {
        let frames = [-2.0, 0.0, 2.0].map(|x| frame(x, &plain()));
        let mut movie = Apng::new([200, 160], false, 3, 25.0).unwrap();
        frames.iter().for_each(|frame| movie.push(frame).unwrap());
        let bytes = movie.finish().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        assert_eq!(
            reader.info().animation_control.map(|control| (control.num_frames, control.num_plays)),
            Some((3, 0))
        );
        for frame in &frames {
            let mut samples = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut samples).unwrap();
            let shown = reader.info().frame_control.unwrap();
            assert_eq!((shown.delay_num, shown.delay_den), (40, 1000));
            assert_eq!(samples, frame.pixels().as_flattened());
        }
        let short = Apng::new([200, 160], false, 2, 25.0).unwrap();
        assert!(short.finish().is_err(), "frames are missing");
        assert!(Apng::new([200, 160], false, 0, 25.0).is_err());
    }

    #[test]
    fn a_gif_has_all_frames_in_nearly_the_colours_of_the_pictures() {
        let maps =
            [ColourMap::Inferno, ColourMap::Magma, ColourMap::Viridis, ColourMap::Cividis, ColourMap::Galaxy];
        let value = Colours::Value { range: [0.0, 50.0], signed: true, title: "v".into(), per_unit: 1.0 };
        let others = [value, Colours::Groups(vec!["one".into(), "two".into()])];
        for colours in maps.map(Colours::Map).into_iter().chain(others) {
            let style = style(colours, false);
            let frames = [frame(-2.0, &style), frame(2.0, &style)];
            let mut movie = Gif::new([200, 160], &style, 20.0).unwrap();
            frames.iter().for_each(|frame| movie.push(frame).unwrap());
            let bytes = movie.finish().unwrap();
            let mut options = gif::DecodeOptions::new();
            options.set_color_output(gif::ColorOutput::RGBA);
            let mut decoder = options.read_info(bytes.as_slice()).unwrap();
            for picture in &frames {
                let shown = decoder.read_next_frame().unwrap().unwrap();
                assert_eq!(shown.delay, 5);
                let error = |(pixel, shown): (&Rgb, &[u8])| {
                    (0..3).map(|i| i32::from(pixel[i]).abs_diff(i32::from(shown[i]))).max()
                };
                let worst =
                    picture.pixels().iter().zip(shown.buffer.chunks(4)).filter_map(error).max().unwrap();
                assert!(worst <= 48, "{:?}: a pixel is off by {worst}", style.colours);
            }
            assert!(decoder.read_next_frame().unwrap().is_none());
        }
    }

    #[test]
    fn a_movie_refuses_other_sizes_and_impossible_speeds() {
        let mut gif = Gif::new([300, 160], &plain(), 15.0).unwrap();
        let mut apng = Apng::new([300, 160], false, 1, 15.0).unwrap();
        for error in [gif.push(&frame(0.0, &plain())), apng.push(&frame(0.0, &plain()))] {
            assert_eq!(error.unwrap_err().to_string(), "a frame of 200x160 pixels in a movie of 300x160");
        }
        assert!(
            Gif::new([300, 160], &plain(), 60.0).is_err() && Apng::new([300, 160], false, 1, 60.0).is_ok()
        );
        for speed in [0.0, -1.0, 130.0, f64::NAN] {
            assert!(Gif::new([300, 160], &plain(), speed).is_err(), "{speed} frames per second");
            assert!(Apng::new([300, 160], false, 1, speed).is_err(), "{speed} frames per second");
        }
    }
}
