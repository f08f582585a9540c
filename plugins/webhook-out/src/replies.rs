//! What the bot is to say, as the endpoint's answer has it.

use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_http::name_of;
use easebot_model::{Conversation, Draft, Ext, Outgoing, safe_file_name};
use easebot_role::webhook::Web;
use serde_json::Value;
use thiserror::Error;

use crate::{
    answer::{File, Reply},
    fetch::fetch,
};

/// The longest file that goes along with a reply: it is saved with its message.
const FILE_BYTES: usize = 10 << 20;

/// Where replies may go besides the conversation of the event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) any: bool,
    pub(crate) listed: Vec<Conversation>,
}

/// Why a reply is not said. Nothing of it is repeated.
#[derive(Debug, Error)]
pub(crate) enum ReplyError {
    #[error("it has neither text nor image nor file")]
    Empty,
    #[error("the event belongs to no conversation, and the reply names none")]
    NoConversation,
    #[error("`to` is not in `allowed`")]
    NotAllowed,
    #[error("`to` is no conversation: it is written user:NAME, group:ID or room:ID")]
    NoPlace,
    /// What serde says may hold a piece of the answer.
    #[error("it is not of the form that the schema has")]
    Unreadable,
}

/// Something to say, and which part of the answer it is: the same each time for the same answer.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) key: String,
    pub(crate) outgoing: Outgoing,
}

/// What `reply`, which is the number `at` of an answer, makes the bot say; and lines for the log about files that could not be
/// had.
pub(crate) async fn said(
    at: usize,
    reply: Value,
    conversation: Option<&Conversation>,
    allowed: &Allowed,
    web: &dyn Web,
) -> Result<(Vec<Said>, Vec<String>), ReplyError> {
    let reply: Reply = serde_json::from_value(reply).map_err(|_| ReplyError::Unreadable)?;
    let to = place(reply.to.as_deref(), conversation, allowed)?;
    let text = reply.text.filter(|text| !text.trim().is_empty());
    if text.is_none() && reply.image.is_none() && reply.file.is_none() {
        return Err(ReplyError::Empty);
    }
    let ext: Ext = reply.ext.into_iter().collect();
    let (mut said, mut notes) = (Vec::new(), Vec::new());
    let mut say = |part: &str, draft: Draft| {
        let draft = Draft { ext: ext.clone(), ..draft };
        let key = format!("{at}/{part}");
        said.push(Said { key, outgoing: Outgoing::message(to.clone(), draft) });
    };
    if let Some(text) = text {
        say("text", Draft::new(text));
    }
    for (part, file) in [("image", reply.image), ("file", reply.file)] {
        let Some(file) = file else { continue };
        let (name, bytes) = load(file, web).await;
        match bytes {
            Ok(bytes) => {
                let draft = if part == "image" { Draft::image(bytes) } else { Draft::file(bytes) };
                say(part, draft.named(name));
            }
            // A message is not lost for the sake of its picture, and who reads it knows that there was one.
            Err(reason) => {
                say(part, Draft::new(format!("({name} could not be fetched)")));
                notes.push(format!("its {part}: {reason}"));
            }
        }
    }
    Ok((said, notes))
}

fn place(
    to: Option<&str>,
    conversation: Option<&Conversation>,
    allowed: &Allowed,
) -> Result<Conversation, ReplyError> {
    let Some(to) = to else {
        return conversation.cloned().ok_or(ReplyError::NoConversation);
    };
    let to: Conversation = to.parse().map_err(|_| ReplyError::NoPlace)?;
    if allowed.any || conversation == Some(&to) || allowed.listed.contains(&to) {
        Ok(to)
    } else {
        Err(ReplyError::NotAllowed)
    }
}

/// The name of a file, and its bytes.
async fn load(file: File, web: &dyn Web) -> (String, Result<Vec<u8>, String>) {
    let (name, bytes) = match file {
        File::Url(url) => (name_of(&url), fetch(web, &url, FILE_BYTES).await),
        File::Named { url, name } => {
            (name.or_else(|| name_of(&url)), fetch(web, &url, FILE_BYTES).await)
        }
        File::Inline { base64, name } => {
            (name, STANDARD.decode(base64).map_err(|_| "it is no base64".to_owned()))
        }
    };
    let bytes = bytes.and_then(|bytes| match bytes.len() {
        0 => Err("it is empty".to_owned()),
        _ => Ok(bytes),
    });
    let name = name.and_then(|name| safe_file_name(&name));
    (name.unwrap_or_else(|| "file".to_owned()), bytes)
}

#[cfg(test)]
mod tests {
    use easebot_http::Rules;
    use easebot_model::{Act, Body};
    use serde_json::json;

    use super::*;

    async fn say(reply: Value, allowed: &[&str]) -> Result<(Vec<Said>, Vec<String>), ReplyError> {
        let web = easebot_http::Outgoing::new(Rules::default());
        let listed = allowed.iter().filter_map(|to| to.parse().ok()).collect();
        let allowed = Allowed { any: allowed.contains(&"*"), listed };
        said(0, reply, Some(&Conversation::user("ann")), &allowed, &web).await
    }

    fn draft(said: &Said) -> &Draft {
        let Act::Message(draft) = &said.outgoing.act else { panic!("{said:?}") };
        draft
    }

    #[tokio::test]
    async fn a_reply_goes_where_the_event_happened_under_a_key_of_its_own() {
        let reply = json!({ "text": "hi", "ext": { "lang": "en" } });
        let (said, notes) = say(reply, &[]).await.unwrap();
        assert_eq!((said.len(), notes.len()), (1, 0));
        assert_eq!(said[0].key, "0/text");
        assert_eq!(said[0].outgoing.to, Conversation::user("ann"));
        assert_eq!(draft(&said[0]).body.as_text(), Some("hi"));
        assert_eq!(draft(&said[0]).ext.len(), 1);
    }

    #[tokio::test]
    async fn a_reply_goes_elsewhere_if_that_is_allowed() {
        let to = |to: &str| json!({ "text": "hi", "to": to });
        assert!(matches!(say(to("group:7"), &[]).await, Err(ReplyError::NotAllowed)));
        assert!(matches!(say(to("the group"), &["*"]).await, Err(ReplyError::NoPlace)));
        assert!(say(to("user:ann"), &[]).await.is_ok(), "where it happened is always allowed");
        for allowed in ["group:7", "*"] {
            let (said, _) = say(to("group:7"), &[allowed]).await.unwrap();
            assert_eq!(said[0].outgoing.to, Conversation::group("7"));
        }
    }

    #[tokio::test]
    async fn text_picture_and_file_are_three_messages() {
        let reply = json!({
            "text": "see",
            "image": { "base64": "AQID", "name": "../图.png" },
            "file": { "base64": "AQID" },
        });
        let (said, _) = say(reply, &[]).await.unwrap();
        let keys: Vec<&str> = said.iter().map(|said| said.key.as_str()).collect();
        assert_eq!(keys, ["0/text", "0/image", "0/file"]);
        assert!(matches!(draft(&said[1]).body, Body::Image(_)));
        let name = |said| draft(said).body.attachment().unwrap().name.clone().unwrap();
        assert_eq!((name(&said[1]), name(&said[2])), ("图.png".to_owned(), "file".to_owned()));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_had_leaves_a_line_and_the_text_is_said() {
        for file in [
            json!("http://127.0.0.1:9/graph.png"),
            json!({ "url": "ftp://a.b/graph.png" }),
            json!({ "base64": "?", "name": "graph.png" }),
            json!({ "base64": "", "name": "graph.png" }),
        ] {
            let reply = json!({ "text": "see", "image": file });
            let (said, notes) = say(reply, &[]).await.unwrap();
            assert_eq!(draft(&said[0]).body.as_text(), Some("see"));
            let note = draft(&said[1]).body.as_text();
            assert_eq!(note, Some("(graph.png could not be fetched)"), "{file}");
            assert!(notes[0].starts_with("its image: ") && !notes[0].contains("127"), "{notes:?}");
        }
    }

    #[tokio::test]
    async fn a_file_without_a_name_is_called_as_its_address_says() {
        let reply = json!({ "file": "http://127.0.0.1:9/a/%E5%9B%BE%201.png?size=2" });
        let (said, _) = say(reply, &[]).await.unwrap();
        assert_eq!(draft(&said[0]).body.as_text(), Some("(图 1.png could not be fetched)"));
    }

    #[tokio::test]
    async fn a_reply_of_another_form_is_refused_without_being_repeated() {
        for wrong in [json!("hi, secret"), json!({ "txt": "secret" }), json!({ "text": 7 })] {
            let error = say(wrong, &[]).await.unwrap_err();
            assert!(matches!(error, ReplyError::Unreadable), "{error:?}");
        }
        for empty in [json!({}), json!({ "text": " " }), json!({ "to": "user:ann" })] {
            assert!(matches!(say(empty, &[]).await, Err(ReplyError::Empty)));
        }
    }
}
