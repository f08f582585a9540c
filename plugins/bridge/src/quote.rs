//! A quote of a message whose copy is not known.

use easebot_model::Quote;

/// How much is shown of the quoted message.
const MAX_PREVIEW_CHARS: usize = 60;

/// How much is shown of who wrote it.
const MAX_SENDER_CHARS: usize = 64;

/// `quote` as a line of text.
pub(crate) fn line(quote: &Quote) -> String {
    let preview: Vec<&str> = quote.preview.split_whitespace().collect();
    let preview = preview.join(" ");
    let cut: String = preview.chars().take(MAX_PREVIEW_CHARS).collect();
    let dots = if cut.len() < preview.len() { "…" } else { "" };
    let sender = quote.sender.chars().filter(|c| !c.is_control());
    let sender: String = sender.take(MAX_SENDER_CHARS).collect();
    match sender.as_str() {
        "" => format!("> {cut}{dots}"),
        sender => format!("> {sender}: {cut}{dots}"),
    }
}

#[cfg(test)]
mod tests {
    use easebot_model::MessageId;

    use super::*;

    #[test]
    fn a_quote_is_one_line_that_is_not_too_long() {
        let quote = |preview: &str, sender: &str| Quote {
            message: MessageId(1),
            preview: preview.to_owned(),
            sender: sender.to_owned(),
            kind: "txt".to_owned(),
        };
        assert_eq!(line(&quote("hi\nyou", "bob")), "> bob: hi you");
        assert_eq!(line(&quote("hi", "b\nob")), "> bob: hi");
        assert_eq!(line(&quote(&"图".repeat(100), "")), format!("> {}…", "图".repeat(60)));
    }
}
