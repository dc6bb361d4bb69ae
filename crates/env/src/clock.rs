use jiff::Timestamp;
use parking_lot::Mutex;

/// Wall-clock time, as the program believes it.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Whole seconds since 1970-01-01T00:00:00Z.
    fn now_s(&self) -> i64 {
        self.now().as_second()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z; the unit of the Cloud API's `timestamp`.
    fn now_ms(&self) -> i64 {
        self.now().as_millisecond()
    }
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that moves only when a test moves it.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Jumps to `to`, forwards or backwards.
    pub fn set(&self, to: Timestamp) {
        *self.0.lock() = to;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}
