//! Typing indicators, messages that are written while we read, and the end of the token.

use easebot_model::{StreamChunk, StreamStatus, Typing};

use super::*;
use crate::schema::message_body::{Content, Stream, content};

fn from_bob(id: u64, content: Content, stream: Option<Stream>) -> Meta {
    let body = schema::MessageBody {
        r#type: Some(1),
        from: Some(user("bob")),
        to: Some(user("bot")),
        contents: vec![content],
        stream,
        ..schema::MessageBody::default()
    };
    Meta { payload: Some(body.encode_to_vec().into()), ..text(id) }
}

fn cmd(id: u64, action: &str) -> Meta {
    let content = Content {
        r#type: Some(content::Type::Command.into()),
        action: Some(action.to_owned()),
        ..Content::default()
    };
    from_bob(id, content, None)
}

fn chunk(id: u64, seq: u64, status: i32, words: &str) -> Meta {
    let content = Content {
        r#type: Some(0),
        sub_type: Some(10),
        text: Some(words.to_owned()),
        ..Content::default()
    };
    let stream = Stream { stream_seq: Some(seq), stream_status: Some(status), ..Stream::default() };
    from_bob(id, content, Some(stream))
}

impl Pair {
    /// A page of bob's queue, released at once unless `is_held`; what the plugins get, in words.
    fn get(&mut self, metas: Vec<Meta>, key: u64, is_held: bool) -> Vec<String> {
        let (status, queue, next_key) = (Some(ok()), Some(user("bob")), Some(key));
        self.down(
            Command::Sync,
            &CommSyncDl { status, queue, metas, next_key, ..CommSyncDl::default() },
        );
        let mut words = Vec::new();
        for event in self.events() {
            match event {
                SessionEvent::Account(event) => words.push(say(&event)),
                SessionEvent::Batch(batch) => {
                    words.extend(batch.arrivals.iter().map(|arrival| say(&arrival.event)));
                    if let Some(cursor) = batch.cursor.filter(|_| !is_held) {
                        self.session.release(&cursor, self.now);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        words
    }

    fn told(&mut self) -> Vec<String> {
        self.events()
            .iter()
            .map(|event| match event {
                SessionEvent::Account(event) => say(event),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn say(event: &Event) -> String {
    match event {
        Event::Typing(Typing { from, is_typing, .. }) => {
            format!("{from} {}", if *is_typing { "writes" } else { "stops" })
        }
        Event::Message(message) => format!("message {}", message.text()),
        Event::Stream(chunk) => {
            let StreamChunk { text, so_far, status, .. } = &**chunk;
            format!("{}{text}={so_far}", if *status == StreamStatus::Full { "all " } else { "+" })
        }
        Event::TokenEnded => "token ended".to_owned(),
        Event::TokenEnding { expires } => format!("token ends {}", expires.0),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_writes_stops_five_seconds_after_the_last_sign() {
    let mut pair = Pair::online();
    assert_eq!(pair.get(vec![cmd(1, "TypingBegin")], 1, false), ["bob writes"]);
    pair.advance(SECOND * 4);
    assert_eq!(pair.get(vec![cmd(2, "TypingBegin")], 2, false), ["bob writes"]);
    pair.advance(SECOND * 4);
    assert!(pair.told().is_empty(), "the second sign prolonged it");
    pair.advance(SECOND);
    assert_eq!(pair.told(), ["bob stops"]);
    pair.advance(SECOND * 20);
    assert!(pair.told().is_empty());
}

#[test]
fn a_message_ends_the_typing_of_who_wrote_it_before_it_comes() {
    let mut pair = Pair::online();
    let words = pair.get(vec![cmd(1, "TypingBegin"), text(2), text(3)], 3, false);
    assert_eq!(words, ["bob writes", "bob stops", "message text 2", "message text 3"]);
    assert_eq!(pair.get(vec![cmd(4, "TypingBegin")], 4, false), ["bob writes"]);
    assert_eq!(pair.get(vec![chunk(5, 0, 1, "x")], 5, false), ["bob stops", "+x=x"]);
    assert_eq!(
        pair.get(vec![cmd(6, "TypingBegin"), cmd(7, "TypingEnd")], 7, false),
        ["bob writes", "bob stops"]
    );
    pair.advance(SECOND * 10);
    assert!(pair.told().is_empty(), "nothing is left to end");
}

#[test]
fn who_writes_stops_even_while_the_connection_is_down() {
    let mut pair = Pair::online();
    assert_eq!(pair.get(vec![cmd(1, "TypingBegin")], 1, false), ["bob writes"]);
    pair.session.handle_close();
    pair.advance(SECOND * 5);
    assert_eq!(pair.told(), ["bob stops"]);
    assert_eq!(pair.session.poll_timeout(), None);
}

#[test]
fn of_too_many_who_write_the_first_gives_way() {
    let mut pair = Pair::online();
    pair.session.typers = Typers::new(SECOND * 5, 2);
    let typing = |id, name: &str| {
        let mut meta = cmd(id, "TypingBegin");
        let mut body = schema::MessageBody::decode(meta.payload.unwrap()).unwrap();
        body.from = Some(user(name));
        meta.payload = Some(body.encode_to_vec().into());
        meta
    };
    let words = pair.get(vec![typing(1, "a"), typing(2, "b"), typing(3, "c")], 3, false);
    assert_eq!(words, ["a writes", "b writes", "a stops", "c writes"]);
}

#[test]
fn chunks_reach_plugins_in_order_and_the_whole_text_as_a_message() {
    let mut pair = Pair::online();
    assert_eq!(pair.get(vec![chunk(9, 1, 2, "b")], 1, false), [""; 0]);
    assert_eq!(
        pair.get(vec![chunk(9, 0, 0, "a"), text(3)], 2, false),
        ["+a=a", "+b=ab", "message text 3"]
    );
    assert_eq!(pair.get(vec![chunk(9, 1, 2, "b")], 3, false), [""; 0], "it came again");
    assert_eq!(pair.get(vec![chunk(9, 2, 3, "c")], 4, false), ["+c=abc"]);
    assert_eq!(pair.get(vec![chunk(9, 3, 4, "abc")], 5, false), ["message abc"]);
    assert_eq!(pair.get(vec![chunk(8, 3, 4, "late")], 6, false), ["all late=late", "message late"]);
    assert_eq!(pair.get(vec![chunk(8, 3, 4, "late")], 7, false), [""; 0]);
}

#[test]
fn each_chunk_keeps_the_key_and_the_bytes_that_it_came_with() {
    let mut pair = Pair::online();
    let metas = vec![chunk(9, 1, 2, "b"), chunk(9, 0, 0, "a")];
    let raws: Vec<Vec<u8>> = metas.iter().map(prost::Message::encode_to_vec).collect();
    pair.down(
        Command::Sync,
        &CommSyncDl {
            status: Some(ok()),
            queue: Some(user("bob")),
            metas,
            ..CommSyncDl::default()
        },
    );
    let events = pair.events();
    let [SessionEvent::Batch(batch)] = &events[..] else { panic!("{events:?}") };
    let came: Vec<_> =
        batch.arrivals.iter().map(|arrival| (arrival.key.seq, &arrival.raw[..])).collect();
    assert_eq!(came, [(1, &raws[1][..]), (2, &raws[0][..])]);
}

#[test]
fn chunks_of_a_batch_that_was_not_released_are_shown_again_when_they_come_again() {
    let mut pair = Pair::online();
    assert_eq!(pair.get(vec![chunk(9, 0, 0, "a")], 1, false), ["+a=a"]);
    assert_eq!(pair.get(vec![chunk(9, 1, 2, "b")], 2, true), ["+b=ab"]);
    pair.session.handle_close();
    pair.open();
    pair.log_in();
    assert_eq!(pair.get(vec![chunk(9, 1, 2, "b")], 2, false), ["+b=ab"]);
    assert_eq!(pair.get(vec![chunk(9, 2, 3, "c")], 3, false), ["+c=abc"]);
}

#[test]
fn the_end_of_the_token_is_told_once_ahead_and_once_when_it_has_come() {
    let mut pair = Pair::opened();
    pair.sent();
    let begins = pair.now.unix.0;
    let auth_token = Some(format!(r#"{{"expires_in":{}}}"#, begins + 1_000));
    pair.provision(&Provision { status: Some(ok()), auth_token, ..Provision::default() });
    pair.events();
    let at = |pair: &mut Pair, after| {
        let timestamp = Some(begins + after);
        pair.down(Command::Unread, &CommUnreadDl { timestamp, ..CommUnreadDl::default() });
    };
    at(&mut pair, 799);
    assert!(pair.told().is_empty());
    at(&mut pair, 800);
    assert_eq!(pair.told(), [format!("token ends {}", begins + 1_000)]);
    at(&mut pair, 900);
    assert!(pair.told().is_empty(), "once is enough");
    // Our clock may show anything: the server's says 900.
    let now = Now { unix: Timestamp(5), ..pair.now };
    pair.session.renew_token(Secret::new("NEW"), Some(Duration::from_millis(1_100)), now);
    at(&mut pair, 1_779);
    assert!(pair.told().is_empty());
    at(&mut pair, 1_780);
    assert_eq!(pair.told(), [format!("token ends {}", begins + 2_000)]);
    at(&mut pair, 2_000);
    let events = pair.events();
    assert!(
        matches!(
            events[..],
            [SessionEvent::Account(ref event), SessionEvent::TokenExpired] if **event == Event::TokenEnded
        ),
        "{events:?}"
    );
}
