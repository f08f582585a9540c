//! Small pictures: thumbnails of images, and a frame that stands for the first one of a video.

use std::{
    io::{self, Cursor},
    path::Path,
    sync::LazyLock,
};

use bytes::Bytes;
use image::{
    DynamicImage, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
};
use thiserror::Error;

/// Images up to this size are their own thumbnail. Source: Easemob's REST documentation, "files".
pub(crate) const MIN_IMAGE_BYTES: u64 = 10 * 1024;
/// Side of a thumbnail for which the upload named none. Source: as above.
pub(crate) const DEFAULT_SIDE: u32 = 170;
/// Largest side that an upload may ask for.
pub(crate) const MAX_SIDE: u32 = 1024;
/// Largest side of an image that is opened.
const MAX_IMAGE_SIDE: u32 = 16 * 1024;
/// Most memory that opening an image may take.
const MAX_DECODE_BYTES: u64 = 128 << 20;

/// A picture with the name of its format.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: &'static str,
}

/// Why there is no thumbnail.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ThumbnailError {
    /// It is no image of a format that is known, or a broken or a giant one.
    #[error("the file is no image that can be opened")]
    Image(
        #[from]
        #[source]
        ImageError,
    ),
    #[error("the file cannot be read")]
    Io(
        #[from]
        #[source]
        io::Error,
    ),
}

/// The image at `path` made to fit into `width` times `height`, never enlarged. Takes its time and blocks.
pub(crate) fn thumbnail(path: &Path, width: u32, height: u32) -> Result<Picture, ThumbnailError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_IMAGE_SIDE);
    limits.max_image_height = Some(MAX_IMAGE_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    reader.limits(limits);
    let image = reader.decode()?;
    let is_small = image.width() <= width && image.height() <= height;
    let small = if is_small { image } else { image.thumbnail(width.max(1), height.max(1)) };
    if small.color().has_alpha() {
        let mut bytes = Cursor::new(Vec::new());
        small.write_to(&mut bytes, ImageFormat::Png)?;
        return Ok(Picture { bytes: bytes.into_inner(), media_type: "image/png" });
    }
    Ok(Picture { bytes: jpeg(small)?, media_type: "image/jpeg" })
}

/// What is shown for the first frame of a video: nobody here can play one. A JPEG of 320 times 180, dark, with a triangle.
pub(crate) fn frame() -> Bytes {
    const WIDTH: u32 = 320;
    const HEIGHT: u32 = 180;
    static FRAME: LazyLock<Bytes> = LazyLock::new(|| {
        let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
            // Points right: the further right, the less high.
            let in_triangle = (130..=200).contains(&x) && y.abs_diff(HEIGHT / 2) * 2 <= 200 - x;
            if in_triangle { Rgb([230, 230, 230]) } else { Rgb([40, 44, 52]) }
        });
        // Encoding into memory cannot fail but for a lack of it.
        jpeg(picture.into()).unwrap_or_default().into()
    });
    FRAME.clone()
}

fn jpeg(image: DynamicImage) -> Result<Vec<u8>, ImageError> {
    const QUALITY: u8 = 80;
    let mut bytes = Vec::new();
    image.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage, load_from_memory};

    use super::*;

    fn saved(image: &DynamicImage, format: ImageFormat) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        image.save_with_format(file.path(), format).unwrap();
        file
    }

    #[test]
    fn a_thumbnail_fits_and_keeps_its_shape() {
        let wide = DynamicImage::from(RgbImage::from_pixel(400, 100, Rgb([200, 10, 10])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let file = saved(&wide, format);
            let small = thumbnail(file.path(), 170, 170).unwrap();
            let small = load_from_memory(&small.bytes).unwrap();
            let red = small.to_rgb8().get_pixel(5, 5).0;
            assert!((small.width(), small.height()) == (170, 43), "{format:?}");
            assert!(red[0] > 180 && red[1] < 40, "{format:?}: {red:?}");
        }
    }

    #[test]
    fn what_is_transparent_stays_transparent_and_what_is_small_stays_small() {
        let clear = DynamicImage::from(RgbaImage::from_pixel(20, 30, Rgba([0, 0, 0, 0])));
        let small = thumbnail(saved(&clear, ImageFormat::Png).path(), 170, 170).unwrap();
        assert_eq!(small.media_type, "image/png");
        let small = load_from_memory(&small.bytes).unwrap();
        assert_eq!((small.width(), small.height()), (20, 30));
        assert_eq!(small.to_rgba8().get_pixel(0, 0).0[3], 0);
    }

    #[test]
    fn what_is_no_image_has_no_thumbnail() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"GIF89a and then nothing").unwrap();
        let error = thumbnail(file.path(), 170, 170).unwrap_err();
        assert!(matches!(error, ThumbnailError::Image(_)), "{error}");
    }

    #[test]
    fn the_frame_of_a_video_is_a_picture() {
        let frame = load_from_memory(&frame()).unwrap().to_rgb8();
        assert_eq!((frame.width(), frame.height()), (320, 180));
        assert!(frame.get_pixel(150, 90).0[0] > 200 && frame.get_pixel(5, 5).0[0] < 80);
    }
}
