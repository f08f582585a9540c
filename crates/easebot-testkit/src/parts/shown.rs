//! What a message holds, for people who compare.

use easebot_model::Body;

/// A body in one or more lines of text: a text as it is, everything else as `<kind: what names it>`.
#[must_use]
pub fn shown(body: &Body) -> String {
    match body {
        Body::Text(text) => text.text.clone(),
        Body::Combine(combine) => format!("<combine: {}>", combine.title),
        Body::Custom(custom) => format!("<custom: {}>", custom.event),
        Body::Location(location) => format!("<location: {}>", location.address),
        other => {
            let name = other
                .attachment()
                .and_then(|attachment| attachment.name.clone())
                .unwrap_or_default();
            format!("<{}: {name}>", other.kind().as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use easebot_model::{Attachment, File};

    use super::*;

    #[test]
    fn what_is_no_text_is_named() {
        assert_eq!(shown(&Body::text("hi")), "hi");
        let attachment = Attachment { name: Some("a.txt".to_owned()), ..Attachment::default() };
        assert_eq!(shown(&Body::File(Box::new(File { attachment }))), "<file: a.txt>");
    }
}
