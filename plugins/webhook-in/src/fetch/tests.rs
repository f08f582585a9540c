use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::*;

/// A server that answers each connection with `answer`; it ends with what it gives.
async fn server(answer: String) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.png", listener.local_addr().unwrap());
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

#[tokio::test]
async fn a_file_is_fetched_up_to_its_limit() {
    let (url, _server) = server(ok("0123456789")).await;
    let fetcher = Fetcher::default();
    assert_eq!(fetcher.fetch(&url, Fetch::Any, 10).await.unwrap(), b"0123456789");
    let error = fetcher.fetch(&url, Fetch::Any, 9).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLong { limit_bytes: 9 }), "{error:?}");
}

#[tokio::test]
async fn private_addresses_are_not_asked_by_number_name_or_redirection() {
    let fetcher = Fetcher::default();
    let (url, _server) = server(ok("secret")).await;
    for url in [&url, "http://[::1]/", "http://169.254.169.254/latest", "http://0x7f000001/"] {
        let error = fetcher.fetch(url, Fetch::Public, 10).await.unwrap_err();
        assert!(matches!(error, FetchError::NotPublic), "{url}: {error:?}");
    }
    let named = url.replace("127.0.0.1", "localhost");
    let error = fetcher.fetch(&named, Fetch::Public, 10).await.unwrap_err();
    assert!(easebot_model::chain(&error).contains("no public address"), "{error:?}");
    assert!(!easebot_model::chain(&error).contains("localhost"), "no address in an error");
}

#[tokio::test]
async fn a_redirection_is_followed_and_what_is_no_file_refused() {
    let fetcher = Fetcher::default();
    let (target, _target) = server(ok("there")).await;
    let head = format!(
        "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (url, _server) = server(head).await;
    assert_eq!(fetcher.fetch(&url, Fetch::Any, 10).await.unwrap(), b"there");
    let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (url, _server) = server(missing.to_owned()).await;
    let error = fetcher.fetch(&url, Fetch::Any, 10).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 404 }), "{error:?}");
    for url in ["ftp://a.b/c", "file:///etc/passwd", "no url"] {
        let error = fetcher.fetch(url, Fetch::Any, 10).await.unwrap_err();
        assert!(matches!(error, FetchError::NoUrl), "{error:?}");
    }
}
