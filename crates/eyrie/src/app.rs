//! What the server owns: one struct, handed to every handler.

use std::sync::{Arc, OnceLock};

use eyrie_catalogue::Catalogue;
use eyrie_env::{Clock, Random, uuid_v7};
use eyrie_mqtt::{Broker, Link};
use eyrie_objects::{Issuer, Store};
use jiff::Timestamp;
use uuid::Uuid;

use crate::config::Config;
use crate::dock::services::Services;
use crate::dock::state::Docks;
use crate::events::Events;
use crate::gate::Logins;
use crate::hands::Hands;
use crate::holds::Holds;
use crate::ingest::Ingest;
use crate::jobs::Wake;
use crate::pictures::Pictures;
use crate::tiles::Selections;
use crate::trace::Trace;

/// The addresses that docks, tools and browsers are given (scheme, host, port; no trailing slash).
#[derive(Clone, Debug)]
pub struct PublicUrls {
    pub http: String,
    pub mqtt: String,
    pub s3: String,
}

pub struct App {
    pub config: Config,
    pub urls: PublicUrls,
    /// Where programs on this machine reach the S3 listener, whatever docks are told.
    pub s3_on_this_machine: String,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub catalogue: Catalogue,
    pub store: Arc<Store>,
    pub issuer: Issuer,
    /// Every dock's live state, topology and workspace, in memory.
    pub docks: Docks,
    /// Who logged in on the embedded broker with which password.
    pub logins: Logins,
    /// Commands to docks that wait for their reply.
    pub services: Services,
    pub ingest: Ingest,
    /// Which objects are looked at or removed just now.
    pub hands: Hands,
    /// Whether any legal hold is open.
    pub holds: Holds,
    pub events: Events,
    pub trace: Trace,
    pub pictures: Pictures,
    /// What maps with rare filters show.
    pub selections: Selections,
    /// Wakes the job runner.
    pub wake: Wake,
    /// Set once at start; absent in commands that work on a stopped server's data.
    pub link: OnceLock<Link>,
    /// The embedded broker, when there is one.
    pub broker: OnceLock<Broker>,
}

impl App {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn new_id(&self) -> Uuid {
        uuid_v7(self.clock.now(), &*self.random)
    }

    /// A random text of `bytes` bytes of entropy in unpadded base64url, for tokens and passwords.
    pub fn random_text(&self, bytes: usize) -> String {
        crate::secret::random_text(&*self.random, bytes)
    }
}
