use std::{path::Path, sync::Arc, time::Duration};

use super::{
    http::TIMEOUT,
    testing::{Nobody, Reply, Script},
    *,
};
use crate::{HostList, Tls, TlsError};

const TOKEN: &str = r#"{"access_token":"t1","expires_in":60}"#;
const WRONG: &str = r#"{"error":"invalid_grant","error_description":"invalid password"}"#;

fn rest_over(http: Http, hosts: impl IntoIterator<Item = Url>) -> Rest {
    let hosts = Arc::new(HostList::from_hosts(hosts).unwrap());
    Rest::new(http, "easebot#demo".parse().unwrap(), HostCursor::new(hosts))
}

fn rest(hosts: impl IntoIterator<Item = Url>) -> Rest {
    rest_over(Http::default(), hosts)
}

async fn login(rest: &Rest) -> Result<Token, TokenError> {
    rest.login(&UserId::new("bob"), &Secret::new("hunter2")).await
}

fn trusting_testdata() -> Http {
    let ca = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tls/testdata/ca.pem");
    Http::new(Tls::new(Some(ca)))
}

#[tokio::test]
async fn a_login_is_the_request_of_the_official_sdk() {
    let server = Script::of(vec![Reply::json(200, TOKEN)]).await;
    let token = login(&rest([server.url()])).await.unwrap();
    assert_eq!(token.value.reveal(), "t1");
    assert_eq!(token.expires_in, Some(Duration::from_secs(60)));

    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /easebot/demo/token HTTP/1.1\r\n"), "{head}");
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains(concat!("user-agent: easebot/", env!("CARGO_PKG_VERSION"))), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["grant_type"], "password");
    assert_eq!(body["username"], "bob");
    assert_eq!(body["password"], "hunter2");
    assert!(body["timestamp"].as_u64().unwrap() > 1_700_000_000_000);
}

#[tokio::test]
async fn a_server_in_trouble_makes_way_for_the_next() {
    let ill = Script::of(vec![Reply::json(503, "{}")]).await;
    let well = Script::of(vec![Reply::json(200, TOKEN)]).await;
    let gone = Nobody::new();
    let rest = rest([gone.url(), ill.url(), well.url()]);
    assert_eq!(login(&rest).await.unwrap().value.reveal(), "t1");
    assert_eq!((ill.requests().len(), well.requests().len()), (1, 1));
}

#[tokio::test]
async fn after_a_success_the_first_server_is_asked_again() {
    let first = Script::of(vec![Reply::json(500, "{}"), Reply::json(200, TOKEN)]).await;
    let second = Script::of(vec![Reply::json(200, TOKEN)]).await;
    let rest = rest([first.url(), second.url()]);
    login(&rest).await.unwrap();
    login(&rest).await.unwrap();
    assert_eq!((first.requests().len(), second.requests().len()), (2, 1));
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_at_the_next_server() {
    let first = Script::of(vec![Reply::json(400, WRONG)]).await;
    let second = Script::of(vec![Reply::json(200, TOKEN)]).await;
    let error = login(&rest([first.url(), second.url()])).await.unwrap_err();
    assert!(matches!(error, TokenError::WrongPassword), "{error:?}");
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a_rate_limit_counts_at_all_servers_and_says_how_long_to_wait() {
    let reply = Reply::Http(429, "retry-after: 30\r\n", "{}".to_owned());
    let first = Script::of(vec![reply]).await;
    let second = Script::of(vec![Reply::json(200, TOKEN)]).await;
    let error = login(&rest([first.url(), second.url()])).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { after: Some(Duration::from_secs(30)) });
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a_wait_of_years_is_cut() {
    let reply = Reply::Http(429, "retry-after: 99999999\r\n", "{}".to_owned());
    let server = Script::of(vec![reply]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { after: Some(Duration::from_secs(600)) });
}

#[tokio::test]
async fn a_redirect_does_not_get_the_password() {
    let elsewhere = Script::of(vec![Reply::json(200, TOKEN)]).await;
    let location: &'static str =
        format!("location: {}easebot/demo/token\r\n", elsewhere.url()).leak();
    let server = Script::of(vec![Reply::Http(307, location, String::new())]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    assert!(matches!(error, TokenError::Unexpected { status: 307, error: None }), "{error:?}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let body = "x".repeat(MAX_ANSWER_BYTES + 1);
    let server = Script::of(vec![Reply::Http(200, "", body)]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    let TokenError::Unreachable { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(source, HttpError::TooLong { limit_bytes: MAX_ANSWER_BYTES }), "{source:?}");
}

#[tokio::test]
async fn a_refusal_with_a_long_page_behind_it_is_a_refusal() {
    let page = || "x".repeat(3 * MAX_ANSWER_BYTES);
    let server = Script::of(vec![Reply::Http(400, "", page())]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    assert!(matches!(error, TokenError::Unexpected { status: 400, .. }), "{error:?}");
    let server = Script::of(vec![Reply::Http(429, "retry-after: 30\r\n", page())]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { after: Some(Duration::from_secs(30)) });
    // The rest of this one never comes, and is not waited for.
    let head = "HTTP/1.1 400 x\r\ncontent-length: 4294967296\r\n\r\n";
    let server = Script::of(vec![Reply::Raw(format!("{head}{}", page()).leak())]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    assert!(matches!(error, TokenError::Unexpected { status: 400, .. }), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_claims_four_gibibytes_is_refused_by_its_claim() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4294967296\r\n\r\n";
    let server = Script::of(vec![Reply::Raw(head)]).await;
    let error = login(&rest([server.url()])).await.unwrap_err();
    let TokenError::Unreachable { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"));
}

#[tokio::test]
async fn what_is_no_http_is_named_without_the_password() {
    for raw in ["", "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let server = Script::of(vec![Reply::Raw(raw)]).await;
        let error = login(&rest([server.url()])).await.unwrap_err();
        let TokenError::Unreachable { source: HttpError::Answer { .. }, .. } = &error else {
            panic!("{raw:?}: {error:?}")
        };
        assert!(!format!("{error:?}").contains("hunter2"));
        assert_eq!(error.retry(), Retry::LATER);
    }
}

#[tokio::test]
async fn nobody_there_is_named() {
    let gone = Nobody::new();
    let error = login(&rest([gone.url()])).await.unwrap_err();
    let is_connect =
        matches!(&error, TokenError::Unreachable { source: HttpError::Connect { .. }, .. });
    assert!(is_connect, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_after_15_seconds() {
    let server = Script::of(vec![Reply::Silence]).await;
    let start = tokio::time::Instant::now();
    let error = login(&rest([server.url()])).await.unwrap_err();
    let is_timeout =
        matches!(&error, TokenError::Unreachable { source: HttpError::TimedOut { .. }, .. });
    assert!(is_timeout, "{error:?}");
    assert!(start.elapsed() >= TIMEOUT && start.elapsed() < TIMEOUT * 2);
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_its_file_is_given() {
    let server = Script::secure(vec![Reply::json(200, TOKEN)]).await;
    let rest = rest_over(trusting_testdata(), [server.secure_url()]);
    assert_eq!(login(&rest).await.unwrap().value.reveal(), "t1");
}

#[tokio::test]
async fn a_file_of_authorities_that_is_not_there_is_fatal_only_when_it_is_needed() {
    let no_file = || Http::new(Tls::new(Some("/nowhere/ca.pem".into())));
    let server = Script::of(vec![Reply::json(200, TOKEN)]).await;
    login(&rest_over(no_file(), [server.url()])).await.unwrap();

    let secure = Url::parse("https://127.0.0.1:9").unwrap();
    let error = login(&rest_over(no_file(), [secure])).await.unwrap_err();
    assert!(error.is_fatal());
    let TokenError::Unreachable { source: HttpError::Tls { source }, .. } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(source, TlsError::CaFile { .. }), "{source:?}");
    assert_eq!(source.to_string(), "cannot read the certificates of `/nowhere/ca.pem`");
}

#[test]
fn segments_are_encoded_below_the_path_of_the_server() {
    let rest = rest([Url::parse("http://h:1/gate/").unwrap()]);
    assert_eq!(
        rest.url(["users", "a/b", "ü?"]).as_str(),
        "http://h:1/gate/easebot/demo/users/a%2Fb/%C3%BC%3F"
    );
}
