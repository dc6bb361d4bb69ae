//! PPK: reports and solutions are replaced whole, each flight's and workspace's alone.

use eyrie_catalogue::{PpkSetRow, PpkSolution};
use serde_json::json;

use crate::common::{Fixture, at, id, report};

#[tokio::test]
async fn a_report_is_replaced() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let mut set = PpkSetRow {
        workspace_id: fixture.workspace_id,
        flight_id: "f".into(),
        report: json!({ "complete": false }),
        reader_version: 1,
        updated_at: at(1),
    };
    catalogue.save_ppk_set(&set).await.expect("saved");
    (set.report, set.reader_version, set.updated_at) = (json!({ "complete": true }), 2, at(2));
    catalogue.save_ppk_set(&set).await.expect("saved");
    assert_eq!(catalogue.ppk_set(fixture.workspace_id, "f").await.expect("read"), Some(set));
    assert_eq!(catalogue.ppk_set(id(), "f").await.expect("read"), None);
    assert_eq!(catalogue.ppk_set(fixture.workspace_id, "g").await.expect("read"), None);
}

#[tokio::test]
async fn a_solution_replaces_the_photos_places() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let photos = [fixture.photo("a/1.JPG"), fixture.photo("a/2.JPG")];
    for photo in &photos {
        catalogue.ingest(&[report(photo.clone())]).await.expect("ingested");
    }
    let solution = |n: i64| PpkSolution {
        workspace_id: fixture.workspace_id,
        flight_id: "flight-1".into(),
        report: json!({ "fixed": n }),
        positions: json!([]),
        pos: vec![0xFF, 0, n as u8],
        solved_at: at(n),
    };
    let places = [(photos[0].id, json!({ "lat": 1.5 })), (photos[1].id, json!({ "lat": 2.5 })), (id(), json!({}))];
    catalogue.save_ppk_solution(&solution(1), &places).await.expect("saved");
    catalogue.save_ppk_solution(&solution(2), &places[..1]).await.expect("saved");
    let found = catalogue.ppk_solution(fixture.workspace_id, "flight-1").await.expect("read");
    assert_eq!(found, Some(solution(2)));
    let place = |n: usize| catalogue.ppk_position(fixture.workspace_id, photos[n].id);
    assert_eq!(place(0).await.expect("read"), Some(json!({ "lat": 1.5 })));
    assert_eq!(place(1).await.expect("read"), None, "the new solution does not have it");
    assert_eq!(catalogue.ppk_position(id(), photos[0].id).await.expect("read"), None, "another workspace");
    let told = catalogue.ppk_solution_report(fixture.workspace_id, "flight-1").await.expect("read");
    assert_eq!(told, Some(json!({ "fixed": 2 })));
}
