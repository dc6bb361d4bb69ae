//! A dock's message: one `match`, one file a method.
pub mod state;
