//! The library: filters, order, pages.

use std::collections::HashSet;

use eyrie_catalogue::{
    CatalogueError, Media, MediaFilter, MediaGroup, MediaKind, MediaStatus, NO_GROUP, PictureFacts, Position,
};
use uuid::Uuid;

use crate::common::{Fixture, at, report, workspace};

async fn keep(fixture: &Fixture, media: impl IntoIterator<Item = Media>) {
    let reports: Vec<_> = media.into_iter().map(report).collect();
    fixture.catalogue.ingest(&reports).await.expect("kept");
}

async fn names(fixture: &Fixture, filter: &MediaFilter) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page =
            fixture.catalogue.list_media(fixture.workspace_id, filter, cursor.as_deref(), 3).await.expect("read");
        names.extend(page.items.into_iter().map(|media| media.name));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return names;
        }
    }
}

fn named(fixture: &Fixture, name: &str) -> Media {
    Media { name: name.to_owned(), ..fixture.photo(&format!("p/{}", Uuid::from_u128(crate::common::rand()))) }
}

#[tokio::test]
async fn newest_capture_comes_first_and_unknown_times_last() {
    let fixture = Fixture::new().await;
    let times = [Some(5), None, Some(1), Some(5), None, Some(9), Some(-3_000_000_000)];
    let media = times
        .iter()
        .enumerate()
        .map(|(n, time)| Media { captured_at: time.map(at), ..named(&fixture, &n.to_string()) });
    keep(&fixture, media).await;
    assert_eq!(names(&fixture, &MediaFilter::default()).await.join(" "), "5 3 0 2 6 4 1");
    let from = MediaFilter { from: Some(at(5)), ..MediaFilter::default() };
    assert_eq!(names(&fixture, &from).await.join(" "), "5 3 0");
    let to = MediaFilter { to: Some(at(5)), ..MediaFilter::default() };
    assert_eq!(names(&fixture, &to).await.join(" "), "2 6");
    let both = MediaFilter { from: Some(at(1)), to: Some(at(9)), ..MediaFilter::default() };
    assert_eq!(names(&fixture, &both).await.join(" "), "3 0 2");
}

#[tokio::test]
async fn conditions_hold_alone_and_together() {
    let fixture = Fixture::new().await;
    let plain = named(&fixture, "plain");
    let video = Media { kind: MediaKind::Video, ..named(&fixture, "video") };
    let dock2 = Media { gateway_sn: Some("DOCK2".into()), ..named(&fixture, "dock2") };
    let flight2 =
        Media { flight_id: Some("flight-2".into()), gateway_sn: Some("DOCK2".into()), ..named(&fixture, "flight2") };
    let missing = Media { status: MediaStatus::Missing, ..named(&fixture, "missing") };
    let foreign = Media { status: MediaStatus::Quarantined, ..named(&fixture, "foreign") };
    let trashed = Media { trashed_at: Some(at(300)), ..named(&fixture, "trashed") };
    keep(&fixture, [plain, video, dock2, flight2, missing, foreign, trashed]).await;
    let all = MediaFilter::default();
    let stored = MediaFilter { status: Some(MediaStatus::Stored), ..all.clone() };
    for (filter, expected) in [
        (all.clone(), "foreign missing flight2 dock2 video plain"),
        (stored.clone(), "flight2 dock2 video plain"),
        (MediaFilter { status: Some(MediaStatus::Missing), ..all.clone() }, "missing"),
        (
            MediaFilter { status: Some(MediaStatus::Quarantined), kinds: vec![MediaKind::Photo], ..all.clone() },
            "foreign",
        ),
        (MediaFilter { kinds: vec![MediaKind::Video], ..stored.clone() }, "video"),
        (MediaFilter { gateway_sn: Some("DOCK2".into()), ..stored.clone() }, "flight2 dock2"),
        (MediaFilter { flight_id: Some("flight-2".into()), ..stored.clone() }, "flight2"),
        (
            MediaFilter { flight_id: Some("flight-1".into()), gateway_sn: Some("DOCK2".into()), ..stored.clone() },
            "dock2",
        ),
        (MediaFilter { q: Some("D".into()), kinds: vec![MediaKind::Photo], ..stored.clone() }, "dock2"),
        (MediaFilter { trashed: true, ..all.clone() }, "trashed"),
        (MediaFilter { trashed: true, flight_id: Some("flight-1".into()), ..stored.clone() }, "trashed"),
        (MediaFilter { flight_id: Some("' OR 1=1 --".into()), ..stored }, ""),
    ] {
        assert_eq!(names(&fixture, &filter).await.join(" "), expected, "{filter:?}");
    }
    let counts = fixture.catalogue.count_media(fixture.workspace_id).await.expect("read");
    assert_eq!(counts, [(MediaStatus::Missing, 1), (MediaStatus::Quarantined, 1), (MediaStatus::Stored, 4)]);
}

#[tokio::test]
async fn q_is_plain_text_whatever_it_contains() {
    let fixture = Fixture::new().await;
    let odd = ["DJI_100%.JPG", "DJI_0001.jpg", "Häuser ÖST.jpg", "a'b\"c\\d.jpg", "写真.JPG"];
    keep(&fixture, odd.map(|name| named(&fixture, name))).await;
    for (q, expected) in [
        ("dji_", 2),
        ("100%", 1),
        ("%", 1),
        ("_", 2),
        ("JPG", 5),
        ("ÖST", 1),
        ("öst", 1),
        ("HÄUSER", 1),
        ("'b\"C\\", 1),
        ("写", 1),
        ("", 5),
        ("*", 0),
        ("' OR ''='", 0),
        ("\0", 0),
    ] {
        let filter = MediaFilter { q: Some(q.into()), ..MediaFilter::default() };
        assert_eq!(names(&fixture, &filter).await.len(), expected, "{q:?}");
    }
    let long = MediaFilter { q: Some("%".repeat(1_000_000)), ..MediaFilter::default() };
    assert!(names(&fixture, &long).await.is_empty());
}

#[tokio::test]
async fn a_box_finds_what_lies_inside() {
    let fixture = Fixture::new().await;
    let place = |lat, lng| Some(Position { lat, lng, absolute_altitude_m: None, relative_altitude_m: None });
    let places = [
        ("berlin", place(52.52, 13.405)),
        ("fiji-east", place(-17.0, 179.9)),
        ("fiji-west", place(-17.0, -179.9)),
        ("pole", place(90.0, 0.0)),
        ("nowhere", None),
        ("no place", place(f64::NAN, 0.0)),
        ("off the globe", place(91.0, 0.0)),
    ];
    keep(&fixture, places.map(|(name, position)| Media { position, ..named(&fixture, name) })).await;
    for (bbox, expected) in [
        ([13.0, 52.0, 14.0, 53.0], "berlin"),
        ([13.405, 52.52, 13.405, 52.52], "berlin"),
        ([13.405_000_001, 52.52, 14.0, 53.0], ""),
        ([179.0, -18.0, -179.0, -16.0], "fiji-west fiji-east"),
        ([-179.0, -18.0, 179.0, -16.0], ""),
        ([-180.0, -90.0, 180.0, 90.0], "pole fiji-west fiji-east berlin"),
        ([14.0, 53.0, 13.0, 52.0], ""),
        ([f64::NAN, -90.0, 180.0, 90.0], ""),
        ([f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY], "pole fiji-west fiji-east berlin"),
    ] {
        let filter = MediaFilter { bbox: Some(bbox), status: Some(MediaStatus::Stored), ..MediaFilter::default() };
        assert_eq!(names(&fixture, &filter).await.join(" "), expected, "{bbox:?}");
    }
    // what a reader finds moves the place
    let filter = MediaFilter { bbox: Some([0.0, 0.0, 1.0, 1.0]), ..MediaFilter::default() };
    let page =
        fixture.catalogue.list_media(fixture.workspace_id, &MediaFilter::default(), None, 100).await.expect("read");
    let mut nowhere = page.items.into_iter().find(|media| media.name == "nowhere").expect("there");
    nowhere.position = place(0.5, 0.5);
    fixture.catalogue.save_understanding(&nowhere).await.expect("saved");
    assert_eq!(names(&fixture, &filter).await.join(" "), "nowhere");
    nowhere.position = None;
    fixture.catalogue.save_understanding(&nowhere).await.expect("saved");
    assert_eq!(names(&fixture, &filter).await.join(" "), "");
}

#[tokio::test]
async fn a_crowded_box_gives_the_same_pages_as_an_empty_one() {
    let fixture = Fixture::new().await;
    let all: Vec<_> =
        (0..4_200_i64).map(|n| Media { captured_at: Some(at(n)), ..named(&fixture, &n.to_string()) }).collect();
    keep(&fixture, all).await;
    let filter = MediaFilter { bbox: Some([12.0, 51.0, 14.0, 53.0]), ..MediaFilter::default() };
    let page = fixture.catalogue.list_media(fixture.workspace_id, &filter, None, 1_000).await.expect("read");
    assert_eq!((page.items.len(), page.items[0].name.as_str()), (1_000, "4199"));
    let next = fixture
        .catalogue
        .list_media(fixture.workspace_id, &filter, page.next_cursor.as_deref(), 5)
        .await
        .expect("read");
    assert_eq!(next.items[0].name, "3199");
}

#[tokio::test]
async fn pages_meet_while_rows_come_in() {
    let fixture = Fixture::new().await;
    let old: Vec<_> =
        (0..50_i64).map(|n| Media { captured_at: Some(at(n / 5)), ..named(&fixture, &n.to_string()) }).collect();
    let wanted: HashSet<_> = old.iter().map(|media| media.id).collect();
    keep(&fixture, old).await;
    let (mut seen, mut cursor) = (HashSet::new(), None::<String>);
    for n in 0_i64.. {
        let page = fixture
            .catalogue
            .list_media(fixture.workspace_id, &MediaFilter::default(), cursor.as_deref(), 7)
            .await
            .expect("read");
        for media in page.items {
            assert!(seen.insert(media.id), "shown twice");
        }
        keep(&fixture, [20, -1, n].map(|s| Media { captured_at: Some(at(s)), ..named(&fixture, "new") })).await;
        cursor = page.next_cursor;
        if cursor.is_none() || n > 100 {
            break;
        }
    }
    assert!(seen.is_superset(&wanted), "none is passed over");
}

#[tokio::test]
async fn a_workspace_sees_only_itself() {
    let fixture = Fixture::new().await;
    let other = workspace("other");
    fixture.catalogue.add_workspace(&other).await.expect("new");
    let theirs = Media { workspace_id: other.id, ..named(&fixture, "theirs") };
    let ours = Media { object_key: theirs.object_key.clone(), ..named(&fixture, "ours") };
    keep(&fixture, [theirs.clone(), ours.clone()]).await;
    for filter in
        [MediaFilter::default(), MediaFilter { bbox: Some([-180.0, -90.0, 180.0, 90.0]), ..MediaFilter::default() }]
    {
        assert_eq!(names(&fixture, &filter).await.join(" "), "ours");
    }
    let page = fixture.catalogue.list_media(other.id, &MediaFilter::default(), None, 1).await.expect("read");
    assert_eq!((page.items.len(), page.next_cursor), (1, None));
    assert!(fixture.catalogue.media(fixture.workspace_id, theirs.id).await.expect("read").is_none());
    assert!(fixture.catalogue.media(other.id, theirs.id).await.expect("read").is_some());
    let by_key = fixture.catalogue.media_by_key(other.id, &theirs.object_key).await.expect("read").expect("there");
    assert_eq!(by_key.id, theirs.id);
}

#[tokio::test]
async fn keys_come_in_the_order_of_bytes() {
    let fixture = Fixture::new().await;
    let mut keys = ["a/Z", "a/a", "B", "ä", "a", "z\u{10ffff}", "%", "a/0"].map(str::to_owned);
    keep(&fixture, keys.iter().map(|key| fixture.photo(key))).await;
    keep(&fixture, [Media { status: MediaStatus::Quarantined, ..fixture.photo("quarantined") }]).await;
    keys.sort();
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = fixture.catalogue.media_keys("bucket-default", after.as_deref(), 3).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.1.clone());
        seen.extend(page.into_iter().map(|(_, key, _)| key));
    }
    assert_eq!(seen, keys);
}

#[tokio::test]
async fn a_quarantined_row_cannot_become_a_second_listed_one() {
    let fixture = Fixture::new().await;
    let listed = fixture.photo("p/a");
    let foreign = Media { status: MediaStatus::Quarantined, ..fixture.photo("p/a") };
    keep(&fixture, [listed, foreign.clone()]).await;
    let refused = fixture.catalogue.set_media_status(foreign.id, MediaStatus::Stored, at(1)).await;
    assert!(matches!(refused, Err(CatalogueError::Exists { .. })));
    let unknown = fixture.catalogue.set_media_status(Uuid::nil(), MediaStatus::Stored, at(1)).await;
    assert!(matches!(unknown, Err(CatalogueError::NotFound { .. })));
    assert!(matches!(
        fixture.catalogue.save_understanding(&fixture.photo("x")).await,
        Err(CatalogueError::NotFound { .. })
    ));
}

#[tokio::test]
async fn counts_say_how_many_files_a_filter_finds_and_when() {
    let fixture = Fixture::new().await;
    let media = |name: &str, time: Option<i64>, kind| Media {
        captured_at: time.map(at),
        kind,
        size_bytes: Some(10),
        ..named(&fixture, name)
    };
    let video = MediaKind::Video;
    let files =
        [("a", Some(6_399), video), ("b", Some(2_800), MediaKind::Photo), ("c", Some(-801), video), ("d", None, video)];
    let flown = |name| ["b", "c"].contains(&name).then(|| "flight-a".to_owned());
    keep(&fixture, files.map(|(name, time, kind)| Media { flight_id: flown(name), ..media(name, time, kind) })).await;

    let all = MediaFilter { status: Some(MediaStatus::Stored), ..MediaFilter::default() };
    let counts = async |filter: &MediaFilter| {
        fixture.catalogue.count_media_over_time(fixture.workspace_id, filter, 3_600, None).await.expect("counted")
    };
    let found = counts(&all).await;
    assert_eq!((found.total, found.undated, found.size_bytes), (4, 1, 40));
    // `at` counts from 800 s after a full hour
    let slots: Vec<_> = found.slots.iter().map(|slot| (slot.at.as_second(), slot.count)).collect();
    assert_eq!(slots, [(1_790_002_800, 2), (1_789_995_600, 1)]);
    let mut kinds = found.kinds;
    kinds.sort_by_key(|(kind, _)| kind.as_str());
    assert_eq!(kinds, [(MediaKind::Photo, 1), (MediaKind::Video, 3)]);

    let pictures = MediaFilter { kinds: vec![MediaKind::Photo, MediaKind::Panorama], ..all.clone() };
    assert_eq!((counts(&pictures).await.total, names(&fixture, &pictures).await), (1, vec!["b".to_owned()]));
    // each flight by itself, and the files of none
    let by_flight = fixture
        .catalogue
        .count_media_over_time(fixture.workspace_id, &all, 3_600, Some(MediaGroup::FlightId))
        .await
        .expect("counted");
    let slots: Vec<_> = by_flight.slots.iter().map(|slot| (slot.group.as_deref(), slot.count)).collect();
    assert_eq!(slots, [(None, 1), (Some("flight-a"), 1), (Some("flight-a"), 1)]);
    let none = MediaFilter { flight_id: Some(NO_GROUP.into()), ..all.clone() };
    assert_eq!(names(&fixture, &none).await, ["a", "d"]);
    let undated = MediaFilter { undated: true, ..all };
    assert_eq!((counts(&undated).await.total, names(&fixture, &undated).await), (1, vec!["d".to_owned()]));
}

/// What was made of other bytes says nothing of these.
#[tokio::test]
async fn a_picture_belongs_to_the_bytes_it_was_made_of() {
    let fixture = Fixture::new().await;
    let photo = named(&fixture, "photo");
    keep(&fixture, [photo.clone()]).await;
    let read = async || fixture.catalogue.media_by_id(photo.id).await.expect("read").expect("the row");
    assert_eq!(read().await.picture, None);
    let facts = PictureFacts {
        etag: "etag".into(),
        width_px: Some(4_000),
        height_px: Some(3_000),
        thumbhash: Some("hash".into()),
        average_color: Some("#102030".into()),
        error: None,
    };
    let of_others = PictureFacts { etag: "other".into(), ..facts.clone() };
    assert!(!fixture.catalogue.save_picture(photo.id, &of_others, at(5)).await.expect("asked"));
    assert_eq!(read().await.picture, None);
    assert!(fixture.catalogue.save_picture(photo.id, &facts, at(6)).await.expect("saved"));
    assert_eq!((read().await.picture, read().await.updated_at), (Some(facts.clone()), at(6)));
    // a reader's findings leave it alone, an overwritten object does not keep it
    fixture.catalogue.save_understanding(&Media { warnings: vec!["odd".into()], ..read().await }).await.expect("saved");
    assert_eq!(read().await.picture, Some(facts));
    keep(&fixture, [Media { etag: Some("new".into()), ..photo.clone() }]).await;
    assert_eq!(read().await.picture, None);
}
