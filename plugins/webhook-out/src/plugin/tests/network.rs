//! Over a real connection.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// A server on this machine that answers each request with the next of `answers`, and gives what it got.
async fn server(answers: Vec<String>) -> (String, mpsc::Receiver<String>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, got) = mpsc::channel(16);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            sender.send(request(&mut stream).await).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, got, tasks)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap_or("0").parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    head + std::str::from_utf8(&body).unwrap()
}

fn answer(head: &str, body: &str) -> String {
    let n_bytes = body.len();
    format!("HTTP/1.1 {head}\r\ncontent-length: {n_bytes}\r\nconnection: close\r\n\r\n{body}")
}

/// A plugin that runs over the network.
async fn run(url: &str, keys: &str) -> Stage {
    let old = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let keys = format!("allow_private = true\ntoken = 'letmein'\nold_secret = '{old}'\n{keys}");
    let (plugin, problems) = build(&format!("{}{keys}", KEYS.replace("https://a.b/hook", url)));
    assert_eq!(problems, []);
    start(plugin.unwrap()).await
}

async fn start(plugin: Arc<WebhookOut>) -> Stage {
    let bench = Bench::new();
    let env = bench.env(&*plugin).unwrap();
    plugin.start(&env).await.unwrap();
    let mut stage = Stage { bench, plugin, env, running: JoinSet::new(), n_messages: 0 };
    stage.run();
    stage
}

#[tokio::test]
async fn a_signed_request_reaches_the_endpoint_and_the_reply_brings_a_file() {
    let (files, mut asked, _files) = server(vec![answer("200 OK", "\x01\x02\x03")]).await;
    let reply = format!(r#"{{"replies":[{{"image":"{files}/graph.png"}}]}}"#);
    let (url, mut got, _server) = server(vec![answer("200 OK", &reply)]).await;
    let mut stage = run(&url, "").await;
    stage.text("ann", "hi").await.unwrap();
    let request = got.recv().await.unwrap();
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    for header in [
        "content-type: application/json\r\n",
        "authorization: Bearer letmein\r\n",
        "webhook-id: evt_",
        "webhook-signature: v1,",
        "webhook-timestamp: 0\r\n",
        "user-agent: easebot/",
    ] {
        assert!(request.contains(header), "{header}: {request}");
    }
    assert_eq!(request.matches("v1,").count(), 2, "of today and of before");
    assert!(asked.recv().await.unwrap().starts_with("GET /hook/graph.png "));
    stage.until_saved((0, 0)).await;
    let said = stage.bench.said();
    let easebot_model::Act::Message(draft) = &said[0].outgoing.act else { panic!("{said:?}") };
    assert_eq!(draft.body.attachment().unwrap().name.as_deref(), Some("graph.png"));
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let (elsewhere, mut asked, _elsewhere) = server(vec![answer("200 OK", "{}")]).await;
    let moved = format!("307 Temporary Redirect\r\nlocation: {elsewhere}");
    let (url, mut got, _server) = server(vec![answer(&moved, "")]).await;
    let mut stage = run(&url, "retry_secs = []").await;
    stage.text("ann", "hi").await.unwrap();
    got.recv().await.unwrap();
    stage.until_saved((0, 1)).await;
    assert!(asked.try_recv().is_err(), "nothing came to the other one");
    let saved = stage.saved().await;
    let last = saved.values().next().unwrap().last.clone().unwrap();
    assert_eq!(last.status, Some(307));
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_and_the_event_is_given_up() {
    let (url, mut got, _server) = server(vec![answer("200 OK", &"x".repeat((1 << 20) + 1))]).await;
    let mut stage = run(&url, "").await;
    stage.text("ann", "hi").await.unwrap();
    got.recv().await.unwrap();
    stage.until_saved((0, 1)).await;
    let saved = stage.saved().await;
    let last = saved.values().next().unwrap().last.clone().unwrap();
    assert_eq!(last.reason, "the answer cannot be read: it has more than 1048576 bytes");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_as_good_as_any_where_nobody_reads_it() {
    let long = "x".repeat((1 << 20) + 1);
    let (url, mut got, _server) = server(vec![answer("200 OK", &long)]).await;
    let mut stage = run(&url, "replies = false").await;
    stage.text("ann", "hi").await.unwrap();
    got.recv().await.unwrap();
    stage.until_saved((0, 0)).await;
}

#[tokio::test]
async fn a_private_address_is_not_asked_by_whatever_way_it_came_into_the_address() {
    let (url, mut got, _server) = server(vec![answer("200 OK", "{}")]).await;
    let (plugin, problems) = build(&format!("{KEYS}retry_secs = []"));
    assert_eq!(problems, []);
    // As a name would that leads to one: `check` sees nothing wrong.
    let mut plugin = plugin.unwrap();
    Arc::get_mut(&mut plugin).unwrap().url = url;
    let mut stage = start(plugin).await;
    stage.text("ann", "hi").await.unwrap();
    stage.until_saved((0, 1)).await;
    assert!(got.try_recv().is_err());
    let saved = stage.saved().await;
    let last = saved.values().next().unwrap().last.clone().unwrap();
    assert_eq!(last.reason, "its address is none of the public Internet");
}
