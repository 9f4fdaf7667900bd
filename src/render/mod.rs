//! `heorot render`: draws pictures and movies of snapshots.
//!
//! All pictures of a call share one brightness scale. Unless the options give them, the extent of
//! the picture and the scale depend on the whole sequence. Snapshots are then read up to three
//! times: for the extent, for the scale, and to be drawn. `heorot poster` uses `studio.rs`, too.
#![allow(clippy::disallowed_methods)] // no result depends on pictures

mod camera;
pub(crate) mod ends;
mod film;
mod frames;
pub(crate) mod marks;
pub(crate) mod options;
pub(crate) mod sequence;
mod studio;
pub(crate) mod tint;

use crate::console::{Progress, duration, say};
use crate::ranks::crew::Crew;
use crate::ranks::launch::on_all_ranks;
use anyhow::{Result, ensure};
use film::Plan;
pub(crate) use frames::Scene;
pub use options::{Arguments, AxesOptions, Look, size};
pub use sequence::{Extent, Sequence, named_types};
use std::time::Instant;
pub use studio::Studio;
pub(crate) use studio::redshift_label;

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, an option cannot be satisfied, or a file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| draw(crew, arguments))
}

fn draw(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let look = &arguments.look;
    let size = arguments.axes.size(arguments.size, 1, false)?;
    let frames = arguments.frames.map(|frames| frames as usize);
    let sequence =
        crew.agree(|| Sequence::open(&arguments.snapshots, look.kinds(), look.reading.isolated))?;
    let plan = crew.agree(|| {
        let inputs = arguments.snapshots.iter().chain(&arguments.camera);
        let mut outputs = arguments.overwrite.reading(inputs);
        Plan::new(&arguments.outputs, &sequence.entries, frames, arguments.frames_per_second, &mut outputs)
    })?;
    let still = sequence.entries.len() == 1
        && arguments.orbit.is_none()
        && arguments.zoom.is_none()
        && arguments.camera.is_none();
    ensure!(
        !still || frames.is_none_or(|frames| frames == 1),
        "--frames of one snapshot: all frames would be the same; move the camera with --orbit, --zoom or --camera"
    );
    let mut studio = Studio::new(crew, look, &sequence, size, frames)?;
    if arguments.orbit.is_some() || arguments.zoom.is_some() {
        studio.move_camera(arguments.orbit.unwrap_or(0.0), arguments.zoom.unwrap_or(1.0));
    } else if let Some(path) = &arguments.camera {
        crew.agree(|| studio.move_camera_along(path))?;
    }
    let style = studio.style(arguments.decorations(), arguments.transparent)?;
    let (count, mut films) = (studio.count(), Vec::new());
    crew.lead(|| {
        let size = style.decorations.axes.map_or(size, |look| viz::size_with_axes(size, look));
        films = plan.begin(size, &style, arguments.frames_per_second)?;
        Ok(())
    })?;
    let (progress, clock) = (crew.leads().then(|| Progress::new(count as u64)), Instant::now());
    for i in 0..count {
        let label = studio.label(i);
        let density = studio.draw(i)?;
        crew.lead(|| {
            let picture = viz::render(&density, &style, &label).with_dpi(arguments.axes.paper_dpi(false));
            films.iter_mut().try_for_each(|film| film.push(i, &picture))
        })?;
        let Some(progress) = &progress else { continue };
        let done = i as u64 + 1;
        let left = duration(clock.elapsed().mul_f64((count - i - 1) as f64 / done as f64));
        progress.step(done, &format!("frame {done} of {count}  {label}  eta {left}"), format!("eta {left}"));
    }
    drop(progress);
    crew.lead(|| {
        for film in films {
            for path in film.finish()? {
                say(&path.display().to_string());
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
