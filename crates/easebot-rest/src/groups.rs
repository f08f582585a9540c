//! Groups.

use easebot_model::{GroupId, Timestamp, UserId};
use serde_json::json;

use crate::{
    Api, ApiError, Call, Class, Fields, Member, MemberOutcome, Pages,
    changes::{MAX_DESCRIPTION, MAX_NAME},
    members::members,
    pages::Paging,
};

/// A group to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewGroup {
    /// Its name, at most 128 characters.
    pub name: String,
    /// What it is about, at most 512 characters.
    pub description: String,
    /// Members from the beginning, besides the owner, which is this account.
    pub members: Vec<UserId>,
    /// Whether it can be found and asked to join.
    pub is_public: bool,
    /// Whether the owner or an admin has to agree to who joins.
    pub needs_approval: bool,
    /// Whether every member may invite.
    pub members_invite: bool,
    /// Whether who is invited has to agree.
    pub invited_confirm: bool,
    /// Most members; the edition of the app limits it. Default 200.
    pub max_members: u32,
    /// The application's own text, at most 8 KB.
    pub custom: String,
}

impl NewGroup {
    /// A private group to which nobody is invited without being asked.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            members: Vec::new(),
            is_public: false,
            needs_approval: true,
            members_invite: false,
            invited_confirm: true,
            max_members: 200,
            custom: String::new(),
        }
    }
}

/// A group. What the server did not say is empty, 0 or false.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct GroupProfile {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who owns it.
    pub owner: Option<UserId>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether it can be found and asked to join.
    pub is_public: bool,
    /// Whether the owner or an admin has to agree to who joins.
    pub needs_approval: bool,
    /// Whether every member may invite.
    pub members_invite: bool,
    /// Whether nobody but the owner and the admins may write.
    pub is_muted: bool,
    /// Whether it is disabled.
    pub is_disabled: bool,
    /// How many members it has.
    pub n_members: u64,
    /// Most members.
    pub max_members: u64,
    /// The application's own text.
    pub custom: String,
    /// Members, as far as the server names them here.
    pub members: Vec<Member>,
}

impl Api {
    /// Makes a group that this account owns. Not repeated: a lost answer may leave a group behind.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others.
    pub async fn create_group(&self, group: &NewGroup) -> Result<GroupId, ApiError> {
        let NewGroup { name, description, members, is_public, .. } = group;
        at_most("name", name, MAX_NAME)?;
        at_most("description", description, MAX_DESCRIPTION)?;
        let call = Call::post(&["chatgroups"]).json(&json!({
            "owner": self.user(),
            "groupname": name,
            "desc": description,
            "description": description,
            "members": members,
            "public": is_public,
            "approval": group.needs_approval,
            "membersonly": group.needs_approval,
            "allowinvites": group.members_invite,
            "invite_need_confirm": group.invited_confirm,
            "maxusers": group.max_members,
            "custom": group.custom,
        }));
        self.ask(call, "data.groupid", |fields| {
            let data = fields.at("data");
            data.group("groupid").or_else(|| data.group("id"))
        })
        .await
    }

    /// The group `id`.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NoSuchGroup`](crate::Meaning::NoSuchGroup) if there is none.
    pub async fn group(&self, id: &GroupId) -> Result<GroupProfile, ApiError> {
        let call = Call::get(&["chatgroups", id.as_str()]);
        self.ask(call, "data", |fields| profile(fields.first("data"))).await
    }

    /// The groups that this account is a member of, 20 a page.
    pub fn joined_groups(&self) -> Pages<GroupProfile> {
        let call = Call::get(&["chatgroups", "user", self.user().as_str()])
            .query("needAffiliations", "true")
            .query("needRole", "true")
            .class(Class::JoinedGroups);
        let paging = Paging::Number { number: "pagenum", size: "pagesize", first: 0, n_items: 20 };
        Pages::new(self.clone(), call, paging, |fields| {
            fields.objects("entities").filter_map(profile).collect()
        })
    }

    /// The groups of the app that anybody can find, 50 a page: id and name.
    pub fn public_groups(&self) -> Pages<GroupProfile> {
        let paging = Paging::Cursor { n_items: 50 };
        Pages::new(self.clone(), Call::get(&["publicchatgroups"]), paging, |fields| {
            fields.objects("data").filter_map(profile).collect()
        })
    }

    /// The members of a group, 100 a page.
    pub fn group_members(&self, id: &GroupId) -> Pages<Member> {
        self.members_of("chatgroups", id.as_str())
    }

    /// Joins a public group, or asks to join it where the owner has to agree; `message` goes to the owner then.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::AlreadyDone`](crate::Meaning::AlreadyDone), [`Meaning::Full`](crate::Meaning::Full).
    pub async fn join_group(&self, id: &GroupId, message: &str) -> Result<(), ApiError> {
        self.tell(in_group("apply", id).json(&json!({ "message": message }))).await
    }

    /// Lets `applicant` into a group that this account runs.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn approve_member(&self, id: &GroupId, applicant: &UserId) -> Result<(), ApiError> {
        let body = json!({ "applicant": applicant, "verifyResult": true });
        self.tell(in_group("apply_verify", id).json(&body)).await
    }

    /// Does not let `applicant` into a group that this account runs, and says why.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn refuse_member(
        &self,
        id: &GroupId,
        applicant: &UserId,
        reason: &str,
    ) -> Result<(), ApiError> {
        let body = json!({ "applicant": applicant, "verifyResult": false, "reason": reason });
        self.tell(in_group("apply_verify", id).json(&body)).await
    }

    /// Invites `users`. Each has an outcome of its own.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn invite_members(
        &self,
        id: &GroupId,
        users: &[UserId],
    ) -> Result<Vec<MemberOutcome>, ApiError> {
        let call = in_group("invite", id).json(&json!({ "usernames": users }));
        self.outcomes(call, users).await
    }

    /// Accepts or refuses an invitation of this account.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn answer_invitation(&self, id: &GroupId, accepts: bool) -> Result<(), ApiError> {
        let body = json!({ "invitee": self.user(), "verifyResult": accepts });
        self.tell(in_group("invite_verify", id).json(&body)).await
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// [`ApiError`]; [`Meaning::NotMember`](crate::Meaning::NotMember).
    pub async fn leave_group(&self, id: &GroupId) -> Result<(), ApiError> {
        self.tell(Call::delete(&["chatgroups", id.as_str(), "quit"])).await
    }
}

fn in_group(action: &str, id: &GroupId) -> Call {
    Call::post(&["chatgroups", id.as_str(), action])
}

/// # Errors
/// [`ApiError::TooLong`] if `text` has more than `limit` characters.
pub(crate) fn at_most(what: &'static str, text: &str, limit: usize) -> Result<(), ApiError> {
    let n_chars = text.chars().count();
    if n_chars > limit { Err(ApiError::TooLong { what, limit, n_chars }) } else { Ok(()) }
}

fn profile(fields: Fields<'_>) -> Option<GroupProfile> {
    let ids = ["id", "groupid", "groupId"];
    Some(GroupProfile {
        id: ids.into_iter().find_map(|key| fields.group(key))?,
        name: fields.text("name").unwrap_or_else(|| fields.text_or_empty("groupname")),
        description: fields.text_or_empty("description"),
        owner: fields.user("owner"),
        created: fields.time("created"),
        is_public: fields.is_set("public"),
        needs_approval: fields.is_set("membersonly"),
        members_invite: fields.is_set("allowinvites"),
        is_muted: fields.is_set("mute"),
        is_disabled: fields.is_set("disabled"),
        n_members: fields.uint("affiliations_count").unwrap_or_default(),
        max_members: fields.uint("maxusers").unwrap_or_default(),
        custom: fields.text_or_empty("custom"),
        members: members(fields, "affiliations"),
    })
}
