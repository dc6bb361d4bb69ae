//! Which objects somebody has in hand: a report looks an object up and commits its row a moment later, and in between the object
//! must not be removed.
//!
//! One process has the store's files, so this is memory. Keys share [`SHARDS`] locks: a removal waits for the few reports
//! that fall on the same one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use uuid::Uuid;

const SHARDS: usize = 256;

pub struct Hands {
    shards: Vec<RwLock<()>>,
    /// Of fingerprints: whoever finds that a file is stored nowhere else keeps it before the next one looks.
    turns: Vec<Mutex<()>>,
    hasher: RandomState,
    /// Whether some object may be on its way out: its row is deleted and it is there.
    removing: AtomicBool,
}

impl Default for Hands {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        let turns = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, turns, hasher: RandomState::new(), removing: AtomicBool::new(false) }
    }
}

impl Hands {
    /// The object stays as long as this is held.
    pub async fn on(&self, object_key: &str) -> RwLockReadGuard<'_, ()> {
        self.shard(object_key).read().await
    }

    /// Nobody else has the object in hand as long as this is held.
    pub async fn alone_on(&self, object_key: &str) -> RwLockWriteGuard<'_, ()> {
        self.shard(object_key).write().await
    }

    /// Set before the first row of a batch is deleted, and taken back when no removal is left.
    pub fn set_removing(&self, removing: bool) {
        self.removing.store(removing, Ordering::SeqCst);
    }

    pub fn is_removing(&self) -> bool {
        self.removing.load(Ordering::SeqCst)
    }

    /// Nobody else keeps a file of this fingerprint as long as this is held; its letters may be of any case. Taken by who has an
    /// object in hand, and held over one commit.
    pub async fn in_turn(&self, workspace_id: Uuid, fingerprint: &str) -> MutexGuard<'_, ()> {
        let n = self.hasher.hash_one((workspace_id, fingerprint.to_ascii_lowercase())) as usize % SHARDS;
        self.turns.get(n).expect("a remainder is below its divisor").lock().await
    }

    fn shard(&self, object_key: &str) -> &RwLock<()> {
        let n = self.hasher.hash_one(object_key) as usize % SHARDS;
        self.shards.get(n).expect("a remainder is below its divisor")
    }
}
