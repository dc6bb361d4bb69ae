use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use eyrie_objects::StoreError;
use eyrie_objects::store::{Condition, PutOptions};
use futures::StreamExt;
use futures::future::join_all;

use crate::common::*;

const VERSIONS: u8 = 60;

/// Whole objects of one version each, in one file or in parts, whatever is put over them meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_the_old_or_the_new_object_whole() {
    let home = Arc::new(Home::with_files(Arc::new(Unsynced)).await);
    let version = |seed: u8| bytes(seed, 700_000 + usize::from(seed) * 10_000);
    put(&home.store, "a", &version(0)).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (home, done, reads) = (home.clone(), done.clone(), reads.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let (info, mut stream) = home.store.read(BUCKET, "a", None).await.unwrap();
                    let mut all = Vec::new();
                    while let Some(chunk) = stream.next().await {
                        all.extend_from_slice(&chunk.unwrap());
                        tokio::task::yield_now().await;
                    }
                    let seed = ((info.size_bytes - 700_000) / 10_000) as u8;
                    assert!(all == bytes(seed, info.size_bytes as usize), "version {seed} is whole");
                    reads.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for seed in 1..VERSIONS {
        let all = version(seed);
        if seed % 2 == 0 {
            put(&home.store, "a", &all).await.unwrap();
        } else {
            put_multipart(&home.store, "a", &[&all[..300_000], &all[300_000..]]).await.unwrap();
        }
        let before = reads.load(Ordering::SeqCst);
        if seed % 8 == 0 {
            eventually("a reader finished", || reads.load(Ordering::SeqCst) > before).await;
        }
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(reads.load(Ordering::SeqCst) >= 7);
    // The last version has parts, those of all others went with their last reader.
    eventually("old parts are gone", || entries(&home.root().join("uploads")) == 1).await;
    home.tmp_is_empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_keeps_what_was_removed() {
    let home = Home::new().await;
    let all = bytes(1, 1_500_000);
    for multipart in [false, true] {
        if multipart {
            put_multipart(&home.store, "a", &[&all[..700_000], &all[700_000..]]).await.unwrap();
        } else {
            put(&home.store, "a", &all).await.unwrap();
        }
        let reader = home.store.open_object(BUCKET, "a").await.unwrap().unwrap();
        assert!(home.store.delete(BUCKET, "a").await.unwrap());
        assert_eq!(home.store.sweep().await.unwrap(), 0, "somebody reads it");
        assert!(collect(reader.into_stream(None)).await.unwrap() == all);
        eventually("the parts are gone", || entries(&home.root().join("uploads")) == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_makes_an_absent_object() {
    let home = Home::new().await;
    let tries = (0..16).map(|seed| {
        let store = &home.store;
        async move {
            let condition = Condition { absent: true, ..Condition::default() };
            let mut writer = store.begin_put(BUCKET, "a/b", PutOptions { condition, ..PutOptions::default() }).await?;
            writer.write(bytes(seed, 1000).into()).await?;
            writer.finish(Default::default()).await
        }
    });
    let results = join_all(tries).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(StoreError::PreconditionFailed))));
}

/// Directories come and go under the puts; nothing that was acknowledged is missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn puts_and_deletes_in_the_same_directories_do_not_disturb_each_other() {
    let home = Home::with_files(Arc::new(Unsynced)).await;
    let workers = (0..8).map(|worker| {
        let store = &home.store;
        async move {
            for round in 0..60 {
                let key = format!("d/e/f/{worker}");
                put(store, &key, &[round]).await.unwrap();
                assert_eq!(get(store, &key).await.unwrap(), [round]);
                assert!(store.delete(BUCKET, &key).await.unwrap());
            }
        }
    });
    join_all(workers).await;
    assert_eq!(keys(&home.store).await, [""; 0]);
}

/// Only as many threads as named are used, and waiting for one never waits for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_requests_at_once_all_end() {
    let home = Home::with_files(Arc::new(Unsynced)).await;
    let results = join_all((0..400).map(|at| {
        let store = &home.store;
        async move {
            let key = format!("k{}", at % 7);
            let bytes = bytes(at as u8, 1_200_000);
            put(store, &key, &bytes).await?;
            store.head(BUCKET, &key).await
        }
    }))
    .await;
    assert!(results.into_iter().all(|result| result.unwrap().is_some()));
    home.tmp_is_empty().await;
}

/// A command beside the server removes objects too, and with them directories that the server believes to be there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directories_that_another_process_removed_are_made_again() {
    let home = Arc::new(Home::with_files(Arc::new(Unsynced)).await);
    let command = home.beside();
    put(&home.store, "docks/A/one", b"1").await.unwrap();
    let made = || entries(&home.root().join("buckets").join(BUCKET));
    let with_docks = made();
    assert!(command.delete(BUCKET, "docks/A/one").await.unwrap());
    assert_eq!(made(), with_docks - 1, "the directory is gone");
    put(&home.store, "docks/B/two", b"2").await.unwrap();
    assert_eq!(get(&home.store, "docks/B/two").await.unwrap(), b"2");
    assert!(command.delete(BUCKET, "docks/B/two").await.unwrap());

    let puts = (0..4).map(|writer| {
        let home = home.clone();
        tokio::spawn(async move {
            for n in 0..150 {
                let key = format!("docks/{writer}/{n}/file");
                put(&home.store, &key, b"bytes").await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
            }
        })
    });
    let mut puts = std::pin::pin!(join_all(puts));
    let mut removed = 0;
    loop {
        let done = futures::poll!(&mut puts);
        for object in command.list(BUCKET, "docks/", None, None, 1000).await.unwrap().objects {
            removed += usize::from(command.delete(BUCKET, &object.key).await.unwrap());
        }
        if let std::task::Poll::Ready(done) = done {
            done.into_iter().for_each(|put| put.unwrap());
            break;
        }
    }
    assert_eq!(removed, 600);
    home.store.writable().unwrap();
}
