//! TIFF structures made for tests, in either byte order.

/// A directory's field: tag, type, value.
pub(super) enum Value<'a> {
    Text(&'a str),
    Short(u16),
    Long(u32),
    Rationals(&'a [(u32, u32)]),
    Float(f32),
    /// As they are, with their type and count.
    Bytes(u16, u32, &'a [u8]),
}

pub(super) struct Maker {
    pub(super) big_endian: bool,
    pub(super) bytes: Vec<u8>,
}

impl Maker {
    /// A header that points to a directory at 8.
    pub(super) fn new(big_endian: bool) -> Self {
        let mut maker = Self { big_endian, bytes: if big_endian { b"MM".to_vec() } else { b"II".to_vec() } };
        maker.u16(42);
        maker.u32(8);
        maker
    }

    pub(super) fn u16(&mut self, n: u16) {
        self.bytes.extend(if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    pub(super) fn u32(&mut self, n: u32) {
        self.bytes.extend(if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    /// A directory at `at`, which must not be written yet, and its values behind it.
    pub(super) fn directory(&mut self, at: usize, fields: &[(u16, Value<'_>)], next: u32) -> &mut Self {
        assert!(self.bytes.len() <= at, "directories overlap");
        self.bytes.resize(at, 0);
        let mut values = Self { big_endian: self.big_endian, bytes: Vec::new() };
        let values_at = at + 2 + fields.len() * 12 + 4;
        self.u16(fields.len() as u16);
        for (tag, value) in fields {
            let mut own = Self { big_endian: self.big_endian, bytes: Vec::new() };
            let (kind, count) = own.value(value);
            self.u16(*tag);
            self.u16(kind);
            self.u32(count);
            if own.bytes.len() <= 4 {
                own.bytes.resize(4, 0);
                self.bytes.extend(own.bytes);
            } else {
                self.u32((values_at + values.bytes.len()) as u32);
                values.bytes.extend(own.bytes);
            }
        }
        self.u32(next);
        self.bytes.extend(values.bytes);
        self
    }

    fn value(&mut self, value: &Value<'_>) -> (u16, u32) {
        match value {
            Value::Text(text) => {
                self.bytes.extend(text.bytes().chain([0]));
                (2, text.len() as u32 + 1)
            }
            Value::Short(n) => {
                self.u16(*n);
                (3, 1)
            }
            Value::Long(n) => {
                self.u32(*n);
                (4, 1)
            }
            Value::Rationals(parts) => {
                for (over, under) in *parts {
                    self.u32(*over);
                    self.u32(*under);
                }
                (5, parts.len() as u32)
            }
            Value::Float(n) => {
                self.u32(n.to_bits());
                (11, 1)
            }
            Value::Bytes(kind, count, bytes) => {
                self.bytes.extend(*bytes);
                (*kind, *count)
            }
        }
    }
}
