//! What a handler says by its context.

use async_trait::async_trait;
use easebot_model::{
    Act, Attach, Body, ChatThread, Conversation, Draft, Event, GroupId, Message, MessageId,
    Outgoing, Quote, Timestamp,
};

use super::*;
use crate::{Flow, Interest, Plugin, PluginError, testing::Bench};

/// Does what it is told.
struct Obedient;

#[async_trait]
impl Plugin for Obedient {
    fn name(&self) -> &str {
        "obedient"
    }

    fn interest(&self) -> Interest {
        Interest::all()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let message = event.as_message().unwrap();
        match message.text() {
            "quote" => drop(cx.quote(message, "yes").await?),
            "forward" => drop(cx.forward(message, Conversation::group("77")).await?),
            "combine" => drop(cx.combine([message.clone(), message.clone()]).await?),
            "combine nothing" => drop(cx.combine([]).await?),
            "edit" => drop(cx.edit(MessageId(5), "better").await?),
            "direct" => drop(cx.send(Draft::new("psst").to_group("77").only_for(["amy"])).await?),
            "upload" => {
                let flowing = FileStream::new("a.txt", 5, &b"hello, and more"[..]);
                drop(cx.reply(Draft::file(cx.upload(flowing).await?)).await?);
            }
            "cut short" => drop(cx.upload(FileStream::new("a.txt", 5, &b"he"[..])).await?),
            _ => drop(cx.forward(message, Conversation::group("77")).await?),
        }
        Ok(Flow::Stop)
    }
}

fn message(body: impl Into<Body>) -> Message {
    let group = Conversation::group("g");
    Message::new(MessageId(1), group, "bob".into(), Timestamp(1), body.into())
}

async fn told_in(bench: &Bench, message: Message) -> Result<Outgoing, PluginError> {
    let event = Event::Message(Box::new(message));
    let mut sent = bench.event(&Obedient, &event).await?.sent;
    assert_eq!(sent.len(), 1);
    Ok(sent.remove(0))
}

async fn told(text: &str) -> Outgoing {
    told_in(&Bench::new(), message(text)).await.unwrap()
}

fn draft(outgoing: &Outgoing) -> &Draft {
    match &outgoing.act {
        Act::Message(draft) => draft,
        act => panic!("{act:?}"),
    }
}

#[tokio::test]
async fn a_quote_is_a_reply_that_shows_the_message() {
    let said = told("quote").await;
    assert_eq!(said.to, Conversation::group("g"));
    assert_eq!(Quote::of(&draft(&said).ext).unwrap().message, MessageId(1));
}

#[tokio::test]
async fn a_message_is_sent_on_and_a_command_is_not() {
    assert_eq!(told("forward").await, Outgoing::text(Conversation::group("77"), "forward"));
    let cmd = message(Body::Cmd { action: "go".to_owned() });
    let error = told_in(&Bench::new(), cmd).await.unwrap_err();
    assert_eq!(error.chain(), "cannot be sent: a message of the kind cmd cannot be forwarded");
    assert!(error.is_permanent());
}

#[tokio::test]
async fn messages_are_combined_into_one_reply_and_nothing_is_not() {
    let said = told("combine").await;
    let Some(Attach::Messages(messages)) = &draft(&said).attach else { panic!("{said:?}") };
    assert_eq!(messages.len(), 2);
    let error = told_in(&Bench::new(), message("combine nothing")).await.unwrap_err();
    assert!(error.chain().ends_with("0 messages cannot be combined: 1 to 300 can"), "{error}");
}

#[tokio::test]
async fn what_is_said_in_a_thread_is_part_of_it() {
    let thread = |text: &str| Message {
        thread: Some(Box::new(ChatThread {
            message: None,
            parent: GroupId::new("p"),
            name: "t".to_owned(),
        })),
        ..message(text)
    };
    let said = told_in(&Bench::new(), thread("quote")).await.unwrap();
    assert!(draft(&said).is_thread);
    let edit = |said: Outgoing| match said.act {
        Act::Edit { message: MessageId(5), is_thread, .. } => is_thread,
        act => panic!("{act:?}"),
    };
    assert!(edit(told_in(&Bench::new(), thread("edit")).await.unwrap()));
    assert!(!edit(told("edit").await));
    assert!(!draft(&told("quote").await).is_thread);
}

#[tokio::test]
async fn what_has_an_address_of_its_own_is_sent_as_it_is() {
    let said = told("direct").await;
    assert_eq!((&said.to, draft(&said).receivers.len()), (&Conversation::group("77"), 1));
}

#[tokio::test]
async fn a_stream_is_up_before_its_message_is_said() {
    let bench = Bench::new();
    let said = told_in(&bench, message("upload")).await.unwrap();
    let Body::File(file) = &draft(&said).body else { panic!("{said:?}") };
    assert_eq!(draft(&said).attach, None);
    assert_eq!(file.attachment.name.as_deref(), Some("a.txt"));
    assert_eq!(file.attachment.length_bytes, Some(5));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let env = bench.env(&Obedient).unwrap();
    assert_eq!(env.download(&file.attachment, &path).await.unwrap(), 5);
    assert_eq!(std::fs::read(path).unwrap(), b"hello");
    let error = told_in(&bench, message("cut short")).await.unwrap_err();
    assert!(error.chain().contains("the stream ended after 2 of 5 bytes"), "{error}");
    assert!(!error.is_permanent());
}
