//! What the plugin says by itself, in each language.

use std::time::Duration;

use easebot_command::{Arg, ArgError, Kind, Presence, ReadError, format_duration};
use easebot_plugin::Language;
use thiserror::Error;

use crate::{http::CallFailure, said::Said};

/// Why a command was not done, for whoever asked.
#[derive(Debug, Error)]
pub(crate) enum Reason {
    #[error(transparent)]
    Call(#[from] CallFailure),
    #[error("quote the message that is to be taken back")]
    NoQuote,
    #[error("only a message of this bot can be taken back")]
    NotMine,
    #[error("there is nothing to take back")]
    NothingSaid,
    #[error("it cannot be taken back any more")]
    TooLate,
    #[error("who runs this group cannot be looked up now")]
    Unsure,
}

impl Reason {
    pub(crate) fn text(&self, language: Language) -> String {
        match language {
            Language::Zh => self.chinese(),
            _ => self.to_string(),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::Call(failure) => failure.chinese(),
            Self::NoQuote => "请引用要撤回的消息".to_owned(),
            Self::NotMine => "只能撤回这个机器人的消息".to_owned(),
            Self::NothingSaid => "没有可以撤回的消息".to_owned(),
            Self::TooLate => "已经不能撤回了".to_owned(),
            Self::Unsure => "现在查不到谁管理这里".to_owned(),
        }
    }
}

impl Said {
    /// Its template if the file has none.
    pub(crate) fn usual(self, language: Language) -> &'static str {
        let (en, zh) = match self {
            Self::Cooling => (
                "{{ name }} can be used again in {{ seconds }} s",
                "{{ seconds }} 秒后才能再次使用 {{ name }}",
            ),
            Self::Denied => ("you may not use {{ name }} here", "没有权限在这里使用 {{ name }}"),
            Self::Failed => {
                ("{{ name }} did not work: {{ reason }}", "{{ name }} 没有成功：{{ reason }}")
            }
            Self::Suggestion => (
                "there is no command {{ name }}, did you mean {{ nearest }}?",
                "没有命令 {{ name }}，是不是 {{ nearest }}？",
            ),
            Self::Wrong => (
                "{{ problem }}\n{{ place }}\nusage: {{ usage }}",
                "{{ problem }}\n{{ place }}\n用法：{{ usage }}",
            ),
        };
        language.pick(en, zh)
    }
}

/// What is wrong with arguments.
pub(crate) fn problem(error: &ArgError, language: Language) -> String {
    match (language, error) {
        (Language::Zh, ArgError::Extra { .. }) => "参数太多".to_owned(),
        (Language::Zh, ArgError::Missing { arg, .. }) => format!("缺少参数 `{arg}`"),
        (Language::Zh, ArgError::NoValue { option, .. }) => format!("`--{option}` 后面要有值"),
        (Language::Zh, ArgError::NoSuchOption { options, .. }) => {
            format!("没有这个选项，可用的有 --{}", options.join("、--"))
        }
        (Language::Zh, ArgError::OptionTwice { option, .. }) => {
            format!("`--{option}` 出现了两次")
        }
        (Language::Zh, ArgError::Unreadable { arg, reason, .. }) => {
            format!("`{arg}` {}", unread(reason))
        }
        _ => error.to_string(),
    }
}

/// Behind the name of an argument.
fn unread(reason: &ReadError) -> String {
    match reason {
        ReadError::NoDuration => "不是时长，时长如 90s、10分钟、1小时30分".to_owned(),
        ReadError::NoInteger => "不是整数".to_owned(),
        ReadError::NoNumber => "不是数字".to_owned(),
        ReadError::NotOneOf { choices } => format!("只能是 {}", choices.join("、")),
        ReadError::NoUser => "不是用户名".to_owned(),
        ReadError::NoValue => "不带值".to_owned(),
        ReadError::TooLarge { max } => format!("不能大于 {max}"),
        ReadError::TooLong { max_chars } => format!("最多 {max_chars} 个字"),
        ReadError::TooSmall { min } => format!("不能小于 {min}"),
        _ => reason.to_string(),
    }
}

/// A line of help in Chinese: `days – 几天：整数，从 1 到 7；不写则为 3`.
pub(crate) fn described(arg: &Arg) -> String {
    let mut facts: Vec<String> = kind(&arg.kind).into_iter().collect();
    match &arg.presence {
        Presence::Default(word) => facts.push(format!("不写则为 {word}")),
        Presence::Optional if arg.kind != Kind::Switch => facts.push("可以不写".to_owned()),
        Presence::Optional | Presence::Required => {}
    }
    let dashes = if arg.is_option { "--" } else { "" };
    let about = (!arg.about.is_empty()).then(|| arg.about.clone());
    let facts = (!facts.is_empty()).then(|| facts.join("；"));
    let said: Vec<String> = about.into_iter().chain(facts).collect();
    let line = format!("{dashes}{}", arg.name);
    if said.is_empty() { line } else { format!("{line} – {}", said.join("：")) }
}

fn kind(kind: &Kind) -> Option<String> {
    let range = |what: &str, min: Option<String>, max: Option<String>| match (min, max) {
        (Some(min), Some(max)) => format!("{what}，从 {min} 到 {max}"),
        (Some(min), None) => format!("{what}，至少 {min}"),
        (None, Some(max)) => format!("{what}，至多 {max}"),
        (None, None) => what.to_owned(),
    };
    match kind {
        Kind::Choice(choices) => Some(choices.join(" 或 ")),
        Kind::Duration { min, max } => {
            let text = |bound: &Option<Duration>| bound.map(format_duration);
            Some(range("时长，如 10分钟 或 1小时30分", text(min), text(max)))
        }
        Kind::Integer { min, max } => {
            Some(range("整数", min.map(|n| n.to_string()), max.map(|n| n.to_string())))
        }
        Kind::Number { min, max } => {
            Some(range("数字", min.map(|n| n.to_string()), max.map(|n| n.to_string())))
        }
        Kind::Rest { max_chars } | Kind::Text { max_chars } => {
            max_chars.map(|max_chars| format!("最多 {max_chars} 个字"))
        }
        Kind::User => Some("用户名".to_owned()),
        _ => None,
    }
}
