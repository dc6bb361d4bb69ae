//! DJI's subtitle files: telemetry as text, in four families that differ from model to model.

mod bracket;
mod older;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Serialize;

use crate::track::{Place, Sample, Track, TrackSource};

/// Records that are kept; four hours at 60 frames a second are 864,000.
const MAX_RECORDS: usize = 1_000_000;
/// Longest text of one cue, bytes.
const MAX_CUE_BYTES: usize = 16 * 1024;

/// Which dialect a file speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// `HOME(lng,lat) date / GPS(lng,lat,satellites) BAROMETER:m / ISO:...`: Mavic Pro, Phantom 4.
    Lines,
    /// The same with a unit behind the altitude, and latitude first: Matrice 300.
    LinesWithUnit,
    /// `F/5.6, SS 400, ISO 100, EV 0, GPS (lng, lat, satellites), ...`: Phantom 4 Pro and RTK, Mavic Mini.
    OneLine,
    /// `[iso: 100] [latitude: 47.5] ...` for each frame: Mavic 2 and later, all current models.
    Brackets,
    /// Several of them in one file.
    Mixed,
}

/// What a subtitle file tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Srt {
    pub family: Option<Family>,
    pub record_count: usize,
    /// Records with a position.
    pub position_count: usize,
    pub first_position: Option<Place>,
    pub last_position: Option<Place>,
    pub home: Option<Place>,
    /// Local time of the aircraft's clock, without a zone.
    pub first_local: Option<DateTime>,
    pub last_local: Option<DateTime>,
    /// From the first record to the last.
    pub span_s: f64,
    /// When in the video the first local time stands, seconds.
    #[serde(skip)]
    first_local_t_s: f64,
    #[serde(skip)]
    pub track: Track,
    #[serde(skip)]
    pub warnings: Vec<String>,
}

impl Srt {
    /// Gives each sample its time in UTC. The files say no zone: `offset_s` is the aircraft clock's, seconds east of UTC.
    pub fn set_utc_offset(&mut self, offset_s: i32) {
        let Some(local) = self.first_local else { return };
        let Ok(offset) = Offset::from_seconds(offset_s) else { return };
        let Ok(begin) = offset.to_timestamp(local) else { return };
        let begin_s = self.first_local_t_s;
        for sample in &mut self.track.samples {
            let since = SignedDuration::from_micros(((sample.t_s - begin_s) * 1e6).round() as i64);
            sample.at = begin.checked_add(since).ok();
        }
    }
}

/// One record of any family.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// Without its time.
    pub(crate) sample: Sample,
    pub(crate) local: Option<DateTime>,
    pub(crate) home: Option<Place>,
}

/// Reads a whole file. Records that say nothing are left out, with a warning that counts them.
pub fn read(bytes: &[u8]) -> Srt {
    let text = crate::lines::text_of(bytes);
    // a file that was cut off may end in the blanks of a card's last block
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0');
    let mut reading = Reading::default();
    for cue in Cues::new(text) {
        if reading.samples.len() == MAX_RECORDS {
            reading.too_many = true;
            break;
        }
        reading.cue(&cue);
    }
    let mut srt = reading.finish();
    // whole files end with their last line; a last moment without a fix is none that was cut
    if !text.ends_with('\n')
        && let [.., before, last] = &srt.track.samples[..]
        && before.position.is_some()
        && last.position.is_none()
    {
        srt.warnings.push("the last record has no position: the file seems to be cut off within it".to_owned());
    }
    srt
}

/// One record of the bracket family, as it also stands in a video's text track.
pub(crate) fn bracket_record(text: &str) -> Option<Record> {
    bracket::read(text)
}

/// One record of any family, as text tracks have it: `None` for a film's subtitles.
pub(crate) fn record_of(text: &str) -> Option<Record> {
    read_record(text.trim()).map(|(_, record)| record)
}

/// The stem that ties a subtitle file to its video: `DJI_0001.SRT` to `DJI_0001.MP4`; letters in one case.
pub fn stem_of(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase()
}

#[derive(Default)]
struct Reading {
    samples: Vec<Sample>,
    family: Option<Family>,
    home: Option<Place>,
    first_local: Option<DateTime>,
    first_local_t_s: f64,
    last_local: Option<DateTime>,
    /// A moment of the video and what the aircraft's clock showed then.
    clock: Option<(f64, DateTime)>,
    unread: usize,
    too_many: bool,
}

impl Reading {
    fn cue(&mut self, cue: &Cue<'_>) {
        let text = cue.text.trim();
        if text.is_empty() {
            // an empty cue is a moment without telemetry
            return;
        }
        let (family, record) = match read_record(text) {
            Some(found) => found,
            None => {
                self.unread += 1;
                return;
            }
        };
        self.family = match self.family {
            None => Some(family),
            Some(known) if known == family => self.family,
            Some(_) => Some(Family::Mixed),
        };
        self.home = self.home.or(record.home);
        let had_local = self.first_local;
        self.first_local = self.first_local.or(record.local);
        self.last_local = record.local.or(self.last_local);
        let t_s = cue.start_s.unwrap_or_else(|| self.time_without_a_timing(text, record.local));
        self.clock = record.local.map(|local| (t_s, local)).or(self.clock);
        if had_local != self.first_local {
            self.first_local_t_s = t_s;
        }
        self.samples.push(Sample { t_s, ..record.sample });
    }

    /// When a record is that has no timing line of its own: as much later than another one as the aircraft's clock says, or as
    /// long after the one before it as it says itself.
    fn time_without_a_timing(&self, text: &str, local: Option<DateTime>) -> f64 {
        let last_s = self.samples.last().map(|last| last.t_s);
        let by_clock =
            local.zip(self.clock).map(|(now, (then_s, then))| then_s + now.duration_since(then).as_secs_f64());
        let by_step = || last_s.zip(bracket::step_s(text)).map(|(last_s, step_s)| last_s + step_s);
        let last_s = last_s.unwrap_or(0.0);
        by_clock.or_else(by_step).map_or(last_s, |t_s| t_s.max(last_s))
    }

    fn finish(self) -> Srt {
        let mut warnings = Vec::new();
        if self.samples.is_empty() {
            warnings.push("no record of telemetry was found".to_owned());
        }
        if self.unread > 0 {
            warnings.push(format!("{} records could not be read", self.unread));
        }
        if self.too_many {
            warnings.push(format!("more than {MAX_RECORDS} records: the rest was not read"));
        }
        let places = || self.samples.iter().filter_map(|sample| sample.position);
        let (first_position, last_position, position_count) = (places().next(), places().next_back(), places().count());
        if position_count == 0 && !self.samples.is_empty() {
            warnings.push("no record has a position".to_owned());
        }
        let span_s = match (self.samples.first(), self.samples.last()) {
            (Some(first), Some(last)) => last.t_s - first.t_s,
            _ => 0.0,
        };
        Srt {
            family: self.family,
            record_count: self.samples.len(),
            position_count,
            first_position,
            last_position,
            home: self.home,
            first_local: self.first_local,
            first_local_t_s: self.first_local_t_s,
            last_local: self.last_local,
            span_s,
            track: Track { source: TrackSource::Srt, samples: self.samples, warnings: Vec::new() },
            warnings,
        }
    }
}

fn read_record(text: &str) -> Option<(Family, Record)> {
    let text = untagged(text);
    if (text.contains('[') || bracket::is_counted(text))
        && let Some(record) = bracket::read(text)
    {
        return Some((Family::Brackets, record));
    }
    older::read(text)
}

/// A text without the `<font ...>` before it.
fn untagged(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some((_, after)) = text.strip_prefix('<').and_then(|tag| tag.split_once('>')) {
        text = after.trim_start();
    }
    text
}

/// What the first line of a record begins with.
#[derive(Clone, Copy, PartialEq)]
enum Opening<'a> {
    /// `FrameCnt`, `HOME`, `[latitude`.
    Word(&'a str),
    Date,
}

impl<'a> Opening<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let line = untagged(line);
        // `F/2.8` is not `F.PRY`
        let is_of_word = |c: char| c.is_ascii_alphabetic() || matches!(c, '[' | '_' | '/' | '.');
        let end = line.find(|c| !is_of_word(c)).unwrap_or(line.len());
        match line.get(..end)? {
            "" => local_time(line).filter(|_| line.starts_with(|c: char| c.is_ascii_digit())).map(|_| Self::Date),
            word => Some(Self::Word(word)),
        }
    }

    /// Whether a line begins as this one did.
    fn is_repeated_by(self, line: &str) -> bool {
        match self {
            Self::Date => line.starts_with(|c: char| c.is_ascii_digit()) && Opening::of(line) == Some(self),
            Self::Word(word) => Opening::of(line) == Some(Opening::Word(word)),
        }
    }
}

/// A subtitle: when it is shown, and its text.
#[derive(Debug)]
struct Cue<'a> {
    start_s: Option<f64>,
    text: &'a str,
}

/// Splits a file into cues by its timing lines, by its numbers where those are missing, and where a record begins as the one
/// before it did: tools put several into one cue, or leave nothing but the records.
struct Cues<'a> {
    rest: &'a str,
}

impl<'a> Cues<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    fn line(text: &str) -> (&str, usize) {
        match text.find('\n') {
            Some(end) => (text[..end].trim_end_matches('\r'), end + 1),
            None => (text, text.len()),
        }
    }
}

impl<'a> Iterator for Cues<'a> {
    type Item = Cue<'a>;

    fn next(&mut self) -> Option<Cue<'a>> {
        let mut start_s = None;
        // the head: blank lines, a number, a timing line
        loop {
            let (line, next) = Self::line(self.rest);
            if next == 0 {
                return None;
            }
            let trimmed = line.trim();
            if let Some(start) = timing(trimmed) {
                self.rest = &self.rest[next..];
                start_s = Some(start);
                break;
            }
            if !trimmed.is_empty() && !is_number(trimmed) {
                break;
            }
            self.rest = &self.rest[next..];
        }
        // the text: up to the next head
        let body = self.rest;
        let mut end = 0;
        let mut opening = None;
        while end < body.len() && end < MAX_CUE_BYTES {
            let (line, next) = Self::line(&body[end..]);
            let trimmed = line.trim();
            let head = timing(trimmed).is_some() || (is_number(trimmed) && begins_cue(&body[end + next..]));
            if head || opening.is_some_and(|opening: Opening<'_>| opening.is_repeated_by(trimmed)) {
                break;
            }
            if end == 0 {
                opening = Opening::of(trimmed);
            }
            end += next;
        }
        self.rest = &body[end..];
        Some(Cue { start_s, text: &body[..end] })
    }
}

/// What follows a lone number is a timing line, or a record of a file without them.
fn begins_cue(rest: &str) -> bool {
    let (line, _) = Cues::line(rest);
    let line = line.trim();
    // a number at the very end belongs to a record that was cut off
    line.is_empty()
        || timing(line).is_some()
        || line.as_bytes().first().is_some_and(u8::is_ascii_digit)
        || line.starts_with(['[', '<', 'F', 'H', 'G'])
}

fn is_number(line: &str) -> bool {
    !line.is_empty() && line.len() <= 10 && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// The start of `00:15:04,904 --> 00:15:05,905`, seconds. Without hours it is WebVTT's.
fn timing(line: &str) -> Option<f64> {
    // most lines are none: their first letter says so
    if !line.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let (start, _) = line.split_once("-->")?;
    let mut parts = start.trim().rsplitn(3, ':');
    let (seconds, minutes, hours) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0").trim());
    let (whole, fraction) = seconds.split_once([',', '.']).unwrap_or((seconds, ""));
    let whole_s = hours.parse::<u32>().ok()?.checked_mul(3_600)?;
    let whole_s = whole_s.checked_add(minutes.parse::<u32>().ok()?.checked_mul(60)?)?;
    let whole_s = whole_s.checked_add(whole.parse().ok()?)?;
    Some((f64::from(whole_s) * 1e9 + f64::from(nanoseconds(fraction.bytes()))) / 1e9)
}

/// `2022-08-07 13:40:40,774,808` or `2017.8.5 14:11:51` anywhere in a line: milliseconds, then microseconds.
fn local_time(line: &str) -> Option<DateTime> {
    let from = line.find(|c: char| c.is_ascii_digit())?;
    let mut words = line.get(from..)?.split_ascii_whitespace();
    let (date, time) = (words.next()?, words.next()?);
    let mut date = date.split(['-', '.', '/', ':']).map(str::parse::<i16>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (clock, fraction) = time.split_at_checked(time.find([',', '.']).unwrap_or(time.len()))?;
    let mut clock = clock.split(':').map(str::parse::<i8>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
    if date.next().is_some() || clock.next().is_some() {
        return None;
    }
    // `,774,808` are milli- and microseconds; what follows a second comma pair repeats them
    let mut groups = fraction.split([',', '.']).filter(|group| !group.is_empty());
    let (milli, micro) = (groups.next().unwrap_or(""), groups.next().unwrap_or(""));
    let nanosecond = nanoseconds(milli.bytes().chain(micro.bytes()).take(6));
    DateTime::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?, hour, minute, second, nanosecond).ok()
}

/// Digits behind a decimal point; ends at the first other letter.
fn nanoseconds(digits: impl Iterator<Item = u8>) -> i32 {
    let mut left = 9;
    let mut value = 0;
    for digit in digits.take(9).take_while(u8::is_ascii_digit) {
        value = value * 10 + i32::from(digit - b'0');
        left -= 1;
    }
    value * 10_i32.pow(left)
}

#[cfg(test)]
mod tests;
