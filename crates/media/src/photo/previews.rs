//! The smaller pictures inside a photo: which of them can be read, and how large they are.

use std::io;

use super::{Photo, Preview, jpeg};
use crate::RangeRead;

/// Previews that are looked at; DJI's files have two.
const MAX_PREVIEWS: usize = 16;

/// Looks at the frame header of each preview; one that is no JPEG, or lies outside the file, is left out.
pub(super) fn measure(reader: &mut dyn RangeRead, photo: &mut Photo) -> io::Result<()> {
    let mut sound: Vec<Preview> = Vec::new();
    for mut preview in std::mem::take(&mut photo.previews).into_iter().take(MAX_PREVIEWS) {
        let inside = preview.offset.checked_add(preview.size_bytes).is_some_and(|end| end <= reader.size_bytes());
        if !inside {
            photo.warnings.push("an embedded preview lies outside the file".into());
            continue;
        }
        let mut part = Part { reader, offset: preview.offset, size_bytes: preview.size_bytes };
        let jpeg = jpeg::walk(&mut part)?;
        // both tell of the same picture where a tool copied one directory into another
        if jpeg.width_px.is_none() || sound.iter().any(|other| other.offset == preview.offset) {
            continue;
        }
        (preview.width_px, preview.height_px) = (jpeg.width_px, jpeg.height_px);
        sound.push(preview);
    }
    sound.sort_by_key(|preview| preview.width_px);
    photo.previews = sound;
    Ok(())
}

/// A file inside a file.
pub(crate) struct Part<'a> {
    pub(crate) reader: &'a mut dyn RangeRead,
    pub(crate) offset: u64,
    pub(crate) size_bytes: u64,
}

impl RangeRead for Part<'_> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size_bytes);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.reader.read_exact_at(self.offset + offset, buffer)
    }
}
