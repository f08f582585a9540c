//! What is sent, as bytes or as what they are made of.

use std::{borrow::Cow, fmt, sync::Arc};

/// What is sent, in whatever form the caller can read again: bytes, or something that becomes bytes once they are needed. Cheap
/// to clone in the second form.
///
/// A [`Database`](crate::Database) needs them to write them, and makes them on its own thread; a
/// [`MemoryStore`](crate::MemoryStore) needs them only if somebody reads what it has.
#[derive(Clone)]
pub struct Payload(Form);

#[derive(Clone)]
enum Form {
    Bytes(Vec<u8>),
    Later(Arc<dyn Encode>),
}

/// Something that becomes the bytes of a [`Payload`] when they are needed, each time the same ones.
pub trait Encode: Send + Sync {
    /// About as many as the bytes are, for those who count how much waits.
    fn n_bytes(&self) -> usize;

    /// The bytes.
    fn encode(&self) -> Vec<u8>;
}

impl Payload {
    /// What `value` becomes once it is needed.
    #[must_use]
    pub const fn later(value: Arc<dyn Encode>) -> Self {
        Self(Form::Later(value))
    }

    /// How many bytes it has, as far as they are made; about as many otherwise.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        match &self.0 {
            Form::Bytes(bytes) => bytes.len(),
            Form::Later(value) => value.n_bytes(),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match &self.0 {
            Form::Bytes(bytes) => Cow::Borrowed(bytes),
            Form::Later(value) => Cow::Owned(value.encode()),
        }
    }

    /// The same for whoever keeps them.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self.0 {
            Form::Bytes(bytes) => bytes,
            Form::Later(value) => value.encode(),
        }
    }
}

/// Nothing.
impl Default for Payload {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Form::Bytes(bytes))
    }
}

/// Nothing of what it says.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("n_bytes", &self.n_bytes()).finish()
    }
}
