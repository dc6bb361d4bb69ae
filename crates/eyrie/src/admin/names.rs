//! What names, serial numbers, passwords and buckets may look like.

use super::{AdminError, Result};

/// Characters in the name of a workspace, a user or a token, and in a callsign.
pub const MAX_NAME_CHARS: usize = 64;
/// Characters in a serial number.
pub const MAX_SN_CHARS: usize = 64;
/// Bytes of a password that a person chose.
pub const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 10..=256;

/// A serial number becomes a level of topics and of object keys: letters, digits, `-` and `_` only.
pub(super) fn checked_sn(sn: &str) -> Result<&str> {
    let fits = (1..=MAX_SN_CHARS).contains(&sn.len());
    if fits && sn.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        Ok(sn)
    } else {
        Err(AdminError::Invalid(format!("a serial number is 1 to {MAX_SN_CHARS} letters, digits, '-' and '_'")))
    }
}

/// A name can stand in a path and in a log line.
pub(super) fn checked_name<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    let name = checked_words(what, name)?;
    if name.contains(['/', '\\']) {
        return Err(AdminError::Invalid(format!("{what} has no slashes")));
    }
    Ok(name)
}

/// What people call something that is found by another name: a case number has slashes.
pub(super) fn checked_words<'a>(what: &str, words: &'a str) -> Result<&'a str> {
    let words = words.trim();
    let fits = (1..=MAX_NAME_CHARS).contains(&words.chars().count());
    if fits && !words.chars().any(char::is_control) {
        Ok(words)
    } else {
        Err(AdminError::Invalid(format!("{what} is 1 to {MAX_NAME_CHARS} characters on one line")))
    }
}

pub(super) fn checked_password(password: &str) -> Result<&str> {
    if PASSWORD_BYTES.contains(&password.len()) {
        Ok(password)
    } else {
        let (least, most) = (PASSWORD_BYTES.start(), PASSWORD_BYTES.end());
        Err(AdminError::Invalid(format!("a password is {least} to {most} bytes long")))
    }
}

/// S3's rules for bucket names, without dots: those break TLS with virtual-host addresses. What begins as the buckets of
/// derived objects do is theirs.
pub(super) fn is_bucket_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    plain
        && (3..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("xn--")
        && !name.starts_with(crate::derived::BUCKET_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        for good in ["default", "abc", "north-2", &"a".repeat(63)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in ["", "ab", "-abc", "abc-", "a.bc", "Abc", "xn--abc", "derived-a", "a b c", &"a".repeat(64)] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_serial_number_cannot_leave_its_level() {
        assert!(checked_sn("7CTDTEST0001").is_ok());
        assert!(checked_sn("a-b_c").is_ok());
        for bad in ["", "a/b", "+", "#", "a b", "ä", "..", "$share", &"a".repeat(65)] {
            assert!(checked_sn(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_bounded_and_printable() {
        assert_eq!(checked_name("a name", "  North field  ").unwrap(), "North field");
        for bad in ["", "   ", "a/b", "a\\b", "a\nb", &"x".repeat(65)] {
            assert!(checked_name("a name", bad).is_err(), "{bad:?}");
        }
        assert_eq!(checked_words("a hold's name", " Case 4711/2026 ").unwrap(), "Case 4711/2026");
        for bad in ["", "a\nb", &"x".repeat(65)] {
            assert!(checked_words("a hold's name", bad).is_err(), "{bad:?}");
        }
    }
}
