//! A file's telemetry in any of the formats: `cargo run -p eyrie-media --example telemetry FILE [json|geojson|gpx|kml|csv|srt]`.

use std::fs::File;
use std::io::{self, Error};
use std::path::PathBuf;

use eyrie_media::export::{self, Format};
use eyrie_media::{FileRange, srt, video};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let path = PathBuf::from(arguments.next().ok_or_else(|| Error::other("which file?"))?);
    let format = arguments.next().and_then(|name| name.into_string().ok());
    let format = Format::of_name(format.as_deref().unwrap_or("json")).ok_or_else(|| Error::other("no such format"))?;
    let is_subtitle = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("srt"));
    let track = if is_subtitle {
        srt::read(&std::fs::read(&path)?).track
    } else {
        let track = video::track(&mut FileRange::new(File::open(&path)?)?)?;
        track.ok_or_else(|| Error::other("the video carries no telemetry"))?
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    export::write(format, track.source, &track.samples, &name, &mut io::stdout())
}
