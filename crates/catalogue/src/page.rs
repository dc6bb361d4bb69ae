//! Keyset pages. A cursor is the sort key of the last item, so a page costs the same wherever it begins, and rows that
//! come or go meanwhile neither repeat an item nor hide one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::{CatalogueError, Result};

/// Where a list goes on; opaque text for clients. [`crate::CatalogueError::BadCursor`] when it is not one of ours.
pub type Cursor = String;

/// More than this is never returned at once.
pub const MAX_PAGE: u32 = 1_000;

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<Cursor>,
}

/// Which list a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Media = 1,
    Flights = 2,
    Jobs = 3,
    Audit = 4,
    Trace = 5,
    Sights = 6,
    Albums = 7,
    Shares = 8,
    Visits = 9,
    Holds = 10,
}

/// A place in a list sorted by time and id, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) at: i64,
    pub(crate) id: Uuid,
}

impl Key {
    /// Before everything.
    pub(crate) const TOP: Self = Self { at: i64::MAX, id: Uuid::max() };

    pub(crate) fn seal(self, list: List) -> Cursor {
        let mut bytes = [0; 25];
        bytes[0] = list as u8;
        bytes[1..9].copy_from_slice(&self.at.to_be_bytes());
        bytes[9..].copy_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn open(cursor: Option<&str>, list: List) -> Result<Self> {
        let Some(cursor) = cursor else { return Ok(Self::TOP) };
        let mut bytes = [0; 25];
        let read = URL_SAFE_NO_PAD.decode_slice(cursor, &mut bytes).map_err(|_| CatalogueError::BadCursor)?;
        if read != bytes.len() || bytes[0] != list as u8 {
            return Err(CatalogueError::BadCursor);
        }
        let (at, id) = bytes[1..].split_at(8);
        Ok(Self {
            at: i64::from_be_bytes(at.try_into().expect("eight bytes")),
            id: Uuid::from_slice(id).expect("sixteen bytes"),
        })
    }
}

pub(crate) fn page_size(limit: u32) -> usize {
    limit.clamp(1, MAX_PAGE) as usize
}

/// Cuts the row off that was only read to see whether there is more.
pub(crate) fn page_of<T>(mut items: Vec<T>, limit: u32, list: List, key: impl Fn(&T) -> Key) -> Page<T> {
    let size = page_size(limit);
    let more = items.len() > size;
    items.truncate(size);
    let next_cursor = if more { items.last().map(|item| key(item).seal(list)) } else { None };
    Page { items, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_belongs_to_one_list() {
        let key = Key { at: -7, id: Uuid::from_u128(9) };
        let cursor = key.seal(List::Jobs);
        assert_eq!(Key::open(Some(&cursor), List::Jobs).expect("ours"), key);
        assert!(matches!(Key::open(Some(&cursor), List::Media), Err(CatalogueError::BadCursor)));
    }

    proptest::proptest! {
        #[test]
        fn no_cursor_panics(text in "\\PC{0,80}") {
            let _ = Key::open(Some(&text), List::Media);
        }
    }

    #[test]
    fn foreign_cursors_are_refused() {
        let long = "A".repeat(100_000);
        for cursor in ["", "A", "====", "%00", "ä", "null", &"A".repeat(34), &long] {
            assert!(matches!(Key::open(Some(cursor), List::Media), Err(CatalogueError::BadCursor)), "{cursor:.40}");
        }
    }
}
