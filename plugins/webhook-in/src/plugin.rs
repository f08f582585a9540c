//! The plugin itself.

mod build;
mod files;
mod role;

use std::sync::{Arc, PoisonError, RwLock};

use easebot_model::{Conversation, Draft, Outgoing};
use easebot_plugin::{Env, Hook, HookReply, HookRequest, SecretSource, Templates, Values};
use easebot_role::webhook::{Guard, Rate, Relay};
use http::Method;
use serde_json::{Value, json};

use crate::{
    body,
    fetch::Fetcher,
    format::{self, Post},
    keys::{Fetch, Format},
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

impl WebhookIn {
    /// The hook at which `request` is.
    fn rule(&self, request: &HookRequest) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.path == request.hook)
    }

    /// Whether `request` is to be taken at all.
    fn prove(&self, rule: &Rule, request: &HookRequest, env: &Env) -> Result<(), Refusal> {
        if is_handshake(rule, request) {
            return Ok(());
        }
        if request.method != Method::POST {
            return Err(Refusal::Method);
        }
        rule.prove(request, env)?;
        rule.rate.take().map_err(|wait| Refusal::TooFast { wait })
    }

    async fn take(&self, rule: &Rule, request: &HookRequest, env: &Env) -> Result<Relay, Refusal> {
        if is_handshake(rule, request) {
            return Ok(Relay::answer(format::handshake(request, rule.per_minute)));
        }
        let hour = env.now().0 / 3_600_000;
        let posts = format::read(rule.format, request, hour, &env.bots()).await?;
        // All of them are rendered before the first is said, so that a request is taken as a whole or not at all.
        let (query, headers) = (body::query(request), body::headers(request));
        let mut said = Vec::with_capacity(posts.len());
        for post in posts {
            said.push(self.render_post(rule, post, &query, &headers, env)?);
        }
        if matches!(query.get("dry_run").and_then(Value::as_str), Some("1" | "true")) {
            return Ok(Relay::answer(dry_run(&said)));
        }
        let (mut ids, mut n_skipped) = (Vec::new(), 0);
        let mut relay = Relay::answer(HookReply::text(200, "ok"));
        for one in said {
            let (to, id) = (one.to.clone(), one.id.clone());
            let drafts = self.messages(rule, one).await;
            if drafts.is_empty() {
                n_skipped += 1;
                continue;
            }
            for (index, draft) in drafts {
                // With the conversation: what two callers say in two places is no repetition, though they give it the same id.
                let key = format!("{} {to} {index} {id}", rule.path);
                relay = relay.and(key, Outgoing::message(to.clone(), draft));
            }
            ids.push(id);
        }
        Ok(match (rule.format, ids.is_empty()) {
            (Format::Slack, _) => relay,
            // Nothing but 200 counts as taken, and a message that waits for this goes out.
            (Format::Easemob, _) => {
                relay.with_reply(HookReply::json(200, &json!({ "valid": true })))
            }
            (_, true) => relay.with_reply(HookReply::json(200, &json!({ "skipped": n_skipped }))),
            (Format::Cloudevents, _) => {
                relay.with_reply(HookReply::json(202, &json!({ "ids": ids })))
            }
            _ => relay.with_reply(HookReply::json(202, &json!({ "id": ids.pop() }))),
        })
    }

    fn render_post(
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

    /// The messages of `said`, each with its number; none if there is nothing to say. A file has the number of its place, whether
    /// those before it go along or not: when the caller says the same again they may.
    async fn messages(&self, rule: &Rule, said: Said) -> Vec<(usize, Draft)> {
        let (drafts, notes) = self.drafts(rule, said.files).await;
        let mut text = said.text;
        for note in notes {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&note);
        }
        let text = Some(text).filter(|text| !text.is_empty()).map(|text| (0, Draft::new(text)));
        let files = drafts.into_iter().map(|(place, draft)| (place + 1, draft));
        text.into_iter().chain(files).collect()
    }
}

/// Whether `request` only asks whether it may come.
fn is_handshake(rule: &Rule, request: &HookRequest) -> bool {
    rule.format == Format::Cloudevents && request.method == Method::OPTIONS
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
