//! Questions in the order of a function.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use easebot_model::{Draft, Event};
use easebot_plugin::{Context, Interest, PluginError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tracing::warn;

use super::{Dialogue, Steps, run::Run};
use crate::{FromEvent, Needs, Skip, States};

/// What the answers to the questions of one function are saved under.
pub trait Questions: Send + Sync + 'static {
    /// The name under which they are saved, unique within the plugin, also among [`Steps::NAME`]s.
    const NAME: &'static str;

    /// Raised with each change of the function after which answers to its questions are no longer answers to the same ones.
    /// Whoever is in the middle of another version begins anew. 1 by default.
    const VERSION: u32 = 1;
}

/// Asks who wrote the message, one question after the other, as if the function waited for the answers.
///
/// It does not: nothing can wait over a restart. The function is run from its beginning for each message, and each question
/// that has an answer returns it at once, until the first one that has none is asked and the run ends there. So
///
/// - **it has to do the same each time**: with the same answers it must come to the same questions. The time, chance and the
///   answers of servers go through [`once`](Self::once);
/// - what it says on the way goes through [`say`](Self::say): what it says by [`Context::reply`] is said again with each
///   message. What it returns is said at the end alone;
/// - questions are asked one after the other, not at the same time.
///
/// When the function returns, the dialogue is over. If it fails, the message is handled again with the answers before it.
///
/// The handler needs a filter that begins it and goes on with it: `filter::equals("/order") | filter::asked::<Order>()`. Only
/// texts are answers; other messages of its writer are not taken.
///
/// ```
/// use easebot_handler::{Ask, Handlers, Questions, filter};
/// use easebot_plugin::{PluginError, testing::Bench};
///
/// struct Order;
///
/// impl Questions for Order {
///     const NAME: &str = "order";
/// }
///
/// async fn order(ask: Ask<Order>) -> Result<String, PluginError> {
///     let pizza = ask.text("which pizza?").await?;
///     ask.say(format!("{pizza} is good today")).await?;
///     let number = |text: &str| text.parse::<u8>().map_err(|_| "a number, please");
///     let n = ask.until("how many?", number).await?;
///     Ok(format!("{n} × {pizza}"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let plugin = Handlers::new("pizzeria")
///     .on(filter::equals("/order") | filter::asked::<Order>(), order)
///     .build()?;
///
/// let bench = Bench::new();
/// let said: [(&str, &[&str]); 4] = [
///     ("/order", &["which pizza?"]),
///     ("Funghi", &["Funghi is good today", "how many?"]),
///     ("a few", &["a number, please"]),
///     ("3", &["3 × Funghi"]),
/// ];
/// for (said, answers) in said {
///     assert_eq!(bench.text(&plugin, "bob", said).await?.texts(), answers);
/// }
/// # Ok::<(), PluginError>(()) }).unwrap();
/// ```
pub struct Ask<Q> {
    dialogue: Dialogue<Answers<Q>>,
    progress: Mutex<Progress>,
    run: Arc<Run>,
}

/// The steps of [`Questions`]: what has been answered and done so far. For [`Dialogues`](crate::Dialogues), to say how they
/// go: `Dialogues::<Answers<Order>>::new().timeout(…)`.
#[derive(Deserialize, Serialize)]
#[serde(bound = "", transparent)]
pub struct Answers<Q> {
    done: Vec<Done>,
    #[serde(skip)]
    of: PhantomData<fn() -> Q>,
}

/// What one call has come to.
#[derive(Clone, Deserialize, Serialize)]
enum Done {
    Answered(String),
    Kept(Value),
    Said,
}

/// How far the run is.
struct Progress {
    /// What is done, first in earlier runs, then in this one.
    done: Vec<Done>,
    /// How many of these this run has come past.
    n_passed: usize,
    /// What the person says now, as long as no question has taken it.
    answer: Option<String>,
}

impl<Q: Questions> Ask<Q> {
    /// How many answers, things said and values kept a run may come past; behind that the dialogue is dropped with a warning,
    /// because each message runs through all of them.
    pub const MAX_DONE: usize = 200;

    /// Asks, and gives the answer.
    ///
    /// # Errors
    /// What sending the question says.
    pub async fn text(&self, question: impl Into<Draft>) -> Result<String, PluginError> {
        self.answer(question.into()).await
    }

    /// Asks until `check` takes the answer; what it returns as error is the next question.
    ///
    /// # Errors
    /// What sending a question says.
    pub async fn until<T, D: Into<Draft>>(
        &self,
        question: impl Into<Draft>,
        check: impl Fn(&str) -> Result<T, D>,
    ) -> Result<T, PluginError> {
        let mut question = question.into();
        loop {
            let answer = self.answer(question).await?;
            match check(&answer) {
                Ok(checked) => return Ok(checked),
                Err(again) => question = again.into(),
            }
        }
    }

    /// Says something, once in the dialogue.
    ///
    /// # Errors
    /// What sending it says.
    pub async fn say(&self, draft: impl Into<Draft>) -> Result<(), PluginError> {
        if let Some(Done::Said) = self.pass(|done| matches!(done, Done::Said)) {
            return Ok(());
        }
        self.dialogue.cx.reply(draft).await?;
        self.add(Done::Said).await
    }

    /// Gives the same value in each run: what `make` gave in the first. It is saved when the run ends, so `make` is called
    /// again if the process dies or the handler fails before that.
    ///
    /// # Errors
    /// What `make` says, and a value that has no JSON form. Nothing is kept then.
    pub async fn once<T, F, E>(&self, make: impl FnOnce() -> F) -> Result<T, PluginError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, E>>,
        E: Into<PluginError>,
    {
        let read = |kept: Value| serde_json::from_value(kept).ok();
        let is_it = |done: &Done| matches!(done, Done::Kept(kept) if read(kept.clone()).is_some_and(|_: T| true));
        if let Some(Done::Kept(kept)) = self.pass(is_it)
            && let Some(value) = read(kept)
        {
            return Ok(value);
        }
        let value = make().await.map_err(Into::into)?;
        self.add(Done::Kept(serde_json::to_value(&value)?)).await?;
        Ok(value)
    }

    async fn answer(&self, question: Draft) -> Result<String, PluginError> {
        if let Some(Done::Answered(answer)) = self.pass(|done| matches!(done, Done::Answered(_))) {
            return Ok(answer);
        }
        let answer = self.lock().answer.take();
        if let Some(answer) = answer {
            self.add(Done::Answered(answer.clone())).await?;
            return Ok(answer);
        }
        self.dialogue.cx.reply(question).await?;
        let done = std::mem::take(&mut self.lock().done);
        self.dialogue.next(Answers { done, of: PhantomData })?;
        self.run.end().await
    }

    /// What an earlier run has done here. If that is something else, the function has changed: what is behind it is
    /// forgotten, and the person is asked again.
    fn pass(&self, is_it: impl Fn(&Done) -> bool) -> Option<Done> {
        let mut progress = self.lock();
        let at = progress.n_passed;
        let done = progress.done.get(at)?.clone();
        if is_it(&done) {
            progress.n_passed += 1;
            return Some(done);
        }
        progress.done.truncate(at);
        progress.answer = None;
        drop(progress);
        self.warn("a function asks other things than before, and goes on where they differ");
        None
    }

    /// Notes what this run has done.
    async fn add(&self, done: Done) -> Result<(), PluginError> {
        let n_done = {
            let mut progress = self.lock();
            progress.done.push(done);
            progress.n_passed = progress.done.len();
            progress.n_passed
        };
        if n_done > Self::MAX_DONE {
            self.warn("a dialogue has too many questions and begins anew");
            self.dialogue.end();
            return self.run.end().await;
        }
        Ok(())
    }

    fn warn(&self, what: &str) {
        let (cx, key) = (&self.dialogue.cx, &self.dialogue.loaded.key);
        let (bot, plugin, dialogue) = (&cx.bot().name, cx.plugin(), Q::NAME);
        warn!(%bot, plugin, dialogue, key, "{what}");
    }
}

impl<Q> Ask<Q> {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // It is whole between any two statements, so a panic elsewhere does not spoil it.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q> fmt::Debug for Ask<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("n_passed", &self.lock().n_passed).finish_non_exhaustive()
    }
}

impl<Q: Questions> FromEvent for Ask<Q> {
    fn interest() -> Interest {
        Interest::texts()
    }

    fn needs(needs: &mut Needs) {
        Dialogue::<Answers<Q>>::needs(needs);
    }

    fn from_event(event: &Event, cx: &Context, states: &States) -> Result<Self, Skip> {
        let dialogue = Dialogue::<Answers<Q>>::from_event(event, cx, states)?;
        let run = states.get::<Run>().ok_or(Skip::NotThere)?;
        run.ends_with(&dialogue.loaded.key);
        // What began the dialogue answers nothing.
        let answer = event.as_message().filter(|_| dialogue.is_open());
        let answer = answer.map(|message| message.text().to_owned());
        let progress = Progress { done: dialogue.state().done.clone(), n_passed: 0, answer };
        Ok(Self { dialogue, progress: Mutex::new(progress), run })
    }
}

impl<Q> Default for Answers<Q> {
    fn default() -> Self {
        Self { done: Vec::new(), of: PhantomData }
    }
}

impl<Q> fmt::Debug for Answers<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("n_done", &self.done.len()).finish_non_exhaustive()
    }
}

impl<Q: Questions> Steps for Answers<Q> {
    const NAME: &'static str = Q::NAME;
    const VERSION: u32 = Q::VERSION;

    /// Answers to other questions.
    fn migrate(_version: u32, _saved: Value) -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests;
