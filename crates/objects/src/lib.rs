//! The object store: the bytes we keep ([`Store`]), S3 and STS in front of them ([`s3`]), and the credentials that
//! docks and operators get ([`Issuer`]).

pub mod credentials;
mod policy;
mod presign;
pub mod s3;
pub mod store;
mod sts;

pub use credentials::{Issuer, KeyGrant, Keys, SessionCredentials};
pub use store::{ListPage, ObjectInfo, Store, StoreConfig, StoreError};
