use std::fs;

use eyrie_objects::store::{Condition, UploadOptions};

use crate::common::*;

#[tokio::test]
async fn a_start_clears_what_a_killed_process_left() {
    let mut home = Home::new().await;
    put(&home.store, "a", b"kept").await.unwrap();
    let tmp = home.root().join("tmp");
    fs::write(tmp.join("half"), b"half an object").unwrap();
    fs::create_dir_all(tmp.join("dir/sub")).unwrap();
    fs::write(tmp.join("dir/sub/part"), b"x").unwrap();
    fs::write(home.root().join("open/0123456789abcdef0123456789abcdef"), b"").unwrap();
    fs::remove_dir_all(home.root().join("uploads")).unwrap();
    home.reopen();
    assert_eq!(entries(&tmp) + entries(&home.root().join("open")) + entries(&home.root().join("uploads")), 0);
    assert_eq!(get(&home.store, "a").await.unwrap(), b"kept");
}

#[tokio::test]
async fn opening_alone_changes_nothing() {
    let home = Home::new().await;
    let half = home.root().join("tmp/half");
    fs::write(&half, b"being written by the server").unwrap();
    let clock = home.clock.clone();
    let second = open(home.dir.path(), clock, std::sync::Arc::new(eyrie_env::RealFiles), false).unwrap();
    assert_eq!(keys(&second).await, [""; 0]);
    assert!(half.exists());
}

/// The server stopped after the object's rename and before the upload's end was noted.
#[tokio::test]
async fn an_upload_that_became_an_object_is_ended() {
    let mut home = Home::new().await;
    let id = home.store.create_upload(BUCKET, "a", UploadOptions::default()).await.unwrap().upload_id;
    let part = put_part(&home.store, "a", &id, 1, b"bytes").await.unwrap();
    let marker = home.root().join("open").join(&id);
    let list = named(std::slice::from_ref(&part));
    let info = home.store.complete_upload(BUCKET, "a", &id, &list, &Condition::default(), None).await.unwrap();
    for abort in [true, false] {
        fs::write(&marker, b"").unwrap();
        if abort {
            assert!(home.store.abort_upload(BUCKET, "a", &id).await.is_err(), "its parts are an object's");
        }
        assert_eq!(home.store.sweep().await.unwrap(), 0);
        assert_eq!(
            home.store.complete_upload(BUCKET, "a", &id, &list, &Condition::default(), None).await.unwrap(),
            info
        );
        home.reopen();
        assert!(!marker.exists());
        assert_eq!(get(&home.store, "a").await.unwrap(), b"bytes");
    }
}

/// The server stopped after a replaced object was durable and before the parts of the old one went.
#[tokio::test]
async fn parts_that_nothing_refers_to_are_swept() {
    let mut home = Home::new().await;
    put_multipart(&home.store, "a", &[b"old"]).await.unwrap();
    let uploads = home.root().join("uploads");
    let kept = home.root().join("kept");
    let old = uploads.read_dir().unwrap().next().unwrap().unwrap().path();
    fs::rename(&old, &kept).unwrap();
    put(&home.store, "a", b"new").await.unwrap();
    fs::rename(&kept, &old).unwrap();
    home.reopen();
    assert_eq!(home.store.sweep().await.unwrap(), 1);
    assert_eq!(entries(&uploads), 0);
    assert_eq!(get(&home.store, "a").await.unwrap(), b"new");
}
