//! What bots say in other ways than by a text, on the test bed.

#![expect(clippy::unwrap_used, reason = "test code")]

use easebot::{
    Body, Bot, Context, Conversation, Draft, Event, FileStream, Message, PluginError, Recall,
    filter,
    model::BodyKind,
    testkit::{Testbed, account},
};

async fn bed(bot: impl FnOnce(Bot) -> Bot) -> Testbed {
    Testbed::of([bot(Bot::login(account("bot"))).spec().unwrap()]).await
}

#[tokio::test]
async fn a_message_for_one_member_is_heard_by_no_other() {
    let whisper = |message: Message, cx: Context| async move {
        cx.send(Draft::new("psst").to_group("ops").only_for([message.from.clone()])).await
    };
    let bed = bed(|bot| bot.on(filter::in_groups(), whisper)).await;
    bed.group("ops", ["alice", "bob"]).await;
    let (alice, bob) = (bed.user("alice").await, bed.user("bob").await);
    alice.says_in("ops", "hello").await;
    alice.expects_in("ops", "psst").await;
    bob.expects_nothing().await;
}

#[tokio::test]
async fn a_stream_goes_up_while_the_handler_runs() {
    let report = |_: Message, cx: Context| async move {
        // More than what is kept in memory.
        let flowing = tokio::io::repeat(b'x');
        let file = cx.upload(FileStream::new("x.txt", 2 * 1024 * 1024, flowing)).await?;
        cx.reply(Draft::file(file)).await?;
        Ok::<_, PluginError>(())
    };
    let bed = bed(|bot| bot.on(filter::texts(), report)).await;
    let alice = bed.user("alice").await;
    alice.says("report").await;
    let message = alice.expects("<file: x.txt>").await;
    let bytes = alice.downloads(&message).await;
    assert!(bytes.len() == 2 * 1024 * 1024 && bytes.iter().all(|byte| *byte == b'x'));
}

#[tokio::test]
async fn a_picture_is_sent_on_without_going_up_again() {
    let on = |message: Message, cx: Context| async move {
        cx.forward(&message, Conversation::user("bob")).await
    };
    let bed = bed(|bot| bot.on(filter::messages(), on)).await;
    let (alice, bob) = (bed.user("alice").await, bed.user("bob").await);
    alice.sends(Draft::image(vec![7; 5000]).named("seven.png").sized(10, 20)).await;
    let copy = bob.expects("<image: seven.png>").await;
    let Body::Image(image) = &copy.body else { panic!("{copy:?}") };
    assert_eq!(image.size.map(|size| (size.width, size.height)), Some((10.0, 20.0)));
    assert_eq!(bob.downloads(&copy).await, [7; 5000]);
}

#[tokio::test]
async fn a_text_is_edited_and_taken_back() {
    let think = |message: Message, cx: Context| async move {
        let said = cx.reply("let me think").await?.receipt().await?;
        if message.text() == "forget it" {
            let place = message.conversation.clone();
            cx.send(Recall::new(said.message).because("never mind").to(place)).await?;
        } else {
            cx.edit(said.message, "42").await?;
        }
        Ok::<_, PluginError>(())
    };
    let bed = bed(|bot| bot.on(filter::texts(), think)).await;
    let alice = bed.user("alice").await;
    alice.says("what is it?").await;
    let said = alice.expects("let me think").await;
    let seen = alice.sees().await;
    let edited = seen.iter().find_map(|event| match event {
        Event::Edited(edited) => Some(edited.message.text()),
        _ => None,
    });
    assert_eq!(edited, Some("42"), "{seen:?}");
    assert_eq!(bed.sent().await.to_string(), "alice< 42\n");
    alice.says("forget it").await;
    assert_ne!(alice.expects("let me think").await.id, said.id);
    let seen = alice.sees().await;
    assert!(seen.iter().any(|event| matches!(event, Event::Recalled(_))), "{seen:?}");
}

#[tokio::test]
async fn messages_are_combined_and_opened_again() {
    let both = |message: Message, cx: Context| async move {
        let Body::Combine(combine) = &message.body else {
            cx.combine([message.clone(), message]).await?;
            return Ok::<_, PluginError>(());
        };
        let texts: Vec<_> = cx.open_combine(combine).await?;
        let texts: Vec<_> = texts.iter().map(Message::text).collect();
        cx.quote(&message, texts.join(", ")).await?;
        Ok(())
    };
    let bed = bed(|bot| bot.on(filter::messages(), both)).await;
    let alice = bed.user("alice").await;
    alice.says("one").await;
    let combined = alice.expects(BodyKind::Combine).await;
    alice.sends(Draft::forward(&combined).unwrap()).await;
    let answer = alice.expects("one, one").await;
    assert!(easebot::Quote::of(&answer.ext).is_some());
}
