//! Message threads: small groups that hang on a message of a group.

use easebot_model::{GroupId, MessageId, Timestamp, UserId};
use serde_json::json;

use crate::{Api, ApiError, Call, Fields, Pages, fields::text_of, groups::at_most, pages::Paging};

/// A thread to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewThread {
    /// The group that it is in.
    pub group: GroupId,
    /// The message that it hangs on.
    pub message: MessageId,
    /// Its name, at most 64 characters.
    pub name: String,
}

/// A thread.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ThreadProfile {
    /// Its id. Messages are sent to it as to a group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Who made it.
    pub owner: Option<UserId>,
    /// The group that it is in.
    pub group: Option<GroupId>,
    /// The message that it hangs on.
    pub message: Option<MessageId>,
    /// How many members it has.
    pub n_members: u64,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// Longest name in characters. Source: observed with the official SDK.
const MAX_NAME: usize = 64;

/// Threads and members of one page.
const PAGE: Paging = Paging::Cursor { n_items: 50 };

impl Api {
    /// Makes a thread. Not repeated.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others;
    /// [`Meaning::AlreadyDone`](crate::Meaning::AlreadyDone) if the message has one.
    pub async fn create_thread(&self, thread: &NewThread) -> Result<GroupId, ApiError> {
        let NewThread { group, message, name } = thread;
        at_most("name", name, MAX_NAME)?;
        let body =
            json!({ "name": name, "msg_id": message, "group_id": group, "owner": self.user() });
        let call = Call::post(&["thread"]).json(&body);
        self.ask(call, "data.thread_id", |fields| fields.at("data").group("thread_id")).await
    }

    /// The thread `id`.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoSuchGroup`](crate::Meaning::NoSuchGroup) if there is none.
    pub async fn thread(&self, id: &GroupId) -> Result<ThreadProfile, ApiError> {
        let call = Call::get(&["thread", id.as_str()]);
        self.ask(call, "data.id", |fields| profile(fields.first("data"))).await
    }

    /// Joins a thread.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::AlreadyDone`](crate::Meaning::AlreadyDone).
    pub async fn join_thread(&self, id: &GroupId) -> Result<(), ApiError> {
        let me = self.user().as_str();
        self.tell(Call::post(&["thread", id.as_str(), "user", me, "join"])).await
    }

    /// Leaves a thread.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn leave_thread(&self, id: &GroupId) -> Result<(), ApiError> {
        let me = self.user().as_str();
        self.tell(Call::delete(&["thread", id.as_str(), "user", me, "quit"])).await
    }

    /// Gives a thread another name, at most 64 characters.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others.
    pub async fn rename_thread(&self, id: &GroupId, name: &str) -> Result<(), ApiError> {
        at_most("name", name, MAX_NAME)?;
        self.tell(Call::put(&["thread", id.as_str()]).json(&json!({ "name": name }))).await
    }

    /// Removes a thread.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn destroy_thread(&self, id: &GroupId) -> Result<(), ApiError> {
        self.tell(Call::delete(&["thread", id.as_str()])).await
    }

    /// The threads of a group, 50 a page.
    pub fn threads(&self, group: &GroupId) -> Pages<ThreadProfile> {
        let call = Call::get(&["threads", "chatgroups", group.as_str()]);
        Pages::new(self.clone(), call, PAGE, |fields| {
            fields.objects("entities").filter_map(profile).collect()
        })
    }

    /// The members of a thread, 50 a page.
    pub fn thread_members(&self, id: &GroupId) -> Pages<UserId> {
        let call = Call::get(&["thread", id.as_str(), "users"]);
        Pages::new(self.clone(), call, PAGE, |fields| {
            let members = fields.at("data").list("affiliations");
            let name = |member| text_of(member).or_else(|| name_in(Fields::of(member)));
            members.filter_map(name).map(UserId::new).collect()
        })
    }
}

/// The name of a member that is written as `{"member": name}` or `{"owner": name}`.
fn name_in(fields: Fields<'_>) -> Option<String> {
    fields.text("member").or_else(|| fields.text("owner"))
}

fn profile(fields: Fields<'_>) -> Option<ThreadProfile> {
    Some(ThreadProfile {
        id: fields.group("id")?,
        name: fields.text_or_empty("name"),
        owner: fields.user("owner"),
        group: fields.group("groupId"),
        message: fields.message("msgId"),
        n_members: fields.uint("affiliations_count").unwrap_or_default(),
        created: fields.time("created"),
    })
}
