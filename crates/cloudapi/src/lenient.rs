//! Reading almost-JSON. Firmware that prints with C's `printf` sends raw control characters inside texts, `nan` and `inf`
//! for a position it does not have, or `1e400`; some text is not UTF-8. A report that is one such byte away from JSON is
//! still the only word we get of a file, so it is mended once and read again. What is JSON never passes here twice.

use serde_json::{Number, Value};

/// Reads JSON, or JSON with the faults above: unreadable numbers become `null`, unreadable characters U+FFFD. A byte
/// order mark before it and NULs after it are no part of it.
///
/// # Errors
/// What was wrong with the bytes as they came, when mending did not help.
pub(crate) fn parse(payload: &[u8]) -> Result<Value, serde_json::Error> {
    let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let end = payload.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let payload = &payload[..end];
    serde_json::from_slice(payload)
        .or_else(|error| serde_json::from_str(&mend(&String::from_utf8_lossy(payload))).map_err(|_| error))
}

/// Looks at each byte once; at most six times as long as what came.
fn mend(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if first == '"' {
            mend_text(rest, &mut mended)
        } else if in_word(first) {
            mend_word(rest, &mut mended)
        } else {
            mended.push(first);
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    mended
}

/// Copies the text that `rest` begins with, its quotes included; returns its length.
fn mend_text(rest: &str, mended: &mut String) -> usize {
    mended.push('"');
    let mut at = 1;
    while let Some(next) = rest[at..].chars().next() {
        let taken = match next {
            '\\' => mend_escape(&rest[at..], mended),
            next => {
                if next < ' ' {
                    let code = u32::from(next);
                    mended.push_str(if code < 16 { "\\u000" } else { "\\u001" });
                    mended.extend(char::from_digit(code % 16, 16));
                } else {
                    mended.push(next);
                }
                next.len_utf8()
            }
        };
        at += taken;
        if next == '"' {
            break;
        }
    }
    at
}

/// Copies one escape, or U+FFFD for half a surrogate pair.
fn mend_escape(rest: &str, mended: &mut String) -> usize {
    const LENGTH: usize = 6;
    let unit = |at: usize| {
        let digits = rest.get(at..at + LENGTH)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let taken = match (unit(0), unit(LENGTH)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * LENGTH,
        (Some(0xD800..=0xDFFF), _) => {
            mended.push('\u{fffd}');
            return LENGTH;
        }
        (Some(_), _) => LENGTH,
        (None, _) => rest.chars().take(2).map(char::len_utf8).sum(),
    };
    mended.push_str(&rest[..taken]);
    taken
}

/// Copies a number or a literal, as JSON would have it.
fn mend_word(rest: &str, mended: &mut String) -> usize {
    let end = rest.find(|next| !in_word(next)).unwrap_or(rest.len());
    let word = &rest[..end];
    match word.parse::<f64>() {
        Ok(number) if serde_json::from_str::<Number>(word).is_err() => match Number::from_f64(number) {
            Some(number) => mended.push_str(&number.to_string()),
            None => mended.push_str("null"),
        },
        _ => mended.push_str(word),
    }
    end
}

fn in_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '+' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_as_it_is() {
        let value = json!({ "a": [1, -2.5e3, "\u{1F681}\u{0}\"\\", null, true], "b": { "c": "" } });
        assert_eq!(parse(value.to_string().as_bytes()).unwrap(), value);
        // mending leaves what is right as it is
        assert_eq!(mend(&value.to_string()), value.to_string());
    }

    #[test]
    fn marks_before_and_nuls_after_are_no_part() {
        assert_eq!(parse(b"\xef\xbb\xbf{}\0\0").unwrap(), json!({}));
    }

    #[test]
    fn raw_control_characters_stay_where_they_were() {
        assert_eq!(parse(b"{\"a\":\"x\0y\n\"}\0").unwrap(), json!({ "a": "x\0y\n" }));
    }

    #[test]
    fn numbers_that_are_none_become_null() {
        for word in ["NaN", "nan", "-nan", "Infinity", "-Infinity", "inf", "1e400", "-1e999"] {
            assert_eq!(parse(format!("{{\"a\":{word},\"b\":1}}").as_bytes()).unwrap(), json!({ "a": null, "b": 1 }));
        }
    }

    #[test]
    fn numbers_in_another_spelling_are_read() {
        for (word, number) in [("+5", 5.0), (".5", 0.5), ("5.", 5.0), ("-.25", -0.25), ("007", 7.0)] {
            assert_eq!(parse(format!("[{word}]").as_bytes()).unwrap(), json!([number]), "{word}");
        }
    }

    #[test]
    fn unreadable_characters_are_marked() {
        assert_eq!(parse(b"{\"a\":\"\xc4\xe3\",\"b\":1}").unwrap()["b"], 1);
        assert_eq!(
            parse(br#"["\ud83d", "\ude81x", "\ud83d\u0041"]"#).unwrap(),
            json!(["\u{fffd}", "\u{fffd}x", "\u{fffd}A"])
        );
        // a pair beside a half one stays a pair
        assert_eq!(parse(br#"["\ude81", "\ud83d\ude81"]"#).unwrap(), json!(["\u{fffd}", "\u{1F681}"]));
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for payload in [
            &b""[..],
            b"\0",
            b"{",
            b"{\"a\":",
            b"\"",
            b"\"\\",
            b"\"\\u12",
            b"nonsense",
            b"\xff{not json",
            b"{\"a\":1,}",
            b"{'a':1}",
        ] {
            assert!(parse(payload).is_err(), "{payload:?}");
        }
    }
}
