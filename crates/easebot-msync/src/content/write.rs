//! [`Body`] to `MessageBody.Content`, field by field as the official SDK writes it.

use easebot_model::{Attachment, Body, Combine, Custom, Image, Location, Size, Video};

use crate::{
    encode::EncodeError,
    ext::encode_ext,
    schema::message_body::{
        Content,
        content::{self, SubType, Type},
    },
};

/// The content of `body`.
///
/// Translations are not part of it: they stand in `MessageBody.meta`. A length or duration that the signed 32 bits of the
/// wire cannot hold is left out.
///
/// # Errors
/// - [`EncodeError::NoAttachmentUrl`] if the attachment has not been uploaded.
/// - [`EncodeError::Unsendable`] for [`Body::Unknown`] and kinds that are newer than this code.
pub(crate) fn write_content(body: &Body) -> Result<Content, EncodeError> {
    let kind = body.kind();
    if body.attachment().is_some_and(|attachment| attachment.url.is_empty()) {
        return Err(EncodeError::NoAttachmentUrl { kind });
    }
    Ok(match body {
        Body::Audio(audio) => Content {
            duration: int(audio.duration_secs),
            ..named_twice(Type::Voice, &audio.attachment)
        },
        Body::Cmd { action } => Content { action: Some(action.clone()), ..of_type(Type::Command) },
        Body::Combine(combine) => write_combine(combine),
        Body::Custom(custom) => write_custom(custom),
        Body::File(file) => named_twice(Type::File, &file.attachment),
        Body::Image(image) => write_image(image),
        Body::Location(location) => write_location(location),
        Body::Text(text) => Content { text: Some(text.text.clone()), ..of_type(Type::Text) },
        Body::Video(video) => write_video(video),
        _ => return Err(EncodeError::Unsendable { kind }),
    })
}

/// The content of `body` as it stands in a combine file: with what the received message had and nothing made up.
///
/// # Errors
/// As [`write_content`].
pub(crate) fn write_record(body: &Body) -> Result<Content, EncodeError> {
    let mut content = write_content(body)?;
    if let Body::Video(video) = body
        && video.thumbnail.is_none()
    {
        (content.thumbnail_remote_path, content.thumbnail_secret_key) = (None, None);
    }
    Ok(content)
}

fn of_type(kind: Type) -> Content {
    Content { r#type: Some(kind.into()), ..Content::default() }
}

fn with_attachment(kind: Type, attachment: &Attachment) -> Content {
    Content {
        display_name: attachment.name.clone(),
        remote_path: Some(attachment.url.clone()),
        secret_key: attachment.secret.as_ref().map(|secret| secret.reveal().to_owned()),
        file_length: int(attachment.length_bytes),
        ..of_type(kind)
    }
}

/// Attachments other than combined messages carry their name a second time, as that of the thumbnail.
fn named_twice(kind: Type, attachment: &Attachment) -> Content {
    Content { thumbnail_display_name: attachment.name.clone(), ..with_attachment(kind, attachment) }
}

/// A whole number as the wire has it.
fn int(number: Option<impl TryInto<i32>>) -> Option<i32> {
    number.and_then(|number| number.try_into().ok())
}

fn size(size: Option<Size>) -> Option<content::Size> {
    size.map(|size| content::Size { width: Some(size.width), height: Some(size.height) })
}

fn write_image(image: &Image) -> Content {
    let mut content = Content {
        size: size(image.size),
        thumbnail_size: size(image.thumbnail_size),
        sub_type: image.is_gif.then_some(SubType::SubGif.into()),
        ..named_twice(Type::Image, &image.attachment)
    };
    if let Some(thumbnail) = &image.thumbnail {
        write_thumbnail(&mut content, thumbnail);
    }
    content
}

fn write_video(video: &Video) -> Content {
    let mut content = Content {
        duration: int(video.duration_secs),
        size: size(video.size),
        ..named_twice(Type::Video, &video.attachment)
    };
    match &video.thumbnail {
        Some(thumbnail) => write_thumbnail(&mut content, thumbnail),
        None => {
            // The service cuts the first frame out when asked for it like this.
            let url = &video.attachment.url;
            let mark = if url.contains('?') { '&' } else { '?' };
            content.thumbnail_remote_path = Some(format!("{url}{mark}vframe=true"));
            content.thumbnail_secret_key.clone_from(&content.secret_key);
        }
    }
    content
}

fn write_thumbnail(content: &mut Content, thumbnail: &Attachment) {
    content.thumbnail_remote_path = Some(thumbnail.url.clone());
    content.thumbnail_secret_key =
        thumbnail.secret.as_ref().map(|secret| secret.reveal().to_owned());
    if thumbnail.name.is_some() {
        content.thumbnail_display_name.clone_from(&thumbnail.name);
    }
    content.thumbnail_file_length = int(thumbnail.length_bytes);
}

fn write_location(location: &Location) -> Content {
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Content {
        latitude: Some(location.latitude),
        longitude: Some(location.longitude),
        address: text(&location.address),
        building_name: text(&location.building),
        ..of_type(Type::Location)
    }
}

fn write_custom(custom: &Custom) -> Content {
    Content {
        custom_event: Some(custom.event.clone()),
        custom_exts: encode_ext(&custom.exts),
        ..of_type(Type::Custom)
    }
}

/// A combined message is a text to clients that do not know them; the written subType 0 tells the others.
fn write_combine(combine: &Combine) -> Content {
    Content {
        text: Some(combine.compatible_text.clone()),
        sub_type: Some(SubType::SubCombine.into()),
        title: Some(combine.title.clone()),
        summary: Some(combine.summary.clone()),
        combine_level: int(Some(combine.level)),
        ..with_attachment(Type::Text, &combine.attachment)
    }
}
