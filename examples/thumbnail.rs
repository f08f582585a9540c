//! Takes a picture and sends it back smaller.
//!
//! `cargo run -p easebot-examples --example thumbnail`; `> <image: examples/files/boxes.png>` sends a picture.

use std::{io::Cursor, path::Path};

use easebot::{Bot, Context, Draft, Image, PluginError, filter};
use easebot_examples::{PlayError, play};
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use tokio::task::spawn_blocking;

/// Most bytes of a picture.
const MAX_BYTES: u64 = 10 * 1024 * 1024;

/// Most pixels of each side: a small file may hold a large picture.
const MAX_SIDE: u32 = 10_000;

/// What the small picture fits in, in pixels.
const SMALL: u32 = 40;

async fn shrink(image: Image, cx: Context) -> Result<(), PluginError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("picture");
    cx.env().download_within(&image.attachment, &path, MAX_BYTES).await?;
    // Whoever computes for long does it beside the bots.
    let Ok(picture) = spawn_blocking(move || open(&path)).await? else {
        cx.reply("That is no picture that I can open.").await?;
        return Ok(());
    };
    let (width, height) = (picture.width(), picture.height());
    let small = picture.thumbnail(SMALL, SMALL);
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png)?;
    let draft =
        Draft::image(png.into_inner()).named("small.png").sized(small.width(), small.height());
    cx.reply(format!("{width} × {height} become {} × {}:", small.width(), small.height())).await?;
    cx.reply(draft.or_say("It cannot be sent.")).await?;
    Ok(())
}

fn open(path: &Path) -> Result<DynamicImage, PluginError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    Ok(reader.decode()?)
}

/// In a program of your own: `shrinking(Bot::from_env()?).run().await`.
pub(crate) fn shrinking(bot: Bot) -> Bot {
    bot.on(filter::any(), shrink).on(filter::texts(), || async { "Send me a picture." })
}

fn main() -> Result<(), PlayError> {
    play(shrinking)
}
