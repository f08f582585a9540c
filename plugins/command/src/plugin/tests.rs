mod acts;
mod calls;
mod rights;

use easebot_model::{Act, Conversation, Draft, ExtValue, Message, Outgoing};
use easebot_plugin::{
    BotInfo, BuildEnv, Flow, Interest, Plugin, PluginTable, Problems, testing::Bench,
};

use super::*;
use crate::CommandKeys;

fn build(text: &str) -> (Option<Command>, Problems) {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("command", "concierge", "concierge".into(), app_key, ".");
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    (plugin, problems)
}

#[track_caller]
fn plugin(text: &str) -> Command {
    let (plugin, problems) = build(text);
    assert!(problems.is_empty(), "{problems:?}");
    plugin.unwrap()
}

const COMMANDS: &str = "\
[[command]]
name = 'ping'
aliases = ['p', '乒']
help = 'answers pong'
reply = 'pong'
[[command]]
name = 'Echo'
reply = '{{ rest }}|{{ args|join(\",\") }}'
[[command]]
name = 'secret'
help = 'not for all'
hidden = true
reply = 'psst {{ message.from }}'
ext = { level = 3 }
";

/// Each problem of `text`: where, what, and the way out.
fn problems_of(text: &str) -> Vec<(String, String, Option<String>)> {
    let (plugin, problems) = build(text);
    assert!(plugin.is_none(), "it is taken");
    let told = |problem: &easebot_plugin::Problem| {
        let at = problem.span.and_then(|span| text.get(span.start..span.end)).unwrap_or_default();
        let inside = problem.inside.clone().and_then(|range| at.get(1..)?.get(range));
        (inside.unwrap_or(at).to_owned(), problem.message.clone(), problem.hint.clone())
    };
    problems.iter().map(told).collect()
}

/// What is answered to `text`, and whether later plugins see it. No answer is an empty one.
async fn say(plugin: &Command, text: &str) -> (String, Flow) {
    let answer = Bench::new().text(plugin, "bob", text).await.unwrap();
    (answer.texts().join("; "), answer.flow)
}

/// Everything that the plugin says by itself, in one conversation.
#[tokio::test]
async fn a_command_speaks_chinese_throughout() {
    let plugin = plugin(
        "language = 'zh'
        [[command]]
        name = '天气'
        help = '查天气'
        args = [
            { name = 'city', help = '哪里', max = 4 },
            { name = 'days', type = 'integer', min = 1, max = 7, default = 3 },
            { name = 'unit', type = 'choice', choices = ['c', 'f'], option = true, optional = true },
            { name = 'every', type = 'duration', option = true, optional = true },
        ]
        reply = '晴'
        cooldown = { user_secs = 60 }
        [[command]]
        name = '关机'
        allow = { users = ['amy'] }
        reply = '好'
        [[command]]
        name = '撤回'
        recall = 'quoted'
        ",
    );
    let usage = "\n用法：/天气 [--unit <unit>] [--every <every>] <city> [days]";
    for (text, problem) in [
        ("/天气", "缺少参数 `city`"),
        ("/天气 上海 八", "`days` 不是整数"),
        ("/天气 上海 8", "`days` 不能大于 7"),
        ("/天气 呼和浩特市", "`city` 最多 4 个字"),
        ("/天气 上海 1 2", "参数太多"),
        ("/天气 --unit k 上海", "`unit` 只能是 c、f"),
        ("/天气 --units k 上海", "没有这个选项，可用的有 --unit、--every"),
        ("/天气 上海 --unit", "`--unit` 后面要有值"),
        ("/天气 --unit c --unit c 上海", "`--unit` 出现了两次"),
        ("/天气 --every x 上海", "`every` 不是时长，时长如 90s、10分钟、1小时30分"),
    ] {
        let (answer, _) = say(&plugin, text).await;
        assert!(answer.starts_with(&format!("{problem}\n{text}\n")), "{answer}");
        assert!(answer.ends_with(usage), "{answer}");
    }
    for (text, answer) in [
        ("/help", "/天气 – 查天气\n/撤回\n/help – 列出所有命令"),
        (
            "/help 天气",
            "/天气 – 查天气\n用法：/天气 [--unit <unit>] [--every <every>] <city> [days]
  city – 哪里：最多 4 个字
  days – 整数，从 1 到 7；不写则为 3
  --unit – c 或 f；可以不写
  --every – 时长，如 10分钟 或 1小时30分；可以不写",
        ),
        ("/hlep", "没有命令 /hlep，是不是 /help？"),
        ("/关机", "没有权限在这里使用 /关机"),
        ("/撤回", "/撤回 没有成功：请引用要撤回的消息"),
        ("/天气 上海", "晴"),
    ] {
        assert_eq!(say(&plugin, text).await.0, answer, "{text}");
    }
    let message = Message::new(
        easebot_model::MessageId(2),
        Conversation::user("bob"),
        "bob".into(),
        Timestamp(1),
        "/天气 上海".into(),
    );
    let event = easebot_model::Event::Message(Box::new(message));
    let answer = Bench::new().event(&plugin, &event).await.unwrap();
    assert_eq!(answer.texts(), ["60 秒后才能再次使用 /天气"]);
}

#[tokio::test]
async fn commands_of_a_chinese_keyboard_are_understood_and_arguments_stay_as_they_are() {
    let plugin = plugin(COMMANDS);
    for (text, answer) in [
        ("／ｐｉｎｇ", "pong"),
        ("/ＰＩＮＧ", "pong"),
        ("／乒＠ｃｏｎｃｉｅｒｇｅ", "pong"),
        ("／ｅｃｈｏ\u{3000}Ａ ／ｂ", "Ａ ／ｂ|Ａ,／ｂ"),
        ("／help ／ｐｉｎｇ", "/ping, /p, /乒 – answers pong"),
        ("／ｐｉｇｎ", "there is no command /ｐｉｇｎ, did you mean /ping?"),
    ] {
        assert_eq!(say(&plugin, text).await, (answer.to_owned(), Flow::Stop), "{text}");
    }
}

#[tokio::test]
async fn a_command_is_answered_and_kept_from_later_plugins() {
    let plugin = plugin(COMMANDS);
    for (text, expected) in [
        ("/ping", "pong"),
        ("/PING", "pong"),
        (" /p x", "pong"),
        ("/乒", "pong"),
        ("/ping@concierge", "pong"),
        ("/ping@Concierge", "pong"),
        ("/echo a \"b c\"", "a \"b c\"|a,b c"),
        ("/secret", "psst bob"),
    ] {
        assert_eq!(say(&plugin, text).await, (expected.to_owned(), Flow::Stop), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_command_of_this_bot_goes_on_to_later_plugins() {
    let plugin = plugin(COMMANDS);
    for text in ["ping", "say /ping", "/weather", "/", "/ping@other", "!ping", ""] {
        assert_eq!(say(&plugin, text).await, (String::new(), Flow::Continue), "{text}");
    }
}

#[tokio::test]
async fn a_longer_word_is_not_the_command_but_may_be_a_slip_of_it() {
    let plugin = plugin(COMMANDS);
    let expected = "there is no command /pings, did you mean /ping?";
    assert_eq!(say(&plugin, "/pings").await, (expected.to_owned(), Flow::Stop));
    let expected = "there is no command /hlep, did you mean /help?";
    assert_eq!(say(&plugin, "/hlep").await, (expected.to_owned(), Flow::Stop));
    assert_eq!(
        say(&plugin, "/secrt").await,
        (String::new(), Flow::Continue),
        "a hidden one is not suggested"
    );
}

#[tokio::test]
async fn the_suggestion_can_be_written_otherwise_or_left_out() {
    let own = plugin(&format!(
        "suggestion = '没有 {{{{ name }}}}，您是指 {{{{ nearest }}}} 吗？'\n{COMMANDS}"
    ));
    assert_eq!(say(&own, "/pnig").await.0, "没有 /pnig，您是指 /ping 吗？");
    let none = plugin(&format!("suggestion = ''\n{COMMANDS}"));
    assert_eq!(say(&none, "/pnig").await, (String::new(), Flow::Continue));
}

#[tokio::test]
async fn help_lists_what_is_not_hidden() {
    let plugin = plugin(&format!("prefix = '!'\nhelp = '列出命令'\n{COMMANDS}"));
    let all = "!ping – answers pong\n!Echo\n!help – 列出命令";
    assert_eq!(say(&plugin, "!help").await, (all.to_owned(), Flow::Stop));
    assert_eq!(say(&plugin, "!help ping").await.0, "!ping, !p, !乒 – answers pong");
    assert_eq!(say(&plugin, "!HELP !P").await.0, "!ping, !p, !乒 – answers pong");
    assert_eq!(say(&plugin, "!help secret").await.0, all);
    assert_eq!(say(&plugin, "!help nonsense").await.0, all);
}

#[tokio::test]
async fn a_command_named_help_replaces_the_generated_one() {
    let plugin = plugin("[[command]]\nname = 'info'\naliases = 'HELP'\nreply = 'own'\n");
    assert_eq!(say(&plugin, "/help").await.0, "own");
}

#[tokio::test]
async fn typing_is_shown_except_in_rooms_and_when_nothing_is_said() {
    let (group, room) = (Conversation::group("1"), Conversation::room("1"));
    let bench = Bench::new();
    let shown = async |plugin: &Command, to: &Conversation, text| {
        bench.text_in(plugin, to.clone(), "bob", text).await.unwrap().typing
    };
    let loud = plugin(COMMANDS);
    assert_eq!(shown(&loud, &group, "/ping").await, std::slice::from_ref(&group));
    assert_eq!(shown(&loud, &group, "/weather").await, []);
    assert_eq!(shown(&loud, &room, "/ping").await, []);
    let silent = plugin(&format!("typing = false\n{COMMANDS}"));
    assert_eq!(shown(&silent, &group, "/ping").await, []);
}

#[tokio::test]
async fn pairs_go_along_with_the_answer() {
    let answer = Bench::new().text(&plugin(COMMANDS), "bob", "/secret").await.unwrap();
    let Act::Message(draft) = &answer.sent[0].act else { panic!("{answer:?}") };
    assert_eq!(draft.ext.get("level"), Some(&ExtValue::Int(3)));
}

#[tokio::test]
async fn a_missing_argument_fails_the_event_and_sends_nothing() {
    let plugin = plugin("[[command]]\nname = 'say'\nreply = '{{ args[1] }}'\n");
    let error = Bench::new().text(&plugin, "bob", "/say one").await.unwrap_err();
    assert!(error.is_permanent(), "another try would meet it again");
    assert_eq!(
        error.chain(),
        "the template of say uses a value that is missing on line 1: `args[1]`"
    );
    assert_eq!(say(&plugin, "/say one two").await.0, "two");
}

#[tokio::test]
async fn an_empty_answer_is_not_sent() {
    let plugin = plugin("[[command]]\nname = 'quiet'\nreply = '{{ rest }}'\n");
    assert_eq!(say(&plugin, "/quiet").await, (String::new(), Flow::Stop));
}

#[test]
fn what_can_never_work_is_refused_with_the_place() {
    let text = "\
prefix = '/ '
suggestion = '{{ nearst }}'
[[command]]
name = 'ping'
reply = '{{ arg }}'
[[command]]
name = 'pong'
aliases = ['PING', 'a@b']
reply = '{{ rest'
";
    let (plugin, problems) = build(text);
    assert!(plugin.is_none());
    let found: Vec<_> = problems
        .iter()
        .map(|problem| {
            let span = problem.span.unwrap();
            let related = problem
                .related
                .map(|(span, label)| (label, text.get(span.start..span.end).unwrap()));
            (
                text.get(span.start..span.end).unwrap(),
                problem.message.as_str(),
                problem.hint.as_deref(),
                related,
            )
        })
        .collect();
    let name = "a command's name must not be empty and have no `@` and no white space in it";
    let cut = "the template cannot be used, line 1: unexpected end of input, expected end of variable block";
    assert_eq!(
        found,
        [
            ("'/ '", "the prefix must not be empty and have no white space in it", None, None),
            (
                "'{{ nearst }}'",
                "there is no variable `nearst` here",
                Some("did you mean `nearest`?"),
                None
            ),
            ("'{{ arg }}'", "there is no variable `arg` here", Some("did you mean `args`?"), None),
            (
                "'PING'",
                "the name `PING` is taken already",
                Some("upper and lower case are the same"),
                Some(("first used", "'ping'")),
            ),
            ("'a@b'", name, None, None),
            ("'{{ rest'", cut, None, None),
        ]
    );
    let (plugin, problems) = build("command = []");
    assert!(plugin.is_none());
    assert_eq!(
        problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(),
        ["there are no commands"]
    );
}

#[test]
fn the_readme_names_every_key_of_every_table() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <CommandKeys as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let tables = generator.definitions().values().chain([&own]);
    let keys: Vec<&String> = tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|keys| keys.keys())
        .collect();
    assert!(keys.len() > 6, "{keys:?}");
    let readme = include_str!("../../README.md");
    for key in keys {
        let named = [format!("| `{key}` |"), format!("`[[bot.plugin.{key}]]`")];
        assert!(named.iter().any(|named| readme.contains(named)), "{key}");
    }
}
