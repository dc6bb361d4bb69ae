//! Values as an operator writes them: `1 GiB`, `15 s`, `127.0.0.1:8080`. One text form for file, environment and flags.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Milliseconds, and the words for it; the first word is the one we write.
const TIMES: [(u64, &[&str]); 5] = [
    (86_400_000, &["days", "day", "d"]),
    (3_600_000, &["h", "hours", "hour"]),
    (60_000, &["min", "minutes", "minute"]),
    (1_000, &["s", "seconds", "second"]),
    (1, &["ms", "milliseconds", "millisecond"]),
];

/// A setting's value to and from text.
pub(super) trait Text: Sized {
    fn read(text: &str) -> Result<Self, String>;
    fn show(&self) -> String;
}

/// `12 GiB` -> (12, `GiB`).
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, text[digits..].trim()))
}

/// Bytes.
pub(super) fn read_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size: write a whole number and B, KiB, MiB, GiB or TiB, as \"1 GiB\"");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let (_, factor) = SIZES.iter().find(|(word, _)| word.eq_ignore_ascii_case(unit)).ok_or_else(wrong)?;
    number.checked_mul(*factor).ok_or_else(|| format!("{text:?} is too large"))
}

pub(super) fn show_size(bytes: u64) -> String {
    let fitting = SIZES[..4].iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    fitting.map_or_else(|| format!("{bytes} B"), |(word, factor)| format!("{} {word}", bytes / factor))
}

impl Text for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a time: write a whole number and ms, s, min, h or days, as \"15 s\"");
        let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
        let (factor, _) = TIMES.iter().find(|(_, words)| words.contains(&unit)).ok_or_else(wrong)?;
        let ms = number.checked_mul(*factor).ok_or_else(|| format!("{text:?} is too long"))?;
        Ok(Self::from_millis(ms))
    }

    fn show(&self) -> String {
        let ms = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        if ms == 0 {
            return "0 s".into();
        }
        let fitting = TIMES.iter().find(|(factor, _)| ms.is_multiple_of(*factor));
        let (factor, words) = fitting.expect("every whole number of milliseconds is a multiple of one");
        let word = if ms == 86_400_000 { "day" } else { words[0] };
        format!("{} {word}", ms / factor)
    }
}

impl Text for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        if let Some(port) = text.strip_prefix("localhost:") {
            return Ok(Self::from(([127, 0, 0, 1], u16::read(port)?)));
        }
        text.parse().map_err(|_| {
            format!(
                "{text:?} is not an address: write an IP address and a port, as \"127.0.0.1:8080\" or \"[::]:8080\""
            )
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Text for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(format!("{text:?} is neither true nor false")),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_number {
    ($($kind:ty),+) => {$(
        impl Text for $kind {
            fn read(text: &str) -> Result<Self, String> {
                text.trim().parse().map_err(|_| format!("{text:?} is not a whole number from 0 to {}", <$kind>::MAX))
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}
whole_number!(u16, u32, usize);

impl Text for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Text for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("the path is empty".into()) } else { Ok(Self::from(text)) }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Text for Secret {
    fn read(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        if self.0.is_empty() { String::new() } else { "(set)".into() }
    }
}

/// Empty text means not set.
impl<T: Text> Text for Option<T> {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::read(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

/// Separated by commas.
impl Text for Vec<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        self.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_unit() {
        assert_eq!(read_size("1 GiB"), Ok(1 << 30));
        assert_eq!(read_size("64KiB"), Ok(65_536));
        assert_eq!(read_size("5 mb"), Ok(5_000_000));
        assert_eq!(read_size("0 B"), Ok(0));
        for bad in ["", "12", "GiB", "1.5 GiB", "-1 B", "1 GiB x", "99999999999999999999 B", "99999999 TiB"] {
            assert!(read_size(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(Duration::read("15 s"), Ok(Duration::from_secs(15)));
        assert_eq!(Duration::read("7 days"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(Duration::read("300ms"), Ok(Duration::from_millis(300)));
        for bad in ["", "15", "s", "1 month", "1.5 h", "-1 s", "18446744073709551615 days"] {
            assert!(Duration::read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for bytes in [0, 1, 1_000, 1 << 10, 3 << 20, 5 << 30, (5 << 30) + 1] {
            assert_eq!(read_size(&show_size(bytes)), Ok(bytes));
        }
        for ms in [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000, 7 * 86_400_000] {
            let time = Duration::from_millis(ms);
            assert_eq!(Duration::read(&time.show()), Ok(time), "{}", time.show());
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(Secret("hunter2".into()).show(), "(set)");
        assert_eq!(Secret(String::new()).show(), "");
    }
}
