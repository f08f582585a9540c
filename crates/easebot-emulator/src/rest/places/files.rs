//! Files that members share: small ones, kept in memory.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Visitor;
use crate::{
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
            let (name, content) =
                part(call.raw()).ok_or_else(|| HttpRefusal::bad("there is no file in the form"))?;
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

/// The name and content of the first part of a `multipart/form-data` body that is a file. The first line says what
/// divides the parts.
fn part(body: &Bytes) -> Option<(String, Bytes)> {
    let line = find(body, b"\r\n")?;
    let divider = [b"\r\n", body.get(..line)?].concat();
    let mut start = line + 2;
    loop {
        let head_end = start + find(body.get(start..)?, b"\r\n\r\n")?;
        let content_start = head_end + 4;
        let content_end = content_start + find(body.get(content_start..)?, &divider)?;
        let head = String::from_utf8_lossy(body.get(start..head_end)?);
        if let Some(name) = file_name(&head) {
            return Some((name, body.slice(content_start..content_end)));
        }
        start = content_end + divider.len();
    }
}

fn file_name(head: &str) -> Option<String> {
    let (_, name) = head.split_once("filename=\"")?;
    name.split_once('"').map(|(name, _)| name.to_owned())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_form_is_found_behind_other_fields() {
        let body = Bytes::from_static(
            b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\n\
              Content-Disposition: form-data; name=\"file\"; filename=\"n.txt\"\r\n\
              Content-Type: text/plain\r\n\r\n1\r\n2\r\n--x--\r\n",
        );
        assert_eq!(part(&body), Some(("n.txt".to_owned(), Bytes::from_static(b"1\r\n2"))));
    }

    #[test]
    fn a_form_that_is_cut_off_or_has_no_file_has_none() {
        let whole = b"--x\r\nContent-Disposition: form-data; filename=\"n\"\r\n\r\nabc\r\n--x--";
        for n_bytes in 0..whole.len() - 2 {
            assert!(part(&Bytes::copy_from_slice(&whole[..n_bytes])).is_none(), "{n_bytes}");
        }
        assert!(part(&Bytes::from_static(b"--x\r\nname=\"a\"\r\n\r\n1\r\n--x--")).is_none());
    }
}
