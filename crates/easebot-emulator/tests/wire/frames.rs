//! Frames as the official SDK writes them, put together byte by byte.

/// A hand-written protobuf message: fields in the order they are added.
#[derive(Clone, Default)]
pub(super) struct Pb(pub(super) Vec<u8>);

impl Pb {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn varint(mut self, field: u64, value: u64) -> Self {
        push_varint(&mut self.0, field << 3);
        push_varint(&mut self.0, value);
        self
    }

    pub(super) fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        push_varint(&mut self.0, field << 3 | 2);
        push_varint(&mut self.0, u64::try_from(value.len()).unwrap());
        self.0.extend_from_slice(value);
        self
    }

    pub(super) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(super) fn sub(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
}

/// The `traceId` that the official SDK puts on every frame.
const TRACE: u64 = (1_785_000_000_000 << 22) | (1 << 12);

pub(super) fn jid(name: &str, domain: &str) -> Pb {
    Pb::new().text(1, "easebot#demo").text(2, name).text(3, domain)
}

/// PROVISION as the official SDK writes it.
pub(super) fn provision(user: &str, device: &str, token: &str) -> Vec<u8> {
    let guid = jid(user, "easemob.com").text(4, device);
    let asked = Pb::new()
        .varint(1, 16)
        .text(2, "4.21.1")
        .varint(5, 0)
        .varint(6, 0)
        .text(9, "wx_1785000000000")
        .text(12, "webim")
        .text(13, device)
        .text(17, "v5.2")
        .text(18, &format!("{{\"token\":\"$t${token}\"}}"))
        .text(20, "1785000000000:")
        .bytes(22, &[2]);
    let frame = Pb::new().sub(2, &guid).text(3, &format!("$t${token}")).varint(8, 3);
    frame.sub(9, &asked).varint(10, 0).varint(11, 0).varint(20, TRACE).0
}

/// UNREAD as the official SDK writes it: no payload, no guid.
pub(super) fn unread() -> Vec<u8> {
    Pb::new().varint(8, 1).varint(11, 0).varint(20, TRACE).0
}

pub(super) fn sync(payload: &Pb) -> Vec<u8> {
    Pb::new().varint(8, 0).sub(9, payload).varint(11, 0).varint(20, TRACE).0
}

/// STATISTIC, which the official SDK sends behind each UNREAD.
pub(super) fn statistic() -> Vec<u8> {
    let body = Pb::new().varint(1, 0);
    sync(&Pb::new().sub(1, &Pb::new().varint(1, 1_785_000_000_000).varint(5, 0).sub(6, &body)))
}

/// A text with typed extras as the official SDK writes it.
pub(super) fn text(id: u64, from: &str, to: &str, text: &str) -> Vec<u8> {
    let name = |name: &str| Pb::new().text(2, name);
    let extra = Pb::new().text(1, "a").varint(2, 2).varint(3, 1);
    let body = Pb::new()
        .varint(1, 1)
        .sub(2, &name(from))
        .sub(3, &name(to))
        .sub(4, &Pb::new().varint(1, 0).text(2, text))
        .sub(5, &extra);
    let meta = Pb::new().varint(1, id).sub(3, &jid(to, "easemob.com")).varint(5, 1);
    sync(&Pb::new().sub(1, &meta.sub(6, &body).varint(7, 0)))
}

/// A pull, and with a key an acknowledgement.
pub(super) fn pull(queue: &str, key: Option<u64>) -> Vec<u8> {
    let payload = key.map_or_else(Pb::new, |key| Pb::new().varint(2, key));
    sync(&payload.sub(3, &jid(queue, "easemob.com")))
}

#[test]
fn the_hand_made_frames_have_the_sizes_of_those_that_were_seen() {
    assert_eq!(unread().len(), 15);
    assert_eq!(statistic().len(), 32);
}
