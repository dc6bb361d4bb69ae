//! The lines of a text file of any size, through a bounded window.

use std::io;

use crate::{RangeRead, read_range};

const WINDOW_BYTES: usize = 256 * 1024;

/// Hands out lines without their ends (`\n`, `\r\n`, or `\r` in a file that has nothing else). A line longer than
/// `max_line_bytes` is cut and counted. UTF-16 with its mark becomes UTF-8.
pub(crate) struct Lines<'a> {
    reader: &'a mut dyn RangeRead,
    window: Vec<u8>,
    at: usize,
    next_offset: u64,
    max_line_bytes: usize,
    line: Vec<u8>,
    line_end: u8,
    /// How two bytes are one unit of UTF-16.
    wide: Option<fn([u8; 2]) -> u16>,
    /// Lines that were longer than allowed.
    pub(crate) cut_lines: u64,
    /// Why reading stopped before the end.
    pub(crate) error: Option<io::Error>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(reader: &'a mut dyn RangeRead, max_line_bytes: usize) -> Self {
        Self {
            reader,
            window: Vec::new(),
            at: 0,
            next_offset: 0,
            max_line_bytes,
            line: Vec::new(),
            line_end: b'\n',
            wide: None,
            cut_lines: 0,
            error: None,
        }
    }

    /// The next line; `None` at the end, or when the source fails ([`Self::error`]).
    pub(crate) fn next_line(&mut self) -> Option<&[u8]> {
        self.line.clear();
        let (mut any, mut cut) = (false, false);
        loop {
            if self.at >= self.window.len() && !self.refill() {
                break;
            }
            any = true;
            let rest = self.window.get(self.at..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == self.line_end);
            let part = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            let room = self.max_line_bytes.saturating_sub(self.line.len());
            cut |= part.len() > room;
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            self.at += part.len() + usize::from(end.is_some());
            if end.is_some() {
                break;
            }
        }
        if !any {
            return None;
        }
        self.cut_lines += u64::from(cut);
        while let [.., b'\r'] = *self.line {
            self.line.pop();
        }
        Some(&self.line)
    }

    fn refill(&mut self) -> bool {
        match read_range(self.reader, self.next_offset, WINDOW_BYTES) {
            Ok(bytes) if bytes.is_empty() => false,
            Ok(bytes) => {
                let is_first = self.next_offset == 0;
                self.next_offset += bytes.len() as u64;
                if is_first {
                    self.wide = unit_of(&bytes);
                }
                self.at = 0;
                self.window = match self.wide {
                    Some(unit) => utf_8(unit, &bytes).into_bytes(),
                    None => bytes,
                };
                if is_first && !self.window.contains(&b'\n') && self.window.contains(&b'\r') {
                    self.line_end = b'\r';
                }
                true
            }
            Err(error) => {
                self.error = Some(error);
                false
            }
        }
    }
}

/// A text in UTF-8, or in UTF-16 (see [`unit_of`]); what is neither shows as U+FFFD. Lone carriage returns end lines.
pub(crate) fn text_of(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let text: std::borrow::Cow<'_, str> = match unit_of(bytes) {
        Some(unit) => utf_8(unit, bytes).trim_start_matches('\u{feff}').to_owned().into(),
        None => String::from_utf8_lossy(bytes),
    };
    if !text.contains('\n') && text.contains('\r') { text.replace('\r', "\n").into() } else { text }
}

/// UTF-16 by the mark that begins it, or by plain letters with a zero each.
fn unit_of(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n');
    match bytes {
        [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
        [one, 0, two, 0, ..] if plain(one) && plain(two) => Some(u16::from_le_bytes),
        [0, one, 0, two, ..] if plain(one) && plain(two) => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn utf_8(unit: fn([u8; 2]) -> u16, bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Columns `from..to` of a line as text without outer blanks; what is not ASCII shows as U+FFFD.
pub(crate) fn columns(line: &[u8], from: usize, to: usize) -> std::borrow::Cow<'_, str> {
    let part = line.get(from..to.min(line.len())).unwrap_or_default();
    String::from_utf8_lossy(part.trim_ascii())
}

/// A number as Fortran writes it: `D` for the exponent is taken too. `None` for blanks, words, NaN and infinity.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let value: f64 =
        if text.contains(['D', 'd']) { text.replace(['D', 'd'], "e").parse().ok()? } else { text.parse().ok()? };
    value.is_finite().then_some(value)
}

pub(crate) fn integer(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_of_line_ends_and_lengths() {
        let mut bytes: &[u8] = b"one\r\n\r\ntwo two two\nthree\r";
        let mut lines = Lines::new(&mut bytes, 5);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line() {
            found.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(found, ["one", "", "two t", "three"]);
        assert_eq!(lines.cut_lines, 1 + 1, "the last line's \\r is beyond the limit");
    }

    #[test]
    fn texts_of_old_and_of_wide_characters() {
        let all = |mut bytes: &[u8]| {
            let mut lines = Lines::new(&mut bytes, 100);
            let mut found = Vec::new();
            while let Some(line) = lines.next_line() {
                found.push(String::from_utf8(line.to_vec()).unwrap());
            }
            found
        };
        assert_eq!(all(b"one\rtwo\r\rthree"), ["one", "two", "", "three"]);
        let text = "\u{feff}one\r\nzwölf\n";
        for bytes in [
            text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ] {
            assert_eq!(all(&bytes), ["\u{feff}one", "zwölf"]);
        }
        let long: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain("äöü\n".repeat(100_000).encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let found = all(&long);
        assert_eq!((found.len(), found.iter().skip(1).all(|line| line == "äöü")), (100_000, true));
    }

    #[test]
    fn fortran_numbers() {
        assert_eq!(number(" -1.5D+02 "), Some(-150.0));
        assert_eq!(number("nan"), None);
        assert_eq!(number("-inf"), None);
        assert_eq!(number("1e999"), None);
    }
}
