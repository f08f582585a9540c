//! A message as the rules see it.

use std::cell::OnceCell;

use easebot_model::{ConversationKind, Message};
use easebot_plugin::BotInfo;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// A message with what several rules want to know of it, found out once.
pub(crate) struct Said<'m, 'b> {
    pub(crate) message: &'m Message,
    bot: &'b BotInfo,
    zone: Option<&'b TimeZone>,
    local: OnceCell<Option<DateTime>>,
    is_for_bot: OnceCell<bool>,
}

impl<'m, 'b> Said<'m, 'b> {
    pub(crate) const fn new(
        message: &'m Message,
        bot: &'b BotInfo,
        zone: Option<&'b TimeZone>,
    ) -> Self {
        Self { message, bot, zone, local: OnceCell::new(), is_for_bot: OnceCell::new() }
    }

    /// The text without a mention of the bot at its beginning, as in `@concierge hello`; none if it is no text.
    pub(crate) fn text(&self) -> Option<&'m str> {
        let text = self.message.body.as_text()?;
        let Some(named) = text.trim_start().strip_prefix('@') else { return Some(text) };
        if self.is_one_to_one() {
            return Some(text);
        }
        for name in self.names() {
            if let Some(rest) = strip_name(named, name) {
                return Some(rest.trim_start());
            }
        }
        // An app writes the nickname, which is not known here.
        if self.is_listed()
            && let Some((_, rest)) = named.split_once(char::is_whitespace)
        {
            return Some(rest.trim_start());
        }
        Some(text)
    }

    /// When it was written, by the clock of the time zone; none without one.
    pub(crate) fn local(&self) -> Option<DateTime> {
        *self.local.get_or_init(|| {
            let millis = i64::try_from(self.message.time.0).ok()?;
            Some(self.zone?.to_datetime(Timestamp::from_millisecond(millis).ok()?))
        })
    }

    /// Whether it is meant for the bot: it names it, or nobody else is there.
    pub(crate) fn is_for_bot(&self) -> bool {
        *self.is_for_bot.get_or_init(|| self.is_one_to_one() || self.is_listed() || self.is_named())
    }

    fn is_one_to_one(&self) -> bool {
        self.message.conversation.kind() == ConversationKind::User
    }

    /// Whether the sender's app says that it names the bot.
    fn is_listed(&self) -> bool {
        self.message.mentions().iter().any(|user| self.bot.user.as_str().eq_ignore_ascii_case(user))
    }

    /// Whether its text does.
    fn is_named(&self) -> bool {
        let mut mentions = self.message.text().match_indices('@');
        mentions.any(|(at, _)| {
            let named = self.message.text().get(at + 1..).unwrap_or_default();
            self.names().into_iter().any(|name| strip_name(named, name).is_some())
        })
    }

    fn names(&self) -> [&'b str; 2] {
        [self.bot.user.as_str(), &self.bot.name]
    }
}

/// What follows `name` at the beginning of `text`, if it ends there. ASCII case does not count.
fn strip_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(name.len())?;
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (!name.is_empty() && head.eq_ignore_ascii_case(name) && !rest.starts_with(goes_on))
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    use easebot_model::{Conversation, Ext, ExtValue, MessageId, Timestamp};

    use super::*;

    fn bot() -> BotInfo {
        BotInfo {
            name: "助手".to_owned(),
            user: "concierge".into(),
            app_key: "easebot#demo".parse().unwrap(),
        }
    }

    fn message(to: Conversation, text: &str) -> Message {
        Message::new(MessageId(1), to, "bob".into(), Timestamp(1), text.into())
    }

    /// The text that the rules see, and whether it is for the bot.
    #[track_caller]
    fn check(message: &Message, text: &str, is_for_bot: bool) {
        let bot = bot();
        let said = Said::new(message, &bot, None);
        assert_eq!((said.text(), said.is_for_bot()), (Some(text), is_for_bot));
    }

    #[test]
    fn a_group_message_is_for_the_bot_if_it_names_it() {
        let group = |text| message(Conversation::group("1"), text);
        check(&group("hello"), "hello", false);
        check(&group("@concierge hello"), "hello", true);
        check(&group(" @Concierge\u{2005}hello"), "hello", true);
        check(&group("@concierge你好"), "你好", true);
        check(&group("@助手 你好"), "你好", true);
        check(&group("hello @concierge."), "hello @concierge.", true);
        check(&group("@concierge2 hello"), "@concierge2 hello", false);
        check(&group("@concierge-2 hello"), "@concierge-2 hello", false);
        check(&group("@concier"), "@concier", false);
    }

    #[test]
    fn what_the_app_lists_counts_whatever_the_nickname_is() {
        let mut listed = message(Conversation::group("1"), "@小助 你好");
        let users = ExtValue::Json(serde_json::json!(["Concierge"]));
        listed.ext = [("em_at_list", users)].into_iter().collect::<Ext>();
        check(&listed, "你好", true);
        listed.body = "@小助".into();
        check(&listed, "@小助", true);
    }

    #[test]
    fn one_to_one_everything_is_for_the_bot_and_stays_as_it_is() {
        check(&message(Conversation::user("bob"), "hello"), "hello", true);
        check(&message(Conversation::user("bob"), "@concierge hi"), "@concierge hi", true);
    }

    #[test]
    fn the_local_time_is_that_of_the_message() {
        let (bot, zone) = (bot(), TimeZone::get("Asia/Shanghai").unwrap());
        let mut message = message(Conversation::user("bob"), "hello");
        message.time = Timestamp(1_800_000_000_000);
        let local = Said::new(&message, &bot, Some(&zone)).local();
        assert_eq!(local, Some("2027-01-15T16:00:00".parse().unwrap()));
        assert_eq!(Said::new(&message, &bot, None).local(), None);
    }
}
