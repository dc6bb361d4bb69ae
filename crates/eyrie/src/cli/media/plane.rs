//! `eyrie media thermal`: the raw plane of a thermal picture as a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use eyrie_media::FileRange;
use eyrie_media::thermal::{self, Plane};
use serde_json::json;

#[derive(Clone, Copy, PartialEq)]
enum Coding {
    Tiff,
    Png,
}

impl Coding {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "tif" | "tiff" => Some(Self::Tiff),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

pub(super) fn run(file: &Path, out: &Path, force: bool, as_json: bool) -> anyhow::Result<()> {
    let Some(coding) = Coding::of(out) else {
        bail!("{}: the name of the file to write must end in .tif, .tiff or .png", out.display());
    };
    let named = || file.display().to_string();
    let mut range = File::open(file).and_then(FileRange::new).with_context(named)?;
    let plane = thermal::plane(&mut range).with_context(named)?;
    let known = thermal::read(&mut range).with_context(named)?.unwrap_or_default();
    write(&plane, coding, out, force).with_context(|| out.display().to_string())?;
    let summary = plane.summary();
    if as_json {
        let line = json!({ "file": file.to_string_lossy(), "out": out.to_string_lossy(), "thermal": known });
        writeln!(io::stdout(), "{line}")?;
        return Ok(());
    }
    let mut text = format!(
        "{}: {} x {} raw values, {} to {}\n",
        out.display(),
        summary.width_px,
        summary.height_px,
        summary.min_raw,
        summary.max_raw
    );
    text += "These are not temperatures. For those lack:\n";
    known.missing.iter().for_each(|what| text += &format!("  - {what}\n"));
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// A file that could not be written whole is taken away again.
fn write(plane: &Plane, coding: Coding, out: &Path, force: bool) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).create_new(!force).truncate(true).open(out)?;
    let mut sink = BufWriter::new(file);
    let written = match coding {
        Coding::Tiff => plane.to_tiff16(&mut sink),
        Coding::Png => plane.to_png16(&mut sink),
    };
    written.and_then(|()| sink.flush()).inspect_err(|_| {
        // the first error is the one to tell
        let _ = std::fs::remove_file(out);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 16 by 8 whose plane counts up.
    fn picture() -> Vec<u8> {
        let plane: Vec<u8> = (1_000..1_128_u16).flat_map(u16::to_le_bytes).collect();
        let mut file = vec![0xFF, 0xD8];
        for (marker, payload) in [(0xE3, plane), (0xC0, vec![8, 0, 8, 0, 16, 3])] {
            file.extend([0xFF, marker]);
            file.extend((payload.len() as u16 + 2).to_be_bytes());
            file.extend(payload);
        }
        file.extend([0xFF, 0xDA, 0, 2, 0xFF, 0xD9]);
        file
    }

    #[test]
    fn a_plane_is_written_once_and_over_with_force() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (photo, tiff, png) = (dir.path().join("a_T.JPG"), dir.path().join("a.TIFF"), dir.path().join("a.png"));
        std::fs::write(&photo, picture()).expect("written");
        for (out, magic) in [(&tiff, &b"II*\0"[..]), (&png, b"\x89PNG")] {
            run(&photo, out, false, false).expect("a plane");
            let bytes = std::fs::read(out).expect("there");
            assert!(bytes.starts_with(magic) && bytes.len() > 256);
            assert!(run(&photo, out, false, false).is_err(), "overwritten");
            run(&photo, out, true, true).expect("over it");
        }
        let jpg = dir.path().join("a.jpg");
        assert!(run(&photo, &jpg, false, false).is_err());
        std::fs::write(&photo, b"\xFF\xD8\xFF\xDA\0\x02").expect("written");
        let error = run(&photo, &dir.path().join("b.png"), false, false).expect_err("no plane");
        assert!(format!("{error:#}").contains("no raw thermal values"), "{error:#}");
        assert!(!dir.path().join("b.png").exists());
    }
}
