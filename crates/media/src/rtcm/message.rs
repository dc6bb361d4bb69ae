//! The messages whose content tells where, when and what: 1005/1006 position, 1007/1008/1033 antenna and receiver, 1013 date,
//! 1001..1004 and 1009..1012 and MSM epochs. Field widths after RTCM 10403.3; everything else is counted by its number.

use super::System;

/// Bits of a payload, the first bit first. Reading beyond the end gives `None`.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn unsigned(&mut self, bits: usize) -> Option<u64> {
        let mut value = 0;
        for bit in self.at..self.at.checked_add(bits)? {
            let byte = self.bytes.get(bit / 8)?;
            value = value << 1 | u64::from(byte >> (7 - bit % 8) & 1);
        }
        self.at += bits;
        Some(value)
    }

    fn signed(&mut self, bits: usize) -> Option<i64> {
        let value = self.unsigned(bits)?;
        let unused = 64 - bits;
        Some(((value << unused) as i64) >> unused)
    }

    /// A counted string: one byte of length, then that many characters.
    fn text(&mut self) -> Option<String> {
        let length = self.unsigned(8)?;
        let mut text = String::new();
        for _ in 0..length {
            let byte = u8::try_from(self.unsigned(8)?).ok()?;
            text.push(if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '\u{fffd}' });
        }
        Some(text.trim().to_owned())
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Position {
        station_id: u16,
        x_m: f64,
        y_m: f64,
        z_m: f64,
        antenna_height_m: Option<f64>,
    },
    Equipment {
        station_id: u16,
        antenna: Option<String>,
        antenna_serial: Option<String>,
        receiver: Option<String>,
        firmware: Option<String>,
        receiver_serial: Option<String>,
    },
    /// Modified Julian day and second of day, UTC.
    Date {
        mjd: u16,
        second: u32,
    },
    /// Satellites seen at a moment of the system's own clock, milliseconds of week (of day where GLONASS tells no weekday).
    Epoch {
        station_id: u16,
        system: System,
        clock: Clock,
        satellites: u64,
    },
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Milliseconds of the system's week.
    Week(u32),
    /// GLONASS: day of week (7 unknown) and milliseconds of day, UTC + 3 h.
    Day { weekday: u8, ms: u32 },
}

/// The first 12 bits.
pub(super) fn number_of(payload: &[u8]) -> Option<u16> {
    Bits::new(payload).unsigned(12).and_then(|number| u16::try_from(number).ok())
}

/// `None` when the message is shorter than its content needs.
pub(super) fn content_of(number: u16, payload: &[u8]) -> Option<Content> {
    let mut bits = Bits::new(payload);
    bits.unsigned(12)?;
    let mut station_id = || u16::try_from(bits.unsigned(12)?).ok();
    Some(match number {
        1005 | 1006 => {
            let station_id = station_id()?;
            bits.unsigned(6 + 4)?;
            let x_m = bits.signed(38)? as f64 * 1e-4;
            bits.unsigned(2)?;
            let y_m = bits.signed(38)? as f64 * 1e-4;
            bits.unsigned(2)?;
            let z_m = bits.signed(38)? as f64 * 1e-4;
            let antenna_height_m = if number == 1006 { Some(bits.unsigned(16)? as f64 * 1e-4) } else { None };
            Content::Position { station_id, x_m, y_m, z_m, antenna_height_m }
        }
        1007 | 1008 | 1033 => {
            let station_id = station_id()?;
            let antenna = filled(bits.text()?);
            bits.unsigned(8)?;
            let antenna_serial = if number == 1007 { None } else { filled(bits.text()?) };
            let mut last = || if number == 1033 { bits.text().map(filled) } else { Some(None) };
            let (receiver, firmware, receiver_serial) = (last()?, last()?, last()?);
            Content::Equipment { station_id, antenna, antenna_serial, receiver, firmware, receiver_serial }
        }
        1013 => {
            station_id()?;
            let mjd = u16::try_from(bits.unsigned(16)?).ok()?;
            Content::Date { mjd, second: u32::try_from(bits.unsigned(17)?).ok()? }
        }
        1001..=1004 => {
            let station_id = station_id()?;
            let ms = u32::try_from(bits.unsigned(30)?).ok()?;
            bits.unsigned(1)?;
            let count = bits.unsigned(5)?;
            bits.unsigned(1 + 3)?;
            // L1 alone, L1 with ambiguity and strength, both bands, both bands with them
            let each = match number {
                1001 => 58,
                1002 => 74,
                1003 => 101,
                _ => 125,
            };
            let satellites = numbered(&mut bits, count, each)?;
            Content::Epoch { station_id, system: System::Gps, clock: Clock::Week(ms), satellites }
        }
        1009..=1012 => {
            let station_id = station_id()?;
            let ms = u32::try_from(bits.unsigned(27)?).ok()?;
            bits.unsigned(1)?;
            let count = bits.unsigned(5)?;
            bits.unsigned(1 + 3)?;
            let each = match number {
                1009 => 64,
                1010 => 79,
                1011 => 107,
                _ => 130,
            };
            let satellites = numbered(&mut bits, count, each)?;
            let clock = Clock::Day { weekday: 7, ms };
            Content::Epoch { station_id, system: System::Glonass, clock, satellites }
        }
        1071..=1137 => match System::of_msm(number) {
            None => Content::Other,
            Some(system) => {
                let station_id = station_id()?;
                let clock = if system == System::Glonass {
                    let weekday = u8::try_from(bits.unsigned(3)?).ok()?;
                    Clock::Day { weekday, ms: u32::try_from(bits.unsigned(27)?).ok()? }
                } else {
                    Clock::Week(u32::try_from(bits.unsigned(30)?).ok()?)
                };
                bits.unsigned(1 + 3 + 7 + 2 + 2 + 1 + 3)?;
                // the first bit of the mask is satellite 1
                let satellites = bits.unsigned(64)?.reverse_bits();
                Content::Epoch { station_id, system, clock, satellites }
            }
        },
        _ => Content::Other,
    })
}

/// Satellite numbers that begin records of `each` bits.
fn numbered(bits: &mut Bits<'_>, count: u64, each: usize) -> Option<u64> {
    let mut satellites = 0_u64;
    for _ in 0..count {
        let number = bits.unsigned(6)?;
        bits.unsigned(each - 6)?;
        satellites |= 1 << number.saturating_sub(1);
    }
    Some(satellites)
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What a message of this number is, for people.
pub(super) fn meaning(number: u16) -> &'static str {
    match number {
        1001..=1004 => "gps observations",
        1005 => "station position",
        1006 => "station position and antenna height",
        1007 | 1008 => "antenna",
        1009..=1012 => "glonass observations",
        1013 => "system parameters",
        1014 => "network stations",
        1015..=1017 => "gps network corrections",
        1019 => "gps ephemeris",
        1020 => "glonass ephemeris",
        1021..=1027 => "coordinate transformation",
        1029 => "text",
        1030 | 1034 => "gps network residuals",
        1031 | 1035 => "glonass network residuals",
        1032 => "physical reference station",
        1033 => "receiver and antenna",
        1037..=1039 => "glonass network corrections",
        1041 => "navic ephemeris",
        1042 => "beidou ephemeris",
        1043 => "sbas ephemeris",
        1044 => "qzss ephemeris",
        1045 | 1046 => "galileo ephemeris",
        1057..=1062 => "gps ssr corrections",
        1063..=1068 => "glonass ssr corrections",
        1071..=1077 => "gps msm",
        1081..=1087 => "glonass msm",
        1091..=1097 => "galileo msm",
        1101..=1107 => "sbas msm",
        1111..=1117 => "qzss msm",
        1121..=1127 => "beidou msm",
        1131..=1137 => "navic msm",
        1230 => "glonass code-phase biases",
        1240..=1245 => "galileo ssr corrections",
        1246..=1251 => "qzss ssr corrections",
        1252..=1257 => "sbas ssr corrections",
        1258..=1263 => "beidou ssr corrections",
        1264..=1270 => "ssr corrections",
        4076 => "igs ssr corrections",
        4001..=4095 => "proprietary",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's own example of message 1005 (RTCM 10403.1, section 4.2).
    #[test]
    fn the_example_of_the_standard_is_read() {
        let payload = [
            0x3E, 0xD7, 0xD3, 0x02, 0x02, 0x98, 0x0E, 0xDE, 0xEF, 0x34, 0xB4, 0xBD, 0x62, 0xAC, 0x09, 0x41, 0x98, 0x6F,
            0x33,
        ];
        assert_eq!(number_of(&payload), Some(1005));
        let Some(Content::Position { station_id, x_m, y_m, z_m, antenna_height_m }) = content_of(1005, &payload) else {
            panic!("a position")
        };
        assert_eq!((station_id, antenna_height_m), (2003, None));
        assert!((x_m - 1_114_104.599_9).abs() < 1e-4, "{x_m}");
        assert!((y_m - -4_850_729.710_8).abs() < 1e-4, "{y_m}");
        assert!((z_m - 3_975_521.464_3).abs() < 1e-4, "{z_m}");
        assert_eq!(content_of(1005, &payload[..18]), None, "cut");
    }
}
