//! Writes frames as pictures, and as movies: GIF, animated PNG, or MP4 through ffmpeg.

use super::sequence::Entry;
use anyhow::{Context, Result, bail, ensure};
use io::{Outputs, Part, Target};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use viz::{Apng, Gif, Picture, Style, encode_png};

/// An output that frames are added to.
pub(super) enum Film {
    /// One file per picture.
    Pictures(Vec<Target>),
    /// An animated GIF and its file.
    Gif(Target, Box<Gif>),
    /// An animated PNG and its file.
    Apng(Target, Box<Apng>),
    /// An MP4.
    Mp4(Mp4),
}

/// Kind of an output, by its name.
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
            let hint =
                if matches!(other, "svg" | "pdf") { "; `heorot poster` makes SVG and PDF" } else { "" };
            bail!(
                "{}: {other} is not made; give a .png, .gif, .apng or .mp4, or a folder{hint}",
                path.display()
            )
        }
        Some(other) if is_ending(other) && !path.is_dir() && !ends_as_folder(path) => bail!(
            "{}: .{other} is not made; give a .png, .gif, .apng or .mp4, or a folder, with / behind its name",
            path.display()
        ),
        _ => Kind::Folder,
    })
}

/// Whether this is the ending of a file name. Folders such as `run.2` or `merger_0.5` have none.
fn is_ending(ending: &str) -> bool {
    ending.len() <= 5 && ending.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn ends_as_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The output files, checked before anything is drawn.
pub(super) struct Plan {
    outputs: Vec<Output>,
    count: usize,
}

/// One output of the command line.
enum Output {
    Picture(Target),
    Gif(Target),
    Apng(Target),
    Mp4(Target),
    /// A folder, its pictures, and their movie if there are several.
    Folder(PathBuf, Vec<Target>, Option<Target>),
}

impl Plan {
    /// The files for pictures of these snapshots, or for `frames` frames between them. `allowed`
    /// checks which files may be written.
    ///
    /// # Errors
    /// If pictures would overwrite each other or a protected file, or an output cannot hold them.
    pub(super) fn new(
        outputs: &[PathBuf],
        entries: &[Entry],
        frames: Option<usize>,
        frames_per_second: f64,
        allowed: &mut Outputs,
    ) -> Result<Plan> {
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
            let is_gif = *kind == Kind::Gif || (*kind == Kind::Folder && count > 1);
            let fastest = if is_gif { viz::FASTEST_GIF } else { viz::FASTEST };
            ensure!(
                (viz::SLOWEST..=fastest).contains(&frames_per_second),
                "{shown}: {}",
                viz::Error::FramesPerSecond(frames_per_second, fastest)
            );
        }
        if outputs.iter().any(|(_, kind)| *kind == Kind::Mp4) {
            find_ffmpeg()?;
        }
        let names = match frames {
            Some(count) => (0..count).map(|i| format!("frame_{i:05}.png")).collect(),
            None => names(entries)?,
        };
        let mut claim = |(path, kind): (PathBuf, Kind)| {
            Ok(match kind {
                Kind::Picture => Output::Picture(allowed.file(&path, io::Kind::PICTURE)?),
                Kind::Gif => Output::Gif(allowed.file(&path, io::Kind::MOVIE)?),
                Kind::Apng => Output::Apng(allowed.file(&path, io::Kind::MOVIE)?),
                Kind::Mp4 => Output::Mp4(allowed.file(&path, io::Kind::MOVIE)?),
                Kind::Folder => {
                    let mut file = |name: &String, kind| allowed.file_in(&path, name, kind);
                    let pictures =
                        names.iter().map(|name| file(name, io::Kind::PICTURE)).collect::<Result<_, _>>()?;
                    let movie =
                        (count > 1).then(|| file(&"movie.gif".to_owned(), io::Kind::MOVIE)).transpose()?;
                    Output::Folder(path, pictures, movie)
                }
            })
        };
        let outputs = outputs.into_iter().map(&mut claim).collect::<Result<_>>()?;
        Ok(Plan { outputs, count })
    }

    /// Opens all files.
    ///
    /// # Errors
    /// If one cannot be created.
    pub(super) fn begin(self, size: [usize; 2], style: &Style, frames_per_second: f64) -> Result<Vec<Film>> {
        let gif = |target| {
            Ok::<_, viz::Error>(Film::Gif(target, Box::new(Gif::new(size, style, frames_per_second)?)))
        };
        let mut films = Vec::new();
        for output in self.outputs {
            match output {
                Output::Picture(target) => films.push(Film::Pictures(vec![target])),
                Output::Gif(target) => films.push(gif(target)?),
                Output::Apng(target) => {
                    let movie = Apng::new(size, style.transparent, self.count, frames_per_second)?;
                    films.push(Film::Apng(target, Box::new(movie)));
                }
                Output::Mp4(target) => films.push(Film::Mp4(Mp4::begin(target, size, frames_per_second)?)),
                Output::Folder(path, pictures, movie) => {
                    std::fs::create_dir_all(&path)
                        .with_context(|| format!("{}: cannot make this folder", path.display()))?;
                    films.push(Film::Pictures(pictures));
                    films.extend(movie.map(gif).transpose()?);
                }
            }
        }
        Ok(films)
    }
}

/// The file name of each snapshot's picture. Two snapshots with the same name are refused, because
/// their pictures would overwrite each other.
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
    pub(super) fn push(&mut self, i: usize, picture: &Picture) -> Result<()> {
        match self {
            Film::Pictures(targets) => targets[i].write(&encode_png(picture)?)?,
            Film::Gif(_, movie) => movie.push(picture)?,
            Film::Apng(_, movie) => movie.push(picture)?,
            Film::Mp4(movie) => movie.push(picture)?,
        }
        Ok(())
    }

    /// Writes everything that remains and returns the paths of all files.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>> {
        match self {
            Film::Pictures(targets) => Ok(targets.iter().map(|target| target.path().to_owned()).collect()),
            Film::Gif(target, movie) => put(&target, &movie.finish()?),
            Film::Apng(target, movie) => put(&target, &movie.finish()?),
            Film::Mp4(movie) => movie.finish().map(|path| vec![path]),
        }
    }
}

fn put(target: &Target, bytes: &[u8]) -> Result<Vec<PathBuf>> {
    target.write(bytes)?;
    Ok(vec![target.path().to_owned()])
}

/// An MP4 that ffmpeg encodes. The file appears when it is complete.
pub(super) struct Mp4 {
    encoder: Encoder,
    part: Part,
}

/// The ffmpeg process and its output file. Dropping it ends the process.
struct Encoder {
    process: Child,
    path: PathBuf,
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
    fn begin(target: Target, size: [usize; 2], frames_per_second: f64) -> Result<Mp4> {
        let path = target.path().to_owned();
        let part = target.begin()?;
        let process = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pixel_format", "rgb24"])
            .args(["-video_size", &format!("{}x{}", size[0], size[1])])
            .args(["-framerate", &frames_per_second.to_string(), "-i", "-"])
            // Players require even sides and this pixel format.
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
            // ffmpeg reads a name with a colon as a protocol and one with a dash as an option,
            // unless it begins with /.
            .arg(std::path::absolute(part.path()).context("there is no current folder")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("ffmpeg cannot be started")?;
        Ok(Mp4 { encoder: Encoder { process, path }, part })
    }

    fn push(&mut self, picture: &Picture) -> Result<()> {
        let pipe = self.encoder.process.stdin.as_mut().expect("the pipe is open until the end");
        match pipe.write_all(picture.pixels().as_flattened()) {
            Ok(()) => Ok(()),
            Err(_) => bail!(self.encoder.complaint()),
        }
    }

    fn finish(mut self) -> Result<PathBuf> {
        drop(self.encoder.process.stdin.take());
        let complaint = self.encoder.complaint();
        let status = self.encoder.process.wait().context("ffmpeg was lost")?;
        ensure!(status.success(), complaint);
        self.part.finish()?;
        Ok(self.encoder.path.clone())
    }
}

impl Encoder {
    /// The last error message of ffmpeg, after it has ended.
    fn complaint(&mut self) -> String {
        drop(self.process.stdin.take());
        let mut said = String::new();
        let _ = self.process.stderr.take().map(|mut pipe| pipe.read_to_string(&mut said));
        let last = said.lines().last().unwrap_or("it gives no reason").to_owned();
        format!("{}: ffmpeg failed: {last}", self.path.display())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
