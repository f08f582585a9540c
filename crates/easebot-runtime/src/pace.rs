//! How fast messages leave: token buckets for each kind of conversation, of an account and of its whole app.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use easebot_client::Bucket;
use easebot_model::{Act, AppKey, Conversation, Outgoing};
use tokio::time::Instant;

/// How many messages a second may leave, by kind of conversation. Each from 1.
///
/// A tenth of a second's messages may leave at once and the others follow evenly, so that no second sees more. The limits
/// hold for the bot, and for all bots of a runtime with the same app key together, where the highest one of them counts.
/// Source: Easemob's REST documentation, "message sending limits"; clients and servers share these quotas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// To named members of groups and chat rooms. Default 100.
    pub directed_per_second: u32,
    /// To groups. Default 20.
    pub groups_per_second: u32,
    /// To chat rooms. Default 100.
    pub rooms_per_second: u32,
    /// To users. Default 100, which is 6000 a minute.
    pub users_per_second: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            directed_per_second: 100,
            groups_per_second: 20,
            rooms_per_second: 100,
            users_per_second: 100,
        }
    }
}

impl Pace {
    fn limit(&self, kind: Kind) -> u32 {
        let limit = match kind {
            Kind::Directed => self.directed_per_second,
            Kind::Group => self.groups_per_second,
            Kind::Room => self.rooms_per_second,
            Kind::User => self.users_per_second,
        };
        limit.max(1)
    }
}

/// What has a limit of its own.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Directed,
    Group,
    Room,
    User,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Directed, Self::Group, Self::Room, Self::User];

    pub(crate) fn of(outgoing: &Outgoing) -> Self {
        match (&outgoing.to, &outgoing.act) {
            (_, Act::Message(draft)) if !draft.receivers.is_empty() => Self::Directed,
            (Conversation::Group(_), _) => Self::Group,
            (Conversation::Room(_), _) => Self::Room,
            (Conversation::User(_), _) => Self::User,
        }
    }
}

/// One of something for each kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerKind<T>([T; 4]);

impl<T> PerKind<T> {
    pub(crate) fn new(make: impl FnMut(Kind) -> T) -> Self {
        Self(Kind::ALL.map(make))
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    pub(crate) const fn of(&mut self, kind: Kind) -> &mut T {
        let Self([directed, group, room, user]) = self;
        match kind {
            Kind::Directed => directed,
            Kind::Group => group,
            Kind::Room => room,
            Kind::User => user,
        }
    }
}

/// What the bots of each app share.
#[derive(Debug, Default)]
pub(crate) struct Apps(Mutex<HashMap<AppKey, Arc<App>>>);

/// What the bots of one app share.
#[derive(Debug)]
pub(crate) struct App(Mutex<PerKind<Shared>>);

#[derive(Debug)]
struct Shared {
    limit: u32,
    bucket: Bucket,
}

impl Apps {
    /// One more bot of the app, with limits of its own; the app's are raised if need be.
    pub(crate) fn join(&self, app_key: &AppKey, pace: &Pace, now: Instant) -> Arc<App> {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let app = apps.entry(app_key.clone()).or_insert_with(|| {
            Arc::new(App(Mutex::new(PerKind::new(|kind| Shared::new(pace.limit(kind), now)))))
        });
        app.raise(pace, now);
        Arc::clone(app)
    }
}

impl App {
    fn raise(&self, pace: &Pace, now: Instant) {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in Kind::ALL {
            let (shared, limit) = (shared.of(kind), pace.limit(kind));
            if shared.limit < limit {
                *shared = Shared::new(limit, now);
            }
        }
    }

    fn reserve(&self, kind: Kind, now: Instant) -> Duration {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reserve(&mut shared.of(kind).bucket, now)
    }
}

impl Shared {
    fn new(limit: u32, now: Instant) -> Self {
        Self { limit, bucket: Bucket::new(limit.into(), now.into_std()) }
    }
}

fn reserve(bucket: &mut Bucket, now: Instant) -> Duration {
    // With this patience no turn is too far away.
    bucket.reserve(now.into_std(), Duration::MAX).unwrap_or_default()
}

/// The pace of one bot.
#[derive(Debug)]
pub(crate) struct Pacer {
    app: Arc<App>,
    pace: Pace,
    /// None if nothing has left for a while: all of its buckets would be full.
    spent: Option<Box<Spent>>,
}

/// What a bot has used of its pace.
#[derive(Debug)]
struct Spent {
    own: PerKind<Bucket>,
    /// Turns that were taken and not used yet: at most one a kind, so that no bot of an app takes more than its share.
    turns: PerKind<Option<Instant>>,
    /// By then all buckets are full again and at their full rate, if nothing more leaves.
    full_at: Instant,
}

/// How long a bucket takes at most to be full again after a turn: one turn is owed, and at least one a second comes in.
const REFILL: Duration = Duration::from_secs(2);

/// How long it takes at most after a pause: its rate is back after a minute.
const RECOVERY: Duration = Duration::from_secs(62);

impl Spent {
    fn new(pace: &Pace, now: Instant) -> Box<Self> {
        let own = PerKind::new(|kind| Bucket::new(pace.limit(kind).into(), now.into_std()));
        Box::new(Self { own, turns: PerKind::default(), full_at: now })
    }
}

impl Pacer {
    pub(crate) const fn new(app: Arc<App>, pace: Pace) -> Self {
        Self { app, pace, spent: None }
    }

    /// Gives back the room of buckets that are full.
    pub(crate) fn rest(&mut self, now: Instant) {
        self.spent.take_if(|spent| spent.full_at <= now && spent.turns.iter().all(Option::is_none));
    }

    /// Whether a message of `kind` may leave now; then the turn is used.
    ///
    /// # Errors
    /// When it may.
    pub(crate) fn turn(&mut self, kind: Kind, now: Instant) -> Result<(), Instant> {
        let spent = self.spent.get_or_insert_with(|| Spent::new(&self.pace, now));
        let turn = spent.turns.of(kind);
        let at = match *turn {
            Some(at) => at,
            None => now + self.app.reserve(kind, now).max(reserve(spent.own.of(kind), now)),
        };
        spent.full_at = spent.full_at.max(at + REFILL);
        if at > now {
            *turn = Some(at);
            return Err(at);
        }
        *turn = None;
        Ok(())
    }

    /// The server says that the account sends too fast: nothing of `kind` leaves for `after`, then half as much as before,
    /// and as much as before after a minute without refusals.
    ///
    /// The account alone is slowed down. If it is the whole app that is too fast, each of its accounts learns so.
    pub(crate) fn slow(&mut self, kind: Kind, now: Instant, after: Duration) {
        let spent = self.spent.get_or_insert_with(|| Spent::new(&self.pace, now));
        spent.own.of(kind).slow(now.into_std(), after);
        *spent.turns.of(kind) = None;
        let full_at = now.checked_add(after.saturating_add(RECOVERY));
        spent.full_at = full_at.map_or(spent.full_at, |at| at.max(spent.full_at));
    }
}

#[cfg(test)]
mod tests;
