//! The audit log.

use eyrie_catalogue::AuditEntry;
use serde_json::json;

use crate::common::{Fixture, at, id};

#[tokio::test]
async fn the_log_is_read_newest_first_by_workspace() {
    let fixture = Fixture::new().await;
    for n in 0..10_i64 {
        let entry = AuditEntry {
            id: id(),
            workspace_id: (n % 2 == 0).then_some(fixture.workspace_id),
            at: at(n / 3),
            actor: "command line".into(),
            action: "dock.add".into(),
            subject: n.to_string(),
            detail: json!({ "n": n }),
        };
        fixture.catalogue.add_audit(&entry).await.expect("written");
    }
    let read = async |workspace_id| {
        let (mut subjects, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = fixture
                .catalogue
                .list_audit(workspace_id, &Default::default(), cursor.as_deref(), 2)
                .await
                .expect("read");
            subjects.extend(page.items.into_iter().map(|entry| entry.subject));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return subjects.join(" ");
            }
        }
    };
    assert_eq!(read(None).await, "9 8 7 6 5 4 3 2 1 0");
    assert_eq!(read(Some(fixture.workspace_id)).await, "8 6 4 2 0");
}
