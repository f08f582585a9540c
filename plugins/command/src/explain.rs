//! What a command would do, for the operator.

use easebot_plugin::{Explanation, Values};

use crate::{entry::Entry, plugin::Command};

impl Command {
    pub(crate) fn explain_acts(
        &self,
        entry: &Entry,
        explained: Explanation,
        values: &Values,
    ) -> Explanation {
        let mut explained = explained;
        if entry.http.is_some() {
            explained = explained.depends_on("the server that it calls answers");
        }
        let text = |name: &str| {
            let text = entry.http.is_none().then(|| self.templates.render(name, values).ok());
            text.flatten().map(|text| text.trim().to_owned())
        };
        if entry.recall.is_some() {
            explained = explained.says("(takes a message back)");
        }
        if entry.replies {
            let reply =
                text(&entry.name).unwrap_or_else(|| "(a text with what comes back)".to_owned());
            if !reply.is_empty() {
                explained = explained.says(reply);
            }
        }
        for path in entry.image.iter().chain(&entry.file) {
            explained = explained.says(format!("({})", path.display()));
        }
        if let Some(to) = &entry.forward {
            let said = text(&entry.forward_name())
                .unwrap_or_else(|| "(a text with what comes back)".to_owned());
            explained = explained.says(format!("(in {to}) {said}"));
        }
        explained
    }
}
