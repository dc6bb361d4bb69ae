//! Raw logs of receivers: which maker's format it is, by the sync bytes of its first records. Their content is not read.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverFormat {
    /// u-blox UBX, `B5 62`.
    Ubx,
    /// NovAtel OEM binary, `AA 44 12` or `AA 44 13`; `AA 44 11` before OEM4.
    Novatel,
    /// Unicore binary, `AA 44 B5`.
    Unicore,
    /// Septentrio SBF, `$@`.
    Sbf,
    /// Javad and Topcon GREIS, a `.jps` file.
    Greis,
    /// Hemisphere Crescent, `$BIN`.
    Hemisphere,
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
            Self::Greis => "Javad GREIS",
            Self::Hemisphere => "Hemisphere Crescent binary",
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
        [0xAA, 0x44, 0x11..=0x13, ..] => Some(ReceiverFormat::Novatel),
        [0xAA, 0x44, 0xB5, ..] => Some(ReceiverFormat::Unicore),
        [b'$', b'@', ..] if sbf(head) != Some(false) => Some(ReceiverFormat::Sbf),
        [b'$', b'B', b'I', b'N', id, 0, ..] if id != 0 => Some(ReceiverFormat::Hemisphere),
        [b'J', b'P', a, b, c, b'R', b'L', b'O', b'G', b'F', ..] if [a, b, c].iter().all(u8::is_ascii_hexdigit) => {
            Some(ReceiverFormat::Greis)
        }
        // u-blox receivers speak NMEA between their records
        [b'$', b'G' | b'B' | b'P', ..] if nmea_is_sound(head) => found_in(head).or(Some(ReceiverFormat::Nmea)),
        _ => None,
    }
}

/// By the first record whose checksum is right, wherever it begins: a log may start in the middle of one, or with a
/// receiver's prompt.
pub(crate) fn found_in(head: &[u8]) -> Option<ReceiverFormat> {
    (0..head.len()).find_map(|at| {
        let record = head.get(at..)?;
        match *record {
            [0xB5, 0x62, ..] if ubx(record) == Some(true) => Some(ReceiverFormat::Ubx),
            [b'$', b'@', ..] if sbf(record) == Some(true) => Some(ReceiverFormat::Sbf),
            [0xAA, 0x44, 0x12, ..] if crc_32(record, usize::from(*record.get(3)?), 8) => Some(ReceiverFormat::Novatel),
            [0xAA, 0x44, 0xB5, ..] if crc_32(record, 24, 6) => Some(ReceiverFormat::Unicore),
            [0xAA, 0x44, 0x11, ..] if oem3(record) => Some(ReceiverFormat::Novatel),
            _ => None,
        }
    })
}

fn ubx_is_sound(head: &[u8]) -> bool {
    ubx(head) != Some(false)
}

/// Whether the checksum is right; `None` when the record is not all there.
fn ubx(record: &[u8]) -> Option<bool> {
    let end = 6 + usize::from(u16_at(record, 4)?);
    let (covered, sums) = (record.get(2..end)?, record.get(end..end + 2)?);
    let (a, b) = covered.iter().fold((0_u8, 0_u8), |(a, b), byte| {
        let a = a.wrapping_add(*byte);
        (a, b.wrapping_add(a))
    });
    Some(sums == [a, b])
}

/// CRC-16 of the CCITT, start 0, over all that follows it; lengths are multiples of four.
fn sbf(record: &[u8]) -> Option<bool> {
    let length = usize::from(u16_at(record, 6)?);
    if length < 8 || length % 4 != 0 {
        return Some(false);
    }
    let crc = record.get(4..length)?.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 })
    });
    Some(u16_at(record, 2) == Some(crc))
}

/// The CRC-32 of NovAtel and Unicore behind header and body, whose length stands at `length_at`.
fn crc_32(record: &[u8], header_bytes: usize, length_at: usize) -> bool {
    let Some(length) = u16_at(record, length_at) else { return false };
    let end = header_bytes + usize::from(length);
    let (Some(covered), Some(told)) = (record.get(..end), record.get(end..end + 4)) else { return false };
    let crc = covered.iter().fold(0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 0 { 0 } else { 0xEDB8_8320 })
    });
    header_bytes >= 12 && told == crc.to_le_bytes()
}

/// Before OEM4: the XOR of a whole record is nothing.
fn oem3(record: &[u8]) -> bool {
    let length = record.get(8..12).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
    let whole = length.filter(|length| (12..4_096).contains(length)).and_then(|length| record.get(..length as usize));
    whole.is_some_and(|record| record.iter().fold(0, |sum, byte| sum ^ byte) == 0)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
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
        assert_eq!(format_of(b"$BIN\x01\0\x34\0"), Some(ReceiverFormat::Hemisphere));
        assert_eq!(format_of(b"JP055RLOGF JPS DELTA Receiver Log File"), Some(ReceiverFormat::Greis));
        let sentence = b"$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n";
        assert_eq!(format_of(sentence), Some(ReceiverFormat::Nmea));
        assert_eq!(format_of(b"$GPGLL,5057.971,N*27\r\n"), None);
        assert_eq!(format_of(b""), None);
        // text that begins as a Septentrio's record does
        assert_eq!(format_of(b"$@ a line of text"), None);
    }

    /// Records as the makers' manuals print them, and one that a receiver wrote.
    #[test]
    fn a_record_behind_other_bytes_is_found_by_its_checksum() {
        let ubx = vec![0xB5, 0x62, 0x05, 0x01, 0x02, 0x00, 0x06, 0x01, 0x0F, 0x38];
        let mut sbf = b"$@\0\0\xA1\x0F\x0C\0\x01\x02\x03\x04".to_vec();
        sbf[2..4].copy_from_slice(&0x4D33_u16.to_le_bytes());
        let mut novatel = vec![0xAA, 0x44, 0x12, 28, 0x2A, 0, 0, 0, 4, 0];
        novatel.resize(32, 1);
        novatel.extend(0xF59D_B514_u32.to_le_bytes());
        let mut oem3 = vec![0xAA, 0x44, 0x11, 0, 32, 0, 0, 0, 16, 0, 0, 0, 9, 8, 7, 6];
        oem3[3] = oem3.iter().fold(0, |sum, byte| sum ^ byte);
        for (record, format) in [
            (ubx, ReceiverFormat::Ubx),
            (sbf, ReceiverFormat::Sbf),
            (novatel, ReceiverFormat::Novatel),
            (oem3, ReceiverFormat::Novatel),
        ] {
            let behind = [b"Com1>\r\n\xB5\x62$@\xAA\x44\x12".as_slice(), &record, &[7; 40]].concat();
            assert_eq!(found_in(&behind), Some(format), "{record:02x?}");
            let mut wrong = behind.clone();
            let at = wrong.len() - 41;
            wrong[at] ^= 0x20;
            assert_eq!(found_in(&wrong), None, "{record:02x?}");
            let spoken = [b"$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n".as_slice(), &record].concat();
            assert_eq!(format_of(&spoken), Some(format));
        }
    }
}
