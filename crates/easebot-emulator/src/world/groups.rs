//! Groups: their members and what members may do to them.

use std::collections::{BTreeMap, BTreeSet};

use easebot_model::{GroupId, Resource, UserId};
use easebot_msync::schema::muc_body::Operation;

use super::{App, Cx, group_events::MucEvent};
use crate::refusal::HttpRefusal;

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) draft: GroupDraft,
    pub(crate) created_ms: u64,
    /// The owner among them, and when each joined in milliseconds since 1970.
    pub(crate) members: BTreeMap<UserId, u64>,
    /// Who was asked to join and has not answered, and by whom.
    pub(super) invited: BTreeMap<UserId, UserId>,
    pub(super) applicants: BTreeSet<UserId>,
}

/// What a group is made from, and what can be changed of it.
#[derive(Clone, Debug)]
pub(crate) struct GroupDraft {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) avatar: String,
    pub(crate) custom: String,
    pub(crate) owner: UserId,
    pub(crate) is_public: bool,
    /// Whether the owner has to approve who joins.
    pub(crate) needs_approval: bool,
    /// Whether members may invite.
    pub(crate) members_invite: bool,
    /// Whether who is invited has to agree.
    pub(crate) needs_consent: bool,
    pub(crate) max_users: usize,
}

impl GroupDraft {
    /// A group with the defaults of the service.
    pub(crate) fn new(name: impl Into<String>, owner: UserId) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            avatar: String::new(),
            custom: String::new(),
            owner,
            is_public: true,
            needs_approval: false,
            members_invite: false,
            needs_consent: false,
            max_users: 200,
        }
    }
}

impl Group {
    pub(crate) fn owner(&self) -> &UserId {
        &self.draft.owner
    }

    /// Whether `user` may change the group and its messages.
    pub(crate) fn is_run_by(&self, user: &UserId) -> bool {
        self.draft.owner == *user
    }
}

impl App {
    /// The group `id`.
    pub(crate) fn group(&self, id: &GroupId) -> Result<&Group, HttpRefusal> {
        self.groups.get(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))
    }

    pub(super) fn group_mut(&mut self, id: &GroupId) -> Result<&mut Group, HttpRefusal> {
        self.groups.get_mut(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))
    }

    pub(super) fn require_users<'a>(
        &self,
        names: impl IntoIterator<Item = &'a UserId>,
    ) -> Result<(), HttpRefusal> {
        names.into_iter().try_for_each(|name| match self.user(name) {
            Some(_) => Ok(()),
            None => Err(HttpRefusal::no_such_username(name.as_str())),
        })
    }

    /// Makes a group and puts `members` into it, or asks them where consent is needed.
    pub(crate) fn create_group(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        draft: GroupDraft,
        members: &[UserId],
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        self.require_users(members.iter().chain([&draft.owner]))?;
        if self.groups.contains_key(id) {
            return Err(HttpRefusal::bad(format!("group ID {id} already exists!")));
        }
        if members.len() >= draft.max_users {
            return Err(HttpRefusal::new(
                403,
                "exceed_limit",
                "members size is greater than max user size !",
            ));
        }
        let owner = draft.owner.clone();
        let name = Some(draft.name.clone());
        let group = Group {
            draft,
            created_ms: cx.now,
            members: BTreeMap::from([(owner.clone(), cx.now)]),
            invited: BTreeMap::new(),
            applicants: BTreeSet::new(),
        };
        self.groups.insert(id.clone(), group);
        let event = MucEvent { name, ..MucEvent::in_group(id.as_str(), Operation::Create, &owner) };
        self.tell(cx, &event, [owner.clone()], acting);
        for member in members.iter().filter(|member| **member != owner) {
            self.start_with(cx, id, &owner, member)?;
        }
        Ok(())
    }

    /// Puts a group there before anybody is connected. Members may register later: their names are in it already.
    pub(crate) fn seed_group(
        &mut self,
        now: u64,
        id: &GroupId,
        mut draft: GroupDraft,
        members: &[UserId],
    ) {
        draft.max_users = draft.max_users.max(members.len() + 1);
        let members =
            members.iter().chain([&draft.owner]).map(|name| (name.clone(), now)).collect();
        let group = Group {
            draft,
            created_ms: now,
            members,
            invited: BTreeMap::new(),
            applicants: BTreeSet::new(),
        };
        self.groups.insert(id.clone(), group);
    }

    /// Puts a first member into a new group, or asks them. The others are not told: all are new.
    fn start_with(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        owner: &UserId,
        member: &UserId,
    ) -> Result<(), HttpRefusal> {
        let now = cx.now;
        let group = self.group_mut(id)?;
        if group.draft.needs_consent {
            self.invite(cx, id, owner, member)?;
        } else if group.members.insert(member.clone(), now).is_none() {
            self.tell_joined(cx, id, owner, member)?;
        }
        Ok(())
    }

    /// Tells `user` that `by` put them into a group.
    fn tell_joined(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        by: &UserId,
        user: &UserId,
    ) -> Result<(), HttpRefusal> {
        let name = Some(self.group(id)?.draft.name.clone());
        let to = vec![user.clone()];
        let event =
            MucEvent { to, name, ..MucEvent::in_group(id.as_str(), Operation::DirectJoined, by) };
        self.tell(cx, &event, [user.clone()], None);
        Ok(())
    }

    /// Ends a group.
    pub(crate) fn destroy_group(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        let group = self.group(id)?;
        let (owner, name) = (group.owner().clone(), Some(group.draft.name.clone()));
        let members = self.members_of(id);
        let event =
            MucEvent { name, ..MucEvent::in_group(id.as_str(), Operation::Destroy, &owner) };
        self.tell(cx, &event, members, acting);
        self.groups.remove(id);
        Ok(())
    }

    /// Changes a group by `change` and tells the members.
    pub(crate) fn modify_group(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        facts: String,
        acting: Option<&Resource>,
        change: impl FnOnce(&mut GroupDraft),
    ) -> Result<(), HttpRefusal> {
        let group = self.group_mut(id)?;
        change(&mut group.draft);
        let owner = group.owner().clone();
        let facts = Some(facts);
        let event =
            MucEvent { facts, ..MucEvent::in_group(id.as_str(), Operation::Update, &owner) };
        let members = self.members_of(id);
        self.tell(cx, &event, members, acting);
        Ok(())
    }

    /// Gives a group to another of its members.
    pub(crate) fn transfer_group(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        new_owner: &UserId,
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        let group = self.group_mut(id)?;
        if group.draft.owner == *new_owner {
            return Err(HttpRefusal::forbidden("new owner and old owner are the same"));
        }
        if !group.members.contains_key(new_owner) {
            return Err(not_members(new_owner));
        }
        let old_owner = std::mem::replace(&mut group.draft.owner, new_owner.clone());
        let to = vec![new_owner.clone()];
        let event =
            MucEvent { to, ..MucEvent::in_group(id.as_str(), Operation::AssignOwner, &old_owner) };
        let members = self.members_of(id);
        self.tell(cx, &event, members, acting);
        Ok(())
    }

    /// Puts `user` into a group without asking. False when they are in it already.
    pub(crate) fn add_member(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        by: &UserId,
        user: &UserId,
    ) -> Result<bool, HttpRefusal> {
        self.require_users([user])?;
        if !self.enter(cx, id, user)? {
            return Ok(false);
        }
        self.tell_joined(cx, id, by, user)?;
        Ok(true)
    }

    /// Makes `user` a member and tells the others. False when they are one already.
    pub(super) fn enter(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        user: &UserId,
    ) -> Result<bool, HttpRefusal> {
        let now = cx.now;
        let group = self.group_mut(id)?;
        if group.members.contains_key(user) {
            return Ok(false);
        }
        if group.members.len() >= group.draft.max_users {
            return Err(HttpRefusal::new(403, "forbidden_op", "group member list is full!"));
        }
        group.members.insert(user.clone(), now);
        group.invited.remove(user);
        group.applicants.remove(user);
        let n_members = Some(group.members.len());
        let others = self.members_of(id).into_iter().filter(|member| member != user);
        let event =
            MucEvent { n_members, ..MucEvent::in_group(id.as_str(), Operation::Presence, user) };
        self.tell(cx, &event, others, None);
        Ok(true)
    }

    /// Throws `user` out.
    pub(crate) fn remove_member(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        user: &UserId,
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        let owner = self.leave(id, user)?;
        let to = vec![user.clone()];
        let event = MucEvent { to, ..MucEvent::in_group(id.as_str(), Operation::Kick, &owner) };
        self.tell(cx, &event, [user.clone()], acting);
        self.tell_absence(cx, id, user);
        Ok(())
    }

    /// `user` leaves.
    pub(crate) fn quit(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        user: &UserId,
        acting: Option<&Resource>,
    ) -> Result<(), HttpRefusal> {
        self.leave(id, user)?;
        let event = MucEvent::in_group(id.as_str(), Operation::Leave, user);
        self.tell(cx, &event, [user.clone()], acting);
        self.tell_absence(cx, id, user);
        Ok(())
    }

    /// Takes `user` out and returns the owner.
    fn leave(&mut self, id: &GroupId, user: &UserId) -> Result<UserId, HttpRefusal> {
        let group = self.group_mut(id)?;
        if group.draft.owner == *user {
            return Err(HttpRefusal::forbidden("forbidden operation on group owner!"));
        }
        if group.members.remove(user).is_none() {
            return Err(not_members(user));
        }
        Ok(group.draft.owner.clone())
    }

    fn tell_absence(&mut self, cx: &mut Cx<'_>, id: &GroupId, user: &UserId) {
        let members = self.members_of(id);
        let n_members = Some(members.len());
        let event =
            MucEvent { n_members, ..MucEvent::in_group(id.as_str(), Operation::Absence, user) };
        self.tell(cx, &event, members, None);
    }

    /// Takes a user who is about to be deleted out of all groups and rooms; what they own ends.
    pub(crate) fn uproot(&mut self, cx: &mut Cx<'_>, user: &UserId) -> Result<(), HttpRefusal> {
        let groups: Vec<(GroupId, bool)> = self
            .groups
            .iter()
            .filter(|(_, group)| group.members.contains_key(user))
            .map(|(id, group)| (id.clone(), group.owner() == user))
            .collect();
        for (id, is_owner) in groups {
            if is_owner {
                self.destroy_group(cx, &id, None)?;
            } else {
                self.quit(cx, &id, user, None)?;
            }
        }
        let rooms: Vec<_> = self
            .rooms
            .iter()
            .filter(|(_, room)| room.is_affiliated(user))
            .map(|(id, room)| (id.clone(), room.owner == *user))
            .collect();
        for (id, is_owner) in rooms {
            if is_owner {
                self.destroy_room(cx, &id);
            } else {
                self.leave_room(cx, user, &id);
            }
        }
        Ok(())
    }
}

fn not_members(user: &UserId) -> HttpRefusal {
    HttpRefusal::forbidden(format!("users [{user}] are not members of this group!"))
}
