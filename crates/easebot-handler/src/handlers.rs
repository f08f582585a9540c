//! Handlers in their order, and the plugin that they make.

use std::{
    any::type_name,
    borrow::Cow,
    collections::HashSet,
    fmt,
    panic::{AssertUnwindSafe, Location},
    sync::Arc,
};

use async_trait::async_trait;
use easebot_model::{BodyKind, Event};
use easebot_plugin::{
    BotInfo, Context, Env, Explanation, Flow, Interest, Plugin, PluginError, Verdict,
};
use futures_util::FutureExt;
use thiserror::Error;

use crate::{
    Dialogues, Filter, Handler, Needs, States, Steps,
    dialogue::{self, Kept, Run},
    handler::Running,
};

/// Builds a plugin from handlers.
pub struct Handlers {
    name: String,
    entries: Vec<Entry>,
    states: States,
    dialogues: Vec<Box<dyn Kept>>,
    troubles: Vec<Trouble>,
}

/// A handler with its filter.
struct Entry {
    /// Name of its function and where it was added.
    name: Arc<str>,
    filter: Filter,
    needs: Needs,
    /// Places in the plugin's list of those that are loaded before it is asked.
    dialogues: Vec<usize>,
    call: Box<Call>,
}

type Call = dyn for<'c> Fn(&Event, &'c Context, &States) -> Option<Running<'c>> + Send + Sync;

/// All that keeps handlers from being a plugin.
#[derive(Debug, Error)]
#[error("the plugin `{plugin}` cannot be built:{}", list(troubles))]
pub struct BuildError {
    /// Its name.
    pub plugin: String,
    /// Each thing that is wrong, in the order of the handlers.
    pub troubles: Vec<Trouble>,
}

fn list(troubles: &[Trouble]) -> String {
    troubles.iter().map(|trouble| format!("\n  - {trouble}")).collect()
}

/// One thing that keeps handlers from being a plugin.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// Two dialogues are saved under one name.
    #[error(
        "two dialogues have the name `{name}`, under which each is saved: give each type of steps one of its own, and its settings once"
    )]
    DialogueTwice {
        /// The name.
        name: &'static str,
    },
    /// There is no handler at all.
    #[error("it has no handler")]
    Empty,
    /// A handler needs a state that nobody gave.
    #[error("{handler} needs a `State<{state}>`, and there is none: give one with `.state(…)`")]
    NoState {
        /// The function and where it was added.
        handler: String,
        /// Name of the type.
        state: &'static str,
    },
    /// What a parameter of a handler needs cannot be made, such as a set of commands of which two have one name.
    #[error("{handler}: {reason}")]
    Wrong {
        /// The function and where it was added.
        handler: String,
        /// What is wrong.
        reason: String,
    },
    /// Two states have the same type, so that handlers could not tell them apart.
    #[error("two states are of the type `{state}`: wrap one in a type of its own")]
    StateTwice {
        /// Name of the type.
        state: &'static str,
    },
    /// No event has all that a handler needs, such as a text and an image at once.
    #[error("{handler} is never asked: no event has all that its parameters and its filter want")]
    NeverAsked {
        /// The function and where it was added.
        handler: String,
    },
}

impl Handlers {
    /// None so far. The name is the plugin's, unique within the bot: what it says and saves is kept under it.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            entries: Vec::new(),
            states: States::default(),
            dialogues: Vec::new(),
            troubles: Vec::new(),
        }
    }

    /// Gives handlers a value of which they can have a [`State`](crate::State) by its type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.shared_state(Arc::new(value))
    }

    /// [`state`](Self::state) with a value that others have, too.
    #[must_use]
    pub fn shared_state<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        if self.states.put(value) {
            self.troubles.push(Trouble::StateTwice { state: type_name::<T>() });
        }
        self
    }

    /// Says how dialogues of the steps `S` go: their time-out, the words that end them, and what is said then. Without this
    /// they are as [`Dialogues::new`] says.
    #[must_use]
    pub fn dialogue<S: Steps>(mut self, dialogues: Dialogues<S>) -> Self {
        self.dialogues.push(Box::new(dialogues));
        self
    }

    /// Adds a handler, behind those that were added before: of the first one whose parameters can be made of an event, and
    /// whose `filter` agrees, the future is run, and it takes the event unless it returns [`Flow::Continue`].
    #[must_use]
    #[track_caller]
    pub fn on<Args, H: Handler<Args>>(mut self, filter: Filter, handler: H) -> Self {
        let at = Location::caller();
        let mut needs = Needs::default();
        H::needs(&mut needs);
        filter.needs(&mut needs);
        self.entries.push(Entry {
            name: format!("`{}` at {}:{}", type_name::<H>(), at.file(), at.line()).into(),
            filter: filter & Filter::of(H::interest()),
            needs,
            dialogues: Vec::new(),
            call: Box::new(move |event, cx, states| handler.call(event, cx, states)),
        });
        self
    }

    /// The plugin.
    ///
    /// # Errors
    /// [`BuildError`] with everything that is missing.
    pub fn build(self) -> Result<HandlersPlugin, BuildError> {
        let Self { name, mut entries, mut states, mut dialogues, mut troubles } = self;
        if entries.is_empty() {
            troubles.push(Trouble::Empty);
        }
        for entry in &mut entries {
            let unmade = entry.needs.make(&mut states).into_iter();
            troubles.extend(
                unmade.map(|reason| Trouble::Wrong { handler: entry.name.to_string(), reason }),
            );
            let missing = entry.needs.missing_in(&states);
            troubles.extend(
                missing.map(|state| Trouble::NoState { handler: entry.name.to_string(), state }),
            );
            if entry.filter.interest().is_none() {
                troubles.push(Trouble::NeverAsked { handler: entry.name.to_string() });
            }
            for needed in entry.needs.dialogues() {
                let known = dialogues.iter().position(|kept| kept.id() == needed.id());
                let place = known.unwrap_or(dialogues.len());
                if known.is_none() {
                    dialogues.push(needed);
                }
                if !entry.dialogues.contains(&place) {
                    entry.dialogues.push(place);
                }
            }
        }
        let mut names = HashSet::new();
        let twice = dialogues.iter().map(|kept| kept.name()).filter(|name| !names.insert(*name));
        troubles.extend(twice.map(|name| Trouble::DialogueTwice { name }));
        if troubles.is_empty() {
            Ok(HandlersPlugin { name, entries, states, dialogues })
        } else {
            Err(BuildError { plugin: name, troubles })
        }
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("name", &self.name)
            .field("n", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// The plugin that [`Handlers`] make.
pub struct HandlersPlugin {
    name: String,
    entries: Vec<Entry>,
    states: States,
    dialogues: Vec<Box<dyn Kept>>,
}

impl HandlersPlugin {
    /// Ends what `event` asks to end, if it is one of the words for it and its writer is in a dialogue.
    async fn cancel(
        &self,
        event: &Event,
        cx: &Context,
        states: &mut Cow<'_, States>,
    ) -> Result<bool, PluginError> {
        let Some(message) = event.as_message() else { return Ok(false) };
        let mut is_cancelled = false;
        for dialogue in self.dialogues.iter().filter(|kept| kept.is_cancelled_by(message.text())) {
            is_cancelled |= dialogue.cancel(message, cx, states.to_mut()).await?;
        }
        Ok(is_cancelled)
    }

    /// Whether `entry` is asked, with all that it needs of what is saved.
    async fn asks(
        &self,
        entry: &Entry,
        event: &Event,
        cx: &Context,
        states: &mut Cow<'_, States>,
    ) -> Result<bool, PluginError> {
        if !entry.filter.agrees(event, cx.bot()) {
            return Ok(false);
        }
        if let Some(message) = event.as_message() {
            for dialogue in entry.dialogues.iter().filter_map(|at| self.dialogues.get(*at)) {
                dialogue.load(message, cx, states.to_mut()).await?;
            }
            entry.needs.load(message, cx, states).await?;
        }
        Ok(entry.filter.agrees_to_saved(event, cx.bot(), states))
    }
}

impl fmt::Debug for HandlersPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlersPlugin")
            .field("name", &self.name)
            .field("n", &self.entries.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Plugin for HandlersPlugin {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        self.entries.iter().fold(Interest::none(), |all, entry| {
            let interest = entry.filter.interest();
            // A dialogue in which an image is waited for is cancelled by a text.
            let texts = interest.bodies([BodyKind::Text]);
            let cancels = if entry.dialogues.is_empty() { Interest::none() } else { texts };
            all.union(interest).union(cancels)
        })
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        // Copied for an event that needs something else than the others.
        let mut states = Cow::Borrowed(&self.states);
        // Only a dialogue ends a run from within.
        let run = (!self.dialogues.is_empty()).then(|| Arc::new(Run::default()));
        if let Some(run) = &run {
            states.to_mut().load(Arc::clone(run));
        }
        if self.cancel(event, cx, &mut states).await? {
            return Ok(Flow::Stop);
        }
        for entry in &self.entries {
            let is_asked = self.asks(entry, event, cx, &mut states).await;
            if !is_asked.map_err(|error| blame(&entry.name, &error))? {
                continue;
            }
            if let Some(run) = &run {
                run.begin();
            }
            cx.enter(Arc::clone(&entry.name));
            // The call itself runs the part of a closure that is before its future.
            let called =
                std::panic::catch_unwind(AssertUnwindSafe(|| (entry.call)(event, cx, &states)));
            let outcome = match called {
                Ok(None) => continue,
                Ok(Some(running)) => {
                    let running = AssertUnwindSafe(running).catch_unwind();
                    let outcome = match &run {
                        Some(run) => run.through(running).await,
                        None => Some(running.await),
                    };
                    match outcome {
                        Some(outcome) => outcome,
                        None => return Ok(Flow::Stop),
                    }
                }
                Err(panic) => Err(panic),
            };
            let flow = match outcome {
                Ok(outcome) => outcome.map_err(|error| blame(&entry.name, &error))?,
                Err(_) => return Err(PluginError::new(format!("{} panicked", entry.name))),
            };
            if let Some(run) = &run {
                run.returned(cx);
            }
            if flow == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    async fn run(&self, env: &Env) -> Result<(), PluginError> {
        while !self.dialogues.is_empty() {
            for dialogue in &self.dialogues {
                dialogue.sweep(env).await?;
            }
            tokio::time::sleep(dialogue::PERIOD).await;
        }
        Ok(())
    }

    fn explain(&self, event: &Event, bot: &BotInfo) -> Explanation {
        let is_asked: Vec<bool> =
            self.entries.iter().map(|entry| entry.filter.agrees(event, bot)).collect();
        let explanation = if is_asked.contains(&true) {
            Explanation::asked("a handler wants it")
        } else {
            Explanation::leaves("no handler wants it")
        };
        self.entries.iter().zip(is_asked).fold(explanation, |explanation, (entry, is_asked)| {
            if is_asked {
                let why = if entry.dialogues.is_empty() {
                    "its parameters and filter agree"
                } else {
                    "its parameters and filter agree, if the dialogue is at its step"
                };
                explanation.rule(&*entry.name, Verdict::Asked, why)
            } else {
                let why = entry.filter.interest().refuses(event, &bot.user);
                let why = why.unwrap_or_else(|| "its filter does not agree".to_owned());
                explanation.rule(&*entry.name, Verdict::Leaves, why)
            }
        })
    }
}

/// The error of a handler, with its name before it.
fn blame(handler: &str, error: &PluginError) -> PluginError {
    let is_permanent = error.is_permanent();
    let blamed = PluginError::new(format!("{handler}: {}", error.chain()));
    if is_permanent { blamed.into_permanent() } else { blamed }
}

#[cfg(test)]
mod tests;
