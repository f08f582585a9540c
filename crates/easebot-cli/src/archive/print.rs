//! Messages as lines for people, and as JSON.

use easebot_plugin_archive::{Entry, FileEntry, FileState, Hit, Reader, Summary, show_time};
use serde::Serialize;
use serde_json::{Value, json};

/// Characters of a text that a line shows.
const MOST_CHARS: usize = 60;

/// A heading and a line for each; nothing if there is none.
pub(super) fn list(found: &[(&Reader, Summary)]) -> Vec<String> {
    let head = ["ID", "TIME", "BOT", "CONVERSATION", "FROM", "KIND", "INSIDE", "FILES", "TEXT"];
    let rows = found.iter().map(|(reader, one)| {
        let mut files = one.n_files.to_string();
        for (n, state) in [(one.n_waiting, "to come"), (one.n_lost, "lost")] {
            if n > 0 {
                files.push_str(&format!(", {n} {state}"));
            }
        }
        let mark = if one.is_recalled { "(recalled) " } else { "" };
        let text = one.text.lines().next().unwrap_or_default();
        [
            one.id.to_string(),
            show_time(one.time_ms),
            reader.about().bot.clone(),
            one.conversation.clone(),
            one.from.clone(),
            one.kind.clone(),
            one.n_messages.to_string(),
            files,
            format!("{mark}{}", cut(text)),
        ]
    });
    table(head, rows)
}

/// As [`list`]; the line that holds one of the words as text.
pub(super) fn hits(found: &[(&Reader, Hit)]) -> Vec<String> {
    let head = ["ID", "TIME", "BOT", "CONVERSATION", "FROM", "TEXT"];
    let rows = found.iter().map(|(reader, hit)| {
        [
            hit.id.to_string(),
            show_time(hit.time_ms),
            reader.about().bot.clone(),
            hit.conversation.clone(),
            hit.from.clone(),
            cut(&hit.line),
        ]
    });
    table(head, rows)
}

fn cut(text: &str) -> String {
    let mut cut: String = text.chars().take(MOST_CHARS).collect();
    if text.chars().nth(MOST_CHARS).is_some() {
        cut.push('…');
    }
    cut
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<String> {
    let mut all = vec![head.map(str::to_owned)];
    all.extend(rows);
    if all.len() == 1 {
        return Vec::new();
    }
    let width = |column: usize| {
        all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{:<width$}", plain(cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

/// What came from the network must not move the cursor.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// One message with everything in it.
pub(super) fn show(reader: &Reader, entry: &Entry) -> Vec<String> {
    let bot = &reader.about().bot;
    let mut lines =
        vec![format!("{} in {}, archived by {bot}", entry.id, plain(&entry.conversation))];
    add(&mut lines, reader, entry, "");
    lines
}

fn add(lines: &mut Vec<String>, reader: &Reader, entry: &Entry, indent: &str) {
    let (time, from) = (show_time(entry.time_ms), plain(&entry.from));
    let kind = if entry.kind == "text" { String::new() } else { format!(" [{}]", entry.kind) };
    let mut texts = entry.text.lines();
    let first = plain(texts.next().unwrap_or_default());
    lines.push(format!("{indent}{time} {from}:{kind} {first}").trim_end().to_owned());
    lines.extend(texts.map(|text| format!("{indent}  {}", plain(text))));
    if let Some(recall) = &entry.recalled {
        let (by, time) = (plain(&recall.by), show_time(recall.time_ms));
        lines.push(format!("{indent}  (recalled by {by}, {time})"));
    }
    for version in &entry.versions {
        let (until, by) = (show_time(version.until_ms), plain(&version.by));
        lines.push(format!("{indent}  (until {until}, edited by {by}) {}", plain(&version.text)));
    }
    for entry in &entry.files {
        lines.extend(file(reader, entry).map(|line| format!("{indent}  ({line})")));
    }
    let deeper = format!("{indent}  ");
    for inside in &entry.messages {
        add(lines, reader, inside, &deeper);
    }
}

fn file(reader: &Reader, entry: &FileEntry) -> Option<String> {
    let reason = entry.reason.as_deref();
    match (entry.state, &entry.sha256) {
        (FileState::Here, Some(hash)) => {
            let n_bytes = count(entry.n_bytes.unwrap_or_default(), "byte");
            Some(format!("{n_bytes}: {}", reader.media(hash).display()))
        }
        (FileState::Here, None) => reason.map(plain),
        (FileState::Waiting, _) => Some(match reason {
            Some(reason) => format!("not fetched yet: {}", plain(reason)),
            None => "not fetched yet".to_owned(),
        }),
        _ => Some(format!("lost: {}", plain(reason.unwrap_or_default()))),
    }
}

/// One line, with the name of the bot in front.
pub(super) fn json(reader: &Reader, one: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(one).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.shift_insert(0, "bot".to_owned(), json!(reader.about().bot));
    }
    value
}

/// `1 file`, `2 files`.
pub(super) fn count(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}
