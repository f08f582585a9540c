//! What is filled into an address.

use std::fmt::{self, Write};

/// Writes `text` so that it is one part of a path or a query, whatever it holds.
pub(super) fn write(out: &mut impl Write, text: &str) -> fmt::Result {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.write_char(byte.into())?;
            }
            byte => write!(out, "%{byte:02X}")?,
        }
    }
    Ok(())
}
