//! The cameras' places as CSV and GeoJSON, line by line.

use std::io::{self, Write};

use serde_json::json;

use super::EventPosition;

/// One line for each exposure; `photos` names the pictures of the exposure at that place in the list.
///
/// # Errors
/// What `out` says.
pub fn write_csv(
    out: &mut dyn Write,
    positions: &[EventPosition],
    photos: &dyn Fn(usize) -> Vec<String>,
) -> io::Result<()> {
    writeln!(
        out,
        "sequence,photo,utc,gps_week,tow_s,latitude_deg,longitude_deg,ellipsoid_height_m,quality,std_north_m,std_east_m,std_up_m,lever_arm_applied,moved_m,problem"
    )?;
    for (index, at) in positions.iter().enumerate() {
        let names = quoted(&photos(index).join(" "));
        write!(out, "{},{names},{},{},{:.6},", at.sequence, at.time.utc(), at.time.week(), at.time.tow_s())?;
        match at.position {
            Some(place) => write!(out, "{:.9},{:.9},{:.4},", place.lat, place.lng, place.ellipsoid_height_m)?,
            None => write!(out, ",,,")?,
        }
        write!(out, "{},", at.solved.map_or("", super::Solved::as_str))?;
        match at.std_m {
            Some([north, east, up]) => write!(out, "{north:.4},{east:.4},{up:.4},")?,
            None => write!(out, ",,,")?,
        }
        let moved = at.moved_m.map(|moved_m| format!("{moved_m:.4}")).unwrap_or_default();
        writeln!(out, "{},{moved},{}", at.lever_arm_applied, problem(at))?;
    }
    Ok(())
}

/// A FeatureCollection with a point for each exposure that has a place, height as the third coordinate.
///
/// # Errors
/// What `out` says.
pub fn write_geojson(
    out: &mut dyn Write,
    positions: &[EventPosition],
    photos: &dyn Fn(usize) -> Vec<String>,
) -> io::Result<()> {
    out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
    let mut gap = "\n";
    for (index, at) in positions.iter().enumerate() {
        let Some(place) = at.position else { continue };
        let feature = json!({
            "type": "Feature",
            "geometry": { "type": "Point", "coordinates": [place.lng, place.lat, place.ellipsoid_height_m] },
            "properties": {
                "sequence": at.sequence,
                "photos": photos(index),
                "utc": at.time.utc(),
                "quality": at.solved,
                "std_m": at.std_m,
                "lever_arm_applied": at.lever_arm_applied,
                "moved_m": at.moved_m,
            },
        });
        write!(out, "{gap}{feature}")?;
        gap = ",\n";
    }
    out.write_all(b"\n]}\n")
}

fn problem(at: &EventPosition) -> &'static str {
    match at.problem {
        None => "",
        Some(super::Problem::OutsideTrajectory) => "outside_trajectory",
        Some(super::Problem::Gap) => "gap",
    }
}

/// A field of text: quoted where a comma, a quote or a line's end would tear it, and never a spreadsheet's formula.
fn quoted(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
