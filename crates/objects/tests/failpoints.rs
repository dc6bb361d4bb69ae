//! An error, or a full disk, at each named step of each flow: nothing is acknowledged, the old object stays whole,
//! nothing half is seen, and after a failed sync nothing more is written before the next start.
//!
//! The steps are armed for the whole process, so the tests of this file take turns.
#![cfg(feature = "failpoints")]
#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

#[path = "store/common.rs"]
#[allow(dead_code)]
mod common;

use std::collections::BTreeSet;

use common::*;
use eyrie_env::{FailAction, fail_names, fail_set};
use eyrie_objects::StoreError;
use eyrie_objects::store::{Condition, UploadOptions};
use futures::future::BoxFuture;
use tokio::sync::Mutex;

static TURN: Mutex<()> = Mutex::const_new(());

/// Arms a step for one hit; disarmed when dropped.
struct Armed(&'static str);

impl Armed {
    fn new(name: &'static str, action: FailAction, hit: u32) -> Self {
        fail_set(name, Some(action), Some(hit));
        Self(name)
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        fail_set(self.0, None, None);
    }
}

type Flow = for<'a> fn(&'a Home) -> BoxFuture<'a, Result<(), StoreError>>;

const KEY: &str = "d/e/object";

fn put_flow(home: &Home) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async { put(&home.store, KEY, b"new").await.map(drop) })
}

fn multipart_flow(home: &Home) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async { put_multipart(&home.store, KEY, &[b"the new one in parts ", b"new"]).await.map(drop) })
}

fn delete_flow(home: &Home) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async { home.store.delete(BUCKET, KEY).await.map(drop) })
}

fn abort_flow(home: &Home) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async {
        let id = home.store.create_upload(BUCKET, KEY, UploadOptions::default()).await?.upload_id;
        home.store.abort_upload(BUCKET, KEY, &id).await
    })
}

fn bucket_flow(home: &Home) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async {
        home.store.create_bucket("another").await?;
        home.store.delete_bucket("another").await
    })
}

/// Each flow with what its key may hold after it failed, besides what it held before.
const FLOWS: [(Flow, Option<&[u8]>); 5] = [
    (put_flow, Some(b"new")),
    (multipart_flow, Some(b"the new one in parts new")),
    (delete_flow, None),
    (abort_flow, Some(b"never")),
    (bucket_flow, Some(b"never")),
];

/// What the key holds before the flow.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    Plain,
    Multipart,
}

async fn prepared(before: Before) -> (Home, Option<&'static [u8]>) {
    let home = Home::with_files(std::sync::Arc::new(Unsynced)).await;
    match before {
        Before::Nothing => return (home, None),
        Before::Plain => drop(put(&home.store, KEY, b"old").await.unwrap()),
        Before::Multipart => drop(put_multipart(&home.store, KEY, &[b"the old one in parts ", b"old"]).await.unwrap()),
    }
    let old = get(&home.store, KEY).await.unwrap();
    (home, Some(old.leak()))
}

/// The steps known so far; running the flow once makes its own known.
async fn steps(flow: Flow, before: Before) -> Vec<&'static str> {
    let (home, _) = prepared(before).await;
    flow(&home).await.unwrap();
    fail_names().into_iter().filter(|name| name.starts_with("objects.")).collect()
}

#[tokio::test]
async fn a_failure_at_any_step_is_not_acknowledged_and_harms_nothing() {
    let _turn = TURN.lock().await;
    let mut failed = BTreeSet::new();
    for (flow, new) in FLOWS {
        for before in [Before::Nothing, Before::Plain, Before::Multipart] {
            for name in steps(flow, before).await {
                for action in [FailAction::Error, FailAction::NoSpace] {
                    for hit in 1.. {
                        if !one_failure(flow, new, before, name, &action, hit).await {
                            break;
                        }
                        failed.insert(name);
                    }
                }
            }
        }
    }
    // Every step that exists was failed at least once; one that is named but never passed is a step without a test.
    let named: BTreeSet<_> = fail_names().into_iter().filter(|name| name.starts_with("objects.")).collect();
    let never: Vec<_> = named.difference(&failed).filter(|name| !TIDY.contains(name)).collect();
    assert!(never.is_empty(), "{never:?}");
    println!("{} steps failed: {failed:?}", failed.len());
}

/// Steps after the outcome is durable: their failure is made up for later, so the flow itself succeeds.
const TIDY: [&str; 3] = ["objects.put.tidy", "objects.complete.tidy", "objects.delete.tidy"];

/// One flow with one failure; `false` when the step was not reached that often or its failure does not matter.
async fn one_failure(
    flow: Flow,
    new: Option<&[u8]>,
    before: Before,
    name: &'static str,
    action: &FailAction,
    hit: u32,
) -> bool {
    let what = format!("{name} hit {hit} {action:?}, {before:?} before");
    let (mut home, old) = prepared(before).await;
    let armed = Armed::new(name, action.clone(), hit);
    let result = flow(&home).await;
    drop(armed);
    let Err(error) = result else { return false };
    let synced = name.ends_with("sync") || name.ends_with("sync_dir");
    match (&error, synced, action) {
        (StoreError::Broken(_), true, _) => {}
        (StoreError::Full { .. }, false, FailAction::NoSpace) | (StoreError::Io { .. }, false, _) => {}
        _ => panic!("{what}: {error:?}"),
    }
    for start in 0..2 {
        let found = get(&home.store, KEY).await;
        assert!(found.as_deref() == old || found.as_deref() == new, "{what}: {found:?}");
        let listed = home.store.list(BUCKET, "", None, None, 10).await.unwrap().objects;
        assert_eq!(listed.len(), usize::from(found.is_some()), "{what}");
        if start == 0 && synced {
            assert!(matches!(home.store.writable(), Err(StoreError::Broken(_))), "{what}");
            for attempt in [put_flow, multipart_flow] {
                assert!(matches!(attempt(&home).await, Err(StoreError::Broken(_))), "{what}");
            }
            if found.is_some() {
                assert!(matches!(delete_flow(&home).await, Err(StoreError::Broken(_))), "{what}");
            }
        } else if start == 0 {
            home.tmp_is_empty_after(&what).await;
        }
        home.reopen();
    }
    // The next start works, and the same can be done now.
    home.tmp_is_empty_after(&what).await;
    flow(&home).await.unwrap_or_else(|error| panic!("{what}, again: {error:?}"));
    home.store.sweep().await.unwrap();
    put(&home.store, KEY, b"afterwards").await.unwrap();
    assert_eq!(get(&home.store, KEY).await.unwrap(), b"afterwards", "{what}");
    home.advance(UPLOAD_EXPIRY);
    home.store.sweep().await.unwrap();
    home.tmp_is_empty_after(&what).await;
    assert_eq!(entries(&home.root().join("uploads")) + entries(&home.root().join("open")), 0, "{what}");
    true
}

/// What is left over when tidying up fails is found later.
#[tokio::test]
async fn what_could_not_be_tidied_up_is_swept() {
    let _turn = TURN.lock().await;
    for name in TIDY {
        let (mut home, _) = prepared(Before::Multipart).await;
        let armed = Armed::new(name, FailAction::Error, 1);
        match name {
            "objects.put.tidy" => put_flow(&home).await.unwrap(),
            "objects.delete.tidy" => delete_flow(&home).await.unwrap(),
            _ => multipart_flow(&home).await.unwrap(),
        }
        drop(armed);
        let found = get(&home.store, KEY).await;
        let uploads = home.root().join("uploads");
        home.reopen();
        home.store.sweep().await.unwrap();
        assert_eq!(entries(&home.root().join("open")), 0, "{name}");
        assert_eq!(entries(&uploads), usize::from(name == "objects.complete.tidy"), "{name}");
        assert_eq!(get(&home.store, KEY).await, found, "{name}");
    }
}

/// Complete was cut off after the object was in place; the client asks again, before and after the next start.
#[tokio::test]
async fn a_complete_that_was_not_acknowledged_can_be_repeated() {
    let _turn = TURN.lock().await;
    for name in ["objects.complete.sync", "objects.complete.rename", "objects.complete.sync_dir"] {
        for hit in 1..4 {
            let mut home = Home::new().await;
            let id = home.store.create_upload(BUCKET, KEY, UploadOptions::default()).await.unwrap().upload_id;
            let part = put_part(&home.store, KEY, &id, 1, b"bytes").await.unwrap();
            let armed = Armed::new(name, FailAction::Error, hit);
            let list = named(std::slice::from_ref(&part));
            let first = home.store.complete_upload(BUCKET, KEY, &id, &list, &Condition::default(), None).await;
            drop(armed);
            assert!(first.is_err() || hit > 1);
            home.reopen();
            home.store.complete_upload(BUCKET, KEY, &id, &list, &Condition::default(), None).await.unwrap();
            assert_eq!(get(&home.store, KEY).await.unwrap(), b"bytes");
        }
    }
}
