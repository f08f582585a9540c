//! The fields of an encoded protobuf message, borrowed.
//!
//! For what every message goes through, where building whole types costs several times as much as the message is worth. It
//! knows the usual form only; whoever meets another one leaves it to the general decoder, which decides what odd bytes mean.

/// The fields of a message, in their order. `None` in place of one: there is something unusual, or the bytes are broken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(&'a [u8]);

/// What a field holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Value<'a> {
    /// Text, bytes or a message.
    Bytes(&'a [u8]),
    Number(u64),
}

impl<'a> Fields<'a> {
    pub(crate) const fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    /// The next field: its number, if that is below 16, and its value.
    #[inline]
    fn read(&mut self) -> Option<(u8, Value<'a>)> {
        let (key, rest) = self.0.split_first()?;
        let field = (key >> 3, key >> 7);
        let (number, rest) = number(rest)?;
        let (value, rest) = match key & 7 {
            0 => (Value::Number(number), rest),
            2 => {
                let (bytes, rest) = rest.split_at_checked(usize::try_from(number).ok()?)?;
                (Value::Bytes(bytes), rest)
            }
            _ => return None,
        };
        self.0 = rest;
        match field {
            (1..16, 0) => Some((field.0, value)),
            _ => None,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u8, Value<'a>)>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() { None } else { Some(self.read()) }
    }
}

/// A varint of at most 63 bits and what is behind it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mut number = u64::from(first & 0x7f);
    let (mut last, mut shift) = (first, 7);
    while last & 0x80 != 0 {
        if shift == 63 {
            return None;
        }
        (last, rest) = rest.split_first()?;
        number |= u64::from(last & 0x7f) << shift;
        shift += 7;
    }
    Some((number, rest))
}

/// Puts `value` into `place`, which has none yet: what stands twice is unusual.
pub(crate) fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    if place.is_some() {
        return None;
    }
    *place = Some(value);
    Some(())
}

/// How many bytes `number` takes as a varint.
pub(crate) const fn number_len(number: u64) -> usize {
    // 7 bits a byte, and one byte for 0.
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// How many bytes a field of `n_bytes` takes, if its number is below 16.
pub(crate) const fn field_len(n_bytes: usize) -> usize {
    1 + number_len(n_bytes as u64) + n_bytes
}

/// Writes the usual form.
#[derive(Debug)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(n_bytes: usize) -> Self {
        Self(Vec::with_capacity(n_bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// Field `field`, which is below 16, with a number.
    pub(crate) fn number(&mut self, field: u8, number: u64) {
        self.0.push(field << 3);
        self.varint(number);
    }

    /// Field `field`, which is from 16 to 31, with a number.
    pub(crate) fn high_number(&mut self, field: u8, number: u64) {
        self.0.extend_from_slice(&[field << 3 | 0x80, field >> 4]);
        self.varint(number);
    }

    /// The head of field `field`, which is below 16 and holds `n_bytes`.
    pub(crate) fn head(&mut self, field: u8, n_bytes: usize) {
        self.0.push(field << 3 | 2);
        self.varint(n_bytes as u64);
    }

    /// Field `field`, which is below 16, with a text.
    pub(crate) fn text(&mut self, field: u8, text: &str) {
        self.head(field, text.len());
        self.0.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::schema::{CommSyncUl, Jid, MSync};

    #[test]
    fn usual_fields_are_read_in_order() {
        let jid = Jid { name: Some("bob".to_owned()), ..Jid::default() };
        let sync = CommSyncUl { key: Some(300), queue: Some(jid), ..CommSyncUl::default() };
        let encoded = sync.encode_to_vec();
        let fields: Option<Vec<_>> = Fields::of(&encoded).collect();
        let queue = Value::Bytes(b"\x12\x03bob");
        assert_eq!(fields.unwrap(), [(2, Value::Number(300)), (3, queue)]);
    }

    #[test]
    fn what_is_unusual_or_broken_is_said_once_and_ends() {
        // Too long, a group, a fixed number, a high field, field 0, a number of 10 bytes, cut off.
        for bytes in [
            &b"\x0a\x05abc"[..],
            b"\x0b\x0c",
            b"\x0d\x01\x02\x03\x04",
            b"\xa0\x01\x01",
            b"\x02\x01a",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x08\x80",
            b"\x08",
        ] {
            assert!(Fields::of(bytes).any(|field| field.is_none()), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_and_read_as_by_prost(number in any::<u64>(), few in 0_u32..64) {
            let number = number >> few;
            let frame = MSync { pov: Some(number), trace_id: Some(number), ..MSync::default() };
            let mut writer = Writer::with_capacity(0);
            writer.number(7, number);
            writer.high_number(20, number);
            let written = writer.into_bytes();
            prop_assert_eq!(&written, &frame.encode_to_vec());
            prop_assert_eq!(written.len(), 3 + 2 * number_len(number));
            let read = Fields::of(&written).next().flatten();
            let is_long = number >> 63 != 0;
            prop_assert_eq!(read, (!is_long).then_some((7, Value::Number(number))));
        }
    }
}
