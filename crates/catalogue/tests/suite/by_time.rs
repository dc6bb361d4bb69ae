//! Flights of files that name none: the same whatever the order they come in.

use std::collections::{BTreeMap, BTreeSet};

use eyrie_catalogue::{Catalogue, IngestReport, Media, MediaSource, MediaStatus, PilotFile};
use proptest::prelude::*;
use uuid::Uuid;

use crate::common::{Fixture, at, photo, report};

const GAP_S: i64 = 30 * 60;

/// Captured at second `s`; `None`: not known.
fn shot(workspace_id: Uuid, name: &str, group: &str, s: Option<i64>) -> Media {
    Media {
        gateway_sn: Some("RC1".into()),
        source: MediaSource::Pilot,
        flight_id: None,
        captured_at: s.map(at),
        path: None,
        pilot: PilotFile { flight_group: Some(group.into()), ..PilotFile::default() },
        ..photo(workspace_id, &format!("pilot/RC1/{name}"))
    }
}

/// Flight id -> capture seconds of its files, as the rows have it; and each flight's own row says the same.
async fn flights(catalogue: &Catalogue, workspace_id: Uuid) -> BTreeMap<String, BTreeSet<i64>> {
    let mut found: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for media in catalogue.list_media(workspace_id, &Default::default(), None, 1_000).await.expect("read").items {
        let (Some(flight_id), Some(captured)) = (media.flight_id, media.captured_at) else { continue };
        *counts.entry(flight_id.clone()).or_default() += 1;
        found.entry(flight_id).or_default().insert(captured.duration_since(at(0)).as_secs());
    }
    let listed = catalogue.list_flights(workspace_id, &Default::default(), None, 1_000).await.expect("read").items;
    let listed_ids: BTreeSet<_> = listed.iter().map(|flight| flight.flight_id.clone()).collect();
    assert_eq!(listed_ids, found.keys().cloned().collect(), "a flight has files, and files a flight");
    for flight in listed {
        let seconds = &found[&flight.flight_id];
        assert_eq!(flight.stored_count, counts[&flight.flight_id]);
        assert_eq!(flight.first_captured_at, seconds.first().map(|s| at(*s)));
        assert_eq!(flight.last_captured_at, seconds.last().map(|s| at(*s)));
        assert_eq!(flight.gateway_sn.as_deref(), Some("RC1"));
    }
    found
}

/// What must come out, from the set alone.
fn expected(mut seconds: Vec<i64>) -> BTreeSet<BTreeSet<i64>> {
    seconds.sort_unstable();
    seconds.chunk_by(|a, b| b - a < GAP_S).map(|flight| flight.iter().copied().collect()).collect()
}

async fn keep(catalogue: &Catalogue, media: &[Media], batch: usize) {
    for reports in media.chunks(batch) {
        let reports: Vec<IngestReport> = reports.iter().cloned().map(report).collect();
        catalogue.ingest(&reports).await.expect("kept");
    }
}

#[tokio::test]
async fn a_late_file_joins_two_flights_and_half_an_hour_parts_them() {
    let fixture = Fixture::new().await;
    let (catalogue, ws) = (&fixture.catalogue, fixture.workspace_id);
    let shots = [0, GAP_S, 2 * GAP_S].map(|s| shot(ws, &s.to_string(), "A1", Some(s)));
    keep(catalogue, &shots, 3).await;
    assert_eq!(flights(catalogue, ws).await.len(), 3, "a gap of exactly 30 minutes parts");
    keep(catalogue, &[shot(ws, "between", "A1", Some(GAP_S / 2))], 1).await;
    assert_eq!(flights(catalogue, ws).await.len(), 2);
    keep(catalogue, &[shot(ws, "another aircraft's", "A2", Some(GAP_S + GAP_S / 2))], 1).await;
    assert_eq!(flights(catalogue, ws).await.len(), 3);
    keep(catalogue, &[shot(ws, "after", "A1", Some(GAP_S + GAP_S / 2))], 1).await;
    let now = flights(catalogue, ws).await;
    assert_eq!(now.values().map(BTreeSet::len).collect::<BTreeSet<_>>(), [1, 5].into());
}

#[tokio::test]
async fn a_capture_time_that_is_read_later_moves_a_file() {
    let fixture = Fixture::new().await;
    let (catalogue, ws) = (&fixture.catalogue, fixture.workspace_id);
    let unknown = shot(ws, "unknown", "A1", None);
    let shots = [shot(ws, "a", "A1", Some(0)), unknown.clone(), shot(ws, "b", "A1", Some(2 * GAP_S - 2))];
    keep(catalogue, &shots, 1).await;
    assert_eq!(flights(catalogue, ws).await.len(), 2);
    let read = async |s: Option<i64>| {
        let media = Media { captured_at: s.map(at), ..unknown.clone() };
        catalogue.save_understanding(&media).await.expect("saved");
        flights(catalogue, ws).await.into_values().collect::<BTreeSet<_>>()
    };
    assert_eq!(read(Some(GAP_S - 1)).await, expected(vec![0, GAP_S - 1, 2 * GAP_S - 2]), "it closes the gap");
    assert_eq!(read(Some(-GAP_S + 1)).await, expected(vec![-GAP_S + 1, 0, 2 * GAP_S - 2]), "the gap opens again");
    assert_eq!(read(Some(9 * GAP_S)).await, expected(vec![0, 2 * GAP_S - 2, 9 * GAP_S]));
    assert_eq!(read(None).await, expected(vec![0, 2 * GAP_S - 2]), "a flight without files is none");
}

#[tokio::test]
async fn a_named_flight_is_worth_more() {
    let fixture = Fixture::new().await;
    let (catalogue, ws) = (&fixture.catalogue, fixture.workspace_id);
    let grouped = shot(ws, "a", "A1", Some(0));
    keep(catalogue, std::slice::from_ref(&grouped), 1).await;
    let named = Media { flight_id: Some("run-1".into()), pilot: PilotFile::default(), ..grouped.clone() };
    keep(catalogue, &[named, grouped.clone()], 1).await;
    assert_eq!(flights(catalogue, ws).await, BTreeMap::from([("run-1".to_owned(), [0].into())]));
    let quarantined = Media { status: MediaStatus::Quarantined, ..shot(ws, "q", "A1", Some(0)) };
    keep(catalogue, &[quarantined], 1).await;
    assert_eq!(flights(catalogue, ws).await.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The same files in any order and in any batches, some of them twice: the same flights with the same ids.
    #[test]
    fn the_order_of_arrival_does_not_matter(
        minutes in proptest::collection::vec((0_i64..400, any::<u32>()), 1..40),
        batch in 1_usize..8,
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut shots = Vec::new();
            let fixture = Fixture::new().await;
            let (catalogue, ws) = (&fixture.catalogue, fixture.workspace_id);
            for (n, (minute, order)) in minutes.iter().enumerate() {
                shots.push((*order, shot(ws, &n.to_string(), "A1", Some(minute * 60))));
            }
            let in_order: Vec<_> = shots.iter().map(|(_, media)| media.clone()).collect();
            keep(catalogue, &in_order, batch).await;
            let first = flights(catalogue, ws).await;
            assert_eq!(first.values().cloned().collect::<BTreeSet<_>>(), expected(minutes.iter().map(|(m, _)| m * 60).collect()));

            shots.sort_by_key(|(order, _)| *order);
            let again = Fixture::new().await;
            // the id has the workspace in it
            let other = eyrie_catalogue::Workspace { id: ws, name: "same".into(), bucket: "same".into(), ..crate::common::workspace("same") };
            again.catalogue.add_workspace(&other).await.expect("a workspace");
            let shuffled: Vec<_> = shots.into_iter().map(|(_, media)| media).collect();
            keep(&again.catalogue, &shuffled, batch + 1).await;
            keep(&again.catalogue, &shuffled[..shuffled.len() / 2], batch).await;
            assert_eq!(flights(&again.catalogue, ws).await, first);
        });
    }
}
