//! What a client says about its bytes, in headers or trailers, and what is told back.
//!
//! Source: "Checking object integrity in Amazon S3", Amazon S3 User Guide.

use base64::prelude::{BASE64_STANDARD, Engine};
use http::{HeaderMap, HeaderName};
use s3s::{S3Request, S3Result};

use super::error::{custom, invalid_request};
use crate::ObjectInfo;
use crate::store::{Checksum, ChecksumAlgorithm, ChecksumKind, Expected};

pub(super) const ALGORITHMS: [ChecksumAlgorithm; 5] = [
    ChecksumAlgorithm::Crc32,
    ChecksumAlgorithm::Crc32c,
    ChecksumAlgorithm::Crc64Nvme,
    ChecksumAlgorithm::Sha1,
    ChecksumAlgorithm::Sha256,
];

/// What a request announced about its body.
pub(super) struct Announced {
    expected: Expected,
    /// Checksums that will stand behind the body.
    trailers: Vec<ChecksumAlgorithm>,
    /// Named by `x-amz-sdk-checksum-algorithm`, or given in either form.
    pub(super) algorithms: Vec<ChecksumAlgorithm>,
}

impl Announced {
    pub(super) fn of<T>(request: &S3Request<T>) -> S3Result<Self> {
        let headers = &request.headers;
        let mut checksums = Vec::new();
        for algorithm in ALGORITHMS {
            if let Some(value) = text(headers, &header(algorithm))? {
                checksums.push(checked(algorithm, value)?);
            }
        }
        let mut trailers = Vec::new();
        for name in text(headers, &HeaderName::from_static("x-amz-trailer"))?.unwrap_or("").split(',') {
            let name = name.trim().to_ascii_lowercase();
            if let Some(algorithm) = ALGORITHMS.into_iter().find(|algorithm| header(*algorithm).as_str() == name) {
                trailers.push(algorithm);
            } else if name.starts_with("x-amz-checksum-") {
                return Err(invalid_request("The checksum named in x-amz-trailer is not known."));
            }
        }
        let mut algorithms: Vec<_> =
            checksums.iter().map(|checksum| checksum.algorithm).chain(trailers.clone()).collect();
        if let Some(name) = text(headers, &HeaderName::from_static("x-amz-sdk-checksum-algorithm"))? {
            let algorithm = algorithm(name).ok_or_else(|| invalid_request("The checksum algorithm is not known."))?;
            if !algorithms.contains(&algorithm) {
                algorithms.push(algorithm);
            }
        }
        let md5 = text(headers, &http::header::HeaderName::from_static("content-md5"))?.map(md5).transpose()?;
        let expected = Expected { size_bytes: body_length(headers)?, md5, checksums };
        Ok(Self { expected, trailers, algorithms })
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.expected.size_bytes
    }

    /// With what stood behind the body, once it is read. An announced trailer that did not come is an error: the body
    /// may have been cut.
    pub(super) fn with_trailers(mut self, trailers: Option<HeaderMap>) -> S3Result<Expected> {
        let malformed = || {
            custom("MalformedTrailerError", http::StatusCode::BAD_REQUEST, "A trailer that was announced did not come.")
        };
        for algorithm in self.trailers {
            let trailers = trailers.as_ref().ok_or_else(malformed)?;
            let value = text(trailers, &header(algorithm))?.ok_or_else(malformed)?;
            self.expected.checksums.push(checked(algorithm, value)?);
        }
        Ok(self.expected)
    }
}

/// The body's own length: without the framing of aws-chunked.
pub(super) fn body_length(headers: &HeaderMap) -> S3Result<Option<u64>> {
    let decoded = text(headers, &HeaderName::from_static("x-amz-decoded-content-length"))?;
    let length = match decoded {
        Some(_) => decoded,
        None => text(headers, &http::header::CONTENT_LENGTH)?,
    };
    length.map(|length| length.parse().map_err(|_| invalid_request("The body's length is not a number."))).transpose()
}

/// `CRC32` and the like, in any case.
pub(super) fn algorithm(name: &str) -> Option<ChecksumAlgorithm> {
    ALGORITHMS.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
}

pub(super) fn kind(name: &str) -> Option<ChecksumKind> {
    match name {
        "FULL_OBJECT" => Some(ChecksumKind::FullObject),
        "COMPOSITE" => Some(ChecksumKind::Composite),
        _ => None,
    }
}

pub(super) fn kind_name(kind: ChecksumKind) -> &'static str {
    match kind {
        ChecksumKind::FullObject => "FULL_OBJECT",
        ChecksumKind::Composite => "COMPOSITE",
    }
}

/// A whole object's checksums: those it was put with, or the CRC64NVME that every object has.
pub(super) fn of_object(info: &ObjectInfo) -> Vec<Checksum> {
    if !info.checksums.is_empty() {
        return info.checksums.clone();
    }
    vec![Checksum::full(ChecksumAlgorithm::Crc64Nvme, BASE64_STANDARD.encode(info.crc64nvme.to_be_bytes()))]
}

/// Fills the checksum fields that s3s' outputs, parts and results have in common.
macro_rules! fill_checksums {
    ($output:expr, $checksums:expr) => {
        for checksum in $checksums {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::store::ChecksumAlgorithm::Crc32 => $output.checksum_crc32 = value,
                $crate::store::ChecksumAlgorithm::Crc32c => $output.checksum_crc32c = value,
                $crate::store::ChecksumAlgorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
                $crate::store::ChecksumAlgorithm::Sha1 => $output.checksum_sha1 = value,
                $crate::store::ChecksumAlgorithm::Sha256 => $output.checksum_sha256 = value,
            }
        }
    };
}
/// As [`fill_checksums`], with the type of the (single) checksum.
macro_rules! fill_checksums_and_type {
    ($output:expr, $checksums:expr) => {{
        let checksums = $checksums;
        $output.checksum_type = checksums
            .first()
            .map(|checksum| s3s::dto::ChecksumType::from_static($crate::s3::checksum::kind_name(checksum.kind)));
        $crate::s3::checksum::fill_checksums!($output, &checksums);
    }};
}
/// The checksums in the fields of one of s3s' inputs or parts. Composite ones end in `-N`.
macro_rules! read_checksums {
    ($input:expr) => {{
        use $crate::store::ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
        let input = $input;
        [
            (Crc32, &input.checksum_crc32),
            (Crc32c, &input.checksum_crc32c),
            (Crc64Nvme, &input.checksum_crc64nvme),
            (Sha1, &input.checksum_sha1),
            (Sha256, &input.checksum_sha256),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some($crate::s3::checksum::named(algorithm, value.as_deref()?)))
        .collect::<Vec<_>>()
    }};
}
pub(super) use {fill_checksums, fill_checksums_and_type, read_checksums};

/// A checksum as a client writes it; its form tells whether it is composite.
pub(super) fn named(algorithm: ChecksumAlgorithm, value: &str) -> Checksum {
    let kind = if value.contains('-') { ChecksumKind::Composite } else { ChecksumKind::FullObject };
    Checksum { algorithm, kind, value: value.to_owned() }
}

fn header(algorithm: ChecksumAlgorithm) -> HeaderName {
    HeaderName::from_static(match algorithm {
        ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
        ChecksumAlgorithm::Crc32c => "x-amz-checksum-crc32c",
        ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
        ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
        ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
    })
}

fn checked(algorithm: ChecksumAlgorithm, value: &str) -> S3Result<Checksum> {
    let length = match algorithm {
        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c => 4,
        ChecksumAlgorithm::Crc64Nvme => 8,
        ChecksumAlgorithm::Sha1 => 20,
        ChecksumAlgorithm::Sha256 => 32,
    };
    match BASE64_STANDARD.decode(value) {
        Ok(bytes) if bytes.len() == length => Ok(Checksum::full(algorithm, value)),
        _ => Err(s3s::s3_error!(BadDigest, "The value of {} cannot be one.", header(algorithm))),
    }
}

fn md5(value: &str) -> S3Result<[u8; 16]> {
    let bytes = BASE64_STANDARD.decode(value).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| s3s::s3_error!(InvalidDigest, "The Content-MD5 is not valid."))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> S3Result<Option<&'a str>> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| invalid_request(format!("The header {name} is not text.")))
}
