//! Members of groups, rooms and threads.

use std::time::Duration;

use easebot_model::{Timestamp, UserId};

use crate::{Api, ApiError, Call, Fields, Pages, pages::Paging};

/// A member of a group or room.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
    /// Since when, if the server says so.
    pub joined: Option<Timestamp>,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Role {
    /// Runs it together with the owner.
    Admin,
    /// Takes part.
    Member,
    /// Made it, or was given it.
    Owner,
}

/// What became of one user in a call about several.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MemberOutcome {
    /// Who.
    pub user: UserId,
    /// Whether it was done, or begun where the user has to agree first.
    pub is_done: bool,
    /// Why not, in the server's words.
    pub reason: Option<String>,
}

/// Members of one page.
const PAGE: Paging = Paging::Cursor { n_items: 100 };

impl Api {
    /// Members of `what`, which is `chatgroups` or `chatrooms`.
    pub(crate) fn members_of(&self, what: &str, id: &str) -> Pages<Member> {
        let call = Call::get(&[what, id, "users"]).query("joined_time", "true");
        Pages::new(self.clone(), call, PAGE, |fields| members(fields, "data"))
    }

    /// Makes a call about `users`, whose answer is one outcome or a list of them.
    pub(crate) async fn outcomes(
        &self,
        call: Call,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let value = self.json(&call).await?;
        let fields = Fields::of(&value);
        let mut outcomes: Vec<_> = fields.objects("data").filter_map(outcome).collect();
        // A service that answers for one user does not always name it.
        if let ([user], true) = (users, outcomes.is_empty()) {
            let is_done = fields.at("data").flag("result").unwrap_or(true);
            let reason = fields.at("data").text("reason");
            outcomes.push(MemberOutcome { user: user.clone(), is_done, reason });
        }
        Ok(outcomes)
    }
}

fn outcome(fields: Fields<'_>) -> Option<MemberOutcome> {
    Some(MemberOutcome {
        user: fields.user("user")?,
        is_done: fields.flag("result").unwrap_or(true),
        reason: fields.text("reason"),
    })
}

/// `[{"owner" | "admin" | "member": user, "joined_time"}]`.
pub(crate) fn members(fields: Fields<'_>, key: &str) -> Vec<Member> {
    let member = |fields: Fields<'_>| {
        let roles = [("owner", Role::Owner), ("admin", Role::Admin), ("member", Role::Member)];
        let (user, role) =
            roles.into_iter().find_map(|(key, role)| Some((fields.user(key)?, role)))?;
        Some(Member { user, role, joined: fields.time("joined_time") })
    };
    fields.objects(key).filter_map(member).collect()
}

/// Names joined by commas, as they stand in a path.
///
/// # Errors
/// [`ApiError::BadName`] for none at all, an empty one, or one with a comma: it would be two.
pub(crate) fn joined(users: &[UserId]) -> Result<String, ApiError> {
    let is_bad = |user: &UserId| user.is_empty() || user.as_str().contains(',');
    if users.is_empty() || users.iter().any(is_bad) {
        return Err(ApiError::BadName);
    }
    Ok(users.iter().map(UserId::as_str).collect::<Vec<_>>().join(","))
}

/// `mute_duration`: milliseconds, -1 without end.
pub(crate) fn mute_ms(time: Option<Duration>) -> i64 {
    time.map_or(-1, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
