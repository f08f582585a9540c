//! What the tests of this crate share.

use bytes::Bytes;

/// The bytes of `text`, hexadecimal digits with white space anywhere.
pub(crate) fn hex(text: &str) -> Bytes {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap()).collect();
    assert_eq!(digits.len() % 2, 0, "an odd number of digits");
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// `bytes` in hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A frame of the official SDK: what it is, and its bytes.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) hex: &'static str,
}

macro_rules! golden {
    ($($name:literal),* $(,)?) => {
        /// Encoded `Meta`s that the official SDK made (`tests/fixtures/metas/SOURCE.md`).
        pub(crate) const GOLDEN_METAS: &[Golden] = &[$(Golden {
            name: $name,
            hex: include_str!(concat!("../tests/fixtures/metas/", $name, ".hex")),
        }),*];
    };
}

golden! {
    "text-user",
    "text-group-receipts",
    "text-room-high",
    "text-group-directed",
    "text-thread",
    "cmd-typing",
    "read-user",
    "edit-text",
    "combine-user",
}

/// The bytes of the golden `Meta` called `name`.
pub(crate) fn golden(name: &str) -> Bytes {
    hex(GOLDEN_METAS.iter().find(|golden| golden.name == name).unwrap().hex)
}
