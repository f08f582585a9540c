//! Orders: faults on demand, and what a test likes to know.

use std::{sync::Arc, time::Duration};

use easebot_model::{AppKey, Kick, Resource, Secret, UserId};
use easebot_msync::schema::statistics_body::Operation;

use crate::{
    shared::Shared,
    world::{App, Cx, LinkId, Refusal, Refuse, TokenOwner},
};

/// Whose links an order is for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Whose {
    /// All links of the app.
    #[default]
    All,
    /// One device of a user.
    Device(UserId, Resource),
    /// All devices of a user.
    User(UserId),
}

/// Which of a client's wishes a refusal is for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Wish {
    /// Logging in (PROVISION). The connection is closed behind the refusal.
    Login,
    /// Sending a message, a receipt, a recall or an edit.
    #[default]
    Send,
}

/// A handle that makes one app of an emulator misbehave. Cheap to clone; it keeps no task running.
///
/// Every order takes effect before the call returns, in the order of the calls. The same orders come over HTTP under
/// `/_emulator/`.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
    app: AppKey,
}

impl Control {
    pub(crate) const fn new(shared: Arc<Shared>, app: AppKey) -> Self {
        Self { shared, app }
    }

    /// Cuts connections without a word, as a broken network does. Returns how many.
    #[must_use = "no link may have been meant"]
    pub fn drop_links(&self, whose: &Whose) -> usize {
        self.each(whose, |app, cx, user, device| app.cut(cx, user, device))
    }

    /// Ends logins with the word why (STATISTIC 1 to 4) and closes their connections. Returns how many.
    #[must_use = "no link may have been meant"]
    pub fn kick(&self, whose: &Whose, kick: Kick, reason: Option<&str>) -> usize {
        let operation = match kick {
            Kick::UserRemoved => Operation::UserRemoved,
            Kick::LoggedInElsewhere => Operation::UserLoginAnotherDevice,
            Kick::PasswordChanged => Operation::UserKickedByChangePassword,
            Kick::KickedByOther => Operation::UserKickedByOtherDevice,
        };
        self.each(whose, |app, cx, user, device| app.kick(cx, user, device, operation, reason))
    }

    /// Makes the tokens of `user`, or all of the app, end now; links stay open. Returns how many.
    #[must_use = "no token may have been meant"]
    pub fn expire_tokens(&self, user: Option<&UserId>) -> usize {
        self.app(|app, cx| app.expire_tokens(cx.now, user)).unwrap_or_default()
    }

    /// Refuses the next `n` wishes of `user`, or of anybody, with a code of `Status.ErrorCode` and a reason.
    ///
    /// The official SDK hangs on code 7 with a reason it does not know. Earlier orders are used up first.
    pub fn refuse(&self, wish: Wish, user: Option<UserId>, n: usize, code: i32, reason: &str) {
        let order = Refuse { user, n, refusal: Refusal { code, reason: reason.to_owned() } };
        self.shared.with(|world, _| match wish {
            Wish::Login => world.faults.refuse_logins(order),
            Wish::Send => world.faults.refuse_sends(order),
        });
    }

    /// Takes what the meant links send and answers nothing, as behind a half-open connection. Returns how many links.
    ///
    /// A link that is opened later speaks, unless `henceforth`; that counts for all apps.
    #[must_use = "no link may have been meant"]
    pub fn silence(&self, whose: &Whose, henceforth: bool) -> usize {
        let links: Vec<LinkId> = match whose {
            Whose::All => self.shared.links(),
            Whose::Device(user, device) => self
                .sessions(user)
                .into_iter()
                .filter_map(|(resource, link)| (resource == *device).then_some(link))
                .collect(),
            Whose::User(user) => self.sessions(user).into_iter().map(|(_, link)| link).collect(),
        };
        self.shared.with(|world, _| {
            for link in &links {
                world.faults.silence(*link);
            }
            if henceforth {
                world.faults.silence_henceforth();
            }
        });
        links.len()
    }

    /// Lets silent links speak again. What they sent meanwhile stays unheard.
    pub fn end_silence(&self) {
        self.shared.with(|world, _| world.faults.end_silence());
    }

    /// Replaces `word` in texts from now on, as moderation does; the sender gets the new text with the answer.
    /// An empty `word` is never replaced; the same word again changes its replacement.
    pub fn moderate(&self, word: &str, with: &str) {
        self.shared.with(|world, _| world.faults.replace(word.to_owned(), with.to_owned()));
    }

    /// Ends all faults that were ordered: refusals, silence, moderation.
    pub fn clear(&self) {
        self.shared.with(|world, _| world.faults.clear());
    }

    /// Registers a user. False when there is one of that name.
    #[must_use = "the user may exist with another password"]
    pub fn register(&self, user: &UserId, password: impl Into<Secret>) -> bool {
        let password = password.into();
        self.app(|app, cx| app.register(cx.now, user, password, None)).unwrap_or_default()
    }

    /// A fresh token of `user`; with `None` for its life it lives as long as the options say. `None` when there is no such user.
    #[must_use]
    pub fn token(&self, user: &UserId, life: Option<Duration>) -> Option<Secret> {
        self.app(|app, cx| {
            app.user(user)?;
            let life = life.unwrap_or(cx.options.token_ttl);
            Some(Secret::new(app.issue_token(cx.now, TokenOwner::User(user.clone()), life)))
        })
        .flatten()
    }

    /// The devices of `user` that are online.
    #[must_use]
    pub fn online(&self, user: &UserId) -> Vec<Resource> {
        self.sessions(user).into_iter().map(|(resource, _)| resource).collect()
    }

    /// Runs the housekeeping now that runs each second: what is too old goes, who was away too long leaves the rooms.
    /// For tests that move a [`ManualClock`](crate::ManualClock).
    pub fn sweep(&self) {
        self.shared.with(|world, now| world.sweep(now));
    }

    /// How many frames were no MSYNC, on all connections so far.
    #[must_use]
    pub fn n_bad_frames(&self) -> u64 {
        self.shared.n_garbage()
    }

    fn app<T>(&self, f: impl FnOnce(&mut App, &mut Cx<'_>) -> T) -> Option<T> {
        self.shared.with_app(&self.app, f)
    }

    fn sessions(&self, user: &UserId) -> Vec<(Resource, LinkId)> {
        self.app(|app, _| app.sessions_of(user).into_iter().map(|s| (s.resource, s.link)).collect())
            .unwrap_or_default()
    }

    fn each(
        &self,
        whose: &Whose,
        mut f: impl FnMut(&mut App, &mut Cx<'_>, &UserId, Option<&Resource>) -> usize,
    ) -> usize {
        self.app(|app, cx| match whose {
            Whose::All => {
                let users: Vec<UserId> = app.users().map(|(name, _)| name.clone()).collect();
                users.iter().map(|user| f(app, cx, user, None)).sum()
            }
            Whose::Device(user, device) => f(app, cx, user, Some(device)),
            Whose::User(user) => f(app, cx, user, None),
        })
        .unwrap_or_default()
    }
}
