//! Why a file did not get there.

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;
use url::Url;

use crate::{ApiError, HttpError, Meaning, Retry};

/// Why a file was not uploaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The server could not be asked, or refused for a reason that is not about the file.
    #[error("the server did not take the file")]
    Call {
        /// Why.
        #[source]
        source: ApiError,
    },
    /// Moderation refuses the content.
    #[error("moderation refuses the content of the file")]
    ContentImproper,
    /// The content ended before its length: the file was changed meanwhile, or the reader has less than was said.
    #[error("the content ends after {got_bytes} bytes instead of {expected_bytes}")]
    CutShort {
        /// The length that was known before.
        expected_bytes: u64,
        /// What there was.
        got_bytes: u64,
    },
    /// There is nothing to upload; the service takes no empty file.
    #[error("the file is empty")]
    Empty,
    /// The server did not find a file in the request.
    #[error("the server found no file in the request")]
    FileMissing,
    /// The content cannot be read.
    #[error("cannot read the file")]
    Read {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is larger than the server takes.
    #[error("the file has {n_bytes} bytes, {}", Limit(*limit_bytes))]
    TooLarge {
        /// Most bytes, if the server said that.
        limit_bytes: Option<u64>,
        /// Its length.
        n_bytes: u64,
    },
}

impl UploadError {
    /// Whether to try again, and when. An upload that was tried twice leaves at worst a file that nobody knows of.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Call { source } => source.retry(),
            // Not there, no regular file, or none for us. Nobody puts the one there later that was meant: waiting for it would
            // hold up its conversation for ever.
            Self::Read { source }
                if matches!(
                    source.kind(),
                    io::ErrorKind::InvalidFilename
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::IsADirectory
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::NotFound
                        | io::ErrorKind::PermissionDenied
                ) =>
            {
                Retry::Never
            }
            Self::CutShort { .. } | Self::Read { .. } => Retry::LATER,
            Self::ContentImproper | Self::Empty | Self::FileMissing | Self::TooLarge { .. } => {
                Retry::Never
            }
        }
    }

    /// The failure of a call about a file of `n_bytes`.
    pub(super) fn of(source: ApiError, n_bytes: u64) -> Self {
        match source.meaning() {
            Some(Meaning::ContentImproper) => Self::ContentImproper,
            Some(Meaning::FileMissing) => Self::FileMissing,
            Some(Meaning::TooLarge) => Self::TooLarge { limit_bytes: None, n_bytes },
            _ => Self::Call { source },
        }
    }
}

/// Why a file was not downloaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The address is none, or of another kind than `http` and `https`.
    #[error("the address of the file is no http or https address")]
    BadUrl,
    /// The account's servers or token could not be got.
    #[error("the server could not be asked for the file")]
    Call {
        /// Why.
        #[source]
        source: ApiError,
    },
    /// The file is another one than when its download began, and what has come cannot be taken back.
    #[error("the file changed while it was downloaded")]
    Changed,
    /// The server no longer keeps it.
    #[error("the server no longer keeps the file")]
    Expired,
    /// This account may not have it, or the share secret is wrong.
    #[error("the server refuses the file")]
    Forbidden,
    /// Another download writes to the same place.
    #[error("`{}` is being written by another download", path.display())]
    InUse {
        /// The unfinished file.
        path: PathBuf,
    },
    /// What came is not as long as it has to be.
    #[error("the file has {got_bytes} bytes instead of {expected_bytes}")]
    LengthMismatch {
        /// What the server or the message says.
        expected_bytes: u64,
        /// What came.
        got_bytes: u64,
    },
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// The file is at a server that is not the account's, and that was not [allowed](super::DownloadOptions::other_hosts).
    #[error("the file is at the foreign host `{host}`")]
    OtherHost {
        /// Which.
        host: String,
    },
    /// The server sends from one address to the next, or to something that is no `http` or `https` address.
    #[error("the server sends on without end or to no http or https address ({n_redirects} times)")]
    Redirects {
        /// How often.
        n_redirects: u32,
    },
    /// The server refuses for another reason.
    #[error("the server answered with status {status} instead of the file")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// The server is in trouble or busy.
    #[error("the server is in trouble: status {status}")]
    Server {
        /// HTTP status.
        status: u16,
        /// How long it asks to wait.
        after: Option<Duration>,
    },
    /// The file is larger than was allowed.
    #[error("the file has {n_bytes} bytes or more, the limit is {limit_bytes}")]
    TooLarge {
        /// Most bytes.
        limit_bytes: u64,
        /// Its length, or what had come when it was too much.
        n_bytes: u64,
    },
    /// The connection failed, more often than is worth another try.
    #[error("the download from {host} broke off after {n_bytes} bytes")]
    Unreachable {
        /// The server.
        host: Box<Url>,
        /// What had come by then.
        n_bytes: u64,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// What came cannot be written down.
    #[error("cannot write the file")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl DownloadError {
    /// Whether to try again, and when. A download to a file goes on where it was, where the server allows it.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Call { source } => source.retry(),
            Self::Server { after, .. } => Retry::Later { after: *after },
            Self::Unreachable { source, .. } => source.retry(),
            Self::Changed
            | Self::InUse { .. }
            | Self::LengthMismatch { .. }
            | Self::Write { .. } => Retry::LATER,
            Self::BadUrl
            | Self::Expired
            | Self::Forbidden
            | Self::NotFound
            | Self::OtherHost { .. }
            | Self::Redirects { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. } => Retry::Never,
        }
    }

    /// Whether it is worth another try at once.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Server { .. } | Self::Unreachable { .. })
    }

    /// Whether what has come so far is of use to the next try.
    pub(super) const fn keeps_part(&self) -> bool {
        matches!(
            self,
            Self::Call { .. }
                | Self::InUse { .. }
                | Self::Server { .. }
                | Self::Unreachable { .. }
                | Self::Write { .. }
        )
    }
}

/// The limit behind the length, where it is known.
struct Limit(Option<u64>);

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(limit_bytes) => write!(f, "the limit is {limit_bytes}"),
            None => f.write_str("more than the server takes"),
        }
    }
}
