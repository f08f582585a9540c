//! Where the bytes of a download go.

use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{DownloadError, part_file::PartFile};

/// Where the bytes of a download go.
pub(super) enum Sink<'a> {
    /// Can be taken back.
    File(&'a mut PartFile),
    /// What is written is written.
    Writer { writer: &'a mut (dyn AsyncWrite + Send + Unpin), n_bytes: u64 },
}

impl Sink<'_> {
    pub(super) const fn n_bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.n_bytes(),
            Self::Writer { n_bytes, .. } => *n_bytes,
        }
    }

    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), DownloadError> {
        let written = match self {
            Self::File(file) => file.write(chunk).await,
            Self::Writer { writer, n_bytes } => {
                let written = writer.write_all(chunk).await;
                *n_bytes += chunk.len() as u64;
                written
            }
        };
        written.map_err(|source| DownloadError::Write { source })
    }

    /// Takes everything back.
    pub(super) async fn restart(&mut self) -> Result<(), DownloadError> {
        match self {
            Self::File(file) => {
                file.restart().await.map_err(|source| DownloadError::Write { source })
            }
            Self::Writer { n_bytes: 0, .. } => Ok(()),
            Self::Writer { .. } => Err(DownloadError::Changed),
        }
    }

    pub(super) async fn flush(&mut self) -> Result<(), DownloadError> {
        match self {
            // Done when the file moves to its place.
            Self::File(_) => Ok(()),
            Self::Writer { writer, .. } => {
                writer.flush().await.map_err(|source| DownloadError::Write { source })
            }
        }
    }
}
