use easebot_model::{Conversation, Outgoing};
use easebot_plugin::{Plugin, testing::Bench};

use super::*;

/// Says each line of a body, but nothing of what is not `ok`.
struct Lines;

#[async_trait]
impl WebhookRelay for Lines {
    fn name(&self) -> &str {
        "lines"
    }

    fn hooks(&self) -> Vec<Hook> {
        vec![Hook::open("/h")]
    }

    fn verify(&self, request: &HookRequest, _: &Env) -> Result<(), Refused> {
        match request.header("x-ok") {
            Some(_) => Ok(()),
            None => Err(Refused::json(401, "who is it?")),
        }
    }

    async fn render(&self, request: &HookRequest, _: &Env) -> Result<Relay, Refused> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let mut relay = Relay::answer(HookReply::text(200, "thanks"));
        for (key, line) in body.lines().enumerate() {
            if line.is_empty() {
                return Err(Refused::json(400, "a line is empty"));
            }
            let text = Outgoing::text(Conversation::group("1"), line);
            relay = relay.and(key.to_string(), text);
        }
        Ok(relay)
    }
}

crate::plugin!(Lines: WebhookRelay);

#[tokio::test]
async fn a_request_is_taken_as_a_whole_or_not_at_all() {
    let bench = Bench::new();
    let env = bench.env(&Lines).unwrap();
    let ask = async |request| {
        let reply = Plugin::on_request(&Lines, request, &env).await;
        (reply.status.as_u16(), String::from_utf8_lossy(&reply.body).into_owned())
    };
    let post = |body: &'static str| HookRequest::post("/h", body).with_header("x-ok", "1");
    let (status, told) = ask(HookRequest::post("/h", "a")).await;
    assert_eq!((status, told.as_str()), (401, r#"{"error":"who is it?"}"#));
    assert_eq!(ask(post("a\n\nb")).await.0, 400);
    assert_eq!(bench.said().len(), 0);
    assert_eq!(ask(post("a\nb")).await, (200, "thanks".to_owned()));
    assert_eq!(ask(post("a\nb")).await, (200, "thanks".to_owned()));
    let keys: Vec<_> = bench.said().into_iter().filter_map(|said| said.key).collect();
    assert_eq!(keys, ["0", "1"], "what is repeated is said once");
}

#[tokio::test]
async fn a_caller_may_come_again_with_what_was_not_saved_and_not_with_what_cannot_be_sent() {
    let bench = Bench::new();
    let env = bench.env(&Lines).unwrap();
    for (error, status, wait) in [
        (SendError::NotSaved, 503, Some("5")),
        (SendError::Refused { reason: "too long".to_owned() }, 422, None),
    ] {
        bench.refuse(Some(error));
        let post = HookRequest::post("/h", "a").with_header("x-ok", "1");
        let reply = Plugin::on_request(&Lines, post, &env).await;
        assert_eq!(reply.status.as_u16(), status);
        let told = reply.headers.get("retry-after").map(|wait| wait.to_str().unwrap());
        assert_eq!(told, wait);
    }
}

/// One of whom nothing but its name, and who says so, is known.
struct Bare {
    hooks: Vec<Hook>,
    poster: Option<Poster>,
}

#[async_trait]
impl WebhookRelay for Bare {
    fn name(&self) -> &str {
        "bare"
    }

    fn hooks(&self) -> Vec<Hook> {
        self.hooks.clone()
    }

    fn poster(&self) -> Option<&Poster> {
        self.poster.as_ref()
    }
}

crate::plugin!(Bare: WebhookRelay);

#[tokio::test]
async fn a_half_that_is_not_written_takes_nothing_and_does_not_start() {
    let incoming = Bare { hooks: vec![Hook::open("/h")], poster: None };
    let bench = Bench::new();
    let env = bench.env(&incoming).unwrap();
    Plugin::start(&incoming, &env).await.unwrap();
    assert_eq!(Plugin::interest(&incoming), Interest::none());
    Plugin::run(&incoming, &env).await.unwrap();
    let reply = Plugin::on_request(&incoming, HookRequest::post("/h", "a"), &env).await;
    assert_eq!(reply.status.as_u16(), 501);
    let outgoing = Bare { hooks: Vec::new(), poster: Some(Poster::default()) };
    let expected = Interest::messages().observing().answering();
    assert_eq!(Plugin::interest(&outgoing), expected);
    let error = Plugin::start(&outgoing, &env).await.unwrap_err();
    let expected = "`WebhookRelay::endpoint` is not written: it is not known where";
    assert_eq!((error.is_permanent(), error.to_string().as_str()), (true, expected));
    let error = bench.text(&outgoing, "ann", "hi").await.unwrap_err();
    assert_eq!(error.to_string(), "its poster has not started");
}
