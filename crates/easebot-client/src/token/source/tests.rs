use std::sync::Arc;

use url::Url;

use super::*;
use crate::{
    HostCursor, HostList, Http, Retry,
    rest::testing::{Nobody, Reply, Script},
};

const MINUTE: Duration = Duration::from_secs(60);

fn rest(host: Url) -> Rest {
    let hosts = HostCursor::new(Arc::new(HostList::one(host)));
    Rest::new(Http::default(), "easebot#demo".parse().unwrap(), hosts)
}

fn with_password() -> TokenSource {
    TokenSource::new(UserId::new("bob"), Credentials::Password(Secret::new("hunter2")))
}

fn with_token() -> TokenSource {
    TokenSource::new(UserId::new("bob"), Credentials::Token(Secret::new("fixed")))
}

/// Gives the tokens `t1`, `t2`, … with a life of ten minutes.
async fn giving(n_tokens: u32) -> Script {
    let reply = |n| Reply::json(200, &format!(r#"{{"access_token":"t{n}","expires_in":600}}"#));
    Script::of((1..=n_tokens).map(reply).collect()).await
}

async fn token(source: &TokenSource, rest: &Rest, now: Instant) -> String {
    source.token(rest, now).await.unwrap().reveal().to_owned()
}

#[tokio::test]
async fn a_token_is_renewed_at_80_percent_of_its_life() {
    let server = giving(2).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let start = Instant::now();
    assert_eq!(source.renew_at(), None);
    assert_eq!(token(&source, &rest, start).await, "t1");
    assert_eq!(source.renew_at(), Some(start + 8 * MINUTE));
    assert_eq!(source.ends_at(), Some(start + 10 * MINUTE));
    let just_before = start + 8 * MINUTE - Duration::from_nanos(1);
    assert_eq!(token(&source, &rest, just_before).await, "t1");
    assert_eq!(token(&source, &rest, start + 8 * MINUTE).await, "t2");
    assert_eq!(source.renew_at(), Some(start + 16 * MINUTE));
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_one_request() {
    let server = giving(3).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let now = Instant::now();
    let (one, two, three) = tokio::join!(
        token(&source, &rest, now),
        token(&source, &rest, now),
        token(&source, &rest, now)
    );
    assert_eq!([one, two, three], ["t1", "t1", "t1"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_its_successor_is_kept() {
    let server = giving(2).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let now = Instant::now();
    let first = source.token(&rest, now).await.unwrap();
    source.refused(&first);
    assert_eq!(token(&source, &rest, now).await, "t2");
    source.refused(&first);
    assert_eq!(token(&source, &rest, now).await, "t2");
}

#[tokio::test]
async fn while_nobody_answers_the_old_token_is_used_to_its_end() {
    let server = giving(1).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let start = Instant::now();
    assert_eq!(token(&source, &rest, start).await, "t1");
    assert_eq!(token(&source, &rest, start + 9 * MINUTE).await, "t1");
    let error = source.token(&rest, start + 10 * MINUTE).await.unwrap_err();
    assert_eq!(error.retry(), Retry::LATER, "{error:?}");
}

#[tokio::test]
async fn a_renewal_in_vain_is_tried_again_after_a_while_and_not_by_each_call() {
    let good = |token: &str| {
        Reply::json(200, &format!(r#"{{"access_token":"{token}","expires_in":600}}"#))
    };
    let server = Script::of(vec![good("t1"), Reply::json(503, "{}"), good("t2")]).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let start = Instant::now();
    for after in [Duration::ZERO, 8 * MINUTE, 8 * MINUTE, 8 * MINUTE + MINUTE / 3] {
        assert_eq!(token(&source, &rest, start + after).await, "t1");
    }
    assert_eq!(server.requests().len(), 2);
    assert_eq!(token(&source, &rest, start + 8 * MINUTE + MINUTE / 2).await, "t2");
}

#[tokio::test]
async fn a_password_that_is_wrong_by_now_is_said_at_once() {
    let good = Reply::json(200, r#"{"access_token":"t1","expires_in":600}"#);
    let wrong = r#"{"error":"invalid_grant","error_description":"invalid password"}"#;
    let server = Script::of(vec![good, Reply::json(400, wrong)]).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let start = Instant::now();
    source.token(&rest, start).await.unwrap();
    let error = source.token(&rest, start + 9 * MINUTE).await.unwrap_err();
    assert!(matches!(error, TokenError::WrongPassword), "{error:?}");
}

#[tokio::test]
async fn a_token_without_an_end_is_used_until_it_is_refused() {
    let reply = Reply::json(200, r#"{"access_token":"t1","expires_in":0}"#);
    let server = Script::of(vec![reply]).await;
    let (source, rest) = (with_password(), rest(server.url()));
    let start = Instant::now();
    token(&source, &rest, start).await;
    assert_eq!((source.renew_at(), source.ends_at()), (None, None));
    assert_eq!(token(&source, &rest, start + 1_000_000 * MINUTE).await, "t1");
}

#[tokio::test]
async fn a_fixed_token_is_given_until_it_ends_and_nothing_is_requested() {
    let gone = Nobody::new();
    let (source, rest) = (with_token(), rest(gone.url()));
    let start = Instant::now();
    assert_eq!(token(&source, &rest, start).await, "fixed");
    source.learn_life(&Secret::new("another"), start, MINUTE);
    assert_eq!(source.ends_at(), None);
    source.learn_life(&Secret::new("fixed"), start, 10 * MINUTE);
    assert_eq!(source.renew_at(), None, "there is nothing to renew it with");
    assert_eq!(token(&source, &rest, start + 9 * MINUTE).await, "fixed");
    let error = source.token(&rest, start + 10 * MINUTE).await.unwrap_err();
    assert!(error.is_fatal());
    assert_eq!(
        error.to_string(),
        "the fixed token has ended or was refused: give the bot a new token, or its password instead"
    );
}

#[tokio::test]
async fn a_fixed_token_that_was_refused_is_not_given_again() {
    let gone = Nobody::new();
    let (source, rest) = (with_token(), rest(gone.url()));
    source.refused(&Secret::new("fixed"));
    let error = source.token(&rest, Instant::now()).await.unwrap_err();
    assert!(matches!(error, TokenError::FixedTokenEnded), "{error:?}");
}

#[test]
fn neither_password_nor_token_can_be_printed() {
    let text = format!("{:?} {:?}", with_password(), with_token());
    assert!(!text.contains("hunter2") && !text.contains("fixed"), "{text}");
}

#[test]
fn a_life_beyond_the_clock_is_no_life() {
    assert_eq!(Life::from(Instant::now(), Duration::MAX), None);
}
