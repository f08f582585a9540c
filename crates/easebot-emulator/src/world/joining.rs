//! How users come into groups: by invitation or by asking.

use easebot_model::{GroupId, UserId};
use easebot_msync::schema::muc_body::Operation;

use super::{App, Cx, group_events::MucEvent, rules::Actor};
use crate::refusal::HttpRefusal;

/// What became of a wish to join.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Joining {
    Joined,
    Waiting,
}

impl App {
    /// Asks `user` into a group; where no consent is needed they are in at once.
    pub(crate) fn invite(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        by: &UserId,
        user: &UserId,
    ) -> Result<Joining, HttpRefusal> {
        self.require_users([user])?;
        let group = self.group_mut(id)?;
        if group.members.contains_key(user) {
            return Err(HttpRefusal::forbidden(format!(
                "can not join this group, reason:user: {user} already in group: {id}"
            )));
        }
        if let Some(text) = group.rules.keeps_out(user) {
            return Err(HttpRefusal::forbidden(text));
        }
        if !group.draft.needs_consent {
            self.add_member(cx, id, by, user)?;
            return Ok(Joining::Joined);
        }
        group.invited.insert(user.clone(), by.clone());
        let name = Some(group.draft.name.clone());
        let to = vec![user.clone()];
        let event = MucEvent { to, name, ..MucEvent::in_group(id.as_str(), Operation::Invite, by) };
        self.tell(cx, &event, [user.clone()], None);
        Ok(Joining::Waiting)
    }

    /// `user` answers an invitation.
    pub(crate) fn answer_invitation(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        user: &UserId,
        agrees: bool,
    ) -> Result<(), HttpRefusal> {
        let group = self.group_mut(id)?;
        let inviter = group
            .invited
            .get(user)
            .cloned()
            .ok_or_else(|| HttpRefusal::forbidden(format!("user {user} was not invited")))?;
        let operation = if agrees {
            // The invitation stands for another try if they cannot come in now.
            self.enter(cx, id, user)?;
            Operation::InviteAccept
        } else {
            Operation::InviteDecline
        };
        self.group_mut(id)?.invited.remove(user);
        let to = vec![inviter.clone()];
        let event = MucEvent { to, ..MucEvent::in_group(id.as_str(), operation, user) };
        self.tell(cx, &event, [inviter], None);
        Ok(())
    }

    /// `user` wants to join: an open group lets them in at once, else the owner and the admins are asked.
    pub(crate) fn apply(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<Joining, HttpRefusal> {
        let group = self.group_mut(id)?;
        if group.members.contains_key(user) {
            return Err(HttpRefusal::forbidden(format!(
                "can not join this group, reason:user: {user} already in group: {id}"
            )));
        }
        if let Some(text) = group.rules.keeps_out(user) {
            return Err(HttpRefusal::forbidden(text));
        }
        if !group.draft.is_public {
            return Err(HttpRefusal::forbidden("can not join this group, reason: it is private"));
        }
        if !group.draft.needs_approval {
            self.enter(cx, id, user)?;
            return Ok(Joining::Joined);
        }
        group.applicants.insert(user.clone());
        let name = Some(group.draft.name.clone());
        let crew: Vec<UserId> =
            std::iter::once(group.owner()).chain(&group.rules.admins).cloned().collect();
        let event =
            MucEvent { name, reason, ..MucEvent::in_group(id.as_str(), Operation::Apply, user) };
        for one in crew {
            let event = MucEvent { to: vec![one.clone()], ..event.clone() };
            self.tell(cx, &event, [one], None);
        }
        Ok(Joining::Waiting)
    }

    /// `actor` answers the wish of `applicant` to join.
    pub(crate) fn answer_application(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        actor: Actor<'_>,
        applicant: &UserId,
        answer: (bool, Option<String>),
    ) -> Result<(), HttpRefusal> {
        let (agrees, reason) = answer;
        let group = self.group_mut(id)?;
        if !group.applicants.contains(applicant) {
            return Err(HttpRefusal::forbidden(format!("user {applicant} did not apply")));
        }
        let operation = if agrees {
            // The wish stands for another try if they cannot come in now.
            self.enter(cx, id, applicant)?;
            Operation::ApplyAccept
        } else {
            Operation::ApplyDecline
        };
        self.group_mut(id)?.applicants.remove(applicant);
        let to = vec![applicant.clone()];
        let event =
            MucEvent { to, reason, ..MucEvent::in_group(id.as_str(), operation, actor.user) };
        self.tell(cx, &event, [applicant.clone()], actor.device);
        Ok(())
    }
}
