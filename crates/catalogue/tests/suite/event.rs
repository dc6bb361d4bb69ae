//! Raw events and the trace.

use eyrie_catalogue::{CatalogueError, TraceEntry};
use serde_json::json;

use crate::common::{Fixture, at, event, id};

fn entry(gateway_sn: &str, s: i64) -> TraceEntry {
    TraceEntry {
        id: id(),
        gateway_sn: gateway_sn.into(),
        at: at(s),
        direction: "up".into(),
        topic: "topic".into(),
        method: None,
        tid: s.to_string(),
        bid: String::new(),
        result: Some(0),
        duration_ms: Some(1.5),
        asked: json!({"a": 1}),
        answered: json!(null),
        note: None,
    }
}

#[tokio::test]
async fn events_are_kept_whatever_they_say() {
    let fixture = Fixture::new().await;
    let mut odd = event("t");
    odd.payload = "not json \u{fffd} ' \" \0 %".into();
    odd.workspace_id = Some(id());
    let many: Vec<_> = (0..100).map(|n| event(&n.to_string())).collect();
    fixture.catalogue.keep_events(&[odd.clone(), odd.clone()]).await.expect("kept");
    fixture.catalogue.keep_events(&many).await.expect("kept");
    fixture.catalogue.keep_events(&[]).await.expect("nothing");
    let kept = fixture.catalogue.events_of("DOCK1", 1_000).await.expect("read");
    assert_eq!(kept.len(), 101);
    assert!(kept.iter().any(|event| event.payload == odd.payload));
    assert_eq!(fixture.catalogue.events_of("DOCK1", 3).await.expect("read").len(), 3);
}

#[tokio::test]
async fn the_trace_is_paged_and_pruned() {
    let fixture = Fixture::new().await;
    let mut entries: Vec<_> = (0..70).map(|s| entry("D1", s)).collect();
    entries.extend((0..5).map(|s| entry("D2", s)));
    fixture.catalogue.add_trace(&entries).await.expect("kept");
    let page = fixture.catalogue.trace_of("D1", None, 40).await.expect("read");
    assert_eq!((page.items.len(), page.items[0].tid.as_str()), (40, "69"));
    let rest = fixture.catalogue.trace_of("D1", page.next_cursor.as_deref(), 40).await.expect("read");
    assert_eq!((rest.items.len(), rest.items[0].tid.as_str(), rest.next_cursor), (30, "29", None));
    assert_eq!(rest.items[0].asked, json!({"a": 1}));
    let foreign = fixture.catalogue.list_jobs(None, None, None, page.next_cursor.as_deref(), 4).await;
    assert!(matches!(foreign, Err(CatalogueError::BadCursor)));

    assert_eq!(fixture.catalogue.prune_trace(at(10), 20).await.expect("pruned"), 10 + 5 + 40);
    let left = fixture.catalogue.trace_of("D1", None, 100).await.expect("read");
    assert_eq!((left.items.len(), left.items[19].tid.as_str()), (20, "50"));
    assert!(fixture.catalogue.trace_of("D2", None, 100).await.expect("read").items.is_empty());
}
