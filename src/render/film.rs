//! Where frames go: pictures, and movies as GIF, as animated PNG, or through ffmpeg as MP4.

use super::sequence::Entry;
use anyhow::{Context, Result, bail, ensure};
use io::replace_atomically;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use viz::{Apng, Gif, Picture, Style, encode_png};

/// A movie or pictures in the making.
pub enum Film {
    /// A file for each picture.
    Pictures(Vec<PathBuf>),
    /// An animated GIF, and where it goes.
    Gif(PathBuf, Box<Gif>),
    /// An animated PNG, and where it goes.
    Apng(PathBuf, Box<Apng>),
    /// An MP4.
    Mp4(Mp4),
}

/// What an output is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Picture,
    Gif,
    Apng,
    Mp4,
    Folder,
}

fn kind(path: &Path) -> Result<Kind> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    Ok(match extension.as_deref() {
        Some("png") => Kind::Picture,
        Some("gif") => Kind::Gif,
        Some("apng") => Kind::Apng,
        Some("mp4") => Kind::Mp4,
        Some(
            other @ ("jpg" | "jpeg" | "tif" | "tiff" | "webp" | "svg" | "pdf" | "avi" | "mkv" | "mov"
            | "webm"),
        ) => {
            bail!("{}: {other} is not made; give a .png, .gif, .apng or .mp4, or a folder", path.display())
        }
        _ => Kind::Folder,
    })
}

/// Which files pictures go to, checked before anything is drawn.
pub struct Plan {
    outputs: Vec<(PathBuf, Kind)>,
    /// The names of pictures in a folder.
    names: Vec<String>,
}

impl Plan {
    /// The files for pictures of these snapshots, or of so many frames between them.
    ///
    /// # Errors
    /// If pictures would overwrite each other, or an output cannot hold them.
    pub fn new(outputs: &[PathBuf], entries: &[Entry], frames: Option<usize>) -> Result<Plan> {
        let outputs: Vec<(PathBuf, Kind)> =
            outputs.iter().map(|path| Ok((path.clone(), kind(path)?))).collect::<Result<_>>()?;
        let count = frames.unwrap_or(entries.len());
        for (path, kind) in &outputs {
            let shown = path.display();
            ensure!(
                *kind != Kind::Picture || count == 1,
                "{shown}: one picture cannot hold {count}; give a folder, or a .gif, .apng or .mp4"
            );
            ensure!(*kind == Kind::Folder || !path.is_dir(), "{shown}: is a folder");
        }
        if outputs.iter().any(|(_, kind)| *kind == Kind::Mp4) {
            find_ffmpeg()?;
        }
        let names = match frames {
            Some(count) => (0..count).map(|i| format!("frame_{i:05}.png")).collect(),
            None => names(entries)?,
        };
        Ok(Plan { outputs, names })
    }

    /// Begins all files; folders are made.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn begin(&self, size: [usize; 2], style: &Style, frames_per_second: f64) -> Result<Vec<Film>> {
        let count = self.names.len();
        ensure!(
            (viz::SLOWEST..=viz::FASTEST).contains(&frames_per_second),
            viz::Error::FramesPerSecond(frames_per_second, viz::FASTEST)
        );
        let gif = |path: PathBuf| {
            Ok::<_, viz::Error>(Film::Gif(path, Box::new(Gif::new(size, style, frames_per_second)?)))
        };
        let mut films = Vec::new();
        for (path, kind) in &self.outputs {
            match kind {
                Kind::Picture => films.push(Film::Pictures(vec![path.clone()])),
                Kind::Gif => films.push(gif(path.clone())?),
                Kind::Apng => {
                    let movie = Apng::new(size, style.transparent, count, frames_per_second)?;
                    films.push(Film::Apng(path.clone(), Box::new(movie)));
                }
                Kind::Mp4 => films.push(Film::Mp4(Mp4::begin(path, size, frames_per_second)?)),
                Kind::Folder => {
                    films.push(Film::Pictures(self.names.iter().map(|name| path.join(name)).collect()));
                    if count > 1 {
                        films.push(gif(path.join("movie.gif"))?);
                    }
                    std::fs::create_dir_all(path)
                        .with_context(|| format!("{}: cannot make this folder", path.display()))?;
                }
            }
        }
        Ok(films)
    }
}

/// The name of each snapshot's picture. Two snapshots of one name would overwrite each other: that is refused.
fn names(entries: &[Entry]) -> Result<Vec<String>> {
    let mut taken: BTreeMap<String, &Path> = BTreeMap::new();
    let mut names = Vec::new();
    for Entry { path, .. } in entries {
        let stem = path.file_stem().with_context(|| format!("{}: not the name of a file", path.display()))?;
        let name = format!("{}.png", stem.to_string_lossy());
        if let Some(other) = taken.insert(name.clone(), path) {
            bail!("{} and {} would both be drawn as {name}", other.display(), path.display());
        }
        names.push(name);
    }
    Ok(names)
}

impl Film {
    /// Adds the `i`-th frame.
    ///
    /// # Errors
    /// If it cannot be encoded or written.
    pub fn push(&mut self, i: usize, picture: &Picture) -> Result<()> {
        match self {
            Film::Pictures(paths) => replace_atomically(&paths[i], &encode_png(picture)?)?,
            Film::Gif(_, movie) => movie.push(picture)?,
            Film::Apng(_, movie) => movie.push(picture)?,
            Film::Mp4(movie) => movie.push(picture)?,
        }
        Ok(())
    }

    /// Writes what is not written yet; says what there is.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<Vec<PathBuf>> {
        match self {
            Film::Pictures(paths) => Ok(paths),
            Film::Gif(path, movie) => {
                replace_atomically(&path, &movie.finish()?).map(|()| vec![path]).map_err(Into::into)
            }
            Film::Apng(path, movie) => {
                replace_atomically(&path, &movie.finish()?).map(|()| vec![path]).map_err(Into::into)
            }
            Film::Mp4(movie) => movie.finish().map(|path| vec![path]),
        }
    }
}

/// An MP4 that ffmpeg encodes; it appears when it is whole.
pub struct Mp4 {
    path: PathBuf,
    part: PathBuf,
    encoder: Child,
    done: bool,
}

fn find_ffmpeg() -> Result<()> {
    let asked = Command::new("ffmpeg")
        .arg("-version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match asked {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("ffmpeg is not there, which .mp4 needs; .gif and .apng are made without it")
        }
        other => other.map(|_| ()).context("ffmpeg cannot be started"),
    }
}

impl Mp4 {
    fn begin(path: &Path, size: [usize; 2], frames_per_second: f64) -> Result<Mp4> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let encoder = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24"])
            .args(["-video_size", &format!("{}x{}", size[0], size[1])])
            .args(["-framerate", &frames_per_second.to_string(), "-i", "-"])
            // Players want even sides and colours in this order.
            .args([
                "-vf",
                "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                "-c:v",
                "libx264",
                "-crf",
                "18",
                "-pix_fmt",
                "yuv420p",
            ])
            .args(["-movflags", "+faststart", "-f", "mp4"])
            .arg(&part)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("ffmpeg cannot be started")?;
        Ok(Mp4 { path: path.to_owned(), part, encoder, done: false })
    }

    fn push(&mut self, picture: &Picture) -> Result<()> {
        let pipe = self.encoder.stdin.as_mut().expect("the pipe is open until the end");
        match pipe.write_all(picture.pixels().as_flattened()) {
            Ok(()) => Ok(()),
            Err(_) => bail!(self.complaint()),
        }
    }

    fn finish(mut self) -> Result<PathBuf> {
        drop(self.encoder.stdin.take());
        let complaint = self.complaint();
        let status = self.encoder.wait().context("ffmpeg was lost")?;
        ensure!(status.success(), complaint);
        std::fs::rename(&self.part, &self.path)
            .with_context(|| format!("{}: cannot be put in place", self.path.display()))?;
        self.done = true;
        Ok(self.path.clone())
    }

    /// What ffmpeg says last, once it has ended.
    fn complaint(&mut self) -> String {
        drop(self.encoder.stdin.take());
        let mut said = String::new();
        let _ = self.encoder.stderr.take().map(|mut pipe| pipe.read_to_string(&mut said));
        let last = said.lines().last().unwrap_or("it gives no reason").to_owned();
        format!("{}: ffmpeg failed: {last}", self.path.display())
    }
}

impl Drop for Mp4 {
    /// Leaves nothing half-written.
    fn drop(&mut self) {
        if !self.done {
            let _ = self.encoder.kill();
            let _ = self.encoder.wait();
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
