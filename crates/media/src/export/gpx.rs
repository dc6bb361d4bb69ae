//! GPX 1.1: <https://www.topografix.com/GPX/1/1/>.

use std::io::{self, Write};

use super::xml::Escaped;
use super::{degrees, drawable, micro};
use crate::track::{Sample, TrackSource};

pub(super) fn write(
    source: TrackSource,
    samples: &mut dyn Iterator<Item = Sample>,
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<gpx version=\"1.1\" creator=\"Eyrie\" xmlns=\"http://www.topografix.com/GPX/1/1\">")?;
    writeln!(out, "<trk><name>{}</name><src>{}</src>", Escaped(name), source.as_str())?;
    let mut open = false;
    for sample in samples {
        let Some(place) = drawable(&sample) else {
            if open {
                writeln!(out, "</trkseg>")?;
            }
            open = false;
            continue;
        };
        if !open {
            writeln!(out, "<trkseg>")?;
        }
        open = true;
        write!(out, "<trkpt lat=\"{}\" lon=\"{}\">", degrees(place.lat), degrees(place.lng))?;
        if let Some(altitude_m) = place.absolute_altitude_m {
            write!(out, "<ele>{}</ele>", micro(altitude_m))?;
        }
        if let Some(at) = sample.at {
            write!(out, "<time>{at}</time>")?;
        }
        writeln!(out, "</trkpt>")?;
    }
    if open {
        writeln!(out, "</trkseg>")?;
    }
    writeln!(out, "</trk>\n</gpx>")
}
