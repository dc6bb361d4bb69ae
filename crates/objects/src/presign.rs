//! Presigned URLs: AWS Signature Version 4 in query parameters.
//!
//! Source: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference.
//! Path-style only, because it works with any host name.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// The longest lifetime that S3 allows a presigned URL: seven days.
pub(crate) const MAX_LIFETIME_S: u32 = 7 * 24 * 3600;

pub(crate) struct Signer<'a> {
    /// Of the request that the URL is good for.
    pub(crate) method: &'static str,
    pub(crate) access_key_id: &'a str,
    pub(crate) secret: String,
    pub(crate) region: &'a str,
    pub(crate) now: Timestamp,
}

impl Signer<'_> {
    pub(crate) fn url(&self, endpoint: &str, bucket: &str, key: &str, lifetime_s: u32, name: Option<&str>) -> String {
        let endpoint = endpoint.trim_end_matches('/');
        let path = format!("/{bucket}/{}", uri_encode(key, true));
        let time = self.now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let (date, _) = time.split_at(8);
        let scope = format!("{date}/{}/s3/aws4_request", self.region);
        // in byte order of the names, as the canonical request wants them
        let mut query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={}\
             &X-Amz-SignedHeaders=host",
            uri_encode(&format!("{}/{scope}", self.access_key_id), false),
            lifetime_s.clamp(1, MAX_LIFETIME_S),
        );
        if let Some(name) = name {
            let disposition = uri_encode(&content_disposition(name), false);
            write!(query, "&response-content-disposition={disposition}").expect("a String takes all");
        }
        let host = signed_host(endpoint);
        let method = self.method;
        let request = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let signature = hex(&hmac(&self.signing_key(date), &to_sign));
        format!("{endpoint}{path}?{query}&X-Amz-Signature={signature}")
    }

    fn signing_key(&self, date: &str) -> [u8; 32] {
        let key = format!("AWS4{}", self.secret).into_bytes();
        [self.region, "s3", "aws4_request"].iter().fold(hmac(&key, date), |key, part| hmac(&key, part))
    }
}

/// The `Host` that clients send: without the port when it is the scheme's own.
fn signed_host(endpoint: &str) -> &str {
    let (scheme, authority) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    let own_port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(own_port).unwrap_or(authority)
}

/// `attachment` with the name in both forms of RFC 6266: plain ASCII for old readers, UTF-8 for the rest.
fn content_disposition(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", uri_encode(name, false))
}

/// Everything but unreserved characters as %XX, and `/` too unless it separates.
pub(crate) fn uri_encode(text: &str, keep_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b'/' if keep_slash => encoded.push('/'),
            _ => write!(encoded, "%{byte:02X}").expect("a String takes all"),
        }
    }
    encoded
}

fn hmac(key: &[u8], data: &str) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data.as_bytes());
    mac.finalize().into_bytes().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the AWS page, but path-style, so that only the parts before the signature are comparable.
    #[test]
    fn a_url_has_the_parts_of_the_aws_example() {
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let signer = Signer {
            method: "GET",
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1",
            now,
        };
        let url = signer.url("https://s3.amazonaws.com:443/", "examplebucket", "test.txt", 86400, None);
        let (unsigned, signature) = url.split_once("&X-Amz-Signature=").unwrap();
        assert_eq!(
            unsigned,
            "https://s3.amazonaws.com:443/examplebucket/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        );
        assert_eq!(signature.len(), 64);
    }

    #[test]
    fn names_are_encoded_as_sigv4_wants_them() {
        assert_eq!(uri_encode("a b/ä+~(1)", true), "a%20b/%C3%A4%2B~%281%29");
        assert_eq!(uri_encode("a/b", false), "a%2Fb");
        assert_eq!(signed_host("http://h:80"), "h");
        assert_eq!(signed_host("http://h:443"), "h:443");
        assert_eq!(
            content_disposition("ä\"b.jpg"),
            "attachment; filename=\"__b.jpg\"; filename*=UTF-8''%C3%A4%22b.jpg"
        );
    }
}
