//! What an event is known by, wherever it goes.

use easebot_model::Event;
use easebot_plugin::BotInfo;
use sha2::{Digest, Sha256};

/// The id of an event that happened to `bot`, such as `evt_0c8b1e5d6a7f4e9b8c2d3f4a5b6c7d8e`: the same for an event that comes again
/// after a crash, also if all that was saved is lost. What has no id of its own, such as that somebody writes, is a new event
/// each time.
#[must_use]
pub fn event_id(event: &Event, bot: &BotInfo) -> String {
    let own = match event {
        Event::Message(message) => message.id.to_string(),
        Event::Edited(edited) => {
            let edit = edited.message.edited.as_ref();
            let (time, count) = edit.map_or((0, 0), |edit| (edit.time.0, edit.count));
            format!("{}/{time}/{count}", edited.message.id)
        }
        Event::Recalled(recalled) => recalled.message.to_string(),
        _ => format!("{:032x}", fastrand::u128(..)),
    };
    let kind = event.kind().as_str();
    let name = format!("{}\n{}\n{kind}\n{own}", bot.app_key, bot.user);
    let hash = Sha256::digest(name.as_bytes());
    let hex = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("evt_{}", hex.collect::<String>())
}

#[cfg(test)]
mod tests {
    use easebot_model::{Conversation, Message, MessageId, Timestamp, UserId};

    use super::*;

    #[test]
    fn an_id_is_that_of_the_message_and_of_nothing_that_changes() {
        let bot = BotInfo {
            name: "front desk".to_owned(),
            user: UserId::new("concierge"),
            app_key: "easebot#demo".parse().unwrap(),
        };
        let id = |message: u64, text: &str, bot: &BotInfo| {
            let to = Conversation::user("ann");
            let message =
                Message::new(MessageId(message), to, "ann".into(), Timestamp(1), text.into());
            event_id(&Event::Message(Box::new(message)), bot)
        };
        // Receivers know events by it over versions: it never changes.
        assert_eq!(id(1, "hi", &bot), "evt_2fc910e46187395284f13b0889d00f1a");
        assert_eq!(
            id(1, "ho", &bot),
            id(1, "hi", &BotInfo { name: "other".to_owned(), ..bot.clone() })
        );
        assert_ne!(id(1, "hi", &bot), id(2, "hi", &bot));
        assert_ne!(
            id(1, "hi", &bot),
            id(1, "hi", &BotInfo { user: "other".into(), ..bot.clone() })
        );
    }
}
