//! Who may use what, where, and how often.

use easebot_model::{Conversation, Event, MessageId, Muc, MucChange, Timestamp, UserId};
use easebot_plugin::{rest::testing::Script, testing::Bench};
use serde_json::json;

use super::*;

const COMMANDS: &str = "\
lists = { staff = ['amy'] }
[[command]]
name = 'all'
reply = 'for all'
[[command]]
name = 'staff'
reply = 'for staff'
allow = { users = ['Dan'], lists = ['staff'] }
[[command]]
name = 'close'
reply = 'closed'
allow = { lists = ['staff'], group_owner = true, group_admins = true }
[[command]]
name = 'own'
reply = 'yours'
allow = { group_owner = true }
[[command]]
name = 'secret'
reply = 'psst'
hidden = true
allow = { users = ['dan'] }
[[command]]
name = 'here'
reply = 'in the group'
in = ['room', 'group:7']
";

/// A bench where group 7 belongs to olga, and ann is its admin.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.answer_calls(|call, _| match &*call.line() {
        "GET /chatgroups/7" => {
            Script::ok(&json!({ "data": [{ "id": "7", "name": "ops", "owner": "olga" }] }))
        }
        "GET /chatgroups/7/admin" => Script::ok(&json!({ "data": ["ann"] })),
        _ => Script::refusal(404, "not_found", "no such group"),
    });
    bench
}

async fn ask(bench: &Bench, plugin: &Command, to: &str, from: &str, text: &str) -> (String, Flow) {
    let answer = bench.text_in(plugin, to.parse().unwrap(), from, text).await.unwrap();
    (answer.texts().join("; "), answer.flow)
}

#[tokio::test]
async fn a_command_is_for_those_whom_it_names() {
    let (bench, plugin) = (bench(), plugin(COMMANDS));
    for (to, from, text, expected) in [
        ("user:bob", "bob", "/all", "for all"),
        ("user:amy", "amy", "/staff", "for staff"),
        ("user:dan", "dan", "/staff", "for staff"),
        ("user:bob", "bob", "/staff", "you may not use /staff here"),
        ("group:7", "olga", "/close", "closed"),
        ("group:7", "ann", "/close", "closed"),
        ("group:7", "amy", "/close", "closed"),
        ("group:7", "bob", "/close", "you may not use /close here"),
        ("user:olga", "olga", "/close", "you may not use /close here"),
        ("group:7", "olga", "/own", "yours"),
        ("group:7", "ann", "/own", "you may not use /own here"),
        (
            "group:8",
            "olga",
            "/close",
            "/close did not work: who runs this group cannot be looked up now",
        ),
    ] {
        let answer = ask(&bench, &plugin, to, from, text).await;
        assert_eq!(answer, (expected.to_owned(), Flow::Stop), "{from} in {to}: {text}");
    }
}

#[tokio::test]
async fn a_hidden_command_does_not_exist_for_others_and_neither_does_one_elsewhere() {
    let (bench, plugin) = (bench(), plugin(COMMANDS));
    let nothing = (String::new(), Flow::Continue);
    assert_eq!(ask(&bench, &plugin, "user:dan", "dan", "/secret").await.0, "psst");
    assert_eq!(ask(&bench, &plugin, "user:bob", "bob", "/secret").await, nothing);
    assert_eq!(ask(&bench, &plugin, "group:7", "bob", "/here").await.0, "in the group");
    assert_eq!(ask(&bench, &plugin, "room:1", "bob", "/here").await.0, "in the group");
    assert_eq!(ask(&bench, &plugin, "user:bob", "bob", "/here").await, nothing);
    assert_eq!(ask(&bench, &plugin, "group:8", "bob", "/hre").await, nothing);
}

#[tokio::test]
async fn help_and_suggestions_show_what_the_asker_may_use() {
    let (bench, plugin) = (bench(), plugin(COMMANDS));
    let help = "/help – lists the commands";
    for (to, from, expected) in [
        ("user:bob", "bob", format!("/all\n{help}")),
        ("user:amy", "amy", format!("/all\n/staff\n/close\n{help}")),
        ("group:7", "olga", format!("/all\n/close\n/own\n/here\n{help}")),
        ("group:7", "ann", format!("/all\n/close\n/here\n{help}")),
        ("group:8", "olga", format!("/all\n{help}")),
    ] {
        assert_eq!(ask(&bench, &plugin, to, from, "/help").await.0, expected, "{from} in {to}");
    }
    let (_, flow) = ask(&bench, &plugin, "user:bob", "bob", "/stafff").await;
    assert_eq!(flow, Flow::Continue, "what bob may not use is not suggested to him");
    let suggested = ask(&bench, &plugin, "user:amy", "amy", "/stafff").await.0;
    assert_eq!(suggested, "there is no command /stafff, did you mean /staff?");
    let help = ask(&bench, &plugin, "user:bob", "bob", "/help staff").await.0;
    assert!(help.starts_with("/all"), "{help}");
}

#[tokio::test]
async fn who_runs_a_group_is_asked_once_a_minute_and_again_after_a_change() {
    let (bench, plugin) = (bench(), plugin(COMMANDS));
    let n_asked = |bench: &Bench| bench.calls().len();
    for _ in 0..3 {
        ask(&bench, &plugin, "group:7", "ann", "/close").await;
    }
    assert_eq!(n_asked(&bench), 2, "the group, and its admins");
    let change = Muc {
        conversation: Conversation::group("7"),
        operator: UserId::new("olga"),
        targets: vec![UserId::new("ann")],
        change: MucChange::AdminRemoved,
        reason: None,
        name: None,
        n_members: None,
        ext: None,
    };
    let answer = bench.event(&plugin, &Event::Group(Box::new(change))).await.unwrap();
    assert_eq!(answer.flow, Flow::Continue);
    ask(&bench, &plugin, "group:7", "ann", "/close").await;
    assert_eq!(n_asked(&bench), 4);
    bench.set_now(Timestamp(59_999));
    ask(&bench, &plugin, "group:7", "ann", "/close").await;
    assert_eq!(n_asked(&bench), 4);
    bench.set_now(Timestamp(60_000));
    ask(&bench, &plugin, "group:7", "ann", "/close").await;
    assert_eq!(n_asked(&bench), 6);
    let nothing = super::plugin("[[command]]\nname = 'x'\nreply = 'y'\n");
    assert_eq!(nothing.interest(), Interest::texts(), "changes of groups are not heard in vain");
}

#[tokio::test]
async fn a_command_waits_for_its_cooldown_and_says_so_once() {
    let plugin = plugin("[[command]]\nname = 'roll'\nreply = '6'\ncooldown = { user_secs = 10 }\n");
    let bench = Bench::new();
    let roll = async |id: u64, from: &str, secs: u64| {
        let conversation = Conversation::group("7");
        let time = Timestamp(secs * 1000);
        let message =
            Message::new(MessageId(id), conversation, UserId::new(from), time, "/roll".into());
        let answer = bench.event(&plugin, &Event::Message(Box::new(message))).await.unwrap();
        assert_eq!(answer.flow, Flow::Stop);
        answer.texts().join("; ")
    };
    assert_eq!(roll(1, "bob", 100).await, "6");
    assert_eq!(roll(2, "bob", 103).await, "/roll can be used again in 7 s");
    assert_eq!(roll(3, "bob", 104).await, "", "it was said already");
    assert_eq!(roll(4, "amy", 104).await, "6");
    assert_eq!(roll(5, "bob", 110).await, "6");
    assert_eq!(roll(6, "bob", 119).await, "/roll can be used again in 1 s");
}

#[tokio::test]
async fn what_the_plugin_says_by_itself_can_be_written_otherwise_or_left_out() {
    let own = format!("denied = '{{{{ message.from }}}} 不能用 {{{{ name }}}}'\n{COMMANDS}");
    assert_eq!(
        ask(&bench(), &plugin(&own), "user:bob", "bob", "/staff").await.0,
        "bob 不能用 /staff"
    );
    let silent = plugin(&format!("denied = ''\n{COMMANDS}"));
    let answer = ask(&bench(), &silent, "user:bob", "bob", "/staff").await;
    assert_eq!(answer, (String::new(), Flow::Stop));
}

#[test]
fn rights_that_cannot_be_meant_are_refused_with_the_place() {
    let found = problems_of(
        "\
lists = { staff = ['a b'] }
time_zone = 'Shanghai'
[[command]]
name = 'a'
reply = 'x'
allow = { lists = ['stuff'] }
[[command]]
name = 'b'
reply = 'x'
allow = { group_owner = false }
in = ['groups', 'group:']
[[command]]
name = 'c'
[[command]]
name = 'd'
reply = 'x'
cooldown = { user_secs = 86_401 }
",
    );
    let legal = "1 to 64 letters, digits, `.`, `_` and `-`";
    let places = "there are `user`, `group`, `room`, and conversations such as `group:123`";
    let expected = [
        ("'a b'", "this is no user name", legal),
        ("'Shanghai'", "there is no time zone of this name", "such as `Asia/Shanghai` or `UTC`"),
        ("'stuff'", "there is no list `stuff`", "did you mean `staff`?"),
        (
            "{ group_owner = false }",
            "nobody may use the command",
            "`users`, `lists`, `group_owner` and `group_admins` say who may",
        ),
        ("'groups'", "this is no place", places),
        ("'group:'", "this is no place", places),
        (
            "[[command]]",
            "the command does nothing",
            "add `reply`, `image`, `file`, `http`, `forward` or `recall`",
        ),
    ];
    let mut expected = expected
        .map(|(at, what, hint)| (at.to_owned(), what.to_owned(), Some(hint.to_owned())))
        .to_vec();
    let wait = "must be 0 to 86400 seconds, which is a day";
    expected.push(("86_401".to_owned(), wait.to_owned(), None));
    assert_eq!(found, expected);
}
