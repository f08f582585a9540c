//! What a test bed does, with handlers and plugins as an author has them.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use easebot_handler::{Handlers, filter};
use easebot_model::{BodyKind, Conversation, Draft, Event, Message, Outgoing, Timestamp, UserId};
use easebot_plugin::{Context, Env, Flow, Interest, Plugin, PluginError};
use easebot_runtime::{BotSpec, PluginSpec};
use easebot_testkit::{REFUSED_FOR_NOW, Setup, StartError, Testbed, Wanted, account, bot};
use tokio::runtime::{Builder, Runtime};

/// Says what it hears.
fn echo() -> impl Plugin {
    let echo = |message: Message, cx: Context| async move { cx.reply(message.text()).await };
    Handlers::new("echo").on(filter::texts(), echo).build().unwrap()
}

/// Counts in what is saved, and in what only a process remembers.
#[derive(Default)]
struct Counter(AtomicU32);

#[async_trait]
impl Plugin for Counter {
    fn name(&self) -> &str {
        "counter"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, _event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let state = cx.state::<u32>();
        let n = state.load("n").await?.unwrap_or_default() + 1;
        state.save("n", &n)?;
        let here = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        cx.reply(format!("{n} saved, {here} here")).await?;
        Ok(Flow::Stop)
    }
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// How `test` fails.
fn failure(test: impl AsyncFnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(|| one_thread().block_on(test())));
    *failed.unwrap_err().downcast::<String>().unwrap()
}

#[tokio::test]
async fn what_a_person_says_is_answered() {
    let bed = Testbed::start(echo()).await;
    let alice = bed.user("alice").await;
    alice.says("hi").await;
    let answer = alice.expects("hi").await;
    assert_eq!(answer.from, UserId::new("bot"));
    assert_eq!(alice.name(), "alice");
}

#[tokio::test(start_paused = true)]
async fn time_that_is_stopped_already_is_as_good() {
    let bed = Testbed::start(echo()).await;
    let alice = bed.user("alice").await;
    alice.says("hi").await;
    alice.expects("hi").await;
}

#[test]
fn a_runtime_of_several_threads_is_refused() {
    let several = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let refused = several.block_on(Setup::new().start([bot(echo())])).unwrap_err();
    assert!(matches!(refused, StartError::Time(_)), "{refused}");
}

#[test]
fn another_answer_fails_with_what_was_heard_and_where() {
    let mut line = 0;
    let how = failure(async || {
        let bed = Testbed::start(echo()).await;
        let alice = bed.user("alice").await;
        alice.says("pang").await;
        line = line!() + 1;
        alice.expects("pong").await;
    });
    let place = format!("at {}:{line}:", file!());
    let (difference, at) = how.rsplit_once('\n').unwrap();
    assert_eq!(difference, "alice expected to hear\n    - pong\n    + pang\n       ^");
    assert!(at.starts_with(&place), "{at} is not {place}");
}

#[test]
fn no_answer_fails_with_why_there_is_none() {
    let how = failure(async || {
        let broken = |_: Message, _: Context| async {
            Err::<(), PluginError>(std::io::Error::other("it is broken").into())
        };
        let broken = Handlers::new("broken").on(filter::texts(), broken).build().unwrap();
        let bed = Testbed::start(broken).await;
        let alice = bed.user("alice").await;
        alice.says("hi").await;
        alice.expects("hi").await;
    });
    assert!(how.contains("    - hi\n    nothing was said\n    given up by a bot: "), "{how}");
    assert!(how.contains("it is broken"), "{how}");
}

#[tokio::test]
async fn answers_are_asked_for_in_their_order_and_by_what_they_have() {
    let twice = |message: Message, cx: Context| async move {
        cx.reply(format!("first {}", message.text())).await?;
        cx.reply("second").await
    };
    let twice = Handlers::new("twice").on(filter::texts(), twice).build().unwrap();
    let bed = Testbed::start(twice).await;
    let alice = bed.user("alice").await;
    alice.says("hi").await;
    alice.expects(Wanted::containing("st h")).await;
    alice.expects(BodyKind::Text).await;
    alice.expects_nothing().await;
    alice.says("ho").await;
    let heard: Vec<_> = alice.hears().await.iter().map(|one| one.text().to_owned()).collect();
    assert_eq!(heard, ["first ho", "second"]);
    assert_eq!(alice.hears().await, []);
}

#[test]
fn what_nobody_expected_fails() {
    let how = failure(async || {
        let bed = Testbed::start(echo()).await;
        let alice = bed.user("alice").await;
        alice.says("hi").await;
        alice.expects_nothing().await;
    });
    assert!(how.starts_with("alice expected to hear nothing more\n    + hi\nat "), "{how}");
}

#[tokio::test]
async fn groups_and_rooms_hear_what_is_said_in_them() {
    let bed = Testbed::start(echo()).await;
    bed.group("ops", ["alice", "bob"]).await;
    bed.room("lobby", ["bob", "alice"]).await;
    let (alice, bob) = (bed.user("alice").await, bed.user("bob").await);
    alice.says_in("ops", "in the group").await;
    bob.says_in("lobby", "in the room").await;
    alice.says("alone").await;
    for person in [&alice, &bob] {
        person.expects_in("ops", "in the group").await;
        person.expects_in("lobby", "in the room").await;
    }
    alice.expects("alone").await;
    alice.expects_nothing().await;
    bob.expects_nothing().await;
}

#[test]
fn what_is_said_elsewhere_is_no_answer_but_is_shown() {
    let how = failure(async || {
        let bed = Testbed::start(echo()).await;
        bed.group("ops", ["alice"]).await;
        let alice = bed.user("alice").await;
        alice.says_in("ops", "hi").await;
        alice.expects("hi").await;
    });
    assert!(how.contains("    - hi\n    + [bot in group:ops] hi\nat "), "{how}");
}

#[test]
fn what_the_test_names_wrongly_is_said() {
    let how = failure(async || {
        let bed = Testbed::start(echo()).await;
        bed.user("alice").await.says_in("ops", "hi").await;
    });
    assert!(how.starts_with("there is no group or room `ops`"), "{how}");
    let how = failure(async || {
        Testbed::start(echo()).await.user("bot").await;
    });
    assert!(how.starts_with("bot is a bot"), "{how}");
    let how = failure(async || {
        let bed = Testbed::start(echo()).await;
        bed.user("alice").await.says_to("porter", "hi").await;
    });
    assert!(how.starts_with("there is no bot `porter`"), "{how}");
}

#[tokio::test]
async fn files_go_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy");
    let copy = move |message: Message, cx: Context| {
        let path = path.clone();
        async move {
            let Some(file) = message.body.attachment() else { return Ok(()) };
            cx.download(file, &path).await?;
            cx.reply(Draft::file(path).named("copy.txt")).await?;
            Ok::<_, PluginError>(())
        }
    };
    let copy = Handlers::new("copy").on(filter::messages(), copy).build().unwrap();
    let bed = Testbed::start(copy).await;
    let alice = bed.user("alice").await;
    alice.sends(Draft::file(b"all of it".to_vec()).named("note.txt")).await;
    let answer = alice.expects("<file: copy.txt>").await;
    assert_eq!(alice.downloads(&answer).await, b"all of it");
}

#[tokio::test]
async fn a_bot_that_starts_again_goes_on_with_what_it_saved() {
    let bed = Testbed::start(Counter::default()).await;
    let alice = bed.user("alice").await;
    alice.says("count").await;
    alice.expects("1 saved, 1 here").await;
    bed.restart([bot(Counter::default())]).await;
    alice.says("count").await;
    alice.expects("2 saved, 1 here").await;
    bed.crash([bot(Counter::default())]).await;
    alice.says("count").await;
    alice.expects("3 saved, 1 here").await;
    alice.expects_nothing().await;
}

#[tokio::test]
async fn a_link_that_is_cut_costs_nothing_but_time() {
    let bed = Testbed::start(echo()).await;
    let alice = bed.user("alice").await;
    let before = bed.now();
    bed.cut("bot").await;
    assert!(!bed.handle().watch("bot").unwrap().borrow().is_online());
    alice.says("are you there?").await;
    alice.expects("are you there?").await;
    assert!(bed.now() > before, "the bot waited before it came back");
}

#[tokio::test]
async fn a_send_that_is_refused_for_now_is_said_in_the_end() {
    let bed = Testbed::start(echo()).await;
    let alice = bed.user("alice").await;
    bed.refuse_sends("bot", 2, REFUSED_FOR_NOW);
    let before = bed.now();
    alice.says("hi").await;
    alice.expects("hi").await;
    assert!(bed.now().0 >= before.0 + 1000, "it was tried again later");
    alice.expects_nothing().await;
}

#[tokio::test]
async fn a_token_that_has_ended_is_got_anew() {
    let bed = Testbed::start(echo()).await;
    let alice = bed.user("alice").await;
    bed.expire_token("bot");
    bed.cut("bot").await;
    alice.says("hi").await;
    alice.expects("hi").await;
}

/// Says the time each hour.
struct Hourly;

#[async_trait]
impl Plugin for Hourly {
    fn name(&self) -> &str {
        "hourly"
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        for hour in 1.. {
            tokio::time::sleep(Duration::from_secs(60 * 60)).await;
            let to = Conversation::user("alice");
            let text = format!("hour {hour} is over at {}", env.now().0);
            env.send_once(&format!("hour {hour}"), Outgoing::text(to, text)).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn an_hour_takes_no_time() {
    let bed = Setup::new().at(Timestamp(5000)).start([bot(Hourly)]).await.unwrap();
    let alice = bed.user("alice").await;
    let minutes = |n: u64| Duration::from_secs(n * 60);
    bed.advance(minutes(59)).await;
    alice.expects_nothing().await;
    bed.advance(minutes(1)).await;
    alice.expects(Wanted::containing("hour 1 is over at 3605")).await;
    bed.advance(minutes(120)).await;
    assert_eq!(alice.hears().await.len(), 2);
}

#[tokio::test]
async fn a_handler_that_waits_is_waited_for() {
    let slow = |_: Message, cx: Context| async move {
        cx.reply("begun").await?;
        tokio::time::sleep(Duration::from_secs(30)).await;
        cx.reply("done").await
    };
    let slow = Handlers::new("slow").on(filter::texts(), slow).build().unwrap();
    let bed = Testbed::start(slow).await;
    let alice = bed.user("alice").await;
    let before = bed.now();
    alice.says("go").await;
    alice.expects("begun").await;
    alice.expects("done").await;
    assert!(bed.now().0 >= before.0 + 30_000);
}

#[tokio::test]
async fn several_bots_are_told_apart() {
    let named = |name: &str| BotSpec {
        name: name.to_owned(),
        account: account(&format!("user_of_{name}")),
        plugins: vec![PluginSpec::new(std::sync::Arc::new(echo()))],
        options: Default::default(),
    };
    let bed = Testbed::of([named("porter"), named("cook")]).await;
    let alice = bed.user("alice").await;
    alice.says_to("cook", "tea").await;
    alice.says_to("porter", "bags").await;
    alice.expects_from("porter", "bags").await;
    alice.expects_from("cook", "tea").await;
    alice.says("is for the first").await;
    alice.expects_from("porter", "is for the first").await;
}

#[tokio::test]
async fn what_is_taken_back_is_seen_and_is_no_more_among_what_was_sent() {
    let bed = Testbed::start(echo()).await;
    bed.group("ops", ["bob"]).await;
    let (alice, bob) = (bed.user("alice").await, bed.user("bob").await);
    alice.says("two\n\nlines").await;
    bob.says_in("ops", "hello").await;
    let said = "alice< two\n|\n| lines\ngroup ops< hello\n";
    assert_eq!(bed.sent().await.to_string(), said);
    let outgoing = Outgoing::text(Conversation::user("bob"), "oh no");
    let ticket = bed.handle().send("bot", None, outgoing).await.unwrap();
    let id = bob.expects("oh no").await.id;
    bed.handle().recall("bot", ticket).await.unwrap();
    let seen = bob.sees().await;
    let is_recall = |event: &Event| matches!(event, Event::Recalled(of) if of.message == id);
    assert!(seen.iter().any(is_recall), "{} other events", seen.len());
    assert_eq!(bed.sent().await.to_string(), said);
}
