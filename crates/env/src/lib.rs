//! What comes from outside the program: the clock, randomness, files, and fail points.
//!
//! `objects`, `catalogue`, ingest and jobs never ask the operating system for the time, for random bytes or for a file
//! themselves: they are handed these traits. That is what makes a simulated clock, a repeatable run and a disk that
//! fails at a chosen moment possible. Left out on purpose: networking (tests use real sockets) and threads.

mod clock;
mod fail;
mod files;
mod random;

pub use clock::{Clock, ManualClock, SystemClock};
pub use fail::{FailAction, fail_hit, fail_names, fail_set};
pub use files::{Files, RealFiles};
pub use random::{Random, SeededRandom, SystemRandom, uuid_v7};
