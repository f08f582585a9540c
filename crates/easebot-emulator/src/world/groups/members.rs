//! Who comes into a group and who goes.

use easebot_model::{GroupId, Resource, UserId};
use easebot_msync::schema::muc_body::Operation;

use crate::{
    refusal::HttpRefusal,
    world::{
        App, Cx,
        group_events::MucEvent,
        rules::{Actor, not_members, on_owner},
    },
};

impl App {
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
    pub(in crate::world) fn enter(
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
        if let Some(text) = group.rules.keeps_out(user) {
            return Err(HttpRefusal::forbidden(text));
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
        actor: Actor<'_>,
        user: &UserId,
    ) -> Result<(), HttpRefusal> {
        self.leave(cx, id, user)?;
        let to = vec![user.clone()];
        let event = MucEvent { to, ..MucEvent::in_group(id.as_str(), Operation::Kick, actor.user) };
        self.tell(cx, &event, [user.clone()], actor.device);
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
        self.leave(cx, id, user)?;
        let event = MucEvent::in_group(id.as_str(), Operation::Leave, user);
        self.tell(cx, &event, [user.clone()], acting);
        self.tell_absence(cx, id, user);
        Ok(())
    }

    /// Takes `user` out, of the threads of the group too.
    fn leave(&mut self, cx: &mut Cx<'_>, id: &GroupId, user: &UserId) -> Result<(), HttpRefusal> {
        let group = self.group_mut(id)?;
        if group.draft.owner == *user {
            return Err(on_owner());
        }
        if group.members.remove(user).is_none() {
            return Err(not_members(user));
        }
        group.rules.forget(user);
        group.shields.remove(user);
        group.attributes.remove(user);
        self.leave_threads_of(cx, id, user);
        Ok(())
    }

    fn tell_absence(&mut self, cx: &mut Cx<'_>, id: &GroupId, user: &UserId) {
        let members = self.members_of(id);
        let n_members = Some(members.len());
        let event =
            MucEvent { n_members, ..MucEvent::in_group(id.as_str(), Operation::Absence, user) };
        self.tell(cx, &event, members, None);
    }
}
