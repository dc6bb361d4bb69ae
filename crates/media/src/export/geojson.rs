//! GeoJSON, RFC 7946: one Feature. `coordTimes` and `t_s` have a value for each position.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::json;

use super::{degrees, drawable, micro};
use crate::track::{Place, Sample, TrackSource};

pub(super) fn write(
    source: TrackSource,
    samples: &mut dyn Iterator<Item = Sample>,
    name: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut times: Vec<(f64, Option<Timestamp>)> = Vec::new();
    let mut drawn = samples.filter_map(|sample| Some((drawable(&sample)?, sample.t_s, sample.at)));
    let mut place = || {
        let (place, t_s, at) = drawn.next()?;
        times.push((t_s, at));
        Some(place)
    };
    out.write_all(b"{\"type\":\"Feature\",\"geometry\":")?;
    match (place(), place()) {
        (None, _) => out.write_all(b"null")?,
        // a line has two positions at least
        (Some(only), None) => {
            out.write_all(b"{\"type\":\"Point\",\"coordinates\":")?;
            position(&only, out)?;
            out.write_all(b"}")?;
        }
        (Some(first), Some(second)) => {
            out.write_all(b"{\"type\":\"LineString\",\"coordinates\":[")?;
            position(&first, out)?;
            for place in std::iter::once(second).chain(std::iter::from_fn(place)) {
                out.write_all(b",")?;
                position(&place, out)?;
            }
            out.write_all(b"]}")?;
        }
    }
    let (name, source) = (json!(name), source.as_str());
    write!(out, ",\"properties\":{{\"name\":{name},\"source\":\"{source}\",\"coordTimes\":[")?;
    for (n, (_, at)) in times.iter().enumerate() {
        let comma = if n > 0 { "," } else { "" };
        match at {
            Some(at) => write!(out, "{comma}\"{at}\"")?,
            None => write!(out, "{comma}null")?,
        }
    }
    out.write_all(b"],\"t_s\":[")?;
    for (n, (t_s, _)) in times.iter().enumerate() {
        write!(out, "{}{}", if n > 0 { "," } else { "" }, json!(micro(*t_s)))?;
    }
    out.write_all(b"]}}")
}

/// Longitude first; the absolute altitude when it is known.
pub(super) fn position(place: &Place, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "[{},{}", degrees(place.lng), degrees(place.lat))?;
    match place.absolute_altitude_m {
        Some(altitude_m) => write!(out, ",{}]", micro(altitude_m)),
        None => out.write_all(b"]"),
    }
}
