//! What a picture is seen to be before it goes up: clients make room for it by its size before they have it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Seek},
    panic::catch_unwind,
};

use easebot_model::{FileSource, Image, Size};
use imagesize::{ImageResult, ImageType, reader_type};
use tokio::task::spawn_blocking;

/// Completes what the caller has not said of `image`, which is the picture in `file`. Nothing of one that cannot be read: the
/// server may know it all the same.
pub(super) async fn complete(image: &mut Image, file: &FileSource) {
    let seen = match file {
        // A picture may be anybody's, and made to make its reader panic.
        FileSource::Bytes(bytes) => catch_unwind(|| look(Cursor::new(bytes))).ok(),
        FileSource::Path(path) => {
            let path = path.clone();
            spawn_blocking(move || look(BufReader::new(File::open(path)?))).await.ok()
        }
        _ => None,
    };
    let Some(Ok((size, is_gif))) = seen else { return };
    image.size.get_or_insert(size);
    image.is_gif |= is_gif;
}

fn look(mut reader: impl BufRead + Seek) -> ImageResult<(Size, bool)> {
    let kind = reader_type(&mut reader)?;
    let size = kind.reader_size(&mut reader)?;
    #[expect(clippy::cast_precision_loss, reason = "no picture has 2^53 pixels in a row")]
    let size = Size { width: size.width as f64, height: size.height as f64 };
    Ok((size, kind == ImageType::Gif))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0";
    const GIF: &[u8] = b"GIF89a\x40\x01\xf0\0\0\0\0";

    async fn seen(image: Image, file: impl Into<FileSource>) -> (Option<(f64, f64)>, bool) {
        let mut image = image;
        complete(&mut image, &file.into()).await;
        (image.size.map(|size| (size.width, size.height)), image.is_gif)
    }

    #[tokio::test]
    async fn size_and_kind_of_a_picture_are_seen() {
        assert_eq!(seen(Image::default(), PNG.to_vec()).await, (Some((640.0, 480.0)), false));
        assert_eq!(seen(Image::default(), GIF.to_vec()).await, (Some((320.0, 240.0)), true));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no name that tells");
        std::fs::write(&path, GIF).unwrap();
        assert_eq!(seen(Image::default(), path).await, (Some((320.0, 240.0)), true));
        let missing = folder.path().join("nobody.png");
        assert_eq!(seen(Image::default(), missing).await, (None, false));
    }

    #[tokio::test]
    async fn what_the_caller_says_counts_and_what_is_none_stays_unknown() {
        let size = Some(Size { width: 1.0, height: 2.0 });
        let said = Image { size, ..Image::default() };
        assert_eq!(seen(said, GIF.to_vec()).await, (Some((1.0, 2.0)), true));
        for n_bytes in 0..GIF.len().min(PNG.len()) {
            for picture in [GIF, PNG] {
                let (size, _) = seen(Image::default(), picture[..n_bytes].to_vec()).await;
                assert!(size.is_none() || n_bytes >= 10, "{n_bytes}");
            }
        }
        assert!(!seen(Image::default(), b"\x89PNG\r\n\x1a\n and so on".to_vec()).await.1);
    }
}
