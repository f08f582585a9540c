//! Protobuf, as far as it takes to walk over fields and to write them.

use thiserror::Error;

/// A field ends after the message does, or is of a kind that nobody uses any more.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a protobuf field is broken {missing} bytes before the end of its message")]
pub(crate) struct BrokenField {
    /// How many bytes of the message were not read.
    pub(crate) missing: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Value<'a> {
    Bytes(&'a [u8]),
    /// Of four or eight bytes, which nothing here needs.
    Fixed,
    Varint(u64),
}

/// Walks over the fields of a message: the number of each, and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    fn read(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = take_varint(&mut self.0)?;
        let value = match tag & 7 {
            0 => Value::Varint(take_varint(&mut self.0)?),
            1 => self.skip(8)?,
            2 => {
                let length = usize::try_from(take_varint(&mut self.0)?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Value::Bytes(bytes)
            }
            5 => self.skip(4)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn skip(&mut self, length: usize) -> Option<Value<'a>> {
        self.0 = self.0.get(length..)?;
        Some(Value::Fixed)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), BrokenField>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            let missing = self.0.len();
            self.0 = &[];
            return Some(Err(BrokenField { missing }));
        }
        field.map(Ok)
    }
}

/// Takes a number from the front; none if it does not end in there.
fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *bytes = bytes.get(place + 1..)?;
            return Some(value);
        }
    }
    None
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

/// Writes `value` over `place`, in as many bytes as it has. Those above them must be zero.
pub(crate) fn set_varint(place: &mut [u8], mut value: u64) {
    let last = place.len().saturating_sub(1);
    for (at, byte) in place.iter_mut().enumerate() {
        *byte = low_bits(value) | if at == last { 0 } else { 0x80 };
        value >>= 7;
    }
}

/// A number and its field's number, which is below 16.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    put_varint(out, value);
}

/// Bytes and their field's number, which is below 16.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    put_head(out, field, value.len());
    out.extend_from_slice(value);
}

/// What stands before `length` bytes of a field below 16.
pub(crate) fn put_head(out: &mut Vec<u8>, field: u8, length: usize) {
    out.push(field << 3 | 2);
    put_varint(out, length as u64);
}

/// How many bytes [`put_head`] and what follows it take.
pub(crate) fn field_length(length: usize) -> usize {
    let bits = usize::BITS - (length | 1).leading_zeros();
    1 + bits.div_ceil(7) as usize + length
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            out.clear();
            put_number(&mut out, 3, value);
            put_bytes(&mut out, 4, b"hi");
            let fields: Result<Vec<_>, _> = Fields(&out).collect();
            assert_eq!(fields, Ok(vec![(3, Value::Varint(value)), (4, Value::Bytes(b"hi"))]));
        }
    }

    #[test]
    fn a_cut_field_is_an_error_and_the_last_one() {
        let fields: Vec<_> = Fields(&[0x22, 5, b'h', b'i']).collect();
        assert_eq!(fields, [Err(BrokenField { missing: 2 })]);
    }

    #[test]
    fn fixed_fields_are_passed_over() {
        let fields: Vec<_> = Fields(&[0x0d, 0, 0, 0, 0, 0x10, 7]).map(Result::unwrap).collect();
        assert_eq!(fields, [(1, Value::Fixed), (2, Value::Varint(7))]);
    }

    #[test]
    fn a_number_is_replaced_in_its_place() {
        let mut out = Vec::new();
        put_varint(&mut out, 1 << 60);
        set_varint(&mut out, (1 << 60) + 12_345);
        assert_eq!(take_varint(&mut out.as_slice()), Some((1 << 60) + 12_345));
        set_varint(&mut out, 5);
        assert_eq!(take_varint(&mut out.as_slice()), Some(5));
    }

    #[test]
    fn a_length_is_known_before_it_is_written() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 100_000] {
            let mut out = Vec::new();
            put_bytes(&mut out, 9, &vec![0; length]);
            assert_eq!(field_length(length), out.len());
        }
    }
}
