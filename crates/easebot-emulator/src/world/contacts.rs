//! Contacts: who asked whom, who is whose, and the ROSTER events about it.

use bytes::Bytes;
use easebot_model::{Resource, UserId};
use easebot_msync::schema::{RosterBody, meta::NameSpace, roster_body::Operation};
use prost::Message;

use super::{
    App, Cx,
    delivery::{Reach, ServerEvent},
    mailbox::QueueName,
    wire,
};

/// One change between two users, as one of them is told.
struct RosterEvent<'a> {
    operation: Operation,
    /// Who is to be told.
    told: &'a UserId,
    /// The other one.
    about: &'a UserId,
    reason: Option<&'a str>,
    /// The device that made the change, when `told` is its user.
    acting: Option<&'a Resource>,
}

impl<'a> RosterEvent<'a> {
    const fn new(operation: Operation, told: &'a UserId, about: &'a UserId) -> Self {
        Self { operation, told, about, reason: None, acting: None }
    }
}

impl App {
    /// `me` asks `peer` to become a contact.
    pub(crate) fn ask_contact(
        &mut self,
        cx: &mut Cx<'_>,
        me: &UserId,
        peer: &UserId,
        reason: Option<&str>,
    ) {
        if let Some(user) = self.user_mut(peer) {
            user.requests.insert(me.clone());
            self.tell_roster(
                cx,
                &RosterEvent { reason, ..RosterEvent::new(Operation::Add, peer, me) },
            );
        }
    }

    /// `me` says yes to `peer`. False when `peer` never asked.
    pub(crate) fn accept_contact(
        &mut self,
        cx: &mut Cx<'_>,
        me: &UserId,
        peer: &UserId,
        acting: Option<&Resource>,
    ) -> bool {
        if !self.user_mut(me).is_some_and(|user| user.requests.remove(peer)) {
            return false;
        }
        self.befriend(me, peer);
        self.tell_roster(cx, &RosterEvent::new(Operation::RemoteAccept, peer, me));
        self.tell_roster(
            cx,
            &RosterEvent { acting, ..RosterEvent::new(Operation::Accept, me, peer) },
        );
        true
    }

    /// `me` says no to `peer`. False when `peer` never asked.
    pub(crate) fn decline_contact(&mut self, cx: &mut Cx<'_>, me: &UserId, peer: &UserId) -> bool {
        let did_ask = self.user_mut(me).is_some_and(|user| user.requests.remove(peer));
        if did_ask {
            self.tell_roster(cx, &RosterEvent::new(Operation::RemoteDecline, peer, me));
        }
        did_ask
    }

    /// Makes two users contacts of each other, without asking.
    pub(crate) fn befriend(&mut self, one: &UserId, other: &UserId) {
        for (me, peer) in [(one, other), (other, one)] {
            if let Some(user) = self.user_mut(me) {
                user.contacts.insert(peer.clone());
            }
        }
    }

    /// Ends it between two users. False when they were no contacts.
    pub(crate) fn remove_contact(
        &mut self,
        cx: &mut Cx<'_>,
        me: &UserId,
        peer: &UserId,
        acting: Option<&Resource>,
    ) -> bool {
        if !self.user_mut(me).is_some_and(|user| user.contacts.remove(peer)) {
            return false;
        }
        if let Some(user) = self.user_mut(peer) {
            user.contacts.remove(me);
        }
        self.tell_roster(cx, &RosterEvent::new(Operation::Remove, peer, me));
        self.tell_roster(
            cx,
            &RosterEvent { acting, ..RosterEvent::new(Operation::Remove, me, peer) },
        );
        true
    }

    /// `me` refuses (or takes again) messages of `peer`. Only `me` is told.
    pub(crate) fn set_blocked(
        &mut self,
        cx: &mut Cx<'_>,
        me: &UserId,
        peer: &UserId,
        blocked: bool,
        acting: Option<&Resource>,
    ) {
        let Some(user) = self.user_mut(me) else { return };
        let (is_changed, operation) = if blocked {
            (user.blocks.insert(peer.clone()), Operation::Ban)
        } else {
            (user.blocks.remove(peer), Operation::Allow)
        };
        if is_changed {
            self.tell_roster(cx, &RosterEvent { acting, ..RosterEvent::new(operation, me, peer) });
        }
    }

    fn tell_roster(&mut self, cx: &mut Cx<'_>, event: &RosterEvent<'_>) {
        // Source: traffic logs of real servers: 40 hexadecimal digits on these four.
        let has_version = matches!(
            event.operation,
            Operation::Accept
                | Operation::Remove
                | Operation::RemoteAccept
                | Operation::RemoteDecline
        );
        let from = wire::user_jid(&self.key, event.about, None);
        let body = RosterBody {
            operation: Some(event.operation.into()),
            from: Some(from.clone()),
            to: vec![wire::user_jid(&self.key, event.told, None)],
            reason: event.reason.map(ToOwned::to_owned),
            roster_ver: has_version.then(|| format!("{:040X}", fastrand::u128(..))),
            ..RosterBody::default()
        };
        // What is told to who did it is theirs.
        let is_own = matches!(
            event.operation,
            Operation::Accept | Operation::Allow | Operation::Ban | Operation::Decline
        ) || event.acting.is_some();
        let (doer, other) =
            if is_own { (event.told, event.about) } else { (event.about, event.told) };
        self.tell_of_roster(cx, doer, other, &body);
        let server_event = ServerEvent {
            queue: QueueName::System,
            from,
            namespace: NameSpace::Roster,
            payload: Bytes::from(body.encode_to_vec()),
        };
        let reach = Reach { except: event.acting, ..Reach::default() };
        self.announce(cx, event.told, &server_event, reach);
    }
}
