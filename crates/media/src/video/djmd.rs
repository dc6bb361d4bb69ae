//! `djmd` samples: DJI's telemetry in Protocol Buffers. Each product has its own layout; an unknown one is searched for
//! what can only be a position.

use std::f64::consts::{FRAC_PI_2, PI};

use serde::Serialize;

use super::protobuf::{Value, fields, find, varint};
use crate::track::{Attitude, Camera, Place, Sample};

/// Deepest message in which an unknown layout is searched.
const MAX_SEARCH_DEPTH: usize = 8;
/// Fields that such a search looks at.
const MAX_SEARCHED_FIELDS: usize = 4_096;
const MAX_TEXT_CHARS: usize = 128;
/// Of an unknown layout: an angle that is larger is none, nor is a height.
const MAX_TENTHS: i64 = 3_600;
const MAX_HEIGHT_M: f64 = 10_000.0;
/// Top field of a frame.
const FRAME: u32 = 3;

/// What the first sample says of the whole clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Header {
    /// `dvtm_<product>.proto`.
    pub protocol: Option<String>,
    pub library_version: Option<String>,
    pub schema_version: Option<String>,
    pub serial: Option<String>,
    pub firmware: Option<String>,
    pub product: Option<String>,
    /// True when the fields are laid out in a way that is known; else only a position was searched for.
    pub layout_known: bool,
    /// Encrypted or compressed telemetry cannot be read.
    pub readable: bool,
}

/// One frame's values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frame {
    pub(super) number: Option<u64>,
    /// Without times.
    pub(super) sample: Sample,
    pub(super) gps_time: Option<jiff::civil::DateTime>,
}

/// Where a product's values lie: paths of field numbers from the top.
#[derive(Debug)]
pub(super) struct Layout {
    /// The protocol's name without `dvtm_` and `.proto`.
    name: &'static str,
    aircraft: &'static [u32],
    position: &'static [u32],
    relative_altitude: &'static [u32],
    gimbal: &'static [u32],
    iso: &'static [u32],
    shutter: &'static [u32],
    f_number: &'static [u32],
    zoom: &'static [u32],
    gps_time: &'static [u32],
    /// Whatever the unit field says.
    degrees: bool,
}

/// The shape that most products share.
const COMMON: Layout = Layout {
    name: "",
    aircraft: &[3, 3, 3],
    position: &[3, 3, 4, 1],
    relative_altitude: &[3, 3, 5, 1],
    gimbal: &[3, 4, 3],
    iso: &[],
    shutter: &[],
    f_number: &[],
    zoom: &[],
    gps_time: &[],
    degrees: false,
};
const MAVIC_3: Layout = Layout { iso: &[3, 2, 2, 1], shutter: &[3, 2, 3, 1], zoom: &[3, 2, 6, 1], ..COMMON };
const AIR: Layout = Layout { iso: &[3, 2, 7, 1], shutter: &[3, 2, 10, 1], f_number: &[3, 2, 11, 1], ..COMMON };
const AVATA: Layout = Layout {
    aircraft: &[3, 4, 3],
    position: &[3, 4, 4, 1],
    relative_altitude: &[3, 4, 5, 1],
    gimbal: &[],
    iso: &[3, 2, 2, 1],
    shutter: &[3, 2, 4, 1],
    f_number: &[3, 2, 10, 1],
    ..COMMON
};
const OSMO: Layout = Layout {
    aircraft: &[],
    position: &[3, 4, 2, 1],
    relative_altitude: &[],
    gimbal: &[],
    iso: &[3, 2, 3, 1],
    shutter: &[3, 2, 4, 1],
    gps_time: &[3, 4, 2, 6, 1],
    ..COMMON
};
/// Without a receiver: the exposure alone.
const POCKET: Layout = Layout {
    aircraft: &[],
    position: &[],
    relative_altitude: &[],
    gimbal: &[],
    iso: &[3, 2, 9, 1],
    shutter: &[3, 2, 10, 1],
    ..COMMON
};

static LAYOUTS: [Layout; 17] = [
    Layout { name: "pm320", f_number: &[3, 2, 4, 1], ..MAVIC_3 },
    Layout { name: "wm265e", ..MAVIC_3 },
    Layout { name: "wa345e", gps_time: &[3, 3, 4, 6, 1], ..COMMON },
    Layout {
        name: "wm261",
        iso: &[3, 2, 9, 1],
        shutter: &[3, 2, 10, 1],
        f_number: &[3, 2, 11, 1],
        gps_time: &[3, 3, 4, 6, 1],
        ..COMMON
    },
    Layout { name: "air3s", ..AIR },
    Layout { name: "air3", ..AIR },
    Layout { name: "mini4_pro", ..AIR },
    Layout { name: "mavic4", iso: &[3, 2, 9, 1], shutter: &[3, 2, 10, 1], degrees: true, ..COMMON },
    Layout { name: "mini5pro", degrees: true, aircraft: &[], gimbal: &[], relative_altitude: &[], ..COMMON },
    Layout { name: "avata2", ..AVATA },
    Layout { name: "dji_neo", ..AVATA },
    Layout { name: "neo", ..AVATA },
    Layout { name: "ac203", ..OSMO },
    Layout { name: "ac204", ..OSMO },
    Layout { name: "ac206", ..OSMO },
    Layout { name: "oq101", ..OSMO },
    Layout { name: "pp-101", ..POCKET },
];

/// Reads the clip's header out of the first sample; `None` when it has none.
pub(super) fn header(sample: &[u8]) -> Option<Header> {
    let clip = find(sample, &[1])?.bytes()?;
    let info = find(clip, &[1])?.bytes()?;
    let text = |path: &[u32]| {
        let text = find(info, path)?.text()?;
        Some(text.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect::<String>())
    };
    let named = fields(info).filter_map(|(_, value)| value.text()).find(|text| text.ends_with(".proto"));
    let protocol = named.map(|name| name.chars().take(MAX_TEXT_CHARS).collect::<String>());
    let zero = |path: &[u32]| find(info, path).and_then(Value::unsigned).unwrap_or(0) == 0;
    Some(Header {
        layout_known: protocol.as_deref().is_some_and(|name| layout(name).is_some()),
        protocol,
        library_version: text(&[2]),
        schema_version: text(&[3]),
        serial: text(&[5]),
        firmware: text(&[6]),
        product: text(&[10]),
        readable: zero(&[7]) && zero(&[8]),
    })
}

/// The message in field `number` when `bytes` begin with it, and how long it is with its key.
pub(super) fn message_of(bytes: &[u8], number: u32) -> Option<(&[u8], usize)> {
    let mut rest = bytes;
    let key = varint(&mut rest)?;
    let length = usize::try_from(varint(&mut rest)?).ok()?;
    let message = rest.get(..length).filter(|_| key == u64::from(number) << 3 | 2)?;
    Some((message, bytes.len() - rest.len() + length))
}

/// The bytes that belong to the frame that `bytes` begin with: its message, and more pieces of it. 0 when there is none.
pub(super) fn frame_size(bytes: &[u8]) -> usize {
    let Some((_, mut size)) = message_of(bytes, FRAME) else { return 0 };
    while let Some((more, more_size)) = bytes.get(size..).and_then(|rest| message_of(rest, FRAME)) {
        // a frame's header begins another one
        if message_of(more, 1).is_some() || !is_sound(more) {
            break;
        }
        size += more_size;
    }
    size
}

/// Whether a message is made of fields to its very end.
pub(super) fn is_sound(message: &[u8]) -> bool {
    let mut rest = fields(message);
    while rest.next().is_some() {}
    rest.is_empty() && !message.is_empty()
}

/// A frame's number and its microseconds since power-on; `None` when it lacks one.
pub(super) fn frame_time(sample: &[u8]) -> Option<(u64, u64)> {
    let number = |field| find(sample, &[3, 1, field]).and_then(Value::unsigned).filter(|number| *number > 0);
    number(1).zip(number(2))
}

pub(super) fn layout(protocol: &str) -> Option<&'static Layout> {
    let name = protocol.strip_suffix(".proto").unwrap_or(protocol);
    let name = name.strip_prefix("dvtm_").unwrap_or(name);
    // `neo2` is not `neo`: a product that is not known is searched
    LAYOUTS.iter().find(|layout| layout.name.eq_ignore_ascii_case(name))
}

/// Reads one frame. A number that is not on the wire is 0, a position that is not there is none.
pub(super) fn frame(sample: &[u8], layout: Option<&Layout>) -> Frame {
    let mut frame = Frame { number: find(sample, &[3, 1, 1]).and_then(Value::unsigned), ..Frame::default() };
    let Some(layout) = layout else {
        unknown(sample, &mut frame.sample);
        return frame;
    };
    let relative_altitude_m = relative_altitude_m(sample, layout);
    frame.sample.position = position(sample, layout)
        .map(|place| Place { relative_altitude_m: relative_altitude_m.or(place.relative_altitude_m), ..place });
    frame.sample.aircraft = attitude(sample, layout.aircraft);
    frame.sample.gimbal = attitude(sample, layout.gimbal);
    let number = |path: &[u32]| find(sample, path).and_then(Value::number).filter(|number| *number > 0.0);
    let camera = Camera {
        iso: number(layout.iso),
        shutter_s: fraction(sample, layout.shutter),
        f_number: fraction(sample, layout.f_number),
        zoom: number(layout.zoom),
        focal_length_35mm_mm: None,
    };
    frame.sample.camera = (camera != Camera::default()).then_some(camera);
    let time = find(sample, layout.gps_time).and_then(Value::text);
    frame.gps_time = time.and_then(|text| crate::photo::civil(&text.replace('-', ":"))).map(|(time, _)| time);
    frame
}

fn position(sample: &[u8], layout: &Layout) -> Option<Place> {
    let message = find(sample, layout.position)?.bytes()?;
    let (_, block) = layout.position.split_last()?;
    let beside = |number| find(sample, &[block, &[number]].concat());
    // 1 says that the receiver has no fix
    if beside(3).and_then(Value::unsigned) == Some(1) {
        return None;
    }
    place(message, beside(2), layout.degrees)
}

/// Latitude and longitude of a position message, and the altitude that stands beside it, in millimetres.
fn place(message: &[u8], altitude: Option<Value<'_>>, degrees: bool) -> Option<Place> {
    let angle = |number| find(message, &[number]).and_then(Value::number).unwrap_or(0.0);
    let degrees = degrees || find(message, &[1]).and_then(Value::unsigned) == Some(1);
    let (lat, lng) = if degrees { (angle(2), angle(3)) } else { (angle(2).to_degrees(), angle(3).to_degrees()) };
    // zero is left out on the wire: without the field it is 0 mm
    let altitude_mm = altitude.map_or(Some(0), Value::signed);
    let absolute_altitude_m = altitude_mm.map(|altitude_mm| altitude_mm as f64 / 1_000.0);
    crate::photo::on_earth(Place { lat, lng, absolute_altitude_m, relative_altitude_m: None })
}

fn relative_altitude_m(sample: &[u8], layout: &Layout) -> Option<f64> {
    let (block, _) = layout.relative_altitude.split_at_checked(layout.relative_altitude.len().checked_sub(1)?)?;
    let block = find(sample, block)?.bytes()?;
    let altitude_mm = find(block, &[1]).and_then(Value::number).unwrap_or(0.0);
    // a valid flag that is left out says false, but some firmware has no flag at all
    Some(altitude_mm / 1_000.0)
}

/// Tenths of degrees: 1 pitch, 2 roll, 3 yaw.
fn attitude(sample: &[u8], path: &[u32]) -> Option<Attitude> {
    let message = find(sample, path)?.bytes()?;
    let angle = |number| find(message, &[number]).map_or(Some(0), Value::signed).map(|tenths| tenths as f64 / 10.0);
    Some(Attitude { yaw_deg: angle(3), pitch_deg: angle(1), roll_deg: angle(2) })
}

/// Two packed numbers: numerator and denominator.
fn fraction(sample: &[u8], path: &[u32]) -> Option<f64> {
    match find(sample, path)? {
        Value::Bytes(mut packed) => {
            let (numerator, denominator) = (varint(&mut packed)? as f64, varint(&mut packed)? as f64);
            (denominator > 0.0 && numerator > 0.0).then(|| numerator / denominator)
        }
        other => other.number().filter(|number| *number > 0.0),
    }
}

/// What an unknown protocol tells: a position wherever it is, and what lies beside it where all known products that have their
/// position there have it, when it can be that.
fn unknown(sample: &[u8], found: &mut Sample) {
    found.position = search(sample);
    let is_position = |path: &[u32]| {
        let message = find(sample, path).and_then(Value::bytes);
        message.is_some_and(|message| {
            [2, 3].iter().all(|number| matches!(find(message, &[*number]), Some(Value::Fixed64(_))))
        })
    };
    let Some(alike) = [&COMMON, &AVATA].into_iter().find(|layout| is_position(layout.position)) else { return };
    found.aircraft = attitude(sample, alike.aircraft).filter(|_| are_angles(sample, alike.aircraft));
    found.gimbal = attitude(sample, alike.gimbal).filter(|_| are_angles(sample, alike.gimbal));
    let height = find(sample, alike.relative_altitude);
    let height_m = relative_altitude_m(sample, alike)
        .filter(|height_m| matches!(height, Some(Value::Fixed32(_))) && height_m.abs() < MAX_HEIGHT_M);
    if let Some(place) = &mut found.position {
        place.relative_altitude_m = height_m;
    }
}

/// A message of nothing but tenths of degrees.
fn are_angles(sample: &[u8], path: &[u32]) -> bool {
    let Some(message) = find(sample, path).and_then(Value::bytes) else { return false };
    let mut rest = fields(message);
    let sound = rest.by_ref().all(|(number, value)| {
        (1..=3).contains(&number) && value.signed().is_some_and(|tenths| tenths.abs() <= MAX_TENTHS)
    });
    sound && rest.is_empty()
}

/// For unknown protocols: the first message whose fields 2 and 3 are doubles in the range of a position; rather one with an
/// altitude beside it.
fn search(sample: &[u8]) -> Option<Place> {
    [true, false].into_iter().find_map(|with_altitude| {
        let mut budget = MAX_SEARCHED_FIELDS;
        let mut frames = fields(sample).filter(|(number, _)| *number == 3).filter_map(|(_, value)| value.bytes());
        frames.find_map(|frame| search_in(frame, with_altitude, 0, &mut budget))
    })
}

fn search_in(block: &[u8], with_altitude: bool, depth: usize, budget: &mut usize) -> Option<Place> {
    let has_altitude = matches!(find(block, &[2]), Some(Value::Varint(_)));
    for (_, value) in fields(block) {
        *budget = budget.checked_sub(1)?;
        let Value::Bytes(message) = value else { continue };
        let double = |number| match find(message, &[number]) {
            Some(Value::Fixed64(bits)) => Some(f64::from_bits(bits)),
            _ => None,
        };
        if let (Some(lat), Some(lng)) = (double(2), double(3))
            && has_altitude >= with_altitude
        {
            let in_radians = lat.abs() <= FRAC_PI_2 && lng.abs() <= PI;
            // newer products write degrees and do not always say so
            let degrees = find(message, &[1]).and_then(Value::unsigned) == Some(1) || (has_altitude && !in_radians);
            let in_range = if degrees { lat.abs() <= 90.0 && lng.abs() <= 180.0 } else { in_radians };
            // where a state stands beside a position and its altitude, 1 says that the receiver has no fix
            let lost = has_altitude && find(block, &[3]) == Some(Value::Varint(1));
            if in_range && !lost && (lat != 0.0 || lng != 0.0) {
                return place(message, find(block, &[2]), degrees);
            }
        }
        if depth < MAX_SEARCH_DEPTH
            && let Some(place) = search_in(message, with_altitude, depth + 1, budget)
        {
            return Some(place);
        }
    }
    None
}
