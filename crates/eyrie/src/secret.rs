//! Making and checking secrets: random texts, argon2 for passwords, SHA-256 for random tokens.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eyrie_env::Random;
use sha2::{Digest, Sha256};

/// `bytes` bytes of entropy in unpadded base64url.
pub fn random_text(random: &dyn Random, bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    random.fill(&mut buffer);
    URL_SAFE_NO_PAD.encode(buffer)
}

/// Upper-case letters and digits that cannot be mistaken for one another, for codes typed in by hand.
pub fn random_code(random: &dyn Random, length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut buffer = vec![0; length];
    random.fill(&mut buffer);
    buffer.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

/// OWASP's smallest argon2id setting: 19 MiB, two passes; some tens of milliseconds on a small machine.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are in argon2's range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// An argon2id PHC string. Slow on purpose: call it on a blocking thread.
pub fn hash_password(random: &dyn Random, password: &str) -> String {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).expect("16 bytes make a salt");
    argon2().hash_password(password.as_bytes(), &salt).expect("the parameters are in argon2's range").to_string()
}

/// Slow on purpose: call it on a blocking thread. False also for a hash that cannot be read.
pub fn verify_password(hash: &str, password: &[u8]) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2().verify_password(password, &hash).is_ok())
}

/// What of a random token is kept.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
