//! Where secrets stand, and that they are there.

use easebot_model::Secret;

use super::*;

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
        let fault = |secret: &Secret| {
            (secret.reveal().len() > 8).then(|| "it has more than 8 bytes".to_owned())
        };
        env.check_secret_of(&keys.secret, fault, problems);
        Some(Self(Echo { name: env.plugin.clone() }))
    }
}

#[test]
fn the_secrets_of_plugins_are_missed_like_those_of_bots_and_looked_at() {
    let plugin = |name: &str, secret: &str| {
        format!("[[bot.plugin]]\nkind = 'guarded'\nname = '{name}'\nsecret = {secret}\n")
    };
    let text = format!("{BOT}{}{}", plugin("x", "{ env = 'P' }"), plugin("y", "{ env = 'S' }"));
    let kinds = &[PluginKind::of::<Guarded>()];
    let config = Config::parse("bots.toml", &text, Path::new("folder"), kinds).unwrap();
    let expected = |reason: &str| {
        format!(
            "\
error: `bot.a.plugin.y`: {reason}
  --> bots.toml:13:10
   | secret = {{ env = 'S' }}
   |          ^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started"
        )
    };
    let env = |name: &str| (name == "P").then(|| "hunter2".to_owned());
    let report = config.check_secrets(&env).unwrap_err().to_string();
    assert_eq!(report, expected("the environment variable `S` is not set"));
    let env = |name: &str| Some(if name == "P" { "hunter2" } else { "hunter222" }.to_owned());
    let report = config.check_secrets(&env).unwrap_err().to_string();
    assert_eq!(report, expected("it has more than 8 bytes"));
    assert!(config.check_secrets(&|_| Some("x".to_owned())).is_ok());
}

#[test]
fn a_secret_in_the_file_is_told_besides_other_mistakes_of_its_bot() {
    let text = format!("{BOT}[[bot.plugin]]\nkind = 'guarded'\nsecret = 'x'\n");
    let n_told = |from: &str, to: &str| {
        let text = text.replace(from, to);
        let kinds = &[PluginKind::of::<Guarded>()];
        let report = Config::parse("bots.toml", &text, Path::new(""), kinds).unwrap_err();
        report.to_string().matches("a secret does not belong into this file").count()
    };
    assert_eq!(n_told("", ""), 1);
    assert_eq!(n_told("'o#a'", "'o'"), 1, "with a wrong app key");
    assert_eq!(n_told("'u'", "'ü'"), 1, "with a wrong user");
    assert_eq!(n_told("{ env = 'P' }", "'x'"), 2, "with another one");
    let wrong = "'u'\nendpoint = { rest = 'x', websocket = 'y' }";
    assert_eq!(n_told("'u'", wrong), 0, "nobody knows whether the servers are on this machine");
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
fn what_was_meant_for_a_secret_is_not_shown_whatever_is_wrong_with_it() {
    let shown = |text: &str| {
        let kinds = &[PluginKind::of::<Guarded>()];
        match Config::parse("bots.toml", text, Path::new(""), kinds) {
            Ok(config) => config.notices().unwrap().to_string(),
            Err(report) => report.to_string(),
        }
    };
    let guarded = |line: &str| format!("{BOT}[[bot.plugin]]\nkind = 'guarded'\n{line}\n");
    for text in [
        BOT.replace("password = { env = 'P' }", "pasword = 'hunter2'"),
        BOT.replace("{ env = 'P' }", "'hunter2'"),
        BOT.replace("{ env = 'P' }", "['hunter2']"),
        guarded("secrt = 'hunter2'"),
        guarded("secret = ['hunter2']"),
        format!("[vars]\npw = 'hunter2'\n{BOT}"),
    ] {
        let shown = shown(&text);
        assert!(shown.contains("******") && !shown.contains("hunter2"), "{shown}");
    }
    let number = shown(&BOT.replace("{ env = 'P' }", "84629175"));
    assert!(number.contains("********") && !number.contains("84629175"), "{number}");
}
