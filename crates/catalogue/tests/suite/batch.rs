//! A batch is its reports one by one: reading and writing rows together changes nothing.

use eyrie_catalogue::{Catalogue, IngestReport, Media, MediaFilter, MediaSource, MediaStatus, PilotFile};
use proptest::prelude::*;
use uuid::Uuid;

use crate::common::{Fixture, at, photo, report};

/// What one report says; few values of each, so that reports of a batch meet.
#[derive(Clone, Copy, Debug)]
struct Said {
    key: u8,
    etag: u8,
    status: MediaStatus,
    flight: Option<u8>,
    minute: Option<i64>,
    group: bool,
    gateway: u8,
}

fn said() -> impl Strategy<Value = Said> {
    let status = prop_oneof![6 => Just(MediaStatus::Stored), 1 => Just(MediaStatus::Missing), 1 => Just(MediaStatus::Quarantined)];
    let minute = proptest::option::weighted(0.8, (0_i64..6).prop_map(|n| n * 20));
    (0_u8..5, 0_u8..2, status, proptest::option::of(0_u8..2), minute, any::<bool>(), 0_u8..2).prop_map(
        |(key, etag, status, flight, minute, group, gateway)| Said {
            key,
            etag,
            status,
            flight,
            minute,
            group,
            gateway,
        },
    )
}

fn reported(workspace_id: Uuid, id: Uuid, said: Said) -> IngestReport {
    let grouped = said.group && said.flight.is_none();
    // of two gateways of one flight, either may be taken for its own
    let gateway = if said.status == MediaStatus::Quarantined { said.gateway } else { 0 };
    report(Media {
        id,
        gateway_sn: Some(format!("RC{gateway}")),
        source: MediaSource::Pilot,
        flight_id: said.flight.map(|n| format!("flight-{n}")),
        etag: Some(format!("etag-{}", said.etag)),
        status: said.status,
        captured_at: said.minute.map(|minute| at(minute * 60)),
        pilot: PilotFile { flight_group: grouped.then(|| "A1".to_owned()), ..PilotFile::default() },
        ..photo(workspace_id, &format!("p/{}.jpg", said.key))
    })
}

async fn library(
    catalogue: &Catalogue,
    workspace_id: Uuid,
    ids: &[Uuid],
) -> (Vec<Option<Media>>, Vec<Option<String>>, usize) {
    let mut rows = Vec::new();
    for id in ids {
        rows.push(catalogue.media_by_id(*id).await.expect("read"));
    }
    let listed = catalogue.list_media(workspace_id, &MediaFilter::default(), None, 100).await.expect("read").items;
    let known = rows.iter().flatten().filter(|media| media.status != MediaStatus::Quarantined).count();
    assert_eq!(listed.iter().filter(|media| media.status != MediaStatus::Quarantined).count(), known);
    let mut flights = catalogue.list_flights(workspace_id, &Default::default(), None, 100).await.expect("read").items;
    flights.sort_by(|a, b| a.flight_id.cmp(&b.flight_id));
    // all but the row's number, and a gateway that is a guess as good as another
    let flights = flights.into_iter().map(|mut flight| {
        flight.gateway_sn = None;
        format!("{flight:?}").split(", num:").next().map(str::to_owned)
    });
    let flights = flights.collect();
    let jobs = catalogue.list_jobs(None, None, None, None, 500).await.expect("read").items.len();
    (rows, flights, jobs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_is_its_reports_one_by_one(all in proptest::collection::vec(said(), 1..60), first in 0_usize..60) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let (whole, single) = (Fixture::new().await, Fixture::new().await);
            let ws = whole.workspace_id;
            // flights by time have the workspace in their id
            let same = eyrie_catalogue::Workspace { id: ws, ..crate::common::workspace("same") };
            single.catalogue.add_workspace(&same).await.expect("a workspace");
            let ids: Vec<Uuid> = all.iter().map(|_| crate::common::id()).collect();
            let reports: Vec<_> = all.iter().zip(&ids).map(|(said, id)| reported(ws, *id, *said)).collect();

            // two batches: the second one meets rows that are there already
            let (before, after) = reports.split_at(first.min(reports.len()));
            let mut together = whole.catalogue.ingest(before).await.expect("kept");
            together.extend(whole.catalogue.ingest(after).await.expect("kept"));
            let mut one_by_one = Vec::new();
            for report in &reports {
                one_by_one.extend(single.catalogue.ingest(std::slice::from_ref(report)).await.expect("kept"));
            }
            let outcomes = |all: &[eyrie_catalogue::IngestOutcome]| {
                all.iter().map(|one| (one.media_id, one.inserted, one.changed)).collect::<Vec<_>>()
            };
            assert_eq!(outcomes(&together), outcomes(&one_by_one));
            let (a, b) = (library(&whole.catalogue, ws, &ids).await, library(&single.catalogue, ws, &ids).await);
            assert_eq!(a, b);
        });
    }
}
