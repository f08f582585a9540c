//! What groups and chat rooms have alike: admins, who may speak, who may come in, what hangs on the wall.

mod wall;

use std::collections::{BTreeMap, BTreeSet};

use easebot_model::{GroupId, Resource, RoomId, UserId};
use easebot_msync::schema::{muc_body::Operation, status::ErrorCode};
use serde_json::json;

pub(crate) use self::wall::SharedFile;
use super::{App, Cx, group_events::MucEvent, wire::Refusal};
use crate::refusal::HttpRefusal;

/// A group or a chat room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Group(GroupId),
    Room(RoomId),
}

impl Place {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Group(id) => id.as_str(),
            Self::Room(id) => id.as_str(),
        }
    }
}

/// What somebody is in a group or chat room.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Role {
    Outsider,
    Member,
    Admin,
    Owner,
}

impl Role {
    /// The word that REST has for it, as the key of a member and as a permission.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Outsider | Self::Member => "member",
        }
    }
}

/// The rules of one group or chat room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) admins: BTreeSet<UserId>,
    /// Who may not speak until when, in milliseconds since 1970.
    pub(crate) mutes: BTreeMap<UserId, u64>,
    /// Whether only owner, admins and who is on the allow list may speak.
    pub(crate) is_muted: bool,
    /// Who may not come in.
    pub(crate) blocked: BTreeSet<UserId>,
    /// The allow list.
    pub(crate) allowed: BTreeSet<UserId>,
    pub(crate) announcement: String,
    pub(crate) files: Vec<SharedFile>,
}

/// When a mute ends that does not: some day in 2117. Source: Easemob's REST documentation, "mutes".
pub(crate) const FOR_EVER_MS: u64 = 4_638_873_600_000;

impl Rules {
    /// When the mute of `user` ends; `None` when there is none.
    pub(crate) fn muted_until(&self, now: u64, user: &UserId) -> Option<u64> {
        self.mutes.get(user).copied().filter(|until| *until > now)
    }

    /// Whether `user`, who is in the place, may speak there.
    pub(super) fn may_speak(&self, now: u64, user: &UserId, role: Role) -> Result<(), Refusal> {
        if self.muted_until(now, user).is_some() {
            return Err(Refusal::new(ErrorCode::UserMuted, "user is mute"));
        }
        if self.is_muted && role < Role::Admin && !self.allowed.contains(user) {
            return Err(Refusal::fail("not in group or chatroom white list"));
        }
        Ok(())
    }

    /// Whether `user` is kept out, in the words that REST and MSYNC share.
    pub(super) fn keeps_out(&self, user: &UserId) -> Option<String> {
        self.blocked
            .contains(user)
            .then(|| format!("can not join this group, reason:user: {user} is in the blacklist"))
    }

    /// `user` is not in the place any more.
    pub(super) fn forget(&mut self, user: &UserId) {
        self.admins.remove(user);
        self.mutes.remove(user);
        self.allowed.remove(user);
    }
}

/// Who changes a place, and on which device, which is not told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) device: Option<&'a Resource>,
}

impl App {
    pub(crate) fn rules(&self, place: &Place) -> Result<&Rules, HttpRefusal> {
        let rules = match place {
            Place::Group(id) => self.groups.get(id).map(|group| &group.rules),
            Place::Room(id) => self.rooms.get(id).map(|room| &room.rules),
        };
        rules.ok_or_else(|| HttpRefusal::no_group(place.id()))
    }

    pub(super) fn rules_mut(&mut self, place: &Place) -> Result<&mut Rules, HttpRefusal> {
        let rules = match place {
            Place::Group(id) => self.groups.get_mut(id).map(|group| &mut group.rules),
            Place::Room(id) => self.rooms.get_mut(id).map(|room| &mut room.rules),
        };
        rules.ok_or_else(|| HttpRefusal::no_group(place.id()))
    }

    /// What `user` is in `place`; an outsider where there is none.
    pub(crate) fn role_in(&self, place: &Place, user: &UserId) -> Role {
        match place {
            Place::Group(id) => self.groups.get(id).map(|group| group.role(user)),
            Place::Room(id) => self.rooms.get(id).map(|room| room.role(user)),
        }
        .unwrap_or(Role::Outsider)
    }

    fn owner_of(&self, place: &Place) -> Option<&UserId> {
        match place {
            Place::Group(id) => self.groups.get(id).map(|group| group.owner()),
            Place::Room(id) => self.rooms.get(id).map(|room| &room.owner),
        }
    }

    /// Who hears what happens in `place`.
    pub(crate) fn people_in(&self, place: &Place) -> Vec<UserId> {
        match place {
            Place::Group(id) => self.members_of(id),
            Place::Room(id) => self.present_in(id),
        }
    }

    /// The owner and the admins of `place`, and `others` who are concerned.
    fn concerned(&self, place: &Place, others: &UserId) -> BTreeSet<UserId> {
        let owner = self.owner_of(place).into_iter();
        let admins = self.rules(place).ok().into_iter().flat_map(|rules| &rules.admins);
        owner.chain(admins).chain([others]).cloned().collect()
    }

    /// Tells the owner, the admins and `user` what was done to `user`.
    fn tell_concerned(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        operation: Operation,
        user: &UserId,
        ext: Option<String>,
    ) {
        let to = vec![user.clone()];
        let event = MucEvent { to, ext, ..MucEvent::at(place, operation, actor.user) };
        let told = self.concerned(place, user);
        self.tell(cx, &event, told, actor.device);
    }

    fn require_member(&self, place: &Place, user: &UserId) -> Result<Role, HttpRefusal> {
        match self.role_in(place, user) {
            Role::Outsider => Err(not_members(user)),
            role => Ok(role),
        }
    }

    /// Makes `user` an admin, or takes it from them.
    pub(crate) fn set_admin(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        user: &UserId,
        is_admin: bool,
    ) -> Result<(), HttpRefusal> {
        let role = self.require_member(place, user)?;
        let operation = if is_admin { Operation::AddAdmin } else { Operation::RemoveAdmin };
        if role == Role::Owner {
            return Err(on_owner());
        }
        // One who was an admin is still told of losing it.
        let told = self.concerned(place, user);
        let rules = self.rules_mut(place)?;
        let is_changed =
            if is_admin { rules.admins.insert(user.clone()) } else { rules.admins.remove(user) };
        if !is_changed {
            return Err(HttpRefusal::forbidden(if is_admin {
                format!("user:{user} is already admin of group:{}", place.id())
            } else {
                format!("user:{user} is not admin of group:{}", place.id())
            }));
        }
        let to = vec![user.clone()];
        let event = MucEvent { to, ..MucEvent::at(place, operation, actor.user) };
        self.tell(cx, &event, told, actor.device);
        Ok(())
    }

    /// Mutes `user` until `until_ms`.
    pub(crate) fn mute(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        user: &UserId,
        until_ms: u64,
    ) -> Result<(), HttpRefusal> {
        if self.require_member(place, user)? == Role::Owner {
            return Err(on_owner());
        }
        self.rules_mut(place)?.mutes.insert(user.clone(), until_ms);
        let ext = json!({ "user_mute_time": until_ms }).to_string();
        self.tell_concerned(cx, place, actor, Operation::AddMute, user, Some(ext));
        Ok(())
    }

    /// Lets `user` speak again.
    pub(crate) fn unmute(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        user: &UserId,
    ) -> Result<(), HttpRefusal> {
        if self.rules_mut(place)?.mutes.remove(user).is_some() {
            self.tell_concerned(cx, place, actor, Operation::RemoveMute, user, None);
        }
        Ok(())
    }

    /// Mutes all but owner, admins and the allow list, or lets all speak again.
    pub(crate) fn mute_all(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        is_muted: bool,
    ) -> Result<(), HttpRefusal> {
        let rules = self.rules_mut(place)?;
        if std::mem::replace(&mut rules.is_muted, is_muted) != is_muted {
            let operation = if is_muted { Operation::BanGroup } else { Operation::RemoveBanGroup };
            self.tell_all(cx, &MucEvent::at(place, operation, actor.user), place, actor.device);
        }
        Ok(())
    }

    /// Throws `user` out and lets them come back no more.
    pub(crate) fn block_in(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        user: &UserId,
    ) -> Result<(), HttpRefusal> {
        match self.role_in(place, user) {
            Role::Owner => return Err(on_owner()),
            Role::Outsider => return Err(not_members(user)),
            Role::Admin | Role::Member => {}
        }
        self.rules_mut(place)?.blocked.insert(user.clone());
        self.tell_concerned(cx, place, actor, Operation::Ban, user, None);
        match place {
            Place::Group(id) => self.remove_member(cx, id, actor, user),
            Place::Room(id) => {
                self.remove_from_room(cx, actor, user, id);
                Ok(())
            }
        }
    }

    /// Lets `user` come in again, if they wish to.
    pub(crate) fn unblock_in(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        user: &UserId,
    ) -> Result<(), HttpRefusal> {
        if !self.rules_mut(place)?.blocked.remove(user) {
            let text = format!("user: {user} doesn't exist in blacklist of group: {}", place.id());
            return Err(HttpRefusal::forbidden(text));
        }
        self.tell_concerned(cx, place, actor, Operation::Allow, user, None);
        Ok(())
    }

    /// Puts `user` on the allow list, or takes them off.
    pub(crate) fn set_allowed(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        user: &UserId,
        is_allowed: bool,
    ) -> Result<(), HttpRefusal> {
        if is_allowed {
            self.require_member(place, user)?;
        }
        let rules = self.rules_mut(place)?;
        let (is_changed, operation) = if is_allowed {
            (rules.allowed.insert(user.clone()), Operation::AddUserWhiteList)
        } else {
            (rules.allowed.remove(user), Operation::RemoveUserWhiteList)
        };
        if is_changed {
            self.tell_concerned(cx, place, actor, operation, user, None);
        }
        Ok(())
    }

    /// Tells all in `place`, but not the device that did it.
    pub(super) fn tell_all(
        &mut self,
        cx: &mut Cx<'_>,
        event: &MucEvent<'_>,
        place: &Place,
        acting: Option<&Resource>,
    ) {
        let people = self.people_in(place);
        self.tell(cx, event, people, acting);
    }
}

pub(super) fn not_members(user: &UserId) -> HttpRefusal {
    HttpRefusal::forbidden(format!("users [{user}] are not members of this group!"))
}

pub(super) fn on_owner() -> HttpRefusal {
    HttpRefusal::forbidden("forbidden operation on group owner!")
}
