use easebot_msync::schema::{
    CommNotice, CommSyncDl, CommSyncUl, CommUnreadDl, Jid, MSync, MessageBody, Provision,
};
use prost::Message;

use super::*;

const QUEUE: &[u8] = b"\x12\x05alice";

fn alice() -> Jid {
    Jid { name: Some("alice".to_owned()), ..Jid::default() }
}

/// The payload of a frame that stands in a WebSocket frame with a head of two bytes.
fn payload<M: Message + Default>(out: &[u8], command: i32) -> M {
    assert_eq!((out[0], usize::from(out[1])), (0x82, out.len() - 2));
    let frame = MSync::decode(&out[2..]).unwrap();
    assert_eq!(frame.command, Some(command));
    M::decode(frame.payload.unwrap_or_default()).unwrap()
}

#[test]
fn what_a_server_says_is_read_by_generated_code() {
    let (mut downs, mut out) = (Downs::default(), Vec::new());
    downs.notice(&mut out, QUEUE);
    assert_eq!(payload::<CommNotice>(&out, 2).queue, Some(alice()));
    out.clear();
    downs.ack(&mut out, 7, 1 << 60, 1_700_000_000_000);
    let ack = payload::<CommSyncDl>(&out, 0);
    assert_eq!((ack.meta_id, ack.server_id), (Some(7), Some(1 << 60)));
    assert_eq!((ack.timestamp, ack.status.unwrap().error_code), (Some(1_700_000_000_000), Some(0)));
    out.clear();
    downs.end(&mut out, QUEUE, 5);
    let end = payload::<CommSyncDl>(&out, 0);
    assert_eq!((end.queue, end.is_last, end.next_key), (Some(alice()), Some(true), None));
    out.clear();
    downs.begin();
    downs.meta(b"\x08\x05");
    downs.meta(b"\x08\x06");
    downs.page(&mut out, QUEUE, 6, 5);
    let page = payload::<CommSyncDl>(&out, 0);
    assert_eq!((page.next_key, page.is_last, page.queue), (Some(6), None, Some(alice())));
    assert_eq!(page.metas.iter().map(|meta| meta.id).collect::<Vec<_>>(), [Some(5), Some(6)]);
    out.clear();
    downs.unread(&mut out, [QUEUE, QUEUE].into_iter(), 9);
    let unread = payload::<CommUnreadDl>(&out, 1);
    assert_eq!((unread.unread.len(), unread.timestamp), (2, Some(9)));
    assert_eq!(unread.unread[1].queue, Some(alice()));
    out.clear();
    downs.welcome(&mut out, b"phone");
    let welcome = payload::<Provision>(&out, 3);
    assert_eq!((welcome.resource(), welcome.status.is_some()), ("phone", true));
}

#[test]
fn what_a_client_says_is_read_by_generated_code_and_by_hand() {
    let bytes = say(7, b"org#app", b"bob", b"alice", "你好".as_bytes());
    let frame = MSync::decode(bytes.as_slice()).unwrap();
    let meta = CommSyncUl::decode(frame.payload.unwrap()).unwrap().meta.unwrap();
    let to = meta.to.unwrap();
    assert_eq!((to.app_key(), to.name(), to.domain()), ("org#app", "alice", "easemob.com"));
    let body = MessageBody::decode(meta.payload.unwrap()).unwrap();
    assert_eq!((body.r#type, body.from.unwrap().name()), (Some(1), "bob"));
    assert_eq!((body.to.unwrap().name(), body.contents[0].text()), ("alice", "你好"));

    let frame = Frame::read(&bytes).unwrap();
    let said =
        Meta { id: 7, space: 1, to: b"alice", text: Some("你好".as_bytes()), ..Meta::default() };
    assert!(frame.is_sync());
    assert_eq!(Up::read(frame.payload), Ok(Up::Say(said)));
}

#[test]
fn a_pull_is_read_with_and_without_its_key() {
    for key in [None, Some(1 << 60)] {
        let bytes = pull(QUEUE, key);
        let frame = MSync::decode(bytes.as_slice()).unwrap();
        let sync = CommSyncUl::decode(frame.payload.unwrap()).unwrap();
        assert_eq!((sync.key, sync.queue), (key, Some(alice())));
        let frame = Frame::read(&bytes).unwrap();
        assert_eq!(Up::read(frame.payload), Ok(Up::Pull { queue: QUEUE, key }));
    }
}

#[test]
fn a_receipt_has_no_text() {
    let body = MessageBody { r#type: Some(5), ..MessageBody::default() }.encode_to_vec();
    let mut meta = Vec::new();
    put_number(&mut meta, 5, 1);
    put_bytes(&mut meta, 6, &body);
    assert_eq!(Meta::read(&meta).unwrap().text, None);
}
