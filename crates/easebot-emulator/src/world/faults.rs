//! What an operator ordered to go wrong.

mod rate;

use std::{collections::BTreeSet, time::Duration};

use easebot_model::{Resource, UserId};

use self::rate::RateLimits;
use super::{LinkId, wire::Refusal};
use crate::{control::Endpoint, refusal::HttpRefusal};

/// An order to refuse what comes next.
#[derive(Clone, Debug)]
pub(crate) struct Refuse {
    /// Whose; `None` means anybody's.
    pub(crate) user: Option<UserId>,
    /// How many.
    pub(crate) n: usize,
    pub(crate) refusal: Refusal,
}

/// An order to refuse HTTP requests.
#[derive(Clone, Debug)]
pub(crate) struct RefuseHttp {
    pub(crate) endpoint: Endpoint,
    /// Whose token; `None` means anybody's.
    pub(crate) user: Option<UserId>,
    /// How the path behind org and app begins; empty means any.
    pub(crate) path: String,
    /// How many.
    pub(crate) n: usize,
    pub(crate) refusal: HttpRefusal,
}

/// An order to send late.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Delay {
    user: Option<UserId>,
    device: Option<Resource>,
    by: Duration,
}

/// A word that moderation replaces in texts.
#[derive(Clone, Debug)]
struct Replace {
    word: String,
    with: String,
}

/// The faults in force, of all apps.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    sends: Vec<Refuse>,
    logins: Vec<Refuse>,
    heartbeats: Vec<Refuse>,
    requests: Vec<RefuseHttp>,
    /// Messages that each user may send.
    pub(crate) send_rates: RateLimits,
    /// Requests that all, or one user, may make.
    pub(crate) request_rates: RateLimits,
    delays: Vec<Delay>,
    replaces: Vec<Replace>,
    silent: BTreeSet<LinkId>,
    /// Whether links opened from now on are silent.
    silent_henceforth: bool,
}

impl Faults {
    pub(crate) fn refuse_sends(&mut self, order: Refuse) {
        self.sends.push(order);
    }

    pub(crate) fn refuse_logins(&mut self, order: Refuse) {
        self.logins.push(order);
    }

    pub(crate) fn refuse_heartbeats(&mut self, order: Refuse) {
        self.heartbeats.push(order);
    }

    pub(crate) fn refuse_requests(&mut self, order: RefuseHttp) {
        self.requests.push(order);
    }

    pub(crate) fn replace(&mut self, word: String, with: String) {
        self.replaces.retain(|rule| rule.word != word);
        if !word.is_empty() {
            self.replaces.push(Replace { word, with });
        }
    }

    /// Frames for the device, for all devices of a user, or for all links, are sent later by so much. Zero ends it.
    pub(crate) fn delay(&mut self, user: Option<UserId>, device: Option<Resource>, by: Duration) {
        self.delays.retain(|delay| (&delay.user, &delay.device) != (&user, &device));
        if !by.is_zero() {
            self.delays.push(Delay { user, device, by });
        }
    }

    /// Whether any frame is to be sent late.
    pub(super) const fn delays_any(&self) -> bool {
        !self.delays.is_empty()
    }

    /// How much later a frame goes out; on a link that nobody logged in on, only what is for all links counts.
    pub(super) fn delay_of(&self, whose: Option<(&UserId, &Resource)>) -> Duration {
        let meant = self.delays.iter().filter(|delay| {
            let by_user = delay.user.as_ref().is_none_or(|user| Some(user) == whose.map(|w| w.0));
            let by_device =
                delay.device.as_ref().is_none_or(|device| Some(device) == whose.map(|w| w.1));
            by_user && by_device
        });
        meant.map(|delay| delay.by).max().unwrap_or_default()
    }

    /// The refusal that the next send of `user` is to get. It is used up by this.
    pub(super) fn send_of(&mut self, user: &UserId) -> Option<Refusal> {
        take(&mut self.sends, user)
    }

    /// The refusal that the next login of `user` is to get. It is used up by this.
    pub(super) fn login_of(&mut self, user: &UserId) -> Option<Refusal> {
        take(&mut self.logins, user)
    }

    /// The refusal that the next heartbeat of `user` is to get. It is used up by this.
    pub(super) fn heartbeat_of(&mut self, user: &UserId) -> Option<Refusal> {
        take(&mut self.heartbeats, user)
    }

    /// The refusal that a request to `path` is to get, made with a token of `user` or of nobody. It is used up by this.
    pub(crate) fn request_of(
        &mut self,
        endpoint: Endpoint,
        user: Option<&UserId>,
        path: &str,
    ) -> Option<HttpRefusal> {
        let order = self.requests.iter_mut().find(|order| {
            (order.endpoint == Endpoint::Any || order.endpoint == endpoint)
                && (order.user.is_none() || order.user.as_ref() == user)
                && path.starts_with(&order.path)
                && order.n > 0
        })?;
        order.n -= 1;
        let refusal = order.refusal.clone();
        self.requests.retain(|order| order.n > 0);
        Some(refusal)
    }

    /// `text` as moderation leaves it; `None` when it is left alone.
    pub(super) fn moderate(&self, text: &str) -> Option<String> {
        let replaced = self
            .replaces
            .iter()
            .fold(text.to_owned(), |text, rule| text.replace(&rule.word, &rule.with));
        (replaced != text).then_some(replaced)
    }

    pub(crate) fn silence(&mut self, link: LinkId) {
        self.silent.insert(link);
    }

    pub(crate) const fn silence_henceforth(&mut self) {
        self.silent_henceforth = true;
    }

    /// A link was opened.
    pub(super) fn opened(&mut self, link: LinkId) {
        if self.silent_henceforth {
            self.silent.insert(link);
        }
    }

    /// Lets all links speak again.
    pub(crate) fn end_silence(&mut self) {
        self.silent.clear();
        self.silent_henceforth = false;
    }

    pub(super) fn is_silent(&self, link: LinkId) -> bool {
        self.silent.contains(&link)
    }

    /// A link is gone.
    pub(super) fn forget(&mut self, link: LinkId) {
        self.silent.remove(&link);
    }

    /// Ends all faults.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn take(orders: &mut Vec<Refuse>, user: &UserId) -> Option<Refusal> {
    let order = orders
        .iter_mut()
        .find(|order| order.n > 0 && order.user.as_ref().is_none_or(|name| name == user))?;
    order.n -= 1;
    let refusal = order.refusal.clone();
    orders.retain(|order| order.n > 0);
    Some(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_used_up_after_n_sends_of_its_user() {
        let mut faults = Faults::default();
        let (bob, carol) = (UserId::new("bob"), UserId::new("carol"));
        let refusal = Refusal::fail("blocked");
        faults.refuse_sends(Refuse { user: Some(bob.clone()), n: 2, refusal: refusal.clone() });
        assert_eq!(faults.send_of(&carol), None);
        assert_eq!(faults.send_of(&bob), Some(refusal.clone()));
        assert_eq!(faults.send_of(&bob), Some(refusal));
        assert_eq!(faults.send_of(&bob), None);
    }

    #[test]
    fn a_request_is_refused_by_who_where_and_how_often() {
        let mut faults = Faults::default();
        let bob = UserId::new("bob");
        let order = |endpoint, user: Option<&UserId>, path: &str| RefuseHttp {
            endpoint,
            user: user.cloned(),
            path: path.to_owned(),
            n: 1,
            refusal: HttpRefusal::new(503, "overloaded", ""),
        };
        faults.refuse_requests(order(Endpoint::Upload, None, ""));
        assert_eq!(faults.request_of(Endpoint::Any, None, "users"), None);
        assert!(faults.request_of(Endpoint::Upload, Some(&bob), "chatfiles").is_some());
        assert_eq!(faults.request_of(Endpoint::Upload, Some(&bob), "chatfiles"), None, "once");
        faults.refuse_requests(order(Endpoint::Any, Some(&bob), "users/"));
        assert_eq!(faults.request_of(Endpoint::Any, None, "users/bob"), None);
        assert_eq!(faults.request_of(Endpoint::Any, Some(&bob), "chatgroups"), None);
        assert!(faults.request_of(Endpoint::Any, Some(&bob), "users/bob").is_some());
    }

    #[test]
    fn the_longest_delay_that_is_meant_counts() {
        let mut faults = Faults::default();
        let (bob, desk) = (UserId::new("bob"), Resource::new("desk"));
        let ms = Duration::from_millis;
        faults.delay(None, None, ms(5));
        faults.delay(Some(bob.clone()), None, ms(20));
        assert_eq!(faults.delay_of(None), ms(5));
        assert_eq!(faults.delay_of(Some((&bob, &desk))), ms(20));
        faults.delay(Some(bob.clone()), None, ms(0));
        assert_eq!(faults.delay_of(Some((&bob, &desk))), ms(5));
        faults.delay(Some(bob.clone()), Some(Resource::new("tv")), ms(9));
        assert_eq!(faults.delay_of(Some((&bob, &desk))), ms(5));
    }

    #[test]
    fn moderation_says_nothing_about_a_clean_text() {
        let mut faults = Faults::default();
        faults.replace("darn".to_owned(), "***".to_owned());
        assert_eq!(faults.moderate("darn it"), Some("*** it".to_owned()));
        assert_eq!(faults.moderate("fine"), None);
    }
}
