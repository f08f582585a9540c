use std::net::SocketAddr;

use easebot_model::{Act, Attach, Body, FileSource, Timestamp};
use easebot_plugin::{
    BuildEnv, Plugin, PluginTable, Problems, SendError,
    testing::{Bench, Said},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::*;
use crate::keys::WebhookInKeys;

fn build(text: &str) -> (Option<WebhookIn>, Problems) {
    let app_key = "easebot#demo".parse().unwrap();
    let mut env = BuildEnv::new("webhook-in", "concierge", "concierge".into(), app_key, ".");
    env.takes_plain_secrets = true;
    let mut problems = Problems::new();
    let plugin =
        PluginTable::parse(text, &mut problems).and_then(|table| table.build(&env, &mut problems));
    (plugin, problems)
}

/// A plugin with the hook `/h`, that goes to the group 7, and further `keys` of it, started.
async fn hook(keys: &str) -> (WebhookIn, Bench) {
    let text = format!("[[hook]]\npath = '/h'\nto = {{ group = '7' }}\n{keys}");
    let (plugin, problems) = build(&text);
    assert!(problems.is_empty(), "{problems:?}");
    let (plugin, bench) = (plugin.unwrap(), Bench::new());
    plugin.start(&bench.env(&plugin).unwrap()).await.unwrap();
    (plugin, bench)
}

async fn ask(plugin: &WebhookIn, bench: &Bench, request: HookRequest) -> (u16, String) {
    let reply = plugin.on_request(request, &bench.env(plugin).unwrap()).await;
    (reply.status.as_u16(), String::from_utf8(reply.body.to_vec()).unwrap())
}

fn post(body: &Value) -> HookRequest {
    HookRequest::post("/h", body.to_string()).with_header("content-type", "application/json")
}

fn text(said: &Said) -> String {
    let Act::Message(draft) = &said.outgoing.act else { panic!("{said:?}") };
    format!("{} {}", said.outgoing.to, draft.body.as_text().unwrap())
}

fn texts(bench: &Bench) -> Vec<String> {
    bench.said().iter().map(text).collect()
}

/// Keys that must be refused: the parts of the text that the problems point at, and what they say.
#[track_caller]
fn refused(text: &str, expected: &[(&str, &str)]) {
    let (plugin, problems) = build(text);
    assert!(plugin.is_none());
    let found: Vec<_> = problems
        .iter()
        .map(|problem| {
            let span = problem.span.unwrap();
            let mut part = text.get(span.start..span.end).unwrap();
            if let Some(inside) = &problem.inside {
                part = part.get(inside.start + 1..inside.end + 1).unwrap();
            }
            (part, problem.message.as_str())
        })
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_request_becomes_a_message_and_is_told_its_id() {
    let (plugin, bench) = hook("").await;
    let (status, body) = ask(&plugin, &bench, post(&json!({ "text": "hi" }))).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body["id"].as_str().unwrap().len()), (202, 32));
    ask(&plugin, &bench, post(&json!({ "text": "hi" }))).await;
    assert_eq!(texts(&bench), ["group:7 hi", "group:7 hi"], "without an id each is a new one");
    let reply = ask(&plugin, &bench, HookRequest::post("/h", "plain")).await;
    assert_eq!((reply.0, texts(&bench)), (202, vec!["group:7 plain".to_owned()]));
}

#[tokio::test]
async fn a_repetition_is_taken_and_said_once() {
    let (plugin, bench) = hook("").await;
    for text in ["hi", "hi"] {
        let request = post(&json!({ "text": text })).with_header("idempotency-key", "k");
        let reply = ask(&plugin, &bench, request).await;
        assert_eq!(reply, (202, r#"{"id":"k"}"#.to_owned()));
    }
    assert_eq!(texts(&bench), ["group:7 hi"]);
}

#[tokio::test]
async fn a_template_reads_body_headers_and_query() {
    let template = "template = '{{ text }}|{{ body.a.b }}|{{ headers[\"x-kind\"] }}|{{ query.q }}|{{ hook }}|{{ bot }}{% if body.c %}|c{% endif %}'";
    let (plugin, bench) = hook(template).await;
    let mut request = post(&json!({ "text": "t", "a": { "b": 1 } })).with_header("X-Kind", "k");
    request.query = Some("q=%E4%BD%A0".to_owned());
    assert_eq!(ask(&plugin, &bench, request).await.0, 202);
    assert_eq!(texts(&bench), ["group:7 t|1|k|你|/h|concierge"]);
}

#[tokio::test]
async fn a_template_that_fails_at_run_time_says_nothing_but_why() {
    let (plugin, bench) = hook("template = '{{ body.user.name }} did it'").await;
    let (status, body) =
        ask(&plugin, &bench, post(&json!({ "user": {}, "secret": "xyzzy" }))).await;
    assert_eq!(status, 422);
    assert!(body.contains("line 1: `body.user.name`") && !body.contains("xyzzy"), "{body}");
    assert_eq!(bench.said().len(), 0);
    let (plugin, bench) = hook("template = '{% if body.user %}x{% endif %}'").await;
    let reply = ask(&plugin, &bench, post(&json!({}))).await;
    assert_eq!(reply, (200, r#"{"skipped":1}"#.to_owned()), "nothing came out");
    assert_eq!(bench.said().len(), 0);
}

#[tokio::test]
async fn what_says_nothing_is_refused() {
    let (plugin, bench) = hook("").await;
    for body in [json!({}), json!({ "text": " " }), json!([1])] {
        assert_eq!(ask(&plugin, &bench, post(&body)).await.0, 400);
    }
    let mut get = post(&json!({ "text": "hi" }));
    get.method = Method::GET;
    let reply = plugin.on_request(get, &bench.env(&plugin).unwrap()).await;
    assert_eq!((reply.status.as_u16(), &reply.headers["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(bench.said().len(), 0);
}

#[tokio::test]
async fn who_does_not_know_the_secret_is_sent_away() {
    let (plugin, bench) = hook("secret = 'xyzzy'").await;
    let hi = || post(&json!({ "text": "hi" }));
    for (header, status) in [("Bearer xyzzy", 202), ("Bearer other", 401), ("", 401)] {
        let (given, body) = ask(&plugin, &bench, hi().with_header("authorization", header)).await;
        assert_eq!(given, status, "{header}");
        assert!(!body.contains("xyzzy"));
    }
    let mut tailed = hi();
    tailed.tail = Some("xyzzy".to_owned());
    assert_eq!(ask(&plugin, &bench, tailed).await.0, 202);
    // A dry run is no way around.
    let mut dry = hi();
    dry.query = Some("dry_run=1".to_owned());
    assert_eq!(ask(&plugin, &bench, dry).await.0, 401);
    assert_eq!(bench.said().len(), 2);
}

#[tokio::test]
async fn hooks_say_whether_they_are_guarded_and_where_a_secret_may_stand() {
    let text = "[[hook]]\npath = '/a'\nto = { user = 'bob' }\nlimit_bytes = 2048\n\
                [[hook]]\npath = '/b'\nformat = 'slack'\nsecret = 's'\nto = { room = '1' }\n\
                [[hook]]\npath = '/c'\nformat = 'github'\nsecret = 's'\nto = { room = '1' }\n";
    let plugin = build(text).0.unwrap();
    let limit = 1 << 20;
    assert_eq!(
        plugin.hooks(),
        [
            Hook::open("/a").with_limit_bytes(2048),
            Hook::guarded("/b").with_tail().with_limit_bytes(limit),
            Hook::guarded("/c").with_limit_bytes(limit),
        ]
    );
}

#[tokio::test]
async fn a_hook_that_was_not_started_refuses_for_now() {
    let text = "[[hook]]\npath = '/h'\nsecret = 's'\nto = { user = 'bob' }\n";
    let (plugin, bench) = (build(text).0.unwrap(), Bench::new());
    let reply = ask(&plugin, &bench, post(&json!({ "text": "hi" }))).await;
    assert_eq!(reply.0, 503);
}

#[tokio::test]
async fn a_secret_comes_from_the_environment_that_the_runtime_shows() {
    let text = "[[hook]]\npath = '/h'\nsecret = { env = 'HOOK' }\nto = { user = 'bob' }\n";
    let (plugin, bench) = (build(text).0.unwrap(), Bench::new());
    let env = bench.env(&plugin).unwrap();
    assert!(plugin.start(&env).await.is_err());
    bench.set_variable("HOOK", "xyzzy");
    plugin.start(&env).await.unwrap();
    let request = post(&json!({ "text": "hi" })).with_header("authorization", "Bearer xyzzy");
    assert_eq!(ask(&plugin, &bench, request).await.0, 202);
}

#[tokio::test]
async fn a_secret_comes_from_a_file_and_has_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let text = format!(
        "[[hook]]\npath = '/h'\nsecret = {{ file = '{}' }}\nto = {{ user = 'bob' }}\n",
        path.display()
    );
    let (plugin, bench) = (build(&text).0.unwrap(), Bench::new());
    let env = bench.env(&plugin).unwrap();
    assert!(plugin.start(&env).await.is_err());
    std::fs::write(&path, "xyzzy\n").unwrap();
    plugin.start(&env).await.unwrap();
    let request = post(&json!({ "text": "hi" })).with_header("authorization", "Bearer xyzzy");
    assert_eq!(ask(&plugin, &bench, request).await.0, 202);
    let (plugin, _) = build(
        "[[hook]]\npath = '/h'\nformat = 'standard-webhooks'\nsecret = 'xyzzy!'\nto = { user = 'bob' }\n",
    );
    let error = plugin.unwrap().start(&env).await.unwrap_err().chain();
    assert_eq!(
        error,
        "the hook `/h` cannot be guarded: the secret of a standard-webhooks hook is `whsec_` and base64"
    );
}

#[test]
fn a_secret_that_can_guard_nothing_is_found_before_anything_starts() {
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("webhook-in", "concierge", "concierge".into(), app_key, ".");
    let hook = |path: &str, format: &str| {
        format!(
            "[[hook]]\npath = '{path}'\nformat = '{format}'\nsecret = {{ env = 'S' }}\nto = {{ user = 'b' }}\n"
        )
    };
    let text = hook("/a", "standard-webhooks") + &hook("/b", "github");
    let mut problems = Problems::new();
    let plugin = PluginTable::parse(&text, &mut problems)
        .and_then(|table| table.build::<WebhookIn>(&env, &mut problems));
    assert!(plugin.is_some() && problems.is_empty(), "{problems:?}");
    let faults = |value: &str| {
        let variable = |_: &str| Some(value.to_owned());
        let checked = env.secrets().into_iter().map(|secret| secret.check(&env.folder, &variable));
        checked.map(|checked| checked.err().map(|error| error.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(faults("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), [None, None]);
    let reason = "the secret of a standard-webhooks hook is `whsec_` and base64";
    assert_eq!(faults("xyzzy!"), [Some(reason.to_owned()), None], "any text proves to GitHub");
}

#[tokio::test]
async fn a_request_names_another_target_only_if_the_hook_allows_it() {
    let (plugin, bench) = hook("allowed = ['user:bob']").await;
    let to = |to: &str| {
        let mut request = post(&json!({ "text": "hi" }));
        request.query = Some(format!("to={to}"));
        request
    };
    for (name, status) in
        [("user:bob", 202), ("user:Bob", 202), ("group:7", 202), ("user:eve", 403), ("bob", 400)]
    {
        assert_eq!(ask(&plugin, &bench, to(name)).await.0, status, "{name}");
    }
    assert_eq!(texts(&bench), ["user:bob hi", "user:bob hi", "group:7 hi"]);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_told_when_to_come_again() {
    let (plugin, bench) = hook("per_minute = 2").await;
    let hi = || post(&json!({ "text": "hi" }));
    let env = bench.env(&plugin).unwrap();
    assert_eq!(ask(&plugin, &bench, hi()).await.0, 202);
    assert_eq!(ask(&plugin, &bench, hi()).await.0, 202);
    let reply = plugin.on_request(hi(), &env).await;
    assert_eq!(
        (reply.status.as_u16(), reply.headers["retry-after"].to_str().unwrap()),
        (429, "30")
    );
    tokio::time::advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(ask(&plugin, &bench, hi()).await.0, 202);
    assert_eq!(bench.said().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_saved_is_not_promised() {
    let (plugin, bench) = hook("").await;
    let hi = || post(&json!({ "text": "hi" })).with_header("idempotency-key", "k");
    let refusals = [
        (SendError::NotSaved, 503),
        (SendError::Closed, 503),
        (SendError::Refused { reason: "the text is too long".to_owned() }, 422),
    ];
    for (error, status) in refusals {
        bench.refuse(Some(error));
        assert_eq!(ask(&plugin, &bench, hi()).await.0, status);
    }
    bench.refuse(None);
    assert_eq!(ask(&plugin, &bench, hi()).await.0, 202);
    assert_eq!(texts(&bench), ["group:7 hi"]);
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_said() {
    let (plugin, bench) = hook("template = '🔔 {{ text }}'").await;
    let mut request = post(&json!({ "text": "hi", "attachments": ["http://a.b/c.png"] }));
    request = request.with_header("idempotency-key", "k");
    request.query = Some("dry_run=1".to_owned());
    let (status, body) = ask(&plugin, &bench, request).await;
    let expected = json!({ "dry_run": true, "messages": [{
        "to": "group:7", "text": "🔔 hi", "id": "k", "files": [{ "name": null, "url": "http://a.b/c.png" }],
    }] });
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (200, expected));
    assert_eq!(bench.said().len(), 0);
}

#[tokio::test]
async fn slack_clients_hear_the_words_they_know() {
    let (plugin, bench) = hook("format = 'slack'\nsecret = 's'\nper_minute = 3").await;
    let at = |tail: &str, body: &str| {
        let mut request = HookRequest::post("/h", body.to_owned());
        request.tail = Some(tail.to_owned());
        request.with_header("content-type", "application/json")
    };
    let cases = [
        (at("s", r#"{"text":"*hi*"}"#), (200, "ok")),
        (at("x", r#"{"text":"hi"}"#), (403, "invalid_token")),
        (at("s", "{}"), (400, "no_text")),
        (at("s", "{"), (400, "invalid_payload")),
        (at("s", r#"{"text":"hi"}"#), (429, "rate_limited")),
    ];
    for (request, (status, word)) in cases {
        assert_eq!(ask(&plugin, &bench, request).await, (status, word.to_owned()));
    }
    assert_eq!(texts(&bench), ["group:7 hi"]);
}

#[tokio::test]
async fn a_callback_of_easemob_is_said_once_and_answered_so_that_the_message_goes_out() {
    let (plugin, bench) = hook("format = 'easemob'\nsecret = 'sesame'").await;
    bench.set_now(Timestamp(1_785_000_000_000));
    let callback = |event: &str, from: &str| {
        post(&json!({
            "callId": "easebot#demo_1", "timestamp": 1_785_000_000_000_u64, "security": "a3bfe714a4f83429120e084841868ec1",
            "appkey": "easebot#demo", "eventType": event, "chat_type": "chat", "from": from, "to": "bob",
            "payload": { "bodies": [{ "type": "txt", "msg": "hi" }] },
        }))
    };
    let taken = (200, r#"{"valid":true}"#.to_owned());
    assert_eq!(ask(&plugin, &bench, callback("chat", "concierge")).await, taken);
    assert_eq!(bench.said().len(), 0, "the bot said it");
    for event in ["chat", "chat_offline", "chat"] {
        assert_eq!(ask(&plugin, &bench, callback(event, "alice")).await, taken);
    }
    assert_eq!(texts(&bench), ["group:7 alice to bob: hi"]);
    let mut forged = callback("chat", "alice");
    forged.body = r#"{"callId":"easebot#demo_2","timestamp":1785000000000,"security":"a3bfe714a4f83429120e084841868ec1"}"#.into();
    assert_eq!(ask(&plugin, &bench, forged).await.0, 401);
}

#[tokio::test]
async fn a_slack_channel_is_a_target_if_it_is_one_and_allowed() {
    let (plugin, bench) = hook("format = 'slack'\nallowed = ['user:bob']").await;
    for (channel, status) in [("#ops", 200), ("user:bob", 200), ("user:eve", 403)] {
        let body = json!({ "text": "hi", "channel": channel });
        assert_eq!(ask(&plugin, &bench, post(&body)).await.0, status, "{channel}");
    }
    assert_eq!(texts(&bench), ["group:7 hi", "user:bob hi"]);
}

#[tokio::test]
async fn a_signed_delivery_is_said_once_and_a_stale_one_never() {
    let (plugin, bench) = hook("format = 'standard-webhooks'\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\ntemplate = '{{ body.test }}'").await;
    let delivery = || {
        HookRequest::post("/h", r#"{"test": 2432232314}"#)
            .with_header("content-type", "application/json")
            .with_header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
            .with_header("webhook-timestamp", "1614265330")
            .with_header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    };
    bench.set_now(Timestamp(1_614_265_330_000));
    let accepted = (202, r#"{"id":"msg_p5jXN8AQM9LWM0D4loKWxJek"}"#.to_owned());
    assert_eq!(ask(&plugin, &bench, delivery()).await, accepted);
    assert_eq!(ask(&plugin, &bench, delivery()).await, accepted);
    bench.set_now(Timestamp(1_614_265_330_000 + 301_000));
    assert_eq!(ask(&plugin, &bench, delivery()).await.0, 401);
    assert_eq!(texts(&bench), ["group:7 2432232314"]);
}

#[tokio::test]
async fn a_batch_is_said_whole_or_not_at_all() {
    let (plugin, bench) = hook("format = 'cloudevents'\ntemplate = '{{ body.data.n }}'").await;
    let batch = |ns: &[Value]| {
        let events: Vec<Value> = ns
            .iter()
            .enumerate()
            .map(|(id, n)| json!({ "specversion": "1.0", "id": id.to_string(), "source": "s", "type": "t", "data": n }))
            .collect();
        HookRequest::post("/h", json!(events).to_string())
            .with_header("content-type", "application/cloudevents-batch+json")
    };
    let broken = batch(&[json!({ "n": 1 }), json!({})]);
    assert_eq!(ask(&plugin, &bench, broken).await.0, 422);
    assert_eq!(bench.said().len(), 0);
    let reply = ask(&plugin, &bench, batch(&[json!({ "n": 1 }), json!({ "n": 2 })])).await;
    assert_eq!(reply, (202, r#"{"ids":["1 s 0","1 s 1"]}"#.to_owned()));
    assert_eq!(texts(&bench), ["group:7 1", "group:7 2"]);
}

#[tokio::test]
async fn a_sender_of_cloud_events_may_ask_first() {
    let (plugin, bench) = hook("format = 'cloudevents'\nper_minute = 60").await;
    let mut ask_first =
        HookRequest::post("/h", "").with_header("WebHook-Request-Origin", "shop.com");
    ask_first.method = Method::OPTIONS;
    let reply = plugin.on_request(ask_first, &bench.env(&plugin).unwrap()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["webhook-allowed-origin"], "shop.com");
    assert_eq!(reply.headers["webhook-allowed-rate"], "60");
}

#[tokio::test]
async fn files_of_a_request_go_along_behind_the_text() {
    let (plugin, bench) = hook("file_bytes = 20").await;
    let png = "iVBORw0KGgo=";
    let body = json!({ "text": "see", "attachments": [
        { "filename": "g.png", "base64": png },
        { "filename": "big.bin", "base64": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
        { "filename": "n.txt", "base64": "aGk=" },
        "https://a.b/c.png",
    ] });
    let request = || post(&body).with_header("idempotency-key", "k");
    assert_eq!(ask(&plugin, &bench, request()).await.0, 202);
    assert_eq!(ask(&plugin, &bench, request()).await.0, 202, "the files as well are said once");
    let said = bench.said();
    assert_eq!(text(&said[0]), "group:7 see\n(big.bin was left out: 21 bytes)\nhttps://a.b/c.png");
    let files: Vec<_> = said[1..]
        .iter()
        .map(|one| {
            let Act::Message(draft) = &one.outgoing.act else { panic!("{one:?}") };
            let name = draft.body.attachment().unwrap().name.clone().unwrap();
            let Some(Attach::File(FileSource::Bytes(bytes))) = &draft.attach else {
                panic!("{draft:?}")
            };
            (matches!(draft.body, Body::Image(_)), name, bytes.len())
        })
        .collect();
    assert_eq!(files, [(true, "g.png".to_owned(), 8), (false, "n.txt".to_owned(), 2)]);
}

/// A server of files whose answers begin with `heads`, one after the other.
async fn files(heads: &'static [&'static str]) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        for head in heads {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.unwrap());
            }
            let answer =
                format!("HTTP/1.1 {head}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (at, server)
}

fn name(said: &Said) -> &str {
    let Act::Message(draft) = &said.outgoing.act else { panic!("{said:?}") };
    draft.body.attachment().unwrap().name.as_deref().unwrap()
}

#[tokio::test]
async fn a_request_that_comes_again_brings_the_files_that_could_not_be_fetched_and_no_other_twice()
{
    let (at, _server) = files(&["404 Not Found", "200 OK", "200 OK", "200 OK"]).await;
    let (plugin, bench) = hook("fetch = 'any'").await;
    let urls = [format!("http://{at}/a.txt"), format!("http://{at}/b.txt")];
    let body = json!({ "text": "see", "attachments": urls });
    let request = || post(&body).with_header("idempotency-key", "k");
    assert_eq!(ask(&plugin, &bench, request()).await.0, 202);
    let first = bench.said();
    assert_eq!((first.len(), name(&first[1])), (2, "b.txt"));
    assert_eq!(ask(&plugin, &bench, request()).await.0, 202);
    let second = bench.said();
    assert_eq!((second.len(), name(&second[0])), (1, "a.txt"));
}

#[tokio::test]
async fn a_file_is_fetched_by_its_address_if_that_is_allowed() {
    let (at, _server) = files(&["200 OK", "404 Not Found"]).await;
    let (plugin, bench) = hook("fetch = 'any'").await;
    let urls = [format!("http://{at}/a.txt"), format!("http://{at}/b.txt")];
    let body = json!({ "text": "see", "attachments": urls });
    assert_eq!(ask(&plugin, &bench, post(&body)).await.0, 202);
    let said = bench.said();
    let note = format!("group:7 see\n({} was not fetched: the server answered 404)", urls[1]);
    assert_eq!(text(&said[0]), note);
    let Act::Message(draft) = &said[1].outgoing.act else { panic!("{said:?}") };
    let Some(Attach::File(FileSource::Bytes(bytes))) = &draft.attach else { panic!("{draft:?}") };
    assert_eq!(bytes.as_ref() as &[u8], b"hi");
    assert_eq!(name(&said[1]), "a.txt");
}

#[tokio::test]
async fn a_file_that_cannot_be_fetched_does_not_cost_the_message() {
    let (plugin, bench) = hook("fetch = 'public'").await;
    let body = json!({ "text": "see", "attachments": ["http://127.0.0.1:1/c.png"] });
    assert_eq!(ask(&plugin, &bench, post(&body)).await.0, 202);
    assert_eq!(
        texts(&bench),
        [
            "group:7 see\n(http://127.0.0.1:1/c.png was not fetched: its address is none of the public Internet)"
        ]
    );
}

#[tokio::test]
async fn the_same_id_in_two_places_is_no_repetition() {
    let (plugin, bench) = hook("format = 'alertmanager'\nallowed = ['user:bob']").await;
    let alert = json!({ "status": "firing", "labels": { "alertname": "Down" } });
    let body = json!({ "version": "4", "groupKey": "g", "alerts": [alert] });
    // One receiver with two addresses: Alertmanager says the same to both, and each tries again on its own.
    for query in [None, Some("to=user:bob"), None, Some("to=user:bob")] {
        let mut request = post(&body);
        request.query = query.map(str::to_owned);
        assert_eq!(ask(&plugin, &bench, request).await.0, 202);
    }
    assert_eq!(texts(&bench), ["group:7 [FIRING:1]\n🔥 Down", "user:bob [FIRING:1]\n🔥 Down"]);
}

#[tokio::test]
async fn neither_a_huge_text_nor_the_addresses_of_files_make_a_message_too_long_to_be_sent() {
    let (plugin, bench) = hook("max_chars = 100000").await;
    let url = format!("https://a.b/{}", "y".repeat(90_000));
    let body = json!({ "text": "中".repeat(100_000), "attachments": vec![url; 10] });
    assert_eq!(ask(&plugin, &bench, post(&body)).await.0, 202);
    let said = texts(&bench).concat();
    assert!(said.contains("中…\n(78667 more characters)\nhttps://a.b/yy"), "{} bytes", said.len());
    assert!(said.ends_with("y…") && said.len() < 70_000, "{} bytes", said.len());
}

#[tokio::test]
async fn a_text_without_end_is_cut() {
    let (plugin, bench) = hook("max_chars = 100").await;
    ask(&plugin, &bench, post(&json!({ "text": "中".repeat(105) }))).await;
    assert_eq!(texts(&bench), [format!("group:7 {}…\n(5 more characters)", "中".repeat(100))]);
}

#[test]
fn wrong_keys_are_found_where_they_stand() {
    let base = "[[hook]]\npath = '/h'\nto = { group = '7' }\n";
    refused("hook = []", &[("", "there are no hooks")]);
    for path in ["h", "/", "/h/", "/h//i", "/h?x", "/中", "/a/../h", "/./h"] {
        let text = format!("[[hook]]\npath = '{path}'\nto = {{ group = '7' }}\n");
        refused(&text, &[(&format!("'{path}'"), "requests cannot be taken under this path")]);
    }
    refused(&format!("{base}limit_bytes = 5\n"), &[("5", "must be 1024 to 26214400")]);
    refused(&format!("{base}per_minute = 0\n"), &[("0", "must be 1 to 60000")]);
    refused(
        &format!("{base}allowed = ['bob']\n"),
        &[("'bob'", "a conversation is written user:NAME, group:ID or room:ID")],
    );
    refused(
        &format!("{base}template = 'a {{{{ body.x | uper }}}} {{{{ txt }}}}'\n"),
        &[("txt", "there is no variable `txt` here")],
    );
    refused(
        &format!("{base}template = 'a {{{{ text }}'\n"),
        &[(
            "}",
            "the template cannot be used, line 1: unexpected `}`, expected end of variable block",
        )],
    );
    refused(
        &format!("{base}{base}"),
        &[("'/h'", "requests to this path are taken already, by `/h`")],
    );
    refused(
        "[[hook]]\npath = '/h'\nsecret = 's'\nto = { user = 'b' }\n[[hook]]\npath = '/h/i'\nto = { user = 'b' }\n",
        &[("'/h/i'", "requests to this path are taken already, by `/h`")],
    );
    refused(
        "[[hook]]\npath = '/h'\nto = { user = '' }\n",
        &[("{ user = '' }", "the conversation has no name")],
    );
}

#[test]
fn the_readme_names_every_key_of_every_table_and_every_format() {
    let mut generator = schemars::SchemaGenerator::default();
    let own = <WebhookInKeys as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let tables = generator.definitions().values().chain([&own]);
    let keys: Vec<&String> = tables
        .filter_map(|table| table["properties"].as_object())
        .flat_map(|keys| keys.keys())
        .collect();
    assert!(keys.len() > 10, "{keys:?}");
    let formats = generator.definitions()["Format"]["oneOf"].as_array().unwrap();
    let formats: Vec<String> =
        formats.iter().map(|one| one["const"].as_str().unwrap().to_owned()).collect();
    assert_eq!(formats.len(), 9);
    let readme = include_str!("../../README.md");
    for key in keys.into_iter().chain(&formats) {
        let named = [format!("| `{key}` |"), format!("`[[bot.plugin.{key}]]`")];
        assert!(named.iter().any(|named| readme.contains(named)), "{key}");
    }
}
