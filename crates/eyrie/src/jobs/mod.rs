//! Follow-up work: durable rows in the catalogue, claimed with a lease. One file a job.

use std::sync::Arc;

use tokio::sync::Notify;

/// Tells the runner that a job may be due.
#[derive(Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    pub fn wake(&self) {
        self.0.notify_one();
    }

    pub async fn wait(&self) {
        self.0.notified().await;
    }
}
