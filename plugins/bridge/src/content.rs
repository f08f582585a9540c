//! A message in words, and what goes along with them.

use easebot_model::{Attachment, Body, Draft, FileSource, Message, safe_file_name};

/// What a body is called where its content cannot be shown: by a template, in front of a file, in place of a file.
pub(crate) fn words(body: &Body) -> String {
    let with = |what: &str, more: &str| match more.trim() {
        "" => format!("({what})"),
        more => format!("({what}: {more})"),
    };
    let lasting = |what: &str, secs: Option<u32>| match secs {
        Some(secs) if secs > 0 => format!("({what}, {secs} s)"),
        _ => format!("({what})"),
    };
    match body {
        Body::Text(text) => text.text.clone(),
        Body::Audio(audio) => lasting("voice message", audio.duration_secs),
        Body::Combine(combine) => with("forwarded messages", &combine.title),
        Body::Custom(custom) => with("custom message", &custom.event),
        Body::File(file) => with("file", &name(&file.attachment).unwrap_or_default()),
        Body::Image(_) => "(picture)".to_owned(),
        Body::Location(place) if place.building.trim().is_empty() => with("place", &place.address),
        Body::Location(place) => with("place", &format!("{} {}", place.building, place.address)),
        Body::Video(video) => lasting("video", video.duration_secs),
        _ => "(a message that cannot be passed on)".to_owned(),
    }
}

/// The name of a file, if it has one that is.
pub(crate) fn name(attachment: &Attachment) -> Option<String> {
    safe_file_name(attachment.name.as_deref()?)
}

/// `body` with its file from `source`, to be sent once more. None for what has no file.
pub(crate) fn draft(body: &Body, source: FileSource) -> Option<Draft> {
    let mut draft = match body {
        Body::Audio(audio) => Draft::audio(source, audio.duration_secs.unwrap_or_default()),
        Body::File(_) => Draft::file(source),
        Body::Image(_) => Draft::image(source),
        Body::Video(video) => Draft::video(source, video.duration_secs.unwrap_or_default()),
        _ => return None,
    };
    match (&mut draft.body, body) {
        (Body::Image(to), Body::Image(from)) => (to.size, to.is_gif) = (from.size, from.is_gif),
        (Body::Video(to), Body::Video(from)) => to.size = from.size,
        _ => {}
    }
    match body.attachment().and_then(name) {
        Some(name) => Some(draft.named(name)),
        None => Some(draft.named(unnamed(body))),
    }
}

const fn unnamed(body: &Body) -> &'static str {
    match body {
        Body::Audio(_) => "voice.amr",
        Body::Image(image) if image.is_gif => "picture.gif",
        Body::Image(_) => "picture.jpg",
        Body::Video(_) => "video.mp4",
        _ => "file",
    }
}

/// Messages that were forwarded, for another app: users of one app cannot open the files of another, so words stand for them.
pub(crate) fn portable(mut messages: Vec<Message>) -> Vec<Message> {
    for message in &mut messages {
        if message.body.attachment().is_some() {
            message.body = Body::text(words(&message.body));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use easebot_model::{Audio, Combine, Custom, File, Image, Location, UnknownBody, Video};

    use super::*;

    fn named(name: &str) -> Attachment {
        Attachment { name: Some(name.to_owned()), ..Attachment::default() }
    }

    #[test]
    fn each_kind_has_its_words() {
        let attachment = named("../图.pdf");
        let cases: [(Body, &str); 12] = [
            ("hi".into(), "hi"),
            (
                Body::Audio(Audio { duration_secs: Some(7), ..Audio::default() }),
                "(voice message, 7 s)",
            ),
            (
                Body::Combine(Combine { title: "talk".into(), ..Combine::default() }),
                "(forwarded messages: talk)",
            ),
            (
                Body::Custom(Custom { event: "order".into(), ..Custom::default() }),
                "(custom message: order)",
            ),
            (Body::File(File { attachment }), "(file: 图.pdf)"),
            (Body::File(File::default()), "(file)"),
            (Body::Image(Image::default()), "(picture)"),
            (Body::Location(Location::default()), "(place)"),
            (
                Body::Location(Location { address: "1 A St".into(), ..Location::default() }),
                "(place: 1 A St)",
            ),
            (
                Body::Location(Location {
                    address: "1 A St".into(),
                    building: "Tower".into(),
                    ..Location::default()
                }),
                "(place: Tower 1 A St)",
            ),
            (Body::Video(Video::default()), "(video)"),
            (Body::Unknown(UnknownBody::default()), "(a message that cannot be passed on)"),
        ];
        for (body, expected) in cases {
            assert_eq!(words(&body), expected);
        }
    }

    #[test]
    fn a_file_name_is_no_path() {
        let name = |text: &str| name(&named(text));
        assert_eq!(name("C:\\a\\图\n.png").as_deref(), Some("图.png"));
        assert_eq!(name("a/.."), None);
        assert_eq!(name(""), None);
    }
}
