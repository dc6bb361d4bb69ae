use eyrie_objects::StoreError;

use crate::common::*;

/// Every key is kept under exactly its name or refused, and no path outside the bucket is touched.
#[tokio::test]
async fn hostile_keys_are_kept_under_their_name_or_refused() {
    let home = Home::new().await;
    let long = "x".repeat(1024);
    let long_segments = format!("{}/{}", "é".repeat(255), "ü".repeat(256));
    let slashes = "/".repeat(1024);
    let mut keys = vec![
        ".",
        "..",
        "...",
        "../../../etc/passwd",
        "/etc/passwd",
        "a/../../b",
        "a/./b",
        "a//b",
        "a///b",
        "/a",
        "//a",
        "a/",
        "a//",
        "/",
        "//",
        "a",
        "a/b",
        "a-b",
        "a0",
        "A",
        "a%2Fb",
        "a%",
        "a%%",
        "a%+",
        "%",
        "%e",
        "%+",
        "%2e%2e/x",
        "%00",
        "nul\0byte",
        "\0",
        "line\nend",
        "\x1b[31m",
        "back\\slash",
        "C:\\x",
        "CON",
        "~",
        "$HOME",
        "`id`",
        "*",
        "?",
        " ",
        "trailing ",
        ".hidden",
        "eyrie-store.json",
        "%bucket.json",
        "tmp",
        "uploads/x",
        "part-00001",
        "e\u{301}",
        "é",
        "\u{202e}gpj.exe",
        "\u{feff}",
        "日本/写真.JPG",
        "😀/😀",
        "\u{10ffff}",
        "+",
        "a+b c",
        "x/%/y",
        "x/%%/y",
        "<script>",
        "\"quoted\"",
        "'; DROP TABLE media; --",
    ];
    keys.extend([long.as_str(), long_segments.as_str(), slashes.as_str()]);
    let outside = snapshot(home.dir.path());
    for (at, key) in keys.iter().enumerate() {
        put(&home.store, key, at.to_string().as_bytes()).await.unwrap_or_else(|error| panic!("{key:?}: {error:?}"));
    }
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(get(&home.store, key).await.unwrap(), at.to_string().as_bytes(), "{key:?}");
        assert_eq!(home.store.head(BUCKET, key).await.unwrap().unwrap().key, *key);
    }
    let mut sorted: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    sorted.sort();
    assert_eq!(crate::common::keys(&home.store).await, sorted);
    let files = files_below(&home.root().join("buckets"));
    assert_eq!(files.len(), keys.len());
    assert_eq!(snapshot(home.dir.path()), outside, "nothing outside the bucket changed");
    for key in &keys {
        assert!(home.store.delete(BUCKET, key).await.unwrap(), "{key:?}");
    }
    assert_eq!(files_below(&home.root().join("buckets")).len(), 0);
    assert_eq!(entries(&home.root().join("buckets").join(BUCKET)), 1, "only the bucket's own file is left");

    assert!(matches!(put(&home.store, "", b"x").await, Err(StoreError::BadKey(_))));
    assert!(matches!(put(&home.store, &"x".repeat(1025), b"x").await, Err(StoreError::KeyTooLong(_))));
    assert_eq!(home.store.head(BUCKET, &"x".repeat(1025)).await.unwrap(), None);
    assert!(!home.store.delete(BUCKET, "").await.unwrap());
}

#[tokio::test]
async fn upload_ids_never_become_paths() {
    let home = Home::new().await;
    let upload = home.store.create_upload(BUCKET, "a", Default::default()).await.unwrap();
    let upper = upload.upload_id.to_uppercase();
    let dotted = format!("./{}", upload.upload_id);
    for id in ["", ".", "..", "../tmp", "x", &upper, &dotted, "0123456789abcdef0123456789abcdef", "/etc", "a\0b"] {
        if id == upload.upload_id {
            continue;
        }
        let store = &home.store;
        assert!(matches!(store.upload(BUCKET, "a", id).await, Err(StoreError::NoSuchUpload { .. })), "{id:?}");
        assert!(matches!(put_part(store, "a", id, 1, b"x").await, Err(StoreError::NoSuchUpload { .. })), "{id:?}");
        assert!(matches!(store.abort_upload(BUCKET, "a", id).await, Err(StoreError::NoSuchUpload { .. })), "{id:?}");
        let complete = store.complete_upload(BUCKET, "a", id, &[], &Default::default(), None).await;
        assert!(matches!(complete, Err(StoreError::NoSuchUpload { .. })), "{id:?}");
    }
    for key in ["b", "", "../a"] {
        assert!(matches!(
            home.store.upload(BUCKET, key, &upload.upload_id).await,
            Err(StoreError::NoSuchUpload { .. })
        ));
    }
}

/// Everything below `dir` but the objects themselves.
fn snapshot(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = files_below(dir);
    files.retain(|path| !path.starts_with(dir.join("store/buckets").join(BUCKET)));
    files.sort();
    files
}
