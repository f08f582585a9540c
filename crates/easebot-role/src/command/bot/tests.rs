//! From a text to a command that is carried out, or to what is said instead.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use easebot_command::{Arg, Args, Kind, Value};
use easebot_model::{Conversation, ConversationKind, MessageId, Muc, MucChange, Timestamp, UserId};
use easebot_plugin::{Plugin, rest::testing::Script, testing::Bench};
use serde_json::json;

use super::*;
use crate::command::{Allow, Cooldown, Declared, Places, SetError};

/// Says what it is told to do; the first `fails` times it cannot.
struct Desk {
    set: CommandSet<String>,
    fails: AtomicUsize,
}

#[async_trait]
impl CommandBot for Desk {
    type Command = String;

    fn name(&self) -> &str {
        "desk"
    }

    fn commands(&self) -> &CommandSet<String> {
        &self.set
    }

    async fn on_command(
        &self,
        command: String,
        _: Asked<'_>,
    ) -> Result<CommandAnswer, PluginError> {
        let left =
            self.fails.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        match left {
            Ok(2) => Err(PluginError::new("broken")),
            Ok(_) => Ok(CommandAnswer::Failed("the printer is out of paper".to_owned())),
            Err(_) => Ok(command.into()),
        }
    }
}

crate::plugin!(Desk: CommandBot);

fn command(name: &'static str) -> Declared<String> {
    Declared::new(name, move |args: &Args<'_>| match args.get("n") {
        Some(Value::Integer(n)) => Some(format!("{name} {n}")),
        _ => Some(name.to_owned()),
    })
}

fn commands() -> Vec<Declared<String>> {
    let mut print = command("print");
    print.args = Some(vec![Arg::new("n", Kind::integer(Some(1), Some(9)))]);
    print.cooldown = Cooldown::of(Duration::from_secs(10), Duration::ZERO);
    let mut any = command("say");
    any.args = None;
    any.places = Some(Places::new().and_kind(ConversationKind::Group));
    let mut close = command("close");
    close.allow = Some(Allow::users(["amy"]).and_group_admins());
    let mut secret = command("secret");
    secret.allow = Some(Allow::users(["amy"]));
    secret.is_hidden = true;
    vec![print, any, close, secret]
}

fn desk(set: CommandSet<String>, fails: usize) -> Desk {
    Desk { set, fails: AtomicUsize::new(fails) }
}

fn set() -> CommandSet<String> {
    CommandSet::of(["/", "!"], commands()).unwrap()
}

async fn said(desk: &Desk, bench: &Bench, place: &str, from: &str, text: &str) -> (String, Flow) {
    let place = place.parse().unwrap();
    let answer = bench.text_in(desk, place, from, text).await.unwrap();
    (answer.texts().join("|"), answer.flow)
}

/// A bench whose server says that ann is an admin of every group, and counts how often it is asked.
fn bench_with_admin() -> Bench {
    let bench = Bench::new();
    bench.answer_calls(|call, _| match call.line() {
        line if line.ends_with("/admin") => Script::ok(&json!({ "data": ["ann"] })),
        _ => Script::ok(&json!({ "data": [{ "id": "7", "name": "ops", "owner": "olga" }] })),
    });
    bench
}

#[tokio::test]
async fn what_somebody_may_not_use_is_not_there_or_they_are_told() {
    let bench = bench_with_admin();
    let (quiet, telling) = (desk(set(), 0), desk(set().telling_denied(), 0));
    for (place, from, text, by_quiet, by_telling) in [
        ("group:7", "ann", "/close", "close", "close"),
        ("group:7", "amy", "!close", "close", "close"),
        ("group:7", "bob", "/close", "", "you may not use /close here"),
        ("user:ann", "ann", "/close", "", "you may not use /close here"),
        ("group:7", "olga", "/close", "", "you may not use /close here"),
        ("group:7", "amy", "/secret", "secret", "secret"),
        ("group:7", "bob", "/secret", "", ""),
        ("group:7", "bob", "/clos", "", ""),
        (
            "group:7",
            "ann",
            "/clos",
            "there is no command /clos, did you mean /close?",
            "there is no command /clos, did you mean /close?",
        ),
        ("group:7", "bob", "/say what you like", "say", "say"),
        ("user:bob", "bob", "/say what you like", "", ""),
        ("user:bob", "bob", "/help", "/print <n>\n/help [command]", "/print <n>\n/help [command]"),
        (
            "group:7",
            "ann",
            "/help",
            "/print <n>\n/say\n/close\n/help [command]",
            "/print <n>\n/say\n/close\n/help [command]",
        ),
    ] {
        for (desk, expected) in [(&quiet, by_quiet), (&telling, by_telling)] {
            let flow = if expected.is_empty() { Flow::Continue } else { Flow::Stop };
            let got = said(desk, &bench, place, from, text).await;
            assert_eq!(got, (expected.to_owned(), flow), "{from} in {place}: {text}");
        }
    }
}

#[tokio::test]
async fn the_server_is_asked_only_for_what_depends_on_it_and_again_after_a_change() {
    let (bench, desk) = (bench_with_admin(), desk(set(), 0));
    for text in ["/print 1", "/nothing_like_it", "no command", "/secret"] {
        said(&desk, &bench, "group:7", "bob", text).await;
    }
    assert_eq!(bench.calls().len(), 0);
    for _ in 0..3 {
        assert_eq!(said(&desk, &bench, "group:7", "ann", "/close").await.0, "close");
    }
    assert_eq!(bench.calls().len(), 2, "the group, and its admins");
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
    bench.event(&desk, &Event::Group(Box::new(change))).await.unwrap();
    said(&desk, &bench, "group:7", "ann", "/close").await;
    assert_eq!(bench.calls().len(), 4);
}

#[tokio::test]
async fn without_an_answer_of_the_server_nobody_is_let_in() {
    let (bench, desk) = (Bench::new(), desk(set(), 0));
    assert_eq!(
        said(&desk, &bench, "group:7", "ann", "/close").await.0,
        "/close failed: who runs this group cannot be looked up now"
    );
    let help = said(&desk, &bench, "group:7", "ann", "/help").await.0;
    assert!(!help.contains("close"), "{help}");
    let mut hidden = command("audit");
    hidden.allow = Some(Allow::users(["amy"]).and_group_admins());
    hidden.is_hidden = true;
    let desk = self::desk(CommandSet::of(["/"], vec![hidden]).unwrap(), 0);
    assert_eq!(said(&desk, &bench, "group:7", "bob", "/audit").await.0, "", "it is not there");
}

#[tokio::test]
async fn what_failed_does_not_wait_for_its_cooldown() {
    let (bench, desk) = (Bench::new(), desk(set(), 2));
    let at = |secs: u64| {
        let (id, time) = (MessageId(secs), Timestamp(secs * 1000));
        let place = Conversation::user("bob");
        let message = Message::new(id, place, UserId::new("bob"), time, "/print 3".into());
        Event::Message(Box::new(message))
    };
    assert!(bench.event(&desk, &at(1)).await.is_err());
    let answer = bench.event(&desk, &at(2)).await.unwrap();
    assert_eq!(answer.texts(), ["/print failed: the printer is out of paper"]);
    assert_eq!(bench.event(&desk, &at(3)).await.unwrap().texts(), ["print 3"]);
    let answer = bench.event(&desk, &at(4)).await.unwrap();
    assert_eq!(answer.texts(), ["that can be used again in 9s"]);
    assert_eq!(bench.event(&desk, &at(13)).await.unwrap().texts(), ["print 3"]);
}

#[test]
fn a_text_is_explained_without_being_carried_out() {
    let desk = desk(set(), 0);
    let bot = BotInfo {
        name: "c".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().unwrap(),
    };
    let explain = |place: &str, text: &str| {
        let place: Conversation = place.parse().unwrap();
        let message = Message::new(MessageId(1), place, "bob".into(), Timestamp(1), text.into());
        let explained = Plugin::explain(&desk, &Event::Message(Box::new(message)), &bot);
        (explained.reason, explained.says.join("|"), explained.depends_on.join("|"))
    };
    let (reason, _, depends) = explain("group:7", "/print 3");
    assert_eq!(reason, "the text is the command /print");
    assert_eq!(depends, "bob has not used /print in the last 10 s");
    let (reason, says, _) = explain("group:7", "/print x");
    assert_eq!(reason, "the arguments of /print do not fit: `n` is no whole number");
    assert!(says.ends_with("usage: /print <n>"), "{says}");
    assert_eq!(explain("user:bob", "/say x").0, "there is no /say in user:bob");
    assert_eq!(explain("user:bob", "/close").0, "bob may not use /close");
    assert_eq!(
        explain("group:7", "/close").2,
        "bob is the owner or an admin of group:7, as `allow` says"
    );
    assert_eq!(explain("group:7", "hi").0, "the text does not begin with `/` or `!` and a name");
}

#[test]
fn a_set_that_cannot_be_is_refused() {
    let of = |commands| CommandSet::<String>::of(["/"], commands).unwrap_err().to_string();
    let mut clash = command("b");
    clash.aliases = vec!["A".to_owned()];
    assert_eq!(of(vec![command("a"), clash]), "two commands are called `A`");
    let name = "a b".to_owned();
    let error = CommandSet::of(["/"], vec![command("a b")]).unwrap_err();
    assert_eq!(error, SetError::BadName { name });
    let mut twice = command("c");
    twice.args = Some(["n", "n"].map(|name| Arg::new(name, Kind::text())).into());
    assert_eq!(of(vec![twice]), "command `c`, argument `n`");
}
