//! Transcripts that hold, and that do not.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use easebot_handler::{Handlers, filter};
use easebot_model::{Body, Conversation, Event, Message, Outgoing};
use easebot_plugin::{
    Context, Env, Flow, Hook, HookReply, HookRequest, Interest, Plugin, PluginError, SendError,
};
use easebot_testkit::{Setup, Testbed, bot};
use tokio::runtime::Builder;

/// Says what it hears, but for what begins with a dot; `!` is a message to everybody in ops.
fn plugin() -> impl Plugin {
    let echo = |message: Message, cx: Context| async move {
        let ticket = match message.text() {
            text if text.starts_with('.') => return Ok(None),
            text if text.starts_with('!') => {
                let to = Conversation::group("ops");
                cx.send(Outgoing::text(to, format!("{}: {text}", message.from))).await?
            }
            text => cx.reply(text).await?,
        };
        Ok::<_, SendError>(Some(ticket))
    };
    Handlers::new("echo").on(filter::texts(), echo).build().unwrap()
}

async fn hold(transcript: &str) {
    Testbed::start(plugin()).await.replay(transcript).await;
}

/// How a transcript fails, without the place of the call.
fn failure(transcript: &str) -> String {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let failed = catch_unwind(AssertUnwindSafe(|| runtime.block_on(hold(transcript))));
    let how = failed.unwrap_err().downcast::<String>().unwrap();
    let (how, at) = how.rsplit_once('\n').unwrap();
    assert!(at.starts_with(&format!("at {}:", file!())), "{at}");
    how.to_owned()
}

#[tokio::test]
async fn a_conversation_goes_as_it_is_written() {
    hold(
        "# alice is who speaks if nobody is named\n\
         > hi\n\
         < hi\n\
         > .nothing\n\
         bob> two\n\
         |\n\
         | lines\n\
         < two\n\
         |\n\
         | lines\n\
         \n\
         wait 2h\n\
         group ops/bob> all of you\n\
         < all of you\n\
         room lobby/bob> here, too\n\
         < here, too\n\
         > !fire\n\
         group ops< alice: !fire\n\
         > <custom: wave>\n",
    )
    .await;
}

#[tokio::test]
async fn places_that_are_there_are_used_as_they_are() {
    let bed = Testbed::start(plugin()).await;
    bed.group("ops", ["carol"]).await;
    bed.replay("carol> !fire\ngroup ops< carol: !fire\n").await;
    bed.replay("carol> hi\n< hi\n").await;
}

#[tokio::test]
async fn there_is_no_order_between_conversations() {
    let both = |message: Message, cx: Context| async move {
        cx.send(Outgoing::text(Conversation::user("bob"), "one")).await?;
        cx.send(Outgoing::text(Conversation::group("ops"), "two")).await?;
        cx.reply(format!("{} three", message.text())).await
    };
    let both = Handlers::new("both").on(filter::texts(), both).build().unwrap();
    let bed = Testbed::start(both).await;
    bed.replay("> go\ngroup ops< two\nbob< one\n< go three\n").await;
    bed.replay("> go\n< go three\nbob< one\ngroup ops< two\n").await;
}

#[tokio::test]
async fn a_transcript_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hi.txt");
    std::fs::write(&path, "> hi\n< hi\n").unwrap();
    Testbed::start(plugin()).await.replay_file(&path).await;
}

/// Counts messages in what is saved, those in a combined one each, and tells alice what is posted.
struct Ledger;

#[async_trait]
impl Plugin for Ledger {
    fn name(&self) -> &str {
        "ledger"
    }

    fn interest(&self) -> Interest {
        Interest::messages()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let message = event.as_message().unwrap();
        let n_more = match &message.body {
            Body::Combine(combine) => cx.open_combine(combine).await?.len(),
            _ => 1,
        };
        let n = cx.state::<usize>().load("n").await?.unwrap_or_default() + n_more;
        cx.state().save("n", &n)?;
        cx.reply(n.to_string()).await?;
        Ok(Flow::Stop)
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::open("/hooks/ledger")]
    }

    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if text == "no" {
            return HookReply::text(422, "it is not wanted");
        }
        env.send(Conversation::user("alice"), text).await.unwrap();
        HookReply::text(202, "")
    }
}

async fn ledger(transcript: &str) {
    let bed = Setup::new().pages().start_with(|| vec![bot(Ledger)]).await.unwrap();
    bed.replay(transcript).await;
}

#[tokio::test]
async fn bots_break_and_start_again_as_it_is_written() {
    ledger(
        "> a\n< 1\n! cut\n> b\n< 2\n! refuse 2\n> c\n< 3\n! crash\n> d\n< 4\n! restart\n> e\n< 5\n\
         > <combine: one | two>\n< 7\n",
    )
    .await;
}

#[tokio::test]
async fn other_systems_post_to_hooks() {
    ledger("> a\n< 1\npost /hooks/ledger {\"b\": \"<c>\"}\nalice< {\"b\": \"<c>\"}\n> b\n< 2\n")
        .await;
}

#[test]
fn what_cannot_be_broken_or_posted_fails_at_its_line() {
    assert_eq!(
        failure("> hi\n< hi\n! crash\n"),
        "transcript:3: Crash: nobody knows how to make the bots again: `Setup::start_with` says it"
    );
    assert_eq!(
        failure("post /hooks/a b\n"),
        "transcript:1: post /hooks/a: the bots take no requests: `Setup::pages` lets them"
    );
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let refused = || runtime.block_on(ledger("post /hooks/ledger no\n"));
    let how = catch_unwind(AssertUnwindSafe(refused)).unwrap_err().downcast::<String>().unwrap();
    let expected = "transcript:1: post /hooks/ledger: it is answered with 422 it is not wanted\n";
    assert!(how.starts_with(expected), "{how}");
}

#[test]
fn what_goes_otherwise_is_shown_at_its_line() {
    assert_eq!(
        failure("> hi\n< hi\nbob> pang\n< pong\n"),
        "transcript:3: bob> pang\n    - pong\n    + pang\n       ^"
    );
    assert_eq!(failure("> hi\n> ho\n< ho\n"), "transcript:1: alice> hi\n    + hi");
    assert_eq!(failure("wait 5s\n< late\n> .\n"), "transcript:2: nobody said anything before it");
    assert_eq!(
        failure("group ops/bob> .\nalice< hi\n"),
        "transcript:1: group ops/bob> .\n    - alice< hi\n    nothing was said"
    );
    assert_eq!(
        failure("> !fire\ngroup ops< bob: !fire\n"),
        "transcript:1: alice> !fire\n    - group ops< bob: !fire\n    + group ops< alice: !fire\n                 ^"
    );
}

#[test]
fn what_is_no_transcript_is_told_with_its_line() {
    assert_eq!(
        failure("> hi\nhello\n"),
        "transcript: line 2 of the transcript is none of `> TEXT`, `< TEXT`, `| TEXT`, `wait TIME`, `post PATH BODY`, `! FAULT` and `# TEXT`"
    );
}
