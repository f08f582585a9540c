//! How dialogues go.

use std::{fmt, marker::PhantomData, time::Duration};

use easebot_model::Draft;

use super::{Steps, sweep::Returned};

/// How dialogues of the steps `S` go, for [`Handlers::dialogue`](crate::Handlers::dialogue).
#[must_use]
pub struct Dialogues<S> {
    pub(super) cancel_words: Vec<String>,
    pub(super) cancelled: Draft,
    pub(super) lost: Option<Draft>,
    pub(super) timed_out: Option<Draft>,
    pub(super) timeout: Duration,
    pub(super) returned: Returned,
    of: PhantomData<fn() -> S>,
}

impl<S: Steps> Dialogues<S> {
    /// They time out after a day, in silence, and are cancelled by `/cancel` and `取消`.
    pub fn new() -> Self {
        Self {
            cancel_words: vec!["/cancel".to_owned(), "取消".to_owned()],
            cancelled: "that is cancelled".into(),
            lost: None,
            timed_out: None,
            timeout: DAY,
            returned: Returned::default(),
            of: PhantomData,
        }
    }

    /// The texts that end a dialogue, instead of `/cancel` and `取消`; upper and lower case, and white space around them, are
    /// the same. None of them: a dialogue cannot be cancelled. They come before all handlers; of somebody who is in no
    /// dialogue they are texts as any other.
    pub fn cancel_words<W: AsRef<str>>(self, words: impl IntoIterator<Item = W>) -> Self {
        let words = words.into_iter().map(|word| plain(word.as_ref()));
        Self { cancel_words: words.collect(), ..self }
    }

    /// What is said to who cancels a dialogue. "that is cancelled" by default.
    pub fn cancelled(self, draft: impl Into<Draft>) -> Self {
        Self { cancelled: draft.into(), ..self }
    }

    /// How long nothing may go on in a dialogue: behind that it is over. It counts from the message that led to the last step,
    /// by the server's clock, so that an answer that came in time while the bot was down is in time. A day by default;
    /// `Duration::MAX` is never. A week later it is forgotten, if its writer has not come back.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// What is said to somebody who comes back to a dialogue that has timed out, before a handler answers to what it says.
    /// Nothing by default.
    pub fn timed_out(self, draft: impl Into<Draft>) -> Self {
        Self { timed_out: Some(draft.into()), ..self }
    }

    /// What is said to somebody whose dialogue [cannot be read any more](Steps::migrate), before a handler answers to what it
    /// says. Nothing by default.
    pub fn lost(self, draft: impl Into<Draft>) -> Self {
        Self { lost: Some(draft.into()), ..self }
    }
}

impl<S> Dialogues<S> {
    pub(super) fn is_cancel_word(&self, text: &str) -> bool {
        !self.cancel_words.is_empty() && self.cancel_words.contains(&plain(text))
    }
}

impl<S: Steps> Default for Dialogues<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Dialogues<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogues")
            .field("cancel_words", &self.cancel_words)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
