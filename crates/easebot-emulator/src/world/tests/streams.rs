//! Texts that come in pieces.

use easebot_model::StreamStatus as Status;
use easebot_msync::schema::message_body::stream::StreamStatus;

use super::*;
use crate::{control::StreamPiece, refusal::HttpRefusal};

fn chunk(id: Option<u64>, seq: u64, text: &str) -> StreamChunk {
    StreamChunk {
        id,
        from: "bot".into(),
        to: Conversation::user("bob"),
        text: text.to_owned(),
        seq,
        is_last: false,
        finish_reason: None,
        kind: "markdown".to_owned(),
        ext: Vec::new(),
    }
}

fn last(id: Option<u64>, seq: u64, text: &str) -> StreamChunk {
    StreamChunk { is_last: true, finish_reason: Some(-1), ..chunk(id, seq, text) }
}

fn push(town: &mut Town, chunk: &StreamChunk) -> Result<u64, HttpRefusal> {
    town.app(|app, cx| app.stream(cx, chunk))
}

#[track_caller]
fn code(outcome: Result<u64, HttpRefusal>) -> u32 {
    let refusal = outcome.unwrap_err();
    assert_eq!((refusal.status, &*refusal.error), (400, "message_send_error"));
    refusal.code.unwrap()
}

/// Status, number and text of each piece that waits, all of which must be of the message `id`.
fn pieces(town: &mut Town, link: LinkId, id: u64) -> Vec<(StreamStatus, u64, String)> {
    let metas = town.fetch(link);
    let piece = |meta: &Meta| {
        assert_eq!(meta.id, Some(id));
        let body = body_of(meta);
        assert_eq!(body.contents[0].sub_type, Some(10));
        let stream = body.stream.unwrap();
        assert_eq!((stream.stream_type(), stream.stream_error()), ("markdown", 0));
        (stream.stream_status(), stream.stream_seq(), text_of(meta))
    };
    metas.iter().map(piece).collect()
}

#[test]
fn who_is_online_gets_every_piece_and_the_whole_at_the_end() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let id = push(&mut town, &chunk(None, 0, "Hel")).unwrap();
    assert_eq!(
        pieces(&mut town, bob, id),
        [(StreamStatus::StreamStart, 0, "Hel".to_owned())],
        "acknowledged, and the next piece comes all the same"
    );
    assert_eq!(push(&mut town, &chunk(Some(id), 1, "lo")), Ok(id));
    assert_eq!(push(&mut town, &last(Some(id), 2, "!")), Ok(id));
    let of = |status, seq, text: &str| (status, seq, text.to_owned());
    assert_eq!(
        pieces(&mut town, bob, id),
        [
            of(StreamStatus::StreamInProgress, 1, "lo"),
            of(StreamStatus::StreamCompleted, 2, "!"),
            of(StreamStatus::StreamFull, 3, "Hello!"),
        ]
    );
}

#[test]
fn who_was_away_gets_the_whole_alone() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    town.close(bob);
    let id = push(&mut town, &chunk(None, 0, "Hel")).unwrap();
    push(&mut town, &last(Some(id), 1, "lo")).unwrap();
    let bob = town.login("bob", "b");
    let full = (StreamStatus::StreamFull, 2, "Hello".to_owned());
    assert_eq!(pieces(&mut town, bob, id), [full]);
    let kept = town.app(|app, _| app.history.find(id).map(|(_, kept)| kept.meta.clone()));
    assert_eq!(text_of(&Meta::decode(kept.unwrap()).unwrap()), "Hello");
}

#[test]
fn one_piece_can_be_all() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let id = push(&mut town, &last(None, 0, "Hi")).unwrap();
    let statuses: Vec<StreamStatus> =
        pieces(&mut town, bob, id).into_iter().map(|(status, ..)| status).collect();
    assert_eq!(statuses, [StreamStatus::StreamStartCompleted, StreamStatus::StreamFull]);
}

#[test]
fn what_does_not_continue_a_stream_has_a_code() {
    let mut town = Town::new();
    assert_eq!(code(push(&mut town, &chunk(None, 1, ""))), 14030);
    assert_eq!(code(push(&mut town, &chunk(Some(5), 0, ""))), 14031);
    let id = push(&mut town, &chunk(None, 0, "x")).unwrap();
    let next = |seq| chunk(Some(id), seq, "x");
    assert_eq!(code(push(&mut town, &next(2))), 14030);
    assert_eq!(code(push(&mut town, &next(0))), 14038);
    let other = StreamChunk { from: "eve".into(), ..next(1) };
    assert_eq!(code(push(&mut town, &other)), 14036);
    let other = StreamChunk { to: Conversation::user("eve"), ..next(1) };
    assert_eq!(code(push(&mut town, &other)), 14037);
    let long = StreamChunk { text: "x".repeat(128 * 1024), ..next(1) };
    assert_eq!(code(push(&mut town, &long)), 14032);
    push(&mut town, &last(Some(id), 1, "")).unwrap();
    assert_eq!(code(push(&mut town, &next(2))), 14035);
}

#[test]
fn a_stream_that_stops_is_ended_for_its_readers() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let id = push(&mut town, &chunk(None, 0, "Hel")).unwrap();
    town.fetch(bob);
    town.now += 30_001;
    assert_eq!(code(push(&mut town, &chunk(Some(id), 1, "lo"))), 14033);
    town.wait(Duration::ZERO);
    let metas = town.fetch(bob);
    let [meta] = &metas[..] else { panic!("{metas:?}") };
    let stream = body_of(meta).stream.unwrap();
    assert_eq!((stream.stream_status(), stream.stream_error()), (StreamStatus::StreamFull, 512));
    assert_eq!(text_of(meta), "Hel");
    assert_eq!(code(push(&mut town, &chunk(Some(id), 1, "lo"))), 14035);
}

#[test]
fn a_stream_lasts_half_an_hour_at_most() {
    let mut town = Town::new();
    let id = push(&mut town, &chunk(None, 0, "x")).unwrap();
    for seq in 1..=60 {
        town.wait(Duration::from_secs(30));
        push(&mut town, &chunk(Some(id), seq, "x")).unwrap();
    }
    town.now += 1;
    assert_eq!(code(push(&mut town, &chunk(Some(id), 61, "x"))), 14034);
    let bob = town.login("bob", "b");
    town.wait(Duration::ZERO);
    let metas = town.fetch(bob);
    assert_eq!(body_of(&metas[0]).stream.unwrap().stream_error(), 513);
}

#[test]
fn an_ordered_stream_is_sent_as_it_is_written_and_its_whole_text_waits() {
    let mut town = Town::new();
    let bob = town.login("bob", "b");
    let ordered = [
        StreamPiece::new(2, Status::Completed, "c"),
        StreamPiece::new(0, Status::Start, "a"),
        StreamPiece::new(0, Status::Start, "a"),
        StreamPiece::new(4, Status::Full, "abc"),
    ];
    let (from, to) = (UserId::new("bot"), Conversation::user("bob"));
    let id = town.app(|app, cx| {
        app.stream_as_ordered(cx, from.clone(), to.clone(), "markdown", None, &ordered)
    });
    let of = |status, seq, text: &str| (status, seq, text.to_owned());
    assert_eq!(
        pieces(&mut town, bob, id),
        [
            of(StreamStatus::StreamCompleted, 2, "c"),
            of(StreamStatus::StreamStart, 0, "a"),
            of(StreamStatus::StreamStart, 0, "a"),
            of(StreamStatus::StreamFull, 4, "abc"),
        ]
    );
    town.close(bob);
    let again =
        town.app(|app, cx| app.stream_as_ordered(cx, from, to, "markdown", Some(id), &ordered));
    assert_eq!(again, id);
    let bob = town.login("bob", "b");
    assert_eq!(pieces(&mut town, bob, id), [of(StreamStatus::StreamFull, 4, "abc")]);
}
