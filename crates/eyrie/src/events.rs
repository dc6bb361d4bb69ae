//! What changed, for whoever listens: one broadcast, read by the SSE route.

use eyrie_catalogue::Media;
use serde_json::Value;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Changes a slow listener may lag behind before it is told to reload.
const BACKLOG: usize = 1_024;

/// A change in a workspace. `name` and `object` are what the SSE stream shows; the object is made by the API's own types.
#[derive(Clone, Debug)]
pub enum Change {
    MediaStored(Box<Media>),
    MediaUpdated(Box<Media>),
    MediaMissing(Box<Media>),
    Flight {
        flight_id: String,
    },
    Dock {
        sn: String,
        online: bool,
    },
    Job {
        id: Uuid,
    },
    /// Said by a part that has the object at hand already.
    Other {
        name: &'static str,
        object: Value,
    },
}

#[derive(Clone)]
pub struct Events(broadcast::Sender<(Uuid, Change)>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }
}

impl Events {
    pub fn send(&self, workspace_id: Uuid, change: Change) {
        // nobody listening is not an error
        let _ = self.0.send((workspace_id, change));
    }

    pub fn subscribe(&self) -> broadcast::Receiver<(Uuid, Change)> {
        self.0.subscribe()
    }

    pub fn listeners(&self) -> usize {
        self.0.receiver_count()
    }
}
