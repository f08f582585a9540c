//! `easebot dev` in a pipe: lines in, one line an answer out.

#![expect(clippy::unwrap_used, reason = "test code")]

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

#[tokio::test]
async fn a_bare_easebot_answers_the_lines_of_a_pipe_by_the_sample() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "").input("/ping\n你好\n").outcome().await,
        "
exit 0
--- stdout
concierge: pong
concierge: 你好, you!
",
    );
    let files: Vec<_> =
        std::fs::read_dir(&sample).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["bots.toml"], "it leaves nothing behind");
}

#[tokio::test]
async fn what_is_posted_to_a_hook_is_said() {
    let hook = "[[bot.plugin]]\nkind = 'webhook-in'\n[[bot.plugin.hook]]\npath = '/hooks/a'\nto = { user = 'you' }\n";
    let sample = SAMPLE.replace("[runtime]", "[runtime]\nhttp = '127.0.0.1:0'");
    let sample = folder(&format!("{sample}\n{hook}"));
    let mut dev = easebot(&sample, "dev").open_input().start();
    dev.says("webhooks and health on http://127.0.0.1:").await;
    let said = dev.said();
    let address = said.split("http://").nth(1).unwrap().lines().next().unwrap().to_owned();
    let mut tcp = TcpStream::connect(&address).await.unwrap();
    let head =
        "POST /hooks/a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\n";
    tcp.write_all(format!("{head}12:00").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    // In a pipe what comes is shown with the next line.
    dev.types("/ping\n").await;
    dev.prints("concierge: 12:00\nconcierge: pong\n").await;
}

#[tokio::test]
async fn no_line_at_all_is_no_failure() {
    let sample = folder(SAMPLE);
    assert_outcome(&easebot(&sample, "dev").outcome().await, "exit 0\n");
}

#[tokio::test]
async fn lines_may_be_blank_end_as_on_windows_hold_no_utf_8_or_have_no_end() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "dev").input(b"\n \r\n/ping\r\necho \xff!\necho the end").outcome().await,
        "
exit 0
--- stdout
concierge: pong
concierge: \u{fffd}!
concierge: the end
",
    );
}

#[tokio::test]
async fn an_answer_of_several_lines_stays_one_line_of_output() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "dev").input("/roll a \"b\\\\c\"\n").outcome().await,
        "
exit 0
--- stdout
concierge: 1. a\\n2. b\\\\c
",
    );
}

#[tokio::test]
async fn talk_can_go_on_in_the_group_of_all() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "dev --as Ann")
            .input(":to lobby\nhello\n:to concierge\nhello\n")
            .outcome()
            .await,
        "
exit 0
--- stdout
[lobby] concierge: 你好, ann!
concierge: 你好, ann!
",
    );
}

#[tokio::test]
async fn the_chat_rooms_of_the_bots_are_there() {
    let sample =
        folder(&SAMPLE.replacen("[[bot.plugin]]", "rooms = [\"1\", \"hall\"]\n[[bot.plugin]]", 1));
    assert_outcome(
        &easebot(&sample, "dev --as Ann").input(":to hall\nhello\n:to nobody\n").outcome().await,
        "
exit 1
--- stdout
[hall] concierge: 你好, ann!
--- stderr
error: line 3: there is no `nobody`; try `:to concierge`, `:to lobby` (a group with everybody), `:to 1` (a chat room), `:to hall` (a chat room)
",
    );
}

#[tokio::test]
async fn what_is_no_order_is_named_with_its_line() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "dev").input("/ping\n:nix\n/ping\n").outcome().await,
        "
exit 1
--- stdout
concierge: pong
--- stderr
error: line 2: there is no order `:nix`; `:help` lists them
",
    );
    assert_outcome(
        &easebot(&sample, "dev").input(":to nobody\n").outcome().await,
        "
exit 1
--- stderr
error: line 1: there is no `nobody`; try `:to concierge`, `:to lobby` (a group with everybody)
",
    );
}

#[tokio::test]
async fn a_line_above_the_limit_of_a_message_fails_with_limit_and_length() {
    let sample = folder(SAMPLE);
    let long = "x".repeat(5 * 1024);
    let outcome = easebot(&sample, "dev").input(format!("/ping\n{long}\n")).outcome().await;
    let (head, n_bytes) = outcome.trim_end().split_once(" has ").unwrap_or_default();
    assert_eq!(
        head,
        "exit 1\n--- stdout\nconcierge: pong\n--- stderr\nerror: line 2: it was not sent: \
         the message cannot be sent as it is: the message",
        "{outcome}"
    );
    assert!(n_bytes.ends_with(" bytes, the limit is 5120"), "{n_bytes}");
}

#[tokio::test]
async fn a_thousand_lines_are_answered_in_order() {
    let sample = folder(SAMPLE);
    let lines = |start: &str| (0..1_000).map(|i| format!("{start} {i}\n")).collect::<String>();
    let outcome = easebot(&sample, "dev").input(lines("echo")).outcome().await;
    assert_outcome(&outcome, &format!("exit 0\n--- stdout\n{}", lines("concierge:")));
}

#[tokio::test]
async fn the_guest_cannot_be_the_bot_or_nobody() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "dev --as concierge").outcome().await,
        "
exit 2
--- stderr
error: the bot `concierge` is the user `concierge` already
  = hint: be somebody else with `--as USER`
",
    );
    assert_outcome(
        &easebot(&sample, "dev --as").word("a b").outcome().await,
        "
exit 2
--- stderr
error: invalid value 'a b' for '--as <USER>': a user name has 1 to 64 characters of a-z, 0-9, `_`, `-` and `.`

For more information, try '--help'.
",
    );
}

#[tokio::test]
async fn a_signal_ends_it_while_it_waits_for_a_line() {
    let sample = folder(SAMPLE);
    let mut dev = easebot(&sample, "dev").open_input().start();
    dev.types("/ping\n").await;
    dev.prints("concierge: pong\n").await;
    dev.signal("TERM").await;
    assert_outcome(&dev.outcome().await, "exit 0\n--- stdout\nconcierge: pong\n");
}

#[tokio::test]
async fn a_person_whose_message_a_plugin_cannot_handle_is_told_what_the_file_says() {
    let keys = "retries = 0\n  on_failure_reply = \"sorry {{ message.from }}, that went wrong\"";
    let text = SAMPLE.replace("kind = \"auto-reply\"", &format!("kind = \"auto-reply\"\n{keys}"));
    let rule = "[[bot.plugin.rule]]\nequals = 'weather'\nreply = 'in {{ message.ext.city }}'\n";
    let folder = folder(&format!("{text}\n{rule}"));
    let outcome = easebot(&folder, "dev").input("weather\n/ping\n").outcome().await;
    let (printed, said) = outcome.split_once("--- stderr\n").expect(&outcome);
    assert_outcome(
        printed,
        "
exit 0
--- stdout
concierge: sorry you, that went wrong
concierge: pong
",
    );
    assert!(said.contains("an event could not be handled"), "{said}");
    assert!(!said.contains("tried"), "it is not tried again: {said}");
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() >= length.parse().unwrap()
}

/// Answers one POST with a reply.
async fn answer(listener: TcpListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !is_whole(&String::from_utf8_lossy(&request)) {
        assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0, "the request breaks off");
    }
    let body = r#"{"replies":[{"text":"I am the endpoint"}]}"#;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_pipe_waits_for_what_an_endpoint_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (bot, _) = SAMPLE.split_once("[[bot.plugin]]").unwrap();
    let plugin = format!(
        "[[bot.plugin]]\nkind = 'webhook-out'\nurl = 'http://{address}/'\nallow_private = true\n"
    );
    let folder = folder(&format!("{bot}{plugin}"));
    let dev = easebot(&folder, "dev").input("hi\n").outcome();
    let (outcome, ()) = tokio::join!(dev, answer(listener));
    assert_outcome(&outcome, "exit 0\n--- stdout\nconcierge: I am the endpoint\n");
}
