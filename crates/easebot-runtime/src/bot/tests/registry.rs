//! Bots that come and go while others run.

use easebot_client::testing::Up;
use easebot_plugin::SendError;

use super::*;
use crate::{AddBotError, LeftByBot, RemoveBotError, SendOutsideError};

async fn runtime(bots: Vec<BotSpec>) -> (Runtime, Handle) {
    let runtime = Runtime::start(RuntimeOptions::new(memory()), bots).await.unwrap();
    let handle = runtime.handle();
    (runtime, handle)
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_is_added_runs_beside_the_others() {
    let (mut first, mut second) = (Server::new(), Server::new());
    let (_runtime, handle) = runtime(vec![spec(&first, "first", vec![echo()])]).await;
    let mut peer = first.log_in().await;
    handle.add(spec(&second, "second", vec![echo()])).unwrap();
    let mut other = second.log_in().await;
    assert_eq!(handle.names().collect::<Vec<_>>(), ["first", "second"]);
    for peer in [&mut peer, &mut other] {
        peer.text("bob", 1, "hi").await;
        assert_eq!(peer.said_and_acked().await.what, "hi");
    }
    assert!(first.is_idle(), "the bot that was there has its link");
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_cannot_live_beside_the_others_is_not_added() {
    let server = Server::new();
    let (runtime, handle) = runtime(vec![spec(&server, "first", vec![])]).await;
    let name = "first".to_owned();
    let refused = handle.add(spec(&server, "first", vec![]));
    assert_eq!(refused, Err(AddBotError::DuplicateName { name: name.clone() }));
    let same_user = BotSpec { name: "second".to_owned(), ..spec(&server, "first", vec![]) };
    let second = "second".to_owned();
    assert_eq!(handle.add(same_user), Err(AddBotError::DuplicateUser { first: name, second }));
    assert_eq!(handle.names().count(), 1);
    drop(runtime);
    assert_eq!(handle.add(spec(&server, "second", vec![])), Err(AddBotError::Stopping));
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_is_removed_logs_out_says_what_it_left_and_frees_its_name() {
    let (mut first, mut second) = (Server::new(), Server::new());
    let specs = vec![spec(&first, "first", vec![stuck()]), spec(&second, "second", vec![echo()])];
    let (runtime, handle) = runtime(specs).await;
    let mut peer = first.log_in().await;
    let mut other = second.log_in().await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    let script = async {
        let rest = peer.closed().await;
        assert!(matches!(rest[..], [Up::Logout(_)]), "{rest:?}");
        peer.close().await;
    };
    let (left, ()) = tokio::join!(handle.remove("first", 5 * SECOND), script);
    let bot = "first".to_owned();
    assert_eq!(left, Ok(LeftByBot { bot: bot.clone(), n_unhandled: 1, n_unsent: 0 }));
    assert_eq!(handle.names().collect::<Vec<_>>(), ["second"]);
    let hello = Outgoing::text(Conversation::user("bob"), "hello");
    let sent = handle.send("first", None, hello).await.map(drop);
    assert_eq!(sent, Err(SendOutsideError::UnknownBot { bot: bot.clone() }));
    let again = handle.remove("first", SECOND).await;
    assert_eq!(again, Err(RemoveBotError::UnknownBot { bot }));

    other.text("bob", 2, "still there?").await;
    assert_eq!(other.said_and_acked().await.what, "still there?");
    assert!(second.is_idle(), "the other bot has its link");

    // What was left is taken up by the bot that comes after it.
    handle.add(spec(&first, "first", vec![echo()])).unwrap();
    assert_eq!(first.log_in().await.said_and_acked().await.what, "hi");
    soon(runtime.shutdown(SECOND)).await;
}

#[tokio::test(start_paused = true)]
async fn a_runtime_whose_last_bot_is_removed_has_ended_and_can_get_another_one() {
    let server = Server::new();
    let (runtime, handle) = runtime(vec![spec(&server, "first", vec![])]).await;
    assert!(tokio::time::timeout(SECOND, runtime.ended()).await.is_err());
    handle.remove("first", Duration::ZERO).await.unwrap();
    soon(runtime.ended()).await;
    handle.add(spec(&server, "first", vec![])).unwrap();
    assert!(tokio::time::timeout(SECOND, runtime.ended()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_said_through_a_bot_while_it_is_removed_is_refused() {
    let mut server = Server::new();
    let (_runtime, handle) = runtime(vec![spec(&server, "first", vec![stuck()])]).await;
    let mut peer = server.log_in().await;
    peer.text("bob", 1, "hi").await;
    peer.until_released("bob", 1).await;
    let script = async {
        let mut status = handle.watch("first").unwrap();
        status.wait_for(|status| *status == BotStatus::Stopping).await.unwrap();
        let hello = Outgoing::text(Conversation::user("bob"), "hello");
        let refused = handle.send("first", None, hello).await.map(drop);
        assert_eq!(refused, Err(SendOutsideError::Send(SendError::Closed)));
        peer.closed().await;
        peer.close().await;
    };
    let (left, ()) = tokio::join!(handle.remove("first", 5 * SECOND), script);
    assert_eq!(left.unwrap().n_unhandled, 1);
}

#[tokio::test(start_paused = true)]
async fn bots_that_were_stopped_are_there_all_the_time_and_may_change_their_users() {
    let (mut first, mut second) = (Server::new(), Server::new());
    let specs = vec![spec(&first, "first", vec![]), spec(&second, "second", vec![])];
    let (_runtime, handle) = runtime(specs).await;
    let swapped = |first: &Server, second: &Server| {
        let (one, two) = (spec(first, "first", vec![echo()]), spec(second, "second", vec![echo()]));
        let (account, other) = (one.account.clone(), two.account.clone());
        vec![BotSpec { account: other, ..one }, BotSpec { account, ..two }]
    };
    let bots = ["first", "second"];
    let refused = handle.add_again(swapped(&first, &second));
    assert_eq!(refused[0], Err(AddBotError::DuplicateName { name: "first".to_owned() }));
    for (bot, server) in bots.into_iter().zip([&mut first, &mut second]) {
        let mut peer = server.log_in().await;
        let farewell = async {
            peer.closed().await;
            peer.close().await;
        };
        let (left, ()) = tokio::join!(handle.stop(bot, SECOND), farewell);
        assert!(left.unwrap().is_nothing());
        let hello = Outgoing::text(Conversation::user("bob"), "hello");
        let refused = handle.send(bot, None, hello).await.map(drop);
        assert_eq!(refused, Err(SendOutsideError::Ended { bot: bot.to_owned() }));
    }
    assert_eq!(handle.names().collect::<Vec<_>>(), bots);
    assert_eq!(handle.add_again(swapped(&first, &second)), [Ok(()), Ok(())]);
    assert_eq!(handle.names().collect::<Vec<_>>(), bots);
    let hello = || Outgoing::text(Conversation::user("bob"), "hello");
    drop(handle.send("first", None, hello()).await.unwrap());
    assert_eq!(second.log_in().await.said_and_acked().await.what, "hello", "as the other user");
    drop(handle.send("second", None, hello()).await.unwrap());
    assert_eq!(first.log_in().await.said_and_acked().await.what, "hello");
}
