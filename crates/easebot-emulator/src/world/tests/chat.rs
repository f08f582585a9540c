//! Messages and their ways.

use easebot_msync::schema::key_value::ValueType;

use super::*;
use crate::options::{OfflineLimits, RepeatedId};

#[test]
fn a_message_is_answered_announced_and_fetched_with_all_that_clients_read() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a1"), town.login("bob", "b1"));
    let answer = town.say(alice, "user:bob", "hi");
    let id = server_id(&answer);
    assert_eq!((answer.next_key, answer.is_last, answer.queue.clone()), (None, None, None));

    let notice = Jid { client_resource: Some("a1".to_owned()), ..wire::name_jid("alice") };
    assert_eq!(town.take(bob), [Got::Notice(notice)]);
    let metas = town.fetch(bob);
    let [meta] = &metas[..] else { panic!("{metas:?}") };
    assert_eq!((meta.id, meta.timestamp), (Some(id), answer.timestamp));
    assert_eq!(meta.ns, Some(NameSpace::Chat.into()));
    let from = meta.from.clone().unwrap();
    assert_eq!((from.app_key(), from.name()), ("easebot#demo", "alice"));
    assert_eq!((from.domain(), from.client_resource()), ("easemob.com", "a1"));
    assert_eq!(meta.to.as_ref().unwrap().client_resource, None, "it would show in the name");
    assert_eq!(body_of(meta).from.unwrap().name(), "alice", "forced to who is logged in");
    assert_eq!(town.fetch(bob), []);
    assert!(town.world.is_quiet());
}

#[test]
fn pages_end_with_the_key_of_their_last_meta() {
    let mut town = Town::with(Options { page_size: 1, ..Options::default() });
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let first = server_id(&town.say(alice, "user:bob", "1"));
    let second = server_id(&town.say(alice, "user:bob", "2"));
    let queue = wire::name_jid("alice");
    let page = town.pull(bob, &queue, None);
    assert_eq!((page.metas.len(), page.next_key, page.is_last), (1, Some(first), None));
    let page = town.pull(bob, &queue, Some(first));
    assert_eq!(page.next_key, Some(second));
    let end = town.pull(bob, &queue, Some(second));
    assert_eq!((end.metas.len(), end.next_key, end.is_last), (0, None, Some(true)));
    assert_eq!(end.queue, Some(queue));
}

#[test]
fn a_page_ends_at_half_a_megabyte_too() {
    let mut town = Town::with(Options { page_size: 1_000, ..Options::default() });
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for _ in 0..200 {
        town.say(alice, "user:bob", &"x".repeat(5_000));
    }
    let (queue, mut key, mut sizes) = (wire::name_jid("alice"), None, Vec::new());
    loop {
        let page = town.pull(bob, &queue, key);
        if page.metas.is_empty() {
            break;
        }
        sizes.push(page.metas.len());
        key = page.next_key;
    }
    assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (2, 200), "{sizes:?}");

    let limit = 1024 * 1024;
    let mut town = Town::with(Options { message_limit_bytes: limit, ..Options::default() });
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.say(alice, "user:bob", &"x".repeat(600_000));
    let page = town.pull(bob, &queue, None);
    assert_eq!(page.metas.len(), 1, "one that is longer comes by itself");
}

#[test]
fn what_was_not_acknowledged_comes_again_after_a_reconnect() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.say(alice, "user:bob", "1");
    town.pull(bob, &wire::name_jid("alice"), None);
    town.close(bob);
    town.say(alice, "user:bob", "2");
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), ["1", "2"]);
}

#[test]
fn offline_messages_reach_a_fresh_device() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    town.say(alice, "user:bob", "while you were away");
    let bob = town.login("bob", "never seen");
    assert_eq!(town.texts(bob), ["while you were away"]);
    let other = town.login("bob", "another");
    assert_eq!(town.texts(other), [] as [&str; 0], "one device of the user has it");
}

#[test]
fn the_senders_other_devices_get_a_copy_in_the_queue_of_the_peer() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    let id = server_id(&town.say(phone, "user:bob", "hi"));
    assert_eq!(town.take(phone), [], "not the device that sent it");
    let notice = Jid { client_resource: Some("phone".to_owned()), ..wire::name_jid("bob") };
    assert_eq!(town.take(desk), [Got::Notice(notice)]);
    let metas = town.fetch(desk);
    assert_eq!(metas.iter().map(|meta| meta.id).collect::<Vec<_>>(), [Some(id)]);
    assert_eq!(town.fetch(phone), []);
}

#[test]
fn a_message_to_oneself_reaches_the_other_devices_once() {
    let mut town = Town::new();
    let (phone, desk) = (town.login("alice", "phone"), town.login("alice", "desk"));
    town.say(phone, "user:alice", "note");
    assert_eq!(town.texts(desk), ["note"]);
    assert_eq!(town.texts(phone), [] as [&str; 0]);
}

#[test]
fn a_message_to_one_device_reaches_that_one() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let (one, two) = (town.login("bob", "one"), town.login("bob", "two"));
    let mut meta = text_to("user:bob", "psst");
    meta.to.as_mut().unwrap().client_resource = Some("two".to_owned());
    town.meta(alice, meta);
    assert_eq!(town.texts(one), [] as [&str; 0]);
    assert_eq!(town.texts(two), ["psst"]);
}

#[test]
fn online_only_messages_do_not_wait() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let live =
        || Meta { routetype: Some(RouteType::RouteOnline.into()), ..text_to("user:bob", "typing") };
    town.meta(alice, live());
    assert_eq!(town.texts(bob), ["typing"]);
    town.meta(alice, live());
    town.close(bob);
    town.meta(alice, live());
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), [] as [&str; 0]);
}

#[test]
fn a_retry_gets_the_first_answer_and_is_delivered_once() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let once = || Meta { id: Some(77), ..text_to("user:bob", "once") };
    let first = town.meta(alice, once());
    town.close(alice);
    town.wait(Duration::from_secs(5));
    let alice = town.login("alice", "a");
    assert_eq!(town.meta(alice, once()), first);
    assert_eq!(town.texts(bob), ["once"]);
}

#[test]
fn a_retry_of_a_busy_user_gets_the_first_answer() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let send = |id, text| Meta { id: Some(id), ..text_to("user:bob", text) };
    let first = town.meta(alice, send(1, "once"));
    for id in 2..20_000 {
        town.meta(alice, send(id, "meanwhile"));
    }
    assert_eq!(town.meta(alice, send(1, "once")), first);
    assert_eq!(town.texts(bob).iter().filter(|text| *text == "once").count(), 1);
}

#[test]
fn two_messages_under_one_client_id_are_two_messages() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let send = |text| Meta { id: Some(77), ..text_to("user:bob", text) };
    let first = server_id(&town.meta(alice, send("one")));
    assert_ne!(server_id(&town.meta(alice, send("two"))), first);
    assert_eq!(town.texts(bob), ["one", "two"]);
}

#[test]
fn a_switch_delivers_retries_twice() {
    let options = Options { repeated_client_id: RepeatedId::DeliverTwice, ..Options::default() };
    let mut town = Town::with(options);
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let twice = || Meta { id: Some(77), ..text_to("user:bob", "twice") };
    let first = server_id(&town.meta(alice, twice()));
    assert_ne!(server_id(&town.meta(alice, twice())), first);
    assert_eq!(town.texts(bob), ["twice", "twice"]);
}

#[test]
fn a_send_refused_by_order_is_refused_once_and_can_be_repeated() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let refusal = Refusal::new(ErrorCode::PermissionDenied, "traffic limit");
    town.world.faults.refuse_sends(Refuse { user: Some("alice".into()), n: 1, refusal });
    let once = || Meta { id: Some(77), ..text_to("user:bob", "slow down") };
    let answer = town.meta(alice, once());
    assert_refused(&answer, ErrorCode::PermissionDenied, "traffic limit");
    server_id(&town.meta(alice, once()));
    assert_eq!(town.texts(bob), ["slow down"]);
}

#[test]
fn a_message_that_is_too_large_is_refused_by_its_encoded_size() {
    let mut town = Town::with(Options { message_limit_bytes: 100, ..Options::default() });
    let alice = town.login("alice", "a");
    let overhead = text_to("user:bob", "").payload.unwrap().len();
    let fits = "x".repeat(100 - overhead);
    server_id(&town.say(alice, "user:bob", &fits));
    let answer = town.say(alice, "user:bob", &format!("{fits}x"));
    assert_refused(&answer, ErrorCode::PermissionDenied, "Sorry, data is too large");
}

#[test]
fn blocked_senders_are_told() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    town.app(|app, cx| app.set_blocked(cx, &"bob".into(), &"alice".into(), true, None));
    let answer = town.say(alice, "user:bob", "hello?");
    assert_refused(&answer, ErrorCode::Fail, "blocked");
}

#[test]
fn a_message_to_nobody_is_accepted_as_the_real_service_does() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    server_id(&town.say(alice, "user:nobody", "echo?"));
}

#[test]
fn what_makes_no_sense_is_refused_and_not_left_unanswered() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    let answer = town.meta(alice, Meta { to: None, ..text_to("user:bob", "x") });
    assert_refused(&answer, ErrorCode::MissingParameter, "to");
    let broken = Meta { payload: Some(Bytes::from_static(b"\xff")), ..text_to("user:bob", "x") };
    let answer = town.meta(alice, broken);
    assert_refused(&answer, ErrorCode::PbParserError, "message body");
    let mut meta = text_to("user:bob", "x");
    meta.to.as_mut().unwrap().domain = Some(wire::MUC_DOMAIN.to_owned());
    let answer = town.meta(alice, meta);
    assert_refused(&answer, ErrorCode::WrongParameter, "domain of the receiver");
    let mut meta = text_to("user:bob", "x");
    meta.to.as_mut().unwrap().app_key = Some("other#app".to_owned());
    let answer = town.meta(alice, meta);
    assert_refused(&answer, ErrorCode::WrongParameter, "app key of the receiver");
    let roster = Meta { ns: Some(NameSpace::Roster.into()), ..Meta::default() };
    let answer = town.meta(alice, roster);
    assert_eq!(answer.status.unwrap().error_code(), ErrorCode::UnknownCommand);
}

#[test]
fn moderated_texts_come_back_to_the_sender_with_their_final_id() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    town.world.faults.replace("darn".to_owned(), "***".to_owned());
    let answer = town.say(alice, "user:bob", "darn it");
    let [meta] = &answer.metas[..] else { panic!("{answer:?}") };
    assert_eq!((meta.id, meta.timestamp), (answer.server_id, answer.timestamp));
    assert_eq!(meta.meta(), b"{\"callback_replace\":true}");
    assert_eq!(text_of(meta), "*** it");
    assert_eq!(town.texts(bob), ["*** it"]);
}

#[test]
fn fields_that_this_schema_does_not_know_are_passed_on() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let mut meta = text_to("user:bob", "native");
    let mut body = body_of(&meta);
    body.from = Some(wire::name_jid("alice"));
    let mut payload = body.encode_to_vec();
    payload.extend([0x90, 0x01, 0x01]); // field 18, a varint
    meta.payload = Some(payload.clone().into());
    town.meta(alice, meta);
    assert_eq!(town.fetch(bob)[0].payload(), payload);
}

#[test]
fn a_flood_is_not_one_of_notices_for_a_client_that_is_busy() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    for n in 0..500 {
        town.say(alice, "user:bob", &n.to_string());
    }
    let n_notices = town.take(bob).len();
    assert!((2..100).contains(&n_notices), "{n_notices}");
    assert_eq!(town.texts(bob).len(), 500);
    town.say(alice, "user:bob", "more");
    assert_eq!(town.take(bob).len(), 1, "after a pull it is news again");
}

#[test]
fn the_limits_of_the_real_service_push_out_the_oldest() {
    let offline_limits = OfflineLimits { one_to_one: Some(2), groups: None };
    let mut town = Town::with(Options { offline_limits, ..Options::default() });
    let alice = town.login("alice", "a");
    for text in ["1", "2", "3"] {
        town.say(alice, "user:bob", text);
    }
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), ["2", "3"]);
}

#[test]
fn nobody_waits_for_a_message_longer_than_its_life() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    town.say(alice, "user:bob", "old");
    town.wait(town.world.options.offline_life);
    town.say(alice, "user:bob", "new");
    town.wait(Duration::from_secs(1));
    let bob = town.login("bob", "b");
    assert_eq!(town.texts(bob), ["new"]);
}

#[test]
fn a_message_names_the_receiver_that_it_goes_to() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let mut body = body_of(&text_to("user:bob", "hi"));
    body.to = Some(wire::name_jid("carol"));
    let answer = town.meta(alice, meta_to("user:bob", &body));
    assert_refused(&answer, ErrorCode::WrongParameter, "receiver in the message body");
    body.to = Some(wire::name_jid("BOB"));
    server_id(&town.meta(alice, meta_to("user:bob", &body)));
    let metas = town.fetch(bob);
    assert_eq!((metas.len(), body_of(&metas[0]).to.unwrap().name()), (1, "bob"));
}

#[test]
fn what_says_that_it_is_json_has_to_be() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login("bob", "b"));
    let plain = body_of(&text_to("user:bob", "hi"));
    let pair = |kind: ValueType, text: &str| KeyValue {
        key: Some("k".to_owned()),
        r#type: Some(kind.into()),
        string_value: Some(text.to_owned()),
        ..KeyValue::default()
    };
    let with_pair = |pair| MessageBody { ext: vec![pair], ..plain.clone() };
    let mut custom = plain.clone();
    custom.contents[0].custom_exts = vec![pair(ValueType::JsonString, "{bad")];
    let with_meta = |meta: &'static str| MessageBody { meta: Some(meta.into()), ..plain.clone() };
    let broken = [
        with_meta("{bad"),
        with_pair(pair(ValueType::JsonString, "{bad")),
        with_pair(pair(ValueType::JsonString, "")),
        custom,
        MessageBody {
            r#type: Some(Type::ReadAck.into()),
            ..with_pair(pair(ValueType::String, "seen"))
        },
    ];
    for body in broken {
        let answer = town.meta(alice, meta_to("user:bob", &body));
        assert_refused(&answer, ErrorCode::PbParserError, "JSON in the message body");
    }
    assert_eq!(town.fetch(bob), []);
    let sound = [
        with_meta(""),
        with_meta("{}"),
        with_pair(pair(ValueType::JsonString, "[1]")),
        with_pair(pair(ValueType::String, "{bad")),
    ];
    for body in sound {
        server_id(&town.meta(alice, meta_to("user:bob", &body)));
    }
    assert_eq!(town.fetch(bob).len(), 4);
}

#[test]
fn a_client_of_old_is_told_of_a_queue_once_until_it_has_all_of_it() {
    for (version, n_more) in [("v2.0", 0), ("v3.0", 1)] {
        let mut town = Town::with(Options { page_size: 1, ..Options::default() });
        let (alice, bob) = (town.login("alice", "a"), town.login_of("bob", "b", version));
        let n_told = |town: &mut Town, text: &str| {
            town.say(alice, "user:bob", text);
            town.take(bob).iter().filter(|got| matches!(got, Got::Notice(_))).count()
        };
        assert_eq!(n_told(&mut town, "one"), 1);
        assert_eq!(n_told(&mut town, "two"), n_more, "{version}: it will pull");
        let queue = wire::name_jid("alice");
        let first = town.pull(bob, &queue, None);
        assert_eq!(n_told(&mut town, "three"), n_more, "{version}: a page is on its way");
        let again = town.pull(bob, &queue, None);
        assert_eq!(again.metas.len(), n_more, "{version}: which it would get twice");
        let second = town.pull(bob, &queue, first.next_key);
        let third = town.pull(bob, &queue, second.next_key);
        let last = third.next_key;
        let pages = [first, second, third].map(|page| text_of(&page.metas[0]));
        assert_eq!(pages, ["one", "two", "three"]);
        assert_eq!(town.pull(bob, &queue, last).is_last, Some(true));
        assert_eq!(n_told(&mut town, "four"), 1, "{version}: it has all");
    }
}

#[test]
fn a_client_of_old_gets_a_page_again_that_it_lost_once_it_asks_what_waits() {
    let mut town = Town::new();
    let (alice, bob) = (town.login("alice", "a"), town.login_of("bob", "b", "v2.0"));
    town.say(alice, "user:bob", "one");
    let queue = wire::name_jid("alice");
    assert_eq!(town.pull(bob, &queue, None).metas.len(), 1, "the page that is lost");
    assert_eq!(town.texts(bob), ["one"]);
}

#[test]
fn a_client_of_old_is_not_told_of_what_it_pulls_after_its_login() {
    let mut town = Town::new();
    let alice = town.login("alice", "a");
    town.say(alice, "user:bob", "one");
    let bob = town.login_of("bob", "b", "v2.0");
    let frame = MSync { command: Some(Command::Unread.into()), ..MSync::default() };
    town.frame(bob, &frame).unwrap();
    town.take(bob);
    town.say(alice, "user:bob", "two");
    assert_eq!(town.take(bob), [], "both come with the pull");
    assert_eq!(town.texts(bob), ["one", "two"]);
}
