//! Pictures in memory, and a plotters backend that draws on them with well-rendered text.
//!
//! `decoration` renders a surface density with time, scale bar and colour bar, `axes` draws axes around
//! it, and `mark` draws single bodies. `poster` puts several pictures side by side.

pub(crate) mod axes;
pub(crate) mod decoration;
pub(crate) mod mark;
pub(crate) mod poster;

use crate::colour::{Rgb, blend};
use crate::text::font;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::convert::Infallible;

/// Opacity of the dark halo around text.
const HALO_OPACITY: f64 = 0.7;

/// A picture of RGB pixels, with or without transparency.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    size: [usize; 2],
    pixels: Vec<Rgb>,
    /// From 0, transparent, to 255, opaque.
    opacity: Option<Vec<u8>>,
    /// Pixels per inch on paper.
    dpi: Option<f64>,
}

impl Picture {
    /// A picture of `size` (width, height) and `pixels`, row by row from the upper left.
    pub fn new(size: [usize; 2], pixels: Vec<Rgb>) -> Picture {
        assert_eq!(
            size[0] * size[1],
            pixels.len(),
            "a picture has another number of pixels than its size says"
        );
        Picture { size, pixels, opacity: None, dpi: None }
    }

    /// The same picture with an opacity for each pixel, from 0 to 255.
    pub fn with_opacity(self, opacity: Vec<u8>) -> Picture {
        assert_eq!(self.pixels.len(), opacity.len(), "a picture has another number of pixels than opacities");
        Picture { opacity: Some(opacity), ..self }
    }

    /// The same picture with a resolution on paper [pixels per inch], which a PNG file states.
    pub fn with_dpi(self, dpi: Option<f64>) -> Picture {
        Picture { dpi, ..self }
    }

    /// The resolution on paper, if it has one [pixels per inch].
    pub fn dpi(&self) -> Option<f64> {
        self.dpi
    }

    /// Width and height [pixels].
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// The pixels, row by row from the upper left.
    pub fn pixels(&self) -> &[Rgb] {
        &self.pixels
    }

    /// The opacity of each pixel, if not all are opaque.
    pub fn opacity(&self) -> Option<&[u8]> {
        self.opacity.as_deref()
    }

    /// Copies an opaque picture onto this one, with its upper left corner at `corner`. It must not
    /// extend beyond this one.
    pub fn paste(&mut self, other: &Picture, [x, y]: [usize; 2]) {
        let width = other.size[0];
        for (row, pixels) in other.pixels.chunks(width).enumerate() {
            let first = (y + row) * self.size[0] + x;
            self.pixels[first..first + width].copy_from_slice(pixels);
        }
    }

    /// A surface on which plotters draws.
    pub fn canvas(&mut self) -> Canvas<'_> {
        Canvas { picture: self, halo: 0 }
    }

    /// Lays a colour over a pixel. Nothing happens outside the picture.
    fn lay(&mut self, [x, y]: [i32; 2], colour: Rgb, opacity: f64) {
        let [width, height] = self.size.map(|n| n as i32);
        if opacity > 0.0 && (0..width).contains(&x) && (0..height).contains(&y) {
            let at = (y * width + x) as usize;
            let over = opacity.min(1.0);
            let under = self.opacity.as_ref().map_or(1.0, |opacity| f64::from(opacity[at]) / 255.0);
            let both = over + under * (1.0 - over); // Porter & Duff (1984), "over"
            self.pixels[at] = blend(self.pixels[at], colour, over / both);
            if let Some(opacity) = &mut self.opacity {
                opacity[at] = (255.0 * both).round() as u8;
            }
        }
    }
}

/// A plotters backend that draws on a [`Picture`]. Unlike the backend of plotters, it positions
/// glyphs to a fraction of a pixel. It can also draw a dark halo that keeps text legible on any
/// background.
pub struct Canvas<'a> {
    picture: &'a mut Picture,
    halo: usize,
}

impl Canvas<'_> {
    /// Gives text a dark halo of `halo` pixels.
    pub fn with_halo(self, halo: usize) -> Self {
        Canvas { halo, ..self }
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.picture.size[0] as u32, self.picture.size[1] as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.picture.lay([x, y], colour.rgb.into(), colour.alpha);
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let mask = font::set(text, style.size());
        let [width, height] = mask.size.map(|n| n as i32);
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        let colour = style.color();
        let halo = self.halo as i32;
        let halo_opacity = HALO_OPACITY * colour.alpha;
        let mut lay = |i: i32, j: i32, rgb: Rgb, opacity: f64| {
            let (dx, dy) = style.transform().transform(left + i, top + j);
            self.picture.lay([x + dx, y + dy], rgb, opacity);
        };
        if halo > 0 {
            let grown = mask.grown(self.halo);
            for (j, i) in (-halo..height + halo).flat_map(|j| (-halo..width + halo).map(move |i| (j, i))) {
                lay(i, j, [0, 0, 0], halo_opacity * grown.at([i + halo, j + halo]));
            }
        }
        for (j, i) in (0..height).flat_map(|j| (0..width).map(move |i| (j, i))) {
            lay(i, j, colour.rgb.into(), colour.alpha * mask.at([i, j]));
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(font::whole_extent(text, style.size()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_on_a_clear_ground_looks_the_same_over_any_other() {
        let laid = |ground: Rgb, opacity: Option<u8>| {
            let mut picture = Picture::new([1, 1], vec![[200, 100, 0]]);
            picture.pixels[0] =
                if opacity.is_none() { blend(ground, picture.pixels[0], 0.4) } else { picture.pixels[0] };
            if let Some(opacity) = opacity {
                picture = picture.with_opacity(vec![opacity]);
            }
            picture.lay([0, 0], [255; 3], 0.5);
            picture
        };
        let clear = laid([0; 3], Some(102));
        let opacity = f64::from(clear.opacity().unwrap()[0]) / 255.0;
        for ground in [[0; 3], [255; 3], [30, 200, 90]] {
            let expected = laid(ground, None).pixels[0];
            let seen = blend(ground, clear.pixels[0], opacity);
            assert!((0..3).all(|k| expected[k].abs_diff(seen[k]) <= 2), "{expected:?} {seen:?}");
        }
    }

    #[test]
    fn a_pasted_picture_is_where_it_was_laid() {
        let mut ground = Picture::new([4, 3], vec![[0; 3]; 12]);
        ground.paste(&Picture::new([2, 2], vec![[9; 3]; 4]), [1, 1]);
        let lit: Vec<usize> = (0..12).filter(|i| ground.pixels[*i] == [9; 3]).collect();
        assert_eq!(lit, [5, 6, 9, 10]);
    }
}
