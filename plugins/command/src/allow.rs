//! Who may use a command, and where.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use easebot_model::{Conversation, ConversationKind, Timestamp, UserId};
use easebot_plugin::{Api, ApiError, At, Problem, Problems, nearest};

use crate::keys::AllowKeys;

/// Who may use a command.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Allow {
    users: HashSet<UserId>,
    owner: bool,
    admins: bool,
}

/// Whether somebody may, as far as it is known without asking the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Permission {
    No,
    /// If they have one of these roles.
    Roles {
        owner: bool,
        admins: bool,
    },
    Yes,
}

/// Named lists of users.
pub(crate) type Lists = BTreeMap<String, Vec<At<String>>>;

impl Allow {
    pub(crate) fn build(keys: &At<AllowKeys>, lists: &Lists, problems: &mut Problems) -> Self {
        let mut users: HashSet<UserId> =
            keys.users.iter().map(|user| read_user(user, problems)).collect();
        for name in &keys.lists {
            match lists.get(name.as_str()) {
                Some(list) => users.extend(list.iter().map(|user| UserId::new(user.as_str()))),
                None => {
                    let message = format!("there is no list `{}`", name.as_str());
                    let problem = Problem::error(name.span(), message).perhaps_a_consequence();
                    problems.push(match nearest(name, lists.keys().map(String::as_str)) {
                        Some(close) => problem.hint(format!("did you mean `{close}`?")),
                        None => problem.hint("`lists` of the plugin has them"),
                    });
                }
            }
        }
        let names_nobody = keys.users.is_empty() && keys.lists.is_empty();
        if names_nobody && !keys.group_owner && !keys.group_admins {
            problems.push(
                Problem::error(keys.span(), "nobody may use the command")
                    .hint("`users`, `lists`, `group_owner` and `group_admins` say who may"),
            );
        }
        Self { users, owner: keys.group_owner, admins: keys.group_admins }
    }

    /// Whether `user` may use it in `conversation`.
    pub(crate) fn permits(&self, user: &UserId, conversation: &Conversation) -> Permission {
        let has_roles =
            conversation.kind() != ConversationKind::User && (self.owner || self.admins);
        match (self.users.contains(user), has_roles) {
            (true, _) => Permission::Yes,
            (false, true) => Permission::Roles { owner: self.owner, admins: self.admins },
            (false, false) => Permission::No,
        }
    }

    pub(crate) const fn asks_for_roles(&self) -> bool {
        self.owner || self.admins
    }
}

pub(crate) fn read_user(name: &At<String>, problems: &mut Problems) -> UserId {
    let user = UserId::new(name.as_str());
    if !user.is_legal() {
        problems.push(
            Problem::error(name.span(), "this is no user name")
                .hint("1 to 64 letters, digits, `.`, `_` and `-`"),
        );
    }
    user
}

/// Where a command can be used.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Places {
    kinds: Vec<ConversationKind>,
    conversations: Vec<Conversation>,
}

impl Places {
    pub(crate) fn build(names: &[At<String>], problems: &mut Problems) -> Self {
        let mut places = Self::default();
        for name in names {
            match name.as_str() {
                "user" => places.kinds.push(ConversationKind::User),
                "group" => places.kinds.push(ConversationKind::Group),
                "room" => places.kinds.push(ConversationKind::Room),
                text => match text.parse() {
                    Ok(conversation) => places.conversations.push(conversation),
                    Err(_) => problems.push(Problem::error(name.span(), "this is no place").hint(
                        "there are `user`, `group`, `room`, and conversations such as `group:123`",
                    )),
                },
            }
        }
        places
    }

    pub(crate) fn contain(&self, conversation: &Conversation) -> bool {
        self.kinds.contains(&conversation.kind()) || self.conversations.contains(conversation)
    }
}

/// Who runs a group or a chat room.
#[derive(Debug, Default)]
struct Crew {
    owner: Option<UserId>,
    admins: HashSet<UserId>,
}

/// Who runs the groups and chat rooms that were asked about lately.
///
/// What the server said counts for a minute, and until the bot hears of a change. At most [`Roles::MAX`] are known; when more
/// would be, all are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Roles(Mutex<HashMap<Conversation, (Timestamp, Arc<Crew>)>>);

impl Roles {
    const MAX: usize = 1_000;
    const LIFE_MS: u64 = 60_000;

    /// Whether `user` is the owner of `conversation` (if `owner` counts) or one of its admins (if `admins` do).
    ///
    /// # Errors
    /// What the server says.
    pub(crate) async fn has(
        &self,
        user: &UserId,
        conversation: &Conversation,
        (owner, admins): (bool, bool),
        api: &Api,
        now: Timestamp,
    ) -> Result<bool, ApiError> {
        let crew = match self.known(conversation, now) {
            Some(crew) => crew,
            None => self.ask(conversation, api, now).await?,
        };
        Ok((owner && crew.owner.as_ref() == Some(user)) || (admins && crew.admins.contains(user)))
    }

    /// Who runs it may have changed.
    pub(crate) fn forget(&self, conversation: &Conversation) {
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
