//! Named steps at which a test can kill, fail, fill or stall the program.
//!
//! A step is named where it happens: `fail_point!("objects.put.rename")?`. Built without the `failpoints` feature the
//! macro is `Ok(())`. With it, an action is set in the process ([`fail_set`]) or for a child process by the environment
//! variable `EYRIE_FAILPOINTS`, e.g. `objects.put.rename=kill@3,ingest.commit=stall:500`: the action happens at the
//! third hit (`@1` when left out; `@*` at every hit).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use parking_lot::Mutex;

/// What happens at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailAction {
    /// `kill -9` of this process.
    Kill,
    /// The step fails with `EIO`.
    Error,
    /// The step fails with `ENOSPC`.
    NoSpace,
    /// The step takes this much longer.
    Stall(Duration),
}

struct Armed {
    action: FailAction,
    /// Hits left before the action happens; `None` means at every hit.
    countdown: Option<u32>,
}

#[derive(Default)]
struct State {
    armed: BTreeMap<String, Armed>,
    seen: BTreeSet<&'static str>,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    let mut state = State::default();
    if let Ok(text) = std::env::var("EYRIE_FAILPOINTS") {
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, armed) = parse(part).unwrap_or_else(|| panic!("EYRIE_FAILPOINTS: cannot read {part:?}"));
            state.armed.insert(name, armed);
        }
    }
    Mutex::new(state)
});

fn parse(part: &str) -> Option<(String, Armed)> {
    let (name, action) = part.split_once('=')?;
    let (action, countdown) = match action.split_once('@') {
        Some((action, "*")) => (action, None),
        Some((action, count)) => (action, Some(count.parse().ok()?)),
        None => (action, Some(1)),
    };
    let action = match action.split_once(':') {
        Some(("stall", ms)) => FailAction::Stall(Duration::from_millis(ms.parse().ok()?)),
        None if action == "kill" => FailAction::Kill,
        None if action == "error" => FailAction::Error,
        None if action == "nospace" => FailAction::NoSpace,
        _ => return None,
    };
    Some((name.to_owned(), Armed { action, countdown }))
}

/// Arms `name`: `action` at its `hit`-th hit from now, or at every hit with `None`. A `None` action disarms.
pub fn fail_set(name: &str, action: Option<FailAction>, hit: Option<u32>) {
    let mut state = STATE.lock();
    match action {
        Some(action) => state.armed.insert(name.to_owned(), Armed { action, countdown: hit }),
        None => state.armed.remove(name),
    };
}

/// The steps this process has passed so far.
pub fn fail_names() -> Vec<&'static str> {
    STATE.lock().seen.iter().copied().collect()
}

/// Called by `fail_point!`; blocks the thread for a stall.
///
/// # Errors
/// What the armed action asks for.
pub fn fail_hit(name: &'static str) -> io::Result<()> {
    let action = {
        let mut state = STATE.lock();
        state.seen.insert(name);
        let Some(armed) = state.armed.get_mut(name) else { return Ok(()) };
        match &mut armed.countdown {
            None => armed.action.clone(),
            Some(0) => return Ok(()),
            Some(count) => {
                *count -= 1;
                if *count > 0 {
                    return Ok(());
                }
                armed.action.clone()
            }
        }
    };
    match action {
        FailAction::Kill => {
            let pid = rustix::process::getpid();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            unreachable!("SIGKILL does not return")
        }
        FailAction::Error => Err(io::Error::from_raw_os_error(5)),
        FailAction::NoSpace => Err(io::Error::from_raw_os_error(28)),
        FailAction::Stall(time) => {
            std::thread::sleep(time);
            Ok(())
        }
    }
}

/// Names a step of the durable order. `std::io::Result<()>`; always `Ok` unless built with `failpoints`.
///
/// The calling crate declares a `failpoints` feature that turns on `eyrie-env/failpoints`.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        $crate::fail_hit($name)
    };
}

/// Names a step of the durable order. `std::io::Result<()>`; always `Ok` unless built with `failpoints`.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        ::std::io::Result::Ok(())
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_countdown_fires_once_at_its_hit() {
        fail_set("test.countdown", Some(FailAction::Error), Some(2));
        assert!(fail_hit("test.countdown").is_ok());
        assert_eq!(fail_hit("test.countdown").unwrap_err().raw_os_error(), Some(5));
        assert!(fail_hit("test.countdown").is_ok());
        assert!(fail_names().contains(&"test.countdown"));
    }

    #[test]
    fn the_environment_form_is_read() {
        let (name, armed) = parse("a.b=stall:250@*").expect("well formed");
        assert_eq!((name.as_str(), armed.action), ("a.b", FailAction::Stall(Duration::from_millis(250))));
        assert!(armed.countdown.is_none());
        assert!(parse("a.b=explode").is_none());
    }
}
