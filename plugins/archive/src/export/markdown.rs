//! Markdown (CommonMark): messages of combined ones are quotes in quotes.

use std::io::{self, Write};

use super::source::{Source, Sources};
use crate::{About, Entry, ExportError, FileEntry, FileState, show_time};

pub(super) fn head(out: &mut dyn Write, about: &About) -> io::Result<()> {
    let (bot, user, app_key) = (safe(&about.bot), safe(&about.user), safe(&about.app_key));
    writeln!(out, "# {bot}\n\n{user} of {app_key}. All times are UTC.\n")
}

pub(super) fn message(
    out: &mut dyn Write,
    entry: &Entry,
    sources: &mut Sources<'_>,
    level: usize,
) -> Result<(), ExportError> {
    let quote = "> ".repeat(level);
    let (from, time) = (safe(&entry.from), show_time(entry.time_ms));
    let place = match level {
        0 => format!(" in {}", safe(&entry.conversation)),
        _ => String::new(),
    };
    writeln!(out, "{quote}**{from}**{place}, {time}")?;
    if let Some(recall) = &entry.recalled {
        writeln!(out, "{quote}(recalled by {}, {})", safe(&recall.by), show_time(recall.time_ms))?;
    }
    blank(out, &quote)?;
    if !entry.text.is_empty() {
        text(out, &quote, &entry.text)?;
    } else if entry.files.is_empty() {
        writeln!(out, "{quote}({})", safe(&entry.kind))?;
        blank(out, &quote)?;
    }
    for entry in &entry.files {
        file(out, &quote, entry, sources)?;
    }
    for version in &entry.versions {
        writeln!(
            out,
            "{quote}Until {}, edited by {}:",
            show_time(version.until_ms),
            safe(&version.by)
        )?;
        blank(out, &quote)?;
        text(out, &quote, &version.text)?;
    }
    for inside in &entry.messages {
        message(out, inside, sources, level + 1)?;
    }
    if level == 0 {
        writeln!(out, "---\n")?;
    }
    Ok(())
}

fn blank(out: &mut dyn Write, quote: &str) -> io::Result<()> {
    writeln!(out, "{}", quote.trim_end())
}

fn text(out: &mut dyn Write, quote: &str, text: &str) -> io::Result<()> {
    let mut lines = text.trim_end().lines().peekable();
    while let Some(line) = lines.next() {
        // A backslash at the end keeps the break, which an empty line does by itself.
        let is_kept =
            !line.trim().is_empty() && lines.peek().is_some_and(|next| !next.trim().is_empty());
        writeln!(out, "{quote}{}{}", safe(line), if is_kept { "\\" } else { "" })?;
    }
    blank(out, quote)
}

fn file(
    out: &mut dyn Write,
    quote: &str,
    entry: &FileEntry,
    sources: &mut Sources<'_>,
) -> Result<(), ExportError> {
    let name = safe(entry.name.as_deref().unwrap_or("file"));
    let is_image = entry.media_type.as_deref().is_some_and(|of| of.starts_with("image/"));
    let mark = if is_image { "!" } else { "" };
    match (sources.take(entry)?, &entry.sha256) {
        (Some(Source::Link(address)), _) => writeln!(out, "{quote}{mark}[{name}]({address})")?,
        (_, Some(hash)) => writeln!(out, "{quote}{name} (sha256 {hash})")?,
        _ => {}
    }
    let reason = entry.reason.as_deref().map(safe).unwrap_or_default();
    match entry.state {
        FileState::Here if reason.is_empty() => {}
        FileState::Here => writeln!(out, "{quote}({reason})")?,
        FileState::Lost => writeln!(out, "{quote}(lost: {reason})")?,
        FileState::Waiting => writeln!(out, "{quote}(not fetched yet {reason})")?,
    }
    if entry.sha256.is_some() || entry.state != FileState::Here || !reason.is_empty() {
        blank(out, quote)?;
    }
    Ok(())
}

/// One line as plain text: nothing in it is a mark, a tag or an entity.
fn safe(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 8);
    let body = line.trim_start();
    // Four blanks would make code of it.
    safe.extend(line.chars().take(line.chars().count() - body.chars().count()).map(|_| '\u{a0}'));
    let n_digits = body.bytes().take_while(u8::is_ascii_digit).count();
    for (at, c) in body.char_indices() {
        let is_list = (at == 0 && matches!(c, '+' | '-' | '=' | ':'))
            || (at == n_digits && at > 0 && matches!(c, '.' | ')'));
        let is_mark = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '!' | '#' | '$'
        );
        if is_list || is_mark {
            safe.push('\\');
        }
        safe.push(if c.is_control() { ' ' } else { c });
    }
    safe
}
