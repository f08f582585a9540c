//! Message threads: small groups that hang on a message of a group.

use std::collections::BTreeMap;

use easebot_model::{GroupId, UserId};
use easebot_msync::schema::muc_body::Operation;
use serde_json::{Map, Value, json};

use super::{
    App, Cx,
    group_events::MucEvent,
    history::{Channel, message_json},
    mailbox::QueueName,
    notices::Notice,
    reactions::not_found,
    rules::{Actor, Place, Role, not_members},
};
use crate::{callbacks::CallbackEvent, refusal::HttpRefusal};

/// One thread.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) id: GroupId,
    pub(crate) name: String,
    pub(crate) owner: UserId,
    pub(crate) parent: GroupId,
    /// The message it hangs on.
    pub(crate) message: u64,
    pub(crate) created_ms: u64,
    updated_ms: u64,
    /// When each joined, in milliseconds since 1970.
    pub(crate) members: BTreeMap<UserId, u64>,
    n_messages: usize,
}

/// Longest name in characters. Source: Easemob's documentation, "limits".
const MAX_NAME_CHARS: usize = 64;

impl App {
    /// The thread `id`.
    pub(crate) fn thread(&self, id: &GroupId) -> Result<&Thread, HttpRefusal> {
        self.threads.get(id).ok_or_else(|| {
            let text = format!("thread {id} does not exist!");
            HttpRefusal::new(404, "resource_not_found", text).with_code(40_011)
        })
    }

    fn thread_mut(&mut self, id: &GroupId) -> Result<&mut Thread, HttpRefusal> {
        self.thread(id)?;
        self.threads.get_mut(id).ok_or_else(|| HttpRefusal::no_group(id.as_str()))
    }

    /// What `user` is in a thread: its owner, a member, or at least one of its group.
    fn require_in_group(&self, parent: &GroupId, user: &UserId) -> Result<Role, HttpRefusal> {
        self.group(parent)?;
        match self.role_in(&Place::Group(parent.clone()), user) {
            Role::Outsider => Err(not_members(user)),
            role => Ok(role),
        }
    }

    /// Begins a thread at the message `message` of the group `parent`.
    pub(crate) fn create_thread(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        parent: &GroupId,
        message: u64,
        name: &str,
    ) -> Result<GroupId, HttpRefusal> {
        self.require_in_group(parent, actor.user)?;
        check_name(name)?;
        let is_here = self
            .history
            .find(message)
            .filter(|(channel, _)| **channel == Channel::Muc(parent.to_string()));
        let kept = is_here.ok_or_else(|| not_found(message))?.1;
        if kept.thread.as_ref().is_some_and(|thread| self.threads.contains_key(thread)) {
            let text = format!("message {message} has a thread already");
            return Err(HttpRefusal::new(400, "group_error", text).with_code(40_002));
        }
        let id = GroupId::new(self.next_muc_id());
        let thread = Thread {
            id: id.clone(),
            name: name.to_owned(),
            owner: actor.user.clone(),
            parent: parent.clone(),
            message,
            created_ms: cx.now,
            updated_ms: cx.now,
            members: BTreeMap::from([(actor.user.clone(), cx.now)]),
            n_messages: 0,
        };
        self.threads.insert(id.clone(), thread.clone());
        if let Some(kept) = self.history.find_mut(message) {
            kept.thread = Some(id.clone());
        }
        self.tell_devices(cx, &thread, Operation::ThreadCreate, actor);
        self.notify_thread(cx, &thread, "create", actor, Map::new());
        Ok(id)
    }

    /// `user` joins a thread of a group they are in.
    pub(crate) fn join_thread(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        id: &GroupId,
    ) -> Result<(), HttpRefusal> {
        let parent = self.thread(id)?.parent.clone();
        self.require_in_group(&parent, actor.user)?;
        let now = cx.now;
        let thread = self.thread_mut(id)?;
        if thread.members.insert(actor.user.clone(), now).is_none() {
            let thread = thread.clone();
            self.tell_devices(cx, &thread, Operation::ThreadJoin, actor);
            self.tell_members(cx, &thread, Operation::ThreadPresence, actor.user);
        }
        Ok(())
    }

    /// `user` leaves a thread.
    pub(crate) fn quit_thread(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        id: &GroupId,
    ) -> Result<(), HttpRefusal> {
        let thread = self.thread_mut(id)?;
        if thread.members.remove(actor.user).is_none() {
            return Err(not_members(actor.user));
        }
        let thread = thread.clone();
        self.tell_devices(cx, &thread, Operation::ThreadLeave, actor);
        self.tell_members(cx, &thread, Operation::ThreadAbsence, actor.user);
        Ok(())
    }

    /// Throws `user` out of a thread: the owner and the admins of the group may.
    pub(crate) fn kick_from_thread(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        id: &GroupId,
        user: &UserId,
    ) -> Result<(), HttpRefusal> {
        self.require_thread_rights(actor.user, id, false)?;
        let thread = self.thread_mut(id)?;
        if thread.members.remove(user).is_none() {
            return Err(not_members(user));
        }
        let thread = thread.clone();
        let to = vec![user.clone()];
        let name = Some(thread.name.clone());
        let (parent, operation) = (&thread.parent, Operation::ThreadKick);
        let event =
            MucEvent { to, name, ..MucEvent::in_thread(&thread.id, parent, operation, actor.user) };
        self.tell(cx, &event, [user.clone()], actor.device);
        self.tell_members(cx, &thread, Operation::ThreadAbsence, user);
        Ok(())
    }

    /// Ends a thread.
    pub(crate) fn destroy_thread(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        id: &GroupId,
    ) -> Result<(), HttpRefusal> {
        self.require_thread_rights(actor.user, id, false)?;
        let thread = self.thread(id)?.clone();
        self.forget_thread(&thread);
        self.tell_devices(cx, &thread, Operation::ThreadDestroy, actor);
        self.notify_thread(cx, &thread, "delete", actor, Map::new());
        Ok(())
    }

    /// Gives a thread another name: its owner too may.
    pub(crate) fn rename_thread(
        &mut self,
        cx: &mut Cx<'_>,
        actor: Actor<'_>,
        id: &GroupId,
        name: &str,
    ) -> Result<(), HttpRefusal> {
        self.require_thread_rights(actor.user, id, true)?;
        check_name(name)?;
        let now = cx.now;
        let thread = self.thread_mut(id)?;
        name.clone_into(&mut thread.name);
        thread.updated_ms = now;
        let thread = thread.clone();
        self.tell_devices(cx, &thread, Operation::ThreadUpdate, actor);
        let count = Map::from_iter([("message_count".to_owned(), json!(thread.n_messages))]);
        self.notify_thread(cx, &thread, "update", actor, count);
        Ok(())
    }

    fn require_thread_rights(
        &self,
        user: &UserId,
        id: &GroupId,
        owner_suffices: bool,
    ) -> Result<(), HttpRefusal> {
        let thread = self.thread(id)?;
        let is_owner = owner_suffices && thread.owner == *user;
        if is_owner || self.require_in_group(&thread.parent, user)? >= Role::Admin {
            return Ok(());
        }
        let text = format!("user:{user} is not admin of group:{}", thread.parent);
        Err(HttpRefusal::new(401, "unauthorized", text).with_code(40_001))
    }

    /// `MessageBody.meta` of what is said in the thread `id`. Source: observed with the official SDK.
    pub(super) fn thread_facts(&self, id: &GroupId) -> Option<Map<String, Value>> {
        let thread = self.threads.get(id)?;
        let facts = json!({
            "msg_parent_id": thread.message.to_string(),
            "muc_parent_id": thread.parent,
            "thread_name": thread.name,
        });
        Some(Map::from_iter([("thread".to_owned(), facts)]))
    }

    /// Something was said in the thread `id`, or taken back: all of its group are told.
    pub(super) fn said_in_thread(
        &mut self,
        cx: &mut Cx<'_>,
        id: &GroupId,
        user: &UserId,
        is_recall: bool,
    ) {
        let now = cx.now;
        let Some(thread) = self.threads.get_mut(id) else { return };
        thread.updated_ms = now;
        thread.n_messages = if is_recall {
            thread.n_messages.saturating_sub(1)
        } else {
            thread.n_messages.saturating_add(1)
        };
        let thread = thread.clone();
        let facts = Map::from_iter([
            ("message_count".to_owned(), json!(thread.n_messages)),
            ("last_message".to_owned(), self.last_message(id)),
        ]);
        self.notify_thread(cx, &thread, "update_msg", Actor { user, device: None }, facts);
    }

    /// What was last said in a thread, as REST writes it; an empty object when nothing was.
    pub(crate) fn last_message(&self, id: &GroupId) -> Value {
        let last = self.history.messages(&Channel::Muc(id.to_string())).next_back();
        let json = last.and_then(|message| message_json(&message.meta));
        Value::Object(json.unwrap_or_default())
    }

    /// A thread as the message it hangs on shows it. Source: observed with the official SDK.
    pub(super) fn thread_overview(&self, thread: &Thread) -> Value {
        json!({
            "id": thread.id,
            "muc_parent_id": thread.parent,
            "name": thread.name,
            "last_message": self.last_message(&thread.id),
            "create_timestamp": thread.created_ms,
            "update_timestamp": thread.updated_ms,
            "message_count": thread.n_messages,
        })
    }

    /// Tells the other devices of who did it.
    fn tell_devices(
        &mut self,
        cx: &mut Cx<'_>,
        thread: &Thread,
        operation: Operation,
        actor: Actor<'_>,
    ) {
        let name = Some(thread.name.clone());
        let event = MucEvent {
            name,
            ..MucEvent::in_thread(&thread.id, &thread.parent, operation, actor.user)
        };
        self.tell(cx, &event, [actor.user.clone()], actor.device);
    }

    /// Tells the others in the thread that `user` came or went.
    fn tell_members(
        &mut self,
        cx: &mut Cx<'_>,
        thread: &Thread,
        operation: Operation,
        user: &UserId,
    ) {
        let n_members = Some(thread.members.len());
        let event = MucEvent {
            n_members,
            ..MucEvent::in_thread(&thread.id, &thread.parent, operation, user)
        };
        let others = thread.members.keys().filter(|member| *member != user).cloned();
        self.tell(cx, &event, others.collect::<Vec<_>>(), None);
    }

    /// Tells all of the group what became of a thread.
    fn notify_thread(
        &mut self,
        cx: &mut Cx<'_>,
        thread: &Thread,
        operation: &str,
        actor: Actor<'_>,
        more: Map<String, Value>,
    ) {
        let mut data = json!({
            "operation": operation,
            "id": thread.id,
            "name": thread.name,
            "muc_parent_id": thread.parent,
            "msg_parent_id": thread.message.to_string(),
            "timestamp": cx.now,
            "from": actor.user,
        });
        if let Some(fields) = data.as_object_mut() {
            fields.extend(more);
        }
        let notice = json!({ "type": "thread", "data": data });
        let (parent, told) = (thread.parent.as_str(), || notice.clone());
        self.tell_of_notice(cx, CallbackEvent::Thread, actor.user, parent, told);
        for member in self.members_of(&thread.parent) {
            let except = actor.device.filter(|_| member == *actor.user);
            let queue = QueueName::Muc(thread.parent.to_string());
            self.notify(cx, &member, Notice { queue, json: &notice, except });
        }
    }

    /// `user` left the group `parent`, and with it its threads.
    pub(super) fn leave_threads_of(&mut self, cx: &mut Cx<'_>, parent: &GroupId, user: &UserId) {
        let mut left = Vec::new();
        for thread in self.threads.values_mut().filter(|thread| thread.parent == *parent) {
            if thread.members.remove(user).is_some() {
                left.push(thread.clone());
            }
        }
        for thread in left {
            self.tell_members(cx, &thread, Operation::ThreadAbsence, user);
        }
    }

    /// The group `parent` is over.
    pub(super) fn forget_threads_of(&mut self, parent: &GroupId) {
        let threads: Vec<Thread> =
            self.threads.values().filter(|thread| thread.parent == *parent).cloned().collect();
        for thread in threads {
            self.forget_thread(&thread);
        }
    }

    fn forget_thread(&mut self, thread: &Thread) {
        self.threads.remove(&thread.id);
        self.history.forget(&Channel::Muc(thread.id.to_string()));
        if let Some(kept) = self.history.find_mut(thread.message) {
            kept.thread = None;
        }
    }
}

fn check_name(name: &str) -> Result<(), HttpRefusal> {
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        let text = format!("a thread's name has 1 to {MAX_NAME_CHARS} characters");
        return Err(HttpRefusal::new(400, "invalid_parameter", text));
    }
    Ok(())
}
