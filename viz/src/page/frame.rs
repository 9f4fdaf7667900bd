//! Encodes frames for the page: ten bytes per body.

use super::choice::{Choice, speed};
use std::ops::Range;
use treecode::Bodies;

/// Number of steps of a coordinate along the cube: 24 bits.
const STEPS: f64 = ((1u32 << 24) - 1) as f64;
/// Number of steps of a speed.
const SPEEDS: f64 = 254.0;

/// The chosen bodies of one frame, in the order of the choice.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Upper 16 bits of the coordinates.
    high: Vec<[u16; 3]>,
    /// Lower 8 bits of the coordinates.
    low: Vec<[u8; 3]>,
    /// Speed in steps, plus 1; 0 if the body is missing in the frame.
    speed: Vec<u8>,
}

impl Frame {
    /// Encodes the chosen bodies of a frame.
    #[must_use]
    pub fn of(choice: &Choice, bodies: &Bodies) -> Frame {
        let count = choice.len();
        let mut frame = Frame { high: vec![[0; 3]; count], low: vec![[0; 3]; count], speed: vec![0; count] };
        for i in 0..bodies.len() {
            let Some(place) = choice.place(bodies, i) else { continue };
            let position = bodies.position(i);
            let steps: [u32; 3] = std::array::from_fn(|axis| {
                ((position[axis] - choice.corner[axis]) / choice.side * STEPS).round().min(STEPS) as u32
            });
            frame.high[place] = steps.map(|steps| (steps >> 8) as u16);
            frame.low[place] = steps.map(|steps| steps as u8);
            let fraction = if choice.speed > 0.0 { (speed(bodies, i) / choice.speed).min(1.0) } else { 0.0 };
            frame.speed[place] = 1 + (fraction * SPEEDS).round() as u8;
        }
        frame
    }

    /// Bytes of a range of bodies: upper bits of all, lower bits of all, speeds of all.
    #[must_use]
    pub fn bytes(&self, bodies: Range<usize>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(10 * bodies.len());
        bytes.extend(self.high[bodies.clone()].iter().flatten().flat_map(|high| high.to_le_bytes()));
        bytes.extend(self.low[bodies.clone()].iter().flatten());
        bytes.extend(&self.speed[bodies]);
        bytes
    }

    /// Memory of the frame [bytes].
    #[must_use]
    pub fn size(&self) -> usize {
        10 * self.speed.len()
    }
}
