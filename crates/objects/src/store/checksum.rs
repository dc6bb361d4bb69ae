use serde::{Deserialize, Serialize};

/// S3's checksum algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ChecksumAlgorithm {
    #[serde(rename = "CRC32")]
    Crc32,
    #[serde(rename = "CRC32C")]
    Crc32c,
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    #[serde(rename = "SHA1")]
    Sha1,
    #[serde(rename = "SHA256")]
    Sha256,
}

/// What a multipart object's checksum is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumKind {
    /// Of all bytes, as if they had come in one PUT (CRCs only).
    #[serde(rename = "FULL_OBJECT")]
    FullObject,
    /// Of the parts' checksums; `-N` behind it for N parts.
    #[serde(rename = "COMPOSITE")]
    Composite,
}

/// A checksum as S3 writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    pub algorithm: ChecksumAlgorithm,
    pub kind: ChecksumKind,
    /// Base64 of the big-endian value; a composite one has `-N` behind it.
    pub value: String,
}

impl ChecksumAlgorithm {
    /// `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1` or `SHA256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }
    /// What S3 takes when CreateMultipartUpload does not say: `FULL_OBJECT` for CRC64NVME, `COMPOSITE` otherwise.
    pub fn default_kind(self) -> ChecksumKind {
        if self == Self::Crc64Nvme { ChecksumKind::FullObject } else { ChecksumKind::Composite }
    }
    /// Whether a multipart object can have one of `kind`: SHAs are composite only, CRC64NVME is full only.
    pub fn allows(self, kind: ChecksumKind) -> bool {
        match self {
            Self::Crc32 | Self::Crc32c => true,
            Self::Crc64Nvme => kind == ChecksumKind::FullObject,
            Self::Sha1 | Self::Sha256 => kind == ChecksumKind::Composite,
        }
    }
}

impl Checksum {
    /// A checksum of whole bytes from its base64 form.
    pub fn full(algorithm: ChecksumAlgorithm, base64: impl Into<String>) -> Self {
        Self { algorithm, kind: ChecksumKind::FullObject, value: base64.into() }
    }
}
