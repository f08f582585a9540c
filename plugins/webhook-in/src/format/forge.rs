//! What the forges have in common.

use serde_json::Value;

use super::{first, lines, list, short, text};

/// How many commits of a push are shown one by one.
const MAX_COMMITS: usize = 5;

/// How many characters of a comment are shown.
pub(super) const MAX_COMMENT: usize = 300;

/// `refs/heads/main` as `main`.
pub(super) fn branch(reference: &str) -> &str {
    let bare = reference.strip_prefix("refs/heads/");
    bare.or_else(|| reference.strip_prefix("refs/tags/")).unwrap_or(reference)
}

/// `1 commit`, `2 commits`.
pub(super) fn n_commits(n: usize) -> String {
    if n == 1 { "1 commit".to_owned() } else { format!("{n} commits") }
}

/// The first lines of the commits of a push, the newest last.
pub(super) fn commits(body: &Value) -> String {
    let all = list(body, "commits");
    let shown: Vec<String> = all
        .iter()
        .take(MAX_COMMITS)
        .map(|commit| {
            let id: String = text(commit, "id").chars().take(7).collect();
            let title = text(commit, "message").lines().next().unwrap_or_default();
            let author = first([text(commit, "author.username"), text(commit, "author.name")]);
            let author = if author.is_empty() { String::new() } else { format!(" ({author})") };
            format!("- {id} {}{author}", short(title, 100))
        })
        .collect();
    let n_more = all.len().saturating_sub(MAX_COMMITS);
    let more = if n_more > 0 { format!("- … and {n_more} more") } else { String::new() };
    lines(shown.iter().map(String::as_str).chain([more.as_str()]))
}
