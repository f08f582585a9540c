//! What `bots.toml` can say to the plugin. The comments are its manual: `reference` and `schema` print them.

use easebot::{
    plugin::{At, SecretSource},
    schemars::{self, JsonSchema},
};
use serde::Deserialize;

/// The keys of a `[[bot.plugin]]` with `kind = "order-status"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The word before a number, in any case: `order 1001` asks about the order 1001.
    #[serde(default = "order")]
    pub(crate) word: At<String>,
    /// Template of the address that is asked about an order, with `number`.
    pub(crate) url: At<String>,
    /// What shows the service that we may ask; it goes along as `Authorization: Bearer …`.
    pub(crate) token: At<SecretSource>,
    /// Template of the answer: `number`, `order` (what the service says, such as `order.state`), `message`, `bot`.
    pub(crate) reply: At<String>,
    /// Template of the answer if the service does not know the order: as `reply`, without `order`.
    #[serde(default = "unknown")]
    pub(crate) unknown: At<String>,
}

fn order() -> At<String> {
    At::nowhere("order".to_owned())
}

fn unknown() -> At<String> {
    At::nowhere("There is no order {{ number }}.".to_owned())
}
