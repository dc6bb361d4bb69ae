//! Flights and what they know of their media.

use eyrie_catalogue::{
    AuditEntry, CatalogueError, DockLive, Flight, FlightCounts, FlightFacts, FlightFilter, FlightState, IngestReport,
    Media, MediaSource, MediaStatus, NewController, PictureFacts, Position, Silence,
};
use serde_json::json;

use crate::common::{Fixture, at, id, report};
use crate::dock::new_dock;

fn place(lat: f64, lng: f64) -> Option<Position> {
    Some(Position { lat, lng, absolute_altitude_m: None, relative_altitude_m: None })
}

async fn flight(fixture: &Fixture) -> Flight {
    fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there")
}

#[tokio::test]
async fn a_flight_follows_every_change_of_its_media() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let mut media = Vec::new();
    for n in 0..5_i64 {
        let mut photo = fixture.photo(&format!("p/{n}"));
        (photo.captured_at, photo.position) = (Some(at(n)), place(50.0 + n as f64, 10.0 + n as f64));
        media.push(photo);
    }
    let reports: Vec<_> = media.iter().cloned().map(report).collect();
    catalogue.ingest(&reports).await.expect("kept");
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.first_captured_at, now.last_captured_at), (5, Some(at(0)), Some(at(4))));
    assert_eq!(now.bbox, Some([10.0, 50.0, 14.0, 54.0]));

    // a row inside and one on the edge go missing
    assert!(catalogue.set_media_status(media[2].id, MediaStatus::Missing, at(300)).await.expect("set"));
    assert!(!catalogue.set_media_status(media[2].id, MediaStatus::Missing, at(300)).await.expect("set"));
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.bbox), (4, Some([10.0, 50.0, 14.0, 54.0])));
    catalogue.set_media_status(media[4].id, MediaStatus::Missing, at(300)).await.expect("set");
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.last_captured_at, now.bbox), (3, Some(at(3)), Some([10.0, 50.0, 13.0, 53.0])));
    catalogue.set_media_status(media[4].id, MediaStatus::Stored, at(300)).await.expect("set");
    assert_eq!(flight(&fixture).await.last_captured_at, Some(at(4)));

    // the trash and back
    let entry = || AuditEntry {
        id: id(),
        workspace_id: Some(fixture.workspace_id),
        at: at(400),
        actor: "user:x".into(),
        action: "media.trash".into(),
        subject: String::new(),
        detail: json!({}),
    };
    assert!(catalogue.set_media_trashed(media[0].id, Some(at(400)), &entry()).await.expect("set"));
    assert!(!catalogue.set_media_trashed(media[0].id, Some(at(401)), &entry()).await.expect("set"));
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.trashed_count, now.first_captured_at), (3, 1, Some(at(1))));
    assert!(catalogue.set_media_trashed(media[0].id, None, &entry()).await.expect("set"));
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.trashed_count, now.first_captured_at), (4, 0, Some(at(0))));
    assert_eq!(catalogue.list_audit(None, &Default::default(), None, 10).await.expect("read").items.len(), 2);

    // what a reader found
    let mut read = media[0].clone();
    (read.captured_at, read.position) = (Some(at(50)), place(60.0, -5.0));
    catalogue.save_understanding(&read).await.expect("saved");
    let now = flight(&fixture).await;
    assert_eq!((now.first_captured_at, now.last_captured_at), (Some(at(1)), Some(at(50))));
    assert_eq!(now.bbox, Some([-5.0, 51.0, 14.0, 60.0]));
}

#[tokio::test]
async fn a_media_row_that_learns_its_flight_is_counted_there() {
    let fixture = Fixture::new().await;
    let mut orphan = fixture.photo("p/a");
    orphan.flight_id = None;
    fixture.catalogue.ingest(&[report(orphan)]).await.expect("kept");
    let known = report(fixture.photo("p/a"));
    fixture.catalogue.ingest(&[known.clone(), known]).await.expect("kept");
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.last_captured_at), (1, Some(at(100))));

    let mut moved = fixture.photo("p/a");
    moved.flight_id = Some("flight-2".into());
    fixture.catalogue.ingest(&[report(moved)]).await.expect("kept");
    let now = flight(&fixture).await;
    assert_eq!((now.stored_count, now.last_captured_at, now.bbox), (0, None, None));
    let other = fixture.catalogue.flight(fixture.workspace_id, "flight-2").await.expect("read").expect("there");
    assert_eq!((other.stored_count, other.last_captured_at), (1, Some(at(100))));
}

#[tokio::test]
async fn the_state_follows_counts_and_time() {
    let fixture = Fixture::new().await;
    fixture.catalogue.ingest(&[report(fixture.photo("p/a")), report(fixture.photo("p/b"))]).await.expect("kept");
    let mut flight = flight(&fixture).await;
    assert_eq!(flight.updated_at, at(200));
    assert_eq!(flight.state(at(210), 60), FlightState::Uploading);
    // nobody announced a count: nothing is known to be missing
    assert_eq!(flight.state(at(260), 60), FlightState::Complete);
    flight.stored_count = 0;
    assert_eq!(flight.state(at(260), 60), FlightState::Stalled);
    flight.stored_count = 2;
    flight.media_count = Some(0);
    assert_eq!(flight.state(at(210), 60), FlightState::Uploading);
    flight.media_count = Some(2);
    assert_eq!(flight.state(at(9_999), 60), FlightState::Complete);
    flight.expected_file_count = Some(3);
    assert_eq!(flight.state(at(9_999), 60), FlightState::Stalled, "somebody counted these");
    assert_eq!(flight.state(at(210), 60), FlightState::Uploading);
    flight.trashed_count = 1;
    assert_eq!(flight.state(at(210), 60), FlightState::Complete);
}

#[tokio::test]
async fn flights_are_listed_newest_first_by_keyset() {
    let fixture = Fixture::new().await;
    for n in 0..25_i64 {
        let facts = FlightFacts {
            workspace_id: fixture.workspace_id,
            flight_id: format!("f{n}"),
            gateway_sn: Some(format!("D{}", n % 2)),
            ..FlightFacts::default()
        };
        let said = IngestReport { event: None, media: None, flight: Some(facts), jobs: vec![], now: at(n / 4) };
        fixture.catalogue.ingest(&[said]).await.expect("kept");
    }
    let read = async |filter: FlightFilter| {
        let (mut ids, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page = fixture
                .catalogue
                .list_flights(fixture.workspace_id, &filter, cursor.as_deref(), 4)
                .await
                .expect("read");
            ids.extend(page.items.into_iter().map(|flight| flight.flight_id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return ids;
            }
        }
    };
    let all: Vec<_> = (0..25).rev().map(|n| format!("f{n}")).collect();
    assert_eq!(read(FlightFilter::default()).await, all);
    let of = |sn: &str| FlightFilter { gateway_sn: Some(sn.into()), ..FlightFilter::default() };
    assert_eq!(read(of("D1")).await.len(), 12);
    assert!(read(of("D9")).await.is_empty());
    let by = |source| FlightFilter { source: Some(source), ..FlightFilter::default() };
    assert!(read(by(MediaSource::Dock)).await.is_empty());
    assert_eq!(read(by(MediaSource::Import)).await, all, "devices that nobody knows");
    let controller = NewController {
        sn: "D1".into(),
        workspace_id: fixture.workspace_id,
        password_hash: String::new(),
        created_at: at(1),
    };
    fixture.catalogue.add_controller(&controller).await.expect("added");
    assert_eq!(read(by(MediaSource::Pilot)).await, read(of("D1")).await);
    assert_eq!(read(by(MediaSource::Import)).await, read(of("D0")).await);
    let hostile = fixture.catalogue.list_flights(fixture.workspace_id, &FlightFilter::default(), Some("AAAA"), 4).await;
    assert!(matches!(hostile, Err(CatalogueError::BadCursor)));
}

/// What a row says of itself, what a list is narrowed to and what is counted are the same.
#[tokio::test]
async fn lists_and_counts_agree_with_the_state_of_each() {
    let fixture = Fixture::new().await;
    let silence = Silence { now: at(1_030), after_s: 60 };
    // heard last at 1,000: one with nothing left, one with a file left, one that never said
    for (sn, remain_upload) in [("EMPTY", Some(0)), ("FULL", Some(1)), ("MUTE", None)] {
        fixture.catalogue.add_dock(&new_dock(fixture.workspace_id, sn)).await.expect("new");
        let live = DockLive { remain_upload, last_seen_at: Some(at(1_000)), ..DockLive::default() };
        fixture.catalogue.save_live(&[(sn.into(), live)]).await.expect("saved");
    }
    // announced, shots counted, stored, heard of at, by whom
    type Case = (Option<i64>, Option<i64>, usize, i64, &'static str);
    let cases: [Case; 15] = [
        (Some(2), None, 2, 100, "D0"),
        (Some(2), None, 1, 100, "D1"),
        (Some(2), None, 1, 1_000, "D0"),
        (None, None, 1, 100, "D1"),
        (None, None, 1, 1_000, "D0"),
        (None, None, 0, 100, "D1"),
        (None, Some(3), 1, 100, "D0"),
        (None, Some(0), 1, 100, "D1"),
        (Some(0), None, 0, 100, "D0"),
        (None, None, 1, 100, "EMPTY"),
        // the dock was not heard long enough after it
        (None, None, 1, 950, "EMPTY"),
        (None, None, 0, 100, "EMPTY"),
        (Some(2), None, 1, 100, "EMPTY"),
        (None, None, 1, 100, "FULL"),
        (None, None, 1, 100, "MUTE"),
    ];
    let complete = [0, 3, 7, 8, 9, 11];
    for (n, (expected, shots, stored, heard, gateway_sn)) in cases.into_iter().enumerate() {
        let facts = FlightFacts {
            workspace_id: fixture.workspace_id,
            flight_id: format!("f{n}"),
            gateway_sn: Some(gateway_sn.into()),
            expected_file_count: expected,
            media_count: shots,
            track_id: Some(format!("DJI_20260510{n:04}_001_Dach {n}")),
            ..FlightFacts::default()
        };
        let said = IngestReport { event: None, media: None, flight: Some(facts), jobs: vec![], now: at(heard) };
        fixture.catalogue.ingest(&[said]).await.expect("kept");
        for one in 0..stored {
            let mut photo = fixture.photo(&format!("p/{n}/{one}"));
            photo.flight_id = Some(format!("f{n}"));
            fixture.catalogue.ingest(&[IngestReport { now: at(heard), ..report(photo) }]).await.expect("kept");
        }
    }
    let list = async |filter: FlightFilter| {
        let page = fixture.catalogue.list_flights(fixture.workspace_id, &filter, None, 100).await.expect("read");
        page.items
    };
    let all = list(FlightFilter::default()).await;
    assert_eq!(all.len(), cases.len());
    let mut counted = FlightCounts::default();
    for state in [FlightState::Uploading, FlightState::Stalled, FlightState::Complete] {
        let wanted: Vec<_> = all
            .iter()
            .filter(|flight| flight.state(silence.now, silence.after_s) == state)
            .map(|one| &one.flight_id)
            .collect();
        let filter = FlightFilter { state: Some((state, silence)), ..FlightFilter::default() };
        let found = list(filter).await;
        assert_eq!(found.iter().map(|one| &one.flight_id).collect::<Vec<_>>(), wanted, "{state:?}");
        assert!(!wanted.is_empty(), "{state:?}");
        match state {
            FlightState::Uploading => counted.uploading = wanted.len() as i64,
            FlightState::Stalled => counted.stalled = wanted.len() as i64,
            FlightState::Complete => assert_eq!(wanted.len(), complete.len()),
        }
        for n in complete {
            assert_eq!(wanted.contains(&&format!("f{n}")), state == FlightState::Complete, "f{n}");
        }
    }
    // f2 waits for one more; f4 waits for nobody knows what
    (counted.uploading_gateways, counted.files_left) = (1, 1);
    let told = fixture.catalogue.count_flights(fixture.workspace_id, silence).await.expect("counted");
    assert_eq!(told, counted);
    let other = fixture.catalogue.count_flights(id(), silence).await.expect("counted");
    assert_eq!(other, FlightCounts::default());

    let named = list(FlightFilter { q: Some("dach 3".into()), ..FlightFilter::default() }).await;
    assert_eq!(named.iter().map(|one| one.flight_id.as_str()).collect::<Vec<_>>(), ["f3"]);
    assert_eq!(list(FlightFilter { q: Some("%".into()), ..FlightFilter::default() }).await.len(), 0);
}

#[tokio::test]
async fn flights_lie_in_the_order_in_which_they_were_flown() {
    let fixture = Fixture::new().await;
    // the older one was heard of last
    for (flight_id, flown, heard) in [("new", 5_000, 6_000), ("old", 1_000, 7_000)] {
        let mut photo = fixture.photo(&format!("p/{flight_id}"));
        (photo.flight_id, photo.captured_at) = (Some(flight_id.into()), Some(at(flown)));
        fixture.catalogue.ingest(&[IngestReport { now: at(heard), ..report(photo) }]).await.expect("kept");
    }
    let ids = async |from: Option<i64>, to: Option<i64>| {
        let filter = FlightFilter { from: from.map(at), to: to.map(at), ..FlightFilter::default() };
        let page = fixture.catalogue.list_flights(fixture.workspace_id, &filter, None, 10).await.expect("read");
        page.items.into_iter().map(|one| one.flight_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, None).await, ["new", "old"]);
    assert_eq!(ids(Some(1_000), Some(5_000)).await, ["old"]);
    assert_eq!(ids(Some(1_001), None).await, ["new"]);
}

#[tokio::test]
async fn a_flight_counts_the_files_that_a_person_should_know_of() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let photos: Vec<_> = (0..4).map(|n| fixture.photo(&format!("p/{n}"))).collect();
    let reports: Vec<_> = photos.iter().cloned().map(report).collect();
    catalogue.ingest(&reports).await.expect("kept");
    assert_eq!(flight(&fixture).await.troubled_count, 0);
    catalogue.set_media_status(photos[0].id, MediaStatus::Missing, at(300)).await.expect("set");
    let cut = Media { warnings: vec!["it ends too early".into()], ..photos[1].clone() };
    catalogue.save_understanding(&cut).await.expect("saved");
    let etag = photos[2].etag.clone().expect("stored photos have one");
    let unread = PictureFacts { etag, error: Some("no picture".into()), ..PictureFacts::default() };
    assert!(catalogue.save_picture(photos[2].id, &unread, at(301)).await.expect("saved"));
    assert_eq!(flight(&fixture).await.troubled_count, 3);
    let page = catalogue.list_flights(fixture.workspace_id, &FlightFilter::default(), None, 10).await.expect("read");
    assert_eq!(page.items[0].troubled_count, 3);
    // that nobody knows what a file is, is no fault of it; that it is empty is
    let words = "the file is not understood: its content is not one that is known";
    for (warnings, count) in [(vec![words], 3), (vec![words, "the file is empty"], 4)] {
        let warnings = warnings.into_iter().map(str::to_owned).collect();
        let unknown = Media { kind: eyrie_catalogue::MediaKind::Other, warnings, ..photos[3].clone() };
        catalogue.save_understanding(&unknown).await.expect("saved");
        assert_eq!(flight(&fixture).await.troubled_count, count);
    }
}

#[tokio::test]
async fn a_quarantined_file_says_nothing_of_a_flight() {
    let fixture = Fixture::new().await;
    let foreign = Media { status: MediaStatus::Quarantined, ..fixture.photo("p/a") };
    fixture.catalogue.ingest(&[report(foreign.clone())]).await.expect("kept");
    fixture.catalogue.save_understanding(&Media { captured_at: Some(at(1)), ..foreign.clone() }).await.expect("saved");
    assert!(fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").is_none());
    fixture.catalogue.set_media_status(foreign.id, MediaStatus::Stored, at(1)).await.expect("set");
    assert_eq!(flight(&fixture).await.stored_count, 1);
}
