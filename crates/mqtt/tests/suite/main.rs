//! The broker and the link from outside, in one binary: linking rmqtt once is slow enough.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails, in its helpers too")]

mod common;

mod accounts;
mod isolation;
mod link;
mod logs;
mod rules;
mod transports;
