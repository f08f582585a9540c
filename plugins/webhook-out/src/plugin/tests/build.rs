//! The keys and what is wrong with them.

use easebot_model::{Contact, ContactChange, Recalled};
use easebot_plugin::Severity;

use super::*;

fn problems(keys: &str) -> Vec<String> {
    let (plugin, problems) = build(keys);
    let has_errors = problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(plugin.is_none(), has_errors);
    problems.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn an_address_has_to_be_one_and_public_unless_it_is_allowed_to_be_private() {
    let secret = "secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
    let of = |url: &str, more: &str| problems(&format!("url = '{url}'\n{secret}\n{more}"));
    assert!(of("https://example.org/hook", "").is_empty());
    for wrong in ["example.org", "ftp://example.org/", "https://", ""] {
        assert_eq!(of(wrong, ""), ["events cannot be posted to this address"], "{wrong}");
    }
    for private in
        ["http://localhost:1/", "http://10.0.0.1/", "http://[::1]/", "http://0x7f000001/"]
    {
        let said = of(private, "");
        assert_eq!(said, ["the address belongs to this machine or its network"], "{private}");
        assert!(of(private, "allow_private = true").is_empty(), "{private}");
    }
    let said = of("http://example.org/", "");
    assert_eq!(said, ["what people write is posted without encryption"]);
    let said = of("https://me:pw@example.org/", "");
    assert_eq!(said, ["a password does not belong into the address"]);
}

#[test]
fn without_a_secret_the_address_has_to_be_of_this_machine() {
    let of = |url: &str| problems(&format!("url = '{url}'\nallow_private = true"));
    assert!(of("http://127.0.0.1:8080/").is_empty());
    assert!(of("http://localhost:8080/").is_empty());
    for elsewhere in ["https://example.org/", "http://10.0.0.1/"] {
        let said = of(elsewhere);
        assert_eq!(said, ["without a `secret` the receiver cannot know who posts"], "{elsewhere}");
    }
}

#[test]
fn what_is_out_of_bounds_or_not_known_is_said_with_a_hint() {
    let (_, problems) = build(&format!("{KEYS}events = ['txet', 'token', 'unknown_event']"));
    assert_eq!(problems[0].message, "there is no event `txet`");
    assert_eq!(problems[0].hint.as_deref(), Some("did you mean `text`?"));
    assert_eq!(problems.len(), 3);
    for (keys, said) in [
        ("request_secs = 61", "must be 1 to 60"),
        ("parallel = 0", "must be 1 to 64"),
        ("queue = 0", "must be 1 to 100000"),
        ("dead_letters = 100001", "must be 1 to 100000"),
        ("hold_secs = 604801", "must be 0 to 604800"),
        ("retry_secs = [0]", "each wait must be 1 to 604800"),
        ("retry_secs = [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "at most 20 further tries"),
        ("events = []", "`events` names none"),
        ("allowed = ['ann']", "a conversation is written user:NAME, group:ID or room:ID"),
    ] {
        assert_eq!(build(&format!("{KEYS}{keys}")).1[0].message, said, "{keys}");
    }
}

#[tokio::test]
async fn secrets_are_read_at_the_start_and_looked_at() {
    let start = async |secret: &str, token: &str| {
        let keys = "url = 'https://a.b/'\nsecret = { env = 'S' }\ntoken = { env = 'T' }";
        let (plugin, problems) = build(keys);
        assert_eq!(problems, []);
        let (plugin, bench) = (plugin.unwrap(), Bench::new());
        bench.set_variable("S", secret);
        bench.set_variable("T", token);
        let env = bench.env(&*plugin).unwrap();
        plugin.start(&env).await.map_err(|error| error.chain())
    };
    let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_eq!(start(good, "t").await, Ok(()));
    assert_eq!(
        start("hunter2", "t").await.unwrap_err(),
        "requests cannot be signed: a secret of webhooks is `whsec_` and base64"
    );
    assert_eq!(start(good, "a\nb").await.unwrap_err(), "the token cannot stand in a header");
    assert_eq!(start("", "t").await.unwrap_err(), "the environment variable `S` is empty");
}

#[test]
fn secrets_that_are_of_no_use_are_found_before_anything_starts() {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("out", "concierge", "concierge".into(), app_key, ".");
    let (_, problems) = build_in(
        &env,
        "url = 'https://a.b/'\nsecret = { env = 'NEW' }\nold_secret = { env = 'OLD' }\ntoken = { env = 'TOKEN' }",
    );
    assert_eq!(problems, []);
    let faults = |name: &str, value: &str| {
        let good = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let variable = |asked: &str| Some(if asked == name { value } else { good }.to_owned());
        let errors = env.secrets().into_iter().map(|secret| secret.check(&env.folder, &variable));
        errors.filter_map(|checked| Some(checked.err()?.to_string())).collect::<Vec<_>>()
    };
    assert!(faults("NONE", "").is_empty());
    for secret in ["NEW", "OLD"] {
        let said = faults(secret, "hunter2");
        assert_eq!(said, ["a secret of webhooks is `whsec_` and base64"], "{secret}");
    }
    let short = "the key of a secret of webhooks has 24 to 64 bytes, this one has 0";
    assert_eq!(faults("NEW", "whsec_"), [short]);
    assert_eq!(faults("TOKEN", "hunter\n2"), ["the token cannot stand in a header"]);
}

#[test]
fn chosen_events_are_wanted_also_when_another_plugin_took_them() {
    let wants = |keys: &str, event: &Event| {
        let (plugin, problems) = build(&format!("{KEYS}{keys}"));
        assert_eq!(problems, []);
        let interest = plugin.unwrap().interest();
        assert!(interest.is_observer());
        interest.wants(event, &"concierge".into())
    };
    let message = |body| {
        let (id, from) = (MessageId(1), UserId::new("ann"));
        let message = Message::new(id, Conversation::group("7"), from, Timestamp(1), body);
        Event::Message(Box::new(message))
    };
    let text = message("hi".into());
    let cmd = message(easebot_model::Body::Cmd { action: "x".to_owned() });
    let recalled = Event::Recalled(Recalled {
        conversation: Conversation::group("7"),
        message: MessageId(1),
        from: "ann".into(),
        ext: None,
        online_state: easebot_model::OnlineState::default(),
    });
    let contact = Contact { peer: "ann".into(), change: ContactChange::Added, reason: None };
    let contact = Event::Contact(contact);
    let all = [&text, &cmd, &recalled, &contact];
    for (keys, expected) in [
        ("", [true, true, false, false]),
        ("events = ['text']", [true, false, false, false]),
        ("events = ['cmd', 'recalled']", [false, true, true, false]),
        ("events = ['contact']", [false, false, false, true]),
        ("events = ['message', 'text', 'recalled']", [true, true, true, false]),
        ("in = ['user']\nevents = ['message', 'contact']", [false, false, false, true]),
    ] {
        assert_eq!(all.map(|event| wants(keys, event)), expected, "{keys}");
    }
}
