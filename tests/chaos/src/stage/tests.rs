//! That the people find out what is said twice.

use std::sync::Arc;

use easebot_emulator::RepeatedId;
use easebot_runtime::{BotOptions, BotSpec, PluginSpec, Runtime, RuntimeOptions};
use easebot_store::MemoryStore;

use super::*;
use crate::scenario::refuse::Clerk;

/// What people hear of a bot whose link is cut again and again, so that it repeats what was not acknowledged, by a server that
/// takes repetitions so.
async fn answers_over_a_bad_link(repeated_client_id: RepeatedId) -> Tally {
    let users = vec![(UserId::new(BOT), Secret::new(PASSWORD))];
    let options = Options { users, repeated_client_id, ..Options::default() };
    let emulator = Emulator::start(options).await.unwrap();
    let proxy = Proxy::start(emulator.addr()).await.unwrap();
    // In the middle of acknowledgements: there are eight conversations to answer.
    proxy.plan([20, 35, 50].map(|n_frames| (Fault::Cut, Way::ToBot, n_frames)));
    let mut account = account(&emulator, BOT).unwrap();
    let (rest, websocket) = (emulator.rest_url(), format!("ws://{}/websocket", proxy.address()));
    account.endpoint = Endpoint::hosts(&rest, &websocket).unwrap();
    let crowd = Crowd::gather(&emulator, 8, 20).unwrap();
    let clerk = BotSpec {
        name: BOT.to_owned(),
        account,
        plugins: vec![PluginSpec::new(Arc::new(Clerk))],
        options: BotOptions { pace: None, ..BotOptions::default() },
    };
    let options = RuntimeOptions::new(Arc::new(MemoryStore::new()));
    let runtime = Runtime::start(options, vec![clerk]).await.unwrap();
    let tally = crowd.answered().await.unwrap();
    proxy.done().await.unwrap();
    assert!(runtime.shutdown(PATIENCE).await.bots.is_empty());
    tally
}

#[tokio::test]
async fn an_answer_that_the_server_delivers_twice_when_it_is_repeated_is_found_out() {
    let tally = answers_over_a_bad_link(RepeatedId::DeliverTwice).await;
    assert!(tally.n_doubled > 0 && tally.n_lost == 0, "{tally}");
}

#[tokio::test]
async fn an_answer_that_is_repeated_is_heard_once() {
    let tally = answers_over_a_bad_link(RepeatedId::SameAnswer).await;
    assert!(tally.is_clean(), "{tally}");
    assert_eq!(tally.n_answered, 8 * 21);
}
