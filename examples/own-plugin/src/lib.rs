//! The plugin kind `order-status`: who writes `order 1001` is told how that order stands, as the shop's own service knows it.

mod keys;

use std::path::PathBuf;

use easebot::{
    Context, Event, Flow, Interest, Plugin, PluginError, async_trait,
    http::{Outgoing, Request, Rules},
    plugin::{BotInfo, BuildEnv, Configured, Problem, Problems, SecretSource, Templates, Values},
};
use serde_json::{Value, json};

pub use keys::Keys;

/// Looks orders up.
#[derive(Debug)]
pub struct OrderStatus {
    name: String,
    /// In lower case.
    word: String,
    templates: Templates,
    token: SecretSource,
    /// Where the path of a file with the token starts.
    folder: PathBuf,
    web: Outgoing,
}

/// The longest answer of the service that is read.
const MAX_BYTES: usize = 64 * 1024;

impl Configured for OrderStatus {
    const KIND: &'static str = "order-status";
    const ABOUT: &'static str = "Tells how an order stands.";
    type Config = Keys;

    /// Everything that can be wrong with the keys is said here, each with its place in the file; nothing is asked yet.
    fn build(keys: Keys, env: &BuildEnv, problems: &mut Problems) -> Option<Self> {
        if keys.word.split_whitespace().count() != 1 {
            let problem = Problem::error(keys.word.span(), "must be one word");
            problems.push(problem.hint("such as `order`"));
        }
        if !keys.url.starts_with("https://") && !keys.url.starts_with("http://") {
            let problem = Problem::error(keys.url.span(), "must be an address");
            problems.push(problem.hint("such as `https://shop.example/orders/{{ number }}`"));
        }
        env.check_secret(&keys.token, problems);
        // A template is tried with values like those that there will be, so that a misspelt one is found now.
        let bot =
            BotInfo { name: env.bot.clone(), user: env.user.clone(), app_key: env.app_key.clone() };
        let without = Values::sample(&bot).text("number", "1001");
        let with = without.clone().json("order", &json!({ "state": "on its way" }));
        let mut templates = Templates::new();
        templates.add_url("url", &keys.url, &without, problems);
        templates.add("unknown", &keys.unknown, &without, problems);
        templates.add("reply", &keys.reply, &with, problems);
        Some(Self {
            name: env.plugin.clone(),
            word: keys.word.to_lowercase(),
            templates,
            token: keys.token.into_inner(),
            folder: env.folder.clone(),
            web: Outgoing::new(Rules::default()),
        })
    }
}

#[async_trait]
impl Plugin for OrderStatus {
    fn name(&self) -> &str {
        &self.name
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message() else { return Ok(Flow::Continue) };
        let Some(number) = self.number_in(message.text()) else { return Ok(Flow::Continue) };
        let values = Values::of(message, cx.bot()).text("number", number);
        let reply = match self.order(&values, cx).await? {
            Some(order) => self.templates.render("reply", &values.json("order", &order))?,
            None => self.templates.render("unknown", &values)?,
        };
        cx.reply(reply).await?;
        Ok(Flow::Stop)
    }
}

impl OrderStatus {
    /// The number that a text such as `Order 1001, please` asks about.
    fn number_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut words = text.split_whitespace();
        let is_asked = words.next()?.to_lowercase() == self.word;
        let number = words.next()?.trim_end_matches([',', '.', '!', '?']);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        (is_asked && is_number).then_some(number)
    }

    /// What the service says about an order; none if it does not know it. An error is tried again, as the bot's policy says.
    async fn order(&self, values: &Values, cx: &Context) -> Result<Option<Value>, PluginError> {
        let mut request = Request::get(&self.templates.render_url("url", values)?)?;
        let token = cx.env().secret(&self.token, &self.folder)?;
        let bearer = format!("Bearer {}", token.reveal());
        request.headers.insert("authorization", bearer.parse()?);
        let answer = self.web.call(request, MAX_BYTES).await?;
        match answer.status().as_u16() {
            200 => Ok(Some(serde_json::from_slice(answer.body())?)),
            404 => Ok(None),
            status => Err(PluginError::new(format!("the service answers with status {status}"))),
        }
    }
}
