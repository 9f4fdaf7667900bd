//! Errors of pictures, movies and plots.

use crate::encode::SLOWEST;
use crate::view::{GREATEST_WIDTH, LEAST_WIDTH, MAXIMUM_SIZE, MINIMUM_SIZE};

/// Why a picture or a movie could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The size of the picture is out of range.
    #[error("a picture of {0}x{1} pixels: each side must be from {MINIMUM_SIZE} to {MAXIMUM_SIZE}")]
    Size(usize, usize),
    /// The width of the view is out of range.
    #[error("the width of the picture is {0:?}: it must be from {LEAST_WIDTH:?} to {GREATEST_WIDTH:?}")]
    Width(f64),
    /// The centre of the view is not finite.
    #[error("the centre of the picture is ({0:?}, {1:?}, {2:?}): it must be finite")]
    Centre(f64, f64, f64),
    /// The direction of the camera is not finite.
    #[error("the direction of the camera is azimuth {0:?}, elevation {1:?}, roll {2:?}: all must be finite")]
    Direction(f64, f64, f64),
    /// The angle of view is out of range [degree].
    #[error("an angle of view of {0:?} degrees: must be from 1 to 150")]
    Angle(f64),
    /// The range of surface densities is not positive, finite and rising.
    #[error("the range of the colours is {0:?} to {1:?}: it must be positive, finite and rising")]
    Range(f64, f64),
    /// The percentiles do not rise from 0 to 100 at most.
    #[error("the range of the colours is {0:?} % to {1:?} %: must rise from 0 to 100 at most")]
    Percent(f64, f64),
    /// A body has an invalid mass or position.
    #[error("body {id} has a mass or position that is not finite, or a negative mass")]
    Body {
        /// Id of the body.
        id: u64,
    },
    /// The value that sets the colour of a body is not finite.
    #[error("body {id} is to be coloured by a number that is not finite")]
    Value {
        /// Id of the body.
        id: u64,
    },
    /// The frame rate is out of range for the format [1/s].
    #[error("{0:?} frames per second: such a movie can show from {SLOWEST:?} to {1:?}")]
    FramesPerSecond(f64, f64),
    /// A frame and its movie differ in size.
    #[error("a frame of {}x{} pixels in a movie of {}x{}", .frame[0], .frame[1], .movie[0], .movie[1])]
    FrameSize {
        /// Size of the frame [pixels].
        frame: [usize; 2],
        /// Size of the movie [pixels].
        movie: [usize; 2],
    },
    /// The PNG encoder failed.
    #[error("PNG encoding failed: {0}")]
    Png(#[from] png::EncodingError),
    /// The labels of a figure leave no room for its panels.
    #[error(
        "a figure of {width:?} mm: its labels and panels need at least {least:?} mm; give a larger width or a smaller font"
    )]
    Narrow {
        /// The width that was asked for [mm].
        width: f64,
        /// The least width [mm].
        least: f64,
    },
    /// The bitmap of a figure would be too large.
    #[error(
        "a figure of {0}x{1} pixels: must have at most {2} million; give a smaller width or fewer dots per inch"
    )]
    Figure(usize, usize, usize),
    /// The poster would be too large.
    #[error(
        "a poster of {0}x{1} pixels: each side must be at most {2}; give smaller panels or other --columns"
    )]
    Poster(usize, usize, usize),
    /// The movie was finished before its last frame.
    #[error("a movie lacks {0} of its frames")]
    FramesMissing(usize),
    /// The movie has no frames.
    #[error("a movie of no frames")]
    NoFrames,
    /// The file is not a valid PNG.
    #[error("no PNG file: {0}")]
    Decoding(#[from] png::DecodingError),
    /// The PNG is not 8-bit RGB.
    #[error("a picture that is not in RGB of 8 bits")]
    OtherColours,
    /// The GIF encoder failed.
    #[error("GIF encoding failed: {0}")]
    Gif(#[from] gif::EncodingError),
}
