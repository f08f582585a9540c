//! Transcripts that hold, and that do not.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use easebot_handler::{Handlers, filter};
use easebot_model::{Conversation, Message, Outgoing};
use easebot_plugin::{Context, Plugin, SendError};
use easebot_testkit::Testbed;
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
        "transcript: line 2 of the transcript is none of `> TEXT`, `< TEXT`, `| TEXT`, `wait TIME` and `# TEXT`"
    );
}
