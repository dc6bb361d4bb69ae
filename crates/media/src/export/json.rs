//! The API's own form, and the only one with everything.

use std::io::{self, Write};

use crate::track::{Sample, TrackSource};

pub(super) fn write(
    source: TrackSource,
    samples: &mut dyn Iterator<Item = Sample>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(out, "{{\"source\":\"{}\",\"samples\":[", source.as_str())?;
    for (n, sample) in samples.enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut *out, &sample)?;
    }
    out.write_all(b"]}")
}
