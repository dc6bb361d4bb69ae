//! The secret behind an access key id, for the signature.

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::Account;
use crate::Issuer;
use crate::credentials::INTERNAL_KEY_ID;

#[async_trait::async_trait]
impl S3Auth for Account {
    /// A session's secret follows from its id; whether the session was ever issued its token tells, which `access` opens.
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == INTERNAL_KEY_ID {
            return Ok(self.issuer.internal_secret().into());
        }
        if Issuer::is_session_id(access_key) {
            return Ok(self.issuer.session_secret(access_key).into());
        }
        match self.grant(access_key).await? {
            Some(_) => {
                let foreign = self.keys.foreign_secret(access_key);
                Ok(foreign.unwrap_or_else(|| self.issuer.key_secret(access_key)).into())
            }
            None => Err(s3_error!(InvalidAccessKeyId, "The access key id is not known here.")),
        }
    }
}
