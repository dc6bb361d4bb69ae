//! HEADs that wait together share a blocking thread: a dock's callback is one HEAD, and handing each to a thread of its own
//! costs more than reading the record.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::engine::Engine;
use super::{ObjectInfo, StoreError};

/// A thread takes so many at once; when more than that wait for each thread, there is one more.
const AT_ONCE: usize = 8;
const MAX_THREADS: usize = 4;

#[derive(Default)]
pub(super) struct Heads(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Head>,
    threads: usize,
}

struct Head {
    bucket: String,
    key: String,
    answer: oneshot::Sender<Result<Option<ObjectInfo>, StoreError>>,
}

impl Engine {
    pub(super) async fn head(self: &Arc<Self>, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        let (answer, found) = oneshot::channel();
        let head = Head { bucket: bucket.to_owned(), key: key.to_owned(), answer };
        if self.heads.is_another_thread_due(head) {
            let engine = Arc::clone(self);
            tokio::task::spawn_blocking(move || engine.answer_heads());
        }
        found.await.unwrap_or_else(|_| {
            Err(StoreError::Io {
                doing: "cannot look an object up".into(),
                source: io::Error::other("it was given up"),
            })
        })
    }

    fn answer_heads(&self) {
        let thread = Thread(&self.heads);
        while let Some(taken) = thread.0.take() {
            for head in taken {
                let found = self.load(&head.bucket, &head.key).map(|loaded| loaded.map(|(_, record)| record.info()));
                // a caller that went away does not need the answer
                let _ = head.answer.send(found);
            }
        }
        // an empty queue has counted the thread off already, in the same step
        std::mem::forget(thread);
    }
}

impl Heads {
    fn is_another_thread_due(&self, head: Head) -> bool {
        let mut waiting = self.0.lock();
        waiting.queue.push_back(head);
        let due = waiting.threads < MAX_THREADS && waiting.queue.len() > waiting.threads * AT_ONCE;
        waiting.threads += usize::from(due);
        due
    }

    /// `None`: nothing waits, and the caller's thread no longer counts.
    fn take(&self) -> Option<Vec<Head>> {
        let mut waiting = self.0.lock();
        if waiting.queue.is_empty() {
            waiting.threads -= 1;
            return None;
        }
        let count = waiting.queue.len().min(AT_ONCE);
        Some(waiting.queue.drain(..count).collect())
    }
}

/// Counts a thread off that panics.
struct Thread<'a>(&'a Heads);

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        self.0.0.lock().threads -= 1;
    }
}
