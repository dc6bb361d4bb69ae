//! Keyset pages.

/// Where a list goes on; opaque text for clients. [`crate::CatalogueError::BadCursor`] when it is not one of ours.
pub type Cursor = String;

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<Cursor>,
}
