//! `easebot init`: a file to start with. It asks nothing and never writes over anything.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, bail};

use crate::{
    Program,
    args::InitArgs,
    plugins::schema_of,
    speech::{self, Complaint},
};

/// The file that a newcomer starts with: it can be tried, tested and run as it is.
const STARTER: &str = include_str!("init/bots.toml");

const BOTS: &str = "bots.toml";
const SCHEMA: &str = "bots.schema.json";

pub(crate) fn init(program: &Program, args: &InitArgs) -> anyhow::Result<ExitCode> {
    let folder = &args.folder;
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let name = program.name();
    write_new(&folder.join(BOTS), &starter(name))?;
    // An older one is of an older version, and only helps an editor.
    let schema = format!("{}\n", schema_of(program));
    let schema_file = folder.join(SCHEMA);
    if !schema_file.exists() {
        write_new(&schema_file, &schema)?;
    }
    let shown = |name| folder.join(name).display().to_string();
    speech::say(format_args!("{} written, and {} for editors", shown(BOTS), shown(SCHEMA)));
    let config =
        if folder == Path::new(".") { String::new() } else { format!(" --config {}", shown(BOTS)) };
    speech::say(format_args!(
        "{name} dev{config}    to talk to the bot\n{name} test{config}   to see that it answers as it shall"
    ));
    Ok(ExitCode::SUCCESS)
}

/// The file to start with for users of the program `name`.
fn starter(name: &str) -> String {
    STARTER
        .replace("#   easebot ", &format!("#   {name} "))
        .replace("`easebot ", &format!("`{name} "))
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let shown = path.display();
    match File::create_new(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{shown}`"))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                Complaint::wrong_usage(format!("`{shown}` is there already"))
                    .hint("`easebot init DIR` writes into another folder")
            )
        }
        Err(error) => Err(error).with_context(|| format!("cannot write `{shown}`")),
    }
}
