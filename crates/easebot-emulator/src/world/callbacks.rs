//! What the app's own server is asked and told about messages.

use bytes::Bytes;
use easebot_model::{Conversation, UserId};
use easebot_msync::{
    encode_ext,
    schema::{
        CommSyncUl, MSync, MessageBody, Meta, MucBody, RosterBody, m_sync::Command,
        message_body::Type, meta::NameSpace, status::ErrorCode,
    },
};
use prost::Message;
use serde_json::Value;

use super::{
    App, Cx, LinkId, Phase, Session, ViolationError, World,
    chat::{Route, Speaker},
    memory::Send,
    wire::Refusal,
};
use crate::callbacks::{CallbackEvent, Change, Event, LoginChange, Question, Told, Verdict};

/// The pair of a meta that says how important a message to a room is.
const LEVEL: &str = "chatroom_msg_tag";

impl World {
    /// What is asked before the frame is taken: nothing about what is no message, directed, refused anyway, or was taken before.
    pub(crate) fn question(&mut self, link: LinkId, bytes: &Bytes, now: u64) -> Option<Question> {
        let (_, _, meta) = sent(bytes)?;
        let Some(Phase::Online { app, session }) = self.links.get(&link) else { return None };
        let (app, session) = (app.clone(), session.clone());
        let (app, mut cx) = self.app(&app, now)?;
        app.question(&mut cx, &session, &meta)
    }

    /// One frame from a link, about which the app's own server was asked.
    pub(crate) fn receive_judged(
        &mut self,
        link: LinkId,
        bytes: Bytes,
        verdict: Verdict,
        now: u64,
    ) -> Result<(), ViolationError> {
        match (verdict, sent(&bytes)) {
            (Verdict::Block { reason }, Some((_, _, meta))) => {
                let refusal = Refusal::new(ErrorCode::PermissionDeniedExternal, reason);
                let app = self.first_app().clone();
                if let Some((_, mut cx)) = self.app(&app, now) {
                    cx.refuse(link, meta.id, &refusal);
                }
                Ok(())
            }
            (Verdict::Pass(change), Some((frame, sync, meta))) if change != Change::default() => {
                self.is_replaced = change.content.is_some();
                self.sent_as = Send::of(&meta);
                let changed = changed(frame, sync, meta, change);
                let outcome = self.receive(link, changed, now);
                self.is_replaced = false;
                self.sent_as = None;
                outcome
            }
            _ => self.receive(link, bytes, now),
        }
    }
}

impl App {
    fn question(&self, cx: &mut Cx<'_>, session: &Session, meta: &Meta) -> Option<Question> {
        let body = MessageBody::decode(meta.payload.clone()?).ok()?;
        let kind = body.r#type();
        let is_message = matches!(kind, Type::Chat | Type::Groupchat | Type::Chatroom);
        let is_repeated = || self.kept_answer(cx, session, meta).is_some();
        if !is_message || !meta.directed_users.is_empty() || is_repeated() {
            return None;
        }
        let target = self.target(kind, meta, &body).ok()?;
        self.may_speak(cx.now, &session.user, &target.conversation).ok()?;
        let (speaker, id) = (Speaker::from(session), cx.next_id());
        let meta = self.outgoing(cx, &speaker, &target, id, meta, body, false);
        Some(Question { app: self.key.clone(), meta })
    }

    /// Tells of a message that was taken, and of each receiver who is offline and will find it later.
    pub(super) fn tell_the_app(
        &self,
        cx: &mut Cx<'_>,
        sender: &UserId,
        conversation: &Conversation,
        meta: &Bytes,
        route: &Route,
    ) {
        if !cx.options.callbacks.tells(CallbackEvent::Message) {
            return;
        }
        let told = |offline| Told::Message { app: self.key.clone(), meta: meta.clone(), offline };
        cx.told.push(told(None));
        let receivers = match (conversation, &route.directed) {
            _ if route.live => Vec::new(),
            (Conversation::Room(_), _) => Vec::new(),
            (Conversation::User(peer), _) => vec![peer.clone()],
            (Conversation::Group(_), Some(directed)) => directed.clone(),
            (Conversation::Group(id), None) => self.members_of(id),
        };
        let is_offline =
            |user: &UserId| user != sender && self.user(user).is_some_and(|user| !user.is_online());
        cx.told.extend(receivers.into_iter().filter(is_offline).map(|user| told(Some(user))));
    }

    /// Tells of what `from` said about a message, which has the id `id`.
    pub(super) fn tell_of_remark(
        &self,
        cx: &mut Cx<'_>,
        id: u64,
        from: &UserId,
        to: &Conversation,
        body: &MessageBody,
    ) {
        if CallbackEvent::of(body.r#type()).is_some_and(|kind| cx.options.callbacks.tells(kind)) {
            let event = Event::remark(&self.key, (id, cx.now), from, to, body);
            cx.told.extend(event.map(Told::Event));
        }
    }

    /// Tells of a change of a group or chat room.
    pub(super) fn tell_of_muc(&self, cx: &mut Cx<'_>, body: &MucBody) {
        if cx.options.callbacks.tells(CallbackEvent::Group) {
            let event = Event::muc(&self.key, (cx.next_id(), cx.now), body);
            cx.told.extend(event.map(Told::Event));
        }
    }

    /// Tells of what members are notified of.
    pub(super) fn tell_of_notice(
        &self,
        cx: &mut Cx<'_>,
        kind: CallbackEvent,
        from: &UserId,
        to: &str,
        payload: impl FnOnce() -> Value,
    ) {
        if cx.options.callbacks.tells(kind) {
            let event = Event::notice(&self.key, (cx.next_id(), cx.now), from, to, payload());
            cx.told.push(Told::Event(event));
        }
    }

    /// Tells of what `from` did to `to`.
    pub(super) fn tell_of_roster(
        &self,
        cx: &mut Cx<'_>,
        from: &UserId,
        to: &UserId,
        body: &RosterBody,
    ) {
        if cx.options.callbacks.tells(CallbackEvent::Contact) {
            let event = Event::roster(&self.key, (cx.next_id(), cx.now), from, to, body);
            cx.told.push(Told::Event(event));
        }
    }

    /// Tells of a device that came or went.
    pub(super) fn tell_of_presence(
        &self,
        cx: &mut Cx<'_>,
        session: &Session,
        presence: LoginChange,
    ) {
        if cx.options.callbacks.tells(CallbackEvent::UserStatus) {
            let Session { user, resource, .. } = session;
            let event = Event::presence(&self.key, cx.now, user, resource, presence);
            cx.told.push(Told::Event(event));
        }
    }
}

/// Whether a frame must not overtake what the same client said before: all that is sent, and the end. What asks for something
/// may.
pub(crate) fn keeps_its_turn(bytes: &Bytes) -> bool {
    let Ok(frame) = MSync::decode(bytes.clone()) else { return false };
    match frame.command() {
        Command::Sync => {
            let sync = CommSyncUl::decode(frame.payload.unwrap_or_default());
            sync.is_ok_and(|sync| sync.meta.is_some())
        }
        Command::Logout => true,
        _ => false,
    }
}

/// The message of a frame that sends one.
fn sent(bytes: &Bytes) -> Option<(MSync, CommSyncUl, Meta)> {
    let frame = MSync::decode(bytes.clone()).ok()?;
    if frame.command? != i32::from(Command::Sync) {
        return None;
    }
    let sync = CommSyncUl::decode(frame.payload.clone()?).ok()?;
    let meta = sync.meta.clone().filter(|meta| meta.ns == Some(NameSpace::Chat.into()))?;
    Some((frame, sync, meta))
}

fn changed(frame: MSync, sync: CommSyncUl, mut meta: Meta, change: Change) -> Bytes {
    if let Some(content) = change.content
        && let Some(mut body) =
            meta.payload.take().and_then(|payload| MessageBody::decode(payload).ok())
    {
        body.contents = vec![*content];
        meta.payload = Some(Bytes::from(body.encode_to_vec()));
    }
    if let Some(level) = change.level
        && meta.ext.iter().any(|pair| pair.key() == LEVEL)
    {
        meta.ext.retain(|pair| pair.key() != LEVEL);
        meta.ext.extend(encode_ext(&[(LEVEL, level)].into_iter().collect()));
    }
    let sync = CommSyncUl { meta: Some(meta), ..sync };
    let frame = MSync { payload: Some(Bytes::from(sync.encode_to_vec())), ..frame };
    Bytes::from(frame.encode_to_vec())
}
