//! The plugin itself.

mod build;
mod files;

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use easebot_model::{Conversation, Draft, Event, Outgoing};
use easebot_plugin::{
    Context, Env, Flow, Hook, HookReply, HookRequest, Interest, Plugin, PluginError, SecretSource,
    Templates, Values,
};
use http::Method;
use serde_json::{Value, json};
use tracing::{debug, warn};

use crate::{
    body,
    fetch::Fetcher,
    format::{self, Post},
    guard::{Guard, UnusableSecret},
    keys::{Fetch, Format},
    rate::Rate,
    refusal::Refusal,
};

/// Says what webhooks bring.
#[derive(Debug)]
pub struct WebhookIn {
    name: String,
    /// Where relative paths of secrets start.
    folder: std::path::PathBuf,
    rules: Vec<Rule>,
    templates: Templates,
    fetcher: Fetcher,
}

/// One hook.
#[derive(Debug)]
struct Rule {
    /// Unique within the plugin; also the name of its template.
    path: String,
    format: Format,
    secret: Option<SecretSource>,
    /// Made of the secret at the start.
    guard: RwLock<Option<Arc<Guard>>>,
    to: Conversation,
    allowed: Vec<Conversation>,
    has_template: bool,
    limit_bytes: usize,
    per_minute: u32,
    rate: Rate,
    /// How often its refusals are worth a warning: who floods it shall not flood the log.
    warnings: Rate,
    max_chars: usize,
    fetch: Fetch,
    file_bytes: usize,
}

/// The longest text, whatever `max_chars` says: with notes about files it still goes out, in at most 20 messages.
const MAX_TEXT_BYTES: usize = 64_000;

/// What one request makes the bot say, checked and rendered.
struct Said {
    /// By which a repetition is known, and what the caller is told.
    id: String,
    to: Conversation,
    text: String,
    files: Vec<body::Attached>,
}

impl Rule {
    fn hook(&self) -> Hook {
        let hook = match self.secret {
            Some(_) => Hook::guarded(self.path.clone()),
            None => Hook::open(self.path.clone()),
        };
        let hook = hook.with_limit_bytes(self.limit_bytes);
        if self.takes_tail() { hook.with_tail() } else { hook }
    }

    /// Whether its secret may be the last part of the path.
    const fn takes_tail(&self) -> bool {
        let is_token = matches!(
            self.format,
            Format::Alertmanager | Format::Cloudevents | Format::Generic | Format::Slack
        );
        is_token && self.secret.is_some()
    }

    fn prove(&self, request: &HookRequest, env: &Env) -> Result<(), Refusal> {
        if self.secret.is_none() {
            return Ok(());
        }
        let guard = self.guard.read().unwrap_or_else(PoisonError::into_inner).clone();
        guard.ok_or(Refusal::Starting)?.check(request, env.now())?;
        Ok(())
    }

    /// Where a message goes: where the request wants it, if that is allowed, or where it always goes.
    fn target(&self, query: &Value, post: &Post) -> Result<Conversation, Refusal> {
        let named = match query.get("to").and_then(Value::as_str) {
            Some(to) => Some(
                to.parse::<Conversation>().map_err(|error| Refusal::unreadable("`to`", &error))?,
            ),
            // A channel of Slack's, such as `#ops`, is the sender's habit and no place here.
            None => post.to.as_deref().and_then(|to| to.parse().ok()),
        };
        match named {
            None => Ok(self.to.clone()),
            Some(to) if to == self.to || self.allowed.contains(&to) => Ok(to),
            Some(to) => Err(Refusal::Target { to }),
        }
    }

    fn cut(&self, text: &str) -> String {
        let text = text.trim();
        let end = text.char_indices().take(self.max_chars).map(|(at, c)| at + c.len_utf8());
        let end = end.take_while(|end| *end <= MAX_TEXT_BYTES).last().unwrap_or_default();
        let (kept, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        if rest.is_empty() {
            return kept.to_owned();
        }
        format!("{}…\n({} more characters)", kept.trim_end(), rest.chars().count())
    }
}

#[async_trait]
impl Plugin for WebhookIn {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        for rule in &self.rules {
            let Some(source) = &rule.secret else { continue };
            let secret = env.secret(source, &self.folder)?;
            let unusable = |source: UnusableSecret| StartError { path: rule.path.clone(), source };
            let guard = Guard::new(rule.format, &secret).map_err(unusable)?;
            *rule.guard.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(guard));
        }
        Ok(())
    }

    async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }

    fn hooks(&self) -> Vec<Hook> {
        self.rules.iter().map(Rule::hook).collect()
    }

    async fn on_request(&self, request: HookRequest, env: &Env) -> HookReply {
        let Some(rule) = self.rules.iter().find(|rule| rule.path == request.hook) else {
            return HookReply::text(404, "nothing is here\n");
        };
        if rule.format == Format::Cloudevents && request.method == Method::OPTIONS {
            return format::handshake(&request, rule.per_minute);
        }
        match self.take(rule, &request, env).await {
            Ok(reply) => reply,
            Err(refusal) => {
                // What it says holds nothing of the body, so the operator may read it.
                let reason = easebot_model::chain(&refusal);
                let (bot, status) = (&env.bot().name, refusal.status());
                if rule.warnings.take().is_ok() {
                    warn!(%bot, plugin = %self.name, hook = %rule.path, from = %request.from, status, %reason, "request refused");
                } else {
                    debug!(%bot, plugin = %self.name, hook = %rule.path, from = %request.from, status, %reason, "request refused");
                }
                refusal.reply(rule.format)
            }
        }
    }
}

/// The secret of a hook cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the hook `{path}` cannot be guarded")]
struct StartError {
    path: String,
    #[source]
    source: UnusableSecret,
}

impl WebhookIn {
    async fn take(
        &self,
        rule: &Rule,
        request: &HookRequest,
        env: &Env,
    ) -> Result<HookReply, Refusal> {
        if request.method != Method::POST {
            return Err(Refusal::Method);
        }
        rule.prove(request, env)?;
        rule.rate.take().map_err(|wait| Refusal::TooFast { wait })?;
        let hour = env.now().0 / 3_600_000;
        let posts = format::read(rule.format, request, hour).await?;
        // All of them are rendered before the first is said, so that a request is taken as a whole or not at all.
        let (query, headers) = (body::query(request), body::headers(request));
        let mut said = Vec::with_capacity(posts.len());
        for post in posts {
            said.push(self.render(rule, post, &query, &headers, env)?);
        }
        if matches!(query.get("dry_run").and_then(Value::as_str), Some("1" | "true")) {
            return Ok(dry_run(&said));
        }
        let (mut ids, mut n_skipped) = (Vec::new(), 0);
        for one in said {
            let id = one.id.clone();
            if self.say(rule, one, env).await? {
                ids.push(id);
            } else {
                n_skipped += 1;
            }
        }
        Ok(match (rule.format, ids.is_empty()) {
            (Format::Slack, _) => HookReply::text(200, "ok"),
            (_, true) => HookReply::json(200, &json!({ "skipped": n_skipped })),
            (Format::Cloudevents, _) => HookReply::json(202, &json!({ "ids": ids })),
            _ => HookReply::json(202, &json!({ "id": ids.pop() })),
        })
    }

    fn render(
        &self,
        rule: &Rule,
        post: Post,
        query: &Value,
        headers: &Value,
        env: &Env,
    ) -> Result<Said, Refusal> {
        let to = rule.target(query, &post)?;
        let text = if rule.has_template {
            let values = Values::of_bot(env.bot())
                .text("text", &post.text)
                .text("hook", &rule.path)
                .json("body", &post.body)
                .json("headers", headers)
                .json("query", query);
            self.templates.render(&rule.path, &values)?
        } else if post.text.trim().is_empty() && post.files.is_empty() {
            return Err(Refusal::NoText {
                reason: "the body has no `text`, `message` or the like with a text in it, and the hook has no template",
            });
        } else {
            post.text
        };
        let id = post.id.map_or_else(unique, Ok)?;
        Ok(Said { id, to, text: rule.cut(&text), files: post.files })
    }

    /// Whether there was something to say.
    async fn say(&self, rule: &Rule, said: Said, env: &Env) -> Result<bool, Refusal> {
        let (drafts, notes) = self.drafts(rule, said.files).await;
        let mut text = said.text;
        for note in notes {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&note);
        }
        if text.is_empty() && drafts.is_empty() {
            return Ok(false);
        }
        let text = Some(text).filter(|text| !text.is_empty()).map(Draft::new);
        for (index, draft) in text.into_iter().chain(drafts).enumerate() {
            // With the place: what two callers say in two places is no repetition, though they give it the same id.
            let key = format!("{} {} {index} {}", rule.path, said.to, said.id);
            env.send_once(&key, Outgoing::message(said.to.clone(), draft)).await?;
        }
        Ok(true)
    }
}

fn dry_run(said: &[Said]) -> HookReply {
    let messages: Vec<Value> = said
        .iter()
        .map(|one| {
            let files: Vec<Value> = one.files.iter().map(files::describe).collect();
            json!({ "to": one.to, "text": one.text, "id": one.id, "files": files })
        })
        .collect();
    HookReply::json(200, &json!({ "dry_run": true, "messages": messages }))
}

/// An id for a request that has none.
fn unique() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    // Without randomness two requests would have the same id, and the second would be dropped.
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Refusal::NotSaved)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
