//! Raw logs of receivers: which maker's format it is, by the sync bytes of its first records. Their content is not read.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverFormat {
    /// u-blox UBX, `B5 62`.
    Ubx,
    /// NovAtel OEM binary, `AA 44 12` or `AA 44 13`.
    Novatel,
    /// Unicore binary, `AA 44 B5`.
    Unicore,
    /// Septentrio SBF, `$@`.
    Sbf,
    /// NMEA 0183 sentences.
    Nmea,
}

impl ReceiverFormat {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ubx => "u-blox UBX",
            Self::Novatel => "NovAtel OEM",
            Self::Unicore => "Unicore binary",
            Self::Sbf => "Septentrio SBF",
            Self::Nmea => "NMEA 0183",
        }
    }
}

/// What is told of a raw log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiverLog {
    pub format: ReceiverFormat,
    pub format_name: String,
}

/// By the file's first bytes; a UBX record's checksum is looked at when it is whole.
pub(crate) fn format_of(head: &[u8]) -> Option<ReceiverFormat> {
    match *head {
        [0xB5, 0x62, ..] if ubx_is_sound(head) => Some(ReceiverFormat::Ubx),
        [0xAA, 0x44, 0x12 | 0x13, ..] => Some(ReceiverFormat::Novatel),
        [0xAA, 0x44, 0xB5, ..] => Some(ReceiverFormat::Unicore),
        [b'$', b'@', ..] => Some(ReceiverFormat::Sbf),
        [b'$', b'G' | b'B' | b'P', ..] if nmea_is_sound(head) => Some(ReceiverFormat::Nmea),
        _ => None,
    }
}

fn ubx_is_sound(head: &[u8]) -> bool {
    let Some([low, high]) = head.get(4..6).and_then(|length| <[u8; 2]>::try_from(length).ok()) else { return true };
    let end = 6 + usize::from(u16::from_le_bytes([low, high]));
    let (Some(covered), Some(sums)) = (head.get(2..end), head.get(end..end + 2)) else { return true };
    let (a, b) = covered.iter().fold((0_u8, 0_u8), |(a, b), byte| {
        let a = a.wrapping_add(*byte);
        (a, b.wrapping_add(a))
    });
    sums == [a, b]
}

/// `$...*hh`: the XOR of what is between.
fn nmea_is_sound(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
    let Some(star) = line.iter().position(|byte| *byte == b'*').filter(|star| *star <= 120) else { return false };
    let sum = line.get(1..star).unwrap_or_default().iter().fold(0, |sum, byte| sum ^ byte);
    let told = line.get(star + 1..).and_then(|told| std::str::from_utf8(told).ok());
    told.and_then(|told| u8::from_str_radix(told, 16).ok()) == Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_sync() {
        let ubx = [0xB5, 0x62, 0x05, 0x01, 0x02, 0x00, 0x06, 0x01, 0x0F, 0x38];
        assert_eq!(format_of(&ubx), Some(ReceiverFormat::Ubx));
        assert_eq!(format_of(&[0xB5, 0x62, 0x05, 0x01, 0x02, 0x00, 0x06, 0x01, 0x0F, 0x39]), None);
        assert_eq!(format_of(&[0xAA, 0x44, 0x12, 0x1C]), Some(ReceiverFormat::Novatel));
        assert_eq!(format_of(&[0xAA, 0x44, 0xB5]), Some(ReceiverFormat::Unicore));
        let sentence = b"$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n";
        assert_eq!(format_of(sentence), Some(ReceiverFormat::Nmea));
        assert_eq!(format_of(b"$GPGLL,5057.971,N*27\r\n"), None);
        assert_eq!(format_of(b""), None);
    }
}
