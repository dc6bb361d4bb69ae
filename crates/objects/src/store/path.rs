//! Where a key lies: the tree of directories follows the key's `/`, so that a person finds a file without us.
//!
//! Names are made so that two keys never share a path, no key leaves its bucket, and the key can be read back:
//!
//! - an object is a file named as the last segment, a directory as its segment with `%` behind it, so that `a` and
//!   `a/b` live side by side;
//! - in both, `%`, NUL and control characters, and the first dot of `.` and `..`, are written as `%XX`; an empty last
//!   segment (`a/`) is the file `%e`, an empty segment in between (`a//b`) the directory `%`;
//! - a segment too long for one name goes on in a directory whose name ends in `%+`. The cut depends only on what
//!   stands before it, so all keys that begin with those characters are in that directory: that keeps a walk in order.
//!
//! Every other `%` is followed by two hexadecimal digits, hence none of these endings can be taken for another. A
//! name in the tree that is not exactly what we would write is not ours and is left alone.

use std::path::{Path, PathBuf};

use super::{MAX_KEY_BYTES, StoreError};

/// A segment goes on in a further directory when its written form has reached this many bytes. The last character
/// can add 3 and the ending 2: well below the 255 of the usual file systems.
const PIECE_BYTES: usize = 240;
/// Longest path given to the system, with its NUL (Linux: `PATH_MAX`).
const MAX_PATH_BYTES: usize = 4096;

const DIRECTORY: &str = "%";
const CONTINUED: &str = "%+";
const EMPTY_FILE: &str = "%e";

/// Where an object lies below its bucket's directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyPath {
    /// The directories to be there, outermost first, without the bucket's own.
    pub(super) dirs: Vec<PathBuf>,
    pub(super) file: PathBuf,
}

impl KeyPath {
    /// # Errors
    /// [`StoreError::BadKey`] for an empty key, [`StoreError::KeyTooLong`].
    pub(super) fn new(bucket_dir: &Path, key: &str) -> Result<Self, StoreError> {
        if key.is_empty() {
            return Err(StoreError::BadKey("it is empty".into()));
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(StoreError::KeyTooLong(format!("{} bytes, {MAX_KEY_BYTES} are allowed", key.len())));
        }
        let (names, file_name) = names(key);
        let mut dir = bucket_dir.to_path_buf();
        let dirs = names
            .iter()
            .map(|name| {
                dir.push(name);
                dir.clone()
            })
            .collect();
        let file = dir.join(file_name);
        if file.as_os_str().len() >= MAX_PATH_BYTES {
            return Err(StoreError::KeyTooLong("its path exceeds what the system allows".into()));
        }
        Ok(Self { dirs, file })
    }

    /// The directory that holds the file.
    pub(super) fn parent(&self) -> &Path {
        self.file.parent().expect("an object lies in its bucket's directory")
    }
}

/// What a name in the tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The object whose last segment (or last piece of it) this is.
    Object,
    /// All keys that go on with `/`.
    Directory,
    /// All keys whose segment goes on.
    Continued,
}

/// The characters of the key that `name` stands for (a directory's `/` not among them); `None` when it is not a name
/// that we write.
pub(super) fn read_name(name: &str) -> Option<(Kind, String)> {
    if name == EMPTY_FILE {
        return Some((Kind::Object, String::new()));
    }
    let (kind, written) = if let Some(written) = name.strip_suffix(CONTINUED) {
        (Kind::Continued, written)
    } else if let Some(written) = name.strip_suffix(DIRECTORY) {
        (Kind::Directory, written)
    } else {
        (Kind::Object, name)
    };
    let text = unescape(written)?;
    let again = escape_piece(&text);
    let ours = again.written == written && again.rest.is_empty() && again.goes_on == (kind == Kind::Continued);
    (ours && !(kind == Kind::Object && text.is_empty())).then_some((kind, text))
}

/// The name of the file of a key's last segment; `None` when the segment goes on in a further directory.
pub(super) fn file_name(segment: &str) -> Option<String> {
    let (dirs, file) = names(segment);
    dirs.is_empty().then_some(file)
}

/// The names of the directories and of the file.
fn names(key: &str) -> (Vec<String>, String) {
    let mut dirs = Vec::new();
    let mut segments = key.split('/').peekable();
    let mut rest = segments.next().expect("split gives at least one");
    loop {
        let piece = escape_piece(rest);
        if piece.goes_on {
            dirs.push(piece.written + CONTINUED);
            rest = piece.rest;
            continue;
        }
        match segments.next() {
            Some(next) => {
                dirs.push(piece.written + DIRECTORY);
                rest = next;
            }
            None if piece.written.is_empty() => return (dirs, EMPTY_FILE.to_owned()),
            None => return (dirs, piece.written),
        }
    }
}

struct Piece<'a> {
    written: String,
    /// The cut was reached; `rest`, which may be empty, belongs into the continuation.
    goes_on: bool,
    rest: &'a str,
}

fn escape_piece(text: &str) -> Piece<'_> {
    if text == "." || text == ".." {
        return Piece { written: format!("%2E{}", &text[1..]), goes_on: false, rest: "" };
    }
    let mut written = String::with_capacity(text.len() + 2);
    for (at, character) in text.char_indices() {
        if written.len() >= PIECE_BYTES {
            return Piece { written, goes_on: true, rest: &text[at..] };
        }
        match character {
            '%' | '\0'..='\x1f' | '\x7f' => written.push_str(&format!("%{:02X}", u32::from(character))),
            plain => written.push(plain),
        }
    }
    Piece { goes_on: written.len() >= PIECE_BYTES, written, rest: "" }
}

fn unescape(written: &str) -> Option<String> {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((plain, escaped)) = rest.split_once('%') {
        text.push_str(plain);
        let byte = u8::from_str_radix(escaped.get(..2)?, 16).ok()?;
        text.push(char::from(byte));
        rest = &escaped[2..];
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(key: &str) -> String {
        KeyPath::new(Path::new("b"), key).expect("can be stored").file.to_str().expect("UTF-8").to_owned()
    }

    /// The key that a path stands for, read name by name as a walk does.
    fn key_of(path: &str) -> String {
        let mut key = String::new();
        for name in path.strip_prefix("b/").expect("below the bucket").split('/') {
            let (kind, text) = read_name(name).unwrap_or_else(|| panic!("{name:?} is ours"));
            key.push_str(&text);
            if kind == Kind::Directory {
                key.push('/');
            }
        }
        key
    }

    #[test]
    fn keys_have_these_paths() {
        for (key, expected) in [
            ("a", "b/a"),
            ("a/b", "b/a%/b"),
            ("a/", "b/a%/%e"),
            ("/", "b/%/%e"),
            ("/a", "b/%/a"),
            ("a//b", "b/a%/%/b"),
            (".", "b/%2E"),
            ("..", "b/%2E."),
            ("...", "b/..."),
            ("../../etc/passwd", "b/%2E.%/%2E.%/etc%/passwd"),
            ("x/../y", "b/x%/%2E.%/y"),
            ("%", "b/%25"),
            ("%2E", "b/%252E"),
            ("%e", "b/%25e"),
            ("a%", "b/a%25"),
            ("a%+", "b/a%25+"),
            ("+", "b/+"),
            ("nul\0line\nend\x7f", "b/nul%00line%0Aend%7F"),
            ("grün/日本.JPG", "b/grün%/日本.JPG"),
        ] {
            assert_eq!(path(key), expected, "{key:?}");
            assert_eq!(key_of(expected), key);
        }
    }

    #[test]
    fn long_segments_go_on_and_long_keys_are_refused() {
        for key in ["x".repeat(1024), "%".repeat(1024), "é".repeat(512), "\u{10348}".repeat(256), "/".repeat(1024)] {
            let path = path(&key);
            assert!(path.split('/').all(|name| name.len() <= 255));
            assert_eq!(key_of(&path), key);
        }
        assert!(matches!(KeyPath::new(Path::new("b"), &"x".repeat(1025)), Err(StoreError::KeyTooLong(_))));
        assert!(matches!(KeyPath::new(Path::new("b"), ""), Err(StoreError::BadKey(_))));
        let deep = PathBuf::from("/".to_owned() + &"d/".repeat(2000));
        assert!(matches!(KeyPath::new(&deep, &"/".repeat(1000)), Err(StoreError::KeyTooLong(_))));
    }

    #[test]
    fn names_that_we_do_not_write_are_not_ours() {
        for name in ["%bucket.json", "%2e", "%41", ".", "..", "%2", "a%zz", "%2E%2E", "a%+", &"x".repeat(250)] {
            assert_eq!(read_name(name), None, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn paths_are_injective_and_stay_below_the_bucket(key in "([a-c./%+e\\x00-\\x02é]|\\PC){1,40}", repeat in 1usize..30) {
            let key: String = key.repeat(repeat).chars().take(250).collect();
            let path = path(&key);
            prop_assert_eq!(key_of(&path), key);
            prop_assert!(path.split('/').all(|name| !name.is_empty() && name != "." && name != ".." && name.len() <= 255));
        }
    }
}
