//! Which events a plugin wants.

use easebot_model::{BodyKind, ConversationKind, Event, EventKind, UserId};

/// A filter over events: kinds of event, kinds of message body, kinds of conversation.
///
/// The runtime asks it before anything is spent on an event. Messages that this account itself sent on another device are
/// left out unless [`with_own`](Self::with_own) asks for them, and what the bot itself says unless
/// [`with_said`](Self::with_said) does, so that a bot does not answer itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Interest {
    kinds: u64,
    bodies: u32,
    conversations: u8,
    own: bool,
    said: bool,
    observes: bool,
    answers: bool,
}

impl Interest {
    /// No event at all.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            kinds: 0,
            bodies: u32::MAX,
            conversations: u8::MAX,
            own: false,
            said: false,
            observes: false,
            answers: true,
        }
    }

    /// Every event.
    #[must_use]
    pub const fn all() -> Self {
        Self { kinds: u64::MAX, ..Self::none() }
    }

    /// Messages of every kind of body.
    #[must_use]
    pub const fn messages() -> Self {
        Self { kinds: MESSAGES, ..Self::none() }
    }

    /// Text messages.
    #[must_use]
    pub const fn texts() -> Self {
        Self { bodies: 1 << BodyKind::Text as u8, ..Self::messages() }
    }

    /// Adds events of `kind`.
    #[must_use]
    pub const fn and(self, kind: EventKind) -> Self {
        Self { kinds: self.kinds | 1 << kind as u8, ..self }
    }

    /// Of messages, only those with one of these bodies.
    #[must_use]
    pub fn bodies(self, bodies: impl IntoIterator<Item = BodyKind>) -> Self {
        Self { bodies: bodies.into_iter().fold(0, |set, body| set | 1 << body as u8), ..self }
    }

    /// Only events of these kinds of conversation. Events of no conversation are not touched by this.
    #[must_use]
    pub fn conversations(self, kinds: impl IntoIterator<Item = ConversationKind>) -> Self {
        Self { conversations: kinds.into_iter().fold(0, |set, kind| set | 1 << kind as u8), ..self }
    }

    /// Messages of this account's other devices, too.
    #[must_use]
    pub const fn with_own(self) -> Self {
        Self { own: true, ..self }
    }

    /// What the bot itself says, too, once the server has it: its messages, edits and recalls, whoever had them said. They come in
    /// the order in which the server took them, and as the server has them: with its id and time, and with what moderation made
    /// of them.
    ///
    /// For [observers](Self::observing) only; it has no effect on others. What is said about such an event with
    /// [`Context::send`](crate::Context::send) is refused, so that no bot answers itself: see
    /// [`Context::is_said`](crate::Context::is_said).
    #[must_use]
    pub const fn with_said(self) -> Self {
        Self { said: true, ..self }
    }

    /// Also events that a plugin before this one has kept ([`Flow::Stop`](crate::Flow::Stop)): the plugin is an observer, such
    /// as an archive or a bridge. What an observer itself returns hides nothing from the plugins behind it.
    ///
    /// Of several bots in a group one answers; observers of the others see the message too, and what those bots say there.
    /// [`Context::is_onlooker`](crate::Context::is_onlooker) tells when it is so. An observer is not asked to answer: a bot
    /// that has only observers for a message leaves it to the others, unless one is [`answering`](Self::answering).
    #[must_use]
    pub const fn observing(self) -> Self {
        Self { observes: true, answers: false, ..self }
    }

    /// An [observer](Self::observing) that also answers, so that of several bots in a group its own may be the one that does.
    #[must_use]
    pub const fn answering(self) -> Self {
        Self { answers: true, ..self }
    }

    /// What both want. Own messages, what the bot says and observing are had if one of them asks for it; it answers if both do.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self {
            kinds: self.kinds & other.kinds,
            bodies: self.bodies & other.bodies,
            conversations: self.conversations & other.conversations,
            own: self.own || other.own,
            said: self.said || other.said,
            observes: self.observes || other.observes,
            answers: self.answers && other.answers,
        }
    }

    /// At least what one of them wants: kinds of bodies and of conversations are not told apart by who asks for them.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        if self.is_none() {
            return other;
        } else if other.is_none() {
            return self;
        }
        let bodies = match (self.has_messages(), other.has_messages()) {
            (true, false) => self.bodies,
            (false, true) => other.bodies,
            _ => self.bodies | other.bodies,
        };
        Self {
            kinds: self.kinds | other.kinds,
            bodies,
            conversations: self.conversations | other.conversations,
            own: self.own || other.own,
            said: self.said || other.said,
            observes: self.observes || other.observes,
            answers: self.answers || other.answers,
        }
    }

    /// Whether it wants nothing at all.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        let kinds = if self.bodies == 0 { self.kinds & !MESSAGES } else { self.kinds };
        kinds == 0 || (self.conversations == 0 && kinds & MESSAGES == kinds)
    }

    const fn has_messages(&self) -> bool {
        self.kinds & MESSAGES != 0
    }

    /// Whether it is the interest of an [observer](Self::observing).
    #[must_use]
    pub const fn is_observer(&self) -> bool {
        self.observes
    }

    /// Whether the plugin may answer what it wants: it is no observer, or an [answering](Self::answering) one.
    #[must_use]
    pub const fn is_answering(&self) -> bool {
        self.answers
    }

    /// Whether it hears what the bot itself says: it is the interest of an [observer](Self::observing)
    /// [with that](Self::with_said).
    #[must_use]
    pub const fn is_listener(&self) -> bool {
        self.said && self.observes
    }

    /// Whether `event` is wanted by this filter, for the account of the user `me`.
    #[must_use]
    pub fn wants(&self, event: &Event, me: &UserId) -> bool {
        self.obstacle(event, me).is_none()
    }

    /// Whether `event`, which the bot itself said, is wanted by this filter.
    #[must_use]
    pub fn wants_said(&self, event: &Event) -> bool {
        self.is_listener() && self.unwanted(event).is_none()
    }

    /// Why `event` is not wanted, in words; none if it is.
    #[must_use]
    pub fn refuses(&self, event: &Event, me: &UserId) -> Option<String> {
        Some(match self.obstacle(event, me)? {
            Obstacle::Body(kind) => format!("it does not want {} messages", kind.as_str()),
            Obstacle::Conversation(kind) => {
                format!("it wants nothing of conversations of the kind {}", kind.as_str())
            }
            Obstacle::Kind(kind) => {
                format!("it does not want events of the kind {}", kind.as_str())
            }
            Obstacle::Own => "the bot wrote it itself, on another device".to_owned(),
        })
    }

    fn obstacle(&self, event: &Event, me: &UserId) -> Option<Obstacle> {
        let is_own = || matches!(event, Event::Message(message) if message.from == *me);
        match self.unwanted(event) {
            None | Some(Obstacle::Conversation(_)) if !self.own && is_own() => Some(Obstacle::Own),
            other => other,
        }
    }

    /// What is in the way, whoever wrote it.
    fn unwanted(&self, event: &Event) -> Option<Obstacle> {
        if self.kinds & 1 << event.kind() as u8 == 0 {
            return Some(Obstacle::Kind(event.kind()));
        }
        let conversation = match event {
            Event::Message(message) => {
                let body = message.body.kind();
                if self.bodies & 1 << body as u8 == 0 {
                    return Some(Obstacle::Body(body));
                }
                Some(message.conversation.kind())
            }
            other => other.conversation().map(|conversation| conversation.kind()),
        };
        conversation
            .filter(|kind| self.conversations & 1 << *kind as u8 == 0)
            .map(Obstacle::Conversation)
    }
}

const MESSAGES: u64 = 1 << EventKind::Message as u8;

/// What keeps an event from a plugin.
enum Obstacle {
    Body(BodyKind),
    Conversation(ConversationKind),
    Kind(EventKind),
    Own,
}

#[cfg(test)]
mod tests {
    use easebot_model::{Body, Conversation, Message, MessageId, Resource, Timestamp};

    use super::*;

    fn message(from: &str, to: Conversation, body: Body) -> Event {
        Event::Message(Box::new(Message::new(MessageId(1), to, from.into(), Timestamp(1), body)))
    }

    #[test]
    fn a_text_interest_takes_texts_of_others_only() {
        let (me, texts) = (UserId::new("bot"), Interest::texts());
        assert!(texts.wants(&message("bob", Conversation::user("bob"), "hi".into()), &me));
        assert!(
            !texts.wants(&message("bot", Conversation::user("bob"), "hi".into()), &me),
            "own message"
        );
        assert!(
            texts.with_own().wants(&message("bot", Conversation::user("bob"), "hi".into()), &me)
        );
        let cmd = Body::Cmd { action: "x".to_owned() };
        assert!(!texts.wants(&message("bob", Conversation::user("bob"), cmd), &me));
        assert!(!texts.wants(&Event::Connected { resource: Resource::new("r") }, &me));
    }

    #[test]
    fn what_is_not_wanted_is_so_for_a_reason() {
        let (me, texts) = (UserId::new("bot"), Interest::texts());
        let of =
            |interest: Interest, event: Event| interest.refuses(&event, &me).unwrap_or_default();
        let (bob, group) = (Conversation::user("bob"), Conversation::group("1"));
        let text = |from: &str, to: &Conversation| message(from, to.clone(), "hi".into());
        assert_eq!(of(texts, text("bob", &bob)), "");
        assert_eq!(of(texts, text("bot", &bob)), "the bot wrote it itself, on another device");
        let cmd = Body::Cmd { action: "x".to_owned() };
        assert_eq!(of(texts, message("bob", bob, cmd)), "it does not want cmd messages");
        let users = texts.conversations([ConversationKind::User]);
        assert_eq!(
            of(users, text("bob", &group)),
            "it wants nothing of conversations of the kind group"
        );
        let connected = Event::Connected { resource: Resource::new("r") };
        assert_eq!(of(texts, connected), "it does not want events of the kind connected");
    }

    #[test]
    fn interests_are_combined() {
        let me = UserId::new("bot");
        let text = message("bob", Conversation::group("1"), "hi".into());
        let online = Event::Connected { resource: Resource::new("r") };
        let connected = Interest::none().and(EventKind::Connected);
        let either = Interest::texts().union(connected);
        assert!(either.wants(&text, &me) && either.wants(&online, &me));
        let cmd = Body::Cmd { action: "x".to_owned() };
        assert!(!either.wants(&message("bob", Conversation::user("bob"), cmd), &me));
        assert_eq!(Interest::none().union(Interest::texts()), Interest::texts());
        let groups = Interest::all().conversations([ConversationKind::Group]);
        assert!(Interest::texts().intersection(groups).wants(&text, &me));
        let images = Interest::messages().bodies([BodyKind::Image]);
        assert!(Interest::texts().intersection(images).is_none());
        assert!(Interest::texts().intersection(connected).is_none());
        let users = Interest::all().conversations([ConversationKind::User]);
        assert!(Interest::texts().intersection(groups).intersection(users).is_none());
        assert!(!groups.intersection(users).is_none(), "events of no conversation are left");
    }

    #[test]
    fn what_the_bot_says_is_for_observers_who_ask_for_it() {
        let said = message("bot", Conversation::user("bob"), "hi".into());
        let watches = Interest::texts().observing();
        assert!(watches.with_said().wants_said(&said));
        assert!(!watches.with_own().wants_said(&said), "own devices are something else");
        assert!(
            !Interest::texts().with_said().wants_said(&said),
            "who answers could answer itself"
        );
        assert!(!watches.with_said().wants(&said, &"bot".into()), "on another device");
        let images = Interest::messages().bodies([BodyKind::Image]).observing().with_said();
        assert!(!images.wants_said(&said));
        assert!(images.union(watches).wants_said(&said));
    }

    #[test]
    fn conversations_narrow_and_kinds_widen() {
        let me = UserId::new("bot");
        let groups =
            Interest::messages().conversations([ConversationKind::Group]).and(EventKind::Connected);
        assert!(groups.wants(&message("bob", Conversation::group("1"), "hi".into()), &me));
        assert!(!groups.wants(&message("bob", Conversation::user("bob"), "hi".into()), &me));
        assert!(groups.wants(&Event::Connected { resource: Resource::new("r") }, &me));
    }
}
