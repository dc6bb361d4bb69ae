//! `eyrie media`: what files tell, and their raw thermal planes. No server, no library.

mod plane;
mod remote;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use eyrie_media::understand::{Understanding, understand};
use eyrie_media::{FileRange, RangeRead, video};
use serde_json::{Map, Value, json};

/// Deepest nesting that is printed as indented lines.
const MAX_DEPTH: usize = 8;
/// Entries of a list of objects that are printed.
const SHOWN_ENTRIES: usize = 12;
/// Columns of a table that come before the others.
const FIRST_COLUMNS: [&str; 6] = ["sequence", "number", "meaning", "system", "source", "quality"];
/// Column in which values start, counted from the section's indent.
const VALUE_COLUMN: usize = 28;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print what is understood of files: kind, place, time, attitude, telemetry, GNSS, and what is wrong with them
    #[command(after_help = "\
Examples:
  eyrie media inspect DJI_20261123061422_0001_T.JPG
  eyrie media inspect --json flight/*.JPG | jq .position      one JSON object a line
  eyrie media inspect 'https://store.example/bucket/DJI_…_V.MP4?X-Amz-Signature=…'      a signed URL, read by ranges

Exit status 1 when a file could not be opened; a damaged file is described with its warnings.")]
    Inspect {
        /// A path, or the address of a file on a server that answers ranges
        #[arg(required = true, value_name = "FILE")]
        files: Vec<OsString>,
    },
    /// Write the raw 16-bit plane of a thermal picture as a TIFF or PNG
    #[command(after_help = "\
Examples:
  eyrie media thermal DJI_20261123061422_0001_T.JPG --out plane.tiff
  eyrie media thermal --json DJI_20261123061422_0001_T.JPG --out plane.png

The values are the sensor's, not temperatures; what lacks for those is printed, and the note in the file says it, too. A file that is
there already is not overwritten without --force. Exit status 1 when the picture holds no plane that can be read.")]
    Thermal {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where to write it; the ending .tif, .tiff or .png says how
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Overwrite a file that is there
        #[arg(long)]
        force: bool,
    },
}

impl Command {
    /// False when a file could not be read.
    pub(super) async fn run(self, as_json: bool) -> anyhow::Result<bool> {
        // readers block, those of a remote file on the runtime
        let work = move || match self {
            Self::Inspect { files } => run_inspect(&files, as_json),
            Self::Thermal { file, out, force } => plane::run(&file, &out, force, as_json).map(|()| true),
        };
        tokio::task::spawn_blocking(work).await?
    }
}

fn run_inspect(files: &[OsString], as_json: bool) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    let paint = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut sound = true;
    for (n, file) in files.iter().enumerate() {
        let address = file.to_str().filter(|file| remote::is_address(file));
        let title = address.map_or_else(|| file.to_string_lossy().into_owned(), remote::shown);
        let seen = match address.map_or_else(|| inspect_path(file), inspect_address) {
            Ok(seen) => seen,
            Err(error) => {
                eprintln!("eyrie: {}: {error:#}", printable(&title));
                sound = false;
                continue;
            }
        };
        let written = if as_json {
            writeln!(out, "{}", as_line(&title, &seen))
        } else {
            let gap = if n > 0 { "\n" } else { "" };
            write!(out, "{gap}{}", as_text(&title, &seen, paint))
        };
        match written {
            // `| head` closes the pipe
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(sound),
            written => written?,
        }
    }
    Ok(sound)
}

struct Seen {
    size_bytes: u64,
    understood: Understanding,
}

fn inspect_path(path: &OsStr) -> anyhow::Result<Seen> {
    let file = File::open(path)?;
    anyhow::ensure!(file.metadata()?.is_file(), "not a file");
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    inspect(&name, &mut FileRange::new(file)?)
}

fn inspect_address(address: &str) -> anyhow::Result<Seen> {
    let (name, mut range) = remote::open(address)?;
    inspect(&name, &mut range)
}

fn inspect(name: &str, mut range: &mut dyn RangeRead) -> anyhow::Result<Seen> {
    let mut understood = understand(name, &mut range)?;
    if understood.details.get("video").is_some()
        && let Some(track) = video::track(&mut range)?
    {
        understood.details["track"] = json!(track.summary());
        understood.warnings.extend(track.warnings);
    }
    Ok(Seen { size_bytes: range.size_bytes(), understood })
}

/// In the words of the library's media item.
fn as_line(title: &str, seen: &Seen) -> Value {
    let understood = &seen.understood;
    let sources: Map<String, Value> = [
        ("captured_at", understood.captured_at.map(|found| found.source)),
        ("position", understood.position.map(|found| found.source)),
        ("gimbal", understood.gimbal.map(|found| found.source)),
    ]
    .into_iter()
    .filter_map(|(name, source)| Some((name.to_owned(), source?.into())))
    .collect();
    json!({
        "file": title,
        "size_bytes": seen.size_bytes,
        "kind": understood.kind,
        "content_type": understood.content_type,
        "captured_at": understood.captured_at.map(|found| found.value),
        "captured_local": understood.captured_local,
        "position": understood.position.map(|found| found.value),
        "gimbal": understood.gimbal.map(|found| found.value),
        "camera": understood.camera,
        "capture_uuid": understood.capture_uuid,
        "sources": sources,
        "metadata": understood.details,
        "warnings": understood.warnings,
    })
}

fn as_text(title: &str, seen: &Seen, paint: bool) -> String {
    let understood = &seen.understood;
    let mut page = Page { text: String::new(), paint };
    page.title(title);
    page.line(1, "kind", &format!("{} ({})", understood.kind.as_str(), understood.content_type));
    page.line(1, "size", &bytes(seen.size_bytes));
    if let Some(at) = &understood.captured_at {
        page.line(1, "captured", &format!("{}  [{}]", at.value, at.source));
    }
    if let Some(local) = &understood.captured_local {
        page.line(1, "captured, local time", local);
    }
    if let Some(at) = &understood.position {
        page.line(1, "position", &format!("{:.7}, {:.7}  [{}]", at.value.lat, at.value.lng, at.source));
        if let Some(altitude_m) = at.value.absolute_altitude_m {
            page.line(1, "absolute altitude", &format!("{altitude_m} m"));
        }
        if let Some(altitude_m) = at.value.relative_altitude_m {
            page.line(1, "above take-off", &format!("{altitude_m} m"));
        }
    }
    if let Some(gimbal) = &understood.gimbal {
        let angle = |value: Option<f64>| value.map_or("?".to_owned(), |value| format!("{value}°"));
        let (yaw, pitch, roll) = (gimbal.value.yaw_deg, gimbal.value.pitch_deg, gimbal.value.roll_deg);
        let text = format!("yaw {}, pitch {}, roll {}  [{}]", angle(yaw), angle(pitch), angle(roll), gimbal.source);
        page.line(1, "gimbal", &text);
    }
    for (name, value) in [("camera", &understood.camera), ("capture UUID", &understood.capture_uuid)] {
        if let Some(value) = value {
            page.line(1, name, value);
        }
    }
    if let Value::Object(details) = &understood.details {
        page.object(1, details);
    }
    for warning in &understood.warnings {
        page.warning(warning);
    }
    page.text
}

/// Text as it grows. What a file says is printed without control characters: a terminal must not obey a photo.
struct Page {
    text: String,
    paint: bool,
}

impl Page {
    fn painted(&self, code: &str, text: &str) -> String {
        if self.paint { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn title(&mut self, title: &str) {
        let title = self.painted("1", &printable(title));
        self.text += &format!("{title}\n");
    }

    fn warning(&mut self, warning: &str) {
        let mark = self.painted("33", "warning");
        self.text += &format!("  {mark}: {}\n", printable(warning));
    }

    fn line(&mut self, depth: usize, name: &str, value: &str) {
        let indent = "  ".repeat(depth);
        let width = VALUE_COLUMN.saturating_sub(depth * 2);
        let name = self.painted("2", &format!("{name:<width$}"));
        self.text += &format!("{indent}{name} {}\n", printable(value));
    }

    fn heading(&mut self, depth: usize, name: &str) {
        let name = self.painted("1", name);
        self.text += &format!("{}{name}\n", "  ".repeat(depth));
    }

    fn object(&mut self, depth: usize, object: &Map<String, Value>) {
        let object = sized(object);
        for (name, value) in &*object {
            self.value(depth, name, value);
        }
    }

    fn value(&mut self, depth: usize, name: &str, value: &Value) {
        let (label, unit) = label(name);
        match value {
            Value::Null => {}
            Value::Array(items) if items.is_empty() => {}
            Value::Object(object) if object.values().all(Value::is_null) => {}
            Value::Object(object) if depth < MAX_DEPTH => match short(object, unit) {
                Some(text) => self.line(depth, &label, &text),
                None => {
                    self.heading(depth, &label);
                    self.object(depth + 1, object);
                }
            },
            // one of a kind is shown as such
            Value::Array(items) if depth < MAX_DEPTH && matches!(items.as_slice(), [Value::Object(_)]) => {
                let item = items.first().and_then(Value::as_object);
                self.heading(depth, &format!("{label} (1)"));
                self.object(depth + 1, item.unwrap_or(&Map::new()));
            }
            Value::Array(items) if items.iter().any(Value::is_object) && depth < MAX_DEPTH => {
                self.heading(depth, &format!("{label} ({})", items.len()));
                self.table(depth + 1, items);
            }
            // sentences stand on lines of their own
            Value::Array(items) if items.iter().any(|item| item.as_str().is_some_and(|text| text.contains(' '))) => {
                for (n, item) in items.iter().enumerate().take(SHOWN_ENTRIES) {
                    self.line(depth, if n == 0 { &label } else { "" }, &inline(item));
                }
            }
            other => self.line(depth, &label, &with_unit(other, unit)),
        }
    }

    /// A row for each object, a column for each name that any of them has.
    fn table(&mut self, depth: usize, items: &[Value]) {
        let shown: Vec<_> = items.iter().filter_map(Value::as_object).take(SHOWN_ENTRIES).map(sized).collect();
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in shown.iter().flat_map(|object| object.iter()).filter(|(_, value)| !value.is_null()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        // what a row is called comes first, where it has a name
        names.sort_by_key(|name| FIRST_COLUMNS.iter().position(|first| first == name).unwrap_or(FIRST_COLUMNS.len()));
        let cell = |object: &Map<String, Value>, name: &str| match object.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::Object(inner)) => {
                printable(&short(inner, label(name).1).unwrap_or_else(|| inline(&object[name])))
            }
            Some(value) => printable(&with_unit(value, label(name).1)),
        };
        let head: Vec<String> = names.iter().map(|name| label(name).0).collect();
        let rows: Vec<Vec<String>> =
            shown.iter().map(|object| names.iter().map(|name| cell(object, name)).collect()).collect();
        let width = |column: usize| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        };
        let indent = "  ".repeat(depth);
        let head = self.painted("2", &line(&head));
        self.text += &format!("{indent}{head}\n");
        for row in &rows {
            self.text += &format!("{indent}{}\n", line(row));
        }
        if items.len() > SHOWN_ENTRIES {
            self.text += &format!("{indent}and {} more; --json has all\n", items.len() - SHOWN_ENTRIES);
        }
    }
}

/// Width and height as the one size that people speak of.
fn sized(object: &Map<String, Value>) -> Cow<'_, Map<String, Value>> {
    let side = |name: &str| object.get(name).and_then(Value::as_u64);
    let (Some(width), Some(height)) = (side("width_px"), side("height_px")) else { return Cow::Borrowed(object) };
    let others = object.iter().filter(|(name, _)| !matches!(name.as_str(), "width_px" | "height_px"));
    let mut sized: Map<String, Value> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
    sized.insert("picture".into(), format!("{width} x {height} px").into());
    Cow::Owned(sized)
}

/// Objects that everybody knows, on one line: a place, an attitude, a range, a time.
fn short(object: &Map<String, Value>, unit: &str) -> Option<String> {
    let has = |names: &[&str]| object.keys().all(|name| names.contains(&name.as_str()));
    let number = |name: &str| object.get(name).and_then(Value::as_f64);
    let text =
        |name: &str, unit: &str| object.get(name).filter(|value| !value.is_null()).map(|value| with_unit(value, unit));
    const PLACE: [&str; 5] = ["lat", "lng", "absolute_altitude_m", "relative_altitude_m", "ellipsoid_height_m"];
    if let (Some(lat), Some(lng), true) = (number("lat"), number("lng"), has(&PLACE)) {
        let heights = [
            ("absolute_altitude_m", "absolute"),
            ("relative_altitude_m", "above take-off"),
            ("ellipsoid_height_m", "over the ellipsoid"),
        ];
        let heights = heights.iter().filter_map(|(name, word)| Some(format!(", {} {word}", text(name, " m")?)));
        return Some(format!("{lat:.7}, {lng:.7}{}", heights.collect::<String>()));
    }
    if has(&["min", "max", "mean"]) && object.contains_key("min") && object.contains_key("max") {
        let mean = text("mean", unit).map(|mean| format!(", mean {mean}")).unwrap_or_default();
        return Some(format!("{} to {}{mean}", text("min", "")?, text("max", unit)?));
    }
    if has(&["gps_week", "tow_s", "utc"]) {
        return Some(format!(
            "{} (GPS week {}, {})",
            object.get("utc")?.as_str()?,
            text("gps_week", "")?,
            text("tow_s", " s")?
        ));
    }
    let flat = object.values().all(|value| value.is_number() || value.is_null());
    let angles = flat && has(&["yaw_deg", "pitch_deg", "roll_deg"]);
    let axes = flat && has(&["x_m", "y_m", "z_m", "x_m_s", "y_m_s", "z_m_s", "north_mm", "east_mm", "down_mm"]);
    let mut names: Vec<&String> = object.keys().collect();
    names.sort_by_key(|name| {
        ["yaw_deg", "pitch_deg", "roll_deg", "north_mm", "east_mm", "down_mm"].iter().position(|first| first == name)
    });
    (angles || axes).then(|| {
        let parts = names.into_iter().filter(|name| !object[*name].is_null()).map(|name| {
            let (label, unit) = label(name);
            format!("{label} {}", with_unit(&object[name], unit))
        });
        parts.collect::<Vec<_>>().join(", ")
    })
}

/// `relative_altitude_m` is "relative altitude" in m.
fn label(name: &str) -> (String, &'static str) {
    const UNITS: [(&str, &str); 13] = [
        ("_deg", "°"),
        ("_m_s", " m/s"),
        ("_mps", " m/s"),
        ("_mm", " mm"),
        ("_m", " m"),
        ("_ms", " ms"),
        ("_s", " s"),
        ("_px", " px"),
        ("_bytes", " bytes"),
        ("_c", " °C"),
        ("_hz", " Hz"),
        ("_percent", " %"),
        ("_k", " K"),
    ];
    let unit = UNITS.iter().find_map(|(suffix, unit)| Some((name.strip_suffix(suffix)?, *unit)));
    let (stem, unit) = unit.unwrap_or((name, ""));
    (stem.replace('_', " "), unit)
}

fn with_unit(value: &Value, unit: &str) -> String {
    match (value, unit) {
        (Value::Number(number), " bytes") => number.as_u64().map_or_else(|| number.to_string(), bytes),
        (Value::Number(number), _) => format!("{}{unit}", rounded(number, unit)),
        (Value::Array(_), unit) if !unit.is_empty() => format!("{}{unit}", inline(value)),
        _ => inline(value),
    }
}

/// What is behind a tenth of a millimetre, in degrees or metres, comes from computing; `--json` has it.
fn rounded(number: &serde_json::Number, unit: &str) -> String {
    let places = if unit == " m" { 4 } else { 9 };
    match number.as_f64() {
        Some(value) if number.is_f64() => {
            let text = format!("{value:.places$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => number.to_string(),
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => "?".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(number) => rounded(number, ""),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let each = |item: &Value| if item.is_array() { format!("({})", inline(item)) } else { inline(item) };
            let shown = items.iter().take(SHOWN_ENTRIES).map(each).collect::<Vec<_>>().join(", ");
            if items.len() > SHOWN_ENTRIES { format!("{shown}, … ({} in all)", items.len()) } else { shown }
        }
        Value::Object(object) => {
            let known = object.iter().filter(|(_, value)| !value.is_null());
            let shown = known.map(|(name, value)| {
                let (label, unit) = label(name);
                format!("{label} {}", with_unit(value, unit))
            });
            short(object, "").unwrap_or_else(|| shown.collect::<Vec<_>>().join(", "))
        }
    }
}

fn bytes(size_bytes: u64) -> String {
    match size_bytes {
        0..1_000 => format!("{size_bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB ({size_bytes} bytes)", size_bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB ({size_bytes} bytes)", size_bytes as f64 / 1e6),
        _ => format!("{:.2} GB ({size_bytes} bytes)", size_bytes as f64 / 1e9),
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_labels_and_units() {
        assert_eq!(label("relative_altitude_m"), ("relative altitude".into(), " m"));
        assert_eq!(label("speed_m_s"), ("speed".into(), " m/s"));
        assert_eq!(label("wide"), ("wide".into(), ""));
        assert_eq!(with_unit(&json!(1_500), " bytes"), "1.5 kB (1500 bytes)");
        assert_eq!(label("relative_humidity_percent"), ("relative humidity".into(), " %"));
        assert_eq!(inline(&json!({"yaw_deg": 1.5, "roll_deg": null})), "yaw 1.5°");
        assert_eq!(with_unit(&json!(1_003.859_919_262_118), " m"), "1003.8599 m");
        assert_eq!(with_unit(&json!(-90.0), "°"), "-90°");
    }

    #[test]
    fn what_everybody_knows_stands_on_one_line() {
        let line = |value: Value, unit| value.as_object().and_then(|object| short(object, unit));
        for (value, unit, want) in [
            (
                json!({"lat": 47.5, "lng": -8.25, "absolute_altitude_m": 512.25, "relative_altitude_m": null}),
                "",
                Some("47.5000000, -8.2500000, 512.25 m absolute"),
            ),
            (json!({"min": 0.1925, "max": 0.1953}), " m", Some("0.1925 to 0.1953 m")),
            (json!({"min": 56, "max": 57, "mean": 56.65}), "", Some("56 to 57, mean 56.65")),
            (json!({"yaw_deg": -4.5, "pitch_deg": -90.0, "roll_deg": 0.0}), "", Some("yaw -4.5°, pitch -90°, roll 0°")),
            (
                json!({"north_mm": -26.0, "east_mm": 19.0, "down_mm": 191.0}),
                "",
                Some("north -26 mm, east 19 mm, down 191 mm"),
            ),
            (
                json!({"utc": "2018-10-24T04:27:57Z", "gps_week": 2024, "tow_s": 275_295.0}),
                "",
                Some("2018-10-24T04:27:57Z (GPS week 2024, 275295 s)"),
            ),
            (json!({"lat": 47.5, "lng": -8.25, "quality": "fixed"}), "", None),
            (json!({"count": 3}), "", None),
        ] {
            assert_eq!(line(value.clone(), unit).as_deref(), want, "{value}");
        }
    }

    #[test]
    fn lists_become_tables_and_sentences_lines() {
        let mut page = Page { text: String::new(), paint: false };
        let rows: Vec<Value> = (1..=14)
            .map(|n| json!({"count": n * 100, "sequence": n, "lever_arm": {"north_mm": 1, "east_mm": 2, "down_mm": 3}}))
            .collect();
        page.value(1, "events", &json!(rows));
        page.value(1, "missing", &json!(["the formula, which is secret", "a \u{1b}[31mred one"]));
        page.value(1, "stations", &json!([{"station_id": 7, "position": {"lat": 1.0, "lng": 2.0}}]));
        let lines: Vec<&str> = page.text.lines().collect();
        assert_eq!(lines[0], "  events (14)");
        assert_eq!(lines[1], "    sequence  count  lever arm");
        assert_eq!(lines[2], "    1         100    north 1 mm, east 2 mm, down 3 mm");
        assert_eq!(lines[14], "    and 2 more; --json has all");
        assert_eq!(lines[15], "  missing                    the formula, which is secret");
        assert_eq!(lines[16], "                             a \u{fffd}[31mred one");
        let mut page = Page { text: String::new(), paint: false };
        let picture = json!({"width_px": 640, "height_px": 512, "previews": [{"width_px": 160, "height_px": 128, "offset": 9}, {"offset": 7}]});
        page.object(1, picture.as_object().expect("an object"));
        let want = "  picture                    640 x 512 px\n  previews (2)\n    offset  picture\n    9       160 x 128 px\n    7\n";
        assert_eq!(page.text, want);
        assert_eq!(
            lines[17..],
            ["  stations (1)", "    position                 1.0000000, 2.0000000", "    station id               7"]
        );
    }

    #[test]
    fn a_file_that_lies_is_described_and_cannot_speak_to_the_terminal() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("DJI_\u{1b}[31m_0001.JPG");
        std::fs::write(&path, b"no picture").expect("written");
        let seen = inspect_path(path.as_os_str()).expect("read");
        let title = path.to_string_lossy();
        let text = as_text(&title, &seen, false);
        assert!(text.contains("warning: the name promises a photo"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert_eq!(as_line(&title, &seen)["size_bytes"], 10);
        assert!(inspect_path(dir.path().as_os_str()).is_err());
    }
}
