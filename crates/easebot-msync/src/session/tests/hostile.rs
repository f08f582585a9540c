//! Bytes that no server should send.

use super::*;

#[test]
fn a_frame_that_is_none_is_an_error_and_never_a_panic() {
    let golden = {
        let mut pair = Pair::online();
        let frame = CommSyncDl {
            status: Some(ok()),
            queue: Some(user("bob")),
            metas: vec![text(1), text(2)],
            next_key: Some(2),
            ..CommSyncDl::default()
        };
        let frame = MSync {
            command: Some(0),
            payload: Some(frame.encode_to_vec().into()),
            trace_id: Some(1),
            ..MSync::default()
        };
        let bytes = frame.encode_to_vec();
        pair.session.handle_frame(bytes.clone().into(), pair.now).unwrap();
        assert_eq!(pair.batch().0, [1, 2]);
        bytes
    };
    let (mut n_errors, mut n_read) = (0, 0);
    let mut try_frame = |bytes: Vec<u8>| {
        let mut pair = Pair::online();
        match pair.session.handle_frame(bytes.into(), pair.now) {
            Ok(()) => n_read += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                n_errors += 1;
            }
        }
    };
    for length in 0..golden.len() {
        try_frame(golden[..length].to_vec());
    }
    for bit in 0..golden.len() * 8 {
        let mut flipped = golden.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        try_frame(flipped);
    }
    assert!(n_errors > 100 && n_read > 100, "{n_errors} errors, {n_read} frames");
}

#[test]
fn fields_within_fields_ten_thousand_deep_are_an_error() {
    // Field 15 is unknown; `7b` begins a group of it and `7c` ends it.
    let (open, close) = (vec![0x7b; 10_000], vec![0x7c; 10_000]);
    let mut pair = Pair::online();
    let error = pair.session.handle_frame([open.clone(), close].concat().into(), pair.now);
    assert!(matches!(error, Err(DecodeFrameError::Envelope { n_bytes: 20_000, .. })), "{error:?}");
    // In a meta it costs that meta.
    let mut pair = Pair::online();
    let metas = vec![Bytes::from(open), text(2).encode_to_vec().into()];
    let (status, queue, next_key) = (Some(ok()), Some(user("bob")), Some(2));
    let page = CommSyncEnvelope { status, queue, metas, next_key, ..CommSyncEnvelope::default() };
    pair.down(Command::Sync, &page);
    assert_eq!(pair.batch().0, [0, 2]);
}

#[test]
fn one_broken_meta_costs_only_itself() {
    let mut pair = Pair::online();
    let frame = CommSyncEnvelope {
        status: Some(ok()),
        queue: Some(user("bob")),
        metas: vec![
            text(1).encode_to_vec().into(),
            Bytes::from_static(&[0xff, 0xff]),
            text(2).encode_to_vec().into(),
        ],
        next_key: Some(2),
        ..CommSyncEnvelope::default()
    };
    pair.down(Command::Sync, &frame);
    let (ids, cursor) = pair.batch();
    assert_eq!(ids, [1, 0, 2]);
    assert!(cursor.is_some());
}

#[test]
fn what_cannot_be_read_is_skipped_but_is_no_sign_of_life() {
    let queue_of_no_text = Bytes::from_static(b"\x0a\x03\x12\x01\xff");
    let notice = MSync {
        command: Some(Command::Notice.into()),
        payload: Some(queue_of_no_text),
        ..MSync::default()
    };
    for bytes in [Bytes::from_static(b"\x1a\xffHUSHHUSH"), notice.encode_to_vec().into()] {
        let mut pair = Pair::online();
        for _ in 0..3 {
            pair.advance(SECOND * 10);
            let error = pair.session.handle_frame(bytes.clone(), pair.now).unwrap_err();
            assert!(!error.ends_link(), "{error}");
            assert!(!easebot_model::chain(&error).contains("HUSH"), "{error}");
        }
        assert_eq!(pair.sent(), [Up::Unread], "as if nothing had come");
        pair.page(Some(user("bob")), &[1], Some(1), None);
        assert_eq!(pair.batch().0, [1]);
        for _ in 0..3 {
            pair.advance(SECOND * 15);
            assert!(
                pair.session.handle_frame(bytes.clone(), pair.now).is_err()
                    || !pair.session.is_online()
            );
        }
        assert!(matches!(pair.events()[..], [SessionEvent::Dead(DeadLink::NoHeartbeat { .. })]));
    }
}
