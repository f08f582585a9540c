use easebot_model::GroupId;
use serde_json::json;

use super::*;
use crate::{
    Credentials, Endpoint, NewGroup,
    rest::testing::{
        Nobody,
        fake::{Asked, Fake, Said},
    },
};

mod body;
mod history;

/// `bob` with a token that holds, at the server `rest`.
pub(crate) fn caller_at(rest: &Url) -> Arc<Caller> {
    caller_with(rest, Credentials::Token(Secret::new("t0")))
}

/// `bob` with a token that holds, where `endpoint` says.
pub(crate) fn caller_of(endpoint: Endpoint) -> Arc<Caller> {
    caller(endpoint, Credentials::Token(Secret::new("t0")))
}

/// `bob` at the server `rest`.
pub(crate) fn caller_with(rest: &Url, credentials: Credentials) -> Arc<Caller> {
    caller(Endpoint::hosts(rest.as_str(), "ws://127.0.0.1:1").unwrap(), credentials)
}

fn api_at(rest: &Url) -> Api {
    caller_at(rest).api()
}

fn api_with(rest: &Url, credentials: Credentials) -> Api {
    caller_with(rest, credentials).api()
}

/// With short waits between two tries.
fn caller(endpoint: Endpoint, credentials: Credentials) -> Arc<Caller> {
    let account = Account::new("org#app".parse().unwrap(), "bob", credentials).at(endpoint);
    let ms = Duration::from_millis(1);
    Arc::new(Caller::new(Access::new(account)).with_backoff(ms, ms))
}

fn password() -> Credentials {
    Credentials::Password(Secret::new("hunter2"))
}

/// A server that gives out the tokens t1, t2, … and otherwise says what `say` says, which gets the token of the request.
async fn with_tokens(say: impl Fn(&Asked, &str) -> Said + Send + Sync + 'static) -> Fake {
    let n_tokens = std::sync::atomic::AtomicU32::new(0);
    Fake::of(move |asked, _| {
        if asked.path == "/org/app/token" {
            let n = n_tokens.fetch_add(1, Ordering::SeqCst) + 1;
            return Said::ok(json!({ "access_token": format!("t{n}"), "expires_in": 3600 }));
        }
        let token = asked.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        say(asked, token.unwrap_or_default())
    })
    .await
}

fn expired() -> Said {
    let words = "Unable to authenticate due to expired access token";
    Said::json(401, json!({ "error": "unauthorized", "error_description": words }))
}

fn refusal(status: u16, error: &str, words: &str) -> Said {
    Said::json(status, json!({ "error": error, "error_description": words }))
}

async fn blocked(api: &Api) -> Result<Vec<UserId>, ApiError> {
    api.blocked().await
}

const NAMES: &[&str] = &["amy", "cid"];

fn names() -> Said {
    Said::ok(json!({ "data": NAMES }))
}

#[tokio::test]
async fn a_call_carries_the_token_and_the_way_to_the_app() {
    let fake = Fake::of(|_, _| names()).await;
    assert_eq!(blocked(&api_at(&fake.url())).await.unwrap(), NAMES);
    let asked = fake.asked().remove(0);
    assert_eq!(asked.line(), "GET /org/app/users/bob/blocks/users");
    assert_eq!(asked.header("authorization"), Some("Bearer t0"));
    assert_eq!(asked.header("accept"), Some("application/json"));
}

#[tokio::test]
async fn an_expired_token_is_replaced_once_however_many_calls_failed() {
    let fake = with_tokens(|_, token| if token == "t1" { expired() } else { names() }).await;
    let api = api_with(&fake.url(), password());
    let calls = (0..8).map(|_| async { blocked(&api).await.unwrap() });
    futures_util::future::join_all(calls).await;
    let n_tokens = fake.lines().iter().filter(|line| *line == "POST /org/app/token").count();
    assert_eq!(n_tokens, 2);
}

#[tokio::test]
async fn a_right_that_is_missing_does_not_cost_a_token_for_each_call() {
    let fake =
        with_tokens(|_, _| refusal(401, "unauthorized", "Unable to authenticate (OAuth)")).await;
    let api = api_with(&fake.url(), password());
    for _ in 0..3 {
        let error = blocked(&api).await.unwrap_err();
        assert_eq!(error.meaning(), Some(Meaning::TokenRefused));
        assert_eq!(error.retry(), Retry::Never);
    }
    let lines = fake.lines();
    assert_eq!(lines.iter().filter(|line| *line == "POST /org/app/token").count(), 2);
    assert_eq!(lines.len(), 2 + 4, "two tokens, and the first call twice");
}

#[tokio::test]
async fn a_token_from_elsewhere_survives_a_refusal() {
    let fake = Fake::of(|_, n| if n == 0 { expired() } else { names() }).await;
    let api = api_at(&fake.url());
    assert_eq!(blocked(&api).await.unwrap_err().meaning(), Some(Meaning::TokenRefused));
    assert_eq!(blocked(&api).await.unwrap(), NAMES);
}

#[tokio::test]
async fn a_read_is_repeated_while_the_server_is_in_trouble() {
    let fake = Fake::of(|_, n| match n {
        0 => refusal(503, "", ""),
        1 => Said::Cut(200, String::new(), "{\"data\":[]}".into(), 3),
        2 => Said::Bytes(429, "retry-after: 0\r\n".to_owned(), "{}".into()),
        _ => names(),
    })
    .await;
    assert_eq!(blocked(&api_at(&fake.url())).await.unwrap(), NAMES);
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn a_read_is_given_up_after_four_tries() {
    let fake = Fake::of(|_, _| refusal(502, "", "")).await;
    let error = blocked(&api_at(&fake.url())).await.unwrap_err();
    assert_eq!(error.to_string(), "the server is in trouble (status 502)");
    assert_eq!(error.retry(), Retry::LATER);
    assert_eq!(fake.asked().len(), 4);
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let fake = Fake::of(|_, _| refusal(403, "forbidden_op", "my secret text")).await;
    let error = blocked(&api_at(&fake.url())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "this account has no right to do it (status 403, `forbidden_op`)"
    );
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_caller() {
    let fake =
        Fake::of(|_, _| Said::Bytes(503, "retry-after: 31\r\n".to_owned(), "{}".into())).await;
    let error = blocked(&api_at(&fake.url())).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { after: Some(Duration::from_secs(31)) });
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn a_write_that_may_have_been_done_is_not_repeated() {
    for said in [
        refusal(503, "", ""),
        refusal(429, "reach_limit", ""),
        Said::Cut(200, String::new(), "{}".into(), 0),
    ] {
        let fake = Fake::of(move |_, _| said.clone()).await;
        let api = api_at(&fake.url());
        let error = api.create_group(&NewGroup::new("g")).await.unwrap_err();
        assert!(matches!(error.retry(), Retry::Later { .. }), "{error:?}");
        assert_eq!(fake.asked().len(), 1, "{error:?}");
    }
}

#[tokio::test]
async fn a_write_goes_on_to_the_next_server_when_the_first_is_not_there() {
    let fake = Fake::of(|_, _| Said::ok(json!({ "data": { "groupid": 77 } }))).await;
    let gone = Nobody::new();
    let list = Fake::of({
        let (gone, there) = (gone.url(), fake.url());
        move |_, _| {
            let host = |url: &Url| {
                let (domain, port) = (url.host_str(), url.port());
                json!({ "protocol": "http", "domain": domain, "port": port })
            };
            let rest = json!({ "hosts": [host(&gone), host(&there)] });
            Said::ok(json!({ "rest": rest, "msync-wx": { "hosts": [host(&there)] } }))
        }
    })
    .await;
    let api = caller_of(Endpoint::discover(list.url().as_str()).unwrap()).api();
    assert_eq!(api.create_group(&NewGroup::new("g")).await.unwrap().as_str(), "77");
    assert_eq!(api.create_group(&NewGroup::new("g")).await.unwrap().as_str(), "77");
    assert_eq!(fake.asked().len(), 2);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let fake =
        Fake::of(|_, _| Said::Bytes(200, String::new(), vec![b' '; 1024 * 1024 + 1].into())).await;
    let error = api_at(&fake.url()).create_group(&NewGroup::new("g")).await.unwrap_err();
    let ApiError::Unreachable { source, .. } = error else { panic!("{error:?}") };
    let source = source.downcast::<HttpError>().unwrap();
    assert!(matches!(*source, HttpError::TooLong { limit_bytes: 1_048_576 }), "{source:?}");
}

#[tokio::test]
async fn an_answer_that_is_no_json_or_lacks_its_field_is_named() {
    let table = [
        ("<html>", "the server answered with status 200 and no JSON"),
        ("{}", "the server's answer has no usable `data`"),
        ("[]", "the server's answer has no usable `data`"),
        (r#"{"data":null}"#, "the server's answer has no usable `data`"),
    ];
    for (body, expected) in table {
        let fake = Fake::of(move |_, _| Said::Bytes(200, String::new(), body.into())).await;
        let error = blocked(&api_at(&fake.url())).await.unwrap_err();
        assert_eq!(error.to_string(), expected, "{body}");
    }
}

#[tokio::test]
async fn a_name_that_would_change_the_address_is_not_sent() {
    let fake = Fake::of(|_, _| names()).await;
    let api = api_at(&fake.url());
    for name in ["", ".", ".."] {
        let error = api.remove_contact(&UserId::new(name)).await.unwrap_err();
        assert!(matches!(error, ApiError::BadName), "{name:?}");
    }
    let error = api.kick_members(&GroupId::new("1"), &["amy,bob".into()]).await.unwrap_err();
    assert!(matches!(error, ApiError::BadName), "{error:?}");
    assert!(fake.asked().is_empty());

    api.remove_contact(&UserId::new("a/../b?c#d%2e")).await.unwrap();
    let line = fake.lines().remove(0);
    assert_eq!(line, "DELETE /org/app/users/bob/contacts/users/a%2F..%2Fb%3Fc%23d%252e");
}

#[tokio::test]
async fn calls_of_a_process_share_the_rates_of_their_app() {
    let http = Http::default();
    let app_key = "org#app".parse().unwrap();
    assert!(Arc::ptr_eq(&http.rates(&app_key), &http.clone().rates(&app_key)));
    assert!(!Arc::ptr_eq(&http.rates(&app_key), &http.rates(&"org#other".parse().unwrap())));
}

#[test]
fn tries_back_off_and_end() {
    let fake = Url::parse("http://127.0.0.1:1").unwrap();
    let mut tries = caller_at(&fake).tries();
    let n_more = (0..10).take_while(|_| tries.delay(Retry::LATER).is_some()).count();
    assert_eq!(n_more, 3);
    let mut tries = caller_at(&fake).tries();
    assert_eq!(tries.delay(Retry::Never), None);
    let asked = Retry::Later { after: Some(Duration::from_secs(7)) };
    assert!(tries.delay(asked).unwrap() >= Duration::from_secs(7));
}
