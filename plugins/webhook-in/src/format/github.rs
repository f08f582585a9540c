//! What GitHub sends, and Gitea and Forgejo in its manner. Source: GitHub's "Webhook events and payloads".

use easebot_plugin::HookRequest;
use serde_json::Value;

use super::{
    Post, at, first,
    forge::{MAX_COMMENT, branch, commits, n_commits},
    lines, list, short, text,
};
use crate::refusal::Refusal;

/// The headers of a forge that sends what GitHub does.
pub(super) struct Headers {
    event: &'static str,
    delivery: &'static str,
}

pub(super) const GITHUB: Headers =
    Headers { event: "x-github-event", delivery: "x-github-delivery" };
pub(super) const GITEA: Headers = Headers { event: "x-gitea-event", delivery: "x-gitea-delivery" };

pub(super) fn read(request: &HookRequest, body: Value, headers: &Headers) -> Result<Post, Refusal> {
    if !body.is_object() {
        return Err(Refusal::unreadable("the body", "it is no JSON object"));
    }
    let event = request.header(headers.event).filter(|event| !event.is_empty());
    let event = event.ok_or_else(|| Refusal::unreadable("a header is missing", headers.event))?;
    let id = request.header(headers.delivery).filter(|id| !id.is_empty());
    let said = said(event, &body);
    Ok(Post::new(body, said).with_id(id))
}

fn said(event: &str, body: &Value) -> String {
    let who = first([
        text(body, "sender.login"),
        text(body, "pusher.login"),
        text(body, "pusher.name"),
        text(body, "sender.username"),
    ]);
    let place = first([
        text(body, "repository.full_name"),
        text(body, "organization.login"),
        text(body, "enterprise.slug"),
    ]);
    let place = if place.is_empty() { String::new() } else { format!("[{place}] ") };
    let action = text(body, "action").replace('_', " ");
    let told = match event {
        "ping" => Some(lines(["the webhook is set up", text(body, "zen")])),
        "push" => Some(push(who, body)),
        "issues" => Some(titled(who, &action, "issue", body.get("issue"))),
        "pull_request" => Some(pull_request(who, &action, body)),
        "issue_comment" => Some(comment(who, &action, body)),
        "release" => Some(release(who, &action, body)),
        "workflow_run" => workflow_run(&action, body),
        _ => None,
    };
    let told = told.unwrap_or_else(|| {
        let event = event.replace('_', " ");
        lines([format!("{who} {event} {action}").trim(), ""])
    });
    format!("{place}{told}")
}

fn push(who: &str, body: &Value) -> String {
    let reference = text(body, "ref");
    let kind = if reference.starts_with("refs/tags/") { "tag" } else { "branch" };
    let name = branch(reference);
    let is = |key: &str| at(body, key).and_then(Value::as_bool).unwrap_or_default();
    let all = list(body, "commits");
    let head = if is("deleted") {
        return format!("{who} deleted the {kind} {name}");
    } else if is("created") && all.is_empty() {
        format!("{who} created the {kind} {name}")
    } else if is("forced") {
        format!("{who} force-pushed {} to {name}", n_commits(all.len()))
    } else {
        format!("{who} pushed {} to {name}", n_commits(all.len()))
    };
    let url = first([text(body, "compare"), text(body, "compare_url")]);
    lines([head.as_str(), commits(body).as_str(), url])
}

/// `#5 title` and its address.
fn titled(who: &str, action: &str, what: &str, value: Option<&Value>) -> String {
    let value = value.unwrap_or(&Value::Null);
    let head = format!("{who} {action} {what} {}{}", number(value), text(value, "title"));
    lines([head.as_str(), text(value, "html_url")])
}

fn number(value: &Value) -> String {
    match value.get("number").and_then(Value::as_u64) {
        Some(number) => format!("#{number} "),
        None => String::new(),
    }
}

fn pull_request(who: &str, action: &str, body: &Value) -> String {
    let is_merged = at(body, "pull_request.merged").and_then(Value::as_bool).unwrap_or_default();
    let action = match action {
        "closed" if is_merged => "merged",
        "synchronize" | "synchronized" => "updated",
        other => other,
    };
    titled(who, action, "pull request", body.get("pull_request"))
}

fn comment(who: &str, action: &str, body: &Value) -> String {
    let issue = body.get("issue").unwrap_or(&Value::Null);
    let action = match action {
        "created" => "commented",
        other => &format!("{other} a comment"),
    };
    let head = format!("{who} {action} on {}{}", number(issue), text(issue, "title"));
    let said = short(text(body, "comment.body"), MAX_COMMENT);
    lines([head.as_str(), said.as_str(), text(body, "comment.html_url")])
}

fn release(who: &str, action: &str, body: &Value) -> String {
    let (tag, name) = (text(body, "release.tag_name"), text(body, "release.name"));
    let name = if name.is_empty() || name == tag { String::new() } else { format!(": {name}") };
    let head = format!("{who} {action} release {tag}{name}");
    lines([head.as_str(), text(body, "release.html_url")])
}

/// What became of a run. None while it is under way: that is said in short.
fn workflow_run(action: &str, body: &Value) -> Option<String> {
    let run = body.get("workflow_run").filter(|_| action == "completed")?;
    let name = first([text(run, "name"), text(body, "workflow.name")]);
    let number = run.get("run_number").and_then(Value::as_u64).unwrap_or_default();
    let conclusion = text(run, "conclusion").replace('_', " ");
    let head =
        format!("workflow {name} on {}: {conclusion} (run {number})", text(run, "head_branch"));
    Some(lines([head.as_str(), text(run, "html_url")]))
}
