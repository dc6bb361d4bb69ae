//! Who holds what within this process. Blocking: for blocking threads only.

use std::collections::{HashMap, HashSet};

use parking_lot::{Condvar, Mutex};

/// One lock for each name, there while it is held.
#[derive(Default)]
pub(super) struct Locks {
    held: Mutex<HashSet<String>>,
    released: Condvar,
}

/// Holds a name until dropped.
pub(super) struct Held<'a> {
    locks: &'a Locks,
    name: String,
}

impl Locks {
    pub(super) fn hold(&self, name: String) -> Held<'_> {
        let mut held = self.held.lock();
        while held.contains(&name) {
            self.released.wait(&mut held);
        }
        held.insert(name.clone());
        Held { locks: self, name }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let was_held = self.locks.held.lock().remove(&self.name);
        assert!(was_held, "a lock is released once");
        self.locks.released.notify_all();
    }
}

/// Uploads whose parts are being read, so that they are removed only when the last reader is gone.
#[derive(Default)]
pub(super) struct Pins(Mutex<HashMap<String, Pinned>>);

#[derive(Default)]
struct Pinned {
    readers: usize,
    /// Nothing refers to the parts any more: the last reader has them removed.
    doomed: bool,
}

impl Pins {
    pub(super) fn pin(&self, upload_id: &str) {
        self.0.lock().entry(upload_id.to_owned()).or_default().readers += 1;
    }

    /// Whether the parts are to be removed now.
    pub(super) fn unpin(&self, upload_id: &str) -> bool {
        let mut pins = self.0.lock();
        let pinned = pins.get_mut(upload_id).expect("unpinned once for each pin");
        pinned.readers -= 1;
        if pinned.readers > 0 {
            return false;
        }
        pins.remove(upload_id).expect("just seen").doomed
    }

    /// The parts are to go. Whether that can be now; otherwise the last reader's [`Pins::unpin`] says so.
    pub(super) fn doom(&self, upload_id: &str) -> bool {
        match self.0.lock().get_mut(upload_id) {
            Some(pinned) => {
                pinned.doomed = true;
                false
            }
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_name_is_held_by_one_at_a_time() {
        let (locks, inside) = (Locks::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _held = locks.hold("a".into());
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
            let _other = locks.hold("b".into());
        });
        assert!(locks.held.lock().is_empty());
    }

    #[test]
    fn the_last_reader_removes_doomed_parts() {
        let pins = Pins::default();
        assert!(pins.doom("u"));
        pins.pin("u");
        pins.pin("u");
        assert!(!pins.doom("u"));
        assert!(!pins.unpin("u"));
        assert!(pins.unpin("u"));
        pins.pin("u");
        assert!(!pins.unpin("u"));
    }
}
