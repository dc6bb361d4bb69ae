//! `moov/udta`: what older models say once for the whole file.

use super::boxes::{children, u16_at, u32_at};
use crate::track::{Attitude, Place, Sample};

const MAX_TEXT_BYTES: usize = 256;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Words {
    pub(super) model: Option<String>,
    /// One moment, when anything is said of it.
    pub(super) sample: Option<Sample>,
}

pub(super) fn read(udta: &[u8]) -> Words {
    let mut words = Words::default();
    let (mut gimbal, mut aircraft, mut position) = (Attitude::default(), Attitude::default(), None);
    for (kind, bytes) in children(udta) {
        if &kind == b"loci" {
            position = position.or_else(|| location(bytes));
        }
        let [0xA9, name @ ..] = kind else { continue };
        let Some(text) = text(bytes) else { continue };
        let angle = || text.trim().trim_start_matches('+').parse().ok().filter(|angle: &f64| angle.is_finite());
        match &name {
            b"xyz" => position = iso_6709(text),
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
