//! What each operation needs. An operation without a row is nobody's.

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

use super::error::{custom, not_implemented};

/// What an operator's key must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Read,
    Write,
    /// Write, and a server that makes buckets on request.
    Buckets,
}

/// What the operation is about, which is the resource of a session policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Account,
    Bucket,
    Object,
    /// The objects are named in the body: the operation itself asks for each.
    ObjectsInBody,
}

#[derive(Debug)]
pub(super) struct Right {
    /// The name that `s3s` gives it.
    operation: &'static str,
    pub(super) need: Need,
    pub(super) target: Target,
    /// IAM's name.
    pub(super) action: &'static str,
    /// Whether a dock's session may do it, below its prefix.
    pub(super) dock: bool,
    /// Whether the object of the path may be another one afterwards.
    pub(super) replaces: bool,
}

pub(super) fn of(operation: &str) -> Option<&'static Right> {
    RIGHTS.iter().find(|right| right.operation == operation)
}

/// What an operator hears of an operation that is not offered: a bucket has no such configuration, in S3's own word for
/// each, since tools ask for all of them; for the rest there is one word.
pub(super) fn not_offered(operation: &str) -> S3Error {
    let none = |code| S3Error::with_message(code, "There is no such configuration.");
    match operation {
        "GetBucketCors" => none(S3ErrorCode::NoSuchCORSConfiguration),
        "GetBucketEncryption" => none(S3ErrorCode::ServerSideEncryptionConfigurationNotFoundError),
        "GetBucketLifecycleConfiguration" => none(S3ErrorCode::NoSuchLifecycleConfiguration),
        "GetBucketOwnershipControls" => none(S3ErrorCode::OwnershipControlsNotFoundError),
        "GetBucketPolicy" | "GetBucketPolicyStatus" => none(S3ErrorCode::NoSuchBucketPolicy),
        "GetBucketReplication" => none(S3ErrorCode::ReplicationConfigurationNotFoundError),
        "GetBucketTagging" => none(S3ErrorCode::NoSuchTagSet),
        "GetBucketWebsite" => none(S3ErrorCode::NoSuchWebsiteConfiguration),
        "GetObjectLockConfiguration" => none(S3ErrorCode::ObjectLockConfigurationNotFoundError),
        "GetPublicAccessBlock" => {
            custom("NoSuchPublicAccessBlockConfiguration", StatusCode::NOT_FOUND, "There is no such configuration.")
        }
        _ => not_implemented("The operation is not offered."),
    }
}

const fn right(operation: &'static str, need: Need, target: Target, action: &'static str, dock: bool) -> Right {
    Right { operation, need, target, action, dock, replaces: false }
}

impl Right {
    const fn replaces(self) -> Self {
        Self { replaces: true, ..self }
    }
}

/// Actions as in "Actions, resources, and condition keys for Amazon S3", Service Authorization Reference.
static RIGHTS: [Right; 28] = [
    right("ListBuckets", Need::Read, Target::Account, "s3:ListAllMyBuckets", false),
    right("HeadBucket", Need::Read, Target::Bucket, "s3:ListBucket", false),
    right("GetBucketLocation", Need::Read, Target::Bucket, "s3:GetBucketLocation", false),
    right("GetBucketVersioning", Need::Read, Target::Bucket, "s3:GetBucketVersioning", false),
    right("GetBucketAcl", Need::Read, Target::Bucket, "s3:GetBucketAcl", false),
    right("ListObjects", Need::Read, Target::Bucket, "s3:ListBucket", false),
    right("ListObjectsV2", Need::Read, Target::Bucket, "s3:ListBucket", false),
    right("ListObjectVersions", Need::Read, Target::Bucket, "s3:ListBucketVersions", false),
    right("GetObject", Need::Read, Target::Object, "s3:GetObject", false),
    right("HeadObject", Need::Read, Target::Object, "s3:GetObject", false),
    right("GetObjectAttributes", Need::Read, Target::Object, "s3:GetObjectAttributes", false),
    right("GetObjectAcl", Need::Read, Target::Object, "s3:GetObjectAcl", false),
    right("GetObjectTagging", Need::Read, Target::Object, "s3:GetObjectTagging", false),
    right("ListMultipartUploads", Need::Read, Target::Bucket, "s3:ListBucketMultipartUploads", false),
    right("ListParts", Need::Read, Target::Object, "s3:ListMultipartUploadParts", true),
    right("PutObject", Need::Write, Target::Object, "s3:PutObject", true).replaces(),
    right("CreateMultipartUpload", Need::Write, Target::Object, "s3:PutObject", true).replaces(),
    right("UploadPart", Need::Write, Target::Object, "s3:PutObject", true),
    right("CompleteMultipartUpload", Need::Write, Target::Object, "s3:PutObject", true).replaces(),
    right("AbortMultipartUpload", Need::Write, Target::Object, "s3:AbortMultipartUpload", true),
    right("CopyObject", Need::Write, Target::Object, "s3:PutObject", false).replaces(),
    right("UploadPartCopy", Need::Write, Target::Object, "s3:PutObject", false),
    right("DeleteObject", Need::Write, Target::Object, "s3:DeleteObject", false),
    right("DeleteObjects", Need::Write, Target::ObjectsInBody, "s3:DeleteObject", false),
    right("PutBucketAcl", Need::Write, Target::Bucket, "s3:PutBucketAcl", false),
    right("PutObjectAcl", Need::Write, Target::Object, "s3:PutObjectAcl", false),
    // of the key's own bucket, which is there: many tools make sure of that before they write
    right("CreateBucket", Need::Write, Target::Bucket, "s3:CreateBucket", false),
    right("DeleteBucket", Need::Buckets, Target::Bucket, "s3:DeleteBucket", false),
];
