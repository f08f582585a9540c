//! What hangs on the wall of a group or chat room: the announcement and shared files.

use bytes::Bytes;
use easebot_model::UserId;
use easebot_msync::schema::muc_body::Operation;
use serde_json::json;

use super::{Actor, Place};
use crate::{
    refusal::HttpRefusal,
    world::{App, Cx, group_events::MucEvent},
};

/// A file that hangs on the wall of a group or chat room.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) owner: UserId,
    pub(crate) content: Bytes,
    pub(crate) created_ms: u64,
}

impl App {
    /// Sets the announcement; an empty one takes it away.
    pub(crate) fn announce_in(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        text: &str,
    ) -> Result<(), HttpRefusal> {
        text.clone_into(&mut self.rules_mut(place)?.announcement);
        let operation = if text.is_empty() {
            Operation::DeleteAnnouncement
        } else {
            Operation::UpdateAnnouncement
        };
        let reason = Some(text.to_owned());
        let event = MucEvent { reason, ..MucEvent::at(place, operation, actor.user) };
        self.tell_all(cx, &event, place, actor.device);
        Ok(())
    }

    /// Hangs a file on the wall.
    pub(crate) fn share_file(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        file: SharedFile,
    ) -> Result<(), HttpRefusal> {
        let facts = json!({ "data": {
            "file_id": file.id,
            "file_name": file.name,
            "file_owner": file.owner,
            "file_size": file.content.len(),
            "created": file.created_ms,
        }});
        self.rules_mut(place)?.files.push(file);
        let reason = Some(facts.to_string());
        let event = MucEvent { reason, ..MucEvent::at(place, Operation::UploadFile, actor.user) };
        self.tell_all(cx, &event, place, actor.device);
        Ok(())
    }

    /// Takes a file off the wall.
    pub(crate) fn unshare_file(
        &mut self,
        cx: &mut Cx<'_>,
        place: &Place,
        actor: Actor<'_>,
        file: &str,
    ) -> Result<(), HttpRefusal> {
        let files = &mut self.rules_mut(place)?.files;
        let n_before = files.len();
        files.retain(|shared| shared.id != file);
        if files.len() == n_before {
            let text = format!("share file {file} does not exist!");
            return Err(HttpRefusal::new(404, "resource_not_found", text));
        }
        let reason = Some(file.to_owned());
        let event = MucEvent { reason, ..MucEvent::at(place, Operation::DeleteFile, actor.user) };
        self.tell_all(cx, &event, place, actor.device);
        Ok(())
    }
}
