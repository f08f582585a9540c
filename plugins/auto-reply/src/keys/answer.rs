//! The keys of an answer that is more than a text.

use std::collections::BTreeMap;

use easebot_plugin::At;
use schemars::JsonSchema;
use serde::Deserialize;

/// One answer: each key is a message, sent in the order of this table. Texts are templates. Files are taken as they are when the
/// answer is sent; their paths start at the folder of the configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["text"] },
    { "required": ["image"] },
    { "required": ["file"] },
    { "required": ["location"] },
    { "required": ["custom"] },
    { "required": ["combine"] },
]))]
pub(crate) struct AnswerKeys {
    /// Template of a text. If nothing comes out, it is left out.
    #[schemars(length(min = 1))]
    pub(crate) text: Option<At<String>>,
    /// Path of a picture: PNG, JPEG, GIF or WebP.
    #[schemars(length(min = 1))]
    pub(crate) image: Option<At<String>>,
    /// Path of a file of any kind.
    #[schemars(length(min = 1))]
    pub(crate) file: Option<At<String>>,
    /// A place on the map.
    #[serde(default)]
    #[schemars(with = "LocationKeys")]
    pub(crate) location: Option<LocationKeys>,
    /// A message of the application's own kind.
    #[serde(default)]
    #[schemars(with = "CustomKeys")]
    pub(crate) custom: Option<CustomKeys>,
    /// Several messages in one, as forwarded ones are shown.
    #[serde(default)]
    #[schemars(with = "CombineKeys")]
    pub(crate) combine: Option<CombineKeys>,
}

/// A place on the map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocationKeys {
    /// Degrees north.
    #[schemars(range(min = -90, max = 90))]
    pub(crate) latitude: At<f64>,
    /// Degrees east.
    #[schemars(range(min = -180, max = 180))]
    pub(crate) longitude: At<f64>,
    /// Street address.
    #[serde(default)]
    pub(crate) address: String,
    /// Name of the building.
    #[serde(default)]
    pub(crate) building: String,
}

/// A message of the application's own kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomKeys {
    /// The application's name for it: 1 to 32 of `a-z A-Z 0-9 - _ / .`.
    pub(crate) event: At<String>,
    /// Its pairs, at most 16. The values are templates.
    #[serde(default)]
    pub(crate) exts: BTreeMap<String, At<String>>,
}

/// Several messages in one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CombineKeys {
    /// Template of the heading.
    #[schemars(length(min = 1))]
    pub(crate) title: At<String>,
    /// The messages in it, at most 300.
    #[schemars(length(min = 1))]
    pub(crate) message: At<Vec<LineKeys>>,
}

/// A message within a combined one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineKeys {
    /// Template of the text. If nothing comes out, the message is left out.
    #[schemars(length(min = 1))]
    pub(crate) text: At<String>,
    /// User who said it. By default the bot.
    pub(crate) from: Option<String>,
}
