use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::{CrcAlgorithm, Digest as Crc};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::md5::{self, Md5};

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

    /// The CRC by the names of the CRC catalogue, with its width in bytes; `None` for the SHAs.
    fn crc(self) -> Option<(CrcAlgorithm, usize)> {
        match self {
            Self::Crc32 => Some((CrcAlgorithm::Crc32IsoHdlc, 4)),
            Self::Crc32c => Some((CrcAlgorithm::Crc32Iscsi, 4)),
            Self::Crc64Nvme => Some((CrcAlgorithm::Crc64Nvme, 8)),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

impl Checksum {
    /// A checksum of whole bytes from its base64 form.
    pub fn full(algorithm: ChecksumAlgorithm, base64: impl Into<String>) -> Self {
        Self { algorithm, kind: ChecksumKind::FullObject, value: base64.into() }
    }

    /// CRC64NVME as S3 writes it.
    pub fn crc64nvme(value: u64) -> Self {
        Self::full(ChecksumAlgorithm::Crc64Nvme, BASE64.encode(value.to_be_bytes()))
    }

    /// The value's bytes; `None` when it is not base64.
    fn bytes(&self) -> Option<Vec<u8>> {
        BASE64.decode(self.value.split('-').next()?).ok()
    }
}

/// The sums of some bytes.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub(super) size_bytes: u64,
    pub(super) md5: [u8; 16],
    pub(super) crc64nvme: u64,
    /// In the order asked for.
    pub(super) checksums: Vec<Checksum>,
}

/// Computes all sums of the bytes that pass.
pub(super) struct Summer {
    size_bytes: u64,
    md5: Md5,
    crc64nvme: Crc,
    asked: Vec<(ChecksumAlgorithm, Running)>,
}

enum Running {
    /// Always running, see [`Summer::crc64nvme`].
    Crc64Nvme,
    Crc32(Crc),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Summer {
    pub(super) fn new(algorithms: &[ChecksumAlgorithm]) -> Self {
        let mut asked: Vec<(ChecksumAlgorithm, Running)> = Vec::new();
        for &algorithm in algorithms {
            if asked.iter().any(|(known, _)| *known == algorithm) {
                continue;
            }
            let running = match algorithm {
                ChecksumAlgorithm::Crc64Nvme => Running::Crc64Nvme,
                ChecksumAlgorithm::Crc32 => Running::Crc32(Crc::new(CrcAlgorithm::Crc32IsoHdlc)),
                ChecksumAlgorithm::Crc32c => Running::Crc32(Crc::new(CrcAlgorithm::Crc32Iscsi)),
                ChecksumAlgorithm::Sha1 => Running::Sha1(Sha1::new()),
                ChecksumAlgorithm::Sha256 => Running::Sha256(Sha256::new()),
            };
            asked.push((algorithm, running));
        }
        Self { size_bytes: 0, md5: Md5::new(), crc64nvme: Crc::new(CrcAlgorithm::Crc64Nvme), asked }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        update_all(&mut [(self, bytes)]);
    }

    /// All but the MD5.
    fn update_others(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.crc64nvme.update(bytes);
        for (_, running) in &mut self.asked {
            match running {
                Running::Crc64Nvme => {}
                Running::Crc32(crc) => crc.update(bytes),
                Running::Sha1(sha) => sha.update(bytes),
                Running::Sha256(sha) => sha.update(bytes),
            }
        }
    }

    pub(super) fn finish(self) -> Sums {
        let crc64nvme = self.crc64nvme.finalize();
        let checksums = self
            .asked
            .into_iter()
            .map(|(algorithm, running)| {
                let value = match running {
                    Running::Crc64Nvme => BASE64.encode(crc64nvme.to_be_bytes()),
                    Running::Crc32(crc) => BASE64.encode(&crc.finalize().to_be_bytes()[4..]),
                    Running::Sha1(sha) => BASE64.encode(sha.finalize()),
                    Running::Sha256(sha) => BASE64.encode(sha.finalize()),
                };
                Checksum::full(algorithm, value)
            })
            .collect();
        Sums { size_bytes: self.size_bytes, md5: self.md5.finish(), crc64nvme, checksums }
    }
}

/// Each summer takes its bytes; several together cost less than one after the other.
pub(super) fn update_all(jobs: &mut [(&mut Summer, &[u8])]) {
    let mut streams: Vec<_> = jobs.iter_mut().map(|(summer, bytes)| (&mut summer.md5, *bytes)).collect();
    md5::update_together(&mut streams);
    for (summer, bytes) in jobs {
        summer.update_others(bytes);
    }
}

/// CRC64NVME of the bytes that pass, for reads.
pub(super) struct Crc64(Crc);

impl Crc64 {
    pub(super) fn new() -> Self {
        Self(Crc::new(CrcAlgorithm::Crc64Nvme))
    }
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    pub(super) fn value(&self) -> u64 {
        self.0.finalize()
    }
}

/// CRC64NVME of `a` and `b` put together, `b` being `b_size_bytes` long.
pub(super) fn join_crc64nvme(a: u64, b: u64, b_size_bytes: u64) -> u64 {
    crc_fast::checksum_combine(CrcAlgorithm::Crc64Nvme, a, b, b_size_bytes)
}

/// CRC32C of a record.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// ETag of a multipart object: MD5 of the parts' MD5s, and their number.
///
/// `None` when a part's ETag is not an MD5 in hexadecimal.
pub(super) fn multipart_etag<'a>(part_etags: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    let count = part_etags.len();
    let mut md5 = Md5::new();
    for etag in part_etags {
        md5.update(&u128::from_str_radix(etag, 16).ok()?.to_be_bytes());
    }
    Some(format!("{}-{count}", hex(&md5.finish())))
}

/// The checksum of the whole from its parts' (checksum, size in bytes), in order.
///
/// `None` when S3 has no such combination or a part's checksum cannot be read.
pub(super) fn whole<'a>(
    algorithm: ChecksumAlgorithm,
    kind: ChecksumKind,
    parts: impl ExactSizeIterator<Item = (&'a Checksum, u64)>,
) -> Option<Checksum> {
    if !algorithm.allows(kind) {
        return None;
    }
    let count = parts.len();
    match kind {
        ChecksumKind::FullObject => {
            let (crc, width) = algorithm.crc()?;
            let mut joined: Option<u64> = None;
            for (checksum, size_bytes) in parts {
                let bytes = checksum.bytes().filter(|bytes| bytes.len() == width)?;
                let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
                joined =
                    Some(joined.map_or(value, |before| crc_fast::checksum_combine(crc, before, value, size_bytes)));
            }
            Some(Checksum::full(algorithm, BASE64.encode(&joined?.to_be_bytes()[8 - width..])))
        }
        ChecksumKind::Composite => {
            let mut summer = Summer::new(&[algorithm]);
            for (checksum, _) in parts {
                summer.update(&checksum.bytes()?);
            }
            let mut whole = summer.finish().checksums.pop().expect("one was asked for");
            whole.kind = ChecksumKind::Composite;
            whole.value = format!("{}-{count}", whole.value);
            Some(whole)
        }
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ChecksumAlgorithm; 5] = [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32c,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ];

    fn sums(bytes: &[u8]) -> Sums {
        let mut summer = Summer::new(&ALL);
        summer.update(bytes);
        summer.finish()
    }

    /// Check values of the CRC catalogue, RFC 1321 and FIPS 180, over `123456789`.
    #[test]
    fn sums_are_the_published_ones() {
        let sums = sums(b"123456789");
        assert_eq!(hex(&sums.md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(sums.crc64nvme, 0xae8b_1486_0a79_9888);
        let values: Vec<_> = sums.checksums.iter().map(|sum| hex(&sum.bytes().expect("base64"))).collect();
        assert_eq!(
            values,
            [
                "cbf43926",
                "e3069283",
                "ae8b14860a799888",
                "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
                "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
            ]
        );
    }

    #[test]
    fn full_checksums_of_parts_join_to_that_of_the_whole() {
        let whole_sums = sums(b"123456789");
        let (one, two) = (sums(b"1234"), sums(b"56789"));
        assert_eq!(join_crc64nvme(one.crc64nvme, two.crc64nvme, 5), whole_sums.crc64nvme);
        for (at, algorithm) in ALL.iter().enumerate().take(3) {
            let parts = [(&one.checksums[at], 4), (&two.checksums[at], 5)];
            let joined = whole(*algorithm, ChecksumKind::FullObject, parts.into_iter()).expect("a CRC");
            assert_eq!(joined, whole_sums.checksums[at]);
        }
        assert!(
            whole(ChecksumAlgorithm::Sha256, ChecksumKind::FullObject, [(&one.checksums[4], 4)].into_iter()).is_none()
        );
    }

    #[test]
    fn composite_checksums_are_of_the_parts_values() {
        let (one, two) = (sums(b"1234"), sums(b"56789"));
        let parts = [(&one.checksums[4], 4), (&two.checksums[4], 5)];
        let composite = whole(ChecksumAlgorithm::Sha256, ChecksumKind::Composite, parts.into_iter()).expect("allowed");
        let mut bytes = one.checksums[4].bytes().expect("base64");
        bytes.extend(two.checksums[4].bytes().expect("base64"));
        assert_eq!(composite.value, format!("{}-2", sums(&bytes).checksums[4].value));
    }

    #[test]
    fn a_multipart_etag_is_the_md5_of_md5s() {
        let etag = multipart_etag(["25f9e794323b453885f5181f1b624d0b"].into_iter()).expect("hexadecimal");
        let mut summer = Summer::new(&[]);
        summer.update(&0x25f9_e794_323b_4538_85f5_181f_1b62_4d0b_u128.to_be_bytes());
        assert_eq!(etag, format!("{}-1", hex(&summer.finish().md5)));
        assert!(multipart_etag(["xyz"].into_iter()).is_none());
    }
}
