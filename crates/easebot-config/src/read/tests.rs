use async_trait::async_trait;
use easebot_model::{Body, Conversation, Event, Message, MessageId, Timestamp};
use easebot_plugin::{
    At, BotInfo, BuildEnv, Configured, Context, Flow, Interest, Plugin, PluginError, PluginKind,
    SecretSource,
};
use schemars::JsonSchema;

use super::*;
use crate::{Credentials, Durability, Endpoint};

/// A plugin that shows all that a plugin's keys can be.
struct Echo {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EchoKeys {
    /// What a message begins with.
    #[serde(default = "slash")]
    prefix: At<String>,
    /// What to answer.
    rule: Vec<At<Rule>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// The answer. Not empty.
    reply: At<String>,
    /// How often.
    times: Option<u8>,
    #[serde(default)]
    ext: serde_json::Map<String, serde_json::Value>,
}

fn slash() -> At<String> {
    At::nowhere("/".to_owned())
}

#[async_trait]
impl Plugin for Echo {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }
}

impl Configured for Echo {
    const KIND: &'static str = "echo";
    const ABOUT: &'static str = "says what it hears";
    type Config = EchoKeys;

    fn build(keys: EchoKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.prefix.trim().is_empty() {
            problems
                .push(Problem::error(keys.prefix.span(), "the prefix is blank").hint("try `/`"));
        }
        if keys.rule.is_empty() {
            problems.push(Problem::error(None, "there are no rules"));
        }
        for rule in &keys.rule {
            let reply = &rule.reply;
            if let Some(at) = reply.find("{{") {
                problems.push(Problem::error(reply.span(), "no templates here").inside(at..at + 2));
            }
            if rule.times == Some(0) {
                problems.push(Problem::notice(rule.span(), "this rule says nothing"));
            }
            let _ = &rule.ext;
        }
        Some(Self { name: env.plugin.clone() })
    }
}

const KINDS: &[PluginKind] = &[PluginKind::of::<Echo>()];

/// Keys of a bot that is right, apart from the endpoint.
const BOT: &str = "[[bot]]\nname = 'a'\napp_key = 'o#a'\nuser = 'u'\npassword = { env = 'P' }\n";

fn parse(text: &str) -> Result<Config, Report> {
    Config::parse("bots.toml", text, Path::new("folder"), KINDS)
}

/// A file that must be refused, and with which words.
#[track_caller]
fn refused(text: &str, expected: &str) {
    let report = parse(text).unwrap_err().to_string();
    assert_eq!(report, expected.strip_prefix('\n').unwrap(), "\n{report}\n");
}

#[test]
fn a_right_file_gives_bots_with_their_plugins_in_order() {
    let config = parse(
        "[runtime]\nhttp = '127.0.0.1:7381'\n[[bot]]\nname = 'concierge'\napp_key = 'easebot#demo'\nuser = 'Concierge'\n\
         token = { file = 'secret' }\nendpoint = { rest = 'http://127.0.0.1:1', websocket = 'ws://127.0.0.1:1/ws' }\n\
         durability = 'power'\ndelivery_receipts = false\nread_receipts = true\nca_file = 'ca.pem'\nhandler_timeout_secs = 5\n\
         [[bot.plugin]]\nkind = 'echo'\nrule = [{ reply = 'x' }]\n\
         [[bot.plugin]]\nkind = 'echo'\nname = 'second'\nprefix = '!'\nrule = [{ reply = 'x' }]\n\
         [[bot.plugin]]\nkind = 'echo'\nname = 'third'\nrule = [{ reply = 'x' }]\n",
    )
    .unwrap();
    assert_eq!(config.runtime.data_dir, Path::new("folder/data"));
    assert_eq!(config.runtime.http, Some("127.0.0.1:7381".parse().unwrap()));
    assert!(config.notices().is_none());
    let [bot] = &config.bots[..] else { panic!("{config:?}") };
    assert_eq!((bot.name.as_str(), bot.user.as_str()), ("concierge", "concierge"));
    assert_eq!(bot.app_key.as_str(), "easebot#demo");
    let Credentials::Token(source) = &bot.credentials else { panic!("{bot:?}") };
    assert_eq!(**source, SecretSource::File { path: "secret".into() });
    let Endpoint::Urls { rest, websocket } = &bot.endpoint else { panic!("{bot:?}") };
    assert_eq!((rest.as_str(), websocket.as_str()), ("http://127.0.0.1:1/", "ws://127.0.0.1:1/ws"));
    assert_eq!((bot.durability, bot.handler_timeout.as_secs()), (Durability::Power, 5));
    assert_eq!((bot.delivery_receipts, bot.read_receipts), (false, true));
    assert_eq!(bot.ca_file.as_deref(), Some(Path::new("folder/ca.pem")));
    let names: Vec<_> = bot.plugins.iter().map(|plugin| plugin.name()).collect();
    assert_eq!(names, ["echo", "second", "third"]);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let config = parse(BOT).unwrap();
    assert_eq!(
        config.runtime,
        RuntimeConfig {
            data_dir: "folder/data".into(),
            drain: Duration::from_secs(10),
            http: None,
            max_database_bytes: None,
            keep: Duration::from_secs(8 * 24 * 60 * 60),
            logins_per_second: 100,
        }
    );
    let bot = &config.bots[0];
    assert_eq!((&bot.endpoint, bot.durability), (&Endpoint::Easemob, Durability::Process));
    assert_eq!((bot.delivery_receipts, bot.read_receipts), (true, false));
    assert_eq!((bot.handler_timeout.as_secs(), &bot.ca_file), (60, &None));
    assert!(bot.plugins.is_empty());
}

#[test]
fn a_file_without_a_bot_is_refused() {
    refused(
        "",
        "
error: the key `bot` is missing
  --> bots.toml:1:1
   | 
   | ^
   = hint: bot: The bots; a file has at least one `[[bot]]`
1 problem in bots.toml; nothing was started",
    );
    refused(
        "bot = []",
        "
error: `bot`: must have at least 1 element
  --> bots.toml:1:7
   | bot = []
   |       ^^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn what_is_no_toml_is_reported_as_such() {
    refused(
        "a = 1\nb 2\n",
        "
error: key with no value, expected `=`
  --> bots.toml:2:3
   | b 2
   |   ^
1 problem in bots.toml; nothing was started",
    );
    refused(
        "a = 1\nb = 2\na = 3\nb = 4\n",
        "
error: duplicate key
  --> bots.toml:3:1
   | a = 3
   | ^
error: duplicate key
  --> bots.toml:4:1
   | b = 4
   | ^
2 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_misspelt_key_is_one_problem_even_if_the_right_one_is_necessary() {
    refused(
        "[runtim]\n[[bot]]\nnmae = 'a'\napp_key = 'o#a'\nuser = 'u'\npasswrd = { env = 'P' }\ncolour = 'red'\n",
        "
error: `runtim`: there is no such key here
  --> bots.toml:1:2
   | [runtim]
   |  ^^^^^^
   = hint: did you mean `runtime`?
error: `bot#1.nmae`: there is no such key here
  --> bots.toml:3:1
   | nmae = 'a'
   | ^^^^
   = hint: did you mean `name`?
error: `bot#1.passwrd`: there is no such key here
  --> bots.toml:6:1
   | passwrd = { env = 'P' }
   | ^^^^^^^
   = hint: did you mean `password`?
error: `bot#1.colour`: there is no such key here
  --> bots.toml:7:1
   | colour = 'red'
   | ^^^^^^
   = hint: there are `name`, `app_key`, `user`, `password`, `token`, `allow_plain_secrets`, `endpoint`, `durability`, `compression`, `delivery_receipts`, `read_receipts`, `ca_file`, `handler_timeout_secs`, `in_doubt`, `pace`, `shares_groups`, `fill_gaps_after_hours`, `plugin`
4 problems in bots.toml; nothing was started",
    );
}

#[test]
fn missing_keys_are_named_with_what_they_are_for() {
    refused(
        "[[bot]]\nname = 'a'\n",
        "
error: `bot.a`: the key `app_key` is missing
  --> bots.toml:1:1
   | [[bot]]
   | ^^^^^^^
   = hint: app_key: Name of the app as the Easemob console shows it, `ORG#APP`
error: `bot.a`: the key `user` is missing
  --> bots.toml:1:1
   | [[bot]]
   | ^^^^^^^
   = hint: user: The user that the bot logs in as
error: `bot.a`: one of the keys `password`, `token` has to be there
  --> bots.toml:1:1
   | [[bot]]
   | ^^^^^^^
3 problems in bots.toml; nothing was started",
    );
}

#[test]
fn every_kind_of_wrong_value_is_found_in_one_go() {
    refused(
        "[runtime]
http = 'localhost'
data_dir = 5
[[bot]]
name = 'x y'
app_key = 'ab'
user = 'A B'
endpoint = 'easmob'
password = 'hunter2'
durability = 'disk'
handler_timeout_secs = 0
read_receipts = 'yes'
plugin = { kind = 'echo' }
[[bot]]
name = 'b'
app_key = 'o#a'
endpoint = { rest = 'ftp://x', websocket = 'ws:' }
password = { env = '' }
ca_file = ['x']
handler_timeout_secs = 0.5
",
        "
error: `runtime.http`: must be an IP address with a port
  --> bots.toml:2:8
   | http = 'localhost'
   |        ^^^^^^^^^^^
   = hint: for example `127.0.0.1:7381`
error: `runtime.data_dir`: must be a string, not a whole number
  --> bots.toml:3:12
   | data_dir = 5
   |            ^
error: `bot#1.name`: must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`
  --> bots.toml:5:8
   | name = 'x y'
   |        ^^^^^
error: `bot#1.app_key`: an app key has the form ORG#APP with one `#`, this has 0
  --> bots.toml:6:11
   | app_key = 'ab'
   |           ^^^^
error: `bot#1.user`: must be 1 to 64 of `a`-`z`, `0`-`9`, `_`, `-` and `.`, as Easemob's registration wants it
  --> bots.toml:7:8
   | user = 'A B'
   |        ^^^^^
error: `bot#1.endpoint`: must be one of `easemob`, `agora`, `emulator` or a table with `rest`, `websocket`
  --> bots.toml:8:12
   | endpoint = 'easmob'
   |            ^^^^^^^^
   = hint: did you mean `easemob`?
error: `bot#1.password`: a secret does not belong into this file
  --> bots.toml:9:12
   | password = *********
   |            ^^^^^^^^^
   = hint: write `{ env = \"NAME\" }` or `{ file = \"PATH\" }`; plain text is for servers on this machine, or with `allow_plain_secrets`
error: `bot#1.durability`: must be one of `memory`, `process`, `power`
  --> bots.toml:10:14
   | durability = 'disk'
   |              ^^^^^^
error: `bot#1.handler_timeout_secs`: must be 1 to 3600 seconds
  --> bots.toml:11:24
   | handler_timeout_secs = 0
   |                        ^
error: `bot#1.read_receipts`: must be `true` or `false`, not a string
  --> bots.toml:12:17
   | read_receipts = 'yes'
   |                 ^^^^^
error: `bot#1.plugin`: must be a list, not a table
  --> bots.toml:13:10
   | plugin = { kind = 'echo' }
   |          ^^^^^^^^^^^^^^^^^
   = hint: the header of a list of tables has two brackets on each side, `[[…]]`
error: `bot.b`: the key `user` is missing
  --> bots.toml:14:1
   | [[bot]]
   | ^^^^^^^
   = hint: user: The user that the bot logs in as
error: `bot.b.endpoint.rest`: must be a URL that begins with `http://` or `https://`
  --> bots.toml:17:21
   | endpoint = { rest = 'ftp://x', websocket = 'ws:' }
   |                     ^^^^^^^^^
error: `bot.b.endpoint.websocket`: must be a URL that begins with `ws://` or `wss://`
  --> bots.toml:17:44
   | endpoint = { rest = 'ftp://x', websocket = 'ws:' }
   |                                            ^^^^^
error: `bot.b.password.env`: must not be empty
  --> bots.toml:18:20
   | password = { env = '' }
   |                    ^^
error: `bot.b.ca_file`: must be a string, not a list
  --> bots.toml:19:11
   | ca_file = ['x']
   |           ^^^^^
error: `bot.b.handler_timeout_secs`: must be a whole number, not a number with a fraction
  --> bots.toml:20:24
   | handler_timeout_secs = 0.5
   |                        ^^^
17 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_table_of_several_forms_says_which_there_are() {
    refused(
        &BOT.replace("{ env = 'P' }", "{ variable = 'P' }"),
        "
error: `bot.a.password`: must be a table with `env` or a table with `file`
  --> bots.toml:5:12
   | password = { variable = 'P' }
   |            ^^^^^^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started",
    );
    refused(
        &BOT.replace("{ env = 'P' }", "{ env = 'P', file = 'x' }"),
        "
error: `bot.a.password.file`: there is no such key here
  --> bots.toml:5:25
   | password = { env = 'P', file = 'x' }
   |                         ^^^^
   = hint: there are `env`
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn two_bots_cannot_have_one_name_or_one_account() {
    refused(
        &format!("{BOT}{}", BOT.replace("'a'", "'A'").replace("'u'", "'U'")),
        "
error: `bot.A.name`: another bot has this name already
  --> bots.toml:7:8
   | name = 'A'
   |        ^^^
   = first used: bots.toml:2:8
error: `bot.A.user`: another bot is this user already
  --> bots.toml:9:8
   | user = 'U'
   |        ^^^
   = first used: bots.toml:4:8
   = hint: one user can have many plugins, but be one bot only
2 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_bot_has_one_secret_and_it_stands_elsewhere() {
    refused(
        &format!("{BOT}token = {{ env = 'T' }}\n"),
        "
error: `bot.a.token`: a bot has either a password or a token, not both
  --> bots.toml:6:9
   | token = { env = 'T' }
   |         ^^^^^^^^^^^^^
   = the other one: bots.toml:5:12
1 problem in bots.toml; nothing was started",
    );
    let plain = BOT.replace("{ env = 'P' }", "'hunter2'");
    let report = parse(&plain).unwrap_err();
    assert!(!format!("{report} {report:?}").contains("hunter2"));
    assert!(
        parse(&format!("{plain}endpoint = 'emulator'\n")).is_ok(),
        "the emulator's passwords are no secrets"
    );
}

#[test]
fn the_problems_of_a_plugin_point_into_its_table() {
    refused(
        &format!(
            "{BOT}[[bot.plugin]]
kind = 'ehco'
[[bot.plugin]]
kind = 'echo'
prefx = '/'
  [[bot.plugin.rule]]
  reply = '你好 {{{{ x'
  times = 300
  [[bot.plugin.rule]]
  relpy = 'x'
[[bot.plugin]]
kind = 'echo'
name = 'x'
prefix = ' '
rule = [{{ reply = 'a', ext = {{ a = 2020-01-01, b = [nan] }} }}]
[[bot.plugin]]
kind = 'echo'
name = 'X'
[[bot.plugin]]
kind = 'echo'
name = 'no rules'
rule = []
[[bot.plugin]]
rule = []
"
        ),
        "
error: `bot.a.plugin.ehco.kind`: no plugin of this kind in this binary
  --> bots.toml:7:8
   | kind = 'ehco'
   |        ^^^^^^
   = hint: did you mean `echo`?
error: `bot.a.plugin.echo.prefx`: there is no such key here
  --> bots.toml:10:1
   | prefx = '/'
   | ^^^^^
   = hint: did you mean `prefix`?
error: `bot.a.plugin.echo.rule#1.reply`: no templates here
  --> bots.toml:12:15
   |   reply = '你好 {{ x'
   |                 ^^
error: `bot.a.plugin.echo.rule#1.times`: must be 0 to 255
  --> bots.toml:13:11
   |   times = 300
   |           ^^^
error: `bot.a.plugin.echo.rule#2.relpy`: there is no such key here
  --> bots.toml:15:3
   |   relpy = 'x'
   |   ^^^^^
   = hint: did you mean `reply`?
error: `bot.a.plugin.x.prefix`: the prefix is blank
  --> bots.toml:19:10
   | prefix = ' '
   |          ^^^
   = hint: try `/`
error: `bot.a.plugin.x.rule#1.ext.a`: cannot be a date here; write it as a string
  --> bots.toml:20:36
   | rule = [{ reply = 'a', ext = { a = 2020-01-01, b = [nan] } }]
   |                                    ^^^^^^^^^^
error: `bot.a.plugin.x.rule#1.ext.b#1`: must be a finite number
  --> bots.toml:20:53
   | rule = [{ reply = 'a', ext = { a = 2020-01-01, b = [nan] } }]
   |                                                     ^^^
error: `bot.a.plugin.X`: the key `rule` is missing
  --> bots.toml:21:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
   = hint: rule: What to answer
error: `bot.a.plugin#5`: there are no rules
  --> bots.toml:24:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
error: `bot.a.plugin#5.name`: must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`
  --> bots.toml:26:8
   | name = 'no rules'
   |        ^^^^^^^^^^
error: `bot.a.plugin#6`: the key `kind` is missing
  --> bots.toml:28:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
   = hint: there are `echo`
12 problems in bots.toml; nothing was started",
    );
}

#[test]
fn two_plugins_of_a_bot_cannot_have_one_name() {
    let plugin = "[[bot.plugin]]\nkind = 'echo'\nname = 'x'\nrule = [{ reply = '' }]\n";
    refused(
        &format!("{BOT}{plugin}{}", plugin.replace("'x'", "'X'")),
        "
error: `bot.a.plugin.X.name`: another plugin of this bot has this name already
  --> bots.toml:12:8
   | name = 'X'
   |        ^^^
   = first used: bots.toml:8:8
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn what_a_plugin_says_of_itself_stands_at_its_header() {
    refused(
        &format!("{BOT}[[bot.plugin]]\nkind = 'echo'\nrule = []\n"),
        "
error: `bot.a.plugin.echo`: there are no rules
  --> bots.toml:6:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn a_notice_keeps_nothing_from_starting() {
    let notice = format!(
        "{BOT}[[bot.plugin]]\nkind = 'echo'\n[[bot.plugin.rule]]\nreply = 'x'\ntimes = 0\n"
    );
    let config = parse(&notice).unwrap();
    let expected = "\
notice: `bot.a.plugin.echo.rule#1`: this rule says nothing
  --> bots.toml:8:1
   | [[bot.plugin.rule]]
   | ^^^^^^^^^^^^^^^^^^^
1 notice in bots.toml";
    assert_eq!(config.notices().unwrap().to_string(), expected);
    let report = parse(&format!("{notice}[x]\n")).unwrap_err().to_string();
    assert!(
        report.ends_with("1 problem and 1 notice in bots.toml; nothing was started"),
        "{report}"
    );
}

#[test]
fn a_missing_secret_is_reported_with_its_place_when_it_is_needed() {
    let config = parse(&format!(
        "{BOT}{}",
        "[[bot]]\nname = 'b'\napp_key = 'o#a'\nuser = 'b'\ntoken = { env = 'T' }\n"
    ))
    .unwrap();
    let env = |name: &str| (name == "P").then(|| "hunter2".to_owned());
    let report = config.check_secrets(&env).unwrap_err();
    let expected = "\
error: `bot.b.token`: the environment variable `T` is not set
  --> bots.toml:10:9
   | token = { env = 'T' }
   |         ^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started";
    assert_eq!(report.to_string(), expected);
    assert!(config.check_secrets(&|_| Some("x".to_owned())).is_ok());
}

/// A plugin that has a secret.
struct Guarded(Echo);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GuardedKeys {
    secret: At<SecretSource>,
}

#[async_trait]
impl Plugin for Guarded {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }
}

impl Configured for Guarded {
    const KIND: &'static str = "guarded";
    const ABOUT: &'static str = "keeps something";
    type Config = GuardedKeys;

    fn build(keys: GuardedKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        env.check_secret(&keys.secret, problems);
        Some(Self(Echo { name: env.plugin.clone() }))
    }
}

#[test]
fn the_secrets_of_plugins_are_missed_like_those_of_bots() {
    let plugin = |name: &str, secret: &str| {
        format!("[[bot.plugin]]\nkind = 'guarded'\nname = '{name}'\nsecret = {secret}\n")
    };
    let text = format!("{BOT}{}{}", plugin("x", "{ env = 'P' }"), plugin("y", "{ env = 'S' }"));
    let kinds = &[PluginKind::of::<Guarded>()];
    let config = Config::parse("bots.toml", &text, Path::new("folder"), kinds).unwrap();
    let env = |name: &str| (name == "P").then(|| "hunter2".to_owned());
    let expected = "\
error: `bot.a.plugin.y`: the environment variable `S` is not set
  --> bots.toml:13:10
   | secret = { env = 'S' }
   |          ^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started";
    assert_eq!(config.check_secrets(&env).unwrap_err().to_string(), expected);
    assert!(config.check_secrets(&|_| Some("x".to_owned())).is_ok());
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_path() {
    let error = Config::read(Path::new("no such folder/bots.toml"), KINDS).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `no such folder/bots.toml`");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    refused(
        "\u{feff}bot = 1",
        "
error: `bot`: must be a list, not a whole number
  --> bots.toml:1:7
   | bot = 1
   |       ^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn single_brackets_around_bot_are_explained() {
    refused(
        "[bot]\nname = 'a'\n",
        "
error: `bot`: must be a list, not a table
  --> bots.toml:1:1
   | [bot]
   | ^^^^^
   = hint: the header of a list of tables has two brackets on each side, `[[…]]`
1 problem in bots.toml; nothing was started",
    );
}

proptest::proptest! {
    /// Whatever is typed into a file, reading it ends with bots or with a problem, and the report can be printed.
    #[test]
    fn no_edit_of_a_file_makes_the_reader_panic(
        edits in proptest::collection::vec((0_usize..400, 0_usize..8, "[\\[\\]{}'\"=#.,\\n\t a-z0-9你]{0,4}"), 1..6)
    ) {
        let mut text: Vec<char> = format!(
            "[runtime]\nhttp = '127.0.0.1:1'\n{BOT}endpoint = {{ rest = 'http://x', websocket = \"ws://x\" }}\n\
             [[bot.plugin]]\nkind = 'echo'\nprefix = '你'\n[[bot.plugin.rule]]\nreply = \"\"\"\na\tb\"\"\"\next = {{ a = [1, 2.5] }}\n"
        )
        .chars()
        .collect();
        for (at, n_cut, insert) in edits {
            let at = at.min(text.len());
            text.splice(at..(at + n_cut).min(text.len()), insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(report) = parse(&text) {
            proptest::prop_assert!(!report.problems().is_empty(), "{}", text);
            proptest::prop_assert!(report.to_string().ends_with("nothing was started"));
        }
    }
}

#[test]
fn a_websocket_address_without_any_path_gets_the_usual_one() {
    let table = [
        ("ws://127.0.0.1:1", "ws://127.0.0.1:1/websocket"),
        ("ws://127.0.0.1:1/", "ws://127.0.0.1:1/"),
        ("ws://127.0.0.1:1/im/ws?a=b", "ws://127.0.0.1:1/im/ws?a=b"),
        ("ws://127.0.0.1:1?a=b", "ws://127.0.0.1:1/?a=b"),
    ];
    for (written, dialled) in table {
        let text =
            format!("{BOT}endpoint = {{ rest = 'http://127.0.0.1:1', websocket = '{written}' }}\n");
        let config = Config::parse("bots.toml", &text, Path::new(""), &[]).unwrap();
        let Endpoint::Urls { websocket, .. } = &config.bots[0].endpoint else {
            panic!("{config:?}")
        };
        assert_eq!(websocket.as_str(), dialled);
    }
}

#[test]
fn a_secret_in_the_file_is_for_servers_on_this_machine() {
    let check = |endpoint: &str| {
        let text = format!(
            "[[bot]]\nname = 'a'\napp_key = 'o#a'\nuser = 'a'\npassword = 'x'\nendpoint = {endpoint}\n"
        );
        Config::parse("bots.toml", &text, Path::new(""), &[]).is_ok()
    };
    assert!(check("'emulator'"));
    assert!(check("{ rest = 'http://localhost:1', websocket = 'ws://[::1]:1' }"));
    assert!(!check("'easemob'"));
    assert!(!check("{ rest = 'http://127.0.0.1:1', websocket = 'wss://im.example/websocket' }"));
    assert!(!check("{ rest = 'http://localhost.example', websocket = 'ws://127.0.0.1' }"));
}

#[test]
fn the_pace_is_a_word_or_a_table_of_rates_within_bounds() {
    let pace = |written: &str| {
        let config = parse(&format!("{BOT}{written}\n")).unwrap();
        config.bots[0].pace.map(|pace| (pace.users_per_second, pace.groups_per_second))
    };
    assert_eq!(pace(""), Some((100, 20)));
    assert_eq!(pace("pace = 'documented'"), Some((100, 20)));
    assert_eq!(pace("pace = 'off'"), None);
    assert_eq!(pace("pace = { groups_per_sec = 50 }"), Some((100, 50)));
    for wrong in
        ["'fast'", "{ groups_per_sec = 0 }", "{ users_per_sec = 100001 }", "{ user_per_sec = 1 }"]
    {
        assert!(parse(&format!("{BOT}pace = {wrong}\n")).is_err(), "{wrong}");
    }
}

/// A plugin with `more` lines of keys.
fn echo(more: &str) -> String {
    format!("{BOT}[[bot.plugin]]\nkind = 'echo'\n{more}\nrule = [{{ reply = 'x' }}]\n")
}

#[test]
fn every_plugin_says_what_is_done_when_it_fails() {
    let config = parse(&echo(
        "timeout_secs = 5\nretries = 0\non_failure_reply = 'sorry, {{ message.from }}'\npause_after_failures = 7",
    ))
    .unwrap();
    let bot = &config.bots[0];
    let [plugin] = &bot.plugins[..] else { panic!("{bot:?}") };
    assert_eq!((plugin.timeout, plugin.n_retries), (Some(Duration::from_secs(5)), 0));
    assert_eq!(plugin.n_failures_to_pause, 7);
    let info = BotInfo { name: "a".to_owned(), user: "u".into(), app_key: "o#a".parse().unwrap() };
    let message = Message::new(
        MessageId(1),
        Conversation::user("bob"),
        "bob".into(),
        Timestamp(1),
        Body::text("hi"),
    );
    let reply = plugin.failure_reply.as_ref().unwrap();
    assert_eq!(reply.render(&message, &info).unwrap(), "sorry, bob");

    let config = parse(&echo("")).unwrap();
    let plugin = &config.bots[0].plugins[0];
    assert_eq!((plugin.timeout, plugin.n_retries, plugin.n_failures_to_pause), (None, 2, 5));
    assert!(plugin.failure_reply.is_none());
}

#[test]
fn the_keys_of_every_plugin_are_as_strict_as_its_own() {
    refused(
        &echo(
            "timeout_secs = 0\nretries = 21\non_failure_reply = 'sorry {{ mesage.from }}'\npause_after_failure = 3",
        ),
        "
error: `bot.a.plugin.echo.timeout_secs`: must be 1 to 3600 seconds
  --> bots.toml:8:16
   | timeout_secs = 0
   |                ^
error: `bot.a.plugin.echo.retries`: must be 0 to 20
  --> bots.toml:9:11
   | retries = 21
   |           ^^
error: `bot.a.plugin.echo.pause_after_failure`: there is no such key here
  --> bots.toml:11:1
   | pause_after_failure = 3
   | ^^^^^^^^^^^^^^^^^^^
   = hint: did you mean `pause_after_failures`?
3 problems in bots.toml; nothing was started",
    );
    refused(
        &echo("on_failure_reply = 'sorry {{ mesage.from }}'"),
        "
error: `bot.a.plugin.echo.on_failure_reply`: there is no variable `mesage.from` here
  --> bots.toml:8:30
   | on_failure_reply = 'sorry {{ mesage.from }}'
   |                              ^^^^^^^^^^^
   = hint: did you mean `message.from`?
1 problem in bots.toml; nothing was started",
    );
    refused(
        &echo("on_failure_reply = ''"),
        "
error: `bot.a.plugin.echo.on_failure_reply`: must not be empty
  --> bots.toml:8:20
   | on_failure_reply = ''
   |                    ^^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn a_second_plugin_of_a_kind_needs_a_name_so_that_its_place_in_the_file_does_not_matter() {
    let plugin =
        |name: &str| format!("[[bot.plugin]]\nkind = 'echo'\n{name}rule = [{{ reply = 'x' }}]\n");
    refused(
        &format!("{BOT}{}{}", plugin(""), plugin("")),
        "
error: `bot.a.plugin.echo`: there is a plugin `echo` already, so this one needs a `name`
  --> bots.toml:9:1
   | [[bot.plugin]]
   | ^^^^^^^^^^^^^^
   = first used: bots.toml:6:1
   = hint: such as `name = \"echo-2\"`; what it saves is kept under its name
1 problem in bots.toml; nothing was started",
    );
    refused(
        &format!("{BOT}{}{}", plugin(""), plugin("nmae = 'x'\n")),
        "
error: `bot.a.plugin.echo.nmae`: there is no such key here
  --> bots.toml:11:1
   | nmae = 'x'
   | ^^^^
   = hint: did you mean `name`?
1 problem in bots.toml; nothing was started",
    );
    let names = |first: &str, second: &str| -> Vec<String> {
        let config = parse(&format!("{BOT}{}{}", plugin(first), plugin(second))).unwrap();
        config.bots[0].plugins.iter().map(|plugin| plugin.name().to_owned()).collect()
    };
    assert_eq!(names("", "name = 'x'\n"), ["echo", "x"]);
    assert_eq!(names("name = 'x'\n", ""), ["x", "echo"]);
}
