//! A file that a plugin has as a stream.

use std::fmt;

use tokio::io::AsyncRead;

/// A file that flows, for [`Context::upload`](crate::Context::upload): the body of an HTTP request, the output of a program.
///
/// Its length has to be known before. Of a stream that does not tell it, collect the bytes within a bound of your own, or write
/// them to a file.
pub struct FileStream {
    /// The name that its receivers see.
    pub name: String,
    /// So many bytes are read; a stream that ends before fails.
    pub length_bytes: u64,
    /// Where they come from.
    pub reader: Box<dyn AsyncRead + Send + Sync + Unpin>,
}

impl FileStream {
    /// The next `length_bytes` of `reader`, as the file `name`.
    pub fn new(
        name: impl Into<String>,
        length_bytes: u64,
        reader: impl AsyncRead + Send + Sync + Unpin + 'static,
    ) -> Self {
        Self { name: name.into(), length_bytes, reader: Box::new(reader) }
    }
}

impl fmt::Debug for FileStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStream")
            .field("length_bytes", &self.length_bytes)
            .finish_non_exhaustive()
    }
}
