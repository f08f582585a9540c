//! A row of the outbox as it is written: into the table, or into a bundle.

use std::borrow::Cow;

use super::insert::Binder;

/// Something that is to be sent and was not tried yet. Numbers are as the columns have them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Unsent<'a> {
    pub(super) place: i64,
    pub(super) name: Name<'a>,
    pub(super) client_id: i64,
    pub(super) created: i64,
    pub(super) kind: i64,
    pub(super) conversation: &'a str,
    pub(super) priority: i64,
    /// It has a row in `send`.
    pub(super) is_known: bool,
    pub(super) payload: Cow<'a, [u8]>,
}

/// What a send is written under.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Name<'a> {
    Answer { event: i64, plugin: &'a str, ordinal: u32 },
    Free(&'a str),
}

impl<'a> Name<'a> {
    /// As the columns `event`, `plugin`, `ordinal` and `free` have it.
    pub(super) const fn columns(
        self,
    ) -> (Option<i64>, Option<&'a str>, Option<u32>, Option<&'a str>) {
        match self {
            Self::Answer { event, plugin, ordinal } => {
                (Some(event), Some(plugin), Some(ordinal), None)
            }
            Self::Free(key) => (None, None, None, Some(key)),
        }
    }
}

/// What comes before the name of a send in a bundle.
const ANSWER: u8 = 0;
const FREE: u8 = 1;

impl<'a> Unsent<'a> {
    /// The values that a row of the table takes.
    pub(super) fn bind(&self, values: &mut Binder<'_, '_>) -> Result<(), rusqlite::Error> {
        let (event, plugin, ordinal, free) = self.name.columns();
        values.push(self.place)?;
        values.push(event)?;
        values.push(plugin)?;
        values.push(ordinal)?;
        values.push(free)?;
        values.push(self.client_id)?;
        values.push(self.created)?;
        values.push(self.kind)?;
        values.push(self.conversation)?;
        values.push(self.priority)?;
        values.push(self.is_known)?;
        values.push(&*self.payload)
    }

    /// Writes it, of which nothing else is known, as a piece of a bundle: numbers with the highest byte first, texts behind their
    /// length.
    pub(super) fn pack(&self, into: &mut Vec<u8>) -> Result<(), rusqlite::Error> {
        into.extend(self.place.to_be_bytes());
        into.extend(self.created.to_be_bytes());
        match self.name {
            Name::Answer { event, plugin, ordinal } => {
                into.push(ANSWER);
                into.extend(event.to_be_bytes());
                pack_text(plugin.as_bytes(), into)?;
                into.extend(ordinal.to_be_bytes());
            }
            Name::Free(key) => {
                into.push(FREE);
                pack_text(key.as_bytes(), into)?;
            }
        }
        into.extend(self.client_id.to_be_bytes());
        into.extend(self.kind.to_be_bytes());
        pack_text(self.conversation.as_bytes(), into)?;
        into.extend(self.priority.to_be_bytes());
        pack_text(&self.payload, into)
    }

    /// Reads what [`pack`](Self::pack) wrote. None: it did not.
    pub(super) fn unpack(from: &mut &'a [u8]) -> Option<Self> {
        let place = i64::from_be_bytes(unpack(from)?);
        let created = i64::from_be_bytes(unpack(from)?);
        let [tag] = unpack(from)?;
        let name = match tag {
            ANSWER => {
                let event = i64::from_be_bytes(unpack(from)?);
                let plugin = str::from_utf8(unpack_text(from)?).ok()?;
                Name::Answer { event, plugin, ordinal: u32::from_be_bytes(unpack(from)?) }
            }
            FREE => Name::Free(str::from_utf8(unpack_text(from)?).ok()?),
            _ => return None,
        };
        Some(Self {
            place,
            name,
            client_id: i64::from_be_bytes(unpack(from)?),
            created,
            kind: i64::from_be_bytes(unpack(from)?),
            conversation: str::from_utf8(unpack_text(from)?).ok()?,
            priority: i64::from_be_bytes(unpack(from)?),
            is_known: false,
            payload: Cow::Borrowed(unpack_text(from)?),
        })
    }
}

fn pack_text(text: &[u8], into: &mut Vec<u8>) -> Result<(), rusqlite::Error> {
    let n_bytes = u32::try_from(text.len())
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    into.extend(n_bytes.to_be_bytes());
    into.extend_from_slice(text);
    Ok(())
}

fn unpack<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*bytes)
}

fn unpack_text<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let n_bytes = usize::try_from(u32::from_be_bytes(unpack(from)?)).ok()?;
    let (text, rest) = from.split_at_checked(n_bytes)?;
    *from = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sends() -> [Unsent<'static>; 2] {
        let answer = Unsent {
            place: 7,
            name: Name::Answer { event: i64::MAX, plugin: "回声", ordinal: 3 },
            client_id: -2,
            created: 9,
            kind: 2,
            conversation: "amy",
            priority: 1,
            is_known: false,
            payload: Cow::Borrowed(b"\0\xff"),
        };
        let free = Unsent { name: Name::Free(""), conversation: "", ..answer.clone() };
        [answer, Unsent { payload: Cow::default(), ..free }]
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was_one_behind_the_other() {
        let mut packed = Vec::new();
        for send in sends() {
            send.pack(&mut packed).unwrap();
        }
        let mut from = packed.as_slice();
        for send in sends() {
            assert_eq!(Unsent::unpack(&mut from), Some(send));
        }
        assert!(from.is_empty());
    }

    #[test]
    fn what_was_cut_off_or_is_no_text_is_no_send() {
        for send in sends() {
            let mut packed = Vec::new();
            send.pack(&mut packed).unwrap();
            for n_bytes in 0..packed.len() {
                assert_eq!(Unsent::unpack(&mut &packed[..n_bytes]), None, "{n_bytes}");
            }
            packed[16] = 2;
            assert_eq!(Unsent::unpack(&mut packed.as_slice()), None);
        }
        let mut packed = Vec::new();
        sends()[0].pack(&mut packed).unwrap();
        let at = packed.windows(3).position(|window| window == b"amy").unwrap();
        packed[at] = 0xff;
        assert_eq!(Unsent::unpack(&mut packed.as_slice()), None);
    }
}
