//! What GitLab sends. Source: GitLab's "Webhook events".

use easebot_plugin::HookRequest;
use serde_json::Value;

use super::{
    Post, first,
    forge::{MAX_COMMENT, branch, commits, n_commits},
    lines, list, short, text,
};
use crate::refusal::Refusal;

pub(super) fn read(request: &HookRequest, body: Value) -> Result<Post, Refusal> {
    let kind = first([text(&body, "object_kind"), text(&body, "event_name")]);
    if kind.is_empty() {
        return Err(Refusal::unreadable("the body", "it has no `object_kind`"));
    }
    let said = said(kind, &body);
    // The first stays the same over repetitions, the second came before it.
    let id = ["idempotency-key", "x-gitlab-event-uuid"]
        .iter()
        .find_map(|name| request.header(name).filter(|id| !id.is_empty()));
    Ok(Post::new(body, said).with_id(id))
}

fn said(kind: &str, body: &Value) -> String {
    let who = first([
        text(body, "user.username"),
        text(body, "user_username"),
        text(body, "user.name"),
        text(body, "user_name"),
    ]);
    let place = first([
        text(body, "project.path_with_namespace"),
        text(body, "project.name"),
        text(body, "group.full_path"),
    ]);
    let place = if place.is_empty() { String::new() } else { format!("[{place}] ") };
    let of = |key: &str| text(body, &format!("object_attributes.{key}"));
    let number = || match super::at(body, "object_attributes.iid").and_then(Value::as_u64) {
        Some(number) => number.to_string(),
        None => String::new(),
    };
    let told = match kind {
        "push" | "tag_push" => push(who, body),
        "issue" | "incident" | "work_item" => {
            let head = format!("{who} {} {kind} #{} {}", past(of("action")), number(), of("title"));
            lines([head.as_str(), of("url")])
        }
        "merge_request" => {
            let head =
                format!("{who} {} merge request !{} {}", past(of("action")), number(), of("title"));
            lines([head.as_str(), of("url")])
        }
        "note" => {
            let subject = first([
                text(body, "issue.title"),
                text(body, "merge_request.title"),
                text(body, "snippet.title"),
                text(body, "commit.title"),
            ]);
            let head = format!("{who} commented on {subject}");
            lines([head.as_str(), short(of("note"), MAX_COMMENT).as_str(), of("url")])
        }
        "pipeline" => {
            let head = format!("pipeline on {}: {}", of("ref"), of("status"));
            lines([head.as_str(), of("url")])
        }
        "release" => {
            let head = format!(
                "release {} {}d: {}",
                text(body, "tag"),
                text(body, "action"),
                text(body, "name")
            );
            lines([head.as_str(), text(body, "url")])
        }
        _ => {
            let what = [who, &kind.replace('_', " "), of("action"), of("status")];
            what.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        }
    };
    format!("{place}{told}")
}

fn push(who: &str, body: &Value) -> String {
    const NONE: &str = "0000000000000000000000000000000000000000";
    let reference = text(body, "ref");
    let kind = if reference.starts_with("refs/tags/") { "tag" } else { "branch" };
    let name = branch(reference);
    let n = body.get("total_commits_count").and_then(Value::as_u64);
    let n = n.and_then(|n| usize::try_from(n).ok()).unwrap_or_else(|| list(body, "commits").len());
    let head = if text(body, "after") == NONE {
        return format!("{who} deleted the {kind} {name}");
    } else if text(body, "before") == NONE {
        format!("{who} created the {kind} {name}")
    } else {
        format!("{who} pushed {} to {name}", n_commits(n))
    };
    lines([head.as_str(), commits(body).as_str()])
}

/// GitLab says what to do, a message what was done.
fn past(action: &str) -> &str {
    match action {
        "open" => "opened",
        "close" => "closed",
        "reopen" => "reopened",
        "update" => "updated",
        "merge" => "merged",
        "approved" | "approval" => "approved",
        "unapproved" | "unapproval" => "took back the approval of",
        "" => "changed",
        other => other,
    }
}
