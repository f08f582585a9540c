//! What of a message goes into the archive.

use easebot_model::{Attachment, Body, ExtValue, Message, MessageId, Secret};
use serde_json::Value;

use crate::kept;

/// A message as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: MessageId,
    pub(crate) conversation: String,
    pub(crate) sender: String,
    pub(crate) time: i64,
    pub(crate) kind: &'static str,
    /// What is searched.
    pub(crate) text: String,
    /// All of it but secrets.
    pub(crate) json: String,
    pub(crate) wanted: Option<Wanted>,
}

/// A file that a message names.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) role: Role,
    /// Without secrets.
    pub(crate) address: String,
    pub(crate) name: Option<String>,
    /// The attachment as JSON, with its secrets.
    pub(crate) attachment: String,
}

/// What a file is to its message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// A picture, a recording and the like.
    Content,
    /// The messages of a combined one.
    Messages,
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Messages => "messages",
        }
    }
}

impl Record {
    pub(crate) fn of(message: &Message) -> Result<Self, serde_json::Error> {
        let role = match &message.body {
            Body::Combine(_) => Role::Messages,
            _ => Role::Content,
        };
        let wanted = match message.body.attachment() {
            None => None,
            Some(attachment) => Some(Wanted {
                role,
                address: address(&attachment.url),
                name: attachment.name.clone(),
                attachment: serde_json::to_string(attachment)?,
            }),
        };
        Ok(Self {
            id: message.id,
            conversation: message.conversation.to_string(),
            sender: message.from.to_string(),
            time: i64::try_from(message.time.0).unwrap_or(i64::MAX),
            kind: message.body.kind().as_str(),
            text: text(&message.body),
            // What opens a file stands beside a file alone.
            json: match wanted {
                Some(_) => kept::write(&without_secrets(message.clone()))?,
                None => kept::write(message)?,
            },
            wanted,
        })
    }
}

/// What is searched of a body, and shown where there is one line for it.
fn text(body: &Body) -> String {
    let name = || body.attachment().and_then(|attachment| attachment.name.clone());
    match body {
        Body::Text(text) => text.text.clone(),
        Body::Combine(combine) => lines([&combine.title, &combine.summary]),
        Body::Cmd { action } => action.clone(),
        Body::Custom(custom) => {
            let values: Vec<String> = custom.exts.iter().map(|(_, value)| plain(value)).collect();
            lines(std::iter::once(&custom.event).chain(&values))
        }
        Body::Location(location) => lines([&location.building, &location.address]),
        Body::Audio(_) | Body::File(_) | Body::Image(_) | Body::Video(_) => {
            name().unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn lines<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    let texts: Vec<&str> =
        texts.into_iter().map(String::as_str).filter(|text| !text.trim().is_empty()).collect();
    texts.join("\n")
}

fn plain(value: &ExtValue) -> String {
    match Value::from(value) {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

fn without_secrets(mut message: Message) -> Message {
    let thumbnail = match &mut message.body {
        Body::Image(image) => image.thumbnail.as_mut(),
        Body::Video(video) => video.thumbnail.as_mut(),
        _ => None,
    };
    if let Some(thumbnail) = thumbnail {
        clear(thumbnail);
    }
    if let Some(attachment) = message.body.attachment_mut() {
        clear(attachment);
    }
    message
}

fn clear(attachment: &mut Attachment) {
    attachment.secret = None::<Secret>;
    attachment.url = address(&attachment.url);
}

/// `url` without what opens it and without what says how to send it. What picks a form of the file stays.
fn address(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else { return url.to_owned() };
    let is_kept = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && !["em-redirect", "share-secret", "token"].contains(&name)
    };
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use easebot_model::{Combine, Conversation, Custom, Image, Location, Timestamp};

    use super::*;

    fn record(body: Body) -> Record {
        let (to, time) = (Conversation::group("7"), Timestamp(9));
        Record::of(&Message::new(MessageId(1), to, "bob".into(), time, body)).unwrap()
    }

    fn attachment() -> Attachment {
        Attachment {
            url: "https://x/y?em-redirect=true&share-secret=hush&vframe=true".to_owned(),
            secret: Some(Secret::new("hush")),
            name: Some("../cat.png".to_owned()),
            length_bytes: Some(3),
        }
    }

    #[test]
    fn secrets_stay_with_what_has_to_be_fetched_alone() {
        let image =
            Image { attachment: attachment(), thumbnail: Some(attachment()), ..Image::default() };
        let combine = Combine { attachment: attachment(), ..Combine::default() };
        for (body, role) in [
            (Body::Image(Box::new(image)), Role::Content),
            (Body::Combine(Box::new(combine)), Role::Messages),
        ] {
            let record = record(body);
            assert!(!record.json.contains("hush"), "{}", record.json);
            let wanted = record.wanted.unwrap();
            assert_eq!((wanted.role, wanted.address.as_str()), (role, "https://x/y?vframe=true"));
            assert_eq!(
                serde_json::from_str::<Attachment>(&wanted.attachment).unwrap(),
                attachment()
            );
        }
    }

    #[test]
    fn what_people_read_of_a_message_can_be_searched() {
        let custom = Custom {
            event: "order".to_owned(),
            exts: [("n", Value::from(7)), ("what", Value::from("茶"))].into_iter().collect(),
        };
        let location = Location { address: "8 Tiger Rd".to_owned(), ..Location::default() };
        let combine =
            Combine {
                title: "记录".to_owned(), summary: "a: b".to_owned(), ..Combine::default()
            };
        let image = Image { attachment: attachment(), ..Image::default() };
        for (body, text) in [
            (Body::text("hi"), "hi"),
            (Body::Custom(custom), "order\n7\n茶"),
            (Body::Location(location), "8 Tiger Rd"),
            (Body::Combine(Box::new(combine)), "记录\na: b"),
            (Body::Image(Box::new(image)), "../cat.png"),
        ] {
            assert_eq!(record(body).text, text);
        }
    }
}
