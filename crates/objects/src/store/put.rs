use bytes::Bytes;

use super::{Expected, ObjectInfo, PartInfo, StoreError};

/// An object on its way in. Dropped without [`ObjectWriter::finish`], nothing of it stays.
pub struct ObjectWriter {}

impl ObjectWriter {
    /// Takes the next bytes; waits while the disk is behind by more than a block.
    pub async fn write(&mut self, _bytes: Bytes) -> Result<(), StoreError> {
        todo!()
    }
    /// Compares with what the client said, makes the object durable and visible, or leaves nothing behind.
    pub async fn finish(self, _expected: Expected) -> Result<ObjectInfo, StoreError> {
        todo!()
    }
}

/// A part on its way in; as [`ObjectWriter`].
pub struct PartWriter {}

impl PartWriter {
    /// As [`ObjectWriter::write`].
    pub async fn write(&mut self, _bytes: Bytes) -> Result<(), StoreError> {
        todo!()
    }
    /// As [`ObjectWriter::finish`].
    pub async fn finish(self, _expected: Expected) -> Result<PartInfo, StoreError> {
        todo!()
    }
}
