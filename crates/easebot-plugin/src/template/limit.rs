//! Bounds of one rendering: what is filled in may come from anybody.

use std::io;

use minijinja::{Error, ErrorKind, Template, Value};

/// How many steps a rendering may take.
pub(super) const STEPS: u64 = 1_000_000;

/// How many bytes may come out.
pub(super) const BYTES: usize = 4 << 20;

/// Renders `template`; an error of [`ErrorKind::WriteFailure`] is that more than [`BYTES`] come out.
pub(super) fn render(template: &Template<'_, '_>, values: Value) -> Result<String, Error> {
    let mut out = Bounded(Vec::new());
    template.render_captured_to(values, &mut out)?;
    String::from_utf8(out.0)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, "no UTF-8").with_source(error))
}

/// Takes up to [`BYTES`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > BYTES.saturating_sub(self.0.len()) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
