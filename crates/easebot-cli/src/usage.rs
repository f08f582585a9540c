//! `easebot completions` and `easebot man`: what follows from the command line's own description.

use std::{io::Write, process::ExitCode};

use crate::{Program, args::CompletionsArgs};
use anyhow::Context;

pub(crate) fn completions(program: &Program, args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut program.command(), program.name(), &mut text);
    print(&text)
}

/// A page for the program, with all commands in it.
pub(crate) fn manual(program: &Program) -> anyhow::Result<ExitCode> {
    let mut command = program.command();
    // What belongs to all commands is told of each.
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).context("cannot write the page")?;
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let man = clap_mangen::Man::new(command.clone());
        let heading = format!("{} {}", program.name(), command.get_name()).to_uppercase();
        writeln!(page, ".SH \"{heading}\"")?;
        man.render_description_section(&mut page).context("cannot write the page")?;
        man.render_options_section(&mut page).context("cannot write the page")?;
    }
    print(&page)
}

fn print(text: &[u8]) -> anyhow::Result<ExitCode> {
    // Whoever read us may have gone away; then there is nobody left to tell.
    drop(std::io::stdout().lock().write_all(text));
    Ok(ExitCode::SUCCESS)
}
