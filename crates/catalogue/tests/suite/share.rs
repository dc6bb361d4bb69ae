//! Albums and share links.

use eyrie_catalogue::{Album, AuditEntry, CatalogueError, Chosen, MediaFilter, Share, ShareVisit, Shared};
use serde_json::json;
use uuid::Uuid;

use crate::common::{Fixture, at, id, report};

fn entry(workspace_id: Uuid) -> AuditEntry {
    AuditEntry {
        id: id(),
        workspace_id: Some(workspace_id),
        at: at(5),
        actor: "test".into(),
        action: "album.create".into(),
        subject: "x".into(),
        detail: json!({}),
    }
}

fn album(workspace_id: Uuid, second: i64) -> Album {
    Album {
        id: id(),
        workspace_id,
        name: "Roofs".into(),
        description: String::new(),
        media_count: 0,
        cover_media_id: None,
        created_at: at(second),
        updated_at: at(second),
    }
}

fn share(workspace_id: Uuid, slug: &str, shared: Shared) -> Share {
    Share {
        id: id(),
        workspace_id,
        slug: slug.into(),
        title: "Roofs".into(),
        shared,
        password_hash: None,
        download: false,
        hide_position: true,
        hide_metadata: false,
        view_count: 0,
        created_by: "test".into(),
        created_at: at(1),
        expires_at: Some(at(100)),
        revoked_at: None,
    }
}

#[tokio::test]
async fn an_albums_pages_meet_without_gap_or_overlap() {
    let f = Fixture::new().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        let mut photo = f.photo(&format!("a/{n}.jpg"));
        photo.captured_at = Some(at(n));
        ids.push(f.catalogue.ingest(&[report(photo)]).await.unwrap()[0].media_id.unwrap());
    }
    let albums: Vec<_> = (0..3).map(|n| album(f.workspace_id, n)).collect();
    for album in &albums {
        f.catalogue.add_album(album, &entry(f.workspace_id)).await.unwrap();
    }
    let added = f.catalogue.add_to_album(f.workspace_id, albums[0].id, &ids[..5], at(9)).await.unwrap();
    assert_eq!(added, Some(5));
    let filter = MediaFilter { chosen: Some(Chosen::Album(albums[0].id)), ..MediaFilter::default() };
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = f.catalogue.list_media(f.workspace_id, &filter, cursor.as_deref(), 2).await.unwrap();
        seen.extend(page.items.iter().map(|media| media.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids[..5].iter().rev().copied().collect::<Vec<_>>(), "the newest first");
    assert_eq!(f.catalogue.count_media_over_time(f.workspace_id, &filter, 900, None).await.unwrap().total, 5);

    let first = f.catalogue.list_albums(f.workspace_id, None, 2).await.unwrap();
    let rest = f.catalogue.list_albums(f.workspace_id, first.next_cursor.as_deref(), 2).await.unwrap();
    let listed: Vec<_> = first.items.iter().chain(&rest.items).map(|album| album.id).collect();
    assert_eq!(listed, albums.iter().rev().map(|album| album.id).collect::<Vec<_>>());
    assert_eq!((rest.items[0].media_count, rest.items[0].cover_media_id), (5, Some(ids[4])));
    f.catalogue.set_media_trashed(ids[4], Some(at(10)), &entry(f.workspace_id)).await.unwrap();
    let shown = f.catalogue.album(f.workspace_id, albums[0].id).await.unwrap().unwrap();
    assert_eq!((shown.media_count, shown.cover_media_id), (4, Some(ids[3])), "the trash does not count");
}

#[tokio::test]
async fn a_share_ends_with_its_album_and_keeps_the_last_visits() {
    let f = Fixture::new().await;
    let album = album(f.workspace_id, 1);
    f.catalogue.add_album(&album, &entry(f.workspace_id)).await.unwrap();
    let share = share(f.workspace_id, "roofs", Shared::Album(album.id));
    f.catalogue.add_share(&share, &[], &entry(f.workspace_id)).await.unwrap();
    let taken = self::share(f.workspace_id, "roofs", Shared::Selection);
    let refused = f.catalogue.add_share(&taken, &[], &entry(f.workspace_id)).await;
    assert!(matches!(refused, Err(CatalogueError::Exists { .. })), "{refused:?}");
    for n in 0..3 {
        let visit = ShareVisit {
            id: id(),
            share_id: share.id,
            at: at(n),
            address: Some("192.0.2.1".into()),
            what: "open".into(),
            media_id: None,
        };
        f.catalogue.add_share_visit(&visit, n > 0, None).await.unwrap();
    }
    let known = f.catalogue.share_by_slug("roofs").await.unwrap().unwrap();
    assert_eq!((known.view_count, known.shared.clone()), (2, Shared::Album(album.id)));
    assert!(known.is_open(at(99)) && !known.is_open(at(100)));
    let visits = f.catalogue.list_share_visits(share.id, None, 2).await.unwrap();
    assert_eq!(visits.items.iter().map(|visit| visit.at).collect::<Vec<_>>(), [at(2), at(1)]);
    let rest = f.catalogue.list_share_visits(share.id, visits.next_cursor.as_deref(), 2).await.unwrap();
    assert_eq!(rest.items.len(), 1);

    f.catalogue.unlock_share(share.id, &[7; 32], at(1), at(50)).await.unwrap();
    assert!(f.catalogue.is_share_unlocked(share.id, &[7; 32], at(49)).await.unwrap());
    assert!(!f.catalogue.is_share_unlocked(share.id, &[7; 32], at(50)).await.unwrap());
    assert!(f.catalogue.remove_album(f.workspace_id, album.id, &entry(f.workspace_id)).await.unwrap());
    assert_eq!(f.catalogue.share_by_slug("roofs").await.unwrap(), None);
}

#[tokio::test]
async fn a_visit_that_goes_on_is_one() {
    let f = Fixture::new().await;
    let share = share(f.workspace_id, "roofs", Shared::Selection);
    f.catalogue.add_share(&share, &[], &entry(f.workspace_id)).await.unwrap();
    let file = id();
    let visit = |n: i64, address: &str, what: &str, media_id| ShareVisit {
        id: id(),
        share_id: share.id,
        at: at(n),
        address: Some(address.into()),
        what: what.into(),
        media_id,
    };
    for (visit, since) in [
        (visit(1, "192.0.2.1", "download", None), Some(at(0))),
        (visit(2, "192.0.2.1", "download", None), Some(at(0))), // goes on
        (visit(3, "192.0.2.2", "download", None), Some(at(0))),
        (visit(4, "192.0.2.1", "download", Some(file)), Some(at(0))),
        (visit(5, "192.0.2.1", "download", Some(file)), Some(at(4))), // goes on
        (visit(6, "192.0.2.1", "view", Some(file)), Some(at(0))),
        (visit(7, "192.0.2.1", "download", None), Some(at(3))), // later than that
        (visit(8, "192.0.2.1", "download", None), None),
    ] {
        f.catalogue.add_share_visit(&visit, false, since).await.unwrap();
    }
    let visits = f.catalogue.list_share_visits(share.id, None, 100).await.unwrap();
    let times: Vec<_> = visits.items.iter().map(|visit| visit.at).collect();
    assert_eq!(times, [8, 7, 6, 4, 3, 1].map(at));
}
