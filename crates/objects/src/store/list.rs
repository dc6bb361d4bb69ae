//! Pages of a bucket's objects.

use super::engine::{Engine, load_file};
use super::walk::{Verdict, Walk};
use super::{ListPage, MAX_PAGE, StoreError};

impl Engine {
    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ListPage, StoreError> {
        self.require_bucket(bucket)?;
        let limit = limit.min(MAX_PAGE);
        let mut page = ListPage::default();
        let mut last = None;
        let mut more = false;
        if limit == 0 {
            return Ok(page);
        }
        Walk::new(prefix, after).run(&self.bucket_dir(bucket)?, &mut |key, path| {
            let group = common_prefix(key, prefix, delimiter);
            if let Some(group) = group
                && after.is_some_and(|after| group <= after)
            {
                return Ok(Verdict::SkipPrefix(group.to_owned()));
            }
            if page.objects.len() + page.common_prefixes.len() == limit {
                more = true;
                return Ok(Verdict::Stop);
            }
            if let Some(group) = group {
                page.common_prefixes.push(group.to_owned());
                last = Some(group.to_owned());
                return Ok(Verdict::SkipPrefix(group.to_owned()));
            }
            match load_file(path.to_path_buf(), key) {
                Ok(Some((_, record))) => {
                    page.objects.push(record.info());
                    last = Some(key.to_owned());
                }
                // Removed since the directory was read.
                Ok(None) => {}
                // One damaged file must not hide the others; reading it fails, and the scrub finds it.
                Err(StoreError::Damaged { key, why }) => {
                    tracing::error!(object.key = key, why, "a damaged object is left out of a list");
                }
                Err(error) => return Err(error),
            }
            Ok(Verdict::Next)
        })?;
        page.next_after = if more { last } else { None };
        Ok(page)
    }
}

/// `key` up to and with the first `delimiter` behind `prefix`.
pub(super) fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let at = key.strip_prefix(prefix)?.find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}
