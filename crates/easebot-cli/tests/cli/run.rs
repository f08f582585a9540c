//! `easebot run`: bots against an emulator of the test.

use easebot_emulator::{Whose, Wish};
use easebot_it::{PASSWORD, Stage, within};
use easebot_model::{Kick, UserId};
use easebot_runtime::Metric;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixDatagram,
};

use crate::easebot::{Call, Running, SAMPLE, assert_outcome, easebot, folder};

/// The configuration of bots that say what they hear, by name: each is the user of that name.
pub(crate) fn bots_toml(stage: &Stage, names: &[&str]) -> String {
    let (rest, websocket) = (stage.rest_url(), stage.websocket_url());
    let bots = names.iter().map(|name| {
        format!(
            "[[bot]]
name     = '{name}'
app_key  = 'easebot#demo'
user     = '{name}'
password = {{ env = '{}' }}
endpoint = {{ rest = '{rest}', websocket = '{websocket}' }}
delivery_receipts = false
  [[bot.plugin]]
  kind   = 'auto-reply'
  typing = false
  rule   = [{{ regex = '.+', reply = '{{{{ message.text }}}}' }}]
",
            name.to_uppercase()
        )
    });
    bots.collect()
}

/// A folder with one bot, named bot.
fn one_bot(stage: &Stage) -> TempDir {
    folder(&bots_toml(stage, &["bot"]))
}

fn run(folder: &TempDir, words: &str) -> Call {
    easebot(folder, &format!("run {words}")).env("BOT", PASSWORD)
}

async fn online(folder: &TempDir, words: &str) -> Running {
    let mut running = run(folder, words).start();
    running.says("bot bot is online\n").await;
    running
}

#[tokio::test]
async fn without_its_secret_nothing_is_started() {
    let sample = folder(SAMPLE);
    let line = SAMPLE.lines().position(|line| line.starts_with("password")).unwrap();
    let text = SAMPLE.lines().nth(line).unwrap();
    let expected = format!(
        "exit 2
--- stderr
error: `bot.concierge.password`: the environment variable `CONCIERGE_PASSWORD` is not set
  --> bots.toml:{}:12
   | {text}
   |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started
",
        line + 1
    );
    assert_outcome(&easebot(&sample, "run").outcome().await, &expected);
    assert_outcome(&easebot(&sample, "check --secrets").outcome().await, &expected);
}

#[tokio::test]
async fn a_service_manager_hears_of_bots_that_were_started_and_of_no_others() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut told = [0; 64];

    let notify = |words: &str| run(&folder, words).env("NOTIFY_SOCKET", path.to_str().unwrap());
    let outcome = notify("--config nowhere.toml").outcome().await;
    assert!(outcome.starts_with("exit 2\n"), "{outcome}");
    assert!(manager.try_recv(&mut told).is_err(), "nothing was started");

    let running = notify("").start();
    let n_bytes = within("the service manager", manager.recv(&mut told)).await.unwrap();
    assert_eq!(told[..n_bytes], *b"READY=1");
    running.signal("TERM").await;
    let n_bytes = within("the service manager", manager.recv(&mut told)).await.unwrap();
    assert_eq!(told[..n_bytes], *b"STOPPING=1");
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_wrong_password_is_one_error_with_the_bot_and_the_cause() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    assert_outcome(
        &run(&folder, "").env("BOT", "hunter2").outcome().await,
        "
exit 1
--- stderr
error: bot `bot`: cannot log in: the server refused the password
no bot is left
",
    );
}

#[tokio::test]
async fn an_app_key_that_the_server_does_not_know_is_one_error() {
    let stage = Stage::set().await;
    let folder = folder(&bots_toml(&stage, &["bot"]).replace("easebot#demo", "easebot#demi"));
    assert_outcome(
        &run(&folder, "").outcome().await,
        "
exit 1
--- stderr
error: bot `bot`: cannot log in: the server does not know this app key
no bot is left
",
    );
}

#[tokio::test]
async fn a_banned_user_is_one_error() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    stage.deactivate("bot").await;
    assert_outcome(
        &run(&folder, "").outcome().await,
        "
exit 1
--- stderr
error: bot `bot`: cannot log in: the account is deactivated
no bot is left
",
    );
}

#[tokio::test]
async fn of_two_bots_the_wrong_one_ends_and_the_other_stays_until_the_signal_and_the_exit_code_tells()
 {
    let stage = Stage::set().await;
    let folder = folder(&bots_toml(&stage, &["bob", "bot"]));
    let mut running = run(&folder, "").env("BOB", "hunter2").start();
    running.says("error: bot `bob`: cannot log in: the server refused the password\n").await;
    running.says("bot bot is online\n").await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    running.signal("TERM").await;
    let outcome = running.outcome().await;
    assert!(outcome.starts_with("exit 1\n--- stderr\n"), "{outcome}");
    let end = "\nstopping; a second signal stops at once\nfailed before the end: bob\n";
    assert!(outcome.ends_with(end), "{outcome}");
    assert_eq!(outcome.lines().count(), 6, "{outcome}");
}

#[tokio::test]
async fn a_bot_that_is_kicked_ends_with_the_cause() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let running = online(&folder, "").await;
    let bot = Whose::User(UserId::new("bot"));
    assert_eq!(stage.control().kick(&bot, Kick::LoggedInElsewhere, None), 1);
    assert_outcome(
        &running.outcome().await,
        "
exit 1
--- stderr
bot bot is online
error: bot `bot`: the account logged in on another device
no bot is left
",
    );
}

#[tokio::test]
async fn a_bot_that_loses_its_connection_says_so_and_comes_back() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let mut running = online(&folder, "").await;
    assert_eq!(stage.control().drop_links(&Whose::All), 1);
    running.says("; next try in ").await;
    running.says("s\nbot bot is online\n").await;
    running.signal("INT").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_second_run_on_the_same_folder_says_who_has_it() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let first = online(&folder, "").await;
    let second = run(&folder, "").outcome().await;
    assert_outcome(
        &second.replace(&first.pid().to_string(), "PID"),
        "
exit 2
--- stderr
error: cannot open the bots' data: `data/easebot.sqlite` is in use by process PID
  = hint: stop the other one, or give this one another folder (`data_dir`)
",
    );
    first.signal("TERM").await;
    assert!(first.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn an_address_that_another_program_has_is_one_error_and_starts_nothing() {
    let stage = Stage::set().await;
    let address = stage.addr();
    let folder = folder(&format!("[runtime]\nhttp = '{address}'\n{}", bots_toml(&stage, &["bot"])));
    assert_outcome(
        &run(&folder, "").outcome().await,
        &format!(
            "
exit 1
--- stderr
error: nothing was started: cannot serve pages at {address}: Address already in use (os error 98)
  = hint: stop the other program, or choose another address under `[runtime]`
"
        ),
    );
}

#[tokio::test]
async fn data_that_are_moved_away_stop_the_bot_until_they_are_back() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let mut running = online(&folder, "").await;
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    std::fs::rename(&data, &away).unwrap();
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    running.says("bot bot is offline: the database `").await;
    running.says("` is not there any more; next try in 1.0 s\n").await;
    std::fs::rename(&away, &data).unwrap();
    assert_eq!(alice.hears_text().await, "hi");
    running.says("s\nbot bot is online\n").await;
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_signal_lets_an_answer_that_has_to_wait_still_leave() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let running = online(&folder, "").await;
    let mut alice = stage.person("alice").await;
    stage.control().refuse(Wish::Send, Some("bot".into()), 1, 7, "traffic limit");
    alice.say("user:bot", "hi").await;
    stage.quiet().await;
    running.signal("TERM").await;
    assert_outcome(
        &running.outcome().await,
        "
exit 0
--- stderr
bot bot is online
stopping; a second signal stops at once
",
    );
    assert_eq!(alice.hears_text().await, "hi");
}

#[tokio::test]
async fn what_a_stop_leaves_is_counted_and_done_after_the_next_start() {
    let stage = Stage::set().await;
    let folder = folder(&format!("[runtime]\ndrain_secs = 0\n{}", bots_toml(&stage, &["bot"])));
    let running = online(&folder, "").await;
    let mut alice = stage.person("alice").await;
    stage.control().refuse(Wish::Send, Some("bot".into()), 1_000, 7, "traffic limit");
    alice.say("user:bot", "hi").await;
    stage.quiet().await;
    running.signal("TERM").await;
    assert_outcome(
        &running.outcome().await,
        "
exit 0
--- stderr
bot bot is online
stopping; a second signal stops at once
bot bot left for the next start: 1 answer not sent
",
    );
    stage.control().clear();
    let running = online(&folder, "").await;
    assert_eq!(alice.hears_text().await, "hi");
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let stage = Stage::set().await;
    let folder = folder(&format!("[runtime]\ndrain_secs = 0\n{}", bots_toml(&stage, &["bot"])));
    let mut running = online(&folder, "--drain-secs 1000").await;
    let mut alice = stage.person("alice").await;
    stage.control().refuse(Wish::Send, Some("bot".into()), 1_000, 7, "traffic limit");
    alice.say("user:bot", "hi").await;
    stage.quiet().await;
    running.signal("TERM").await;
    running.says("stopping; a second signal stops at once\n").await;
    running.signal("TERM").await;
    assert_outcome(
        &running.outcome().await,
        "
exit 0
--- stderr
bot bot is online
stopping; a second signal stops at once
stopped at once; what was not finished goes on after the next start
",
    );
}

#[tokio::test]
async fn what_a_killed_process_had_taken_and_not_answered_is_answered_once_after_the_next_start() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let running = online(&folder, "").await;
    let mut alice = stage.person("alice").await;
    let texts: Vec<_> = (0..10).map(|i| format!("text {i}")).collect();
    stage.control().refuse(Wish::Send, Some("bot".into()), 1_000, 7, "traffic limit");
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    // The server has nothing left for the bot, and no answer of it.
    stage.quiet().await;
    running.kill().await;
    stage.control().clear();
    let running = online(&folder, "").await;
    assert_eq!(alice.hears_texts(10).await, texts);
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_process_that_is_killed_between_two_answers_says_none_twice() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let mut alice = stage.person("alice").await;
    let texts: Vec<_> = (0..60).map(|i| format!("text {i}")).collect();
    for text in &texts {
        alice.say("user:bot", text).await;
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        let running = online(&folder, "").await;
        heard.extend(alice.hears_texts(5).await);
        running.kill().await;
    }
    let running = online(&folder, "").await;
    heard.extend(alice.hears_texts(45).await);
    assert_eq!(heard, texts);
    alice.say("user:bot", "last").await;
    assert_eq!(alice.hears_text().await, "last", "nothing is said twice");
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

/// The page at `path` of the HTTP side that `running` has told about.
async fn page(running: &Running, path: &str) -> String {
    let said = running.said();
    let (_, rest) = said.split_once("health on http://").expect("pages");
    let (address, _) = rest.split_once('/').expect("a path");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    within("a page", stream.read_to_string(&mut answer)).await.expect("a page");
    answer
}

#[tokio::test]
async fn what_the_bots_do_can_be_scraped() {
    let stage = Stage::set().await;
    let folder =
        folder(&format!("[runtime]\nhttp = '127.0.0.1:0'\n{}", bots_toml(&stage, &["bot"])));
    let running = online(&folder, "").await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    let first = "easebot_events_received_total{bot=\"bot\",kind=\"message\"} 1";
    let counted = async {
        loop {
            let page = page(&running, "/metrics").await;
            if page.contains(first) {
                break page;
            }
        }
    };
    let page = within("the counts", counted).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for line in [
        "# TYPE easebot_events_received_total counter",
        "# HELP easebot_online 1 while the bot is logged in, otherwise 0.",
        "easebot_events_handled_total{bot=\"bot\",plugin=\"auto-reply\",outcome=\"stop\"} 1",
        "# TYPE easebot_event_handling_seconds histogram",
        "easebot_event_handling_seconds_bucket{bot=\"bot\",le=\"60\"} 1",
        "easebot_plugin_seconds_count{bot=\"bot\",plugin=\"auto-reply\"} 1",
        "easebot_online{bot=\"bot\"} 1",
        "easebot_events_retried_total{bot=\"bot\",plugin=\"auto-reply\"} 0",
        "easebot_plugin_paused{bot=\"bot\",plugin=\"auto-reply\",reason=\"timeout\"} 0",
    ] {
        assert!(page.lines().any(|at| at == line), "no `{line}` in\n{page}");
    }
    // A series of its own appears with the first failure of a plugin.
    for metric in Metric::ALL.iter().filter(|metric| metric.labels.len() <= 1) {
        let help = format!("# HELP {} {}", metric.name, metric.help);
        assert!(page.lines().any(|at| at == help), "no `{help}` in\n{page}");
    }
    for name in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        assert!(Metric::ALL.iter().any(|metric| metric.name == name), "{name} is in no manual");
    }
    assert!(!page.contains("alice") && !page.contains("hi\""), "{page}");
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_damaged_database_is_kept_aside_with_loud_words_and_the_bot_works_with_a_new_one() {
    let stage = Stage::set().await;
    let folder = one_bot(&stage);
    let database = folder.path().join("data/easebot.sqlite");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(&database, "garbage").unwrap();
    let running = online(&folder, "").await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "hi");
    let said = running.said();
    let (line, rest) = said.split_once('\n').unwrap();
    let kept = line
        .strip_prefix(
            "error: `data/easebot.sqlite` is damaged (file is not a database); it is kept as `",
        )
        .and_then(|rest| rest.strip_suffix("`, and the bots begin with an empty one"))
        .expect(&said);
    assert_eq!(std::fs::read_to_string(folder.path().join(kept)).unwrap(), "garbage");
    assert!(rest.starts_with("  = hint: what it held is not done any more: "), "{said}");
    running.signal("TERM").await;
    assert!(running.outcome().await.starts_with("exit 0\n"));

    let again = online(&folder, "").await;
    assert!(!again.said().contains("damaged"));
    again.signal("TERM").await;
    assert!(again.outcome().await.starts_with("exit 0\n"));
}

#[tokio::test]
async fn a_bot_that_finds_no_emulator_of_its_own_is_told_how_to_start_one() {
    let sample = folder(SAMPLE);
    let mut running = easebot(&sample, "run").env("CONCIERGE_PASSWORD", "wrong").start();
    running
        .says(
            "\n  = hint: bot concierge wants an emulator at http://127.0.0.1:7380 that knows its user: \
             `easebot emulator --user concierge:PASSWORD`\n",
        )
        .await;
}
