//! A message in words, and what goes along with them.

use easebot_model::{Attachment, Body, Draft, FileSource, Location, Message, safe_file_name};
use easebot_plugin::Language;

/// What a body is called where its content cannot be shown: by a template, in front of a file, in place of a file.
pub(crate) fn words(body: &Body, language: Language) -> String {
    let bare = |what: &str| language.pick(format!("({what})"), format!("（{what}）"));
    let with = |what: &str, more: &str| match more.trim() {
        "" => bare(what),
        more => bare(&format!("{what}{}{more}", language.pick(": ", "："))),
    };
    let lasting = |what: &str, secs: Option<u32>| match secs {
        Some(secs) if secs > 0 => {
            bare(&language.pick(format!("{what}, {secs} s"), format!("{what}，{secs} 秒")))
        }
        _ => bare(what),
    };
    let named = |en, zh| language.pick(en, zh);
    match body {
        Body::Text(text) => text.text.clone(),
        Body::Audio(audio) => lasting(named("voice message", "语音"), audio.duration_secs),
        Body::Combine(combine) => with(named("forwarded messages", "聊天记录"), &combine.title),
        Body::Custom(custom) => with(named("custom message", "自定义消息"), &custom.event),
        Body::File(file) => {
            with(named("file", "文件"), &name(&file.attachment).unwrap_or_default())
        }
        Body::Image(_) => bare(named("picture", "图片")),
        Body::Location(place) => {
            let Location { building, address, .. } = place;
            with(named("place", "位置"), &format!("{} {address}", building.trim()))
        }
        Body::Video(video) => lasting(named("video", "视频"), video.duration_secs),
        _ => bare(named("a message that cannot be passed on", "一条无法转发的消息")),
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
pub(crate) fn portable(mut messages: Vec<Message>, language: Language) -> Vec<Message> {
    for message in &mut messages {
        if message.body.attachment().is_some() {
            message.body = Body::text(words(&message.body, language));
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use easebot_model::{Audio, Combine, Custom, File, UnknownBody};

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
                Body::Audio(Box::new(Audio { duration_secs: Some(7), ..Audio::default() })),
                "(voice message, 7 s)",
            ),
            (
                Body::Combine(Box::new(Combine { title: "talk".into(), ..Combine::default() })),
                "(forwarded messages: talk)",
            ),
            (
                Body::Custom(Custom { event: "order".into(), ..Custom::default() }),
                "(custom message: order)",
            ),
            (Body::File(Box::new(File { attachment })), "(file: 图.pdf)"),
            (Body::File(Box::default()), "(file)"),
            (Body::Image(Box::default()), "(picture)"),
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
            (Body::Video(Box::default()), "(video)"),
            (Body::Unknown(UnknownBody::default()), "(a message that cannot be passed on)"),
        ];
        for (body, expected) in cases {
            assert_eq!(words(&body, Language::En), expected);
        }
    }

    #[test]
    fn a_file_name_is_no_path() {
        let name = |text: &str| name(&named(text));
        assert_eq!(name("C:\\a\\图\n.png").as_deref(), Some("图.png"));
        assert_eq!(name("a/.."), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn the_words_are_in_the_language_of_the_bridge() {
        let of = |body: Body| words(&body, Language::Zh);
        let audio = Audio { duration_secs: Some(7), ..Audio::default() };
        assert_eq!(of(Body::Audio(Box::new(audio))), "（语音，7 秒）");
        let file = File { attachment: named("图.pdf") };
        assert_eq!(of(Body::File(Box::new(file))), "（文件：图.pdf）");
        assert_eq!(of(Body::Image(Box::default())), "（图片）");
        assert_eq!(of("picture".into()), "picture");
    }
}
