//! What can be wrong with a wish for a picture.

use crate::encode::SLOWEST;
use crate::view::{MAXIMUM_SIZE, MINIMUM_SIZE};

/// Why a picture or a movie could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A picture of this size is not drawn.
    #[error("a picture of {0}x{1} pixels: each side must be from {MINIMUM_SIZE} to {MAXIMUM_SIZE}")]
    Size(usize, usize),
    /// The frame has no extent, or none that is finite.
    #[error("the width of the picture is {0}: it must be positive and finite")]
    Width(f64),
    /// The frame lies nowhere.
    #[error("the centre of the picture is ({0}, {1}, {2}): it must be finite")]
    Centre(f64, f64, f64),
    /// The camera stands nowhere.
    #[error("the direction of the camera is azimuth {0}, elevation {1}, roll {2}: all must be finite")]
    Direction(f64, f64, f64),
    /// A perspective that no camera has.
    #[error("an angle of view of {0} degrees: must be from 1 to 150")]
    Angle(f64),
    /// A brightness scale without an extent.
    #[error("the range of the colours is {0} to {1}: it must be positive, finite and rising")]
    Range(f64, f64),
    /// Percentiles that are none.
    #[error("the range of the colours is {0} % to {1} %: must rise from 0 to 100 at most")]
    Percent(f64, f64),
    /// A body that has no place or no mass.
    #[error("body {id} has a mass or position that is not finite, or a negative mass")]
    Body {
        /// Its id.
        id: u64,
    },
    /// A body that is to be coloured by no number.
    #[error("body {id} is to be coloured by a number that is not finite")]
    Value {
        /// Its id.
        id: u64,
    },
    /// A speed that a movie cannot have.
    #[error("{0} frames per second: such a movie can show from {SLOWEST} to {1}")]
    FramesPerSecond(f64, f64),
    /// A frame that does not fit the movie.
    #[error("a frame of {}x{} pixels in a movie of {}x{}", .frame[0], .frame[1], .movie[0], .movie[1])]
    FrameSize {
        /// Size of the frame in pixels.
        frame: [usize; 2],
        /// Size of the movie in pixels.
        movie: [usize; 2],
    },
    /// The PNG encoder failed.
    #[error("PNG encoding failed: {0}")]
    Png(#[from] png::EncodingError),
    /// Small multiples that make no poster.
    #[error(
        "a poster of {0}x{1} pixels: each side must be at most {2}; give smaller panels or other --columns"
    )]
    Poster(usize, usize, usize),
    /// A movie that was ended before its last frame.
    #[error("a movie lacks {0} of its frames")]
    FramesMissing(usize),
    /// A movie without frames.
    #[error("a movie of no frames")]
    NoFrames,
    /// A file is no PNG.
    #[error("no PNG file: {0}")]
    Decoding(#[from] png::DecodingError),
    /// A PNG of another kind than ours.
    #[error("a picture that is not in RGB of 8 bits")]
    OtherColours,
    /// The GIF encoder failed.
    #[error("GIF encoding failed: {0}")]
    Gif(#[from] gif::EncodingError),
}
