//! The examples of bots within a program: what goes besides what people write.

#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(dead_code, reason = "the main functions are for people")]

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use easebot::{Conversation, testkit::Testbed};
use easebot_examples::bed;
use tower_service::Service;

#[path = "../axum_service.rs"]
mod axum_service;
#[path = "../many_accounts.rs"]
mod many_accounts;

/// What the service of `bed` answers to a POST, or a GET if there is nothing to bring.
async fn ask(bed: &Testbed, path: &str, body: &'static str) -> (u16, String) {
    let request = if body.is_empty() { Request::get(path) } else { Request::post(path) };
    let request = request.body(Body::from(body)).unwrap();
    let answer = axum_service::routes(bed.handle()).call(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1024).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn what_the_service_says_and_what_is_posted_to_the_hook_reaches_people() {
    let bed = bed(axum_service::bakery).await;
    let alice = bed.user("alice").await;
    bed.group("bakers", ["alice", "bob"]).await;
    assert_eq!(ask(&bed, "/", "").await, (200, "the bakery".to_owned()));
    let (status, id) = ask(&bed, "/tell/alice", "Your cake is ready.").await;
    let heard = alice.expects("Your cake is ready.").await;
    assert_eq!((status, id), (200, format!("{}\n", heard.id)));
    let posted = ask(&bed, "/bots/hooks/oven", "hot").await;
    assert_eq!(posted, (202, "it is said\n".to_owned()));
    alice.expects_in("bakers", "The oven is hot.").await;
    assert_eq!(ask(&bed, "/bots/readyz", "").await.0, 200);
    assert_eq!(ask(&bed, "/hooks/oven", "hot").await.0, 404, "the bot's paths are below its own");
}

#[tokio::test]
async fn each_of_a_hundred_desks_answers_and_they_come_and_go_while_the_others_run() {
    let bed = Testbed::of(many_accounts::desks(many_accounts::accounts()).unwrap()).await;
    let alice = bed.user("alice").await;
    for number in [1, 42, 100] {
        let desk = format!("desk-{number}");
        alice.says_to(&desk, "hello").await;
        alice.expects_from(&desk, format!("This is {desk}, alice.").as_str()).await;
    }
    let (handle, to) = (bed.handle(), Conversation::user("alice"));
    handle.remove("desk-7", Duration::from_secs(1)).await.unwrap();
    many_accounts::announce(&handle, &to, "We are open.").await.unwrap();
    bed.settle().await;
    let heard = alice.hears().await;
    let from: std::collections::BTreeSet<_> = heard.iter().map(|one| one.from.as_str()).collect();
    assert_eq!((heard.len(), from.len(), from.contains("desk-7")), (99, 99, false));
}
