//! A content, chunk by chunk.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek},
    path::Path,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    task::spawn_blocking,
};

/// Bytes that are read at once: enough to be worth a call of the system, or the way to another thread and back, and little enough
/// to be still in the processor's cache when they are sent.
const CHUNK_BYTES: usize = 256 * 1024;

pub(super) type Reader = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// A content from some byte on, read in order.
pub(super) enum Chunks {
    Bytes(Bytes),
    File(FileChunks),
    Reader(Reader),
}

impl Chunks {
    /// A file from byte `start` on.
    pub(super) async fn of_file(path: &Path, start: u64) -> io::Result<Self> {
        let path = path.to_owned();
        let file = elsewhere(move || {
            let mut file = File::open(path)?;
            file.seek(io::SeekFrom::Start(start))?;
            Ok(file)
        });
        let (file, given) = (Arc::new(file.await?), VecDeque::new());
        Ok(Self::File(FileChunks { file, given, may_be_ready: true }))
    }

    /// The next chunk, at most `n_bytes` of it; empty at the end.
    pub(super) async fn next(&mut self, n_bytes: u64) -> io::Result<Bytes> {
        let n_bytes = usize::try_from(n_bytes).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        match self {
            Self::Bytes(bytes) => Ok(bytes.split_to(n_bytes.min(bytes.len()))),
            Self::File(file) => file.next(n_bytes).await,
            Self::Reader(reader) => {
                let mut chunk = BytesMut::with_capacity(n_bytes);
                reader.take(n_bytes as u64).read_buf(&mut chunk).await?;
                Ok(chunk.freeze())
            }
        }
    }
}

/// Chunks of a file. Their memory is used again once they are sent: new memory costs as much as a copy of what goes into it.
pub(super) struct FileChunks {
    file: Arc<File>,
    /// The last ones that were handed out, oldest first.
    given: VecDeque<Bytes>,
    /// Whether its file system says what is in memory.
    may_be_ready: bool,
}

/// How many chunks may be on their way to the socket before memory is taken for another one that is not used again.
const MAX_GIVEN: usize = 4;

impl FileChunks {
    async fn next(&mut self, n_bytes: usize) -> io::Result<Bytes> {
        let mut chunk = self.free_chunk();
        chunk.resize(n_bytes, 0);
        let n_ready = if self.may_be_ready { self.read_ready(&mut chunk) } else { 0 };
        let chunk = if n_ready > 0 {
            chunk.truncate(n_ready);
            chunk.freeze()
        } else {
            let file = Arc::clone(&self.file);
            let read = elsewhere(move || {
                let n_read = read_full(&file, &mut chunk)?;
                chunk.truncate(n_read);
                Ok(chunk.freeze())
            });
            read.await?
        };
        self.given.push_back(chunk.clone());
        Ok(chunk)
    }

    /// Reads what the system has in memory, without waiting for a disk: that is a copy, which takes less than the way to another
    /// thread and back. Nothing is no error: whatever it is, it is met again on that way.
    #[cfg(target_os = "linux")]
    fn read_ready(&mut self, buffer: &mut [u8]) -> usize {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        /// Reads at the place of the file, and moves it.
        const HERE: u64 = u64::MAX;

        let buffers = &mut [io::IoSliceMut::new(buffer)];
        match preadv2(&self.file, buffers, HERE, ReadWriteFlags::NOWAIT) {
            Ok(n_read) => n_read,
            Err(error) => {
                self.may_be_ready = error == Errno::AGAIN;
                0
            }
        }
    }

    /// Other systems do not say what they have in memory.
    #[cfg(not(target_os = "linux"))]
    fn read_ready(&mut self, _buffer: &mut [u8]) -> usize {
        self.may_be_ready = false;
        0
    }

    /// The memory of a chunk that nobody needs any more, or new memory.
    fn free_chunk(&mut self) -> BytesMut {
        let oldest = match self.given.front() {
            Some(chunk) if chunk.is_unique() || self.given.len() >= MAX_GIVEN => {
                self.given.pop_front()
            }
            _ => None,
        };
        let free = oldest.and_then(|chunk| chunk.try_into_mut().ok());
        free.unwrap_or_else(|| BytesMut::with_capacity(CHUNK_BYTES))
    }
}

/// As much of `file` as `buffer` holds, or all that is left.
fn read_full(mut file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut n_read = 0;
    while let Some(free) = buffer.get_mut(n_read..).filter(|free| !free.is_empty()) {
        match file.read(free) {
            Ok(0) => break,
            Ok(n_more) => n_read += n_more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n_read)
}

/// Runs what waits for the disk on a thread for that. One that was stopped with the runtime is an error of reading as well.
pub(super) async fn elsewhere<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(act).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(n_bytes: usize) -> Vec<u8> {
        (0..n_bytes).map(|at| u8::try_from(at / 1000 % 251).unwrap()).collect()
    }

    async fn file_of(bytes: &[u8], start: u64) -> (tempfile::NamedTempFile, Chunks) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let chunks = Chunks::of_file(file.path(), start).await.unwrap();
        (file, chunks)
    }

    async fn all(chunks: &mut Chunks) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let chunk = chunks.next(u64::MAX).await.unwrap();
            assert!(chunk.len() <= CHUNK_BYTES);
            match chunk.is_empty() {
                true => return all,
                false => all.extend_from_slice(&chunk),
            }
        }
    }

    #[tokio::test]
    async fn all_kinds_of_content_are_read_alike() {
        let bytes = numbered(3 * CHUNK_BYTES + 17);
        let (_kept, file) = file_of(&bytes, 0).await;
        let reader: Reader = Box::new(io::Cursor::new(bytes.clone()));
        for mut chunks in [Chunks::Bytes(bytes.clone().into()), file, Chunks::Reader(reader)] {
            let first = chunks.next(10).await.unwrap();
            assert_eq!(first, bytes[..10]);
            assert!(all(&mut chunks).await == bytes[10..]);
        }
        let (_kept, mut later) = file_of(&bytes, CHUNK_BYTES as u64).await;
        assert!(all(&mut later).await == bytes[CHUNK_BYTES..]);
    }

    #[tokio::test]
    async fn what_is_in_memory_and_what_is_not_follow_each_other() {
        let bytes = numbered(5 * CHUNK_BYTES + 17);
        let (_kept, Chunks::File(mut file)) = file_of(&bytes, 0).await else { panic!("a file") };
        let mut all = Vec::new();
        for is_asked in [false, true, true].into_iter().cycle() {
            file.may_be_ready = is_asked;
            match file.next(CHUNK_BYTES).await.unwrap() {
                end if end.is_empty() => break,
                chunk => all.extend_from_slice(&chunk),
            }
        }
        assert!(all == bytes);
    }

    #[tokio::test]
    async fn the_memory_of_a_chunk_is_used_again_once_nobody_has_it() {
        let bytes = numbered(8 * CHUNK_BYTES);
        let (_kept, mut chunks) = file_of(&bytes, 0).await;
        let first = chunks.next(u64::MAX).await.unwrap();
        let place = first.as_ptr();
        let second = chunks.next(u64::MAX).await.unwrap();
        assert_ne!(second.as_ptr(), place, "the first is in use");
        drop(first);
        let third = chunks.next(u64::MAX).await.unwrap();
        assert_eq!(third.as_ptr(), place);
        assert!(second == bytes[CHUNK_BYTES..2 * CHUNK_BYTES]);
        assert!(third == bytes[2 * CHUNK_BYTES..3 * CHUNK_BYTES]);
        let mut held = vec![second, third];
        for _ in 0..5 {
            held.push(chunks.next(u64::MAX).await.unwrap());
        }
        assert!(held.concat() == bytes[CHUNK_BYTES..], "what is held is not written over");
    }
}
