//! `MessageBody.Content` to [`Body`]: the nine kinds of body.
//!
//! What cannot be read becomes [`Body::Unknown`] with the bytes as they came, so that a later version can read it.
//! Source: observed with the official SDK.

mod write;

use bytes::Bytes;
use easebot_model::{
    Attachment, Audio, Body, Combine, Custom, File, Image, Location, Secret, Size, Text,
    UnknownBody, Video,
};
use prost::Message;

pub(crate) use self::write::{write_content, write_record};
use crate::{
    ext::decode_ext,
    schema::message_body::{
        Content,
        content::{self, SubType, Type},
    },
};

/// What became of a content.
pub(crate) struct Reading {
    pub(crate) body: Body,
    /// The text is a chunk, if the message has a `stream` beside it.
    pub(crate) is_chunk: bool,
}

/// Reads the first content of a message. Clients ignore further ones.
///
/// `payload` is the encoded `MessageBody`, kept in what cannot be read.
pub(crate) fn read_content(first: Option<Bytes>, payload: &Bytes) -> Reading {
    let Some(content) = first.and_then(|raw| Content::decode(raw).ok()) else {
        return Reading { body: unknown(None, payload), is_chunk: false };
    };
    // Presence decides: 0 is a value of its own, and a plain text has no subType at all.
    let sub_type = content.sub_type.map(SubType::try_from).and_then(Result::ok);
    // An absent type reads as text.
    let number = content.r#type.unwrap_or_default();
    let body = match Type::try_from(number) {
        Ok(kind) => read_body(kind, sub_type, content, payload),
        Err(_) => unknown(Some(number), payload),
    };
    let is_chunk = sub_type == Some(SubType::SubStream) && matches!(body, Body::Text(_));
    Reading { body, is_chunk }
}

fn read_body(kind: Type, sub_type: Option<SubType>, content: Content, payload: &Bytes) -> Body {
    match (kind, sub_type) {
        (Type::Text, Some(SubType::SubCombine)) | (Type::Combine, _) => {
            Body::Combine(Box::new(combine(content)))
        }
        (Type::Text, _) => {
            Body::Text(Text { text: content.text.unwrap_or_default(), translations: Vec::new() })
        }
        (Type::Image, _) => {
            Body::Image(Box::new(image(content, sub_type == Some(SubType::SubGif))))
        }
        (Type::Video, _) => Body::Video(Box::new(video(content))),
        (Type::Location, _) => location(content, payload),
        (Type::Voice, _) => Body::Audio(Box::new(Audio {
            duration_secs: content.duration.and_then(|secs| secs.try_into().ok()),
            attachment: attachment(content),
        })),
        (Type::File, _) => Body::File(Box::new(File { attachment: attachment(content) })),
        (Type::Command, _) => Body::Cmd { action: content.action.unwrap_or_default() },
        (Type::Custom, _) => Body::Custom(Custom {
            event: content.custom_event.unwrap_or_default(),
            exts: decode_ext(content.custom_exts),
        }),
    }
}

fn unknown(content_type: Option<i32>, payload: &Bytes) -> Body {
    Body::Unknown(UnknownBody { content_type, raw: payload.to_vec() })
}

/// The main attachment. `remotePath` stays as it came; who downloads it may have to put another host in.
///
/// `fileLength` is signed on the wire and wraps for 2 GiB and more: a negative one says nothing.
fn attachment(content: Content) -> Attachment {
    Attachment {
        url: content.remote_path.unwrap_or_default(),
        secret: secret(content.secret_key),
        name: content.display_name.filter(|name| !name.is_empty()),
        length_bytes: length(content.file_length),
    }
}

/// The smaller copy or first frame, if the message says where it is.
fn thumbnail(content: &mut Content) -> Option<Attachment> {
    let url = content.thumbnail_remote_path.take().filter(|url| !url.is_empty())?;
    Some(Attachment {
        url,
        secret: secret(content.thumbnail_secret_key.take()),
        name: content.thumbnail_display_name.take().filter(|name| !name.is_empty()),
        length_bytes: length(content.thumbnail_file_length),
    })
}

fn secret(text: Option<String>) -> Option<Secret> {
    text.filter(|text| !text.is_empty()).map(Secret::new)
}

fn length(n_bytes: Option<i32>) -> Option<u64> {
    n_bytes.and_then(|n_bytes| n_bytes.try_into().ok())
}

/// A size whose numbers are numbers: JSON cannot hold the others.
fn size(size: Option<content::Size>) -> Option<Size> {
    let size = size?;
    let (width, height) = (size.width.unwrap_or_default(), size.height.unwrap_or_default());
    (width.is_finite() && height.is_finite()).then_some(Size { width, height })
}

fn image(mut content: Content, is_gif: bool) -> Image {
    Image {
        size: size(content.size),
        thumbnail: thumbnail(&mut content),
        thumbnail_size: size(content.thumbnail_size),
        is_gif,
        attachment: attachment(content),
    }
}

fn video(mut content: Content) -> Video {
    Video {
        duration_secs: content.duration.and_then(|secs| secs.try_into().ok()),
        size: size(content.size),
        thumbnail: thumbnail(&mut content),
        attachment: attachment(content),
    }
}

fn location(content: Content, payload: &Bytes) -> Body {
    let (latitude, longitude) =
        (content.latitude.unwrap_or_default(), content.longitude.unwrap_or_default());
    if !(latitude.is_finite() && longitude.is_finite()) {
        return unknown(content.r#type, payload);
    }
    Body::Location(Location {
        latitude,
        longitude,
        address: content.address.unwrap_or_default(),
        building: content.building_name.unwrap_or_default(),
    })
}

fn combine(mut content: Content) -> Combine {
    Combine {
        title: content.title.take().unwrap_or_default(),
        summary: content.summary.take().unwrap_or_default(),
        compatible_text: content.text.take().unwrap_or_default(),
        level: content.combine_level.and_then(|level| level.try_into().ok()).unwrap_or_default(),
        attachment: attachment(content),
    }
}
