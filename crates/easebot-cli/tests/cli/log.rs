//! What is logged: in which form, and that no text, password or token is in it.

use std::process::Stdio;

use easebot_emulator::{Whose, Wish};
use easebot_it::{PASSWORD, Stage, within};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::{
    easebot::{Running, SAMPLE, assert_outcome, easebot, folder},
    run::bots_toml,
};

/// What people and webhooks say.
const TEXT: &str = "xyzzy-plover";

/// What a webhook has to know.
const HOOK_TOKEN: &str = "frotz-0123456789-gnusto";

/// A bot that says what it hears, and what a webhook brings to alice.
fn talkative(stage: &Stage) -> String {
    let hook = "  [[bot.plugin]]
  kind = 'webhook-in'
    [[bot.plugin.hook]]
    path   = '/hooks/news'
    secret = { env = 'HOOK' }
    to     = { user = 'alice' }
";
    format!("[runtime]\nhttp = '127.0.0.1:0'\n{}{hook}", bots_toml(stage, &["bot"]))
}

/// Posts `json` to `path` of the HTTP side that `running` has told about. Gives the status line.
async fn post(running: &Running, path: &str, json: &str) -> String {
    let said = running.said();
    let (_, rest) = said.split_once("health on http://").expect("pages");
    let (address, _) = rest.split_once('/').expect("a path");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let length = json.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    within("an answer", stream.read_to_string(&mut answer)).await.expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

/// The lines of stderr in `outcome`: an object each, with the documented names in their order.
fn lines(outcome: &str) -> Vec<Value> {
    let said = outcome.split_once("--- stderr\n").expect("something on stderr").1;
    let parse = |line: &str| {
        let line: Value = serde_json::from_str(line).expect(line);
        let keys: Vec<_> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["time", "level", "target", "message", "fields", "spans"]);
        line
    };
    said.lines().map(parse).collect()
}

fn with_message<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found = lines.iter().find(|line| line["message"] == message);
    assert!(found.is_some(), "no line `{message}` in {lines:#?}");
    found.expect("checked")
}

/// The names of the spans of `line`, the outermost first.
fn span_names(line: &Value) -> Vec<&str> {
    let spans = line["spans"].as_array().expect("spans");
    spans.iter().filter_map(|span| span["name"].as_str()).collect()
}

/// A run in which a bot answers, has to wait for the server, gives something up, uploads a picture, takes and refuses
/// requests, loses its token and its connection, and stops. Gives what it said, and its token.
async fn eventful_run(words: &str) -> (String, String) {
    let stage = Stage::set().await;
    let folder = folder(&talkative(&stage));
    let call = easebot(&folder, &format!("run {words}")).env("BOT", PASSWORD);
    let mut running = call.env("HOOK", HOOK_TOKEN).start();
    running.says("bot bot is online").await;
    let token = stage.control().token(&"bot".into(), None).expect("a user");
    let mut alice = stage.person("alice").await;
    let bot = || Some("bot".into());
    for reason in ["traffic limit", "blocked"] {
        stage.control().refuse(Wish::Send, bot(), 1, 7, reason);
        alice.say("user:bot", TEXT).await;
        stage.quiet().await;
    }
    alice.say("user:bot", TEXT).await;
    assert_eq!(alice.hears_texts(2).await, [TEXT, TEXT]);
    let picture = r#"{"text":"xyzzy-plover","attachments":[{"base64":"eHl6enktcGxvdmVy","filename":"plover.txt"}]}"#;
    let taken = post(&running, &format!("/hooks/news/{HOOK_TOKEN}"), picture).await;
    assert!(taken.starts_with("HTTP/1.1 202"), "{taken}");
    let refused = post(&running, "/hooks/news/wrong-0123456789-token", picture).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert_eq!(alice.hears_text().await, TEXT);
    alice.hears().await;
    assert!(stage.control().expire_tokens(Some(&"bot".into())) > 0);
    assert_eq!(stage.control().drop_links(&Whose::User("bot".into())), 1);
    running.says("is offline").await;
    alice.say("user:bot", TEXT).await;
    assert_eq!(alice.hears_text().await, TEXT);
    running.signal("TERM").await;
    (running.outcome().await, token.reveal().to_owned())
}

#[tokio::test]
async fn as_json_every_line_is_an_object_and_none_holds_a_text_a_password_or_a_token() {
    let (outcome, token) = eventful_run("--log trace --log-format json").await;
    assert!(outcome.starts_with("exit 0\n--- stderr\n"), "{outcome}");
    for secret in [TEXT, PASSWORD, HOOK_TOKEN, "wrong-0123456789-token", &token] {
        assert!(!outcome.contains(secret), "{secret} stands in\n{outcome}");
    }
    let lines = lines(&outcome);
    let said = with_message(&lines, "bot bot is online");
    assert_eq!((&said["level"], &said["target"]), (&"info".into(), &"easebot".into()));

    let handled = with_message(&lines, "an event was handled");
    assert_eq!(handled["level"], "debug");
    assert_eq!(handled["fields"]["outcome"], "stop");
    let message = |line: &Value| line.as_str().and_then(|id| id.parse::<u64>().ok());
    assert_eq!(span_names(handled), ["account", "handle"]);
    assert_eq!(handled["spans"][0]["bot"], "bot");
    assert_eq!(handled["spans"][0]["user"], "bot");
    assert_eq!(handled["spans"][1]["plugin"], "auto-reply");
    assert_eq!(handled["spans"][1]["kind"], "message");
    assert_eq!(handled["spans"][1]["conversation"], "user:alice");
    assert!(message(&handled["spans"][1]["message_id"]).is_some(), "{handled}");

    for (of, spans) in [
        ("an event arrived", ["account"].as_slice()),
        ("a message is on its way", &["account", "send"]),
        ("the server has a message", &["account", "send"]),
        ("a message was not taken", &["account", "send"]),
        ("a send was given up", &["account"]),
        ("a file is up", &["account", "upload"]),
        ("request answered", &["hook"]),
        ("request refused", &["hook"]),
        ("a frame arrived", &["account"]),
        ("online", &["account"]),
    ] {
        assert_eq!(span_names(with_message(&lines, of)), spans, "{of}");
    }
}

#[tokio::test]
async fn as_text_no_line_holds_a_text_a_password_or_a_token_either() {
    let (outcome, token) = eventful_run("--log trace").await;
    for secret in [TEXT, PASSWORD, HOOK_TOKEN, "wrong-0123456789-token", &token] {
        assert!(!outcome.contains(secret), "{secret} stands in\n{outcome}");
    }
    let spans = "account{bot=\"bot\" user=bot}:handle{plugin=\"auto-reply\" kind=\"message\" conversation=user:alice ";
    assert!(outcome.contains(spans), "{outcome}");
}

#[tokio::test]
async fn without_being_asked_the_json_tells_where_bots_stand_and_what_went_wrong() {
    let (outcome, _) = eventful_run("--log-format json").await;
    let lines = lines(&outcome);
    let messages: Vec<_> = lines
        .iter()
        .filter(|line| line["target"].as_str().is_some_and(|target| target != "easebot"))
        .map(|line| line["message"].as_str().unwrap_or_default())
        .collect();
    let refused = "request refused";
    let lost = "offline, trying again";
    let expected =
        ["online", "a send was given up", refused, lost, "online", "stopping", "the bot has ended"];
    assert_eq!(messages, expected, "{outcome}");
}

#[tokio::test]
async fn a_filter_that_is_none_is_wrong_usage() {
    let sample = folder(SAMPLE);
    for (filter, named) in [("wran", "wran"), ("info,easebot=loud", "easebot=loud")] {
        let call = easebot(&sample, "check --log").word(filter);
        let expected = format!(
            "
exit 2
--- stderr
error: invalid value '{filter}' for '--log <FILTER>': `{named}` is not understood: write LEVEL or TARGET=LEVEL; levels are off, error, warn, info, debug and trace

For more information, try '--help'.
"
        );
        assert_outcome(&call.outcome().await, &expected);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_an_object_too() {
    let broken = folder(&SAMPLE.replace("password", "pasword"));
    let outcome = easebot(&broken, "check --log-format json").outcome().await;
    assert!(outcome.starts_with("exit 2\n"), "{outcome}");
    let lines = lines(&outcome);
    assert_eq!(lines.len(), 1, "{outcome}");
    assert_eq!(lines[0]["level"], "error");
    let message = lines[0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("did you mean `password`?"), "{message}");
}

#[tokio::test]
async fn a_bot_goes_on_when_nobody_reads_its_log_any_more() {
    let stage = Stage::set().await;
    let folder = folder(&bots_toml(&stage, &["bot"]));
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_easebot"));
    command.args(["run", "--log", "trace"]).current_dir(&folder).env("BOT", PASSWORD);
    command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("the binary starts");
    let mut reader = BufReader::new(child.stderr.take().expect("stderr"));
    let mut line = String::new();
    within("a first line", reader.read_line(&mut line)).await.expect("a line");
    drop(reader);
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", TEXT).await;
    assert_eq!(alice.hears_text().await, TEXT);
    let pid = child.id().expect("it runs").to_string();
    let status = tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(status.expect("`kill` runs").success());
    let status = within("the process to end", child.wait()).await.expect("a status");
    assert_eq!(status.code(), Some(0));
}
