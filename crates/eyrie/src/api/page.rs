//! Lists: `{items, next_cursor}`, `limit` and an opaque `cursor`. Most lists are keyset pages of the catalogue; the
//! short ones (docks, tokens, users) are read whole and cut here, by a key that does not move.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eyrie_catalogue::CatalogueError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::blank_is_none;
use super::problem::Problem;

pub const DEFAULT_LIMIT: u32 = 100;
pub const MAX_LIMIT: u32 = 1_000;

/// How much of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// At most this many items.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// Where the list goes on: `next_cursor` of the page before.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    cursor: Option<String>,
}

impl PageQuery {
    pub fn limit(&self) -> u32 {
        self.limit.map_or(DEFAULT_LIMIT, |limit| limit.0)
    }

    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Limit(u32);

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(limit @ 1..=MAX_LIMIT) => Ok(Self(limit)),
            _ => Err(format!("limit: a number from 1 to {MAX_LIMIT} is needed")),
        }
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Hand it back as `cursor` to read on; null at the end of the list.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    pub fn from_rows<R>(page: eyrie_catalogue::Page<R>, item: impl FnMut(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(item).collect(), next_cursor: page.next_cursor }
    }

    /// Cuts a page out of `all`. `key` is unique and never changes, so that a cursor stays right when items come and go.
    ///
    /// # Errors
    /// 400 for a cursor that is not of such a list.
    pub fn cut<R>(
        mut all: Vec<R>,
        query: &PageQuery,
        key: impl Fn(&R) -> String,
        item: impl FnMut(R) -> T,
    ) -> Result<Self, Problem> {
        all.sort_by_cached_key(&key);
        if let Some(cursor) = query.cursor() {
            let after = open(cursor).ok_or(CatalogueError::BadCursor)?;
            all.retain(|row| key(row) > after);
        }
        let limit = query.limit() as usize;
        let more = all.len() > limit;
        all.truncate(limit);
        let next_cursor = if more { all.last().map(|row| seal(&key(row))) } else { None };
        Ok(Self { items: all.into_iter().map(item).collect(), next_cursor })
    }
}

fn seal(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("after:{key}"))
}

fn open(cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("after:").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: &str, cursor: Option<&str>) -> PageQuery {
        PageQuery { limit: Limit::try_from(limit.to_owned()).ok(), cursor: cursor.map(str::to_owned) }
    }

    #[test]
    fn pages_of_a_cut_list_meet_without_gap_or_overlap() {
        let all: Vec<u32> = (0..7).rev().collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = Page::cut(all.clone(), &query("3", cursor.as_deref()), u32::to_string, |n| n).expect("a page");
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for cursor in ["x", "!!", "YWZ0ZXI"] {
            assert!(Page::cut(vec![1], &query("3", Some(cursor)), u32::to_string, |n| n).is_err());
        }
    }

    #[test]
    fn a_limit_is_between_one_and_a_thousand() {
        for bad in ["0", "1001", "-1", "ten", "1.5", ""] {
            assert!(Limit::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
