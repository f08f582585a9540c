//! The plugin in its role.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use easebot_model::chain;
use easebot_plugin::{Env, Hook, HookReply, HookRequest, PluginError, SendError};
use easebot_role::webhook::{Refused, Relay, WebhookRelay};
use tracing::{debug, warn};

use super::{Rule, WebhookIn};
use crate::{
    guard::{UnusableSecret, guard},
    refusal::Refusal,
};

/// The secret of a hook cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the hook `{path}` cannot be guarded")]
struct StartError {
    path: String,
    #[source]
    source: UnusableSecret,
}

#[async_trait]
impl WebhookRelay for WebhookIn {
    fn name(&self) -> &str {
        &self.name
    }

    fn hooks(&self) -> Vec<Hook> {
        self.rules.iter().map(Rule::hook).collect()
    }

    async fn start(&self, env: &Env) -> Result<(), PluginError> {
        for rule in &self.rules {
            let Some(source) = &rule.secret else { continue };
            let secret = env.secret(source, &self.folder)?;
            let unusable = |source: UnusableSecret| StartError { path: rule.path.clone(), source };
            let guard = guard(rule.format, &secret).map_err(unusable)?;
            *rule.guard.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(guard));
        }
        Ok(())
    }

    fn verify(&self, request: &HookRequest, env: &Env) -> Result<(), Refused> {
        let rule = self.rule(request).ok_or_else(nothing)?;
        self.prove(rule, request, env).map_err(|refusal| refused(rule, &refusal))
    }

    async fn render(&self, request: &HookRequest, env: &Env) -> Result<Relay, Refused> {
        let rule = self.rule(request).ok_or_else(nothing)?;
        self.take(rule, request, env).await.map_err(|refusal| refused(rule, &refusal))
    }

    fn unsaid(&self, request: &HookRequest, error: &SendError) -> Refused {
        let refusal = Refusal::from(error.clone());
        self.rule(request).map_or_else(nothing, |rule| refused(rule, &refusal))
    }

    fn on_refused(&self, request: &HookRequest, refused: &Refused, env: &Env) {
        let Refused { reply, reason, .. } = refused;
        let (bot, status) = (&env.bot().name, reply.status.as_u16());
        let (hook, from) = (&request.hook, request.from);
        if self.rule(request).is_some_and(|rule| rule.warnings.take().is_ok()) {
            warn!(%bot, plugin = %self.name, %hook, %from, status, %reason, "request refused");
        } else {
            debug!(%bot, plugin = %self.name, %hook, %from, status, %reason, "request refused");
        }
    }
}

easebot_role::plugin!(WebhookIn: WebhookRelay);

/// No hook of this plugin.
fn nothing() -> Refused {
    Refused::new(HookReply::text(404, "nothing is here\n"), "nothing is here")
}

/// What it says holds nothing of the body, so the operator may read it.
fn refused(rule: &Rule, refusal: &Refusal) -> Refused {
    Refused::new(refusal.reply(rule.format), chain(refusal))
}
