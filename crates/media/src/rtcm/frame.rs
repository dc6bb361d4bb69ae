//! RTCM 3 frames in a stream of any length.
//!
//! A frame is 0xD3, six zero bits and a ten bit length, the payload, and CRC-24Q over header and payload (RTCM 10403). The
//! scan goes on from frame to frame; where that fails it looks for the next preamble whose checksum is right.

use std::io;

use crate::{RangeRead, read_range};

const PREAMBLE: u8 = 0xD3;
const HEADER_BYTES: usize = 3;
const CRC_BYTES: usize = 3;
/// Longest frame: 1,023 bytes of payload.
const MAX_FRAME_BYTES: usize = HEADER_BYTES + 1_023 + CRC_BYTES;
const WINDOW_BYTES: usize = 64 * 1024;
/// Bytes of wrong checksums that may be computed for each byte of the file: a file of preambles must end in time.
const MAX_WASTE: u64 = 16;

const CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u32) << 16;
        let mut bit = 0;
        while bit < 8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// CRC-24Q: polynomial 0x1864CFB, start 0.
pub(crate) fn crc24q(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        let index = ((crc >> 16) as u8 ^ byte) as usize;
        ((crc << 8) & 0x00FF_FFFF) ^ CRC_TABLE[index]
    })
}

/// What stands at the start of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start<'a> {
    /// A whole sound frame.
    Frame { payload: &'a [u8], length: usize },
    /// A preamble whose frame is not all there.
    Cut,
    /// A whole frame with a wrong checksum.
    Wrong { length: usize },
    /// No frame.
    Other,
}

pub(crate) fn start_of(bytes: &[u8]) -> Start<'_> {
    let (high, low) = match *bytes {
        [PREAMBLE, high, low, ..] if high & 0xFC == 0 => (high, low),
        [PREAMBLE, high] if high & 0xFC == 0 => return Start::Cut,
        [PREAMBLE] => return Start::Cut,
        _ => return Start::Other,
    };
    let length = HEADER_BYTES + (usize::from(high & 0x03) << 8 | usize::from(low)) + CRC_BYTES;
    let Some(frame) = bytes.get(..length) else { return Start::Cut };
    let (covered, crc) = frame.split_at(length - CRC_BYTES);
    if crc24q(covered).to_be_bytes().get(1..) == Some(crc) {
        Start::Frame { payload: covered.get(HEADER_BYTES..).unwrap_or_default(), length }
    } else {
        Start::Wrong { length }
    }
}

/// True when a sound frame begins within `head`, which may start with other bytes.
pub(crate) fn has_frame(head: &[u8]) -> bool {
    let mut budget = head.len() as u64 * MAX_WASTE;
    for at in 0..head.len() {
        match start_of(head.get(at..).unwrap_or_default()) {
            // an empty frame is six bytes that chance makes too easily
            Start::Frame { payload, .. } if payload.len() >= 2 => return true,
            Start::Wrong { length } => match budget.checked_sub(length as u64) {
                Some(left) => budget = left,
                None => return false,
            },
            _ => {}
        }
    }
    false
}

/// What the scan found beside the frames.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) frames: u64,
    pub(super) crc_failures: u64,
    pub(super) gap_bytes: u64,
    pub(super) cut_bytes: u64,
    /// The scan ended early: too many wrong checksums.
    pub(super) gave_up_at: Option<u64>,
}

/// Calls `each` with the payload of every sound frame.
pub(super) fn scan(reader: &mut dyn RangeRead, mut each: impl FnMut(&[u8])) -> io::Result<Stream> {
    let size_bytes = reader.size_bytes();
    let mut stream = Stream::default();
    let mut budget = size_bytes.saturating_mul(MAX_WASTE).saturating_add(1 << 20);
    let (mut offset, mut in_step, mut at) = (0_u64, true, 0_usize);
    let mut window = read_range(reader, 0, WINDOW_BYTES)?;
    loop {
        let to_end = offset + window.len() as u64 >= size_bytes;
        if at + MAX_FRAME_BYTES > window.len() && !to_end {
            offset += at as u64;
            window = read_range(reader, offset, WINDOW_BYTES)?;
            at = 0;
            continue;
        }
        let rest = window.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(stream);
        }
        match start_of(rest) {
            Start::Frame { payload, length } => {
                stream.frames += 1;
                each(payload);
                (at, in_step) = (at + length, true);
            }
            Start::Cut if in_step => {
                stream.cut_bytes = rest.len() as u64;
                return Ok(stream);
            }
            Start::Wrong { length } => {
                // out of step a preamble is mostly chance
                stream.crc_failures += u64::from(in_step);
                stream.gap_bytes += 1;
                (at, in_step) = (at + 1, false);
                match budget.checked_sub(length as u64) {
                    Some(left) => budget = left,
                    None => {
                        stream.gave_up_at = Some(offset + at as u64);
                        return Ok(stream);
                    }
                }
            }
            Start::Cut | Start::Other => {
                let skip = match rest.get(1..).and_then(|rest| rest.iter().position(|byte| *byte == PREAMBLE)) {
                    Some(distance) => distance + 1,
                    None => rest.len(),
                };
                stream.gap_bytes += skip as u64;
                (at, in_step) = (at + skip, false);
            }
        }
    }
}

#[cfg(test)]
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![PREAMBLE];
    frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    let crc = crc24q(&frame);
    frame.extend(&crc.to_be_bytes()[1..]);
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan_all(bytes: &[u8]) -> (Vec<Vec<u8>>, Stream) {
        let (mut found, mut bytes) = (Vec::new(), bytes);
        let stream = scan(&mut bytes, |payload| found.push(payload.to_vec())).unwrap();
        (found, stream)
    }

    #[test]
    fn the_checksum_is_crc_24q() {
        assert_eq!(crc24q(b"123456789"), 0x00CD_E703);
    }

    #[test]
    fn a_cut_frame_and_a_wrong_one_are_told() {
        let mut bytes = frame(&[0x3E, 0xD0, 1]);
        let mut wrong = frame(&[0x3E, 0xD0, 2, 7]);
        wrong[4] ^= 0x10;
        bytes.extend(&wrong);
        bytes.extend(frame(&[0x43, 0x50]));
        bytes.extend(&frame(&[9; 50])[..20]);
        let (found, stream) = scan_all(&bytes);
        assert_eq!(found, [vec![0x3E, 0xD0, 1], vec![0x43, 0x50]]);
        assert_eq!((stream.crc_failures, stream.gap_bytes, stream.cut_bytes), (1, wrong.len() as u64, 20));
    }

    #[test]
    fn a_file_of_preambles_ends() {
        let bytes = [0xD3, 3].repeat(40_000);
        let (found, stream) = scan_all(&bytes);
        assert!(found.is_empty());
        assert!(stream.gave_up_at.is_some());
    }

    proptest! {
        #[test]
        fn frames_are_found_in_what_surrounds_them(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 2..600), 1..200),
            noise in proptest::collection::vec(0_u8..0xD3, 0..300),
        ) {
            let mut bytes = noise.clone();
            for payload in &payloads {
                bytes.extend(frame(payload));
            }
            let (found, stream) = scan_all(&bytes);
            prop_assert_eq!(found, payloads);
            prop_assert_eq!((stream.gap_bytes, stream.cut_bytes, stream.crc_failures), (noise.len() as u64, 0, 0));
        }
    }
}
