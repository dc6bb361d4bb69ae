//! What a file is, from its first bytes and its name.

mod foreign;
pub(crate) mod jpeg;
mod text;
mod tiff;

use serde::Serialize;

use crate::receiver::ReceiverFormat;
use crate::{eventlog, receiver, rtcm};

/// How much of a file's beginning [`sniff`] wants to see, bytes.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The kinds of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Photo,
    Video,
    Panorama,
    Thermal,
    Subtitle,
    Ppk,
    Rtcm,
    Other,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Video => "video",
            Self::Panorama => "panorama",
            Self::Thermal => "thermal",
            Self::Subtitle => "subtitle",
            Self::Ppk => "ppk",
            Self::Rtcm => "rtcm",
            Self::Other => "other",
        }
    }
}

/// What a file's bytes are, more exactly than its kind: which reader it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Jpeg,
    /// Adobe's raw picture, a TIFF inside.
    Dng,
    Tiff,
    Png,
    /// HEIF with HEVC pictures.
    Heic,
    /// ISO base media: MP4, MOV, whatever the codec.
    Mp4,
    Subtitle,
    RinexObservation,
    RinexNavigation,
    /// Meteorology, clocks, and Hatanaka's compact form.
    RinexOther,
    Mrk,
    Rtcm3,
    EventLog,
    /// A receiver's own format.
    Receiver(ReceiverFormat),
    /// RTKLIB's solution.
    Solution,
    Unknown,
}

/// What the first bytes say, and what is odd about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sniffed {
    pub kind: Kind,
    pub format: Format,
    /// Media type for a browser.
    pub content_type: &'static str,
    pub warnings: Vec<String>,
}

/// The kind that a file's name promises. DJI's names: `DJI_..._T.JPG` is the thermal camera's picture; `.obs .nav .mrk
/// .rtk` and `_PPKRAW.bin` belong to a PPK set; `.dat` is the correction source's RTCM 3. RINEX's own: `.24o`, `.rnx`.
pub fn kind_of_name(name: &str) -> Kind {
    let name = name.to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    match extension {
        "jpg" | "jpeg" if stem.ends_with("_t") => Kind::Thermal,
        "jpg" | "jpeg" | "dng" | "tif" | "tiff" | "png" | "heic" | "heif" => Kind::Photo,
        "mp4" | "mov" | "m4v" | "insv" | "qt" => Kind::Video,
        "srt" => Kind::Subtitle,
        "obs" | "nav" | "mrk" | "rtk" | "pos" | "rnx" | "crx" | "gnav" | "ubx" => Kind::Ppk,
        "bin" if stem.ends_with("ppkraw") || stem.ends_with("eventlog") => Kind::Ppk,
        "dat" | "rtcm" | "rtcm3" => Kind::Rtcm,
        _ if is_rinex_2_extension(extension) => Kind::Ppk,
        _ => Kind::Other,
    }
}

/// Two digits of the year and a letter: observations, navigation of each system, compact.
fn is_rinex_2_extension(extension: &str) -> bool {
    matches!(extension.as_bytes(), [tens, ones, b'o' | b'n' | b'g' | b'l' | b'p' | b'd' | b'h' | b'q' | b'c'] if tens.is_ascii_digit() && ones.is_ascii_digit())
}

/// The kind by content first, name second: the segments of a JPEG that begin behind `head` are not looked at, see
/// [`crate::understand::understand`]. `head` is the file's beginning (up to [`HEAD_BYTES`]); a shorter one is a
/// short file. Lying names are warned of, never fatal.
pub fn sniff(name: &str, head: &[u8]) -> Sniffed {
    let named = kind_of_name(name);
    let mut warnings = Vec::new();
    if head.is_empty() {
        warnings.push("the file is empty".to_owned());
        let content_type = "application/octet-stream";
        return Sniffed { kind: named, format: Format::Unknown, content_type, warnings };
    }
    let (format, content_type) = format_of(head);
    let kind = match format {
        Format::Jpeg if named == Kind::Thermal || jpeg::is_r_jpeg(head) => Kind::Thermal,
        Format::Jpeg if jpeg::is_sphere(head) => Kind::Panorama,
        Format::Jpeg | Format::Dng | Format::Tiff | Format::Png | Format::Heic => Kind::Photo,
        Format::Mp4 => Kind::Video,
        Format::Subtitle => Kind::Subtitle,
        Format::RinexObservation
        | Format::RinexNavigation
        | Format::RinexOther
        | Format::Mrk
        | Format::EventLog
        | Format::Receiver(_)
        | Format::Solution => Kind::Ppk,
        // the aircraft's own log and the correction stream are the same format: only the name tells them apart
        Format::Rtcm3 if named == Kind::Ppk => Kind::Ppk,
        Format::Rtcm3 => Kind::Rtcm,
        Format::Unknown => named,
    };
    if format == Format::Unknown {
        let foreign = foreign::name_of(head);
        let what = foreign.unwrap_or("not one that is known");
        match named {
            Kind::Other if foreign.is_none() && is_plain(head) => {}
            Kind::Other => warnings.push(format!("the file is not understood: its content is {what}")),
            Kind::Ppk | Kind::Rtcm => {
                warnings.push(format!("the name promises {} but the content is {what}", named.as_str()));
            }
            _ => warnings.push(format!("the name promises a {} but the content is {what}", named.as_str())),
        }
    } else if kind != named && !refines(named, kind) {
        warnings.push(format!("the name promises {} but the content is {}", named.as_str(), kind.as_str()));
    } else if let Format::Receiver(receiver) = format {
        warnings.push(format!("the log is in its receiver's own format ({}), which is not read", receiver.as_str()));
    }
    if format == Format::Heic {
        warnings.push("HEIF pictures are not decoded: there is no preview of it".to_owned());
    }
    Sniffed { kind, format, content_type, warnings }
}

/// A text in UTF-8: nobody wonders why it is not read.
fn is_plain(head: &[u8]) -> bool {
    let is_text = match std::str::from_utf8(head) {
        Ok(_) => true,
        // the last letter may be cut
        Err(error) => error.error_len().is_none(),
    };
    is_text && !head.contains(&0)
}

/// True when `found` only says more exactly what `named` promised.
fn refines(named: Kind, found: Kind) -> bool {
    named == Kind::Other || (named == Kind::Photo && matches!(found, Kind::Thermal | Kind::Panorama))
}

fn format_of(head: &[u8]) -> (Format, &'static str) {
    const BINARY: &str = "application/octet-stream";
    match head {
        [0xFF, 0xD8, 0xFF, ..] => (Format::Jpeg, "image/jpeg"),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] if tiff::is_dng(head) => {
            (Format::Dng, "image/x-adobe-dng")
        }
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => (Format::Tiff, "image/tiff"),
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => (Format::Png, "image/png"),
        _ => iso_media(head)
            .or_else(|| text::format_of(head))
            .or_else(|| eventlog::starts_event_log(head).then_some((Format::EventLog, BINARY)))
            .or_else(|| receiver::format_of(head).map(|format| (Format::Receiver(format), BINARY)))
            .or_else(|| rtcm::has_frame(head).then_some((Format::Rtcm3, BINARY)))
            .or_else(|| receiver::found_in(head).map(|format| (Format::Receiver(format), BINARY)))
            .unwrap_or((Format::Unknown, BINARY)),
    }
}

/// MP4 and MOV, also QuickTime's old form that begins with another box than `ftyp`, and recordings that were cut before
/// their `moov` was written. The codec, H.264 or H.265, makes no difference here.
fn iso_media(head: &[u8]) -> Option<(Format, &'static str)> {
    let [a, b, c, d, kind @ ..] = head else { return None };
    let size = u32::from_be_bytes([*a, *b, *c, *d]);
    let sound_size = size == 0 || size == 1 || size >= 8;
    let second_box = || {
        let at = usize::try_from(size).ok()?;
        head.get(at.checked_add(4)?..at.checked_add(8)?)
    };
    let known = |kind: &[u8]| matches!(kind, b"moov" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"uuid");
    match kind.get(..4)? {
        b"ftyp" => Some(match kind.get(4..8) {
            Some(b"heic" | b"heix" | b"mif1" | b"msf1" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"avif" | b"avis") => {
                (Format::Heic, "image/heic")
            }
            Some(b"qt  ") => (Format::Mp4, "video/quicktime"),
            _ => (Format::Mp4, "video/mp4"),
        }),
        b"moov" | b"mdat" if sound_size => Some((Format::Mp4, "video/quicktime")),
        // one of the words that other files may have there too: the next box must be known as well
        first if sound_size && known(first) && second_box().is_some_and(known) => {
            Some((Format::Mp4, "video/quicktime"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
