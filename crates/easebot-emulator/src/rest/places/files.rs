//! Files that members share: small ones, kept in memory.

use serde_json::{Value, json};

use super::Visitor;
use crate::{
    files::first_file,
    refusal::HttpRefusal,
    rest::{call::Call, reply::Reply, unknown},
    world::{App, Cx, Place, Role, SharedFile, uuid},
};

/// How many files hang in a group or chat room.
const MAX_FILES: usize = 100;

/// Everything below `share_files`.
pub(super) fn route(
    method: &str,
    place: &Place,
    path: &[&str],
    call: &Call,
    app: &mut App,
    cx: &mut Cx<'_>,
    visitor: &Visitor,
) -> Result<Reply, HttpRefusal> {
    let files = &app.rules(place)?.files;
    match (method, path) {
        ("GET", []) => {
            let shown = files.iter().map(|file| {
                json!({
                    "file_id": file.id,
                    "file_name": file.name,
                    "file_owner": file.owner,
                    "file_size": file.content.len(),
                    "created": file.created_ms,
                })
            });
            Ok(Reply::page(call, shown.collect()))
        }
        ("POST", []) => {
            if files.len() >= MAX_FILES {
                let text = format!("at most {MAX_FILES} share files");
                return Err(HttpRefusal::new(403, "exceed_limit", text));
            }
            let (name, content) = first_file(&call.content_type, call.raw())
                .ok_or_else(|| HttpRefusal::bad("there is no file in the form"))?;
            let (id, owner) = (uuid(), visitor.me.clone());
            let file = SharedFile { id: id.clone(), name, owner, content, created_ms: cx.now };
            let answer = json!({
                "file_id": id,
                "file_name": file.name,
                "file_size": file.content.len(),
                "file_url": format!("http://{}/{}/{id}", call.host, call.path.join("/")),
                "group_id": place.id(),
                "created": file.created_ms,
            });
            app.share_file(cx, place, visitor.actor(), file)?;
            Ok(Reply::data(answer))
        }
        ("GET", [id]) => {
            let file = files.iter().find(|file| file.id == *id).ok_or_else(|| missing(id))?;
            Ok(Reply::octets(file.content.clone()))
        }
        ("DELETE", [id]) => {
            let file = files.iter().find(|file| file.id == *id).ok_or_else(|| missing(id))?;
            if file.owner != visitor.me {
                visitor.require(Role::Admin, place)?;
            }
            app.unshare_file(cx, place, visitor.actor(), id)?;
            let answer: Value = json!({ "result": true, "id": place.id(), "file_id": id });
            Ok(Reply::data(answer))
        }
        _ => Err(unknown(call)),
    }
}

fn missing(id: &str) -> HttpRefusal {
    HttpRefusal::new(404, "resource_not_found", format!("share file {id} does not exist!"))
}
