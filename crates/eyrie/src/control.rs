//! Negative controls: the durable order broken on purpose, so that a harness can prove that it would notice. Compiled only
//! with `failpoints`, never into a release.

use std::sync::LazyLock;

/// `EYRIE_CONTROL=remove-before-commit`: the object of a deleted file goes before its row.
pub(crate) fn remove_before_commit() -> bool {
    static ON: LazyLock<bool> =
        LazyLock::new(|| std::env::var("EYRIE_CONTROL").is_ok_and(|name| name == "remove-before-commit"));
    *ON
}

/// `EYRIE_CONTROL=reply-before-commit`: a file's reply leaves before its commit.
pub(crate) fn reply_before_commit() -> bool {
    static ON: LazyLock<bool> =
        LazyLock::new(|| std::env::var("EYRIE_CONTROL").is_ok_and(|name| name == "reply-before-commit"));
    *ON
}
