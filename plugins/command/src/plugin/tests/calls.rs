//! Calls to servers.

use std::net::SocketAddr;

use easebot_model::{Attach, Body, FileSource};
use easebot_plugin::{Plugin, testing::Bench};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

/// A server on this machine that answers one request with `answer`, and gives what it was asked.
async fn server(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let task = tokio::spawn(async move {
        let (mut link, _) = listener.accept().await.unwrap();
        let (mut asked, mut bytes) = (String::new(), [0; 4096]);
        loop {
            let n_bytes = link.read(&mut bytes).await.unwrap();
            asked.push_str(std::str::from_utf8(&bytes[..n_bytes]).unwrap());
            let Some((head, body)) = asked.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) || n_bytes == 0 {
                break;
            }
        }
        link.write_all(answer.as_bytes()).await.unwrap();
        link.shutdown().await.unwrap();
        asked
    });
    (address, task)
}

const WEATHER: &str = "\
[[command]]
name = 'weather'
args = [{ name = 'city' }, { name = 'days', type = 'integer', default = 3 }]
reply = '{{ args.city }}: {{ picked.temp }} °C, {{ http.json.sky }}, {{ http.status }}'
";

fn weather(address: SocketAddr, http: &str) -> Command {
    let text = format!(
        "{WEATHER}[command.http]\nurl = 'http://{address}/v1/{{{{ args.city }}}}?u=c'\nreach = 'any'\n{http}\n"
    );
    plugin(&text)
}

fn answer(body: &str) -> &'static str {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).leak()
}

#[tokio::test]
async fn what_a_server_says_stands_in_the_answer() {
    let (address, asked) = server(answer(r#"{"main":{"temp":21.5},"sky":"clear"}"#)).await;
    let plugin =
        weather(address, "pick = { temp = '/main/temp' }\nquery = { q = '{{ args.city }}&x' }");
    let told = Bench::new().text(&plugin, "bob", "/weather \"São/Paulo\"").await.unwrap();
    assert_eq!(told.texts(), ["São/Paulo: 21.5 °C, clear, 200"]);
    assert_eq!(told.typing[0], Conversation::user("bob"));
    let asked = asked.await.unwrap();
    let first = "GET /v1/S%C3%A3o%2FPaulo?u=c&q=S%C3%A3o%2FPaulo%26x HTTP/1.1\r\n";
    assert!(asked.starts_with(first), "{asked}");
}

#[tokio::test]
async fn a_post_brings_json_with_types_and_a_secret_header() {
    let (address, asked) = server(answer("{\"sky\":\"\",\"temp\":1}")).await;
    let plugin = weather(
        address,
        "method = 'POST'\npick = { temp = '/temp' }\nheaders = { Authorization = { env = 'KEY' }, X-App = 'bot' }\n\
         json = { city = '{{ args.city }}', days = '{{ args.days }}', list = ['in {{ args.days }} d', 7] }",
    );
    let bench = Bench::new();
    let early = bench.text(&plugin, "bob", "/weather x").await.unwrap();
    assert_eq!(early.texts(), ["/weather did not work: the bot has not started yet"]);
    bench.set_variable("KEY", "Bearer 123");
    plugin.start(&bench.env(&plugin).unwrap()).await.unwrap();
    bench.text(&plugin, "bob", "/weather \"a\\\"b\"").await.unwrap();
    let asked = asked.await.unwrap();
    for part in [
        "POST /v1/a%22b?u=c HTTP/1.1\r\n",
        "\r\nauthorization: Bearer 123\r\n",
        "\r\nx-app: bot\r\n",
        "\r\ncontent-type: application/json\r\n",
        "\r\nidempotency-key: 1\r\n",
        "\r\n\r\n{\"city\":\"a\\\"b\",\"days\":3,\"list\":[\"in 3 d\",7]}",
    ] {
        assert!(asked.contains(part), "{part:?} is not in {asked}");
    }
    let bare = Bench::new();
    let error = plugin.start(&bare.env(&plugin).unwrap()).await.unwrap_err();
    assert_eq!(error.chain(), "the environment variable `KEY` is not set");
}

#[tokio::test]
async fn a_call_that_fails_is_told_and_frees_the_cooldown() {
    for (answer, expected) in [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "the server answered 404"),
        (answer("no json"), "the server's answer is no JSON"),
        (answer("{\"a\":1}"), "the server's answer has no `/temp`"),
        (answer("{\"temp\":\"12345678901234567890\"}"), "the server's answer is too long"),
        ("nonsense", "the server cannot be reached"),
    ] {
        let (address, asked) = server(answer).await;
        let plugin = weather(
            address,
            "pick = { temp = '/temp' }\nlimit_bytes = 20\n[command.cooldown]\nconversation_secs = 60",
        );
        let bench = Bench::new();
        let told = bench.text(&plugin, "bob", "/weather x").await.unwrap();
        assert_eq!(told.texts(), [format!("/weather did not work: {expected}")]);
        asked.await.unwrap();
        // Nobody listens there any more: it is tried, not waited for.
        let told = bench.text(&plugin, "bob", "/weather x").await.unwrap();
        assert_eq!(told.texts(), ["/weather did not work: the server cannot be reached"]);
    }
}

#[tokio::test]
async fn nobody_leaves_the_path() {
    let (address, _unasked) = server(answer("{}")).await;
    let plugin = weather(address, "pick = { temp = '/temp' }");
    for city in ["..", "."] {
        let told = Bench::new().text(&plugin, "bob", &format!("/weather {city}")).await.unwrap();
        assert_eq!(told.texts(), ["/weather did not work: this cannot stand in an address"]);
    }
}

#[test]
fn a_call_reaches_public_addresses_and_a_secret_is_not_handed_on() {
    let rules = |keys: &str| {
        let text = format!(
            "[[command]]\nname = 'x'\n[command.http]\nurl = 'https://example.org/'\n{keys}\n"
        );
        format!("{:?}", plugin(&text).entries[0].http)
    };
    let public = "Rules { reach: Public, max_redirects: 3, timeout: 10s }";
    assert!(rules("").contains(public), "{}", rules(""));
    let secret = rules("headers = { Authorization = { env = 'KEY' } }\nreach = 'any'");
    assert!(secret.contains("Rules { reach: Any, max_redirects: 0, timeout: 10s }"), "{secret}");
}

#[tokio::test]
async fn what_comes_back_can_be_an_image() {
    let (address, asked) = server(answer("GIF89a")).await;
    let text = format!(
        "[[command]]\nname = 'cat'\nhttp = {{ url = 'http://{address}/cat', reach = 'any', attach = 'image', file_name = 'cat.gif' }}\n"
    );
    let told = Bench::new().text(&plugin(&text), "bob", "/cat").await.unwrap();
    asked.await.unwrap();
    let Act::Message(draft) = &told.sent[0].act else { panic!("{told:?}") };
    assert_eq!(draft.attach, Some(Attach::File(FileSource::Bytes(b"GIF89a".to_vec()))));
    let Body::Image(image) = &draft.body else { panic!("{draft:?}") };
    assert_eq!(image.attachment.name.as_deref(), Some("cat.gif"));
}

#[test]
fn a_call_that_cannot_be_meant_is_refused_with_the_place() {
    let found = problems_of(
        "\
[[command]]
name = 'a'
http = { url = 'ftp://x/' }
[[command]]
name = 'b'
http = { url = 'https://{{ rest }}.example.org/' }
[[command]]
name = 'c'
http = { url = 'http://127.0.0.1:8080/x' }
[[command]]
name = 'd'
http = { url = 'https://example.org/{{ args.x }}', json = { a = '{{ b }}' }, headers = { X-Api-Key = 'plain', Host = 'x' }, timeout_secs = 31 }
args = []
[[command]]
name = 'e'
reply = '{{ picked.b }}'
http = { url = 'https://example.org/', pick = { a = 'x.y' }, file_name = 'x' }
",
    );
    let found: Vec<_> = found.iter().map(|(at, what, _)| (at.as_str(), what.as_str())).collect();
    let e_http = "{ url = 'https://example.org/', pick = { a = 'x.y' }, file_name = 'x' }";
    assert_eq!(
        found,
        [
            ("'ftp://x/'", "the address has to begin with `https://` or `http://`"),
            ("'https://{{ rest }}.example.org/'", "the host of the address has to be fixed"),
            ("'http://127.0.0.1:8080/x'", "this address is none of the public Internet"),
            ("args.x", "there is no variable `args.x` here"),
            ("{ a = '{{ b }}' }", "a GET has no body"),
            ("{ a = '{{ b }}' }", "there is no variable `b` here"),
            ("31", "must be 1 to 30 seconds"),
            ("'x'", "the header `host` is made by the call itself"),
            ("'plain'", "a secret does not belong into this file"),
            (e_http, "`file_name` is the name of what is attached"),
            ("'x.y'", "this is no JSON Pointer"),
            ("picked.b", "there is no variable `picked.b` here"),
        ]
    );
}
