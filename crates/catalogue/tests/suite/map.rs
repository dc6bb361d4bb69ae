//! Maps: counted cells, single files, selections; the ground that files show.

use eyrie_catalogue::{
    AuditEntry, Footprint, FootprintPiece, MapCells, Media, MediaFilter, MediaGroup, MediaKind, MediaStatus, NO_GROUP,
    Position,
};
use uuid::Uuid;

use crate::common::{Fixture, at, report, workspace};

const WORLD: [f64; 4] = [-180.0, -85.0, 180.0, 85.0];

fn stored() -> MediaFilter {
    MediaFilter { status: Some(MediaStatus::Stored), ..MediaFilter::default() }
}

fn placed(fixture: &Fixture, key: &str, lng: f64, lat: f64) -> Media {
    let position = Position { lat, lng, absolute_altitude_m: Some(lat), relative_altitude_m: Some(lng) };
    Media { position: Some(position), ..fixture.photo(key) }
}

async fn keep(fixture: &Fixture, media: &[Media]) {
    let reports: Vec<_> = media.iter().cloned().map(report).collect();
    fixture.catalogue.ingest(&reports).await.expect("kept");
}

async fn cells(fixture: &Fixture, filter: &MediaFilter, view: [f64; 4], level: u32) -> Option<MapCells> {
    fixture.catalogue.map_cells(fixture.workspace_id, filter, view, level).await.expect("read")
}

fn count(found: &MapCells) -> i64 {
    found.cells.iter().map(|cell| cell.count).sum()
}

/// Two sites of 60 files each, 300 km apart, and one file alone over the antimeridian's edge.
async fn sites(fixture: &Fixture) -> Vec<Media> {
    let at_site = |n: i32, lng: f64, lat: f64| {
        let media = placed(fixture, &format!("s{lng}/{n}"), lng + f64::from(n) * 1e-5, lat);
        let kind = if n % 3 == 0 { MediaKind::Video } else { MediaKind::Photo };
        Media { kind, gateway_sn: Some(format!("DOCK{}", n % 2)), captured_at: Some(at(n.into())), ..media }
    };
    let mut all: Vec<Media> = (0..60).flat_map(|n| [at_site(n, 13.0, 52.0), at_site(n, 9.0, 52.0)]).collect();
    all.push(placed(fixture, "alone", 180.0, -16.5));
    keep(fixture, &all).await;
    all
}

#[tokio::test]
async fn cells_count_every_file_once_at_every_scale() {
    let fixture = Fixture::new().await;
    let all = sites(&fixture).await;
    for level in [3, 4, 8, 11, 16, 20] {
        let found = cells(&fixture, &stored(), WORLD, level).await.expect("counted");
        assert!(found.whole && count(&found) == all.len() as i64, "level {level}: {}", count(&found));
    }
    let wide = cells(&fixture, &stored(), WORLD, 4).await.expect("counted");
    let heaps: Vec<_> = wide.cells.iter().filter(|cell| cell.count > 1).collect();
    assert_eq!(heaps.len(), 2, "both sites lie in one cell, which has two kinds: {heaps:?}");
    let photos = heaps.iter().find(|cell| cell.kind == MediaKind::Photo).expect("photos");
    assert!(photos.count == 80 && (photos.lng - 11.0).abs() < 0.01 && (photos.lat - 52.0).abs() < 1e-6, "{photos:?}");
    let alone = wide.cells.iter().find(|cell| cell.count == 1).expect("the one alone");
    assert!((alone.lng - 180.0).abs() < 1e-6 && alone.bounds[0] == alone.lng, "{alone:?}");

    // the parts of a view have what the whole has, though cells lie across their border
    let (left, right) = ([8.0, 51.0, 13.0003, 53.0], [13.0003, 51.0, 14.0, 53.0]);
    let inside = |found: MapCells, [west, _, east, _]: [f64; 4]| {
        found.cells.iter().filter(|cell| (west..east).contains(&cell.lng)).map(|cell| cell.count).sum::<i64>()
    };
    for level in [8, 14, 20] {
        let left_count = inside(cells(&fixture, &stored(), left, level).await.expect("counted"), left);
        let right_count = inside(cells(&fixture, &stored(), right, level).await.expect("counted"), right);
        assert_eq!(left_count + right_count, 120, "level {level}");
    }
    for (filter, expected) in [
        (MediaFilter { kinds: vec![MediaKind::Video], ..stored() }, 40),
        (MediaFilter { gateway_sn: Some("DOCK1".into()), ..stored() }, 61),
        (MediaFilter { gateway_sn: Some("DOCK1".into()), kinds: vec![MediaKind::Video], ..stored() }, 20),
    ] {
        assert_eq!(count(&cells(&fixture, &filter, WORLD, 4).await.expect("counted")), expected, "{filter:?}");
    }
}

#[tokio::test]
async fn cells_follow_every_change() {
    let fixture = Fixture::new().await;
    let all = sites(&fixture).await;
    let catalogue = &fixture.catalogue;
    let total = async |filter: MediaFilter| count(&cells(&fixture, &filter, WORLD, 8).await.expect("counted"));
    let mut version = catalogue.map_version(fixture.workspace_id).await.expect("read");
    assert!(version > 0);
    let mut changed = async || {
        let now = catalogue.map_version(fixture.workspace_id).await.expect("read");
        std::mem::replace(&mut version, now) < now
    };
    let entry = AuditEntry {
        id: crate::common::id(),
        workspace_id: Some(fixture.workspace_id),
        at: at(900),
        actor: "admin".into(),
        action: "media.trash".into(),
        subject: String::new(),
        detail: serde_json::json!({}),
    };
    catalogue.set_media_trashed(all[0].id, Some(at(900)), &entry).await.expect("trashed");
    assert!(changed().await && total(stored()).await == 120);
    catalogue.set_media_status(all[1].id, MediaStatus::Missing, at(901)).await.expect("missing");
    assert!(changed().await && total(stored()).await == 119);
    // the newest of a heap left: the heap stays, without a face until one is looked for
    let newest = all.iter().rposition(|media| media.kind == MediaKind::Video).expect("a video");
    let moved = Media { position: None, updated_at: at(902), ..all[newest].clone() };
    catalogue.save_understanding(&moved).await.expect("saved");
    assert!(changed().await && total(stored()).await == 118);
    let moved = Media { kind: MediaKind::Thermal, updated_at: at(903), ..all[3].clone() };
    catalogue.save_understanding(&moved).await.expect("saved");
    assert_eq!(total(MediaFilter { kinds: vec![MediaKind::Thermal], ..stored() }).await, 1);
    let entry = AuditEntry { id: crate::common::id(), ..entry };
    catalogue.set_media_trashed(all[0].id, None, &entry).await.expect("restored");
    assert_eq!(total(stored()).await, 119);
    assert!(changed().await && !changed().await);
}

#[tokio::test]
async fn other_filters_find_the_same_files_as_the_list() {
    let fixture = Fixture::new().await;
    sites(&fixture).await;
    for filter in [
        MediaFilter { q: Some("5".into()), ..stored() },
        MediaFilter { from: Some(at(10)), to: Some(at(20)), ..stored() },
        MediaFilter { relative_altitude_m: [Some(12.9), Some(13.0002)], ..stored() },
        MediaFilter { absolute_altitude_m: [Some(50.0), None], kinds: vec![MediaKind::Video], ..stored() },
        MediaFilter { absolute_altitude_m: [None, Some(0.0)], ..stored() },
        MediaFilter { drone_model_key: Some("0-67-0".into()), ..stored() },
        MediaFilter { aircraft_sn: Some("1581F".into()), ..stored() },
        MediaFilter { bbox: Some([9.0, 51.9, 9.0003, 52.1]), ..stored() },
        MediaFilter { bbox: Some([170.0, -17.0, -170.0, -16.0]), ..stored() },
        MediaFilter { flight_id: Some("flight-1".into()), bbox: Some([12.0, 51.0, 14.0, 53.0]), ..stored() },
    ] {
        let listed = fixture.catalogue.list_media(fixture.workspace_id, &filter, None, 1_000).await.expect("read");
        let shown = cells(&fixture, &filter, WORLD, 8).await.expect("few");
        assert_eq!(count(&shown), listed.items.len() as i64, "{filter:?}");
        let selected = fixture.catalogue.map_selection(fixture.workspace_id, &filter).await.expect("read");
        assert!(selected.whole && count(&selected) == listed.items.len() as i64, "{filter:?}");
    }
    let other = workspace("other");
    fixture.catalogue.add_workspace(&other).await.expect("made");
    let found = fixture.catalogue.map_cells(other.id, &stored(), WORLD, 8).await.expect("read");
    assert_eq!(found.map(|found| found.cells), Some(Vec::new()));
}

/// What was counted with each write is what a walk over the rows finds.
#[tokio::test]
async fn counted_quarters_are_those_of_the_rows() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let mut all: Vec<Media> = (0..200)
        .map(|n| {
            let kind = MediaKind::ALL[n as usize % 3];
            let captured_at = (n % 9 != 0).then(|| at((n - 100) * 3_600 * 700 + n));
            let gateway_sn = (n % 4 != 0).then(|| format!("DOCK{}", n % 2));
            Media { kind, captured_at, gateway_sn, size_bytes: Some(n), ..fixture.photo(&format!("q/{n}")) }
        })
        .collect();
    keep(&fixture, &all).await;
    for media in all.iter_mut().step_by(7) {
        (media.captured_at, media.kind, media.updated_at) = (Some(at(-5)), MediaKind::Thermal, at(600));
        catalogue.save_understanding(media).await.expect("saved");
    }
    for media in all.iter().step_by(11) {
        catalogue.set_media_status(media.id, MediaStatus::Missing, at(700)).await.expect("set");
    }
    let quarter = |s: i64| jiff::Timestamp::from_second(1_789_999_200 + s * 900).expect("in range");
    for filter in [
        stored(),
        MediaFilter { kinds: vec![MediaKind::Photo, MediaKind::Thermal], ..stored() },
        MediaFilter { gateway_sn: Some("DOCK1".into()), ..stored() },
        MediaFilter { gateway_sn: Some(NO_GROUP.into()), ..stored() },
        MediaFilter { from: Some(quarter(-90_000)), to: Some(quarter(7)), ..stored() },
        MediaFilter { to: Some(quarter(0)), ..stored() },
        MediaFilter { undated: true, ..stored() },
    ] {
        for (step_s, by) in [(900, None), (3_600, Some(MediaGroup::GatewaySn)), (86_400, None)] {
            let counted =
                catalogue.count_media_over_time(fixture.workspace_id, &filter, step_s, by).await.expect("counted");
            // every row has this model: the same files, found by a walk
            let walked = MediaFilter { drone_model_key: Some("0-67-0".into()), ..filter.clone() };
            let mut walked =
                catalogue.count_media_over_time(fixture.workspace_id, &walked, step_s, by).await.expect("counted");
            let mut counted = counted;
            counted.kinds.sort_by_key(|(kind, _)| kind.as_str());
            walked.kinds.sort_by_key(|(kind, _)| kind.as_str());
            assert_eq!(counted, walked, "{filter:?} {step_s}");
            assert!(counted.total > 0, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn storage_is_counted_by_month_and_dock() {
    let fixture = Fixture::new().await;
    // 2026-09-21, 2026-10-02, and unknown
    let files = [("a", Some(0), "DOCK1", 10), ("b", Some(86_400), "DOCK1", 20), ("c", Some(11 * 86_400), "DOCK2", 5)];
    let files = files.into_iter().chain([("d", None, "DOCK2", 7), ("e", Some(60), "DOCK2", 100)]);
    let media = files.map(|(key, time, sn, size_bytes)| Media {
        captured_at: time.map(at),
        gateway_sn: Some(sn.into()),
        size_bytes: Some(size_bytes),
        ..fixture.photo(key)
    });
    let media: Vec<Media> = media.collect();
    keep(&fixture, &media).await;
    let entry = AuditEntry {
        id: Uuid::from_u128(77),
        workspace_id: Some(fixture.workspace_id),
        at: at(700),
        actor: "user:test".into(),
        action: "media.trash".into(),
        subject: String::new(),
        detail: serde_json::Value::Null,
    };
    fixture.catalogue.set_media_trashed(media[4].id, Some(at(700)), &entry).await.expect("trashed");
    let uses = fixture.catalogue.storage_use(fixture.workspace_id).await.expect("counted");
    let told: Vec<_> =
        uses.iter().map(|one| (one.month.as_deref(), one.gateway_sn.as_deref(), one.count, one.size_bytes)).collect();
    assert_eq!(
        told,
        [(Some("2026-10"), Some("DOCK2"), 1, 5), (Some("2026-09"), Some("DOCK1"), 2, 30), (None, Some("DOCK2"), 1, 7),]
    );
    assert_eq!(fixture.catalogue.trash_use(fixture.workspace_id).await.expect("counted"), (1, 100));
}

#[tokio::test]
async fn heads_are_of_one_workspace() {
    let fixture = Fixture::new().await;
    sites(&fixture).await;
    let found = cells(&fixture, &stored(), [12.9, 51.9, 13.1, 52.1], 21).await.expect("few");
    let nums: Vec<i64> = found.cells.iter().filter_map(|cell| cell.num).collect();
    assert_eq!(nums.len(), 60);
    let heads = fixture.catalogue.map_heads(fixture.workspace_id, &nums).await.expect("read");
    assert!(heads.len() == 60 && heads.iter().all(|head| head.gimbal_yaw_deg == Some(-90.0)));
    assert_eq!(fixture.catalogue.map_heads(Uuid::nil(), &nums).await.expect("read"), []);
}

fn ground(from_s: Option<f64>, [west, south, east, north]: [f64; 4]) -> Footprint {
    let piece = FootprintPiece { from_s, to_s: from_s.map(|from_s| from_s + 9.0), views: vec![7; 26] };
    Footprint { bbox: [west, south, east, north], piece }
}

#[tokio::test]
async fn who_perhaps_saw_a_place_newest_first() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let all: Vec<Media> =
        (0..7).map(|n| Media { captured_at: Some(at(n)), ..placed(&fixture, &format!("p/{n}"), 13.0, 52.0) }).collect();
    keep(&fixture, &all).await;
    let here = [12.999, 51.999, 13.001, 52.001];
    for media in &all[..6] {
        let saved = catalogue.save_footprints(media.id, media.etag.as_deref(), &[ground(None, here)], at(500)).await;
        assert!(saved.expect("saved"));
    }
    let pieces = [ground(Some(0.0), here), ground(Some(10.0), [14.0, 51.0, 15.0, 52.0]), ground(Some(20.0), here)];
    catalogue.save_understanding_and(&all[6], Some(&pieces)).await.expect("saved");
    let old = catalogue.save_footprints(all[6].id, Some("other bytes"), &[], at(501)).await.expect("asked");
    assert!(!old, "the ground of bytes that are gone says nothing");

    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = catalogue.sights(fixture.workspace_id, &stored(), [13.0, 52.0], cursor.as_deref(), 3).await;
        let page = page.expect("read");
        found.extend(page.items.into_iter().map(|sight| (sight.media.id, sight.pieces.len())));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> =
        all.iter().rev().map(|media| (media.id, if media.id == all[6].id { 2 } else { 1 })).collect();
    assert_eq!(found, expected);
    let elsewhere = catalogue.sights(fixture.workspace_id, &stored(), [13.1, 52.0], None, 3).await.expect("read");
    assert!(elsewhere.items.is_empty());
    assert!(catalogue.sights(Uuid::nil(), &stored(), [13.0, 52.0], None, 3).await.expect("read").items.is_empty());
    let shown = catalogue.footprints_in(fixture.workspace_id, &stored(), [12.0, 51.0, 13.0, 52.0], 4).await;
    assert_eq!(shown.expect("read").len(), 4);
    assert_eq!(catalogue.footprints_of(fixture.workspace_id, all[6].id).await.expect("read").len(), 3);
    assert_eq!(catalogue.footprints_of(Uuid::nil(), all[6].id).await.expect("read"), []);
    let of_flight = MediaFilter { flight_id: Some("flight-1".into()), ..stored() };
    let of_flight = catalogue.footprints_of_selection(fixture.workspace_id, &of_flight, 2).await.expect("read");
    assert_eq!(of_flight.len(), 4, "the newest two are a video of three pieces and a photo");
    catalogue.save_footprints(all[6].id, Some("etag"), &[], at(502)).await.expect("saved");
    assert_eq!(catalogue.footprints_of(fixture.workspace_id, all[6].id).await.expect("read"), []);
}

#[tokio::test]
async fn ground_over_the_antimeridian_is_found_from_both_sides() {
    let fixture = Fixture::new().await;
    let media = placed(&fixture, "edge", 179.999, -16.5);
    keep(&fixture, std::slice::from_ref(&media)).await;
    let over = ground(None, [179.998, -16.501, 180.002, -16.499]);
    fixture.catalogue.save_footprints(media.id, Some("etag"), &[over], at(1)).await.expect("saved");
    for (lng, seen) in [(179.999, 1), (-179.999, 1), (180.0, 1), (-180.0, 1), (-179.9, 0), (0.0, 0)] {
        let page = fixture.catalogue.sights(fixture.workspace_id, &stored(), [lng, -16.5], None, 9).await;
        assert_eq!(page.expect("read").items.len(), seen, "{lng}");
    }
}
