use std::error::Error;

use super::*;
use crate::rest::testing::{Nobody, Reply, Script};

const LIST: &str = r#"{
    "rest": {"hosts": [{"protocol": "http", "domain": "a1.example.org"}]},
    "msync-wx": {"hosts": [{"protocol": "http", "domain": "im.example.org", "port": 8080}]}
}"#;

fn app() -> AppKey {
    "easebot#demo".parse().unwrap()
}

fn first_rest(list: &ServerList) -> &str {
    list.rest.iter().next().unwrap().as_str()
}

async fn fetch_from(bases: &[Url]) -> Result<ServerList, DiscoverError> {
    fetch_first(&Http::default(), bases, &app()).await
}

/// A directory and the endpoint that leads to `server`.
fn directory(server: &Script) -> (Directory, Endpoint) {
    (Directory::new(Http::default()), Endpoint::Discover { base: server.url().into() })
}

#[tokio::test]
async fn the_app_key_is_encoded_in_the_request() {
    let server = Script::of(vec![Reply::json(200, LIST)]).await;
    fetch_from(&[server.url()]).await.unwrap();
    let requests = server.requests();
    let line = requests[0].lines().next().unwrap();
    assert_eq!(line, "GET /easemob/server.json?app_key=easebot%23demo HTTP/1.1");
}

#[tokio::test]
async fn a_base_that_fails_makes_way_for_the_next() {
    let refusing = Script::of(vec![Reply::json(404, LIST)]).await;
    let chatty = Script::of(vec![Reply::Http(200, "", "x".repeat(MAX_LIST_BYTES + 1))]).await;
    let useless = Script::of(vec![Reply::json(200, "{}")]).await;
    let good = Script::of(vec![Reply::json(200, LIST)]).await;
    let gone = Nobody::new();
    let bases = [gone.url(), refusing.url(), chatty.url(), useless.url(), good.url(), gone.url()];
    let list = fetch_from(&bases).await.unwrap();
    assert_eq!(first_rest(&list), "http://a1.example.org/");
    for server in [&refusing, &chatty, &useless, &good] {
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn if_all_fail_the_error_names_the_last() {
    let refusing = Script::of(vec![Reply::json(403, "{}")]).await;
    let gone = Nobody::new();
    let error = fetch_from(&[gone.url(), refusing.url()]).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "none of 2 discovery servers gave a server list for `easebot#demo`"
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        format!("{} answered with status 403 instead of the server list", refusing.url())
    );
    assert_eq!(error.retry(), Retry::LATER);
}

#[tokio::test]
async fn servers_that_are_named_are_not_asked_for() {
    let directory = Directory::new(Http::default());
    let endpoint = Endpoint::hosts("http://127.0.0.1:1", "ws://127.0.0.1:2").unwrap();
    let list = directory.servers(&endpoint, &app(), Instant::now()).await.unwrap();
    assert_eq!(first_rest(&list), "http://127.0.0.1:1/");
    let websocket = list.websocket.iter().next().unwrap();
    assert_eq!(websocket.as_str(), "ws://127.0.0.1:2/websocket");
    assert!(directory.slots.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_fresh_list_is_not_asked_for_again() {
    let server = Script::of(vec![Reply::json(200, LIST), Reply::json(200, LIST)]).await;
    let (directory, endpoint) = directory(&server);
    let start = Instant::now();
    let just_fresh = start + Directory::FRESH - Duration::from_millis(1);
    for now in [start, just_fresh] {
        directory.servers(&endpoint, &app(), now).await.unwrap();
    }
    assert_eq!(server.requests().len(), 1);
    directory.servers(&endpoint, &app(), start + Directory::FRESH).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_old_list_is_used_while_nobody_answers() {
    let server = Script::of(vec![Reply::json(200, LIST)]).await;
    let (directory, endpoint) = directory(&server);
    let start = Instant::now();
    let list = directory.servers(&endpoint, &app(), start).await.unwrap();
    let just_usable = start + Directory::STALE - Duration::from_millis(1);
    let again = directory.servers(&endpoint, &app(), just_usable).await.unwrap();
    assert_eq!(list, again);
    directory.servers(&endpoint, &app(), start + Directory::STALE).await.unwrap_err();
}

#[tokio::test]
async fn who_asks_at_the_same_time_shares_the_answer() {
    for (reply, is_ok) in [(Reply::json(200, LIST), true), (Reply::json(500, ""), false)] {
        let server = Script::of(vec![reply.clone(), reply]).await;
        let (directory, endpoint) = directory(&server);
        let (app, now) = (app(), Instant::now());
        let ask = || directory.servers(&endpoint, &app, now);
        let (one, two, three) = tokio::join!(ask(), ask(), ask());
        for result in [one, two, three] {
            assert_eq!(result.is_ok(), is_ok);
        }
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_failure_is_not_remembered_for_who_asks_later() {
    let server = Script::of(vec![Reply::json(500, ""), Reply::json(200, LIST)]).await;
    let (directory, endpoint) = directory(&server);
    let now = Instant::now();
    directory.servers(&endpoint, &app(), now).await.unwrap_err();
    directory.servers(&endpoint, &app(), now).await.unwrap();
}

#[test]
fn the_public_bases_are_addresses() {
    assert_eq!(public(&EASEMOB).len(), EASEMOB.len());
    assert_eq!(public(&AGORA).len(), AGORA.len());
}
