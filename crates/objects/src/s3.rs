//! S3 and STS over HTTP: `s3s` with [`crate::Store`] behind it.

use std::sync::Arc;

use crate::{Issuer, Keys, Store};

/// Named bounds of the S3 interface.
#[derive(Clone, Debug)]
pub struct S3Limits {
    /// Largest single PUT or part, bytes (S3: 5 GiB).
    pub max_put_bytes: u64,
    /// Largest `aws-chunked` chunk, bytes; s3s buffers one whole.
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

/// The hyper service (`s3s::service::S3Service`); the hub's accept loop serves it.
pub fn service(_store: Arc<Store>, _issuer: Issuer, _keys: Arc<dyn Keys>, _config: S3Config) -> s3s::service::S3Service {
    todo!()
}
