use std::sync::Arc;

use bytes::Bytes;
use eyrie_env::{ManualClock, RealFiles};
use eyrie_objects::store::{Checksum, ChecksumAlgorithm, Condition, Expected, ObjectHeaders, PutOptions};
use eyrie_objects::{Store, StoreError};

use crate::common::*;

#[tokio::test]
async fn an_object_comes_back_with_its_record() {
    let mut home = Home::new().await;
    let options = PutOptions {
        content_type: Some("image/jpeg".into()),
        headers: ObjectHeaders {
            cache_control: Some("no-cache".into()),
            content_disposition: Some("attachment; filename=\"ü.jpg\"".into()),
            content_encoding: Some("gzip".into()),
            content_language: Some("de".into()),
            expires: Some("Thu, 01 Dec 2033 16:00:00 GMT".into()),
        },
        metadata: vec![("b".into(), "2".into()), ("a".into(), "1 ü".into())],
        checksums: vec![ChecksumAlgorithm::Sha256, ChecksumAlgorithm::Crc32],
        ..PutOptions::default()
    };
    let mut writer = home.store.begin_put(BUCKET, "flight/DJI_0001.JPG", options.clone()).await.unwrap();
    for chunk in [&b"1234"[..], b"", b"56789"] {
        writer.write(Bytes::from_static(chunk)).await.unwrap();
    }
    assert_eq!(keys(&home.store).await, [""; 0], "nothing is seen before the end");
    let info = writer.finish(Expected::default()).await.unwrap();
    assert_eq!(info.etag, "25f9e794323b453885f5181f1b624d0b");
    assert_eq!(info.crc64nvme, 0xae8b_1486_0a79_9888);
    assert_eq!(info.checksums[1], Checksum::full(ChecksumAlgorithm::Crc32, "y/Q5Jg=="));
    assert_eq!((&info.headers, &info.metadata), (&options.headers, &options.metadata));
    assert_eq!(info.part_count, None);
    for _ in 0..2 {
        assert_eq!(home.store.head(BUCKET, "flight/DJI_0001.JPG").await.unwrap().as_ref(), Some(&info));
        assert_eq!(get(&home.store, "flight/DJI_0001.JPG").await.unwrap(), b"123456789");
        let page = home.store.list(BUCKET, "", None, None, 10).await.unwrap();
        assert_eq!(page.objects, std::slice::from_ref(&info));
        assert!(home.store.verify(BUCKET, "flight/DJI_0001.JPG").await.unwrap());
        home.reopen();
    }
    // In an emergency the file is readable with plain tools: the bytes come first.
    let file = std::fs::read(home.root().join("buckets/workspace/flight%/DJI_0001.JPG")).unwrap();
    assert!(file.starts_with(b"123456789{"));
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let home = Home::new().await;
    let store = &home.store;
    assert_eq!(store.head(BUCKET, "a").await.unwrap(), None);
    assert!(store.open_object(BUCKET, "a").await.unwrap().is_none());
    assert!(matches!(store.read(BUCKET, "a", None).await, Err(StoreError::NoSuchKey { .. })));
    assert!(!store.delete(BUCKET, "a").await.unwrap());
    assert_eq!(store.bucket("other").await.unwrap(), None);
    assert!(matches!(store.head("other", "a").await, Err(StoreError::NoSuchBucket(_))));
    assert!(matches!(store.delete("other", "a").await, Err(StoreError::NoSuchBucket(_))));
    assert!(matches!(store.list("other", "", None, None, 1).await, Err(StoreError::NoSuchBucket(_))));
    assert!(matches!(store.put("other", "a", None, Bytes::new()).await, Err(StoreError::NoSuchBucket(_))));
    assert!(matches!(store.put("../tmp", "a", None, Bytes::new()).await, Err(StoreError::NoSuchBucket(_))));
}

#[tokio::test]
async fn ranges_are_clipped_and_of_all_sizes() {
    let home = Home::new().await;
    let all = bytes(1, 1_300_000);
    put(&home.store, "one", &all).await.unwrap();
    let parts: Vec<&[u8]> = all.chunks(500_000).collect();
    put_multipart(&home.store, "many", &parts).await.unwrap();
    for key in ["one", "many"] {
        assert_eq!(get(&home.store, key).await.unwrap(), all, "{key}");
        for (start, end) in [
            (0, 1),
            (0, 0),
            (5, 5),
            (499_999, 500_001),
            (500_000, 1_000_000),
            (3, 1_299_999),
            (1_299_999, 9_000_000),
            (2_000_000, 3_000_000),
            (9, 3),
        ] {
            let (_, stream) = home.store.read(BUCKET, key, Some((start, end))).await.unwrap();
            let expected = all.get(start as usize..(end as usize).min(all.len())).unwrap_or_default();
            assert_eq!(collect(stream).await.unwrap(), expected, "{key} {start}..{end}");
        }
    }
}

#[tokio::test]
async fn wrong_bytes_leave_nothing_behind() {
    let home = Home::new().await;
    put(&home.store, "kept", b"old").await.unwrap();
    let md5 = Some([7; 16]);
    let wrong = [
        Expected { md5, ..Expected::default() },
        Expected { size_bytes: Some(4), ..Expected::default() },
        Expected { checksums: vec![Checksum::full(ChecksumAlgorithm::Crc32c, "AAAAAA==")], ..Expected::default() },
        Expected {
            checksums: vec![Checksum::full(ChecksumAlgorithm::Crc64Nvme, "AAAAAAAAAAA=")],
            ..Expected::default()
        },
        Expected { checksums: vec![Checksum::full(ChecksumAlgorithm::Sha1, "not even base64")], ..Expected::default() },
    ];
    for expected in wrong {
        for key in ["new/one", "kept"] {
            let checksums = vec![ChecksumAlgorithm::Crc32c];
            let mut writer =
                home.store.begin_put(BUCKET, key, PutOptions { checksums, ..PutOptions::default() }).await.unwrap();
            writer.write(Bytes::from_static(b"new")).await.unwrap();
            let error = writer.finish(expected.clone()).await.unwrap_err();
            assert!(matches!(error, StoreError::BadDigest { .. } | StoreError::IncompleteBody { .. }), "{error:?}");
        }
    }
    assert_eq!(keys(&home.store).await, ["kept"]);
    assert_eq!(get(&home.store, "kept").await.unwrap(), b"old");
    assert_eq!(entries(&home.root().join("tmp")), 0);
    assert_eq!(files_below(&home.root().join("buckets")).len(), 1);
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing_behind() {
    let home = Home::new().await;
    for length in [0, 10, 3_000_000] {
        let mut writer = home.store.begin_put(BUCKET, "a", PutOptions::default()).await.unwrap();
        writer.write(Bytes::from(bytes(1, length))).await.unwrap();
        drop(writer);
        home.tmp_is_empty().await;
    }
    assert_eq!(keys(&home.store).await, [""; 0]);
}

#[tokio::test]
async fn odd_chunks_make_the_same_object() {
    let home = Home::new().await;
    let all = bytes(3, 2_500_000);
    let whole = put(&home.store, "whole", &all).await.unwrap();
    for sizes in [vec![1], vec![8191, 8192, 3], vec![100_000], vec![1_048_576], vec![1_048_577, 1]] {
        let mut writer = home.store.begin_put(BUCKET, "chunks", PutOptions::default()).await.unwrap();
        let (mut rest, mut sizes) = (&all[..if sizes == [1] { 50_000 } else { all.len() }], sizes.iter().cycle());
        let length = rest.len();
        while !rest.is_empty() {
            let (chunk, more) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
            rest = more;
        }
        let info = writer.finish(Expected { size_bytes: Some(length as u64), ..Expected::default() }).await.unwrap();
        assert_eq!(get(&home.store, "chunks").await.unwrap(), all[..length]);
        assert!(length < all.len() || info.etag == whole.etag && info.crc64nvme == whole.crc64nvme);
    }
}

#[tokio::test]
async fn conditions_hold_at_the_moment_of_the_write() {
    let home = Home::new().await;
    let store = &home.store;
    let try_put = |absent: bool, etag: Option<&str>, bytes: &'static [u8]| {
        let condition = Condition { absent, etag: etag.map(str::to_owned), ..Condition::default() };
        async move {
            let options = PutOptions { condition, ..PutOptions::default() };
            let mut writer = store.begin_put(BUCKET, "a", options).await?;
            writer.write(Bytes::from_static(bytes)).await?;
            writer.finish(Expected::default()).await
        }
    };
    assert!(matches!(try_put(false, Some("*"), b"x").await, Err(StoreError::NoSuchKey { .. })));
    let one = try_put(true, None, b"one").await.unwrap();
    assert!(matches!(try_put(true, None, b"two").await, Err(StoreError::PreconditionFailed)));
    assert!(matches!(try_put(false, Some("bad"), b"two").await, Err(StoreError::PreconditionFailed)));
    let two = try_put(false, Some(&one.etag), b"two").await.unwrap();
    try_put(false, Some("*"), b"two").await.unwrap();
    let is = |etag: &str| Condition { etag: Some(etag.to_owned()), ..Condition::default() };
    assert!(matches!(store.delete_if(BUCKET, "a", &is(&one.etag)).await, Err(StoreError::PreconditionFailed)));
    assert!(store.delete_if(BUCKET, "a", &is(&two.etag)).await.unwrap());
    assert!(!store.delete_if(BUCKET, "a", &is(&two.etag)).await.unwrap());

    // Begun while there was none; another one came first.
    let absent = PutOptions { condition: Condition { absent: true, ..Condition::default() }, ..PutOptions::default() };
    let writer = store.begin_put(BUCKET, "a", absent).await.unwrap();
    put(store, "a", b"first").await.unwrap();
    assert!(matches!(writer.finish(Expected::default()).await, Err(StoreError::PreconditionFailed)));
    assert_eq!(get(store, "a").await.unwrap(), b"first");
    assert_eq!(entries(&home.root().join("tmp")), 0);
}

#[tokio::test]
async fn buckets_are_made_listed_and_removed() {
    let mut home = Home::new().await;
    for bad in ["", "ab", "Abc", "..", "a/b", "%25abc", "-abc"] {
        assert!(matches!(home.store.create_bucket(bad).await, Err(StoreError::BadBucket(_))), "{bad}");
    }
    home.store.create_bucket("other.one").await.unwrap();
    let made = home.store.bucket("other.one").await.unwrap().unwrap();
    home.advance(std::time::Duration::from_secs(5));
    home.store.create_bucket("other.one").await.unwrap();
    assert_eq!(home.store.bucket("other.one").await.unwrap(), Some(made));
    put(&home.store, "a/b/c", b"x").await.unwrap();
    home.reopen();
    let names: Vec<_> = home.store.buckets().await.unwrap().into_iter().map(|bucket| bucket.name).collect();
    assert_eq!(names, ["other.one", BUCKET]);
    assert!(matches!(home.store.delete_bucket(BUCKET).await, Err(StoreError::BucketNotEmpty(_))));
    home.store.delete(BUCKET, "a/b/c").await.unwrap();
    home.store.create_upload(BUCKET, "unfinished", Default::default()).await.unwrap();
    home.store.delete_bucket(BUCKET).await.unwrap();
    assert!(matches!(home.store.delete_bucket(BUCKET).await, Err(StoreError::NoSuchBucket(_))));
    assert_eq!(entries(&home.root().join("uploads")) + entries(&home.root().join("open")), 0);
    home.store.create_bucket(BUCKET).await.unwrap();
    put(&home.store, "a/b/c", b"y").await.unwrap();
    assert_eq!(keys(&home.store).await, ["a/b/c"]);
}

#[tokio::test]
async fn a_root_without_a_marker_is_no_store() {
    let home = Home::new().await;
    let try_open = |create| {
        let clock = Arc::new(ManualClock::new(Default::default()));
        open(home.dir.path(), clock, Arc::new(RealFiles), create).map(drop)
    };
    let marker = home.root().join("eyrie-store.json");
    try_open(false).unwrap();
    let text = std::fs::read_to_string(&marker).unwrap();
    std::fs::write(&marker, text.replace("\"format\":1", "\"format\":2")).unwrap();
    assert!(matches!(try_open(false), Err(StoreError::Io { .. })));
    std::fs::remove_file(&marker).unwrap();
    for create in [false, true] {
        assert!(matches!(try_open(create), Err(StoreError::MarkerMissing(_))));
    }
    // An empty root, one that is not there, and one that a first start left half made.
    let fresh = tempfile::tempdir().unwrap();
    for prepared in ["none", "store", "store/tmp"] {
        let _ = std::fs::remove_dir_all(fresh.path().join("store"));
        std::fs::create_dir_all(fresh.path().join(prepared)).unwrap();
        let clock = Arc::new(ManualClock::new(Default::default()));
        assert!(matches!(
            open(fresh.path(), clock.clone(), Arc::new(RealFiles), false),
            Err(StoreError::MarkerMissing(_))
        ));
        open(fresh.path(), clock, Arc::new(RealFiles), true).unwrap();
    }
}

#[tokio::test]
async fn deletes_leave_no_empty_directories() {
    let home = Home::new().await;
    for key in ["a/b/c/d", "a/b/e", "a/"] {
        put(&home.store, key, b"x").await.unwrap();
    }
    let bucket = home.root().join("buckets").join(BUCKET);
    home.store.delete(BUCKET, "a/b/c/d").await.unwrap();
    assert!(bucket.join("a%/b%").is_dir() && !bucket.join("a%/b%/c%").exists());
    home.store.delete(BUCKET, "a/b/e").await.unwrap();
    home.store.delete(BUCKET, "a/").await.unwrap();
    assert!(!bucket.join("a%").exists());
    put(&home.store, "a/b/c/d", b"y").await.unwrap();
    assert_eq!(keys(&home.store).await, ["a/b/c/d"]);
}

#[tokio::test]
async fn flipped_bits_are_never_a_success() {
    let home = Home::new().await;
    let all = bytes(9, 1_200_000);
    let check = |store: Store| async move {
        assert!(!store.verify(BUCKET, "a").await.unwrap());
        let (info, stream) = store.read(BUCKET, "a", None).await.unwrap();
        let mut stream = stream;
        let (mut got, mut failed) = (0, false);
        while let Some(chunk) = futures::StreamExt::next(&mut stream).await {
            match chunk {
                Ok(chunk) => got += chunk.len() as u64,
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
                    failed = true;
                }
            }
        }
        assert!(failed && got < info.size_bytes, "{got} of {}", info.size_bytes);
        store
    };
    let mut store = home.store;
    for (length, at) in [(1, 0), (1_200_000, 0), (1_200_000, 600_000), (1_200_000, 1_199_999)] {
        put(&store, "a", &all[..length]).await.unwrap();
        let path = home.dir.path().join("store/buckets/workspace/a");
        flip(&path, at);
        store = check(store).await;
    }
    put_multipart(&store, "a", &[&all[..500_000], &all[500_000..]]).await.unwrap();
    let parts = files_below(&home.dir.path().join("store/uploads"));
    flip(parts.iter().find(|path| path.ends_with("part-00002")).unwrap(), 699_999);
    check(store).await;
}

/// Whatever byte of the record is hit, the object is damaged, never another one.
#[tokio::test]
async fn a_flipped_record_is_damaged() {
    let home = Home::new().await;
    put(&home.store, "b", b"bytes").await.unwrap();
    put(&home.store, "a", b"bytes").await.unwrap();
    let path = home.root().join("buckets/workspace/a");
    let whole = std::fs::read(&path).unwrap();
    for at in 5..whole.len() {
        flip(&path, at);
        let head = home.store.head(BUCKET, "a").await;
        assert!(matches!(head, Err(StoreError::Damaged { .. })), "byte {at}: {head:?}");
        flip(&path, at);
    }
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(home.store.head(BUCKET, "a").await, Err(StoreError::Damaged { .. })), "length {length}");
        assert!(!home.store.verify(BUCKET, "a").await.unwrap());
    }
    assert_eq!(keys(&home.store).await, ["b"], "the others are still listed");
    put(&home.store, "a", b"again").await.unwrap();
    assert_eq!(get(&home.store, "a").await.unwrap(), b"again");
    std::fs::write(&path, b"").unwrap();
    assert!(home.store.delete(BUCKET, "a").await.unwrap());
}

fn flip(path: &std::path::Path, at: usize) {
    let mut file = std::fs::read(path).unwrap();
    file[at] ^= 1;
    std::fs::write(path, file).unwrap();
}
