//! Groups: their members and what members may do to them.

mod members;

use std::collections::{BTreeMap, BTreeSet};

use easebot_model::{GroupId, Resource, UserId};
use easebot_msync::schema::muc_body::Operation;

use super::{
    App, Cx,
    group_events::MucEvent,
    history::Channel,
    metadata::Attributes,
    rules::{Actor, Role, Rules, not_members},
};
use crate::refusal::HttpRefusal;

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) draft: GroupDraft,
    pub(crate) rules: Rules,
    pub(crate) created_ms: u64,
    pub(crate) modified_ms: u64,
    /// The owner among them, and when each joined in milliseconds since 1970.
    pub(crate) members: BTreeMap<UserId, u64>,
    /// What members wrote about themselves here.
    pub(crate) attributes: BTreeMap<UserId, Attributes>,
    /// Who wants to hear nothing from here.
    pub(crate) shields: BTreeSet<UserId>,
    /// Whether the administrator of the app has shut it: nobody may speak.
    pub(crate) is_disabled: bool,
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
    fn new(draft: GroupDraft, members: BTreeMap<UserId, u64>, now: u64) -> Self {
        Self {
            draft,
            rules: Rules::default(),
            created_ms: now,
            modified_ms: now,
            members,
            attributes: BTreeMap::new(),
            shields: BTreeSet::new(),
            is_disabled: false,
            invited: BTreeMap::new(),
            applicants: BTreeSet::new(),
        }
    }

    pub(crate) fn owner(&self) -> &UserId {
        &self.draft.owner
    }

    /// What `user` is here.
    pub(crate) fn role(&self, user: &UserId) -> Role {
        if self.draft.owner == *user {
            Role::Owner
        } else if self.rules.admins.contains(user) {
            Role::Admin
        } else if self.members.contains_key(user) {
            Role::Member
        } else {
            Role::Outsider
        }
    }

    /// Whether `user` may change the group and its messages.
    pub(crate) fn is_run_by(&self, user: &UserId) -> bool {
        self.role(user) >= Role::Admin
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

    pub(crate) fn require_users<'a>(
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
        let group = Group::new(draft, BTreeMap::from([(owner.clone(), cx.now)]), cx.now);
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
        admins: &[UserId],
        members: &[UserId],
    ) -> bool {
        if self.groups.contains_key(id) {
            return false;
        }
        draft.max_users = draft.max_users.max(admins.len() + members.len() + 1);
        let everybody = members.iter().chain(admins).chain([&draft.owner]);
        let members = everybody.map(|name| (name.clone(), now)).collect();
        let mut group = Group::new(draft, members, now);
        group.rules.admins.extend(admins.iter().cloned());
        self.groups.insert(id.clone(), group);
        true
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
        self.forget_threads_of(id);
        self.history.forget(&Channel::Muc(id.to_string()));
        Ok(())
    }

    /// Makes a group what `draft` says and tells the members.
    pub(crate) fn modify_group(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        facts: String,
        actor: Actor<'_>,
        draft: GroupDraft,
    ) -> Result<(), HttpRefusal> {
        let now = cx.now;
        let group = self.group_mut(id)?;
        group.draft = draft;
        group.modified_ms = now;
        let facts = Some(facts);
        let event =
            MucEvent { facts, ..MucEvent::in_group(id.as_str(), Operation::Update, actor.user) };
        let members = self.members_of(id);
        self.tell(cx, &event, members, actor.device);
        Ok(())
    }

    /// Shuts a group or opens it again. What its members may still do is leave.
    pub(crate) fn set_disabled(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        is_disabled: bool,
    ) -> Result<(), HttpRefusal> {
        let group = self.group_mut(id)?;
        if std::mem::replace(&mut group.is_disabled, is_disabled) != is_disabled {
            let owner = group.owner().clone();
            let operation =
                if is_disabled { Operation::DisableGroup } else { Operation::AbleGroup };
            let members = self.members_of(id);
            self.tell(cx, &MucEvent::in_group(id.as_str(), operation, &owner), members, None);
        }
        Ok(())
    }

    /// `user` wants to hear nothing from a group any more, or wants to again. Only they are told.
    pub(crate) fn set_shielded(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        actor: Actor<'_>,
        is_shielded: bool,
    ) -> Result<(), HttpRefusal> {
        let user = actor.user;
        let group = self.group_mut(id)?;
        match group.role(user) {
            Role::Outsider => return Err(not_members(user)),
            Role::Admin | Role::Owner if is_shielded => {
                return Err(HttpRefusal::forbidden("owner and admins can not shield the group"));
            }
            Role::Admin | Role::Member | Role::Owner => {}
        }
        let (is_changed, operation) = if is_shielded {
            (group.shields.insert(user.clone()), Operation::Block)
        } else {
            (group.shields.remove(user), Operation::Unblock)
        };
        if is_changed {
            let to = vec![user.clone()];
            let event = MucEvent { to, ..MucEvent::in_group(id.as_str(), operation, user) };
            self.tell(cx, &event, [user.clone()], actor.device);
        }
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
        group.rules.forget(new_owner);
        group.shields.remove(new_owner);
        let to = vec![new_owner.clone()];
        let event =
            MucEvent { to, ..MucEvent::in_group(id.as_str(), Operation::AssignOwner, &old_owner) };
        let members = self.members_of(id);
        self.tell(cx, &event, members, acting);
        Ok(())
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
                self.destroy_room(cx, &id, None);
            } else {
                self.leave_room(cx, user, &id);
            }
        }
        Ok(())
    }
}
