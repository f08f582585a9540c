//! Who takes webhooks, and posts them.

use async_trait::async_trait;
use easebot_http::Request;
use easebot_model::Event;
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Hook, HookReply, HookRequest, Interest, PluginError,
    SendError,
};
use tracing::warn;

use super::{Answer, Delivery, Endpoint, Post, Posted, Poster, Refused, Relay};

/// A plugin between a bot and the web: what webhooks bring is said, and what happens is posted.
///
/// [`plugin!`](crate::plugin!) makes a plugin of it. An author writes [`name`](Self::name) and one half, or both.
///
/// # From a request to what the bot says
///
/// [`hooks`](Self::hooks), [`verify`](Self::verify) and [`render`](Self::render). What a request makes the bot say is saved before it
/// is answered, so that an answer of 202 is a promise that holds. The built-in `webhook-in` is such a one.
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
///
/// # From an event to a request, and from its answer to what the bot says
///
/// [`poster`](Self::poster), [`endpoint`](Self::endpoint) and [`post`](Self::post), and [`answered`](Self::answered) if the answer
/// matters. The [`Poster`] has the rest: the saved queue, order, pace, tries, dead letters. The built-in `webhook-out` is such a one.
///
/// ```
/// use async_trait::async_trait;
/// use easebot_http::{StandIn, stay_inside};
/// use easebot_model::{Conversation, Event, Outgoing, Secret};
/// use easebot_plugin::{Context, Env, Plugin, PluginError, testing::Bench};
/// use easebot_role::webhook::{Answer, Endpoint, Post, Posted, Poster, Signer, WebhookRelay};
///
/// /// Has questions answered elsewhere.
/// struct Oracle {
///     secret: Secret,
///     poster: Poster,
/// }
///
/// #[async_trait]
/// impl WebhookRelay for Oracle {
///     fn name(&self) -> &str {
///         "oracle"
///     }
///
///     fn poster(&self) -> Option<&Poster> {
///         Some(&self.poster)
///     }
///
///     fn endpoint(&self, _: &Env) -> Result<Endpoint, PluginError> {
///         Ok(Endpoint::new("https://oracle.example/ask")?.signed(Signer::standard([&self.secret])?))
///     }
///
///     async fn post(&self, event: &Event, _: &Context) -> Result<Option<Post>, PluginError> {
///         let question = event.as_message().map(|message| message.text()).filter(|text| text.ends_with('?'));
///         Ok(question.map(|question| Post::text("text/plain", question)))
///     }
///
///     async fn answered(&self, posted: &Posted<'_>, answer: &Answer) -> Result<(), PluginError> {
///         posted.reply(String::from_utf8_lossy(answer.body()).into_owned()).await
///     }
/// }
///
/// easebot_role::plugin!(Oracle: WebhookRelay);
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// stay_inside(|_| Some(StandIn { status: 200, headers: Vec::new(), body: "42".to_owned() }));
/// let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
/// let (oracle, bench) = (Oracle { secret, poster: Poster::default() }, Bench::new());
/// let env = bench.env(&oracle)?;
/// Plugin::start(&oracle, &env).await?;
/// bench.text(&oracle, "ann", "what is it?").await?;
/// tokio::select! {
///     ended = Plugin::run(&oracle, &env) => ended?,
///     () = bench.settled() => {}
/// }
/// assert_eq!(bench.said()[0].outgoing, Outgoing::text(Conversation::user("ann"), "42"));
/// # Ok::<(), PluginError>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `WebhookRelay`",
    label = "it says neither what a request makes the bot say nor what is posted of an event",
    note = "write `#[async_trait] impl WebhookRelay for {Self}` with `name`, and `hooks`, `verify` and `render` for what comes in, or `poster`, `endpoint` and `post` for what goes out"
)]
#[async_trait]
pub trait WebhookRelay: Send + Sync + 'static {
    /// As [`Plugin::name`](easebot_plugin::Plugin::name).
    fn name(&self) -> &str;

    /// As [`Plugin::hooks`](easebot_plugin::Plugin::hooks): where it takes requests. Nowhere by default.
    fn hooks(&self) -> Vec<Hook> {
        Vec::new()
    }

    /// Whether `request` is one to be taken at all: it proves who sent it, and does not come too often. By default it is not: who
    /// takes requests has to say whose.
    ///
    /// # Errors
    /// [`Refused`] with what its caller is told.
    fn verify(&self, request: &HookRequest, env: &Env) -> Result<(), Refused> {
        let _ = (request, env);
        Err(unwritten("verify"))
    }

    /// What `request`, which was verified, makes the bot say, and where. All of it is known before the first of it is said, so that a
    /// request is taken as a whole or not at all.
    ///
    /// # Errors
    /// [`Refused`] with what its caller is told. By default it is: who takes requests has to say what for.
    async fn render(&self, request: &HookRequest, env: &Env) -> Result<Relay, Refused> {
        let _ = (request, env);
        Err(unwritten("render"))
    }

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

    /// Who posts for it, the same one each time. None by default: then it posts nothing.
    fn poster(&self) -> Option<&Poster> {
        None
    }

    /// Where events are posted. Asked for once, at the start.
    ///
    /// # Errors
    /// The plugin does not start. By default it does not: who posts has to say where.
    fn endpoint(&self, env: &Env) -> Result<Endpoint, PluginError> {
        let _ = env;
        Err(PluginError::permanent(
            "`WebhookRelay::endpoint` is not written: it is not known where",
        ))
    }

    /// What is posted of `event`; none if nothing is. Called for what it is [interested](Self::interest) in, perhaps again after a
    /// crash: it should have no other effect.
    ///
    /// # Errors
    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event). By default it fails: who posts has to say what.
    async fn post(&self, event: &Event, cx: &Context) -> Result<Option<Post>, PluginError> {
        let _ = (event, cx);
        Err(PluginError::permanent("`WebhookRelay::post` is not written: it is not known what"))
    }

    /// A try of `delivery` begins with `request`, which has its headers but for the signature. What is not the same for each try and is
    /// not saved comes here, such as a token that runs out or a signature of the endpoint's own kind. Nothing by default.
    ///
    /// # Errors
    /// The try has failed: there is another, or if the error is permanent, or it was the last, a dead letter. To panic, and to
    /// take longer than 15 minutes, is an error, too.
    async fn prepare(
        &self,
        request: &mut Request,
        delivery: &Delivery,
        env: &Env,
    ) -> Result<(), PluginError> {
        let _ = (request, delivery, env);
        Ok(())
    }

    /// The endpoint has taken an event, with an answer of 2xx: says what follows from it, with [`Posted::reply`] and
    /// [`Posted::say`]. Called again if the event is posted again, which is so after a crash at the wrong moment. Not called for
    /// what the bot itself said and for what another bot answers. By default nothing follows.
    ///
    /// Other answers are judged by the role: 408, 425, 429, 5xx, 3xx and none at all lead to a further try, 410 switches the endpoint
    /// off, and others of 4xx make a dead letter.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare): for an endpoint that says in its answer that it did not take the event.
    async fn answered(&self, posted: &Posted<'_>, answer: &Answer) -> Result<(), PluginError> {
        let _ = (posted, answer);
        Ok(())
    }

    /// As [`Plugin::interest`](easebot_plugin::Plugin::interest). By default nothing; with a [`poster`](Self::poster) messages of every
    /// kind, whoever else answers them.
    fn interest(&self) -> Interest {
        match self.poster() {
            Some(_) => Interest::messages().observing().answering(),
            None => Interest::none(),
        }
    }

    /// As [`Plugin::on_event`](easebot_plugin::Plugin::on_event): saves what is [posted](Self::post) of it.
    ///
    /// # Errors
    /// Those of [`post`](Self::post). If too many events wait, a permanent one, with which the event is a dead letter of the inbox.
    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        match self.poster() {
            Some(poster) => poster.take(self, event, cx).await,
            None => Ok(Flow::Continue),
        }
    }

    /// As [`Plugin::start`](easebot_plugin::Plugin::start): starts the [`poster`](Self::poster).
    ///
    /// # Errors
    /// As [`Poster::start`].
    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        match self.poster() {
            Some(poster) => poster.start(self, env).await,
            None => Ok(()),
        }
    }

    /// As [`Plugin::run`](easebot_plugin::Plugin::run): posts what waits.
    ///
    /// # Errors
    /// If the store does not answer.
    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        match self.poster() {
            Some(poster) => poster.work(self, env).await,
            None => Ok(()),
        }
    }

    /// As [`Plugin::explain`](easebot_plugin::Plugin::explain). By default it goes by [`interest`](Self::interest) alone.
    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        match (self.interest().refuses(event, &bot.user), self.poster()) {
            (Some(reason), _) => Explanation::leaves(reason),
            (None, Some(_)) => Explanation::asked("it would be queued and posted to the endpoint"),
            (None, None) => Explanation::asked("it wants events of this kind"),
        }
    }

    /// As [`Plugin::stop`](easebot_plugin::Plugin::stop): stops the [`poster`](Self::poster).
    async fn stop(&self) {
        if let Some(poster) = self.poster() {
            poster.stop().await;
        }
    }
}

/// What is told to the caller of a relay that has hooks, but not this method.
fn unwritten(method: &str) -> Refused {
    let reply = HookReply::text(501, "this plugin takes no requests\n");
    Refused::new(reply, format!("`WebhookRelay::{method}` is not written: no request is taken"))
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
mod tests;
