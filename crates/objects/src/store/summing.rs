//! Blocks that wait to be summed up, and the few threads that do it.
//!
//! At most as many threads as there are cores: more would only take turns. Whatever has come meanwhile is then summed
//! together ([`update_all`]), so the busier the server, the less a sum costs; on an idle one a block never waits.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::checksum::{Summer, update_all};
use super::md5::LANES;

/// So many blocks must wait before a further thread joins: one that took them singly would cost more than it helps.
const WORTH_A_THREAD: usize = 2;

pub(super) struct Summing {
    queue: Mutex<Queue>,
    max_threads: usize,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    threads: usize,
}

struct Job {
    summer: Summer,
    block: Bytes,
    done: oneshot::Sender<Summer>,
}

impl Summing {
    pub(super) fn new() -> Arc<Self> {
        let max_threads = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self { queue: Mutex::default(), max_threads })
    }

    /// Lets `summer` take `block`; it comes back when that is done.
    pub(super) fn start(self: &Arc<Self>, summer: Summer, block: Bytes) -> oneshot::Receiver<Summer> {
        let (done, receiver) = oneshot::channel();
        let mut queue = self.queue.lock();
        queue.waiting.push_back(Job { summer, block, done });
        let worth_it = queue.threads == 0 || queue.waiting.len() >= WORTH_A_THREAD;
        if worth_it && queue.threads < self.max_threads {
            queue.threads += 1;
            let summing = self.clone();
            tokio::task::spawn_blocking(move || summing.work());
        }
        receiver
    }

    fn work(&self) {
        while let Some(mut jobs) = self.next() {
            update_all(&mut jobs.iter_mut().map(|job| (&mut job.summer, &*job.block)).collect::<Vec<_>>());
            for job in jobs {
                // Nobody waits for it when the writer was dropped.
                let _ = job.done.send(job.summer);
            }
        }
    }

    /// The jobs to do next; with `None`, the thread has been counted off.
    fn next(&self) -> Option<Vec<Job>> {
        let mut queue = self.queue.lock();
        let count = queue.waiting.len().min(LANES);
        let others_can = queue.threads > 1 && count < WORTH_A_THREAD;
        if count == 0 || others_can {
            queue.threads -= 1;
            return None;
        }
        Some(queue.waiting.drain(..count).collect())
    }
}
