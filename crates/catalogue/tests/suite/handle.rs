//! Opening, closing, and two handles on one database.

use eyrie_catalogue::{Catalogue, CatalogueConfig, CatalogueError, MediaFilter};

use crate::common::{Fixture, report, workspace};

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new().await;
    let path = fixture.file();
    if !path.exists() {
        return; // another engine
    }
    for end in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{}{end}", path.display())).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{end}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    fixture.again().await;
    assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("eyrie.db");
    let config = |url: String| CatalogueConfig { url, backup_dir: dir.path().into() };
    let url = format!("sqlite://{}", path.display());
    assert!(Catalogue::open(&config(url.clone()), false).await.is_err(), "not there");
    assert!(!path.exists(), "and not made");
    for bad in ["", "sqlite::memory:", "mysql://localhost/x", "sqlite:///nowhere/at/all/eyrie.db"] {
        assert!(Catalogue::open(&config(bad.into()), true).await.is_err(), "{bad}");
    }
    std::fs::write(&path, "not a database, but long enough to look at: ".repeat(100)).expect("written");
    assert!(Catalogue::open(&config(url), false).await.is_err(), "no database");
}

#[tokio::test]
async fn commits_of_others_are_noticed() {
    let fixture = Fixture::new().await;
    let other = fixture.again().await;
    let before = fixture.catalogue.change_counter().await.expect("read");
    assert_eq!(fixture.catalogue.change_counter().await.expect("read"), before);
    other.add_workspace(&workspace("new")).await.expect("new");
    let after = fixture.catalogue.change_counter().await.expect("read");
    assert_ne!(after, before);
    assert_eq!(fixture.catalogue.workspaces().await.expect("read").len(), 2);
    fixture.catalogue.check().await.expect("writes");
    assert_ne!(fixture.catalogue.change_counter().await.expect("read"), after);
}

#[tokio::test]
async fn a_closed_catalogue_is_whole_in_one_file_and_takes_no_calls() {
    let fixture = Fixture::new().await;
    fixture.catalogue.ingest(&[report(fixture.photo("p/a"))]).await.expect("kept");
    fixture.catalogue.close().await;
    assert!(matches!(fixture.catalogue.check().await, Err(CatalogueError::Database { .. })));
    assert!(fixture.catalogue.workspaces().await.is_err());
    let log = std::path::PathBuf::from(format!("{}-wal", fixture.file().display()));
    assert!(!log.exists(), "the log was merged");
    let again = fixture.again().await;
    let page = again.list_media(fixture.workspace_id, &MediaFilter::default(), None, 10).await.expect("read");
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn a_dropped_call_leaves_all_or_nothing_and_a_usable_handle() {
    let fixture = Fixture::new().await;
    for round in 0..60_u64 {
        let catalogue = fixture.catalogue.clone();
        let batch = [report(fixture.photo(&format!("p/{round}-a"))), report(fixture.photo(&format!("p/{round}-b")))];
        let task = tokio::spawn(async move { catalogue.ingest(&batch).await });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ = task.await;
    }
    fixture.catalogue.ingest(&[report(fixture.photo("p/x-a")), report(fixture.photo("p/x-b"))]).await.expect("kept");
    let page =
        fixture.catalogue.list_media(fixture.workspace_id, &MediaFilter::default(), None, 1_000).await.expect("read");
    assert!(page.items.len() % 2 == 0, "no half batch");
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!(flight.stored_count, page.items.len() as i64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_open_a_new_database_at_once() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let config = CatalogueConfig { url, backup_dir: dir.path().into() };
        let mut tasks = Vec::new();
        for n in 0..6 {
            let config = config.clone();
            tasks.push(tokio::spawn(async move {
                let catalogue = Catalogue::open(&config, true).await.expect("opened");
                catalogue.add_workspace(&workspace(&n.to_string())).await.expect("added");
                catalogue.close().await;
            }));
        }
        for task in tasks {
            task.await.expect("no panic");
        }
        assert_eq!(Catalogue::open(&config, false).await.expect("opened").workspaces().await.expect("read").len(), 6);
    }
}
