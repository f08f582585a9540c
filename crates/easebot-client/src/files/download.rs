//! Downloading.

use std::path::Path;

use easebot_model::Attachment;
use tokio::io::AsyncWrite;
use tracing::debug;

use super::{DownloadError, Files, OnProgress, fetch::Fetch, part_file::PartFile, sink::Sink};

/// How a file is downloaded.
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    /// Which form of it; default: the original.
    pub variant: Variant,
    /// Most bytes; default: 2 GiB.
    pub limit_bytes: u64,
    /// What the length in the message is worth; default: nothing.
    pub claimed: ClaimedLength,
    /// Whether a file at a server that is not the account's is fetched; default: no. The address is the sender's: it may
    /// lead into your own network.
    pub other_hosts: bool,
    /// Who hears of the progress; default: nobody.
    pub on_progress: OnProgress,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            variant: Variant::default(),
            limit_bytes: 2 * 1024 * 1024 * 1024,
            claimed: ClaimedLength::default(),
            other_hosts: false,
            on_progress: OnProgress::default(),
        }
    }
}

/// Which form of a file. The other two are made by the server, of files that were uploaded to it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Variant {
    /// As it was uploaded.
    #[default]
    Original,
    /// A smaller copy of a picture. A picture of up to 10 KB is its own.
    Thumbnail,
    /// The first frame of a video, as a picture.
    VideoFrame,
}

impl Variant {
    /// Source: observed with the official SDK.
    pub(super) const fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Original => None,
            Self::Thumbnail => Some("thumbnail"),
            Self::VideoFrame => Some("vframe"),
        }
    }
}

/// What the length in a message is worth: its sender wrote it, and 2 GiB and more do not fit there.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ClaimedLength {
    /// The file has to have it.
    Exact,
    /// Nothing.
    #[default]
    Ignored,
    /// The file may not have more.
    Limit,
}

/// A file that was downloaded.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Its length.
    pub length_bytes: u64,
    /// Its media type, as the server says.
    pub content_type: Option<String>,
    /// How many of its bytes an earlier try had left.
    pub resumed_bytes: u64,
}

impl Files {
    /// Downloads an attachment to the file `to`, over an older one. Its folder has to exist; a name out of a message has
    /// to be made harmless first ([`safe_file_name`](easebot_model::safe_file_name)).
    ///
    /// The bytes go to `NAME.….part` beside it, which becomes `to` when all of them are there and on the disk. Where a
    /// download breaks off, this one or a later one with the same arguments goes on, if the server allows it; dropping the
    /// future leaves the unfinished file too. After a passing failure it tries again, up to three times in a row that bring less
    /// than 1 MiB.
    ///
    /// The token and the share secret go to the account's own servers only. Redirects are followed five times, to `http`
    /// and `https`, without either.
    ///
    /// # Errors
    /// [`DownloadError`]; its [`retry`](DownloadError::retry) says whether to try again.
    pub async fn download(
        &self,
        attachment: &Attachment,
        to: &Path,
        options: &DownloadOptions,
    ) -> Result<Downloaded, DownloadError> {
        let address = format!("{}#{:?}", attachment.url, options.variant);
        let mut file = PartFile::open(to, &address).await?;
        let result = self.fetch(attachment, Sink::File(&mut file), options).await;
        let failed = |source| DownloadError::Write { source };
        match result {
            Ok(downloaded) => {
                file.finish().await.map_err(failed)?;
                Ok(downloaded)
            }
            Err(error) => {
                let is_of_use = error.keeps_part() && file.n_bytes() > 0;
                let cleared = if is_of_use { file.keep().await } else { file.discard().await };
                // The first error says more.
                if let Err(error) = cleared {
                    debug!(%error, "the unfinished file of a download stays as it is");
                }
                Err(error)
            }
        }
    }

    /// Downloads an attachment into `writer`, as [`download`](Self::download) does into a file. Writes nothing twice; where
    /// the beginning cannot be skipped the download ends with an error instead. Flushes at the end.
    ///
    /// # Errors
    /// [`DownloadError`]; what came before it was written.
    pub async fn download_into(
        &self,
        attachment: &Attachment,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
        options: &DownloadOptions,
    ) -> Result<Downloaded, DownloadError> {
        self.fetch(attachment, Sink::Writer { writer, n_bytes: 0 }, options).await
    }

    async fn fetch<'a>(
        &'a self,
        attachment: &'a Attachment,
        sink: Sink<'a>,
        options: &'a DownloadOptions,
    ) -> Result<Downloaded, DownloadError> {
        let resumed_bytes = sink.n_bytes();
        let caller = &self.shared.caller;
        let mut fetch = Fetch {
            caller,
            attachment,
            options,
            sink,
            resumed_bytes,
            tag: None,
            total_bytes: None,
            content_type: None,
        };
        fetch.run().await?;
        let Fetch { sink, resumed_bytes, content_type, .. } = fetch;
        Ok(Downloaded { length_bytes: sink.n_bytes(), content_type, resumed_bytes })
    }
}
