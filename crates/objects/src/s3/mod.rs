//! S3 and STS over HTTP: `s3s` with [`crate::Store`] behind it.
//!
//! `s3s` reads requests, verifies Signature Version 4 and writes XML. Around it stand the parts it leaves to a server:
//!
//! - `front`: what must happen before or after `s3s` sees a request: CORS, request ids, what is refused unread, and
//!   bounds on the body (`chunks`).
//! - `auth` finds the secret of an access key id; `access` decides what a credential may do (deny by default), from
//!   the table in `rights`.
//! - `ops`: the operations, a file per subject; `checksum` reads what a client says about its bytes.
//! - `error`: every error of the store and of a body as S3 says it, in one place.
//! - `crate::sts`: `AssumeRole` on the same port.
//!
//! Left out: versions, ACLs, tags, lifecycle, encryption, POST forms, Signature Version 2 in headers (presigned URLs of
//! that version are taken: boto3 makes them unless told otherwise), anonymous access. What would
//! change what is stored or who can read it is answered `NotImplemented`, and a bucket's configurations are said not to
//! be there (`rights`); a canned ACL is taken and has no effect, since
//! nothing is ever public and many clients send one.
//!
//! **Logs.** At `debug` and `trace` the target `s3s` prints whole requests: session tokens, signatures, and the body of
//! an STS answer with its secret. Whoever sets up logging must cap `s3s` at `error` or `off` whatever the level of the
//! rest; at `error` it prints each refused request once, without its headers. Our own events print none of these.

mod access;
mod auth;
mod checksum;
mod chunks;
mod error;
mod front;
mod host;
mod ops;
mod rights;

use std::sync::Arc;

use s3s::config::StaticConfigProvider;
use s3s::service::S3ServiceBuilder;

pub use front::S3Service;

pub(crate) use access::Account;

use crate::{Issuer, Keys, Store};

/// Largest XML body read (a DeleteObjects of 1,000 long keys, a Complete of 10,000 parts with checksums).
const MAX_XML_BYTES: usize = 4 * 1024 * 1024;

/// Named bounds of the S3 interface.
#[derive(Clone, Debug)]
pub struct S3Limits {
    /// Largest single PUT or part, bytes (S3: 5 GiB).
    pub max_put_bytes: u64,
    /// Largest signed `aws-chunked` chunk, bytes; s3s buffers one whole, because its signature stands before it.
    /// Unsigned chunks may have any size: they are passed on in pieces.
    pub max_chunk_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct S3Config {
    pub region: String,
    /// Virtual-host style is recognised below these domains (`bucket.DOMAIN`); any other host is path-style.
    pub domains: Vec<String>,
    /// CreateBucket and DeleteBucket for operator keys; off in the server, on in the open example.
    pub allow_bucket_operations: bool,
    pub limits: S3Limits,
}

/// The hyper service; the hub's accept loop serves it.
pub fn service(store: Arc<Store>, issuer: Issuer, keys: Arc<dyn Keys>, config: S3Config) -> S3Service {
    let mut s3s_config = s3s::config::S3Config::default();
    s3s_config.xml_max_body_size = MAX_XML_BYTES;
    let open_store = config.allow_bucket_operations.then(|| Arc::clone(&store));
    let account = Account::new(issuer.clone(), keys, open_store);
    let mut builder = S3ServiceBuilder::new(ops::Operations::new(store, config.clone()));
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(s3s_config))));
    builder.set_host(host::Hosts::new(config.domains));
    builder.set_validation(host::BucketNames);
    builder.set_auth(account.clone());
    builder.set_access(account.clone());
    builder.set_route(crate::sts::Route::new(account));
    S3Service::new(builder.build(), issuer, config.limits)
}
