//! `easebot archive`: what plugins of the kind `archive` have kept, also while they keep more.

mod args;
mod print;

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use easebot_plugin_archive::{
    ExportError, ExportFormat, Exported, OpenArchiveError, Reader, export, export_into,
};

pub(crate) use self::args::ArchiveArgs;
use self::args::{ArchiveCommand, ExportArgs, Format, ListArgs, SearchArgs, ShowArgs};
use crate::{
    Program,
    args::WhereArgs,
    check,
    speech::{self, Complaint},
};

pub(crate) fn archive(program: &Program, command: &ArchiveCommand) -> anyhow::Result<ExitCode> {
    let place = match command {
        ArchiveCommand::Export(args) => &args.place,
        ArchiveCommand::List(args) => &args.place,
        ArchiveCommand::Search(args) => &args.place,
        ArchiveCommand::Show(args) => &args.place,
    };
    let readers = match open(program, place)? {
        Ok(readers) => readers,
        Err(code) => return Ok(code),
    };
    match command {
        ArchiveCommand::Export(args) => write(&readers, args)?,
        ArchiveCommand::List(args) => list(&readers, args)?,
        ArchiveCommand::Search(args) => search(&readers, args)?,
        ArchiveCommand::Show(args) => show(&readers, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The archives that `place` means; an exit code if everything has been said.
fn open(program: &Program, place: &WhereArgs) -> anyhow::Result<Result<Vec<Reader>, ExitCode>> {
    let data: PathBuf = match &place.data {
        Some(folder) => folder.clone(),
        None => match check::read(program, &place.config) {
            Ok(config) => config.runtime.data_dir.clone(),
            Err(code) => return Ok(Err(code)),
        },
    };
    let found = Reader::find(&data);
    let found =
        found.with_context(|| format!("cannot look for archives in `{}`", data.display()))?;
    let mut readers = Vec::new();
    for path in found {
        readers.push(Reader::open(&path).map_err(complain)?);
    }
    if readers.is_empty() {
        let message = format!("there is no archive below `{}`", data.display());
        let hint = "a bot with a plugin of the kind `archive` makes one when it starts";
        return Err(Complaint::wrong_usage(message).hint(hint).into());
    }
    if let Some(bot) = &place.bot {
        readers.retain(|reader| [&reader.about().bot, &reader.about().user].contains(&bot));
        if readers.is_empty() {
            let message = format!("there is no archive of a bot `{bot}`");
            return Err(Complaint::wrong_usage(message).into());
        }
    }
    Ok(Ok(readers))
}

fn complain(error: OpenArchiveError) -> anyhow::Error {
    let complaint = Complaint::wrong_usage("cannot open the archive");
    let complaint = match &error {
        OpenArchiveError::Older { .. } => complaint.hint("start the bots once with this version"),
        _ => complaint,
    };
    anyhow::Error::new(error).context(complaint)
}

fn list(readers: &[Reader], args: &ListArgs) -> anyhow::Result<()> {
    let filter = args.filter.filter();
    let mut found = Vec::new();
    for reader in readers {
        // One more than is shown tells whether there are more.
        let listed = reader.list(&filter, args.limit.saturating_add(1))?;
        found.extend(listed.into_iter().map(|summary| (reader, summary)));
    }
    found.sort_by_key(|(_, summary)| std::cmp::Reverse(summary.time_ms));
    let has_more = found.len() > args.limit;
    found.truncate(args.limit);
    if args.json {
        found.iter().for_each(|(reader, summary)| speech::data(print::json(reader, summary)));
    } else {
        print::list(&found).iter().for_each(speech::data);
    }
    end(found.len(), has_more);
    Ok(())
}

fn search(readers: &[Reader], args: &SearchArgs) -> anyhow::Result<()> {
    let (filter, words) = (args.filter.filter(), args.words.join(" "));
    let mut found = Vec::new();
    for reader in readers {
        let hits = reader.search(&words, &filter, args.limit.saturating_add(1))?;
        let hits = hits.ok_or_else(|| Complaint::wrong_usage("there is no word to search for"))?;
        found.extend(hits.into_iter().map(|hit| (reader, hit)));
    }
    let has_more = found.len() > args.limit;
    found.truncate(args.limit);
    if args.json {
        found.iter().for_each(|(reader, hit)| speech::data(print::json(reader, hit)));
    } else {
        print::hits(&found).iter().for_each(speech::data);
    }
    end(found.len(), has_more);
    Ok(())
}

fn end(n_found: usize, has_more: bool) {
    if n_found == 0 {
        speech::say("nothing");
    } else if has_more {
        speech::say(
            "there are more: ask for more with `--limit`, or for others with `--since` and `--until`",
        );
    }
}

fn show(readers: &[Reader], args: &ShowArgs) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for reader in readers {
        found.extend(reader.show(args.id)?.map(|entry| (reader, entry)));
    }
    let Some(((reader, entry), others)) = found.split_first() else {
        let message = format!("there is no message {} in the archive", args.id);
        return Err(Complaint::failure(message).hint("`list` and `search` show ids").into());
    };
    if args.json {
        speech::data(print::json(reader, entry));
    } else {
        print::show(reader, entry).iter().for_each(speech::data);
    }
    for (reader, _) in others {
        let bot = &reader.about().bot;
        speech::say(format_args!("the bot `{bot}` has it as well: --bot {bot}"));
    }
    Ok(())
}

fn write(readers: &[Reader], args: &ExportArgs) -> anyhow::Result<()> {
    let format = match args.format {
        Format::Html => ExportFormat::Html,
        Format::Jsonl => ExportFormat::Jsonl,
        Format::Markdown => ExportFormat::Markdown,
    };
    let filter = args.filter.filter();
    let exported = match &args.out {
        Some(folder) => export_into(readers, &filter, format, folder),
        None => {
            let mut out = BufWriter::new(io::stdout().lock());
            let exported = export(readers, &filter, format, &mut out);
            exported.and_then(|exported| Ok(out.flush().map(|()| exported)?))
        }
    };
    match exported {
        Ok(exported) => say_exported(exported, args.out.as_deref(), format),
        // Whoever reads has enough.
        Err(ExportError::Write { source }) if source.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn say_exported(exported: Exported, folder: Option<&Path>, format: ExportFormat) {
    let Exported { n_messages, n_files, n_missing } = exported;
    let mut said = print::count(n_messages, "message");
    if n_files > 0 {
        said.push_str(&format!(", {}", print::count(n_files, "file")));
    }
    if n_missing > 0 {
        said.push_str(&format!(", {} not there", print::count(n_missing, "file")));
    }
    if let Some(folder) = folder {
        said.push_str(&format!(" in {}", folder.join(format.file_name()).display()));
    }
    speech::say(said);
}
