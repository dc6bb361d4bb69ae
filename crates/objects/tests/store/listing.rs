use std::sync::Arc;

use eyrie_objects::Store;

use crate::common::*;

async fn with_keys(keys: &[&str]) -> Home {
    let home = Home::with_files(Arc::new(Unsynced)).await;
    for key in keys {
        put(&home.store, key, key.as_bytes()).await.unwrap();
    }
    home
}

async fn list(store: &Store, prefix: &str, delimiter: Option<&str>, after: Option<&str>) -> (Vec<String>, Vec<String>) {
    let page = store.list(BUCKET, prefix, delimiter, after, 1000).await.unwrap();
    assert_eq!(page.next_after, None);
    (page.objects.into_iter().map(|object| object.key).collect(), page.common_prefixes)
}

#[tokio::test]
async fn keys_come_in_the_order_of_their_bytes() {
    let long = "x".repeat(240);
    let (long_dash, long_slash, long_zero) = (format!("{long}-"), format!("{long}/"), format!("{long}0"));
    let mut keys = vec![
        "a0",
        "a/b",
        "a-b",
        "a",
        "a/",
        "a/-",
        "a//b",
        "B",
        "é",
        "z\u{10ffff}",
        "a/b/c",
        "a-b/c",
        "\x01",
        &long,
        &long_zero,
        &long_slash,
        &long_dash,
    ];
    let home = with_keys(&keys).await;
    keys.sort_unstable();
    assert_eq!(list(&home.store, "", None, None).await.0, keys);
    for (at, after) in keys.iter().enumerate() {
        assert_eq!(list(&home.store, "", None, Some(after)).await.0, keys[at + 1..], "after {after:?}");
    }
    for prefix in ["a", "a/", "a-", "a/b", &long, &long_slash, "zzz", "/"] {
        let expected: Vec<_> = keys.iter().filter(|key| key.starts_with(prefix)).copied().collect();
        assert_eq!(list(&home.store, prefix, None, None).await.0, expected, "{prefix:?}");
    }
}

#[tokio::test]
async fn delimiters_of_any_kind_collapse() {
    let home =
        with_keys(&["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "b-ar", "b-az", "bar", "a/b-c/d"])
            .await;
    let store = &home.store;
    let both = |objects: &[&str], prefixes: &[&str]| {
        (
            objects.iter().map(|key| key.to_string()).collect::<Vec<_>>(),
            prefixes.iter().map(|key| key.to_string()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        list(store, "", Some("/"), None).await,
        both(&["asdf", "b-ar", "b-az", "bar"], &["a/", "boo/", "cquux/"])
    );
    assert_eq!(list(store, "boo/", Some("/"), None).await, both(&["boo/bar"], &["boo/baz/"]));
    assert_eq!(list(store, "", Some("-"), None).await.1, ["a/b-", "b-"]);
    assert_eq!(list(store, "", Some("a"), None).await.1, ["a", "b-a", "ba", "boo/ba", "cquux/bla"]);
    assert_eq!(list(store, "", Some("b-"), None).await.1, ["a/b-", "b-"]);
    assert_eq!(list(store, "", Some(""), None).await.0.len(), 9);
    assert_eq!(list(store, "", Some("%"), None).await.0.len(), 9);
    assert_eq!(list(store, "", Some("/"), Some("boo/")).await, both(&[], &["cquux/"]));
    assert_eq!(list(store, "", Some("/"), Some("b")).await, both(&["b-ar", "b-az", "bar"], &["boo/", "cquux/"]));
}

#[tokio::test]
async fn pages_join_without_gap_or_repetition() {
    let home = with_keys(&["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "d"]).await;
    for limit in 1..6 {
        let (mut after, mut found) = (None::<String>, Vec::new());
        loop {
            let page = home.store.list(BUCKET, "", Some("/"), after.as_deref(), limit).await.unwrap();
            assert!(page.objects.len() + page.common_prefixes.len() <= limit);
            found.extend(page.objects.into_iter().map(|object| object.key).chain(page.common_prefixes));
            after = page.next_after;
            if after.is_none() {
                break;
            }
        }
        found.sort();
        assert_eq!(found, ["asdf", "boo/", "cquux/", "d"], "{limit} a page");
    }
    let none = home.store.list(BUCKET, "", None, None, 0).await.unwrap();
    assert!(none.objects.is_empty() && none.next_after.is_none());
}

#[tokio::test]
async fn what_is_not_ours_in_the_tree_is_left_alone() {
    let home = with_keys(&["a/b"]).await;
    let bucket = home.root().join("buckets").join(BUCKET);
    std::fs::create_dir(bucket.join("empty%")).unwrap();
    std::fs::create_dir(bucket.join("foreign")).unwrap();
    std::fs::write(bucket.join("%41"), b"not canonical").unwrap();
    std::os::unix::fs::symlink("/etc", bucket.join("etc%")).unwrap();
    std::fs::write(bucket.join("stray.txt"), b"no record").unwrap();
    assert_eq!(list(&home.store, "", None, None).await.0, ["a/b"]);
    assert_eq!(list(&home.store, "", Some("/"), None).await.1, ["a/"]);
    assert_eq!(list(&home.store, "a/", None, None).await.0, ["a/b"]);
    for prefix in ["etc/", "etc/ssl/", "empty/", "foreign/", "a/b/", "nothing/", "../", "/", &"x/".repeat(600)] {
        assert!(list(&home.store, prefix, None, None).await.0.is_empty(), "{prefix}");
    }
}

#[tokio::test]
async fn many_objects_are_looked_up_at_once_in_few_and_in_crowded_directories() {
    let home = Home::new().await;
    for n in 0..90 {
        put(&home.store, &format!("flight/{n}.JPG"), b"x").await.unwrap();
    }
    put(&home.store, "flight/85.JPG/inner", b"x").await.unwrap();
    put(&home.store, "other/a", b"x").await.unwrap();
    assert!(home.store.delete(BUCKET, "flight/7.JPG").await.unwrap());
    let asked = |keys: Vec<String>| keys.into_iter().map(|key| (BUCKET.to_owned(), key)).collect::<Vec<_>>();
    // enough of one directory for a list of it, and of few entries for each
    let mut keys: Vec<_> = (0..100).map(|n| format!("flight/{n}.JPG")).collect();
    keys.extend(
        ["other/a", "other/b", "flight", "flight/85.JPG/inner", "flight/../flight/1.JPG", ""].map(str::to_owned),
    );
    let mut expected: Vec<_> = (0..100).map(|n| n < 90 && n != 7).collect();
    expected.extend([true, false, false, true, false, false]);
    assert_eq!(home.store.are_there(asked(keys)).await.unwrap(), expected);
    // 64 of a directory of more than 8 times as many: each is asked for by itself
    for n in 0..520 {
        put(&home.store, &format!("crowd/{n}"), b"x").await.unwrap();
    }
    let keys: Vec<_> = (500..564).map(|n| format!("crowd/{n}")).collect();
    let expected: Vec<_> = (500..564).map(|n| n < 520).collect();
    assert_eq!(home.store.are_there(asked(keys)).await.unwrap(), expected);
}
