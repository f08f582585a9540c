//! The conversations of this account, as the server keeps them.

use easebot_model::{Conversation, MessageId, Timestamp, UserId};

use crate::{Api, Call, Fields, Pages, pages::Paging};

/// A conversation in short.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ConversationSummary {
    /// Which.
    pub conversation: Conversation,
    /// How many messages of it are not read.
    pub n_unread: u64,
    /// Whether it is pinned to the top.
    pub is_pinned: bool,
    /// Marks that it has, in the service's words, such as `mark_0`.
    pub marks: Vec<String>,
    /// The last message.
    pub last_message: Option<MessageId>,
    /// Who wrote the last message.
    pub last_from: Option<UserId>,
    /// When the last message was written.
    pub last_time: Option<Timestamp>,
}

impl Api {
    /// The conversations of this account, latest first, 50 a page. The server keeps a limited number, 100 by default.
    pub fn conversations(&self) -> Pages<ConversationSummary> {
        let path = ["sdk", "user", self.user().as_str(), "user_channels", "list"];
        let call = Call::get(&path).query("need_mark", "true").query("needEmptySession", "false");
        Pages::new(self.clone(), call, Paging::Cursor { n_items: 50 }, |fields| {
            fields.at("data").objects("channel_infos").filter_map(summary).collect()
        })
    }
}

fn summary(fields: Fields<'_>) -> Option<ConversationSummary> {
    let name = fields.text("session_to")?;
    let kind = fields.text_or_empty("session_type").to_ascii_lowercase();
    let conversation = match kind.as_str() {
        "groupchat" | "group" => Conversation::group(name),
        "chatroom" | "room" => Conversation::room(name),
        _ => Conversation::user(name),
    };
    let last = fields.at("meta");
    Some(ConversationSummary {
        conversation,
        n_unread: fields.uint("unread_num").unwrap_or_default(),
        is_pinned: fields.is_set("is_top"),
        marks: fields.list("marks").filter_map(|mark| mark.as_str().map(str::to_owned)).collect(),
        last_message: last.message("id"),
        last_from: last.text("from").map(|from| UserId::new(bare(&from))),
        last_time: last.time("timestamp"),
    })
}

/// The user of a JID `{org}#{app}_{user}@{domain}/{resource}`; a bare name is left as it is.
fn bare(name: &str) -> &str {
    let name = name.split(['@', '/']).next().unwrap_or(name);
    name.split_once('#').and_then(|(_, rest)| rest.split_once('_')).map_or(name, |(_, user)| user)
}
