//! Flights and what they know of their media.

use eyrie_catalogue::{
    AuditEntry, CatalogueError, Flight, FlightFacts, FlightFilter, FlightState, IngestReport, Media, MediaSource,
    MediaStatus, NewController, Position,
};
use serde_json::json;

use crate::common::{Fixture, at, id, report};

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
    assert_eq!(flight.state(at(210), 60, true), FlightState::Uploading);
    assert_eq!(flight.state(at(260), 60, true), FlightState::Stalled);
    assert_eq!(flight.state(at(210), 60, false), FlightState::Uploading);
    assert_eq!(flight.state(at(260), 60, false), FlightState::Complete, "nobody counts a crew's own shots");
    flight.media_count = Some(0);
    assert_eq!(flight.state(at(210), 60, true), FlightState::Uploading);
    flight.media_count = Some(2);
    assert_eq!(flight.state(at(9_999), 60, true), FlightState::Complete);
    flight.expected_file_count = Some(3);
    assert_eq!(flight.state(at(9_999), 60, false), FlightState::Stalled, "somebody counted these");
    assert_eq!(flight.state(at(210), 60, true), FlightState::Uploading);
    flight.trashed_count = 1;
    assert_eq!(flight.state(at(210), 60, true), FlightState::Complete);
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
    let read = async |filter: FlightFilter<'_>| {
        let (mut ids, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let page =
                fixture.catalogue.list_flights(fixture.workspace_id, filter, cursor.as_deref(), 4).await.expect("read");
            ids.extend(page.items.into_iter().map(|flight| flight.flight_id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return ids;
            }
        }
    };
    let all: Vec<_> = (0..25).rev().map(|n| format!("f{n}")).collect();
    assert_eq!(read(FlightFilter::default()).await, all);
    let of = |sn| FlightFilter { gateway_sn: Some(sn), source: None };
    assert_eq!(read(of("D1")).await.len(), 12);
    assert!(read(of("D9")).await.is_empty());
    let by = |source| FlightFilter { gateway_sn: None, source: Some(source) };
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
    let hostile = fixture.catalogue.list_flights(fixture.workspace_id, FlightFilter::default(), Some("AAAA"), 4).await;
    assert!(matches!(hostile, Err(CatalogueError::BadCursor)));
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
