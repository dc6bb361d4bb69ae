//! Protocol Buffers' wire format, without a schema: <https://protobuf.dev/programming-guides/encoding/>.

/// A field's value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    /// A text, a message or packed numbers.
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of one message in their order. Ends at damage.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl Fields<'_> {
    /// True when nothing is left: false after damage.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.rest;
        let key = varint(&mut rest)?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut rest)?),
            1 => Value::Fixed64(u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Value::Bytes(take(&mut rest, length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?)),
            // groups are not used any more; anything else is damage
            _ => return None,
        };
        self.rest = rest;
        Some((number, value))
    }
}

pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (n, byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7F).checked_shl(7 * n as u32)?;
        if byte & 0x80 == 0 {
            *rest = rest.get(n + 1..)?;
            return Some(value);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// The last value at a path of field numbers: a later field overrides an earlier one, and a message that comes in
/// pieces is one message.
pub(super) fn find<'a>(message: &'a [u8], path: &[u32]) -> Option<Value<'a>> {
    let (first, rest) = path.split_first()?;
    let here = fields(message).filter(|(number, _)| number == first).map(|(_, value)| value);
    if rest.is_empty() {
        return here.last();
    }
    here.filter_map(|value| find(value.bytes()?, rest)).last()
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(super) fn unsigned(self) -> Option<u64> {
        match self {
            Self::Varint(value) => Some(value),
            _ => None,
        }
    }

    /// A signed number. Some firmware fills only the upper half of a negative one with ones: the low 32 bits are meant.
    pub(super) fn signed(self) -> Option<i64> {
        match self {
            Self::Varint(value) if value >= 0xFFFF_FFFF_0000_0000 => Some(i64::from(value as u32 as i32)),
            Self::Varint(value) => Some(value as i64),
            _ => None,
        }
    }

    /// A floating point number of either width, or a whole one.
    pub(super) fn number(self) -> Option<f64> {
        let number = match self {
            Self::Fixed64(bits) => f64::from_bits(bits),
            Self::Fixed32(bits) => f64::from(f32::from_bits(bits)),
            Self::Varint(_) => self.signed()? as f64,
            Self::Bytes(_) => return None,
        };
        number.is_finite().then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_of_both_kinds() {
        let ten_bytes = [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        assert_eq!(find(&ten_bytes, &[1]).and_then(Value::signed), Some(-1));
        // 0xFFFFFFFF_00000384 with only the upper half set: 900
        let mut upper = vec![0x08];
        let mut value = 0xFFFF_FFFF_0000_0384_u64;
        while value >= 0x80 {
            upper.push(value as u8 | 0x80);
            value >>= 7;
        }
        upper.push(value as u8);
        assert_eq!(find(&upper, &[1]).and_then(Value::signed), Some(900));
    }

    #[test]
    fn damage_ends_the_walk() {
        for bytes in [&[0x08][..], &[0x0A, 0x05, 1], &[0x00, 0x00], &[0x0B], &[0x09, 1, 2], &[0x80; 12]] {
            assert_eq!(fields(bytes).count(), 0, "{bytes:?}");
        }
        assert_eq!(find(&[0x0A, 0x02, 0x10, 0x07], &[1, 2]), Some(Value::Varint(7)));
        assert_eq!(find(&[0x0A, 0x02, 0x10, 0x07], &[1, 3]), None);
    }
}
