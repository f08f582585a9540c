//! The conversations of this account, as the server keeps them. Other devices of the account are told of each change.

use easebot_model::{Conversation, MessageId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::{Api, ApiError, Call, Fields, Pages, pages::Paging};

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

/// A mark on a conversation, number 0 to 19. What it means is the application's own business.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConversationMark(u8);

/// How many marks there are. Source: observed with the official SDK.
const N_MARKS: u8 = 20;

/// Most conversations that are marked in one call. Source: observed with the official SDK.
const MAX_MARKED: usize = 20;

impl ConversationMark {
    /// The mark of this number; none above 19.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < N_MARKS { Some(Self(number)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    fn word(self) -> String {
        format!("mark_{}", self.0)
    }
}

impl Api {
    /// The conversations of this account, latest first, 50 a page. The server keeps a limited number, 100 by default.
    pub fn conversations(&self) -> Pages<ConversationSummary> {
        self.listed("list", |call| {
            call.query("need_mark", "true").query("needEmptySession", "false")
        })
    }

    /// The conversations that are pinned to the top, the one that was pinned last first, 50 a page.
    pub fn pinned_conversations(&self) -> Pages<ConversationSummary> {
        self.listed("list", |call| call.query("need_mark", "true").query("is_top", "true"))
    }

    /// The conversations that have `mark`, 50 a page.
    pub fn marked_conversations(&self, mark: ConversationMark) -> Pages<ConversationSummary> {
        let mark = mark.word();
        self.listed("mark", move |call| call.query("mark", mark))
    }

    /// Pins a conversation to the top of the list, at most 50.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::LimitReached`](crate::Meaning::LimitReached).
    pub async fn pin_conversation(&self, conversation: &Conversation) -> Result<(), ApiError> {
        let call = Call::post(&self.channel("top")).json(&target(conversation));
        self.tell(call.repeatable()).await
    }

    /// No longer pins a conversation.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn unpin_conversation(&self, conversation: &Conversation) -> Result<(), ApiError> {
        let call = Call::delete(&self.channel("top"))
            .query("type", channel_type(conversation))
            .query("to", conversation.name());
        self.tell(call.repeatable()).await
    }

    /// Marks conversations, 20 a call.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails.
    pub async fn mark_conversations(
        &self,
        conversations: &[Conversation],
        mark: ConversationMark,
    ) -> Result<(), ApiError> {
        self.mark(Call::post, conversations, mark).await
    }

    /// Takes a mark off conversations, 20 a call.
    ///
    /// # Errors
    /// [`ApiError`] of the first call that fails.
    pub async fn unmark_conversations(
        &self,
        conversations: &[Conversation],
        mark: ConversationMark,
    ) -> Result<(), ApiError> {
        self.mark(Call::delete, conversations, mark).await
    }

    /// Takes a conversation off the list; `with_messages`, its history on the server as well, for this account only.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn remove_conversation(
        &self,
        conversation: &Conversation,
        with_messages: bool,
    ) -> Result<(), ApiError> {
        let call = Call::delete(&["user", self.user().as_str(), "user_channel"]).json(&json!({
            "channel": conversation.name(),
            "type": channel_type(conversation),
            "delete_roam": with_messages,
        }));
        self.tell(call).await
    }

    async fn mark(
        &self,
        method: fn(&[&str]) -> Call,
        conversations: &[Conversation],
        mark: ConversationMark,
    ) -> Result<(), ApiError> {
        for some in conversations.chunks(MAX_MARKED) {
            let targets: Vec<_> = some.iter().map(target).collect();
            let call = method(&["sdk", "user", self.user().as_str(), "user_channels", "mark"]);
            let call = call.json(&json!({ "mark": mark.word(), "targets": targets }));
            self.tell(call.repeatable()).await?;
        }
        Ok(())
    }

    fn listed(
        &self,
        list: &'static str,
        ask: impl FnOnce(Call) -> Call,
    ) -> Pages<ConversationSummary> {
        let user = self.user().clone();
        let mut path = vec!["sdk", "user", user.as_str(), "user_channels", list];
        if list == "mark" {
            path.push("search");
        }
        let call = ask(Call::get(&path));
        Pages::new(self.clone(), call, Paging::Cursor { n_items: 50 }, |fields| {
            fields.at("data").objects("channel_infos").filter_map(summary).collect()
        })
    }

    fn channel<'a>(&'a self, what: &'a str) -> [&'a str; 5] {
        ["sdk", "user", self.user().as_str(), "user_channel", what]
    }
}

/// A conversation as these calls name it.
fn target(conversation: &Conversation) -> Value {
    json!({ "type": channel_type(conversation), "to": conversation.name() })
}

/// The kind of a conversation in these calls. Source: observed with the official SDK.
pub(crate) const fn channel_type(conversation: &Conversation) -> &'static str {
    match conversation {
        Conversation::Group(_) => "groupchat",
        Conversation::Room(_) => "chatroom",
        Conversation::User(_) => "chat",
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
