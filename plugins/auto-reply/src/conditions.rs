//! What a message has to be apart from its text.

use std::{collections::HashSet, fmt};

use easebot_model::{BodyKind, Conversation, ConversationKind, UserId};

use crate::{said::Said, when::Window};

/// What must hold for a message besides what it says. All of it must; what is not there does.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    /// It is of one of these kinds.
    pub(crate) bodies: Vec<BodyKind>,
    pub(crate) within: Option<Vec<Place>>,
    pub(crate) not_in: Vec<Place>,
    pub(crate) from: Option<HashSet<UserId>>,
    pub(crate) not_from: HashSet<UserId>,
    pub(crate) mention: Option<bool>,
    pub(crate) when: Option<Vec<Window>>,
    pub(crate) not_when: Vec<Window>,
}

/// Where a message can be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    All(ConversationKind),
    One(Conversation),
}

/// Why a rule does not hold for a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Obstacle {
    Body(BodyKind),
    NotForBot,
    ForBot,
    Place(Conversation),
    Sender(UserId),
    /// It is written outside of these times.
    NotNow(Vec<Window>),
    /// It is written within this time.
    Closed(Window),
}

impl Conditions {
    /// What keeps the rule from holding for `said`; none if nothing does.
    pub(crate) fn obstacle(&self, said: &Said<'_, '_>) -> Option<Obstacle> {
        let message = said.message;
        let body = message.body.kind();
        if !self.bodies.contains(&body) {
            return Some(Obstacle::Body(body));
        }
        let is_in = |places: &[Place]| places.iter().any(|place| place.has(&message.conversation));
        if self.within.as_deref().is_some_and(|places| !is_in(places)) || is_in(&self.not_in) {
            return Some(Obstacle::Place(message.conversation.clone()));
        }
        let from = &message.from;
        if self.from.as_ref().is_some_and(|users| !users.contains(from))
            || (!self.not_from.is_empty() && self.not_from.contains(from))
        {
            return Some(Obstacle::Sender(from.clone()));
        }
        match self.mention {
            Some(true) if !said.is_for_bot() => return Some(Obstacle::NotForBot),
            Some(false) if said.is_for_bot() => return Some(Obstacle::ForBot),
            _ => {}
        }
        let is_open = |window: &&Window| said.local().is_some_and(|local| window.holds(local));
        if let Some(when) = &self.when
            && !when.iter().any(|window| is_open(&window))
        {
            return Some(Obstacle::NotNow(when.clone()));
        }
        self.not_when.iter().find(is_open).cloned().map(Obstacle::Closed)
    }
}

impl Place {
    /// Reads `user`, `group`, `room`, `user:NAME`, `group:ID` or `room:ID`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "group" => Self::All(ConversationKind::Group),
            "room" => Self::All(ConversationKind::Room),
            "user" => Self::All(ConversationKind::User),
            text => Self::One(text.parse().ok()?),
        })
    }

    fn has(&self, conversation: &Conversation) -> bool {
        match self {
            Self::All(kind) => conversation.kind() == *kind,
            Self::One(one) => conversation == one,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(kind) => write!(f, "it is not for {} messages", kind.as_str()),
            Self::Closed(window) => write!(f, "it does not hold at the time `{window}`"),
            Self::ForBot => f.write_str("it is not for messages to the bot"),
            Self::NotForBot => f.write_str("the message does not name the bot"),
            Self::NotNow(windows) => {
                let windows: Vec<_> = windows.iter().map(|window| format!("`{window}`")).collect();
                write!(f, "it holds only at the time {}", windows.join(", "))
            }
            Self::Place(conversation) => write!(f, "it does not hold in {conversation}"),
            Self::Sender(user) => write!(f, "it is not for messages of {user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use easebot_model::{Body, Message, MessageId, Timestamp};
    use easebot_plugin::BotInfo;
    use jiff::tz::TimeZone;

    use super::*;

    fn texts() -> Conditions {
        Conditions { bodies: vec![BodyKind::Text], ..Conditions::default() }
    }

    /// What is in the way of a text of bob, written on Sunday 2026-11-22 at 20:30 in Shanghai.
    fn obstacle(conditions: &Conditions, to: Conversation, body: Body) -> Option<String> {
        let (bot, zone) = (bot(), TimeZone::get("Asia/Shanghai").unwrap());
        let time = Timestamp(1_795_350_600_000);
        let message = Message::new(MessageId(1), to, "bob".into(), time, body);
        let said = Said::new(&message, &bot, Some(&zone));
        conditions.obstacle(&said).map(|obstacle| obstacle.to_string())
    }

    fn bot() -> BotInfo {
        let app_key = "easebot#demo".parse().unwrap();
        BotInfo { name: "concierge".to_owned(), user: "concierge".into(), app_key }
    }

    #[track_caller]
    fn check(conditions: &Conditions, to: &str, expected: Option<&str>) {
        let to = to.parse().unwrap();
        assert_eq!(obstacle(conditions, to, "hello".into()).as_deref(), expected);
    }

    #[test]
    fn a_rule_is_for_kinds_of_messages() {
        let to = || Conversation::user("bob");
        assert_eq!(obstacle(&texts(), to(), "hello".into()), None);
        let image = Body::Image(Box::default());
        assert_eq!(
            obstacle(&texts(), to(), image.clone()).as_deref(),
            Some("it is not for image messages")
        );
        let images = Conditions { bodies: vec![BodyKind::Image], ..texts() };
        assert_eq!(obstacle(&images, to(), image), None);
    }

    #[test]
    fn a_rule_is_for_kinds_of_conversation_or_single_ones() {
        let places =
            |texts: &[&str]| texts.iter().map(|text| Place::parse(text).unwrap()).collect();
        let within = Conditions { within: Some(places(&["user", "group:1"])), ..texts() };
        check(&within, "user:amy", None);
        check(&within, "group:1", None);
        check(&within, "group:2", Some("it does not hold in group:2"));
        check(&within, "room:1", Some("it does not hold in room:1"));
        let not_in = Conditions { not_in: places(&["room", "group:1"]), ..texts() };
        check(&not_in, "group:2", None);
        check(&not_in, "group:1", Some("it does not hold in group:1"));
        check(&not_in, "room:9", Some("it does not hold in room:9"));
        assert_eq!(Place::parse("channel"), None);
        assert_eq!(Place::parse("user:"), None);
    }

    #[test]
    fn a_rule_is_for_some_senders() {
        let users = |names: &[&str]| names.iter().map(UserId::new).collect::<HashSet<_>>();
        check(&Conditions { from: Some(users(&["Bob"])), ..texts() }, "user:bob", None);
        let reason = Some("it is not for messages of bob");
        check(&Conditions { from: Some(users(&["amy"])), ..texts() }, "user:bob", reason);
        check(&Conditions { not_from: users(&["bob"]), ..texts() }, "user:bob", reason);
    }

    #[test]
    fn a_rule_is_for_what_is_said_to_the_bot_or_for_the_rest() {
        let to_bot = Conditions { mention: Some(true), ..texts() };
        check(&to_bot, "user:bob", None);
        check(&to_bot, "group:1", Some("the message does not name the bot"));
        let rest = Conditions { mention: Some(false), ..texts() };
        check(&rest, "group:1", None);
        check(&rest, "user:bob", Some("it is not for messages to the bot"));
    }

    #[test]
    fn a_rule_holds_at_times() {
        let windows =
            |texts: &[&str]| texts.iter().map(|text| Window::parse(text).unwrap()).collect();
        let when = |texts_: &[&str]| Conditions { when: Some(windows(texts_)), ..texts() };
        check(&when(&["mon-fri", "20:00-21:00"]), "user:bob", None);
        check(
            &when(&["mon-wed", "08:00-09:00"]),
            "user:bob",
            Some("it holds only at the time `mon,tue,wed`, `08:00-09:00`"),
        );
        let not_when = Conditions { not_when: windows(&["sat,sun"]), ..texts() };
        check(&not_when, "user:bob", Some("it does not hold at the time `sat,sun`"));
    }
}
