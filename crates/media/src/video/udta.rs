//! `moov/udta` and `moov/meta`: what older models, telephones and tools say once for the whole file.

use jiff::Timestamp;

use super::boxes::{children, inside, u16_at, u32_at};
use crate::track::{Attitude, Place, Sample};

const MAX_TEXT_BYTES: usize = 256;
const MAX_KEYS: usize = 256;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Words {
    pub(super) model: Option<String>,
    /// For files whose header has no time.
    pub(super) created_at: Option<Timestamp>,
    /// One moment, when anything is said of it.
    pub(super) sample: Option<Sample>,
}

pub(super) fn read(udta: &[u8], meta: &[u8]) -> Words {
    let mut words = Words::default();
    let (mut gimbal, mut aircraft, mut position) = (Attitude::default(), Attitude::default(), None);
    for (key, value) in apple_keys(meta) {
        // Apple's own begin with its domain, ffmpeg's do not
        match key.strip_prefix(b"com.apple.quicktime.").unwrap_or(key) {
            b"location.ISO6709" | b"location" => position = iso_6709(value),
            b"model" => words.model = Some(value.trim().to_owned()).filter(|model| !model.is_empty()),
            b"creationdate" => {
                let (local, offset) = crate::photo::civil(value).unzip();
                words.created_at =
                    local.zip(offset.flatten()).and_then(|(local, offset)| offset.to_timestamp(local).ok());
            }
            _ => {}
        }
    }
    for (kind, bytes) in children(udta) {
        if &kind == b"loci" {
            position = position.or_else(|| location(bytes));
        }
        let [0xA9, name @ ..] = kind else { continue };
        let Some(text) = text(bytes) else { continue };
        let angle = || text.trim().trim_start_matches('+').parse().ok().filter(|angle: &f64| angle.is_finite());
        match &name {
            b"xyz" => position = iso_6709(text).or(position),
            b"mdl" => words.model = Some(text.trim().to_owned()),
            b"fpt" => aircraft.pitch_deg = angle(),
            b"fyw" => aircraft.yaw_deg = angle(),
            b"frl" => aircraft.roll_deg = angle(),
            b"gpt" => gimbal.pitch_deg = angle(),
            b"gyw" => gimbal.yaw_deg = angle(),
            b"grl" => gimbal.roll_deg = angle(),
            _ => {}
        }
    }
    let said = |attitude: Attitude| (attitude != Attitude::default()).then_some(attitude);
    if position.is_some() || said(gimbal).is_some() || said(aircraft).is_some() {
        let sample = Sample { position, gimbal: said(gimbal), aircraft: said(aircraft), ..Sample::default() };
        words.sample = Some(sample);
    }
    words
}

/// `keys` names them, `ilst` has the values of those that are texts, by their numbers.
fn apple_keys(meta: &[u8]) -> Vec<(&[u8], &str)> {
    // QuickTime's box has no version before its children, that of ISO media has
    let meta = if meta.get(4..8) == Some(b"hdlr") { meta } else { meta.get(4..).unwrap_or_default() };
    let list = |kind| inside(meta, &[kind]).unwrap_or_default();
    let names = records(list(b"keys").get(8..).unwrap_or_default()).filter_map(|name| name.get(8..));
    let names: Vec<&[u8]> = names.take(MAX_KEYS).collect();
    let values = records(list(b"ilst")).take(MAX_KEYS).filter_map(|item| {
        let key = names.get((u32_at(item, 4)? as usize).checked_sub(1)?)?;
        let data = inside(item.get(8..)?, &[b"data"])?;
        // 1 is UTF-8
        let text = (u32_at(data, 0)? == 1).then(|| data.get(8..))??;
        Some((*key, std::str::from_utf8(text.get(..MAX_TEXT_BYTES).unwrap_or(text)).ok()?))
    });
    values.collect()
}

/// Boxes whose names are numbers; each with its length and name.
fn records(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = u32_at(rest, 0)? as usize;
        let (one, after) = rest.split_at_checked(size).filter(|_| size >= 8)?;
        rest = after;
        Some(one)
    })
}

/// QuickTime's text: a length, a language, the text.
fn text(bytes: &[u8]) -> Option<&str> {
    let length = usize::from(u16_at(bytes, 0)?).min(MAX_TEXT_BYTES);
    let text = bytes.get(4..)?;
    std::str::from_utf8(text.get(..length.min(text.len()))?).ok().map(|text| text.trim_end_matches('\0'))
}

/// 3GPP's place (TS 26.244, 8.2): a name, a role, then longitude, latitude and altitude in 16.16. What tools write into MP4.
fn location(bytes: &[u8]) -> Option<Place> {
    // version and language come first; a name in UTF-16 has the mark that says so
    let name = bytes.get(6..)?.get(..MAX_TEXT_BYTES.min(bytes.len() - 6))?;
    let end = if name.starts_with(&[0xFE, 0xFF]) {
        name.as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0])? * 2 + 2
    } else {
        name.iter().position(|byte| *byte == 0)? + 1
    };
    let fixed = |at: usize| u32_at(bytes, 6 + end + 1 + at).map(|value| f64::from(value as i32) / 65_536.0);
    let (lng, lat, altitude_m) = (fixed(0)?, fixed(4)?, fixed(8)?);
    crate::photo::on_earth(Place { lat, lng, absolute_altitude_m: Some(altitude_m), relative_altitude_m: None })
}

/// `+47.5000-008.2500+412.5/`.
fn iso_6709(text: &str) -> Option<Place> {
    let text = text.trim().trim_end_matches('/');
    let signs: Vec<usize> = text.match_indices(['+', '-']).map(|(at, _)| at).collect();
    let number = |n: usize| -> Option<f64> {
        let from = *signs.get(n)?;
        let to = signs.get(n + 1).copied().unwrap_or(text.len());
        text.get(from..to)?.trim_start_matches('+').parse().ok().filter(|number: &f64| number.is_finite())
    };
    crate::photo::on_earth(Place {
        lat: number(0)?,
        lng: number(1)?,
        absolute_altitude_m: number(2),
        relative_altitude_m: None,
    })
}
