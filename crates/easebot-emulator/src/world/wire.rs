//! Small pieces of wire: JIDs, frames, statuses.

use bytes::Bytes;
use easebot_model::{AppKey, Resource, UserId};
use easebot_msync::schema::{
    CommSyncEnvelope, Jid, MSync, RedirectInfo, Status, m_sync::Command, status::ErrorCode,
};
use prost::Message;

/// Domain of users and of the system queue.
pub(crate) const USER_DOMAIN: &str = "easemob.com";
/// Domain of groups, chat rooms and threads.
pub(crate) const MUC_DOMAIN: &str = "conference.easemob.com";

/// A JID that is only a name, as in a message body.
pub(crate) fn name_jid(name: &str) -> Jid {
    Jid { name: Some(name.to_owned()), ..Jid::default() }
}

/// The full JID of a user, with a device if one is given.
pub(crate) fn user_jid(app: &AppKey, user: &UserId, resource: Option<&Resource>) -> Jid {
    Jid {
        app_key: Some(app.to_string()),
        name: Some(user.to_string()),
        domain: Some(USER_DOMAIN.to_owned()),
        client_resource: resource.map(ToString::to_string),
    }
}

/// The full JID of a group or chat room.
pub(crate) fn muc_jid(app: &AppKey, name: &str) -> Jid {
    Jid {
        app_key: Some(app.to_string()),
        name: Some(name.to_owned()),
        domain: Some(MUC_DOMAIN.to_owned()),
        client_resource: None,
    }
}

/// The JID without a name, who speaks for the server.
pub(crate) fn system_jid() -> Jid {
    Jid { domain: Some(USER_DOMAIN.to_owned()), ..Jid::default() }
}

/// One frame as it leaves.
pub(crate) fn frame(command: Command, payload: &impl Message) -> Bytes {
    let frame = MSync {
        command: Some(command.into()),
        payload: Some(Bytes::from(payload.encode_to_vec())),
        ..MSync::default()
    };
    Bytes::from(frame.encode_to_vec())
}

/// A frame of command SYNC.
pub(crate) fn sync_frame(answer: &CommSyncEnvelope) -> Bytes {
    frame(Command::Sync, answer)
}

/// "All is well", written out.
pub(crate) fn ok() -> Status {
    Status { error_code: Some(ErrorCode::Ok.into()), ..Status::default() }
}

/// Why the server says no: a code and the exact words that clients compare.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// One of `Status.ErrorCode`; kept as a number, so that an order may use one the schema does not know.
    pub(crate) code: i32,
    pub(crate) reason: String,
    /// Host and port where the client is to go instead.
    pub(crate) redirect: Option<(String, u16)>,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, reason: impl Into<String>) -> Self {
        Self::with_code(code.into(), reason)
    }

    /// A refusal with a code that the schema need not know.
    pub(crate) fn with_code(code: i32, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), redirect: None }
    }

    /// "Go there instead." Source: the native SDKs; the JavaScript one does not know it.
    pub(crate) fn redirect(host: String, port: u16) -> Self {
        Self { redirect: Some((host, port)), ..Self::new(ErrorCode::Redirect, "redirect") }
    }

    /// A refusal with code 1, which leaves all to the reason.
    pub(crate) fn fail(reason: impl Into<String>) -> Self {
        Self::new(ErrorCode::Fail, reason)
    }

    pub(crate) fn status(&self) -> Status {
        Status {
            error_code: Some(self.code),
            reason: Some(self.reason.clone()),
            redirect_info: self.redirect.iter().map(redirect_info).collect(),
        }
    }
}

fn redirect_info((host, port): &(String, u16)) -> RedirectInfo {
    RedirectInfo { host: Some(host.clone()), port: Some((*port).into()) }
}
