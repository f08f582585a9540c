//! Who may use a command, and where.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use easebot_model::{Conversation, ConversationKind, Timestamp, UserId};
use easebot_plugin::{Api, ApiError};

/// Who may use a command: users by their names, and those who run the group or chat room where they use it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Allow {
    users: HashSet<UserId>,
    owner: bool,
    admins: bool,
}

/// Whether somebody may, as far as it is known without asking the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Permission {
    /// They may not.
    No,
    /// They may if they have one of these roles in the conversation.
    Roles {
        /// The owner of the group or chat room may.
        owner: bool,
        /// Its admins may.
        admins: bool,
    },
    /// They may.
    Yes,
}

impl Allow {
    /// These users, everywhere.
    pub fn users<U: Into<UserId>>(users: impl IntoIterator<Item = U>) -> Self {
        let users = users.into_iter().map(Into::into).collect();
        Self { users, ..Self::default() }
    }

    /// Also the owner of the group or chat room.
    #[must_use]
    pub const fn and_group_owner(mut self) -> Self {
        self.owner = true;
        self
    }

    /// Also the admins of the group or chat room.
    #[must_use]
    pub const fn and_group_admins(mut self) -> Self {
        self.admins = true;
        self
    }

    /// Whether `user` may use it in `conversation`.
    #[must_use]
    pub fn permits(&self, user: &UserId, conversation: &Conversation) -> Permission {
        let has_roles =
            conversation.kind() != ConversationKind::User && (self.owner || self.admins);
        match (self.users.contains(user), has_roles) {
            (true, _) => Permission::Yes,
            (false, true) => Permission::Roles { owner: self.owner, admins: self.admins },
            (false, false) => Permission::No,
        }
    }

    /// Whether it depends on who runs a group or chat room.
    #[must_use]
    pub const fn asks_for_roles(&self) -> bool {
        self.owner || self.admins
    }
}

/// Where a command can be used: conversations, and kinds of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Places {
    kinds: Vec<ConversationKind>,
    conversations: Vec<Conversation>,
}

impl Places {
    /// Nowhere so far.
    #[must_use]
    pub const fn new() -> Self {
        Self { kinds: Vec::new(), conversations: Vec::new() }
    }

    /// Also in all conversations of this kind.
    #[must_use]
    pub fn and_kind(mut self, kind: ConversationKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Also in this conversation.
    #[must_use]
    pub fn and(mut self, conversation: Conversation) -> Self {
        self.conversations.push(conversation);
        self
    }

    /// Whether `conversation` is one of them.
    #[must_use]
    pub fn contain(&self, conversation: &Conversation) -> bool {
        self.kinds.contains(&conversation.kind()) || self.conversations.contains(conversation)
    }
}

/// Who runs a group or a chat room.
#[derive(Debug, Default)]
pub(super) struct Crew {
    pub(super) owner: Option<UserId>,
    pub(super) admins: HashSet<UserId>,
}

/// Who runs the groups and chat rooms that were asked about lately.
///
/// What the server said counts for a minute, and until the bot hears of a change. At most [`Roles::MAX`] are known; when more
/// would be, all are forgotten.
#[derive(Debug, Default)]
pub(super) struct Roles(Mutex<HashMap<Conversation, (Timestamp, Arc<Crew>)>>);

impl Roles {
    const MAX: usize = 1_000;
    const LIFE_MS: u64 = 60_000;

    /// Who runs `conversation`.
    ///
    /// # Errors
    /// What the server says.
    pub(super) async fn of(
        &self,
        conversation: &Conversation,
        api: &Api,
        now: Timestamp,
    ) -> Result<Arc<Crew>, ApiError> {
        match self.known(conversation, now) {
            Some(crew) => Ok(crew),
            None => self.ask(conversation, api, now).await,
        }
    }

    /// Who runs it may have changed.
    pub(super) fn forget(&self, conversation: &Conversation) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(conversation);
    }

    fn known(&self, conversation: &Conversation, now: Timestamp) -> Option<Arc<Crew>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, crew) = known.get(conversation)?;
        // A clock that was put back does not make it last.
        let age_ms = now.0.checked_sub(since.0)?;
        (age_ms < Self::LIFE_MS).then(|| Arc::clone(crew))
    }

    async fn ask(
        &self,
        conversation: &Conversation,
        api: &Api,
        now: Timestamp,
    ) -> Result<Arc<Crew>, ApiError> {
        let (owner, admins) = match conversation {
            Conversation::Group(id) => (api.group(id).await?.owner, api.admins(id).await?),
            Conversation::Room(id) => (api.room(id).await?.owner, api.admins(id).await?),
            Conversation::User(_) => (None, Vec::new()),
        };
        let crew = Arc::new(Crew { owner, admins: admins.into_iter().collect() });
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MAX {
            known.clear();
        }
        known.insert(conversation.clone(), (now, Arc::clone(&crew)));
        Ok(crew)
    }
}
