//! The broker and the link from outside, in one binary: linking rmqtt once is slow enough.

mod common;

mod accounts;
mod isolation;
mod link;
mod logs;
mod rules;
mod transports;
