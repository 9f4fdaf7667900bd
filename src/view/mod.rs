//! `heorot view`: interactive view of bodies in a browser, from one HTML file or from a local
//! server.
//!
//! A [`Clip`] reads the snapshots. [`viz::page`] chooses the bodies and makes the page.

mod clip;
mod server;

use crate::cli::bodies_in;
use crate::console::say;
use crate::files::galaxies::Named;
use crate::files::kinds;
use crate::files::outputs::Overwrite;
use crate::render::options::galaxy;
use crate::render::sequence::Sequence;
use anyhow::Result;
use clip::Clip;
use io::Kind;
use std::path::PathBuf;

/// Make a page that shows bodies in a browser: turn, zoom and play.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Snapshots of this program or another one. If a snapshot has several files, give any or all
    /// of them; they count as one snapshot. The snapshots are played in the order of their times.
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Page to write: one file that needs no network and no other file.
    #[arg(
        long,
        short,
        value_name = "FILE.html",
        required_unless_present = "serve",
        conflicts_with = "serve"
    )]
    pub output: Option<PathBuf>,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Serve the page to browsers on this machine instead, and send the bodies in pieces on
    /// request; Ctrl-C ends the server.
    #[arg(long)]
    pub serve: bool,
    /// Port of the server [default: any free port].
    #[arg(long, value_name = "PORT", conflicts_with = "output")]
    pub port: Option<u16>,
    /// Show at most N bodies, chosen with equal probability, but all bodies of a type that has at
    /// most 32. A page has at most 1000000 [default: 1000000, fewer for many snapshots; 100000000
    /// with --serve].
    #[arg(long, value_name = "N", value_parser = bodies_in::<1, MOST_SERVED>)]
    pub bodies: Option<u64>,
    /// Particle types to show, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// First and last id of each galaxy, as 0-59999,60000-119999 or with names as
    /// A=0-59999,B=60000-119999, for colours by galaxy [default: those of the model of the run, if
    /// it has several].
    #[arg(long, value_name = "[NAME=]FIRST-LAST,...", value_delimiter = ',', value_parser = galaxy)]
    pub galaxies: Vec<Named>,
}

const HELP: &str = "Examples:
  heorot view out/snapshot_*.hdf5 -o collision.html
  heorot view big_*.hdf5 --serve --port 8080

Open the page with a double click. Turn, zoom and pan with the mouse or with fingers; space plays. The
panel lists all keys. Bodies are chosen by a hash of their ids, so all snapshots show the same ones.";

/// Greatest number of bodies in a page that a browser still rotates smoothly.
const MOST_BODIES: u64 = 1_000_000;
/// Greatest number of served bodies: one snapshot of them fits into the memory of a graphics card.
const MOST_SERVED: u64 = 100_000_000;
/// Default limit of bodies times snapshots in a page, whose size is then about 130 MB.
const MOST_PLACES: u64 = 10_000_000;
/// Least number of bodies for many snapshots.
const FEWEST_BODIES: u64 = 10_000;

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, bodies cannot be followed from one to the next, or the page cannot
/// be written or served.
pub fn main(arguments: &Arguments) -> Result<()> {
    let mut outputs = arguments.overwrite.reading(&arguments.snapshots);
    let target = arguments.output.as_ref().map(|path| outputs.file(path, Kind::PAGE)).transpose()?;
    let kinds = kinds::chosen(&arguments.types);
    let sequence = Sequence::open(&arguments.snapshots, kinds, false)?;
    let most = most_bodies(arguments, sequence.entries.len() as u64) as usize;
    let clip = Clip::new(sequence, most, &arguments.galaxies)?;
    let (shown, total) = (clip.description.choice.len(), clip.description.choice.total);
    let frames = clip.frames();
    let what = format!("{shown} of {total} bodies, {frames} snapshots");
    let Some(target) = target else {
        let tell = |address| say(&format!("http://{address}/  {what}; Ctrl-C ends"));
        return server::serve(clip, arguments.port.unwrap_or(0), tell);
    };
    let page = clip.description.page(|number| clip.frame(number))?;
    target.write(page.as_bytes())?;
    say(&format!("{}  {what}, {:.1} MB", target.path().display(), page.len() as f64 / 1e6));
    Ok(())
}

fn most_bodies(arguments: &Arguments, frames: u64) -> u64 {
    match arguments.bodies {
        Some(bodies) if arguments.serve => bodies,
        Some(bodies) => bodies.min(MOST_BODIES),
        None if arguments.serve => MOST_SERVED,
        None => (MOST_PLACES / frames).clamp(FEWEST_BODIES, MOST_BODIES),
    }
}

#[cfg(test)]
mod tests;
