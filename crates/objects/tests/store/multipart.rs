use std::time::Duration;

use bytes::Bytes;
use eyrie_objects::StoreError;
use eyrie_objects::store::{
    Checksum, ChecksumAlgorithm, ChecksumKind, CompletedPart, Condition, Expected, PartOptions, UploadOptions,
};

use crate::common::*;

#[tokio::test]
async fn parts_become_one_object_without_a_copy() {
    let mut home = Home::new().await;
    let (one, two, three) = (bytes(1, 600_000), bytes(2, 20), bytes(3, 5));
    let options = UploadOptions {
        content_type: Some("video/mp4".into()),
        metadata: vec![("k".into(), "v".into())],
        ..UploadOptions::default()
    };
    let id = home.store.create_upload(BUCKET, "v/a.MP4", options).await.unwrap().upload_id;
    let mut parts = Vec::new();
    for (number, bytes) in [(2, &two), (9, &three), (1, &one), (5, &two)] {
        parts.push(put_part(&home.store, "v/a.MP4", &id, number, bytes).await.unwrap());
    }
    parts.sort_by_key(|part| part.number);
    assert_eq!(home.store.list_parts(BUCKET, "v/a.MP4", &id, 0, 100).await.unwrap().parts, parts);
    assert_eq!(get(&home.store, "v/a.MP4").await, None);
    let chosen = [parts[0].clone(), parts[1].clone(), parts[3].clone()];
    let info =
        home.store.complete_upload(BUCKET, "v/a.MP4", &id, &named(&chosen), &Condition::default(), None).await.unwrap();
    let whole = [one, two, three].concat();
    assert!(info.etag.ends_with("-3"), "{}", info.etag);
    assert_eq!((info.part_count, info.content_type.as_deref()), (Some(3), Some("video/mp4")));
    assert_eq!(info.crc64nvme, put(&home.store, "plain", &whole).await.unwrap().crc64nvme);
    home.reopen();
    assert_eq!(home.store.head(BUCKET, "v/a.MP4").await.unwrap(), Some(info.clone()));
    assert_eq!(get(&home.store, "v/a.MP4").await.unwrap(), whole);
    assert!(home.store.verify(BUCKET, "v/a.MP4").await.unwrap());
    let reader = home.store.open_object(BUCKET, "v/a.MP4").await.unwrap().unwrap();
    assert_eq!(reader.parts().unwrap(), chosen);
    drop(reader);
    // The part that was not named is gone, the others lie where they were written.
    assert_eq!(files_below(&home.root().join("uploads")).len(), 4);
    assert!(matches!(home.store.upload(BUCKET, "v/a.MP4", &id).await, Err(StoreError::NoSuchUpload { .. })));
    assert!(matches!(put_part(&home.store, "v/a.MP4", &id, 1, b"x").await, Err(StoreError::NoSuchUpload { .. })));
    assert!(matches!(home.store.abort_upload(BUCKET, "v/a.MP4", &id).await, Err(StoreError::NoSuchUpload { .. })));

    home.store.delete(BUCKET, "v/a.MP4").await.unwrap();
    assert_eq!(entries(&home.root().join("uploads")), 0);
}

#[tokio::test]
async fn complete_refuses_what_s3_refuses() {
    let home = Home::new().await;
    let store = &home.store;
    let id = store.create_upload(BUCKET, "a", UploadOptions::default()).await.unwrap().upload_id;
    let one = put_part(store, "a", &id, 1, &bytes(1, 16)).await.unwrap();
    let two = put_part(store, "a", &id, 2, &bytes(2, 15)).await.unwrap();
    let three = put_part(store, "a", &id, 3, &bytes(3, 1)).await.unwrap();
    let complete = |parts: Vec<CompletedPart>, condition: Condition| {
        let id = id.clone();
        async move { store.complete_upload(BUCKET, "a", &id, &parts, &condition, None).await }
    };
    let any = Condition::default;
    let part = |number, etag: &str| CompletedPart { number, etag: etag.to_owned(), checksums: Vec::new() };
    assert!(matches!(complete(vec![], any()).await, Err(StoreError::InvalidPart { .. })));
    assert!(matches!(complete(named(&[two.clone(), one.clone()]), any()).await, Err(StoreError::InvalidPartOrder)));
    assert!(matches!(complete(named(&[one.clone(), one.clone()]), any()).await, Err(StoreError::InvalidPartOrder)));
    assert!(matches!(complete(vec![part(4, &one.etag)], any()).await, Err(StoreError::InvalidPart { number: 4 })));
    assert!(matches!(complete(vec![part(0, &one.etag)], any()).await, Err(StoreError::InvalidPart { number: 0 })));
    assert!(matches!(complete(vec![part(1, &two.etag)], any()).await, Err(StoreError::InvalidPart { number: 1 })));
    let mut wrong = named(std::slice::from_ref(&one));
    wrong[0].checksums = vec![Checksum::full(ChecksumAlgorithm::Crc64Nvme, "AAAAAAAAAAA=")];
    assert!(matches!(complete(wrong, any()).await, Err(StoreError::InvalidPart { number: 1 })));
    let small = complete(named(&[one.clone(), two.clone(), three.clone()]), any()).await;
    assert!(matches!(small, Err(StoreError::EntityTooSmall { number: 2, .. })));
    put(store, "a", b"old").await.unwrap();
    let absent = Condition { absent: true, ..Condition::default() };
    assert!(matches!(complete(named(std::slice::from_ref(&one)), absent).await, Err(StoreError::PreconditionFailed)));
    let is = Condition { etag: Some("other".into()), ..Condition::default() };
    assert!(matches!(complete(named(std::slice::from_ref(&one)), is).await, Err(StoreError::PreconditionFailed)));
    assert_eq!(get(store, "a").await.unwrap(), b"old");
    // None of that ended the upload; quotes around an ETag do not matter.
    let quoted = vec![part(1, &format!("\"{}\"", one.etag)), part(2, &two.etag)];
    complete(quoted.clone(), any()).await.unwrap();
    assert_eq!(get(store, "a").await.unwrap().len(), 31);
    complete(quoted.clone(), any()).await.unwrap();
    assert!(
        matches!(complete(named(&[one]), any()).await, Err(StoreError::NoSuchUpload { .. })),
        "other parts than before"
    );
    put(store, "a", b"newer").await.unwrap();
    assert!(matches!(complete(quoted, any()).await, Err(StoreError::NoSuchUpload { .. })));
    for number in [0, 10_001] {
        assert!(matches!(put_part(store, "a", &id, number, b"x").await, Err(StoreError::BadPartNumber(_))));
    }
}

#[tokio::test]
async fn a_part_put_again_replaces_the_earlier_one() {
    let home = Home::new().await;
    let id = home.store.create_upload(BUCKET, "a", UploadOptions::default()).await.unwrap().upload_id;
    let old = put_part(&home.store, "a", &id, 1, b"old").await.unwrap();
    let new = put_part(&home.store, "a", &id, 1, b"new").await.unwrap();
    let complete = |part| {
        let (store, id) = (&home.store, id.clone());
        async move { store.complete_upload(BUCKET, "a", &id, &named(&[part]), &Condition::default(), None).await }
    };
    assert!(matches!(complete(old).await, Err(StoreError::InvalidPart { number: 1 })));
    complete(new).await.unwrap();
    assert_eq!(get(&home.store, "a").await.unwrap(), b"new");
}

#[tokio::test]
async fn checksums_of_the_whole_are_made_and_compared() {
    let home = Home::new().await;
    let parts = [bytes(1, 40), bytes(2, 7)];
    let all = [
        (ChecksumAlgorithm::Crc32, ChecksumKind::FullObject),
        (ChecksumAlgorithm::Crc32c, ChecksumKind::FullObject),
        (ChecksumAlgorithm::Crc64Nvme, ChecksumKind::FullObject),
        (ChecksumAlgorithm::Crc32, ChecksumKind::Composite),
        (ChecksumAlgorithm::Sha1, ChecksumKind::Composite),
        (ChecksumAlgorithm::Sha256, ChecksumKind::Composite),
    ];
    for (algorithm, kind) in all {
        let options = UploadOptions { checksum: Some((algorithm, kind)), ..UploadOptions::default() };
        let id = home.store.create_upload(BUCKET, "a", options).await.unwrap().upload_id;
        let mut uploaded = Vec::new();
        for (at, bytes) in parts.iter().enumerate() {
            uploaded.push(put_part(&home.store, "a", &id, at as u32 + 1, bytes).await.unwrap());
        }
        assert!(uploaded.iter().all(|part| part.checksums.len() == 1 && part.checksums[0].algorithm == algorithm));
        let mut list = named(&uploaded);
        for (named, part) in list.iter_mut().zip(&uploaded) {
            named.checksums = part.checksums.clone();
        }
        let wrong = Checksum { algorithm, kind, value: "AAAAAA==".into() };
        let refused = home.store.complete_upload(BUCKET, "a", &id, &list, &Condition::default(), Some(&wrong)).await;
        assert!(matches!(refused, Err(StoreError::BadDigest { .. })));
        let info = home.store.complete_upload(BUCKET, "a", &id, &list, &Condition::default(), None).await.unwrap();
        let made = &info.checksums[0];
        assert_eq!(
            (made.algorithm, made.kind, made.value.ends_with("-2")),
            (algorithm, kind, kind == ChecksumKind::Composite)
        );
        if kind == ChecksumKind::FullObject {
            let options = eyrie_objects::store::PutOptions { checksums: vec![algorithm], ..Default::default() };
            let mut writer = home.store.begin_put(BUCKET, "b", options).await.unwrap();
            writer.write(Bytes::from(parts.concat())).await.unwrap();
            let expected = Expected { checksums: vec![made.clone()], ..Expected::default() };
            writer.finish(expected).await.expect("the same as of one PUT");
        }
    }
}

#[tokio::test]
async fn a_part_is_compared_with_what_the_client_said() {
    let home = Home::new().await;
    let id = home.store.create_upload(BUCKET, "a", UploadOptions::default()).await.unwrap().upload_id;
    let options = PartOptions { checksums: vec![ChecksumAlgorithm::Sha1], content_length: Some(3) };
    let mut writer = home.store.begin_part(BUCKET, "a", &id, 1, options).await.unwrap();
    writer.write(Bytes::from_static(b"abc")).await.unwrap();
    let checksums = vec![Checksum::full(ChecksumAlgorithm::Sha1, "AAAA")];
    let refused = writer.finish(Expected { checksums, ..Expected::default() }).await;
    assert!(matches!(refused, Err(StoreError::BadDigest { what: "SHA1" })));
    assert!(home.store.list_parts(BUCKET, "a", &id, 0, 10).await.unwrap().parts.is_empty());
    assert_eq!(entries(&home.root().join("tmp")), 0);
}

#[tokio::test]
async fn uploads_and_parts_are_listed_in_pages() {
    let home = Home::new().await;
    let mut expected = Vec::new();
    for key in ["b/2", "a", "a", "b/1", "c"] {
        let upload = home.store.create_upload(BUCKET, key, UploadOptions::default()).await.unwrap();
        expected.push((upload.key, upload.upload_id));
        home.advance(Duration::from_secs(1));
    }
    expected.sort();
    let (mut markers, mut found) = (None::<(String, String)>, Vec::new());
    loop {
        let (key, id) = markers.as_ref().map_or((None, None), |(key, id)| (Some(key.as_str()), Some(id.as_str())));
        let page = home.store.list_uploads(BUCKET, "", None, key, id, 2).await.unwrap();
        found.extend(page.uploads.into_iter().map(|upload| (upload.key, upload.upload_id)));
        markers = page.next;
        if markers.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
    let only =
        |key: &'static str, id: Option<&'static str>| home.store.list_uploads(BUCKET, "", None, Some(key), id, 10);
    assert_eq!(only("a", None).await.unwrap().uploads.len(), 3);
    assert_eq!(only("a", Some("0")).await.unwrap().uploads.len(), 5);
    let page = home.store.list_uploads(BUCKET, "", Some("/"), None, None, 3).await.unwrap();
    assert_eq!((page.uploads.len(), page.common_prefixes.as_slice()), (2, &["b/".to_owned()][..]));
    let (key, id) = page.next.unwrap();
    let rest = home.store.list_uploads(BUCKET, "", Some("/"), Some(&key), Some(&id), 3).await.unwrap();
    assert_eq!((rest.uploads.len(), rest.common_prefixes.len(), rest.next), (1, 0, None));

    let (key, id) = &expected[0];
    for number in [10_000, 3, 1, 2] {
        put_part(&home.store, key, id, number, b"x").await.unwrap();
    }
    let page = home.store.list_parts(BUCKET, key, id, 1, 2).await.unwrap();
    assert_eq!((page.parts.iter().map(|part| part.number).collect::<Vec<_>>(), page.next_after), (vec![2, 3], Some(3)));
    let page = home.store.list_parts(BUCKET, key, id, 3, 2).await.unwrap();
    assert_eq!((page.parts.len(), page.next_after), (1, None));
}

#[tokio::test]
async fn unfinished_uploads_expire() {
    let home = Home::new().await;
    let old = home.store.create_upload(BUCKET, "a", UploadOptions::default()).await.unwrap().upload_id;
    put_part(&home.store, "a", &old, 1, b"x").await.unwrap();
    put_multipart(&home.store, "kept", &[&bytes(1, 20)]).await.unwrap();
    home.advance(UPLOAD_EXPIRY - Duration::from_secs(1));
    let young = home.store.create_upload(BUCKET, "a", UploadOptions::default()).await.unwrap().upload_id;
    assert_eq!(home.store.sweep().await.unwrap(), 0);
    home.advance(Duration::from_secs(1));
    assert_eq!(home.store.sweep().await.unwrap(), 1);
    assert!(home.store.upload(BUCKET, "a", &old).await.is_err());
    home.store.upload(BUCKET, "a", &young).await.unwrap();
    // A clock that went back expires nothing.
    home.clock.set(jiff::Timestamp::from_second(1_000_000_000).unwrap());
    assert_eq!(home.store.sweep().await.unwrap(), 0);
    assert_eq!(get(&home.store, "kept").await.unwrap(), bytes(1, 20));
    assert_eq!(entries(&home.root().join("uploads")), 2);
}
