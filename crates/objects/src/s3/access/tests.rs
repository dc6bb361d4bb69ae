//! Every operation that `s3s` knows, by every kind of credential. An operation without a row fails.

use std::collections::BTreeSet;
use std::process::Command;

use eyrie_env::{Clock, ManualClock, RealFiles, SeededRandom};
use http::HeaderValue;
use jiff::Timestamp;
use s3s::S3ErrorCode;

use super::*;
use crate::{SessionCredentials, StoreConfig};

/// Who may: `d` a dock's session below its prefix, `r` a reading key (and so a writing one), `w` a writing key, `b` a
/// writing key where buckets are made on request, `i` the internal key in a presigned URL, `-` nobody.
const TABLE: &[(&str, &str)] = &[
    ("AbortMultipartUpload", "dw"),
    ("CompleteMultipartUpload", "dw"),
    ("CopyObject", "w"),
    ("CreateBucket", "w"),
    ("CreateBucketMetadataTableConfiguration", "-"),
    ("CreateMultipartUpload", "dw"),
    ("CreateSession", "-"),
    ("DeleteBucket", "b"),
    ("DeleteBucketAnalyticsConfiguration", "-"),
    ("DeleteBucketCors", "-"),
    ("DeleteBucketEncryption", "-"),
    ("DeleteBucketIntelligentTieringConfiguration", "-"),
    ("DeleteBucketInventoryConfiguration", "-"),
    ("DeleteBucketLifecycle", "-"),
    ("DeleteBucketMetadataTableConfiguration", "-"),
    ("DeleteBucketMetricsConfiguration", "-"),
    ("DeleteBucketOwnershipControls", "-"),
    ("DeleteBucketPolicy", "-"),
    ("DeleteBucketReplication", "-"),
    ("DeleteBucketTagging", "-"),
    ("DeleteBucketWebsite", "-"),
    ("DeleteObject", "w"),
    ("DeleteObjectTagging", "-"),
    ("DeleteObjects", "w"),
    ("DeletePublicAccessBlock", "-"),
    ("GetBucketAccelerateConfiguration", "-"),
    ("GetBucketAcl", "r"),
    ("GetBucketAnalyticsConfiguration", "-"),
    ("GetBucketCors", "-"),
    ("GetBucketEncryption", "-"),
    ("GetBucketIntelligentTieringConfiguration", "-"),
    ("GetBucketInventoryConfiguration", "-"),
    ("GetBucketLifecycleConfiguration", "-"),
    ("GetBucketLocation", "r"),
    ("GetBucketLogging", "-"),
    ("GetBucketMetadataTableConfiguration", "-"),
    ("GetBucketMetricsConfiguration", "-"),
    ("GetBucketNotificationConfiguration", "-"),
    ("GetBucketOwnershipControls", "-"),
    ("GetBucketPolicy", "-"),
    ("GetBucketPolicyStatus", "-"),
    ("GetBucketReplication", "-"),
    ("GetBucketRequestPayment", "-"),
    ("GetBucketTagging", "-"),
    ("GetBucketVersioning", "r"),
    ("GetBucketWebsite", "-"),
    ("GetObject", "ri"),
    ("GetObjectAcl", "r"),
    ("GetObjectAttributes", "r"),
    ("GetObjectLegalHold", "-"),
    ("GetObjectLockConfiguration", "-"),
    ("GetObjectRetention", "-"),
    ("GetObjectTagging", "r"),
    ("GetObjectTorrent", "-"),
    ("GetPublicAccessBlock", "-"),
    ("HeadBucket", "r"),
    ("HeadObject", "ri"),
    ("ListBucketAnalyticsConfigurations", "-"),
    ("ListBucketIntelligentTieringConfigurations", "-"),
    ("ListBucketInventoryConfigurations", "-"),
    ("ListBucketMetricsConfigurations", "-"),
    ("ListBuckets", "r"),
    ("ListDirectoryBuckets", "-"),
    ("ListMultipartUploads", "r"),
    ("ListObjectVersions", "r"),
    ("ListObjects", "r"),
    ("ListObjectsV2", "r"),
    ("ListParts", "dr"),
    ("PostObject", "-"),
    ("PutBucketAccelerateConfiguration", "-"),
    ("PutBucketAcl", "w"),
    ("PutBucketAnalyticsConfiguration", "-"),
    ("PutBucketCors", "-"),
    ("PutBucketEncryption", "-"),
    ("PutBucketIntelligentTieringConfiguration", "-"),
    ("PutBucketInventoryConfiguration", "-"),
    ("PutBucketLifecycleConfiguration", "-"),
    ("PutBucketLogging", "-"),
    ("PutBucketMetricsConfiguration", "-"),
    ("PutBucketNotificationConfiguration", "-"),
    ("PutBucketOwnershipControls", "-"),
    ("PutBucketPolicy", "-"),
    ("PutBucketReplication", "-"),
    ("PutBucketRequestPayment", "-"),
    ("PutBucketTagging", "-"),
    ("PutBucketVersioning", "-"),
    ("PutBucketWebsite", "-"),
    ("PutObject", "dw"),
    ("PutObjectAcl", "w"),
    ("PutObjectLegalHold", "-"),
    ("PutObjectLockConfiguration", "-"),
    ("PutObjectRetention", "-"),
    ("PutObjectTagging", "-"),
    ("PutPublicAccessBlock", "-"),
    ("RestoreObject", "-"),
    ("SelectObjectContent", "-"),
    ("UploadPart", "dw"),
    ("UploadPartCopy", "w"),
    ("WriteGetObjectResponse", "-"),
];

const BUCKET: &str = "ws-1";
const PREFIX: &str = "docks/SN1";
const READER: &str = "EYRIEREADER222222222";
const WRITER: &str = "EYRIEWRITER222222222";

struct TwoKeys;

#[async_trait::async_trait]
impl Keys for TwoKeys {
    async fn grant(&self, id: &str) -> Result<Option<KeyGrant>, Box<dyn std::error::Error + Send + Sync>> {
        let grant = |write| KeyGrant { bucket: BUCKET.to_owned(), write };
        Ok(match id {
            READER => Some(grant(false)),
            WRITER => Some(grant(true)),
            _ => None,
        })
    }
}

struct World {
    account: Account,
    open: Account,
    clock: Arc<ManualClock>,
    _root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()));
        let random = Arc::new(SeededRandom::new(1));
        let issuer = Issuer::new([7; 32], clock.clone(), random.clone());
        let root = tempfile::tempdir().unwrap();
        let config = StoreConfig {
            root: root.path().join("store"),
            min_free_bytes: 0,
            upload_expiry: std::time::Duration::from_secs(60),
        };
        let store = Arc::new(Store::open(config, true, clock.clone(), random, Arc::new(RealFiles)).unwrap());
        let account = Account::new(issuer.clone(), Arc::new(TwoKeys), None);
        let open = Account::new(issuer, Arc::new(TwoKeys), Some(store));
        Self { account, open, clock, _root: root }
    }

    fn dock(&self) -> SessionCredentials {
        self.account.issuer.dock_session(BUCKET, PREFIX, 3600)
    }

    fn role(&self, key_id: &str, policy: Option<&str>) -> SessionCredentials {
        self.account.issuer.role_session(key_id, policy.map(str::to_owned), 3600)
    }
}

/// Asks with a key id and a token, in the header form.
async fn ask(account: &Account, operation: &str, path: &S3Path, id: &str, token: Option<&str>) -> S3Result<Authority> {
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        headers.insert(TOKEN_HEADER, HeaderValue::from_str(token).unwrap());
    }
    let uri = Uri::from_static("/");
    account.decide(&Asked { operation, path, access_key_id: Some(id), uri: &uri, headers: &headers }).await
}

async fn ask_presigned(account: &Account, operation: &str, path: &S3Path, id: &str) -> S3Result<Authority> {
    let uri = Uri::from_static("/?X-Amz-Signature=00");
    let headers = HeaderMap::new();
    account.decide(&Asked { operation, path, access_key_id: Some(id), uri: &uri, headers: &headers }).await
}

/// The path that an operation is resolved for, inside the dock's prefix.
fn path_of(operation: &str) -> S3Path {
    match operation {
        "ListBuckets" | "ListDirectoryBuckets" => S3Path::root(),
        name if name.contains("Bucket") || name.starts_with("ListObject") || name == "DeleteObjects" => {
            S3Path::bucket(BUCKET)
        }
        "ListMultipartUploads" | "PostObject" => S3Path::bucket(BUCKET),
        _ => S3Path::object(BUCKET, "docks/SN1/a.jpg"),
    }
}

fn code(outcome: S3Result<Authority>) -> String {
    outcome.err().map_or_else(|| "permitted".to_owned(), |error| error.code().as_str().to_owned())
}

#[test]
fn every_operation_of_s3s_has_a_row() {
    let version = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // packages of other platforms were never downloaded on a machine that only builds
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--filter-platform", host, "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let s3s = packages.iter().find(|package| package["name"] == "s3s").unwrap();
    let manifest = std::path::Path::new(s3s["manifest_path"].as_str().unwrap());
    let source = std::fs::read_to_string(manifest.with_file_name("src").join("ops/generated.rs")).unwrap();
    let known: BTreeSet<&str> =
        source.lines().filter_map(|line| line.strip_prefix("impl super::Operation for ")?.strip_suffix(" {")).collect();
    assert!(known.len() > 90, "the source of s3s looks different: {} operations found", known.len());
    let rows: BTreeSet<&str> = TABLE.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(known, rows);
}

#[tokio::test]
async fn each_credential_may_what_the_table_says_and_nothing_else() {
    let world = World::new();
    let (dock, reader, writer) = (world.dock(), world.role(READER, None), world.role(WRITER, None));
    for (operation, who) in TABLE {
        let path = path_of(operation);
        let check = |what: &str, outcome: S3Result<Authority>, letters: &str| {
            // operators hear what is not offered, and that is no secret of any bucket but their own
            let expected = if who.contains(|c| letters.contains(c)) {
                "permitted".to_owned()
            } else if rights::of(operation).is_none() && letters.contains('r') && path != S3Path::root() {
                rights::not_offered(operation).code().as_str().to_owned()
            } else {
                "AccessDenied".to_owned()
            };
            assert_eq!(code(outcome), expected, "{operation} by {what}");
        };
        let with = |session: &SessionCredentials| (session.access_key_id.clone(), session.session_token.clone());
        for (what, (id, token), letters) in [
            ("a dock", with(&dock), "d"),
            ("a reader's role", with(&reader), "r"),
            ("a writer's role", with(&writer), "rw"),
        ] {
            check(what, ask(&world.account, operation, &path, &id, Some(&token)).await, letters);
        }
        check("a reader", ask(&world.account, operation, &path, READER, None).await, "r");
        check("a writer", ask(&world.account, operation, &path, WRITER, None).await, "rw");
        check("a writer in the open", ask(&world.open, operation, &path, WRITER, None).await, "rwb");
        check("a revoked key", ask(&world.account, operation, &path, "EYRIEGONE22222222222", None).await, "");
        check("the internal key", ask_presigned(&world.account, operation, &path, INTERNAL_KEY_ID).await, "i");
        check("the internal key unpresigned", ask(&world.account, operation, &path, INTERNAL_KEY_ID, None).await, "");
        let (uri, headers) = (Uri::from_static("/"), HeaderMap::new());
        let asked = Asked { operation, path: &path, access_key_id: None, uri: &uri, headers: &headers };
        check("nobody", world.account.decide(&asked).await, "");
    }
}

#[tokio::test]
async fn a_dock_writes_below_its_prefix_only() {
    let world = World::new();
    let dock = world.dock();
    for (bucket, key, expected) in [
        (BUCKET, "docks/SN1/a.jpg", true),
        (BUCKET, "docks/SN1/flight/a.jpg", true),
        (BUCKET, "docks/SN1/", true),
        // stored under exactly this name, which begins with the prefix
        (BUCKET, "docks/SN1/../SN2/a.jpg", true),
        (BUCKET, "docks/SN1//a.jpg", true),
        (BUCKET, "docks/SN1", false),
        (BUCKET, "docks/SN10/a.jpg", false),
        (BUCKET, "docks/SN1%2Fa.jpg", false),
        (BUCKET, "docks/SN2/a.jpg", false),
        (BUCKET, "docks/../docks/SN1/a.jpg", false),
        (BUCKET, "/docks/SN1/a.jpg", false),
        (BUCKET, "Docks/SN1/a.jpg", false),
        ("ws-2", "docks/SN1/a.jpg", false),
    ] {
        for operation in ["PutObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload", "ListParts"] {
            let path = S3Path::object(bucket, key);
            let outcome =
                ask(&world.account, operation, &path, &dock.access_key_id, Some(&dock.session_token)).await.is_ok();
            assert_eq!(outcome, expected, "{operation} {bucket}/{key}");
        }
    }
}

#[tokio::test]
async fn a_dock_copies_nothing() {
    let world = World::new();
    let dock = world.dock();
    let (uri, mut headers) = (Uri::from_static("/"), HeaderMap::new());
    headers.insert(TOKEN_HEADER, HeaderValue::from_str(&dock.session_token).unwrap());
    headers.insert(COPY_SOURCE_HEADER, HeaderValue::from_static("ws-1/docks/SN2/a.jpg"));
    let path = S3Path::object(BUCKET, "docks/SN1/a.jpg");
    for operation in ["CopyObject", "UploadPartCopy", "PutObject", "UploadPart"] {
        let access_key_id = Some(dock.access_key_id.as_str());
        let asked = Asked { operation, path: &path, access_key_id, uri: &uri, headers: &headers };
        assert_eq!(code(world.account.decide(&asked).await), "AccessDenied", "{operation}");
    }
}

#[tokio::test]
async fn a_session_is_worth_its_token_until_it_expires() {
    let world = World::new();
    let (dock, other) = (world.dock(), world.dock());
    let path = S3Path::object(BUCKET, "docks/SN1/a.jpg");
    let put =
        async |token: Option<&str>| code(ask(&world.account, "PutObject", &path, &dock.access_key_id, token).await);
    assert_eq!(put(None).await, "InvalidToken");
    assert_eq!(put(Some(&other.session_token)).await, "InvalidToken");
    assert_eq!(put(Some("x")).await, "InvalidToken");
    assert_eq!(put(Some(&dock.session_token)).await, "permitted");
    world.clock.set(Timestamp::from_second(world.clock.now_s() + 3601).unwrap());
    assert_eq!(put(Some(&dock.session_token)).await, "ExpiredToken");
    let with_token = ask(&world.account, "PutObject", &path, WRITER, Some(&other.session_token)).await;
    assert_eq!(*with_token.err().unwrap().code(), S3ErrorCode::InvalidToken);
}

#[tokio::test]
async fn a_key_reaches_its_own_bucket_only() {
    let world = World::new();
    for (operation, path) in [
        ("GetObject", S3Path::object("ws-2", "a")),
        ("PutObject", S3Path::object("ws-2", "a")),
        ("ListObjectsV2", S3Path::bucket("ws-2")),
        ("DeleteObjects", S3Path::bucket("ws-2")),
        ("HeadBucket", S3Path::bucket("ws-2")),
        ("CreateBucket", S3Path::bucket("ws-2")),
        ("GetBucketPolicy", S3Path::bucket("ws-2")),
        ("PutObjectTagging", S3Path::object("ws-2", "a")),
    ] {
        assert_eq!(code(ask(&world.account, operation, &path, WRITER, None).await), "AccessDenied", "{operation}");
    }
    let authority = ask(&world.account, "CopyObject", &S3Path::object(BUCKET, "a"), WRITER, None).await.ok().unwrap();
    assert!(authority.check_object("s3:GetObject", BUCKET, "b").is_ok());
    assert!(authority.check_object("s3:GetObject", "ws-2", "b").is_err());
}

#[tokio::test]
async fn a_session_policy_only_takes_away() {
    let world = World::new();
    let policy = r#"{"Statement":[
        {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::ws-*/docks/*"},
        {"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::ws-1/docks/secret/*"}]}"#;
    let (reader, writer) = (world.role(READER, Some(policy)), world.role(WRITER, Some(policy)));
    let gone = world.role("EYRIEGONE22222222222", None);
    for (session, operation, bucket, key, expected) in [
        (&reader, "GetObject", BUCKET, "docks/a", true),
        (&reader, "PutObject", BUCKET, "docks/a", false),
        (&writer, "PutObject", BUCKET, "docks/a", true),
        (&writer, "PutObject", BUCKET, "other/a", false),
        (&writer, "PutObject", "ws-2", "docks/a", false),
        (&writer, "GetObject", BUCKET, "docks/secret/a", false),
        (&writer, "DeleteObject", BUCKET, "docks/a", false),
        (&gone, "GetObject", BUCKET, "docks/a", false),
    ] {
        let path = S3Path::object(bucket, key);
        let outcome = ask(&world.account, operation, &path, &session.access_key_id, Some(&session.session_token)).await;
        assert_eq!(outcome.is_ok(), expected, "{operation} {bucket}/{key}");
        if let Ok(authority) = outcome {
            assert!(authority.check_object("s3:DeleteObject", BUCKET, "docks/a").is_err());
            assert!(authority.check_object("s3:GetObject", BUCKET, "docks/secret/a").is_err());
        }
    }
}
