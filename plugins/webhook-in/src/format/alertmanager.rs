//! What Alertmanager's `webhook_configs` send. Source: the Prometheus documentation, `<webhook_config>`, version 4.

use aws_lc_rs::digest;
use serde_json::Value;

use super::{Post, at, first, lines, text};
use crate::refusal::Refusal;

/// How many alerts are shown one by one.
const MAX_SHOWN: usize = 20;

pub(super) fn read(body: Value, hour: u64) -> Result<Post, Refusal> {
    match body.get("version").and_then(Value::as_str) {
        Some("4") => {}
        Some(_) => {
            return Err(Refusal::unreadable("only version 4 is read", "another one came"));
        }
        None => return Err(Refusal::unreadable("the body", "it has no `version` that is a text")),
    }
    let Some(alerts) = body.get("alerts").and_then(Value::as_array) else {
        return Err(Refusal::unreadable("the body", "it has no list of `alerts`"));
    };
    if alerts.is_empty() {
        return Err(Refusal::unreadable("the body", "its list of `alerts` is empty"));
    }
    if !alerts.iter().all(Value::is_object) {
        return Err(Refusal::unreadable("the body", "not each of its `alerts` is an object"));
    }
    let id = id(&body, alerts, hour);
    let said = said(&body, alerts);
    Ok(Post::new(body, said).with_id(Some(id)))
}

/// The same notification has the same id, whichever of several Alertmanagers sends it and however often it is tried. The
/// hour lets a reminder through: the default interval of those is four.
fn id(body: &Value, alerts: &[Value], hour: u64) -> String {
    let mut of_alerts: Vec<String> = alerts
        .iter()
        .map(|alert| {
            // When it began tells a second time from the first; it ends once, so the end tells nothing more.
            ["fingerprint", "status", "startsAt"].map(|key| text(alert, key)).join(" ")
        })
        .collect();
    of_alerts.sort_unstable();
    let whole = format!("{}\n{}\n{hour}", text(body, "groupKey"), of_alerts.join("\n"));
    let hash = digest::digest(&digest::SHA256, whole.as_bytes());
    hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn said(body: &Value, alerts: &[Value]) -> String {
    let of = |status: &str| alerts.iter().filter(|alert| text(alert, "status") == status).count();
    let (n_firing, n_resolved) = (of("firing"), of("resolved"));
    let mut state = Vec::new();
    if n_firing > 0 {
        state.push(format!("FIRING:{n_firing}"));
    }
    if n_resolved > 0 {
        state.push(format!("RESOLVED:{n_resolved}"));
    }
    let labels = body.get("groupLabels").and_then(Value::as_object);
    let group: Vec<&str> =
        labels.into_iter().flat_map(|labels| labels.values()).filter_map(Value::as_str).collect();
    let group = if group.is_empty() {
        text(body, "commonLabels.alertname").to_owned()
    } else {
        group.join(" ")
    };
    let head = format!("[{}] {group}", state.join(" "));
    let shown: Vec<String> = alerts.iter().take(MAX_SHOWN).map(alert).collect();
    let n_hidden = alerts.len().saturating_sub(MAX_SHOWN);
    let n_cut = at(body, "truncatedAlerts").and_then(Value::as_u64).unwrap_or_default();
    let n_more = n_cut.saturating_add(u64::try_from(n_hidden).unwrap_or(u64::MAX));
    let more = if n_more > 0 { format!("… and {n_more} more") } else { String::new() };
    let parts =
        std::iter::once(head.trim()).chain(shown.iter().map(String::as_str)).chain([more.as_str()]);
    lines(parts)
}

fn alert(alert: &Value) -> String {
    let note = |key: &str| at(alert, "annotations").map_or("", |notes| text(notes, key));
    let summary =
        first([note("summary"), note("message"), note("title"), text(alert, "labels.alertname")]);
    let mark = if text(alert, "status") == "resolved" { "✅" } else { "🔥" };
    let labels = alert.get("labels").and_then(Value::as_object);
    let labels: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "alertname")
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
        .collect();
    let head = if labels.is_empty() {
        format!("{mark} {summary}")
    } else {
        format!("{mark} {summary} ({})", labels.join(", "))
    };
    let description = note("description");
    let description = if description == summary { "" } else { description };
    lines([head.as_str(), description, text(alert, "generatorURL")])
}
