//! What an operator ordered to go wrong.

use std::collections::BTreeSet;

use easebot_model::UserId;

use super::{LinkId, wire::Refusal};

/// An order to refuse what comes next.
#[derive(Clone, Debug)]
pub(crate) struct Refuse {
    /// Whose; `None` means anybody's.
    pub(crate) user: Option<UserId>,
    /// How many.
    pub(crate) n: usize,
    pub(crate) refusal: Refusal,
}

/// A word that moderation replaces in texts.
#[derive(Clone, Debug)]
pub(crate) struct Replace {
    pub(crate) word: String,
    pub(crate) with: String,
}

/// The faults in force, of all apps.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    sends: Vec<Refuse>,
    logins: Vec<Refuse>,
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

    pub(crate) fn replace(&mut self, word: String, with: String) {
        self.replaces.retain(|rule| rule.word != word);
        if !word.is_empty() {
            self.replaces.push(Replace { word, with });
        }
    }

    /// The refusal that the next send of `user` is to get. It is used up by this.
    pub(super) fn send_of(&mut self, user: &UserId) -> Option<Refusal> {
        take(&mut self.sends, user)
    }

    /// The refusal that the next login of `user` is to get. It is used up by this.
    pub(super) fn login_of(&mut self, user: &UserId) -> Option<Refusal> {
        take(&mut self.logins, user)
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
    fn moderation_says_nothing_about_a_clean_text() {
        let mut faults = Faults::default();
        faults.replace("darn".to_owned(), "***".to_owned());
        assert_eq!(faults.moderate("darn it"), Some("*** it".to_owned()));
        assert_eq!(faults.moderate("fine"), None);
    }
}
