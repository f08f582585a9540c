//! Which chat rooms the account is in.

use std::sync::Arc;

use easebot_model::{Act, Draft, Priority, Receipt, RoomState};

use super::*;
use crate::schema::{MucBody, muc_body};

impl Pair {
    /// Joins or leaves `room` under `id`. The answer is not there yet.
    fn ask(&mut self, id: u64, room: &str, act: Act) {
        let outgoing = Outgoing { to: Conversation::room(room), act };
        self.session.send(ClientMessageId(id), &outgoing, self.now).unwrap();
    }

    fn join(&mut self, id: u64, room: &str) {
        self.ask(id, room, Act::JoinRoom { ext: format!("ext {room}"), leave_others: false });
        self.ack(id, Some(ok()));
    }

    fn rooms(&self) -> Vec<String> {
        self.session.joined_rooms().map(|room| format!("{} {}", room.room, room.ext)).collect()
    }

    fn meta(&mut self, meta: Meta) -> Event {
        let metas = vec![meta];
        self.down(
            Command::Sync,
            &CommSyncDl {
                status: Some(ok()),
                queue: Some(group("r1")),
                metas,
                ..CommSyncDl::default()
            },
        );
        match self.events().pop() {
            Some(SessionEvent::Batch(mut batch)) => {
                Arc::unwrap_or_clone(batch.arrivals.remove(0).event)
            }
            other => panic!("{other:?}"),
        }
    }

    fn muc(&mut self, id: u64, operation: muc_body::Operation, to: &[&str]) {
        let body = MucBody {
            muc_id: Some(group("r1")),
            operation: Some(operation.into()),
            from: Some(user("admin")),
            to: to.iter().map(|name| user(name)).collect(),
            is_chatroom: Some(true),
            ..MucBody::default()
        };
        let payload = Some(body.encode_to_vec().into());
        self.meta(Meta { ns: Some(NameSpace::Muc.into()), payload, ..text(id) });
    }
}

/// A recall in the conference `name` with a text of its own, which takes the place of the mark of a room.
fn recall(id: u64, name: &str) -> Meta {
    let body = schema::MessageBody {
        r#type: Some(6),
        from: Some(user("bob")),
        to: Some(user(name)),
        ack_message_id: Some(777),
        ..schema::MessageBody::default()
    };
    let ext = crate::ext::encode_text_pair("recallMessageExtensionInfo", "why");
    Meta { to: Some(group(name)), payload: Some(body.encode_to_vec().into()), ext, ..text(id) }
}

#[test]
fn a_room_counts_as_joined_from_the_answer_until_it_is_left() {
    let mut pair = Pair::online();
    pair.ask(1, "r1", Act::JoinRoom { ext: "hi".to_owned(), leave_others: false });
    assert!(pair.rooms().is_empty());
    pair.ack(1, Some(ok()));
    assert_eq!(pair.rooms(), ["r1 hi"]);
    pair.join(2, "r2");
    assert_eq!(pair.rooms(), ["r1 hi", "r2 ext r2"]);
    pair.ask(3, "r1", Act::LeaveRoom);
    assert_eq!(pair.rooms(), ["r2 ext r2"], "whatever the answer");
    pair.join(4, "r1");
    pair.ask(5, "r3", Act::JoinRoom { ext: String::new(), leave_others: true });
    pair.ack(5, Some(ok()));
    assert_eq!(pair.rooms(), ["r3 "], "the server has put it out of the others");
}

#[test]
fn rooms_outlive_the_connection_and_a_refused_return() {
    let mut pair = Pair::online();
    pair.join(1, "r1");
    pair.join(2, "r2");
    pair.session.handle_close();
    pair.events();
    assert_eq!(pair.rooms(), ["r1 ext r1", "r2 ext r2"]);
    pair.open();
    pair.log_in();
    pair.ask(3, "r1", Act::JoinRoom { ext: String::new(), leave_others: false });
    pair.ack(3, Some(refusal(ErrorCode::Fail, "group not found")));
    assert_eq!(pair.rooms(), ["r2 ext r2"], "refused for good");
    pair.ask(4, "r2", Act::JoinRoom { ext: String::new(), leave_others: false });
    pair.session.handle_close();
    assert_eq!(pair.rooms(), ["r2 ext r2"], "not answered: to be tried again");
}

#[test]
fn whoever_is_put_out_of_a_room_is_not_in_it() {
    use muc_body::Operation;
    let table: &[(Operation, &[&str], bool)] = &[
        (Operation::Destroy, &[], false),
        (Operation::Kick, &["bot"], false),
        (Operation::Kick, &[], false),
        (Operation::Kick, &["bob"], true),
        (Operation::Absence, &["bob"], true),
        (Operation::Update, &[], true),
    ];
    for (n, (operation, to, stays)) in table.iter().enumerate() {
        let mut pair = Pair::online();
        pair.join(1, "r1");
        pair.events();
        pair.muc(100 + n as u64, *operation, to);
        assert_eq!(!pair.rooms().is_empty(), *stays, "{operation:?} {to:?}");
    }
}

#[test]
fn a_recall_in_a_joined_room_is_not_taken_for_one_in_a_group() {
    let mut pair = Pair::online();
    let place = |event: Event| event.conversation().unwrap();
    assert_eq!(place(pair.meta(recall(10, "r1"))), Conversation::group("r1"));
    pair.join(1, "r1");
    pair.events();
    assert_eq!(place(pair.meta(recall(11, "r1"))), Conversation::room("r1"));
    assert_eq!(place(pair.meta(recall(12, "g1"))), Conversation::group("g1"));
}

#[test]
fn the_receipt_of_a_join_says_how_the_room_is() {
    let mut pair = Pair::online();
    pair.ask(1, "r1", Act::JoinRoom { ext: String::new(), leave_others: false });
    let info = r#"{"bot":{"member_count":3,"is_all_mute":true}}"#.to_owned();
    let status = muc_body::Status { chatroom_info: Some(info), ..muc_body::Status::default() };
    let body = MucBody { status: Some(status), ..MucBody::default() };
    let meta = Meta {
        ns: Some(NameSpace::Muc.into()),
        payload: Some(body.encode_to_vec().into()),
        ..Meta::default()
    };
    let (status, meta_id, metas) = (Some(ok()), Some(1), vec![meta]);
    pair.down(Command::Sync, &CommSyncDl { status, meta_id, metas, ..CommSyncDl::default() });
    let events = pair.events();
    let [SessionEvent::Settled { result: Ok(receipt), .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let expected = RoomState { is_all_muted: true, n_members: Some(3), ..RoomState::default() };
    assert_eq!(receipt.room, Some(Box::new(expected)));
}

/// The receipt of a text to room r1 with this priority, whose answer carries `metas`.
fn receipt_of(priority: Priority, metas: Vec<Meta>) -> Receipt {
    let mut pair = Pair::online();
    let draft = Draft { priority, ..Draft::new("hi") };
    pair.ask(1, "r1", Act::Message(Box::new(draft)));
    let (status, meta_id) = (Some(ok()), Some(1));
    pair.down(Command::Sync, &CommSyncDl { status, meta_id, metas, ..CommSyncDl::default() });
    match &pair.events()[..] {
        [SessionEvent::Settled { result: Ok(receipt), .. }] => receipt.clone(),
        events => panic!("{events:?}"),
    }
}

#[test]
fn the_receipt_of_a_room_message_has_its_priority() {
    for priority in [Priority::High, Priority::Normal, Priority::Low] {
        assert_eq!(receipt_of(priority, Vec::new()).priority, Some(priority));
    }
}

#[test]
fn the_priority_of_a_moderated_room_message_is_the_one_that_the_server_took_it_with() {
    let outgoing = Outgoing::message(
        Conversation::room("r1"),
        Draft { priority: Priority::Low, ..Draft::new("**") },
    );
    let me = Me { user: "bot".into(), resource: Resource::default() };
    let key = "easebot#demo".parse().unwrap();
    let meta = encode_outgoing(&outgoing, ClientMessageId(9), &me, &key).unwrap();
    let receipt = receipt_of(Priority::High, vec![meta]);
    assert_eq!(receipt.priority, Some(Priority::Low));
    assert_eq!(receipt.replaced.unwrap().text(), "**");
}

#[test]
fn what_is_no_message_to_a_room_has_no_priority() {
    let mut pair = Pair::online();
    pair.ask(1, "r1", Act::LeaveRoom);
    pair.ack(1, Some(ok()));
    let [SessionEvent::Settled { result: Ok(receipt), .. }] = &pair.events()[..] else { panic!() };
    assert_eq!(receipt.priority, None);
}
