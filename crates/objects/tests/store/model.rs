//! Random operations against a `BTreeMap`. `EYRIE_MODEL_CASES` runs more than the usual 120 cases of up to 60 operations.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyrie_objects::StoreError;
use eyrie_objects::store::{Condition, UploadOptions};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::common::*;

#[derive(Clone, Debug)]
enum Op {
    Put {
        key: String,
        length: usize,
        seed: u8,
        absent: bool,
    },
    Delete(String),
    Get(String),
    List {
        prefix: String,
        delimiter: Option<String>,
        after: Option<String>,
        limit: usize,
    },
    CreateUpload(String),
    PutPart {
        slot: usize,
        number: u32,
        length: usize,
        seed: u8,
    },
    /// With the parts whose bit is set.
    Complete {
        slot: usize,
        chosen: u8,
    },
    Abort(usize),
    Sweep,
    Reopen,
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[ab]{1,2}(/[ab.]{0,2}){0,2}",
        4 => "[ab/.%\\-0]{1,5}",
        1 => "[a\\x00\\x01é日/]{1,4}",
        1 => "x{238,244}[/a-]{0,3}",
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let length = prop_oneof![0usize..40, Just(70_000)];
    let delimiter = prop::option::of(
        prop_oneof![4 => Just("/".to_owned()), 1 => Just("a".to_owned()), 1 => Just("a/".to_owned()), 1 => Just(String::new())],
    );
    prop_oneof![
        10 => (key(), length, any::<u8>(), prop::bool::weighted(0.2)).prop_map(|(key, length, seed, absent)| Op::Put { key, length, seed, absent }),
        5 => key().prop_map(Op::Delete),
        3 => key().prop_map(Op::Get),
        6 => (prop_oneof![Just(String::new()), key()], delimiter, prop::option::of(key()), 1usize..8)
            .prop_map(|(prefix, delimiter, after, limit)| Op::List { prefix, delimiter, after, limit }),
        3 => key().prop_map(Op::CreateUpload),
        6 => (0usize..4, 1u32..6, 10usize..40, any::<u8>())
            .prop_map(|(slot, number, length, seed)| Op::PutPart { slot, number, length, seed }),
        4 => (0usize..4, any::<u8>()).prop_map(|(slot, chosen)| Op::Complete { slot, chosen }),
        1 => (0usize..4).prop_map(Op::Abort),
        1 => Just(Op::Sweep),
        1 => Just(Op::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: Vec<ModelUpload>,
}

struct ModelUpload {
    key: String,
    id: String,
    parts: BTreeMap<u32, Vec<u8>>,
}

impl Model {
    fn list(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> (Vec<&str>, Vec<&str>, Option<&str>) {
        let (mut objects, mut prefixes, mut last): (Vec<&str>, Vec<&str>, _) = (Vec::new(), Vec::new(), None);
        for key in
            self.objects.keys().filter(|key| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after))
        {
            let group = delimiter.filter(|delimiter| !delimiter.is_empty()).and_then(|delimiter| {
                Some(&key[..prefix.len() + key[prefix.len()..].find(delimiter)? + delimiter.len()])
            });
            if group.is_some_and(|group| after.is_some_and(|after| group <= after) || prefixes.last() == Some(&group)) {
                continue;
            }
            if objects.len() + prefixes.len() == limit {
                return (objects, prefixes, last);
            }
            match group {
                Some(group) => prefixes.push(group),
                None => objects.push(key.as_str()),
            }
            last = group.or(Some(key));
        }
        (objects, prefixes, None)
    }
}

async fn apply(home: &mut Home, model: &mut Model, op: Op) {
    match op {
        Op::Put { key, length, seed, absent } => {
            let bytes = bytes(seed, length);
            let condition = Condition { absent, ..Condition::default() };
            let options = eyrie_objects::store::PutOptions { condition, ..Default::default() };
            let result = async {
                let mut writer = home.store.begin_put(BUCKET, &key, options).await?;
                writer.write(bytes.clone().into()).await?;
                writer.finish(Default::default()).await
            };
            match result.await {
                Ok(info) => {
                    assert_eq!(info.size_bytes, length as u64);
                    assert!(!absent || !model.objects.contains_key(&key));
                    model.objects.insert(key, bytes);
                }
                Err(StoreError::PreconditionFailed) => assert!(absent && model.objects.contains_key(&key)),
                Err(error) => panic!("{key:?}: {error:?}"),
            }
        }
        Op::Delete(key) => {
            assert_eq!(home.store.delete(BUCKET, &key).await.unwrap(), model.objects.remove(&key).is_some());
        }
        Op::Get(key) => assert_eq!(get(&home.store, &key).await.as_ref(), model.objects.get(&key), "{key:?}"),
        Op::List { prefix, delimiter, after, limit } => {
            let page = home.store.list(BUCKET, &prefix, delimiter.as_deref(), after.as_deref(), limit).await.unwrap();
            let (objects, prefixes, next) = model.list(&prefix, delimiter.as_deref(), after.as_deref(), limit);
            assert_eq!(page.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), objects);
            assert_eq!(page.common_prefixes, prefixes);
            assert_eq!(page.next_after.as_deref(), next);
        }
        Op::CreateUpload(key) => {
            if model.uploads.len() < 4 {
                let id = home.store.create_upload(BUCKET, &key, UploadOptions::default()).await.unwrap().upload_id;
                model.uploads.push(ModelUpload { key, id, parts: BTreeMap::new() });
            }
        }
        Op::PutPart { slot, number, length, seed } => {
            if let Some(upload) = model.uploads.get_mut(slot) {
                let bytes = bytes(seed, length);
                put_part(&home.store, &upload.key, &upload.id, number, &bytes).await.unwrap();
                upload.parts.insert(number, bytes);
            }
        }
        Op::Complete { slot, chosen } => {
            let Some(upload) = model.uploads.get(slot) else { return };
            let page = home.store.list_parts(BUCKET, &upload.key, &upload.id, 0, 100).await.unwrap();
            assert_eq!(
                page.parts.iter().map(|part| part.number).collect::<Vec<_>>(),
                upload.parts.keys().copied().collect::<Vec<_>>()
            );
            let parts: Vec<_> = page.parts.into_iter().filter(|part| chosen >> part.number & 1 == 1).collect();
            let small = parts.iter().rev().skip(1).any(|part| part.size_bytes < MIN_PART);
            let result = home
                .store
                .complete_upload(BUCKET, &upload.key, &upload.id, &named(&parts), &Condition::default(), None)
                .await;
            match result {
                Ok(info) => {
                    assert!(!small && !parts.is_empty());
                    let upload = model.uploads.remove(slot);
                    let whole = parts.iter().flat_map(|part| upload.parts[&part.number].clone()).collect();
                    assert_eq!(info.part_count, Some(parts.len() as u32));
                    let again = home
                        .store
                        .complete_upload(BUCKET, &upload.key, &upload.id, &named(&parts), &Condition::default(), None)
                        .await;
                    assert_eq!(again.unwrap(), info);
                    model.objects.insert(upload.key, whole);
                }
                Err(StoreError::EntityTooSmall { .. }) => assert!(small),
                Err(StoreError::InvalidPart { .. }) => assert!(parts.is_empty()),
                Err(error) => panic!("{error:?}"),
            }
        }
        Op::Abort(slot) => {
            if slot < model.uploads.len() {
                let upload = model.uploads.remove(slot);
                home.store.abort_upload(BUCKET, &upload.key, &upload.id).await.unwrap();
                assert!(put_part(&home.store, &upload.key, &upload.id, 1, b"late").await.is_err());
            }
        }
        Op::Sweep => {
            assert_eq!(home.store.sweep().await.unwrap(), 0, "nothing has expired and nothing was lost track of")
        }
        Op::Reopen => home.reopen(),
    }
}

/// Everything, read in pages and byte by byte, and nothing left over on the disk.
async fn check(home: &Home, model: &Model) {
    let (mut after, mut found) = (None::<String>, Vec::new());
    loop {
        let page = home.store.list(BUCKET, "", None, after.as_deref(), 3).await.unwrap();
        found.extend(page.objects.into_iter().map(|object| object.key));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, model.objects.keys().cloned().collect::<Vec<_>>());
    for (key, bytes) in &model.objects {
        assert_eq!(get(&home.store, key).await.as_ref(), Some(bytes));
    }
    let mut unfinished: Vec<_> = model.uploads.iter().map(|upload| (upload.key.clone(), upload.id.clone())).collect();
    unfinished.sort();
    let uploads = home.store.list_uploads(BUCKET, "", None, None, None, 100).await.unwrap().uploads;
    assert_eq!(uploads.into_iter().map(|upload| (upload.key, upload.upload_id)).collect::<Vec<_>>(), unfinished);
    home.tmp_is_empty().await;
    assert_eq!(files_below(&home.root().join("buckets")).len(), model.objects.len());
}

#[test]
fn the_store_behaves_as_a_map() {
    let cases = std::env::var("EYRIE_MODEL_CASES").map_or(120, |count| count.parse().expect("a number"));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let done = std::cell::Cell::new(0);
    runner
        .run(&prop::collection::vec(op(), 20..60), |ops| {
            runtime.block_on(async {
                let mut home = Home::with_files(Arc::new(Unsynced)).await;
                let mut model = Model::default();
                done.set(done.get() + ops.len());
                for op in ops {
                    apply(&mut home, &mut model, op).await;
                }
                check(&home, &model).await;
            });
            Ok(())
        })
        .unwrap();
    println!("{} operations agreed", done.get());
}
