use bytes::Bytes;
use futures::stream::BoxStream;

use super::{ObjectInfo, PartInfo};

/// One version of an object, held open.
pub struct ObjectReader {}

impl ObjectReader {
    pub fn info(&self) -> &ObjectInfo {
        todo!()
    }
    /// The parts of a multipart object in order; `None` when it came in one PUT.
    pub fn parts(&self) -> Option<&[PartInfo]> {
        todo!()
    }
    /// The bytes in `range` (start, exclusive end; whole when `None`; clipped to the object).
    pub fn into_stream(self, _range: Option<(u64, u64)>) -> BoxStream<'static, std::io::Result<Bytes>> {
        todo!()
    }
}
