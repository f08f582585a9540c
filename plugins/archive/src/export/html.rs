//! A page that needs no network and runs no script.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::source::Sources;
use crate::{About, Entry, ExportError, FileEntry, FileState, show_time};

/// Nothing is fetched and nothing runs, whatever stands in a message.
const BEGIN: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file: data:; media-src 'self' file: data:; style-src 'unsafe-inline'">
<title>Archive</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50em; margin: 1em auto; padding: 0 1em; color: #222; background: #fff; }
article { border: 1px solid #ddd; border-radius: 6px; padding: .5em .8em; margin: .6em 0; background: #fafafa; }
article article { background: #fff; }
header { font-size: .9em; color: #666; }
header b { color: #222; }
p { margin: .3em 0; white-space: pre-wrap; overflow-wrap: anywhere; }
img, video { max-width: 100%; max-height: 30em; display: block; }
.note { font-size: .9em; color: #a33; }
.recalled > p { text-decoration: line-through; }
</style>
</head>
<body>
"#;

pub(super) fn begin(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(BEGIN.as_bytes())
}

pub(super) fn end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"</body>\n</html>\n")
}

pub(super) fn head(out: &mut dyn Write, about: &About) -> io::Result<()> {
    let (bot, user, app_key) = (safe(&about.bot), safe(&about.user), safe(&about.app_key));
    writeln!(out, "<h1><bdi>{bot}</bdi></h1>\n<p>{user} of {app_key}. All times are UTC.</p>")
}

pub(super) fn message(
    out: &mut dyn Write,
    entry: &Entry,
    sources: &mut Sources<'_>,
    level: u32,
) -> Result<(), ExportError> {
    let class = if entry.recalled.is_some() { " class=\"recalled\"" } else { "" };
    let time = show_time(entry.time_ms);
    write!(out, "<article{class}>\n<header><b><bdi>{}</bdi></b> ", safe(&entry.from))?;
    if level == 0 {
        write!(out, "in <bdi>{}</bdi> ", safe(&entry.conversation))?;
    }
    writeln!(out, "<time datetime=\"{}Z\">{time}</time></header>", time.replace(' ', "T"))?;
    if let Some(recall) = &entry.recalled {
        let time = show_time(recall.time_ms);
        writeln!(
            out,
            "<div class=\"note\">recalled by <bdi>{}</bdi>, {time}</div>",
            safe(&recall.by)
        )?;
    }
    if !entry.text.is_empty() {
        writeln!(out, "<p dir=\"auto\">{}</p>", safe(&entry.text))?;
    } else if entry.files.is_empty() {
        writeln!(out, "<div class=\"note\">{}</div>", safe(&entry.kind))?;
    }
    for entry in &entry.files {
        file(out, entry, sources)?;
    }
    if !entry.versions.is_empty() {
        writeln!(out, "<details><summary>before it was edited</summary>")?;
        for version in &entry.versions {
            let (until, by) = (show_time(version.until_ms), safe(&version.by));
            writeln!(out, "<div class=\"note\">until {until}, edited by <bdi>{by}</bdi></div>")?;
            writeln!(out, "<p dir=\"auto\">{}</p>", safe(&version.text))?;
        }
        writeln!(out, "</details>")?;
    }
    if !entry.messages.is_empty() {
        let n_messages = entry.messages.len();
        let plural = if n_messages == 1 { "" } else { "s" };
        writeln!(out, "<details open><summary>{n_messages} message{plural}</summary>")?;
        for inside in &entry.messages {
            message(out, inside, sources, level + 1)?;
        }
        writeln!(out, "</details>")?;
    }
    writeln!(out, "</article>")?;
    Ok(())
}

fn file(
    out: &mut dyn Write,
    entry: &FileEntry,
    sources: &mut Sources<'_>,
) -> Result<(), ExportError> {
    let source = sources.take(entry)?;
    let media_type = entry.media_type.as_deref().unwrap_or_default();
    let name = safe(entry.name.as_deref().unwrap_or("file"));
    if let Some(source) = source {
        let (before, behind) = match media_type.split('/').next() {
            Some("image") => ("<img alt=\"", "\">"),
            Some("video") => ("<video controls title=\"", "\"></video>"),
            // No browser plays it.
            Some("audio") if media_type != "audio/amr" => {
                ("<audio controls title=\"", "\"></audio>")
            }
            _ => ("<a download=\"", "\">"),
        };
        let is_link = before.starts_with("<a ");
        let address = if is_link { "href" } else { "src" };
        write!(out, "{before}{name}\" {address}=\"")?;
        source.write(out)?;
        write!(out, "{behind}")?;
        if is_link {
            write!(out, "<bdi>{name}</bdi></a> ({} bytes)<br>", entry.n_bytes.unwrap_or_default())?;
        }
        writeln!(out)?;
    }
    let state = match entry.state {
        FileState::Here => "",
        FileState::Lost => "lost: ",
        FileState::Waiting => "not fetched yet ",
    };
    if let Some(reason) = entry.reason.as_deref().or((!state.is_empty()).then_some("")) {
        writeln!(out, "<div class=\"note\">{state}{}</div>", safe(reason))?;
    }
    Ok(())
}

/// A text as it can stand between tags and in an attribute.
pub(super) fn safe(text: &str) -> Cow<'_, str> {
    let is_harmless =
        |c: char| !matches!(c, '&' | '<' | '>' | '"' | '\'') && (!c.is_control() || c == '\n');
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}
