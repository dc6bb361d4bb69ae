//! The object store: the bytes we keep ([`Store`]), S3 and STS in front of them ([`s3`]), and the credentials that
//! docks and operators get ([`Issuer`]).

pub mod credentials;
pub mod s3;
pub mod store;

pub use credentials::{Issuer, KeyGrant, Keys, SessionCredentials};
pub use store::{ListPage, ObjectInfo, Store, StoreConfig, StoreError};
