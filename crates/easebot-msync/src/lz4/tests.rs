//! Against `lz4_flex` on the other side: it reads what our encoder writes, and its encoder writes what we read.

use lz4_flex::block::compress_with_dict;
use proptest::prelude::*;

use super::*;
use crate::testing::hex;

/// Two frames made by hand. CRC-32 by zlib; the second block is a copy of the 8 bytes before it and 5 literals.
const BY_HAND: &[(&str, &[u8])] = &[
    ("08 aeef2a50 80 6162636465666768", b"abcdefgh"),
    ("0d ae53bc77 04 0800 50 3132333435", b"abcdefgh12345"),
    ("", b""),
];

/// The other end's encoder: the blocks are those of `lz4_flex`, the frame around them is built here a second time.
#[derive(Default)]
struct Peer {
    said: Vec<u8>,
}

impl Peer {
    fn compress(&mut self, plain: &[u8]) -> Vec<u8> {
        let dict = &self.said[self.said.len().saturating_sub(65_536)..];
        let mut length = plain.len();
        let mut frame = Vec::new();
        while length >= 0x80 {
            frame.push(u8::try_from(length % 0x80).unwrap() + 0x80);
            length /= 0x80;
        }
        frame.push(u8::try_from(length).unwrap());
        frame.extend(crc32fast::hash(plain).to_be_bytes());
        frame.extend(compress_with_dict(plain, dict));
        self.said.extend_from_slice(plain);
        frame
    }
}

/// Frames as like each other as those of one conversation; the numbers make them differ.
fn conversation(n_frames: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..n_frames).map(|n| {
        let word = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let text = format!(
            "org#app\x1a\x05alice\x12\x0bconference.easemob.com{word:x} says {n}: hello {word}"
        );
        text.into_bytes().repeat(1 + usize::try_from(word % 29).unwrap())
    })
}

/// What the other end makes of a frame of ours, block by `lz4_flex`.
fn read_by_peer(frame: &[u8], said: &[u8], n_bytes: usize) -> Vec<u8> {
    let (length, rest) = read_length(frame).unwrap();
    assert_eq!(length, n_bytes);
    let dict = &said[said.len().saturating_sub(65_535)..];
    let plain = lz4_flex::block::decompress_with_dict(&rest[4..], length, dict).unwrap();
    assert_eq!(rest[..4], crc32fast::hash(&plain).to_be_bytes());
    assert_ends_well(&rest[4..], n_bytes);
    plain
}

/// Walks through a block of ours: the official decoder insists on how one ends.
fn assert_ends_well(block: &[u8], n_bytes: usize) {
    let (mut at, mut n_out) = (0, 0);
    let more = |at: &mut usize, nibble: u8| {
        let mut length = usize::from(nibble);
        let mut byte = if nibble == 15 { 255 } else { 0 };
        while byte == 255 {
            byte = block[*at];
            length += usize::from(byte);
            *at += 1;
        }
        length
    };
    loop {
        let token = block[at];
        at += 1;
        let n_literals = more(&mut at, token >> 4);
        (at, n_out) = (at + n_literals, n_out + n_literals);
        if at == block.len() {
            assert_eq!((n_out, token & 15), (n_bytes, 0), "literals alone end the block");
            return;
        }
        assert!(block[at] != 0 || block[at + 1] != 0, "offset 0");
        at += 2;
        assert!(n_out + 12 <= n_bytes, "a reference begins too near the end");
        n_out += 4 + more(&mut at, token & 15);
        assert!(n_out + 5 <= n_bytes, "the last five bytes are not literals");
    }
}

#[test]
fn frames_made_by_hand_are_read_and_the_second_refers_to_the_first() {
    let mut decompressor = Decompressor::default();
    for (frame, plain) in BY_HAND {
        assert_eq!(decompressor.decompress(&hex(frame)).unwrap(), *plain, "{frame}");
    }
    let mut fresh = Decompressor::default();
    let error = fresh.decompress(&hex(BY_HAND[1].0)).unwrap_err();
    assert_eq!(error, DecompressError::Reference { block_bytes: 9 });
}

#[test]
fn our_encoder_writes_what_stands_in_the_hand_made_frames() {
    let mut compressor = Compressor::default();
    assert_eq!(compressor.compress(BY_HAND[0].1).unwrap(), hex(BY_HAND[0].0));
    assert_eq!(compressor.compress(b"").unwrap(), Bytes::new());
}

#[test]
fn more_than_a_megabyte_of_a_conversation_are_read_by_the_other_end() {
    let mut compressor = Compressor::default();
    let (mut said, mut n_compressed) = (Vec::new(), 0);
    for plain in conversation(1_600) {
        let frame = compressor.compress(&plain).unwrap();
        assert_eq!(read_by_peer(&frame, &said, plain.len()), plain);
        n_compressed += frame.len();
        said.extend(plain);
    }
    assert!(said.len() > 1 << 20, "{} bytes are too few to slide the window", said.len());
    assert!(
        n_compressed * 3 < said.len(),
        "{n_compressed} of {}: nothing is referred to",
        said.len()
    );
}

#[test]
fn more_than_a_megabyte_of_the_other_end_are_read_by_us() {
    let (mut peer, mut decompressor) = (Peer::default(), Decompressor::default());
    let mut n_linked = 0;
    for plain in conversation(1_600) {
        let frame = peer.compress(&plain);
        n_linked += usize::from(Decompressor::default().decompress(&frame).is_err());
        assert_eq!(decompressor.decompress(&frame).unwrap(), plain);
    }
    assert!(peer.said.len() > 1 << 20);
    assert!(n_linked > 1_500, "only {n_linked} frames refer to earlier ones");
    assert!(decompressor.history.len() <= 2 * HISTORY_BYTES, "the history is cut");
}

#[test]
fn blocks_that_refer_to_nothing_may_stand_between_linked_ones() {
    let (mut peer, mut decompressor) = (Peer::default(), Decompressor::default());
    for (n, plain) in conversation(50).enumerate() {
        let frame = if n % 2 == 0 {
            peer.said.extend_from_slice(&plain);
            Peer::default().compress(&plain)
        } else {
            peer.compress(&plain)
        };
        assert_eq!(decompressor.decompress(&frame).unwrap(), plain);
    }
}

#[test]
fn a_frame_as_large_as_the_limit_passes_and_leaves_no_large_window_behind() {
    let large: Vec<u8> = conversation(u64::MAX).flatten().take(MAX_FRAME_BYTES).collect();
    assert_eq!(large.len(), MAX_FRAME_BYTES);
    let (mut compressor, mut decompressor) = (Compressor::default(), Decompressor::default());
    for plain in [&large[..], b"and a small one", &large[100..2_000]] {
        let frame = compressor.compress(plain).unwrap();
        assert!(decompressor.decompress(&frame).unwrap() == plain);
    }
    assert!(compressor.blocks.window_bytes() <= 4 * HISTORY_BYTES);
    let (n_bytes, limit_bytes) = (MAX_FRAME_BYTES + 1, MAX_FRAME_BYTES);
    let error = compressor.compress(&vec![0; n_bytes]).unwrap_err();
    assert_eq!(error, CompressError::TooLong { n_bytes, limit_bytes });
}

#[test]
fn a_length_that_lies_is_refused_before_anything_is_allocated() {
    let table = [
        ("80 80 80 80 01", DecompressError::Length),
        ("ff ff ff", DecompressError::Length),
        (
            "ff ff ff 7f 00000000 00",
            DecompressError::TooLong { n_bytes: (1 << 28) - 1, limit_bytes: 1_000_000 },
        ),
        (
            "80 80 20 00000000 1f 61 0100 ff",
            DecompressError::Implausible { n_bytes: 524_288, block_bytes: 5 },
        ),
        ("08 00", DecompressError::CutOff { block_bytes: 0 }),
        ("08 aeef2a50", DecompressError::CutOff { block_bytes: 0 }),
        ("07 aeef2a50 80 6162636465666768", DecompressError::WrongLength { n_bytes: 7 }),
        ("09 aeef2a50 80 6162636465666768", DecompressError::WrongLength { n_bytes: 9 }),
        ("08 aeef2a51 80 6162636465666768", DecompressError::Checksum { n_bytes: 8 }),
        ("08 502aefae 80 6162636465666768", DecompressError::Checksum { n_bytes: 8 }),
        ("08 aeef2a50 40 61626364 0000", DecompressError::Reference { block_bytes: 7 }),
        ("08 aeef2a50 40 61626364 0500", DecompressError::Reference { block_bytes: 7 }),
    ];
    for (frame, expected) in table {
        let error = Decompressor::new(1_000_000).decompress(&hex(frame)).unwrap_err();
        assert_eq!(error, expected, "{frame}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn every_cut_and_bit_flip_of_a_linked_frame_is_an_error_or_leaves_the_text_as_it_was() {
    let mut peer = Peer::default();
    let frames: Vec<(Vec<u8>, Vec<u8>)> =
        conversation(3).map(|plain| (peer.compress(&plain), plain)).collect();
    let (mut n_errors, mut n_same) = (0, 0);
    let mut read = |frame: &[u8]| {
        let mut decompressor = Decompressor::default();
        for (frame, _) in &frames[..2] {
            decompressor.decompress(frame).unwrap();
        }
        match decompressor.decompress(frame) {
            Ok(plain) => {
                assert!(
                    plain == frames[2].1 || frame.is_empty(),
                    "the checksum let another text pass"
                );
                n_same += 1;
            }
            Err(_) => n_errors += 1,
        }
    };
    let last = &frames[2].0;
    (0..last.len()).for_each(|length| read(&last[..length]));
    for bit in 0..last.len() * 8 {
        let mut flipped = last.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        read(&flipped);
    }
    assert!(n_errors > 8 * last.len() && n_same < last.len(), "{n_errors} errors, {n_same} same");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_frames_come_back(frames in prop::collection::vec(frame(), 1..40)) {
        let (mut compressor, mut decompressor) = (Compressor::default(), Decompressor::default());
        let mut said = Vec::new();
        for plain in frames {
            let frame = compressor.compress(&plain).unwrap();
            prop_assert_eq!(&decompressor.decompress(&frame).unwrap(), &plain);
            if !plain.is_empty() {
                prop_assert_eq!(&read_by_peer(&frame, &said, plain.len()), &plain);
            }
            said.extend(plain);
        }
    }

    #[test]
    fn any_bytes_are_a_frame_or_an_error(first in any::<Vec<u8>>(), second in any::<Vec<u8>>()) {
        let mut decompressor = Decompressor::new(1 << 20);
        for frame in [first, second] {
            if let Ok(plain) = decompressor.decompress(&frame) {
                prop_assert!(plain.len() <= 255 * frame.len() + 254);
            }
        }
    }
}

/// Runs of few letters, so that there is something to refer to, over every length that a token treats differently.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let run = (0_u8..6, prop_oneof![1_usize..40, 250_usize..300, 5_000_usize..9_000]);
    let runs = prop::collection::vec(run, 0..12);
    let text = runs.prop_map(|runs| runs.into_iter().flat_map(|(byte, n)| vec![byte; n]).collect());
    prop_oneof![
        text,
        prop::collection::vec(any::<u8>(), 0..2_000),
        prop::collection::vec(0_u8..3, 0..3_000)
    ]
}
