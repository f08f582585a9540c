//! From the keys to the plugin, or to every problem in them.

use std::{sync::Arc, time::Duration};

use easebot_http::{Outgoing, Reach, Rules, is_public};
use easebot_model::{Conversation, ConversationKind, Secret};
use easebot_plugin::{At, BuildEnv, Configured, Interest, Problem, Problems, nearest};
use easebot_role::webhook::{Endpoint, Poster, Posting, Signer};
use url::{Host, Url};

use super::WebhookOut;
use crate::{
    fetch::REDIRECTS,
    keys::{Chosen, WebhookOutKeys, event_names},
    replies::Allowed,
};

impl Configured for WebhookOut {
    const KIND: &'static str = "webhook-out";
    const ABOUT: &'static str =
        "Posts events as signed webhooks, and says what the answers carry: a bot in any language.";
    type Config = WebhookOutKeys;

    fn build(keys: WebhookOutKeys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        check_url(&keys, problems);
        for secret in keys.secret.iter().chain(&keys.old_secret) {
            let fault =
                |secret: &Secret| Signer::standard([secret]).err().map(|error| error.to_string());
            env.check_secret_of(secret, fault, problems);
        }
        if let Some(token) = &keys.token {
            let fault =
                |token: &Secret| Endpoint::bearer(token).err().map(|error| error.to_string());
            env.check_secret_of(token, fault, problems);
        }
        problems.within(&keys.request_secs, 1..=60);
        problems.within(&keys.parallel, 1..=64);
        problems.within(&keys.hold_secs, 0..=WEEK_SECS);
        problems.within(&keys.queue, 1..=100_000);
        problems.within(&keys.dead_letters, 1..=100_000);
        if keys.retry_secs.len() > MAX_RETRIES {
            let message = format!("at most {MAX_RETRIES} further tries");
            problems.push(Problem::error(keys.retry_secs.span(), message));
        }
        if keys.retry_secs.iter().any(|secs| !(1..=WEEK_SECS).contains(secs)) {
            let message = format!("each wait must be 1 to {WEEK_SECS}");
            problems.push(Problem::error(keys.retry_secs.span(), message));
        }
        let allowed = allowed(&keys.allowed, problems);
        let interest = interest(&keys, problems);
        let posting = Posting {
            parallel: *keys.parallel,
            retries: keys.retry_secs.iter().copied().map(Duration::from_secs).collect(),
            hold: Duration::from_secs(*keys.hold_secs),
            queue: *keys.queue,
            dead_letters: *keys.dead_letters,
        };
        let reach = if keys.allow_private { Reach::Any } else { Reach::Public };
        let timeout = Duration::from_secs(*keys.request_secs);
        let web = |max_redirects| Arc::new(Outgoing::new(Rules { reach, max_redirects, timeout }));
        Some(Self {
            name: env.plugin.clone(),
            folder: env.folder.clone(),
            url: keys.url.into_inner(),
            secrets: keys.secret.into_iter().chain(keys.old_secret).collect(),
            token: keys.token,
            interest,
            replies: keys.replies,
            allowed,
            poster: Poster::new(posting),
            posting: web(0),
            fetching: web(REDIRECTS),
        })
    }
}

const MAX_RETRIES: usize = 20;
const WEEK_SECS: u64 = 7 * 24 * 60 * 60;

fn check_url(keys: &WebhookOutKeys, problems: &mut Problems) {
    let span = keys.url.span();
    let url = Url::parse(&keys.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some((url, host)) = url.as_ref().and_then(|url| Some((url, url.host()?))) else {
        problems.push(
            Problem::error(span, "events cannot be posted to this address")
                .hint("an address is such as `https://example.org/chat`"),
        );
        return;
    };
    if !url.username().is_empty() || url.password().is_some() {
        problems.push(Problem::error(span, "a password does not belong into the address").hint(
            "write `token = { env = \"NAME\" }`: it goes along as `Authorization: Bearer …`",
        ));
    }
    let (is_here, is_private) = match host {
        Host::Domain(name) => (name == "localhost", name == "localhost"),
        Host::Ipv4(address) => (address.is_loopback(), !is_public(address.into())),
        Host::Ipv6(address) => (address.is_loopback(), !is_public(address.into())),
    };
    if is_private && !keys.allow_private {
        problems.push(
            Problem::error(span, "the address belongs to this machine or its network")
                .hint("`allow_private = true` allows that"),
        );
    }
    if keys.secret.is_none() && !is_here {
        problems.push(
            Problem::error(span, "without a `secret` the receiver cannot know who posts")
                .hint("`secret = { env = \"NAME\" }`, with `whsec_` and the base64 of 32 random bytes in it"),
        );
    }
    if url.scheme() == "http" && !is_private && !is_here {
        problems.push(
            Problem::notice(span, "what people write is posted without encryption")
                .hint("`https` encrypts it"),
        );
    }
}

fn allowed(texts: &[At<String>], problems: &mut Problems) -> Allowed {
    let mut allowed = Allowed::default();
    for text in texts {
        if text.as_str() == "*" {
            allowed.any = true;
            continue;
        }
        match text.parse::<Conversation>() {
            Ok(conversation) => allowed.listed.push(conversation),
            Err(error) => problems.push(Problem::error(text.span(), error.to_string())),
        }
    }
    allowed
}

fn interest(keys: &WebhookOutKeys, problems: &mut Problems) -> Interest {
    if keys.events.is_empty() {
        problems.push(
            Problem::error(None, "`events` names none").hint("leave it out for all messages"),
        );
    }
    let (mut bodies, mut kinds) = (Vec::new(), Vec::new());
    for name in &keys.events {
        match Chosen::named(name) {
            Some(Chosen::Body(body)) => bodies.push(body),
            Some(Chosen::Event(kind)) => kinds.push(kind),
            None => {
                let problem =
                    Problem::error(name.span(), format!("there is no event `{}`", **name));
                problems.push(match nearest(name, event_names()) {
                    Some(known) => problem.hint(format!("did you mean `{known}`?")),
                    None => problem.hint(format!("there are: {}", event_names().join(", "))),
                });
            }
        }
    }
    let all_messages = kinds.contains(&easebot_model::EventKind::Message);
    let messages = match (all_messages, bodies.is_empty()) {
        (true, _) => Interest::messages(),
        (false, true) => Interest::none(),
        (false, false) => Interest::messages().bodies(bodies),
    };
    let interest = kinds.into_iter().fold(messages, Interest::and).observing();
    let interest = if keys.replies { interest.answering() } else { interest };
    let interest = if keys.said { interest.with_said() } else { interest };
    match &keys.within {
        None => interest,
        Some(places) => {
            interest.conversations(places.iter().map(|place| ConversationKind::from(*place)))
        }
    }
}
