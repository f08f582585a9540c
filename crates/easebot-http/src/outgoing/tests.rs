use http::header;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::*;

/// A server that answers each connection's head with `answer`; it ends with what it gives.
async fn server(answer: String) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.png?key=SECRET", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, tasks)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn redirection(target: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

fn outgoing(reach: Reach, max_redirects: usize) -> Outgoing {
    Outgoing::new(Rules { reach, max_redirects, ..Rules::default() })
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let (url, _server) = server(ok("0123456789")).await;
    let outgoing = outgoing(Reach::Any, 0);
    let answer = outgoing.call(Request::get(&url).unwrap(), 10).await.unwrap();
    assert_eq!(answer.body().as_ref(), b"0123456789");
    let error = outgoing.call(Request::get(&url).unwrap(), 9).await.unwrap_err();
    let CallError::TooLong { limit_bytes: 9, status } = error else { panic!("{error:?}") };
    assert_eq!(status, 200, "it is known before the body is");
}

#[tokio::test]
async fn private_addresses_are_not_asked_by_number_or_name() {
    let outgoing = outgoing(Reach::Public, 3);
    let (url, _server) = server(ok("inside")).await;
    let named = url.replace("127.0.0.1", "localhost");
    let numbers = ["http://[::1]/", "http://169.254.169.254/latest", "http://0x7f000001/"];
    for url in [&*url, &*named].into_iter().chain(numbers) {
        let error = outgoing.call(Request::get(url).unwrap(), 10).await.unwrap_err();
        assert!(matches!(error, CallError::NotPublic), "{url}: {error:?}");
    }
}

#[test]
fn a_redirection_is_looked_at_like_the_first_address() {
    assert!(may_be_public(&Url::parse("https://example.org/").unwrap()), "until it is resolved");
    assert!(!may_be_public(&Url::parse("http://2130706433/").unwrap()));
    assert!(!may_be_public(&Url::parse("http://[::ffff:10.0.0.1]/").unwrap()));
}

#[tokio::test]
async fn redirections_are_followed_as_often_as_allowed() {
    let (target, _target) = server(ok("there")).await;
    let (once, _once) = server(redirection(&target)).await;
    let (twice, _twice) = server(redirection(&once)).await;
    let get = |url: &str| Request::get(url).unwrap();
    let answer = outgoing(Reach::Any, 1).call(get(&once), 10).await.unwrap();
    assert_eq!(answer.body().as_ref(), b"there");
    let error = outgoing(Reach::Any, 1).call(get(&twice), 10).await.unwrap_err();
    assert!(matches!(error, CallError::Failed(_)), "{error:?}");
    let answer = outgoing(Reach::Any, 0).call(get(&once), 10).await.unwrap();
    assert_eq!(answer.status(), 302, "without any, it is an answer");
    assert_eq!(answer.headers()[header::LOCATION], target);
}

#[tokio::test]
async fn errors_and_debug_texts_name_no_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/SECRET", listener.local_addr().unwrap());
    drop(listener);
    let mut request = Request::post(&url, "SECRET").unwrap();
    request.headers.insert("x-key", "SECRET".parse().unwrap());
    assert!(!format!("{request:?}").contains("SECRET"));
    let error = outgoing(Reach::Any, 0).call(request, 10).await.unwrap_err();
    assert!(matches!(error, CallError::Failed(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let timeout = Duration::from_millis(20);
    let outgoing = Outgoing::new(Rules { reach: Reach::Any, max_redirects: 0, timeout });
    let error = outgoing.call(Request::get(&url).unwrap(), 10).await.unwrap_err();
    assert!(matches!(error, CallError::TimedOut { timeout: told } if told == timeout), "{error:?}");
}

#[test]
fn what_is_no_web_address_is_refused_at_once() {
    for url in ["ftp://a.b/c", "file:///etc/passwd", "no url", ""] {
        assert!(matches!(Request::get(url), Err(CallError::NoUrl)), "{url}");
    }
}
