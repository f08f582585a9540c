//! The side `compressor`: frames that come and go, with one way of compressing or none.

use std::hint::black_box;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use easebot_msync::lz4::{Compressor, Decompressor};

use super::frames;
use crate::bench::combine::files;
use crate::bot;
use crate::console::Console;
use crate::cost::cost;
use crate::solo::{self, Words};

/// Frames of a connection; then it begins anew.
const N_FRAMES: usize = 300;

/// What frames go through, both ways.
enum Pipe {
    Independent,
    Linked { up: Box<Compressor>, down: Box<Decompressor> },
    Plain,
}

impl Pipe {
    fn new(mode: &str) -> anyhow::Result<Self> {
        Ok(match mode {
            "independent" => Self::Independent,
            "linked" => Self::Linked { up: Box::default(), down: Box::default() },
            "plain" => Self::Plain,
            other => bail!("`{other}` is no way to compress"),
        })
    }

    /// A new connection.
    fn open(&mut self) {
        if let Self::Linked { up, down } = self {
            (**up, **down) = (Compressor::default(), Decompressor::default());
        }
    }

    fn compress(&mut self, frame: Bytes) -> anyhow::Result<Bytes> {
        Ok(match self {
            Self::Independent => lz4_flex::block::compress(&frame).into(),
            Self::Linked { up, .. } => up.compress(&frame)?,
            Self::Plain => frame,
        })
    }

    fn decompress(&mut self, frame: Bytes, n_bytes: usize) -> anyhow::Result<Bytes> {
        Ok(match self {
            Self::Independent => lz4_flex::block::decompress(&frame, n_bytes)?.into(),
            Self::Linked { down, .. } => down.decompress(&frame)?,
            Self::Plain => frame,
        })
    }
}

/// # Errors
/// If the words are wrong, or a frame does not come out as it went in.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let mut words = Words::new(words);
    let (mut pipe, window) = (Pipe::new(words.text("mode")?)?, words.window()?);
    let (me, app_key) = (files::me()?, bot::bot()?.app_key);
    let down = frames::down(N_FRAMES);
    let packed = pack(&mut pipe, down.iter().map(|frame| frame.bytes.clone()))?;
    pipe.open();
    for (frame, packed) in down.iter().zip(&packed) {
        let bytes = pipe.decompress(packed.clone(), frame.bytes.len())?;
        ensure!(bytes == frame.bytes, "a frame came out as another one");
        frames::check(&frames::read(bytes, &me)?, frame.n_messages)?;
    }
    let receive = cost(window, N_FRAMES, |n| {
        if n == 0 {
            pipe.open();
        }
        let (frame, packed) = down.get(n).zip(packed.get(n)).context("there is no such frame")?;
        let bytes = pipe.decompress(packed.clone(), frame.bytes.len())?;
        black_box(frames::read(bytes, &me)?);
        Ok(())
    })?;
    let said = frames::said(N_FRAMES);
    let write = |n: usize| {
        let said = said.get(n).context("nothing is said")?;
        frames::write(said, n as u64 + 1, &me, &app_key)
    };
    let up = (0..N_FRAMES).map(write).collect::<anyhow::Result<Vec<_>>>()?;
    let up_bytes = mean(&pack(&mut pipe, up.into_iter())?);
    let send = cost(window, N_FRAMES, |n| {
        if n == 0 {
            pipe.open();
        }
        black_box(pipe.compress(write(n)?)?);
        Ok(())
    })?;
    let found = [
        ("receive_us", receive / 1e3),
        ("send_us", send / 1e3),
        ("down_bytes", mean(&packed)),
        ("up_bytes", up_bytes),
    ];
    solo::tell(Console, &found)
}

/// The frames of one connection as they go over it.
fn pack(pipe: &mut Pipe, frames: impl Iterator<Item = Bytes>) -> anyhow::Result<Vec<Bytes>> {
    pipe.open();
    frames.map(|frame| pipe.compress(frame)).collect()
}

fn mean(frames: &[Bytes]) -> f64 {
    frames.iter().map(Bytes::len).sum::<usize>() as f64 / frames.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_and_are_smaller_in_between() {
        let down = frames::down(12);
        let sizes = ["linked", "independent", "plain"].map(|mode| {
            let mut pipe = Pipe::new(mode).unwrap();
            let packed = pack(&mut pipe, down.iter().map(|frame| frame.bytes.clone())).unwrap();
            pipe.open();
            for (frame, packed) in down.iter().zip(&packed) {
                let bytes = pipe.decompress(packed.clone(), frame.bytes.len()).unwrap();
                assert_eq!(bytes, frame.bytes);
            }
            mean(&packed)
        });
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{sizes:?}");
    }
}
