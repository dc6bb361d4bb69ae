//! Poster and proxy of a video by ffmpeg, where the operator has it. Everything else works without.
//!
//! It reads the video through a signed address of our own S3 listener, so that a poster of a gigabyte costs a few megabytes.
//! The format is forced and the protocols are named: a playlist or a script that calls itself a video makes it read nothing
//! else. It runs in a folder of its own with limits, never through a shell, and is killed with the job.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eyrie_catalogue::Media;
use eyrie_media::picture::{PREVIEW_PX, Picture, PictureError, look, whole_picture};
use tempfile::TempDir;

use crate::app::App;
use crate::program::{self, Limits, ProgramError};

/// What to do when it is missing.
pub const MISSING: &str = "ffmpeg is not installed on the server: install the Debian package ffmpeg (apt install ffmpeg), or \
                           name the program with the setting media.ffmpeg";

const POSTER_LIMITS: Limits =
    Limits { time: Duration::from_secs(60), memory_bytes: 4 << 30, file_bytes: MAX_POSTER_BYTES };
const MAX_POSTER_BYTES: u64 = 64 << 20;
/// An hour of 4K at a third of real time.
const PROXY_LIMITS: Limits =
    Limits { time: Duration::from_secs(4 * 3_600), memory_bytes: 6 << 30, file_bytes: 16 << 30 };
/// Moments that are tried for the poster, seconds: recordings begin with the rotors.
const POSTER_AT_S: [&str; 2] = ["1", "0"];
/// Names of what it writes into its folder.
const POSTER: &str = "poster.jpg";
const PROXY: &str = "proxy.mp4";
const PROGRESS: &str = "progress.txt";
/// How much of the progress file's end is looked at, bytes.
const PROGRESS_BYTES: u64 = 1_024;

/// Why ffmpeg made nothing.
#[derive(Debug, thiserror::Error)]
pub enum FfmpegError {
    #[error("{MISSING}")]
    Missing,
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error("ffmpeg found no picture in the video")]
    NoPicture,
    #[error("what ffmpeg made cannot be read")]
    Unreadable(#[source] PictureError),
    #[error("the folder for ffmpeg cannot be used")]
    Folder(#[from] std::io::Error),
}

impl FfmpegError {
    /// The video is at fault, as far as can be told.
    pub fn blames_the_video(&self) -> bool {
        match self {
            Self::Program(ProgramError::Failed { .. } | ProgramError::TimeLimit { .. })
            | Self::NoPicture
            | Self::Unreadable(_) => true,
            Self::Program(ProgramError::Start { .. }) | Self::Missing | Self::Folder(_) => false,
        }
    }
}

/// The program: the configured one, or that on the path.
pub fn find(app: &App) -> Option<PathBuf> {
    app.config.media.ffmpeg.clone().or_else(|| program::find("ffmpeg"))
}

/// Runs it. What it says of its input is told without the input's address: that is signed.
async fn run(program: &Path, args: &[OsString], folder: &Path, limits: Limits) -> Result<(), FfmpegError> {
    match program::run(program, args, folder, limits).await {
        Ok(_) => Ok(()),
        Err(ProgramError::Failed { program, status, output }) => {
            let output = if output.contains("://") { "it cannot read the video".to_owned() } else { output };
            Err(ProgramError::Failed { program, status, output }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A frame near the video's beginning, as it is seen.
///
/// # Errors
/// [`FfmpegError`].
pub async fn poster(app: &App, media: &Media) -> Result<Picture, FfmpegError> {
    let program = find(app).ok_or(FfmpegError::Missing)?;
    let folder = folder()?;
    let scale = format!("scale=w='min({PREVIEW_PX},iw)':h='min({PREVIEW_PX},ih)':force_original_aspect_ratio=decrease");
    for at_s in POSTER_AT_S {
        let mut args = input(app, media, POSTER_LIMITS, Some(at_s));
        args.extend(words(&[
            "-frames:v",
            "1",
            "-an",
            "-sn",
            "-dn",
            "-vf",
            &scale,
            "-q:v",
            "2",
            "-f",
            "image2",
            POSTER,
        ]));
        run(&program, &args, folder.path(), POSTER_LIMITS).await?;
        let path = folder.path().join(POSTER);
        if !path.exists() {
            // the video ends before that moment
            continue;
        }
        let bytes = tokio::fs::read(&path).await?;
        let decoded = tokio::task::spawn_blocking(move || {
            let mut reader = bytes.as_slice();
            let seen = look(&mut reader)?;
            whole_picture(&mut reader, &seen, PREVIEW_PX)
        });
        return decoded.await.map_err(std::io::Error::other)?.map_err(FfmpegError::Unreadable);
    }
    Err(FfmpegError::NoPicture)
}

/// A proxy being made.
pub struct Proxy {
    program: PathBuf,
    folder: TempDir,
    args: Vec<OsString>,
}

impl Proxy {
    /// # Errors
    /// [`FfmpegError::Missing`], [`FfmpegError::Folder`].
    pub fn new(app: &App, media: &Media) -> Result<Self, FfmpegError> {
        let program = find(app).ok_or(FfmpegError::Missing)?;
        let mut args = input(app, media, PROXY_LIMITS, None);
        args.extend(words(&["-map", "0:v:0", "-map", "0:a:0?", "-map_metadata", "-1", "-sn", "-dn"]));
        args.extend(words(&["-vf", "scale=w=-2:h='min(720,trunc(ih/2)*2)',format=yuv420p", "-c:v", "libx264"]));
        // a keyframe each second: seeking is exact to that, whatever the frame rate
        args.extend(words(&["-preset", "veryfast", "-crf", "26", "-force_key_frames", "expr:gte(t,n_forced)"]));
        args.extend(words(&["-c:a", "aac", "-b:a", "96k", "-ac", "2", "-movflags", "+faststart"]));
        args.extend(words(&["-progress", PROGRESS, "-f", "mp4", PROXY]));
        Ok(Self { program, folder: folder()?, args })
    }

    /// Runs to the end; the file lives as long as this does. Dropped half way, ffmpeg is killed.
    ///
    /// # Errors
    /// [`FfmpegError`].
    pub async fn make(&self) -> Result<PathBuf, FfmpegError> {
        run(&self.program, &self.args, self.folder.path(), PROXY_LIMITS).await?;
        let path = self.folder.path().join(PROXY);
        if path.exists() { Ok(path) } else { Err(FfmpegError::NoPicture) }
    }

    /// Seconds of the video that are done.
    pub async fn done_s(&self) -> i64 {
        let path = self.folder.path().join(PROGRESS);
        let end = tokio::task::spawn_blocking(move || end_of(&path)).await.ok().and_then(Result::ok);
        end.map_or(0, |text| seconds_done(&text))
    }
}

/// The last `out_time_us` of what ffmpeg wrote with `-progress`, in whole seconds.
fn seconds_done(progress: &str) -> i64 {
    let times = progress.lines().filter_map(|line| line.trim().strip_prefix("out_time_us="));
    times.filter_map(|time| time.parse::<i64>().ok()).next_back().map_or(0, |us| (us / 1_000_000).max(0))
}

fn end_of(path: &Path) -> std::io::Result<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(PROGRESS_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(PROGRESS_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("eyrie-ffmpeg-").tempdir()
}

/// The arguments up to the input.
fn input(app: &App, media: &Media, limits: Limits, at_s: Option<&str>) -> Vec<OsString> {
    let lifetime_s = u32::try_from(limits.time.as_secs()).unwrap_or(u32::MAX);
    let (endpoint, region) = (&app.s3_on_this_machine, &app.config.s3.region);
    let url = app.issuer.presign_get(endpoint, region, &media.bucket, &media.object_key, lifetime_s, None);
    let mut args = words(&["-v", "error", "-nostdin", "-y", "-threads", "2"]);
    args.extend(words(&["-protocol_whitelist", "http,https,tcp,tls", "-f", "mov"]));
    if let Some(at_s) = at_s {
        args.extend(words(&["-ss", at_s]));
    }
    args.extend(words(&["-i", &url]));
    args
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_the_last_time_that_was_written() {
        let text = "frame=1\nout_time_us=N/A\nprogress=continue\nout_time_us=1999999\nprogress=continue\nout_time_us=7000001\nspeed=2x\n";
        assert_eq!(seconds_done(text), 7);
        assert_eq!(seconds_done("out_time_us=-5\n"), 0);
        assert_eq!(seconds_done(""), 0);
    }
}
