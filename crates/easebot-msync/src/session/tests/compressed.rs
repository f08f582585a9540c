//! Sessions over a compressed connection.

use super::*;
use crate::{
    lz4::{Compressor, DecompressError, Decompressor},
    schema::provision::{CompressDirection, CompressType},
};

const LZ4: i32 = CompressType::CompressLz4 as i32;

fn wanting_lz4() -> Pair {
    let device = Device {
        resource: Resource::new("easebot_1"),
        uuid: "1".to_owned(),
        name: "easebot".to_owned(),
    };
    let config = SessionConfig::new("org#app".parse().unwrap(), "bot".into(), device);
    Pair::with(SessionConfig { compression: Compression::Lz4, ..config })
}

/// What the login offers.
fn offer(pair: &mut Pair) -> Vec<i32> {
    pair.open();
    match &pair.sent()[..] {
        [Up::Provision(provision)] => provision.protocol_compress_type.clone(),
        other => panic!("{other:?}"),
    }
}

/// Online after a login that the server answered with these two fields.
fn agreed(kinds: &[i32], direction: Option<i32>) -> Pair {
    let mut pair = wanting_lz4();
    assert_eq!(offer(&mut pair), [LZ4]);
    pair.provision(&Provision {
        status: Some(ok()),
        protocol_compress_type: kinds.to_vec(),
        protocol_compress_direction: direction,
        ..Provision::default()
    });
    assert!(matches!(pair.events()[..], [SessionEvent::Online { .. }]));
    pair
}

fn notice_frame(queue: &str) -> Vec<u8> {
    let notice = CommNotice { queue: Some(user(queue)) };
    let frame = MSync {
        command: Some(Command::Notice.into()),
        payload: Some(notice.encode_to_vec().into()),
        ..MSync::default()
    };
    frame.encode_to_vec()
}

#[test]
fn the_answer_decides_which_directions_are_compressed() {
    let both = Compressed { up: true, down: true };
    let table: &[(&[i32], Option<i32>, Compressed)] = &[
        (&[LZ4], Some(CompressDirection::OnlyUp as i32), Compressed { up: true, down: false }),
        (&[LZ4], Some(CompressDirection::OnlyDown as i32), Compressed { up: false, down: true }),
        (&[LZ4], Some(CompressDirection::Bi as i32), both),
        (&[LZ4], None, Compressed { up: true, down: false }),
        (&[LZ4, 0], Some(2), both),
        (&[LZ4], Some(7), Compressed::default()),
        (&[0, LZ4], Some(2), Compressed::default()),
        (&[1], Some(2), Compressed::default()),
        (&[], Some(2), Compressed::default()),
    ];
    for (kinds, direction, expected) in table {
        let pair = agreed(kinds, *direction);
        assert_eq!(pair.session.compressed(), *expected, "{kinds:?} {direction:?}");
    }
}

#[test]
fn the_offer_is_one_packed_byte_as_the_official_sdk_writes_it() {
    let mut pair = wanting_lz4();
    pair.open();
    let frame = MSync::decode(pair.session.poll_transmit().unwrap()).unwrap();
    let payload = frame.payload.unwrap();
    assert!(payload.windows(4).any(|bytes| bytes == [0xb2, 0x01, 0x01, 0x02]));
}

#[test]
fn what_was_not_offered_is_not_taken_up() {
    let mut pair = Pair::opened();
    pair.provision(&Provision {
        status: Some(ok()),
        protocol_compress_type: vec![LZ4],
        protocol_compress_direction: Some(2),
        ..Provision::default()
    });
    assert_eq!(pair.session.compressed(), Compressed::default());
}

#[test]
fn everything_after_the_login_is_compressed_logout_included() {
    let mut pair = agreed(&[LZ4], Some(2));
    let (mut server_in, mut server_out) = (Decompressor::default(), Compressor::default());
    let mut said = |pair: &mut Pair| -> Vec<Up> {
        let frames = std::iter::from_fn(|| pair.session.poll_transmit());
        frames.map(|frame| read(&server_in.decompress(&frame).unwrap())).collect()
    };
    assert_eq!(said(&mut pair), [Up::Unread]);
    for name in ["bob", "carol", "bob2"] {
        let frame = server_out.compress(&notice_frame(name)).unwrap();
        pair.session.handle_frame(frame, pair.now).unwrap();
        assert_eq!(said(&mut pair), [sync(name, None)]);
    }
    pair.send(5);
    assert_eq!(said(&mut pair), [Up::Message { id: 5, to: "bob".to_owned() }]);
    pair.session.log_out(SECOND, pair.now);
    assert!(matches!(said(&mut pair)[..], [Up::Logout(_)]));
}

#[test]
fn each_login_begins_without_history() {
    let frame = notice_frame("a name that is long enough to be worth a reference");
    let mut compressor = Compressor::default();
    let first = compressor.compress(&frame).unwrap();
    let linked = compressor.compress(&frame).unwrap();
    assert!(linked.len() < first.len() / 2, "the second refers to the first");

    let mut pair = agreed(&[LZ4], Some(1));
    pair.session.handle_frame(first, pair.now).unwrap();
    pair.session.handle_frame(linked.clone(), pair.now).unwrap();
    pair.session.handle_close();
    assert_eq!(pair.session.compressed(), Compressed::default());
    pair.open();
    pair.provision(&Provision {
        status: Some(ok()),
        protocol_compress_type: vec![LZ4],
        protocol_compress_direction: Some(1),
        ..Provision::default()
    });
    assert!(pair.session.handle_frame(linked, pair.now).is_err(), "nothing is left to refer to");
}

#[test]
fn after_a_frame_that_cannot_be_restored_nothing_is_offered_any_more() {
    let mut pair = agreed(&[LZ4], Some(2));
    let error = pair.session.handle_frame(notice_frame("bob").into(), pair.now).unwrap_err();
    assert!(matches!(error, DecodeFrameError::Compressed { .. }), "{error:?}");
    assert_eq!(pair.session.n_compression_failures(), 1);
    pair.session.handle_close();
    assert_eq!(offer(&mut pair), [0_i32; 0]);
    pair.provision(&Provision {
        status: Some(ok()),
        protocol_compress_type: vec![LZ4],
        ..Provision::default()
    });
    assert_eq!(pair.session.compressed(), Compressed::default());
}

#[test]
fn a_frame_above_the_cap_is_refused_by_its_claim() {
    let mut pair = agreed(&[LZ4], Some(1));
    let claims_256_mib = crate::testing::hex("ffffff7f 00000000 00");
    let error = pair.session.handle_frame(claims_256_mib, pair.now).unwrap_err();
    let DecodeFrameError::Compressed { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(source, DecompressError::TooLong { .. }), "{source:?}");
}

#[test]
fn an_empty_frame_is_empty_compressed_too() {
    let mut pair = agreed(&[LZ4], Some(2));
    pair.session.handle_frame(Bytes::new(), pair.now).unwrap();
    assert!(pair.events().is_empty());
    assert!(pair.session.is_online());
}
