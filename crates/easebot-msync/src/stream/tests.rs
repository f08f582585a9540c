use easebot_model::{Conversation, Ext, OnlineState, StreamStatus::*};
use proptest::prelude::*;

use super::*;

/// Number, status and text.
type Chunk<'a> = (u64, StreamStatus, &'a str);

/// A chunk by its number, its status and its text.
fn chunk(seq: u64, status: StreamStatus, text: &str) -> StreamChunk {
    StreamChunk {
        message: MessageId(7),
        conversation: Conversation::user("ai"),
        from: "ai".into(),
        time: Timestamp(seq.saturating_add(1_000)),
        stream_type: "markdown".to_owned(),
        seq,
        status,
        text: text.to_owned(),
        so_far: text.to_owned(),
        error: 0,
        finish_reason: 0,
        ext: Ext::new(),
        online_state: OnlineState::NotSaid,
    }
}

fn assembler() -> StreamAssembler<u64> {
    StreamAssembler::new(StreamLimits::default())
}

/// What is shown for each chunk in turn, written `+increment=so far`; chunks that show nothing leave an empty place.
fn shown(chunks: &[Chunk<'_>]) -> Vec<String> {
    let mut assembler = assembler();
    let mut show = |(seq, status, text): &Chunk<'_>| {
        let ready = assembler.take(*seq, chunk(*seq, *status, text), text.len());
        let lines = ready.iter().map(|(tag, chunk)| {
            assert_eq!(*tag, chunk.seq, "a chunk comes back with what was given with it");
            format!("+{}={}", chunk.text, chunk.so_far)
        });
        lines.collect::<Vec<_>>().join(" ")
    };
    chunks.iter().map(&mut show).collect()
}

#[test]
fn chunks_are_shown_as_the_official_sdk_shows_them() {
    let table: &[(&str, &[Chunk<'_>], &[&str])] = &[
        (
            "in order",
            &[(0, Start, "a"), (1, InProgress, "b"), (2, Completed, "c"), (3, Full, "abc")],
            &["+a=a", "+b=ab", "+c=abc", ""],
        ),
        (
            "backwards",
            &[(2, Completed, "c"), (1, InProgress, "b"), (0, Start, "a")],
            &["", "", "+a=a +b=ab +c=abc"],
        ),
        (
            "a gap holds everything, even what would be next",
            &[
                (0, Start, "a"),
                (2, InProgress, "c"),
                (4, InProgress, "e"),
                (1, InProgress, "b"),
                (3, InProgress, "d"),
            ],
            &["+a=a", "", "", "", "+b=ab +c=abc +d=abcd +e=abcde"],
        ),
        ("the first number is not 0", &[(5, Start, "a"), (6, Completed, "b")], &["+a=a", "+b=ab"]),
        (
            "repeated numbers",
            &[
                (0, Start, "a"),
                (0, Start, "x"),
                (2, InProgress, "c"),
                (2, InProgress, "x"),
                (1, InProgress, "b"),
            ],
            &["+a=a", "", "", "", "+b=ab +c=abc"],
        ),
        ("a single chunk", &[(0, StartCompleted, "all"), (1, Full, "all")], &["+all=all", ""]),
        ("the whole text alone", &[(9, Full, "late")], &["+late=late"]),
        (
            "the whole text repairs a gap",
            &[(0, Start, "ab"), (2, Completed, "ef"), (3, Full, "abcdef")],
            &["+ab=ab", "", "+cdef=abcdef"],
        ),
        (
            "the whole text without COMPLETED",
            &[(0, Start, "ab"), (1, Full, "abcd")],
            &["+ab=ab", "+cd=abcd"],
        ),
        (
            "the whole text far behind",
            &[(0, Start, "a"), (1, Completed, "b"), (9, Full, "abc")],
            &["+a=a", "+b=ab", "+c=abc"],
        ),
        (
            "the whole text under the number of START",
            &[(0, Start, "a"), (1, Completed, "b"), (0, Full, "ab")],
            &["+a=a", "+b=ab", ""],
        ),
        (
            "the whole text before everything",
            &[(3, Full, "abc"), (0, Start, "a")],
            &["+abc=abc", "+a=a"],
        ),
        (
            "no START",
            &[(1, InProgress, "b"), (2, Completed, "c"), (3, Full, "abc")],
            &["", "", "+abc=abc"],
        ),
        (
            "below START",
            &[(4, InProgress, "x"), (5, Start, "a"), (6, Completed, "b")],
            &["", "+a=a", "+b=ab"],
        ),
        ("empty chunks", &[(0, Start, ""), (1, Completed, "")], &["+=", "+="]),
        (
            "the text was changed meanwhile",
            &[(0, Start, "abc"), (1, Full, "xyzzy")],
            &["+abc=abc", "+zy=xyzzy"],
        ),
        (
            "cut within a character",
            &[(0, Start, "x"), (1, Full, "\u{1f600}y")],
            &["+x=x", "+y=\u{1f600}y"],
        ),
        ("shorter than what was shown", &[(0, Start, "abc"), (1, Full, "b")], &["+abc=abc", "+=b"]),
    ];
    for (name, chunks, expected) in table {
        assert_eq!(shown(chunks), *expected, "{name}");
    }
}

#[test]
fn status_error_and_end_pass_and_the_time_is_that_of_the_start() {
    let mut assembler = assembler();
    let last = StreamChunk { error: 512, finish_reason: -1, ..chunk(1, Completed, "b") };
    assert!(assembler.take(1, last, 1).is_empty());
    let ready = assembler.take(0, chunk(0, Start, "a"), 1);
    let [(0, first), (1, last)] = &ready[..] else { panic!("{ready:?}") };
    assert_eq!((first.status, last.status), (Start, Completed));
    assert_eq!((last.error, last.finish_reason, last.stream_type.as_str()), (512, -1, "markdown"));
    assert_eq!((first.time, last.time), (Timestamp(1_000), Timestamp(1_000)));
}

#[test]
fn what_is_rewound_is_shown_again() {
    let mut assembler = assembler();
    for (seq, status) in [(3, Start), (4, InProgress), (5, Completed)] {
        assert_eq!(assembler.take(seq, chunk(seq, status, "é"), 2).len(), 1);
    }
    assembler.rewind(MessageId(7), 4);
    assembler.rewind(MessageId(7), 9);
    assembler.rewind(MessageId(8), 0);
    let again = assembler.take(4, chunk(4, InProgress, "é"), 2);
    assert_eq!(again[0].1.so_far, "éé");
    assert_eq!(assembler.take(5, chunk(5, Completed, "é"), 2)[0].1.so_far, "ééé");
    assert!(assembler.take(6, chunk(6, Full, "ééé"), 6).is_empty());
    assert_eq!((assembler.streams.len(), assembler.n_bytes), (0, 0));
}

#[test]
fn each_limit_costs_the_message_that_was_silent_the_longest() {
    let of = |id: u64, seq, status, text: &str| StreamChunk {
        message: MessageId(id),
        ..chunk(seq, status, text)
    };
    let limits = StreamLimits { n_streams: 2, n_held: 3, n_bytes: 10_000 };
    let mut assembler = StreamAssembler::new(limits);
    for id in [1, 2, 3] {
        assembler.take((), of(id, 0, Start, "a"), 1);
    }
    assert_eq!(assembler.n_forgotten(), 1);
    assert!(
        assembler.take((), of(1, 1, Completed, "b"), 1).is_empty(),
        "1 is forgotten, and pushed 2 out"
    );
    assert!(assembler.take((), of(3, 1, Completed, "b"), 1).len() == 1, "3 is not");
    assert_eq!(assembler.n_forgotten(), 2);
    for seq in [2, 3, 4, 5] {
        assert!(assembler.take((), of(4, seq, InProgress, "a"), 1).is_empty());
    }
    assert_eq!(assembler.n_forgotten(), 4, "1 for the place of 4, and 4 for what it held");
    assembler.take((), of(5, 0, Start, &"x".repeat(20_000)), 20_000);
    assert_eq!(assembler.n_bytes, 0, "a message above the limit is not kept at all");
}

proptest! {
    #[test]
    fn any_order_shows_the_same_text(
        texts in prop::collection::vec("[a-zé😀]{0,4}", 1..20),
        first in 0_u64..1_000,
        order in any::<prop::sample::Index>(),
        shuffle in any::<u64>(),
    ) {
        let n_chunks = texts.len();
        let mut chunks: Vec<StreamChunk> = texts.iter().enumerate().map(|(n, text)| {
            let status = match n {
                0 if n_chunks == 1 => StartCompleted,
                0 => Start,
                n if n + 1 == n_chunks => Completed,
                _ => InProgress,
            };
            chunk(first + n as u64, status, text)
        }).collect();
        let middle = order.index(n_chunks);
        chunks.rotate_left(middle);
        chunks.sort_by_key(|chunk| (chunk.seq ^ shuffle).count_ones());
        let mut assembler = assembler();
        let mut text = String::new();
        for chunk in chunks {
            for (_, chunk) in assembler.take(0, chunk, 10) {
                text.push_str(&chunk.text);
                prop_assert_eq!(&chunk.so_far, &text);
            }
        }
        prop_assert_eq!(&text, &texts.concat());
        let full = chunk(first + n_chunks as u64, Full, &text);
        prop_assert!(assembler.take(0, full, 10).is_empty());
    }
}

#[test]
fn chunks_that_would_show_more_than_the_limit_at_once_wait_for_the_whole_text() {
    let limits = StreamLimits { n_bytes: 100_000, ..StreamLimits::default() };
    let mut assembler = StreamAssembler::new(limits);
    let text = "x".repeat(100);
    for seq in 1..100 {
        assert!(assembler.take(seq, chunk(seq, InProgress, &text), text.len()).is_empty());
    }
    // 100 texts of up to 10,000 bytes are half a million.
    assert!(assembler.take(0, chunk(0, Start, &text), text.len()).is_empty());
    assert_eq!((assembler.n_forgotten(), assembler.n_bytes), (1, 0));
    let full = assembler.take(100, chunk(100, Full, "all of it"), 9);
    assert_eq!(full[0].1.text, "all of it");
}

#[test]
fn the_last_number_that_there_is_is_no_end_of_the_assembler() {
    let mut assembler = assembler();
    assert_eq!(assembler.take(0, chunk(0, Start, "a"), 1).len(), 1);
    assert!(assembler.take(u64::MAX, chunk(u64::MAX, InProgress, "z"), 1).is_empty());
    let mut whole = StreamAssembler::<u64>::new(StreamLimits::default());
    assert!(whole.take(u64::MAX, chunk(u64::MAX, InProgress, "z"), 1).is_empty());
    assert_eq!(whole.take(0, chunk(0, Start, "a"), 1).len(), 0);
}
