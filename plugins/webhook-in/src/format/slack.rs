//! What Slack's incoming webhooks take. Source: Slack's references of incoming webhooks, of secondary attachments and of
//! Block Kit.

use serde_json::Value;

use super::{Post, first, lines, list, text};
use crate::{
    body::Attached,
    plain::{plain, unescape},
    refusal::Refusal,
};

/// How deep elements of rich text and attachments are read into each other.
const MAX_DEPTH: usize = 8;

pub(super) fn read(body: Value) -> Result<Post, Refusal> {
    if !body.is_object() {
        return Err(Refusal::unreadable("the payload", "it is no JSON object"));
    }
    let mut files = Vec::new();
    let mut said = blocks(list(&body, "blocks"), &mut files);
    if said.is_empty() {
        // With blocks the text is what notifications show.
        said = plain(text(&body, "text").trim());
    }
    let attached: Vec<String> =
        list(&body, "attachments").iter().map(|one| attachment(one, &mut files)).collect();
    let said = lines(std::iter::once(said.as_str()).chain(attached.iter().map(String::as_str)));
    if said.is_empty() && files.is_empty() {
        return Err(Refusal::NoText { reason: "no text, no attachments and no blocks" });
    }
    let to = Some(text(&body, "channel")).filter(|to| !to.is_empty()).map(str::to_owned);
    Ok(Post { files, to, ..Post::new(body, said) })
}

fn attachment(value: &Value, files: &mut Vec<Attached>) -> String {
    let of = |key: &str| plain(text(value, key).trim());
    let (title, link) = (of("title"), text(value, "title_link"));
    let title = match (title.is_empty(), link.is_empty()) {
        (false, false) => format!("{title} ({link})"),
        (true, _) => link.to_owned(),
        (false, true) => title,
    };
    let fields: Vec<String> = list(value, "fields").iter().map(field).collect();
    let blocks = blocks(list(value, "blocks"), files);
    let body = of("text");
    let own = lines(
        [title.as_str(), body.as_str(), blocks.as_str()]
            .into_iter()
            .chain(fields.iter().map(String::as_str)),
    );
    let fallback = of("fallback");
    // The fallback is what is shown instead of the rest.
    let shown = if own.is_empty() { fallback } else { own };
    image(value, text(value, "title"), files);
    lines([
        of("pretext").as_str(),
        of("author_name").as_str(),
        shown.as_str(),
        of("footer").as_str(),
    ])
}

fn field(value: &Value) -> String {
    let (title, said) = (plain(text(value, "title")), plain(text(value, "value")));
    match (title.is_empty(), said.is_empty()) {
        (false, false) => format!("{title}: {said}"),
        _ => format!("{title}{said}"),
    }
}

fn blocks(blocks: &[Value], files: &mut Vec<Attached>) -> String {
    let all: Vec<String> = blocks.iter().map(|one| block(one, files)).collect();
    lines(all.iter().map(String::as_str))
}

fn block(value: &Value, files: &mut Vec<Attached>) -> String {
    match text(value, "type") {
        "divider" => "———".to_owned(),
        "image" => {
            image(value, text(value, "alt_text"), files);
            value.get("title").map(text_object).unwrap_or_default()
        }
        "context" => {
            let part = |element: &Value| match text(element, "type") {
                "image" => text(element, "alt_text").to_owned(),
                _ => text_object(element),
            };
            let parts: Vec<String> = list(value, "elements").iter().map(part).collect();
            parts.join(" ").trim().to_owned()
        }
        "rich_text" => rich(value, MAX_DEPTH).trim_end().to_owned(),
        // Header, section, and whatever else has a text.
        _ => {
            let own = value.get("text").map(text_object).unwrap_or_default();
            let fields: Vec<String> = list(value, "fields").iter().map(text_object).collect();
            if let Some(accessory) = value.get("accessory") {
                image(accessory, text(accessory, "alt_text"), files);
            }
            lines(std::iter::once(own.as_str()).chain(fields.iter().map(String::as_str)))
        }
    }
}

/// A text object of Block Kit; only `mrkdwn` has markup.
fn text_object(value: &Value) -> String {
    let said = value.as_str().unwrap_or_else(|| text(value, "text")).trim();
    match text(value, "type") {
        "plain_text" => unescape(said),
        _ => plain(said),
    }
}

/// What Slack's own editor makes.
fn rich(value: &Value, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else { return String::new() };
    let inner = || list(value, "elements").iter().map(|one| rich(one, depth)).collect::<String>();
    match text(value, "type") {
        "link" => {
            let (label, url) = (text(value, "text"), text(value, "url"));
            if label.is_empty() || label == url {
                url.to_owned()
            } else {
                format!("{label} ({url})")
            }
        }
        "user" => format!("@{}", text(value, "user_id")),
        "usergroup" => format!("@{}", text(value, "usergroup_id")),
        "channel" => format!("#{}", text(value, "channel_id")),
        "broadcast" => format!("@{}", text(value, "range")),
        "emoji" => format!(":{}:", text(value, "name")),
        "rich_text_list" => list(value, "elements")
            .iter()
            .map(|one| format!("- {}\n", rich(one, depth).trim_end()))
            .collect(),
        "rich_text_section" | "rich_text_quote" | "rich_text_preformatted" => inner() + "\n",
        "rich_text" => inner(),
        _ => text(value, "text").to_owned(),
    }
}

fn image(value: &Value, name: &str, files: &mut Vec<Attached>) {
    let url = first([text(value, "image_url"), text(value, "slack_file.url")]);
    if !url.is_empty() {
        let name = Some(name).filter(|name| name.contains('.')).map(str::to_owned);
        files.push(Attached::Url { name, url: url.to_owned() });
    }
}
