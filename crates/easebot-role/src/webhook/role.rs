//! Who takes webhooks.

use async_trait::async_trait;
use easebot_model::{Event, Outgoing};
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Hook, HookReply, HookRequest, Interest, PluginError,
    SendError,
};
use serde_json::json;
use tracing::warn;

/// What a request makes the bot say, and what its caller is told once that is saved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Relay {
    /// Each thing with its key: what has a key that was there before, such as that of a request that is repeated, is not said again.
    pub said: Vec<(String, Outgoing)>,
    /// The answer.
    pub reply: HookReply,
}

impl Relay {
    /// Says nothing, and answers with `reply`.
    #[must_use]
    pub const fn answer(reply: HookReply) -> Self {
        Self { said: Vec::new(), reply }
    }

    /// Says `outgoing` under `key`, and answers with 202 and the key.
    pub fn say(key: impl Into<String>, outgoing: Outgoing) -> Self {
        let key = key.into();
        let reply = HookReply::json(202, &json!({ "id": key }));
        Self { said: vec![(key, outgoing)], reply }
    }

    /// The same, and says `outgoing` under `key` behind the rest.
    #[must_use]
    pub fn and(mut self, key: impl Into<String>, outgoing: Outgoing) -> Self {
        self.said.push((key.into(), outgoing));
        self
    }

    /// The same with another answer.
    #[must_use]
    pub fn with_reply(self, reply: HookReply) -> Self {
        Self { reply, ..self }
    }
}

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// What the caller is told.
    pub reply: Box<HookReply>,
    /// What the operator is told: nothing of the body and no secret.
    pub reason: String,
}

impl Refused {
    /// Both are told different things.
    pub fn new(reply: HookReply, reason: impl Into<String>) -> Self {
        Self { reply: Box::new(reply), reason: reason.into() }
    }

    /// Both are told `reason`: the caller as JSON, `{"error": reason}`, with `status`.
    pub fn json(status: u16, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::new(HookReply::json(status, &json!({ "error": reason })), reason)
    }

    /// The same with a header of the reply.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        Self::new(self.reply.with_header(name, value), self.reason)
    }
}

/// A plugin that says what webhooks bring: from an HTTP request to what the bot says.
///
/// [`plugin!`](crate::plugin!) makes a plugin of it. An author writes [`name`](Self::name), [`hooks`](Self::hooks),
/// [`verify`](Self::verify) and [`render`](Self::render). What a request makes the bot say is saved before it is answered, so that an
/// answer of 202 is a promise that holds. The built-in `webhook-in` is one.
///
/// ```
/// use async_trait::async_trait;
/// use easebot_model::{Conversation, Outgoing, Secret};
/// use easebot_plugin::{Env, Hook, HookRequest, Plugin, PluginError, testing::Bench};
/// use easebot_role::webhook::{self, Refused, Relay, WebhookRelay};
///
/// /// Tells a group of each build.
/// struct Builds {
///     secret: Secret,
/// }
///
/// #[async_trait]
/// impl WebhookRelay for Builds {
///     fn name(&self) -> &str {
///         "builds"
///     }
///
///     fn hooks(&self) -> Vec<Hook> {
///         vec![Hook::guarded("/hooks/builds")]
///     }
///
///     fn verify(&self, request: &HookRequest, _: &Env) -> Result<(), Refused> {
///         webhook::token(request, &self.secret)
///     }
///
///     async fn render(&self, request: &HookRequest, _: &Env) -> Result<Relay, Refused> {
///         let build: serde_json::Value = serde_json::from_slice(&request.body)
///             .map_err(|_| Refused::json(400, "the body is no JSON"))?;
///         let text = format!("build {} {}", build["id"], build["result"].as_str().unwrap_or("ended"));
///         Ok(Relay::say(build["id"].to_string(), Outgoing::text(Conversation::group("ops"), text)))
///     }
/// }
///
/// easebot_role::plugin!(Builds: WebhookRelay);
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (builds, bench) = (Builds { secret: Secret::new("s3cret") }, Bench::new());
/// let env = bench.env(&builds)?;
/// let post = || HookRequest::post("/hooks/builds", r#"{ "id": 7, "result": "failed" }"#);
/// assert_eq!(Plugin::on_request(&builds, post(), &env).await.status, 401);
/// let proven = post().with_header("authorization", "Bearer s3cret");
/// assert_eq!(Plugin::on_request(&builds, proven, &env).await.status, 202);
/// assert_eq!(bench.said()[0].outgoing, Outgoing::text(Conversation::group("ops"), "build 7 failed"));
/// # Ok::<(), PluginError>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `WebhookRelay`",
    label = "it does not say what a request makes the bot say",
    note = "write `#[async_trait] impl WebhookRelay for {Self}` with `name`, `hooks`, `verify` and `render`"
)]
#[async_trait]
pub trait WebhookRelay: Send + Sync + 'static {
    /// As [`Plugin::name`](easebot_plugin::Plugin::name).
    fn name(&self) -> &str;

    /// As [`Plugin::hooks`](easebot_plugin::Plugin::hooks): where it takes requests.
    fn hooks(&self) -> Vec<Hook>;

    /// Whether `request` is one to be taken at all: it proves who sent it, and does not come too often.
    ///
    /// # Errors
    /// [`Refused`] with what its caller is told.
    fn verify(&self, request: &HookRequest, env: &Env) -> Result<(), Refused>;

    /// What `request`, which was verified, makes the bot say, and where. All of it is known before the first of it is said, so that a
    /// request is taken as a whole or not at all.
    ///
    /// # Errors
    /// [`Refused`] with what its caller is told.
    async fn render(&self, request: &HookRequest, env: &Env) -> Result<Relay, Refused>;

    /// What the caller is told when something could not be saved: 422 if it can never be sent, and 503 otherwise, with a wait of 5 s.
    fn unsaid(&self, request: &HookRequest, error: &SendError) -> Refused {
        let _ = request;
        match error {
            SendError::Refused { .. } | SendError::NoConversation { .. } => {
                Refused::json(422, error.to_string())
            }
            _ => Refused::json(503, "it could not be saved").with_header("retry-after", "5"),
        }
    }

    /// A request was refused: by default the log has it, as a warning.
    fn on_refused(&self, request: &HookRequest, refused: &Refused, env: &Env) {
        let (bot, plugin, status) = (&env.bot().name, env.plugin(), refused.reply.status.as_u16());
        let (hook, from, reason) = (&request.hook, request.from, &refused.reason);
        warn!(%bot, %plugin, %hook, %from, status, %reason, "request refused");
    }

    /// As [`Plugin::on_request`](easebot_plugin::Plugin::on_request): verifies, renders, says and answers.
    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        match relay(self, &request, env).await {
            Ok(reply) => reply,
            Err(refused) => {
                self.on_refused(&request, &refused, env);
                *refused.reply
            }
        }
    }

    /// As [`Plugin::interest`](easebot_plugin::Plugin::interest). Nothing by default.
    fn interest(&self) -> Interest {
        Interest::none()
    }

    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event). Nothing by default.
    ///
    /// # Errors
    /// As there.
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let _ = (event, cx);
        Ok(Flow::Continue)
    }

    /// As [`Plugin::start`](easebot_plugin::Plugin::start). Nothing by default.
    ///
    /// # Errors
    /// As there.
    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// As [`Plugin::run`](easebot_plugin::Plugin::run). Nothing by default.
    ///
    /// # Errors
    /// As there.
    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        let _ = env;
        Ok(())
    }

    /// As [`Plugin::explain`](easebot_plugin::Plugin::explain). By default it goes by [`interest`](Self::interest) alone.
    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        match self.interest().refuses(event, &bot.user) {
            Some(reason) => Explanation::leaves(reason),
            None => Explanation::asked("it wants events of this kind"),
        }
    }

    /// As [`Plugin::stop`](easebot_plugin::Plugin::stop). Nothing by default.
    async fn stop(&self) {}
}

async fn relay<W: WebhookRelay + ?Sized>(
    it: &W,
    request: &HookRequest,
    env: &Env,
) -> Result<HookReply, Refused> {
    it.verify(request, env)?;
    let Relay { said, reply } = it.render(request, env).await?;
    for (key, outgoing) in said {
        let sent = env.send_once(&key, outgoing).await;
        sent.map_err(|error| it.unsaid(request, &error))?;
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use easebot_model::Conversation;
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
}
