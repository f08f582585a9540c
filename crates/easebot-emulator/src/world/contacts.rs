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
    /// Which of the two made the change.
    by: &'a UserId,
    /// The device that made it, when `told` is its user.
    acting: Option<&'a Resource>,
}

impl<'a> RosterEvent<'a> {
    /// `me` made a change that `peer` is told of.
    const fn for_peer(operation: Operation, me: &'a UserId, peer: &'a UserId) -> Self {
        Self { operation, told: peer, about: me, reason: None, by: me, acting: None }
    }

    /// `me` made a change that the other devices of `me` are told of.
    const fn for_own(
        operation: Operation,
        me: &'a UserId,
        peer: &'a UserId,
        acting: Option<&'a Resource>,
    ) -> Self {
        Self { operation, told: me, about: peer, reason: None, by: me, acting }
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
            let event = RosterEvent::for_peer(Operation::Add, me, peer);
            self.tell_roster(cx, &RosterEvent { reason, ..event });
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
        self.tell_roster(cx, &RosterEvent::for_peer(Operation::RemoteAccept, me, peer));
        self.tell_roster(cx, &RosterEvent::for_own(Operation::Accept, me, peer, acting));
        true
    }

    /// `me` says no to `peer`. False when `peer` never asked.
    pub(crate) fn decline_contact(&mut self, cx: &mut Cx<'_>, me: &UserId, peer: &UserId) -> bool {
        let did_ask = self.user_mut(me).is_some_and(|user| user.requests.remove(peer));
        if did_ask {
            self.tell_roster(cx, &RosterEvent::for_peer(Operation::RemoteDecline, me, peer));
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
        self.tell_roster(cx, &RosterEvent::for_peer(Operation::Remove, me, peer));
        self.tell_roster(cx, &RosterEvent::for_own(Operation::Remove, me, peer, acting));
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
            self.tell_roster(cx, &RosterEvent::for_own(operation, me, peer, acting));
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
        // That it is over is one change, though both are told of it; to ask and to accept has an operation for each of them.
        let is_second = event.operation == Operation::Remove && event.told == event.by;
        if !is_second {
            let other = if event.told == event.by { event.about } else { event.told };
            self.tell_of_roster(cx, event.by, other, &body);
        }
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
