//! Whether any legal hold is open, kept in memory: without one, which is the rule, an upload asks nothing of the database.

use std::sync::atomic::{AtomicBool, Ordering};

use eyrie_catalogue::Catalogue;

#[derive(Default)]
pub struct Holds {
    any: AtomicBool,
    /// One after the other: what was read first must not be told last.
    loading: tokio::sync::Mutex<()>,
}

impl Holds {
    /// # Errors
    /// The catalogue's; what was known stays.
    pub async fn load(&self, catalogue: &Catalogue) -> eyrie_catalogue::Result<()> {
        let _alone = self.loading.lock().await;
        self.any.store(catalogue.has_open_holds().await?, Ordering::Release);
        Ok(())
    }

    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }
}
