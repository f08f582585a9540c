//! What an app's own server is told of, before it becomes a letter.

use easebot_model::Secret;
use serde_json::Value;

use super::*;
use crate::{
    Callback, CallbackEvent, Callbacks,
    callbacks::{Change, Verdict},
};

#[test]
fn a_change_of_contacts_is_told_once_by_who_made_it() {
    for (by, devices) in [("a device", true), ("REST", false)] {
        let mut town = Town::with(told_of(CallbackEvent::Contact));
        let device = Resource::new("a");
        let acting = devices.then_some(&device);
        let (alice, bob) = (&"alice".into(), &"bob".into());
        town.app(|app, cx| {
            app.ask_contact(cx, alice, bob, Some("please"));
            app.accept_contact(cx, bob, alice, acting);
            app.set_blocked(cx, bob, alice, true, acting);
            app.remove_contact(cx, alice, bob, acting);
        });
        let expected = [
            "alice add bob",
            "bob remote_accept alice",
            "bob accept alice",
            "bob ban alice",
            "alice remove bob",
        ];
        assert_eq!(told(&mut town), expected, "by {by}");
    }
}

#[test]
fn what_was_taken_is_not_asked_about_again_whatever_the_answer_made_of_it() {
    let content = Some(Box::new(text_content("*****")));
    for change in [Change::default(), Change { content, level: None }] {
        let mut town = Town::new();
        let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
        let meta = Meta { id: Some(7), ..text_to("user:bob", "sh*t!") };
        let bytes = Bytes::from(meta_frame(meta).encode_to_vec());
        let question = town.world.question(alice, &bytes, town.now);
        assert!(question.is_some(), "it is new");
        town.world.receive_judged(alice, bytes.clone(), Verdict::Pass(change), town.now).unwrap();
        assert!(town.world.question(alice, &bytes, town.now).is_none(), "it is a repetition");
        town.world.receive(alice, bytes, town.now).unwrap();
        town.collect();
        let answers = town.take(alice).into_iter().filter_map(|got| match got {
            Got::Sync(answer) => answer.server_id,
            _ => None,
        });
        let ids: Vec<u64> = answers.collect();
        assert!(matches!(&ids[..], [first, second] if first == second), "{ids:?}");
        assert_eq!(town.texts(bob).len(), 1);
    }
}

fn meta_frame(meta: Meta) -> MSync {
    let sync = CommSyncUl { meta: Some(meta), ..CommSyncUl::default() };
    MSync {
        command: Some(Command::Sync.into()),
        payload: Some(sync.encode_to_vec().into()),
        ..MSync::default()
    }
}

fn told_of(event: CallbackEvent) -> Options {
    let url = "http://localhost/told".parse().unwrap();
    let post_send = Some(Callback { url, secret: Secret::new("s") });
    let callbacks = Callbacks { post_send, post_send_events: vec![event], ..Callbacks::default() };
    Options { callbacks, ..Options::default() }
}

/// Who did what to whom.
fn told(town: &mut Town) -> Vec<String> {
    let told = town.world.take_told().into_iter().map(|told| {
        let letter = told.letter(&Secret::new("s")).unwrap();
        let text = |pointer: &str| letter.pointer(pointer).and_then(Value::as_str).unwrap();
        let from = text("/from").strip_prefix("easebot#demo_").unwrap();
        let from = from.strip_suffix("@easemob.com").unwrap();
        format!("{from} {} {}", text("/payload/operation"), text("/to"))
    });
    told.collect()
}
