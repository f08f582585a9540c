//! An answer and what becomes of it.

use std::time::Duration;

use easebot_model::{Conversation, Draft, MessageId, Timestamp, UserId};
use easebot_plugin::{Plugin, testing::Bench};
use tokio::time::Instant;

use super::*;

/// Answers each message with the same.
struct Always(Option<Reply>, Interest);

#[async_trait]
impl AutoResponder for Always {
    fn name(&self) -> &str {
        "always"
    }

    fn interest(&self) -> Interest {
        self.1
    }

    async fn respond(&self, _: &Message, _: &Context) -> Result<Option<Reply>, PluginError> {
        Ok(self.0.clone())
    }
}

crate::plugin!(Always: AutoResponder);

fn always(reply: impl Into<Reply>) -> Always {
    Always(Some(reply.into()), Interest::texts())
}

#[tokio::test]
async fn a_reply_takes_the_message_and_none_leaves_it() {
    let bench = Bench::new();
    let answer = bench.text(&always("yes"), "bob", "hi").await.unwrap();
    assert_eq!((answer.texts(), answer.flow), (vec!["yes"], Flow::Stop));
    let answer = bench.text(&always(Reply::new()), "bob", "hi").await.unwrap();
    assert_eq!((answer.texts(), answer.flow), (vec![], Flow::Stop), "taken in silence");
    let answer = bench.text(&always(Reply::from("too").passed_on()), "bob", "hi").await.unwrap();
    assert_eq!((answer.texts(), answer.flow), (vec!["too"], Flow::Continue));
    let nothing = Always(None, Interest::texts());
    let answer = bench.text(&nothing, "bob", "hi").await.unwrap();
    assert_eq!((answer.texts(), answer.flow), (vec![], Flow::Continue));
}

#[tokio::test(start_paused = true)]
async fn drafts_wait_for_ten_seconds_in_all_while_the_bot_writes() {
    let (bench, begun) = (Bench::new(), Instant::now());
    let reply = Reply::from("a")
        .and_after(Duration::from_secs(7), "b")
        .and_after(Duration::from_secs(7), "c")
        .and_after(Duration::from_secs(7), "d")
        .with_typing();
    let answer = bench.text(&always(reply.clone()), "bob", "hi").await.unwrap();
    assert_eq!(answer.texts(), ["a", "b", "c", "d"]);
    assert_eq!(begun.elapsed(), Reply::MAX_DELAY);
    assert!(answer.typing.contains(&Conversation::user("bob")));
    let room = Conversation::room("9");
    let answer = bench.text_in(&always(reply), room, "bob", "hi").await.unwrap();
    assert_eq!((answer.texts().len(), answer.typing.len()), (4, 0));
}

#[tokio::test]
async fn what_another_bot_answers_is_not_answered_twice() {
    let observer = Always(Some("me, too".into()), Interest::texts().observing());
    let (id, group) = (MessageId(1), Conversation::group("7"));
    let message = Message::new(id, group, UserId::new("bob"), Timestamp(1), "hi".into());
    let event = Event::Message(Box::new(message));
    let answer = Bench::new().event_of_another(&observer, &event).await.unwrap();
    assert_eq!((answer.sent.len(), answer.flow), (0, Flow::Continue));
    let answer = Bench::new().event(&observer, &event).await.unwrap();
    assert_eq!(answer.texts(), ["me, too"]);
}

#[test]
fn the_plugin_says_what_its_role_says() {
    let plugin: &dyn Plugin = &always(["a", "b"].map(Draft::new).into_iter().collect::<Reply>());
    assert_eq!((plugin.name(), plugin.interest()), ("always", Interest::texts()));
    assert_eq!(plugin.hooks(), []);
}
