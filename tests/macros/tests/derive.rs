//! What `derive(Commands)` makes, through a plugin of handlers.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use easebot_command::Rest;
use easebot_handler::role::{
    self,
    command::{Asked, CommandAnswer, CommandBot},
};
use easebot_handler::{
    Command, CommandSet, Commands as _, Handlers, HandlersPlugin, SetError, State, filter,
};
use easebot_macros::Commands;
use easebot_model::{Conversation, Event, Message, MessageId, Timestamp, UserId};
use easebot_plugin::{PluginError, rest::testing::Script, testing::Bench};
use serde_json::json;

#[derive(Commands, Debug, PartialEq)]
#[commands(crate = "easebot_handler", prefix = "!")]
enum All {
    Unit,
    /// takes one of each
    ///
    /// The second paragraph is for those who ask.
    EachKind {
        /// a word
        text: String,
        #[arg(min = -5, max = 5)]
        small: i8,
        ratio: f64,
        wait: Duration,
        who: UserId,
        on: bool,
        #[arg(option)]
        level: Option<u32>,
        #[arg(choices("hot", "cold"))]
        r#type: String,
        #[arg(default = "none", max_chars = 5, name = "remark")]
        note: String,
        rest: Option<Rest>,
    },
    #[command(alias = "sum", alias = "和")]
    Add(Vec<i64>),
    #[command(name = "secret", hidden)]
    Hidden,
    #[command(allow("amy"))]
    Owner,
    #[command(cooldown = "1m30s", typing)]
    Slow,
    #[command(allow("amy", group_owner, group_admins))]
    Close,
}

fn plugin() -> HandlersPlugin {
    Handlers::new("all")
        .on(filter::any(), |Command(command): Command<All>| async move { format!("{command:?}") })
        .on(filter::any(), || async { "no command" })
        .build()
        .unwrap()
}

async fn said(bench: &Bench, from: &str, text: &str) -> Result<String, PluginError> {
    Ok(bench.text(&plugin(), from, text).await?.texts().join("|"))
}

#[tokio::test]
async fn each_kind_of_argument_is_read() {
    let bench = Bench::new();
    let full = "!each_kind \"two words\" -5 0.5 90s @bob --on --level=7 HOT none and the rest";
    assert_eq!(
        said(&bench, "bob", full).await.unwrap(),
        "EachKind { text: \"two words\", small: -5, ratio: 0.5, wait: 90s, who: UserId(\"bob\"), \
         on: true, level: Some(7), type: \"hot\", note: \"none\", rest: Some(Rest(\"and the rest\")) }"
    );
    let least = "!EACH_KIND x 0 1 1s bob cold";
    assert_eq!(
        said(&bench, "bob", least).await.unwrap(),
        "EachKind { text: \"x\", small: 0, ratio: 1.0, wait: 1s, who: UserId(\"bob\"), on: false, \
         level: None, type: \"cold\", note: \"none\", rest: None }"
    );
    assert_eq!(said(&bench, "bob", "!和 1 -2 3").await.unwrap(), "Add([1, -2, 3])");
    assert_eq!(said(&bench, "bob", "!unit").await.unwrap(), "Unit");
    assert_eq!(said(&bench, "bob", "unit").await.unwrap(), "no command");
    assert_eq!(said(&bench, "bob", "!unit@somebody").await.unwrap(), "no command");
}

#[tokio::test]
async fn mistakes_point_at_the_argument_and_say_the_usage() {
    let bench = Bench::new();
    assert_eq!(
        said(&bench, "bob", "!each_kind x 6").await.unwrap(),
        "`small` is at most 5\n!each_kind x 6\n             ^\n\
         usage: !each_kind [--on] [--level <level>] <text> <small> <ratio> <wait> <who> <type> [remark] [rest…]"
    );
    assert_eq!(
        said(&bench, "bob", "!unti").await.unwrap(),
        "there is no command !unti, did you mean !unit?"
    );
    assert_eq!(said(&bench, "bob", "!nothing_like_it").await.unwrap(), "no command");
}

#[tokio::test]
async fn help_shows_what_the_asker_may_use() {
    let bench = Bench::new();
    let for_bob = said(&bench, "bob", "!help").await.unwrap();
    let lines: Vec<&str> = for_bob.lines().collect();
    assert_eq!(lines.len(), 5, "{for_bob}");
    assert_eq!(lines[0], "!unit");
    assert!(lines[1].starts_with("!each_kind ") && lines[1].ends_with(" – takes one of each"));
    assert_eq!(lines[2..], ["!add [arg1…]", "!slow", "!help [command]"]);
    assert!(said(&bench, "amy", "!help").await.unwrap().contains("!owner"));
    let about = said(&bench, "bob", "!help each_kind").await.unwrap();
    assert!(about.contains("for those who ask"), "{about}");
    assert!(about.contains("text – a word"), "{about}");
    assert!(about.contains("small – whole number from -5 to 5"), "{about}");
    assert!(said(&bench, "bob", "!help sum").await.unwrap().contains("also !sum, !和"));
    assert_eq!(said(&bench, "bob", "!owner").await.unwrap(), "no command", "it is not there");
    assert_eq!(said(&bench, "amy", "!owner").await.unwrap(), "Owner");
    assert_eq!(said(&bench, "bob", "!secret").await.unwrap(), "Hidden");
}

#[tokio::test]
async fn a_command_rests_for_its_cooldown() {
    let (bench, plugin) = (Bench::new(), plugin());
    let ask = async |millis| {
        let answer = bench.event(&plugin, &slow(millis, "bob")).await.unwrap();
        (answer.texts().join("|"), answer.typing.len())
    };
    assert_eq!(ask(1_000).await, ("Slow".to_owned(), 1));
    assert_eq!(ask(30_500).await, ("that can be used again in 1m1s".to_owned(), 0));
    let amy = bench.event(&plugin, &slow(30_501, "amy")).await.unwrap();
    assert_eq!(amy.texts(), ["Slow"]);
    assert_eq!(ask(91_000).await.0, "Slow");
}

#[tokio::test]
async fn a_command_that_failed_does_not_wait_for_itself() {
    let n_tries = AtomicUsize::new(0);
    let plugin = Handlers::new("all")
        .state(n_tries)
        .on(filter::any(), |_: Command<All>, tries: State<AtomicUsize>| async move {
            match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(PluginError::new("not now")),
                _ => Ok("Slow"),
            }
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    let first = slow(1_000, "bob");
    assert!(bench.event(&plugin, &first).await.is_err());
    let again = bench.event(&plugin, &first).await.unwrap();
    assert_eq!(again.texts(), ["Slow"]);
    let next = bench.event(&plugin, &slow(2_000, "bob")).await.unwrap();
    assert_eq!(next.texts(), ["that can be used again in 1m29s"]);
}

#[tokio::test]
async fn who_runs_a_group_may_use_what_is_for_them() {
    let (bench, plugin) = (Bench::new(), plugin());
    bench.answer_calls(|call, _| match call.line() {
        line if line.ends_with("/admin") => Script::ok(&json!({ "data": ["ann"] })),
        _ => Script::ok(&json!({ "data": [{ "id": "7", "name": "ops", "owner": "olga" }] })),
    });
    for (place, from, expected) in [
        (Conversation::group("7"), "olga", "Close"),
        (Conversation::group("7"), "ann", "Close"),
        (Conversation::group("7"), "bob", "no command"),
        (Conversation::user("ann"), "ann", "no command"),
        (Conversation::user("amy"), "amy", "Close"),
    ] {
        let answer = bench.text_in(&plugin, place, from, "!close").await.unwrap();
        assert_eq!(answer.texts(), [expected], "{from}");
    }
    let help = bench.text_in(&plugin, Conversation::group("7"), "ann", "!help").await.unwrap();
    assert!(help.texts().join("").contains("!close"), "{:?}", help.texts());
    assert_eq!(bench.calls().len(), 2, "the group and its admins, once for all");
}

/// `!slow` in a group, written at a time that is its id, too.
fn slow(millis: u64, from: &str) -> Event {
    let (id, time) = (MessageId(millis), Timestamp(millis));
    let group = Conversation::group("1");
    Event::Message(Box::new(Message::new(id, group, from.into(), time, "!slow".into())))
}

/// The same commands, as the role of a plugin.
struct Bot {
    commands: CommandSet<All>,
}

#[async_trait]
impl CommandBot for Bot {
    type Command = All;

    fn name(&self) -> &str {
        "bot"
    }

    fn commands(&self) -> &CommandSet<All> {
        &self.commands
    }

    async fn on_command(
        &self,
        command: All,
        asked: Asked<'_>,
    ) -> Result<CommandAnswer, PluginError> {
        match command {
            All::Add(numbers) => Ok(numbers.iter().sum::<i64>().to_string().into()),
            All::Unit => Ok(CommandAnswer::Failed("it is broken".to_owned())),
            other => Ok(format!("{}: {other:?}", asked.message.from).into()),
        }
    }
}

role::plugin!(Bot: CommandBot);

#[tokio::test]
async fn an_enum_is_the_commands_of_a_role() {
    let (bench, bot) = (Bench::new(), Bot { commands: CommandSet::new().unwrap() });
    for (text, expected) in [
        ("!add 1 2 3", "6"),
        ("!unit", "!unit failed: it is broken"),
        ("!secret", "bob: Hidden"),
        ("!slow", "bob: Slow"),
        ("!ad 1", "there is no command !ad, did you mean !add?"),
        ("!add x", "`arg1` is no whole number\n!add x\n     ^\nusage: !add [arg1…]"),
        ("!owner", ""),
    ] {
        let answer = bench.text(&bot, "bob", text).await.unwrap();
        assert_eq!(answer.texts().join("|"), expected, "{text}");
        assert_eq!(answer.typing.len(), usize::from(text == "!slow"), "{text}");
    }
    let help = bench.text(&bot, "bob", "!help").await.unwrap();
    assert_eq!(help.texts(), bench.text(&plugin(), "bob", "!help").await.unwrap().texts());
}

#[derive(Commands)]
#[commands(crate = "easebot_handler")]
enum Clash {
    One,
    #[command(name = "two", alias = "ONE")]
    Two,
}

#[derive(Commands)]
#[commands(crate = "easebot_handler")]
enum Misfit {
    One {
        #[arg(choices("a"))]
        #[expect(dead_code, reason = "never made")]
        n: u8,
    },
}

#[test]
fn what_cannot_be_is_told_when_the_plugin_is_built() {
    assert_eq!(Clash::declared().len(), 2);
    assert_eq!(CommandSet::<Clash>::new().unwrap_err(), SetError::Twice { name: "ONE".to_owned() });
    let error = Handlers::new("p")
        .on(filter::any(), |Command(_): Command<Misfit>| async {})
        .build()
        .unwrap_err();
    let told = error.to_string();
    assert!(told.contains("command `one`, argument `n`: bounds are for numbers"), "{told}");
}
