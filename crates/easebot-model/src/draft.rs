//! A message before it is sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Attach, Attachment, Audio, Body, Combine, Custom, Ext, ExtValue, File, FileOrigin, Image,
    Location, Message, Priority, Size, UserId, Video, message::MENTIONS,
};

/// A message before it is sent: what it holds, and how it goes.
///
/// It is plain data, as it is saved. A method sets what is allowed everywhere; what is allowed in a group or a chat room
/// only is a method of what [`to_group`](Self::to_group), [`to_room`](Self::to_room) and [`to_thread`](Self::to_thread) give, so that it cannot be
/// asked for elsewhere. What the fields can say besides is refused when it is sent.
///
/// ```
/// use easebot_model::{Draft, Priority};
///
/// Draft::new("good morning").to_user("bob");
/// Draft::image("cat.png").sized(640, 480).or_say("a cat").to_room("9").priority(Priority::Low);
/// Draft::new("the two of you, please come").to_group("77").only_for(["amy", "bob"]);
/// ```
///
/// # Files
/// Images, voice messages, videos and files come
/// * from a path: it is read piece by piece when the message's turn has come, and has to stay as it is until then;
/// * from bytes: they are saved with the message, so they are for what is small;
/// * from an [`Attachment`](crate::Attachment), which is up already: of a message that is sent on, or of what a handler has uploaded
///   itself. What flows (a body of a request, the output of a program) goes this way, since a stream cannot be saved for a
///   restart.
///
/// Nobody fetches an address of the web for a message: whoever has one fetches it, within a bound of their own, and sends the bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What it holds.
    pub body: Body,
    /// What goes up before it is sent; the body's attachment is filled in then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
    /// Text that is said in its place, to the same and with the same pairs, if what goes up can never be brought up: a file that is
    /// gone or too large, say. Without one the message is given up then. No effect on a message that takes nothing along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// The application's own pairs.
    #[serde(default, skip_serializing_if = "Ext::is_empty")]
    pub ext: Ext,
    /// Only these members see it (groups and rooms, at most 20); all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<UserId>,
    /// Dropped for receivers that are offline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online_only: bool,
    /// Priority in a chat room; no effect elsewhere.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// Ask the members of a group to say that they read it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_group_receipts: bool,
    /// The group is a message thread.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_thread: bool,
}

impl Draft {
    /// A message with `body` and the usual settings.
    pub fn new(body: impl Into<Body>) -> Self {
        Self {
            body: body.into(),
            attach: None,
            fallback: None,
            ext: Ext::new(),
            receivers: Vec::new(),
            online_only: false,
            priority: Priority::Normal,
            wants_group_receipts: false,
            is_thread: false,
        }
    }

    /// A place, in degrees north (-90 to 90) and east (-180 to 180), with its street address.
    ///
    /// ```
    /// use easebot_model::Draft;
    /// let office = Draft::location(39.9, 116.4, "Chang'an Avenue 1");
    /// ```
    pub fn location(latitude: f64, longitude: f64, address: impl Into<String>) -> Self {
        let (address, building) = (address.into(), String::new());
        Self::new(Body::Location(Location { latitude, longitude, address, building }))
    }

    /// The application's own kind of message. Easemob's REST accepts names of 1 to 32 of `a-z A-Z 0-9 - _ / .`, and 16 pairs with
    /// texts as values.
    ///
    /// ```
    /// use easebot_model::{Draft, Ext};
    /// let order = Draft::custom("order", [("pizza", "Funghi"), ("size", "L")]);
    /// let wave = Draft::custom("wave", Ext::new());
    /// ```
    pub fn custom(event: impl Into<String>, pairs: impl Into<Ext>) -> Self {
        Self::new(Body::Custom(Custom { event: event.into(), exts: pairs.into() }))
    }

    /// A command for the receiving app, which nobody sees. It cannot be recalled or edited.
    ///
    /// ```
    /// use easebot_model::Draft;
    /// let refresh = Draft::cmd("refresh").online_only();
    /// ```
    pub fn cmd(action: impl Into<String>) -> Self {
        Self::new(Body::Cmd { action: action.into() })
    }

    /// An image from a file.
    pub fn image(file: impl Into<FileOrigin>) -> Self {
        Self::with_file(file, |attachment| {
            Body::Image(Box::new(Image { attachment, ..Image::default() }))
        })
    }

    /// A voice message from a file, `duration_secs` long.
    pub fn audio(file: impl Into<FileOrigin>, duration_secs: u32) -> Self {
        let duration_secs = Some(duration_secs);
        Self::with_file(file, |attachment| {
            Body::Audio(Box::new(Audio { attachment, duration_secs }))
        })
    }

    /// A video from a file, `duration_secs` long. Its first frame is the thumbnail.
    pub fn video(file: impl Into<FileOrigin>, duration_secs: u32) -> Self {
        let duration_secs = Some(duration_secs);
        Self::with_file(file, |attachment| {
            Body::Video(Box::new(Video { attachment, duration_secs, ..Video::default() }))
        })
    }

    /// A file of any kind.
    pub fn file(file: impl Into<FileOrigin>) -> Self {
        Self::with_file(file, |attachment| Body::File(Box::new(File { attachment })))
    }

    /// `messages` forwarded as one. Clients that cannot open it show `compatible_text`.
    pub fn combine(
        messages: Vec<Message>,
        title: impl Into<String>,
        summary: impl Into<String>,
        compatible_text: impl Into<String>,
    ) -> Self {
        let combine = Combine {
            title: title.into(),
            summary: summary.into(),
            compatible_text: compatible_text.into(),
            ..Combine::default()
        };
        Self {
            attach: Some(Attach::Messages(messages)),
            ..Self::new(Body::Combine(Box::new(combine)))
        }
    }

    fn with_file(file: impl Into<FileOrigin>, body: impl FnOnce(Attachment) -> Body) -> Self {
        match file.into() {
            FileOrigin::Here(file) => {
                let attachment = Attachment { name: file.name(), ..Attachment::default() };
                Self { attach: Some(Attach::File(file)), ..Self::new(body(attachment)) }
            }
            FileOrigin::Up(attachment) => Self::new(body(attachment)),
        }
    }

    /// The same with a pair in its `ext`, over an older one of that key.
    #[must_use]
    pub fn ext(mut self, key: impl Into<String>, value: impl Into<ExtValue>) -> Self {
        self.ext.insert(key, value);
        self
    }

    /// The same, with `users` named by `@`: their apps tell them, also where a group is silenced. The text has to hold the names itself.
    ///
    /// Source: Easemob's documentation, "group @ messages".
    ///
    /// ```
    /// use easebot_model::Draft;
    /// let call = Draft::new("@amy @bob your turn").mentioning(["amy", "bob"]).to_group("77");
    /// ```
    #[must_use]
    pub fn mentioning<U: Into<UserId>>(self, users: impl IntoIterator<Item = U>) -> Self {
        let users = users.into_iter().map(|user| Value::from(user.into().as_str()));
        self.ext(MENTIONS, ExtValue::Json(users.collect()))
    }

    /// The same, with all members of the group named by `@`.
    #[must_use]
    pub fn mentioning_all(self) -> Self {
        self.ext(MENTIONS, "ALL")
    }

    /// The same, dropped for receivers that are offline.
    #[must_use]
    pub fn online_only(mut self) -> Self {
        self.online_only = true;
        self
    }

    /// The same with the size of its picture, in pixels, so that apps can lay it out before it is there. That of an image is seen
    /// when it goes up. No effect on what is no image or video.
    #[must_use]
    pub fn sized(mut self, width: u32, height: u32) -> Self {
        let size = Some(Size { width: width.into(), height: height.into() });
        match &mut self.body {
            Body::Image(image) => image.size = size,
            Body::Video(video) => video.size = size,
            _ => {}
        }
        self
    }

    /// The same, with [`fallback`](Self::fallback): `text` is said in its place if its file cannot be brought up.
    #[must_use]
    pub fn or_say(mut self, text: impl Into<String>) -> Self {
        self.fallback = Some(text.into());
        self
    }

    /// The same under another file name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(attachment) = self.body.attachment_mut() {
            attachment.name = Some(name.into());
        }
        self
    }
}

impl From<Body> for Draft {
    fn from(body: Body) -> Self {
        Self::new(body)
    }
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Draft {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
