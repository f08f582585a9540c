//! A person of a test.

use std::{fmt, panic::Location};

use easebot_client::DownloadOptions;
use easebot_model::{AppKey, Conversation, Draft, Event, Message, MessageId, UserId};

use crate::{
    Testbed, Wanted,
    fail::{OrFail, Place, fail},
    parts::{Crowd, Heard, difference, patiently},
    wanted::Ears,
};

/// A person who talks to bots: an ordinary user that is logged in.
///
/// What bots say to them waits until the test asks for it, in the order in which it was said: one to one, and in each group and
/// room. Everything that cannot be done, and everything that is heard otherwise than expected, fails the test with where it was
/// asked for.
#[derive(Clone)]
pub struct User {
    bed: Testbed,
    app: AppKey,
    user: UserId,
}

impl User {
    pub(crate) const fn new(bed: Testbed, app: AppKey, user: UserId) -> Self {
        Self { bed, app, user }
    }

    /// The name, which is the user id.
    #[must_use]
    pub fn name(&self) -> &str {
        self.user.as_str()
    }

    pub(crate) fn id(&self) -> UserId {
        self.user.clone()
    }

    /// Writes `text` to the first bot, and waits until the server has it. Gives its id.
    ///
    /// # Panics
    /// When the server does not take it.
    #[track_caller]
    pub fn says(&self, text: &str) -> impl Future<Output = MessageId> {
        self.sends(Draft::new(text))
    }

    /// Writes `text` to the bot named `bot`, as [`says`](Self::says) does.
    ///
    /// # Panics
    /// When there is no such bot, or the server does not take it.
    #[track_caller]
    pub fn says_to(&self, bot: &str, text: &str) -> impl Future<Output = MessageId> {
        self.sends_to(bot, Draft::new(text))
    }

    /// Writes `text` in the group or room `place`, as [`says`](Self::says) does.
    ///
    /// # Panics
    /// When there is no such place, or the server does not take it.
    #[track_caller]
    pub fn says_in(&self, place: &str, text: &str) -> impl Future<Output = MessageId> {
        self.sends_in(place, Draft::new(text))
    }

    /// Sends anything to the first bot, and waits until the server has it. Gives its id.
    ///
    /// # Panics
    /// When the server does not take it.
    #[track_caller]
    pub fn sends(&self, draft: impl Into<Draft>) -> impl Future<Output = MessageId> {
        let at = Location::caller();
        self.send(at, Conversation::User(self.bed.bot(at, None).user), draft.into())
    }

    /// Sends anything to the bot named `bot`, as [`sends`](Self::sends) does.
    ///
    /// # Panics
    /// When there is no such bot, or the server does not take it.
    #[track_caller]
    pub fn sends_to(&self, bot: &str, draft: impl Into<Draft>) -> impl Future<Output = MessageId> {
        let at = Location::caller();
        self.send(at, Conversation::User(self.bed.bot(at, Some(bot)).user), draft.into())
    }

    /// Sends anything in the group or room `place`, as [`sends`](Self::sends) does.
    ///
    /// # Panics
    /// When there is no such place, or the server does not take it.
    #[track_caller]
    pub fn sends_in(
        &self,
        place: &str,
        draft: impl Into<Draft>,
    ) -> impl Future<Output = MessageId> {
        let at = Location::caller();
        self.send(at, self.bed.place(at, place), draft.into())
    }

    pub(crate) async fn send(&self, at: Place, to: Conversation, draft: Draft) -> MessageId {
        self.bed.say(&self.app, &self.user, to, draft).await.or_fail_there(at)
    }

    /// Waits for what a bot says next to this person alone, which has to be `wanted`. Gives it.
    ///
    /// Time goes on only if the bots wait for it while they have something to do. What bots said before and nobody asked for
    /// comes first.
    ///
    /// # Panics
    /// When something else comes, or nothing.
    #[track_caller]
    pub fn expects(&self, wanted: impl Into<Wanted>) -> impl Future<Output = Message> {
        self.expect(Location::caller(), Ears::Alone, wanted.into())
    }

    /// [`expects`](Self::expects) of the bot named `bot`; what others say waits.
    ///
    /// # Panics
    /// When there is no such bot, when something else comes, or nothing.
    #[track_caller]
    pub fn expects_from(
        &self,
        bot: &str,
        wanted: impl Into<Wanted>,
    ) -> impl Future<Output = Message> {
        let at = Location::caller();
        self.expect(at, Ears::To(self.bed.bot(at, Some(bot)).name), wanted.into())
    }

    /// [`expects`](Self::expects) in the group or room `place`; what is said elsewhere waits.
    ///
    /// # Panics
    /// When there is no such place, when something else comes, or nothing.
    #[track_caller]
    pub fn expects_in(
        &self,
        place: &str,
        wanted: impl Into<Wanted>,
    ) -> impl Future<Output = Message> {
        let at = Location::caller();
        self.expect(at, Ears::Within(self.bed.place(at, place)), wanted.into())
    }

    async fn expect(&self, at: Place, ears: Ears, wanted: Wanted) -> Message {
        let memory = self.bed.0.crowd.memory();
        let next = || {
            let heard = memory.of(&self.app, &self.user);
            heard.into_iter().find(|heard| ears.catch(heard))
        };
        let mut news = memory.news();
        let waited = patiently(async {
            let settling = self.bed.settling();
            tokio::select! {
                biased;
                heard = news.wait_for(|_| next().is_some()) => drop(heard),
                () = settling => {}
            }
        });
        if waited.await.is_none() {
            fail(at, "the bots are not done with it in an hour");
        }
        let heard = next();
        let Some(lines) = difference(&ears, std::slice::from_ref(&wanted), heard.as_slice()) else {
            return match heard {
                Some(heard) => {
                    // Another clone of this person may have it, too.
                    let _is_first = memory.forget(&heard);
                    heard.message
                }
                None => fail(at, "nothing was said"),
            };
        };
        // All that is there helps to see what happened.
        self.bed.settled(at).await;
        let all = memory.of(&self.app, &self.user);
        let lines = difference(&ears, &[wanted], &all).unwrap_or(lines);
        let place = match &ears {
            Ears::Alone => String::new(),
            Ears::To(bot) => format!(" from `{bot}`"),
            Ears::Within(place) => format!(" in {place}"),
        };
        let head = format!("{} expected to hear{place}\n{lines}", self.user);
        fail(at, &(head + &self.bed.given_up().await))
    }

    /// Waits until the bots have nothing to do; then nothing may be left that they said to this person, anywhere.
    ///
    /// # Panics
    /// When something is.
    #[track_caller]
    pub fn expects_nothing(&self) -> impl Future<Output = ()> {
        let at = Location::caller();
        async move {
            let heard = self.heard(at).await;
            if let Some(lines) = difference(&Ears::Alone, &[], &heard) {
                fail(at, &format!("{} expected to hear nothing more\n{lines}", self.user));
            }
        }
    }

    /// Waits until the bots have nothing to do, and gives what they said to this person, anywhere, since it was last asked for.
    ///
    /// # Panics
    /// When the bots still work after an hour.
    #[track_caller]
    pub fn hears(&self) -> impl Future<Output = Vec<Message>> {
        let at = Location::caller();
        async move { self.heard(at).await.into_iter().map(|heard| heard.message).collect() }
    }

    async fn heard(&self, at: Place) -> Vec<Heard> {
        self.bed.settled(at).await;
        self.bed.0.crowd.memory().take_of(&self.app, &self.user)
    }

    /// Waits until the bots have nothing to do, and gives what happened besides messages since it was last asked for: edits,
    /// recalls, reactions, receipts, changes of groups.
    ///
    /// # Panics
    /// When the bots still work after an hour.
    #[track_caller]
    pub fn sees(&self) -> impl Future<Output = Vec<Event>> {
        let at = Location::caller();
        async move {
            self.bed.settled(at).await;
            self.bed.0.crowd.memory().take_seen(&self.app, &self.user)
        }
    }

    /// Fetches the file of `message`.
    ///
    /// # Panics
    /// When it has none, or it cannot be fetched.
    #[track_caller]
    pub fn downloads(&self, message: &Message) -> impl Future<Output = Vec<u8>> {
        let (at, attachment) = (Location::caller(), message.body.attachment().cloned());
        async move {
            let name = Crowd::name(&self.app, &self.user);
            let files = self.bed.0.crowd.handle().and_then(|handle| handle.files(&name));
            let Some((files, attachment)) = files.zip(attachment) else {
                fail(at, "the message has no file")
            };
            let (mut bytes, options) = (Vec::new(), DownloadOptions::default());
            let fetched = patiently(files.download_into(&attachment, &mut bytes, &options)).await;
            match fetched {
                Some(fetched) => drop(fetched.or_fail(at, "the file cannot be fetched")),
                None => fail(at, "the file cannot be fetched within an hour"),
            }
            bytes
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("user", &self.user).field("app", &self.app).finish()
    }
}
