//! Docks, aircraft and prefixes.

use eyrie_catalogue::{Aircraft, CatalogueError, DockLive, IssuedPrefix, NewDock};
use uuid::Uuid;

use crate::common::{Fixture, at, workspace};

pub(crate) fn new_dock(workspace_id: Uuid, sn: &str) -> NewDock {
    NewDock { sn: sn.into(), workspace_id, callsign: None, password_hash: "hash".into(), created_at: at(0) }
}

fn aircraft(gateway_sn: &str, sn: &str) -> Aircraft {
    Aircraft { sn: sn.into(), gateway_sn: gateway_sn.into(), model_key: Some("0-67-0".into()) }
}

#[tokio::test]
async fn a_dock_is_added_once_and_changed() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    catalogue.add_dock(&new_dock(fixture.workspace_id, "D1")).await.expect("new");
    let other = workspace("other");
    catalogue.add_workspace(&other).await.expect("new");
    let taken = catalogue.add_dock(&new_dock(other.id, "D1")).await.expect_err("taken in another workspace");
    assert!(matches!(taken, CatalogueError::Exists { what: "dock", .. }));
    let nowhere = catalogue.add_dock(&new_dock(Uuid::nil(), "D2")).await.expect_err("no such workspace");
    assert!(matches!(nowhere, CatalogueError::NotFound { what: "workspace", .. }));

    catalogue.set_dock_password("D1", "other").await.expect("changed");
    catalogue.set_dock_disabled("D1", true).await.expect("changed");
    catalogue.set_dock_callsign("D1", "Höhe 3").await.expect("changed");
    catalogue.set_dock_bound("D1", Some(at(5))).await.expect("changed");
    let dock = catalogue.dock("D1").await.expect("read").expect("there");
    assert_eq!((dock.password_hash.as_str(), dock.disabled, dock.bound_at), ("other", true, Some(at(5))));
    assert_eq!(dock.callsign.as_deref(), Some("Höhe 3"));
    catalogue.set_dock_bound("D1", None).await.expect("changed");
    assert_eq!(catalogue.dock("D1").await.expect("read").expect("there").bound_at, None);
    assert!(matches!(catalogue.set_dock_disabled("D9", true).await, Err(CatalogueError::NotFound { .. })));
    assert!(catalogue.docks(Some(other.id)).await.expect("read").is_empty());
    assert_eq!(catalogue.docks(None).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_dock_keeps_the_name_that_a_person_gave_it() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let callsign = async || catalogue.dock("D1").await.expect("read").expect("there").callsign;
    let named = NewDock { callsign: Some("Nord".into()), ..new_dock(fixture.workspace_id, "D1") };
    catalogue.add_dock(&named).await.expect("new");
    catalogue.set_dock_callsign("D1", "Dock 1").await.expect("heard");
    assert_eq!(callsign().await.as_deref(), Some("Nord"));
    catalogue.name_dock("D1", None).await.expect("changed");
    catalogue.set_dock_callsign("D1", "Dock 1").await.expect("heard");
    assert_eq!(callsign().await.as_deref(), Some("Dock 1"));
    catalogue.set_dock_callsign("D1", "Dock 2").await.expect("heard");
    assert_eq!(callsign().await.as_deref(), Some("Dock 2"));
    catalogue.name_dock("D1", Some("Süd")).await.expect("changed");
    catalogue.set_dock_callsign("D1", "Dock 3").await.expect("heard");
    assert_eq!(callsign().await.as_deref(), Some("Süd"));
    assert!(matches!(catalogue.name_dock("D9", None).await, Err(CatalogueError::NotFound { .. })));
}

#[tokio::test]
async fn live_values_merge() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    catalogue.add_dock(&new_dock(fixture.workspace_id, "D1")).await.expect("new");
    let first = DockLive { remain_upload: Some(4), storage_total_kb: Some(9), lat: Some(52.0), ..DockLive::default() };
    let second = DockLive { remain_upload: Some(0), last_seen_at: Some(at(1)), ..DockLive::default() };
    let unknown = ("D9".to_owned(), first.clone());
    catalogue.save_live(&[("D1".into(), first), unknown]).await.expect("saved");
    catalogue.save_live(&[("D1".into(), second)]).await.expect("saved");
    let live = catalogue.dock("D1").await.expect("read").expect("there").live;
    assert_eq!(
        (live.remain_upload, live.storage_total_kb, live.lat, live.last_seen_at),
        (Some(0), Some(9), Some(52.0), Some(at(1)))
    );
}

#[tokio::test]
async fn an_aircraft_has_one_gateway() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    for sn in ["D1", "D2"] {
        catalogue.add_dock(&new_dock(fixture.workspace_id, sn)).await.expect("new");
    }
    catalogue.set_aircraft("D1", &[aircraft("D1", "A1"), aircraft("D1", "A2")]).await.expect("saved");
    catalogue.set_aircraft("D2", &[aircraft("D2", "A2")]).await.expect("saved");
    let docks = catalogue.docks(Some(fixture.workspace_id)).await.expect("read");
    assert_eq!(docks[0].aircraft, [aircraft("D1", "A1")]);
    assert_eq!(docks[1].aircraft, [aircraft("D2", "A2")]);
    catalogue.set_aircraft("D1", &[]).await.expect("saved");
    assert_eq!(catalogue.all_aircraft().await.expect("read"), [aircraft("D2", "A2")]);
    assert_eq!(catalogue.dock("D2").await.expect("read").expect("there").aircraft.len(), 1);
}

#[tokio::test]
async fn prefixes_are_remembered_for_ever() {
    let fixture = Fixture::new().await;
    let prefix = |sn: &str, prefix: &str, s| IssuedPrefix {
        gateway_sn: sn.into(),
        workspace_id: fixture.workspace_id,
        bucket: "bucket".into(),
        prefix: prefix.into(),
        issued_at: at(s),
    };
    for issued in [prefix("D1", "a", 1), prefix("D1", "b", 2), prefix("D1", "a", 3), prefix("D2", "a", 4)] {
        fixture.catalogue.record_prefix(&issued).await.expect("recorded");
    }
    let of_dock = fixture.catalogue.prefixes_of("D1").await.expect("read");
    assert_eq!(of_dock, [prefix("D1", "b", 2), prefix("D1", "a", 1)]);
    assert_eq!(fixture.catalogue.all_prefixes().await.expect("read").len(), 3);
}
