//! The body of a message by REST, as it goes over the wire.

use easebot_model::{Ext, ExtValue};
use easebot_msync::{
    encode_ext,
    schema::message_body::{
        Content,
        content::{Size, Type},
    },
};
use serde_json::{Map, Value};

use super::{empty, number, refused};
use crate::refusal::HttpRefusal;

/// Longest name of a custom event. Source: Easemob's REST documentation.
const MAX_EVENT_CHARS: usize = 32;
/// Most pairs of a custom message. Source: as above.
const MAX_PAIRS: usize = 16;

/// The content of a message of the type `kind`. Source of the fields: Easemob's REST documentation.
pub(crate) fn content(kind: &str, body: &Map<String, Value>) -> Result<Content, HttpRefusal> {
    let fields = Fields(body);
    let content = match kind {
        "txt" => Content { text: Some(fields.required("msg")?), ..of(Type::Text) },
        "img" => Content { size: fields.size(), ..fields.file(Type::Image)? },
        "audio" => Content { duration: fields.length(), ..fields.file(Type::Voice)? },
        "video" => Content {
            duration: fields.length(),
            size: fields.size(),
            thumbnail_remote_path: fields.text("thumb"),
            thumbnail_secret_key: fields.text("thumb_secret"),
            ..fields.file(Type::Video)?
        },
        "file" => fields.file(Type::File)?,
        "loc" => Content {
            latitude: Some(fields.degrees("lat")?),
            longitude: Some(fields.degrees("lng")?),
            address: fields.text("addr"),
            building_name: fields.text("buildingName"),
            ..of(Type::Location)
        },
        "cmd" => Content { action: Some(fields.required("action")?), ..of(Type::Command) },
        "custom" => fields.custom()?,
        _ => return Err(refused(&format!("param type {kind} is not supported"))),
    };
    Ok(content)
}

fn of(kind: Type) -> Content {
    Content { r#type: Some(kind.into()), ..Content::default() }
}

struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn text(&self, key: &str) -> Option<String> {
        self.0.get(key)?.as_str().map(ToOwned::to_owned)
    }

    fn required(&self, key: &str) -> Result<String, HttpRefusal> {
        self.text(key).ok_or_else(|| empty(key))
    }

    fn int(&self, key: &str) -> Option<i32> {
        number(self.0.get(key)?).and_then(|value| i32::try_from(value).ok())
    }

    /// Seconds; the documents spell it both ways.
    fn length(&self) -> Option<i32> {
        self.int("length").or_else(|| self.int("Length"))
    }

    fn degrees(&self, key: &str) -> Result<f64, HttpRefusal> {
        let value = self.0.get(key).ok_or_else(|| empty(key))?;
        let degrees = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        degrees
            .filter(|degrees| degrees.is_finite())
            .ok_or_else(|| refused(&format!("param {key} must be a number")))
    }

    fn size(&self) -> Option<Size> {
        let size = self.0.get("size")?;
        let side = |key| size.get(key).and_then(Value::as_f64);
        Some(Size { width: side("width"), height: side("height") })
    }

    fn file(&self, kind: Type) -> Result<Content, HttpRefusal> {
        let name = self.text("filename");
        Ok(Content {
            remote_path: Some(self.required("url")?),
            thumbnail_display_name: name.clone(),
            display_name: name,
            secret_key: self.text("secret"),
            file_length: self.int("file_length"),
            ..of(kind)
        })
    }

    fn custom(&self) -> Result<Content, HttpRefusal> {
        let event = self.required("customEvent")?;
        let is_legal = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/' | '.')
        };
        if !(1..=MAX_EVENT_CHARS).contains(&event.len()) || !event.chars().all(is_legal) {
            return Err(refused("param customEvent is not legal"));
        }
        let pairs = match self.0.get("customExts") {
            None | Some(Value::Null) => Ext::new(),
            Some(Value::Object(pairs)) => pairs
                .iter()
                .map(|(key, value)| (key.clone(), ExtValue::from(value.clone())))
                .collect(),
            Some(_) => return Err(refused("param customExts must be JSONObject")),
        };
        if pairs.len() > MAX_PAIRS {
            let text = format!("params customExts's size can't exceed limit {MAX_PAIRS}");
            return Err(refused(&text));
        }
        Ok(Content {
            custom_event: Some(event),
            custom_exts: encode_ext(&pairs),
            ..of(Type::Custom)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: &str, body: &Value) -> Result<Content, String> {
        content(kind, body.as_object().unwrap()).map_err(|refusal| refusal.description)
    }

    #[test]
    fn each_type_has_its_fields() {
        let image = json!({ "url": "u", "filename": "f", "secret": "s", "size": { "width": 480, "height": 720 } });
        let image = read("img", &image).unwrap();
        assert_eq!(image.r#type(), Type::Image);
        assert_eq!(
            (image.remote_path(), image.display_name(), image.secret_key()),
            ("u", "f", "s")
        );
        assert_eq!(image.size.unwrap().height, Some(720.0));

        let video = json!({ "url": "u", "thumb": "t", "thumb_secret": "k", "length": 7, "file_length": 58_103 });
        let video = read("video", &video).unwrap();
        assert_eq!((video.thumbnail_remote_path(), video.thumbnail_secret_key()), ("t", "k"));
        assert_eq!((video.duration(), video.file_length()), (7, 58_103));

        let audio = read("audio", &json!({ "url": "u", "Length": 10 })).unwrap();
        assert_eq!((audio.r#type(), audio.duration()), (Type::Voice, 10));

        let place = json!({ "lat": "39.938881", "lng": 116.340836, "addr": "a" });
        let place = read("loc", &place).unwrap();
        assert_eq!((place.latitude(), place.longitude()), (39.938_881, 116.340_836));

        let custom = json!({ "customEvent": "gift_1", "customExts": { "name": "flower" } });
        let custom = read("custom", &custom).unwrap();
        assert_eq!(custom.custom_event(), "gift_1");
        assert_eq!(custom.custom_exts[0].string_value(), "flower");
        assert_eq!(read("cmd", &json!({ "action": "a" })).unwrap().action(), "a");
        assert_eq!(read("file", &json!({ "url": "u" })).unwrap().r#type(), Type::File);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let pairs: Map<String, Value> = (0..17).map(|n| (n.to_string(), json!("x"))).collect();
        for (kind, body, text) in [
            ("txt", json!({ "text": "x" }), "param msg can't be empty"),
            ("img", json!({ "filename": "x" }), "param url can't be empty"),
            ("loc", json!({ "lat": "north", "lng": 1 }), "param lat must be a number"),
            ("cmd", json!({}), "param action can't be empty"),
            ("custom", json!({ "customEvent": "not legal" }), "param customEvent is not legal"),
            (
                "custom",
                json!({ "customEvent": "e", "customExts": pairs }),
                "params customExts's size can't exceed limit 16",
            ),
            ("combine", json!({}), "param type combine is not supported"),
        ] {
            assert_eq!(read(kind, &body).unwrap_err(), text);
        }
    }
}
