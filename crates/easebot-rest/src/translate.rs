//! Translation by the service. A paid feature.

use easebot_model::Translation;
use serde_json::{Value, json};

use crate::{Api, ApiError, Call, Fields};

/// A text in other languages.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Translated {
    /// The language that the text seems to be in.
    pub detected: Option<String>,
    /// One for each language that was asked for.
    pub translations: Vec<Translation>,
}

/// A language that the service translates to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TranslationLanguage {
    /// Its code, such as `zh-Hans`.
    pub code: String,
    /// Its name in English.
    pub name: String,
    /// Its name in itself.
    pub native_name: String,
}

/// Most characters times languages. Source: Easemob's REST documentation, "translation".
const MAX_CHARS: usize = 10_000;

impl Api {
    /// Translates `text` to the languages `to`, such as `en` or `zh-Hans`. Characters times languages are 10 000 at most.
    ///
    /// # Errors
    /// [`ApiError::TooLong`] before anything is sent, and the others.
    pub async fn translate(&self, text: &str, to: &[&str]) -> Result<Translated, ApiError> {
        crate::groups::at_most("text", text, MAX_CHARS / to.len().max(1))?;
        let call = Call::post(&["users", self.user().as_str(), "translate"])
            .json(&json!({ "text": text, "to": to }))
            .repeatable();
        let value = self.json(&call).await?;
        translated(&value).ok_or(ApiError::MissingField { field: "translations" })
    }

    /// The languages that the service translates to.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn translation_languages(&self) -> Result<Vec<TranslationLanguage>, ApiError> {
        let path = ["users", self.user().as_str(), "translate", "support", "language"];
        let value = self.json(&Call::get(&path)).await?;
        let list = value.as_array().or_else(|| Fields::of(&value).value("data")?.as_array());
        let list = list.ok_or(ApiError::MissingField { field: "data" })?;
        let language = |value: &Value| {
            let fields = Fields::of(value);
            Some(TranslationLanguage {
                code: fields.text("code")?,
                name: fields.text_or_empty("name"),
                native_name: fields.text_or_empty("nativeName"),
            })
        };
        Ok(list.iter().filter_map(language).collect())
    }
}

/// The service answers with an object, with a list of one, or with either of them under `data`: its documents disagree.
fn translated(value: &Value) -> Option<Translated> {
    let value = match value {
        Value::Array(list) => list.first()?,
        value => value,
    };
    let fields = Fields::of(value);
    if fields.value("translations").is_none() {
        return translated(fields.value("data")?);
    }
    let translations = fields.objects("translations").filter_map(|one| {
        let code = one.text("to").or_else(|| one.text("code"));
        Some(Translation { code: code.unwrap_or_default(), text: one.text("text")? })
    });
    Some(Translated {
        detected: fields.at("detectedLanguage").text("language"),
        translations: translations.collect(),
    })
}
