//! `easebot check`, and reading a configuration.

use std::{io::ErrorKind, path::Path, process::ExitCode};

use easebot_config::{Config, ReadError};

use crate::{Program, WRONG_CONFIG, args::CheckArgs, speech};

/// The configuration in `path`; if it is wrong, everything has been said.
pub(crate) fn read(program: &Program, path: &Path) -> Result<Config, ExitCode> {
    let config = Config::read(path, program.plugin_kinds()).map_err(|error| {
        match &error {
            ReadError::Invalid(report) => speech::problems(report),
            other => {
                speech::error(easebot_model::chain(other));
                if matches!(other, ReadError::Open { source, .. } if source.kind() == ErrorKind::NotFound)
                {
                    speech::hint(
                        "go to a folder with a `bots.toml`, or name another file with `--config FILE`",
                    );
                }
            }
        }
        ExitCode::from(WRONG_CONFIG)
    })?;
    tell_notices(&config);
    Ok(config)
}

/// The configuration in `path`, whose secrets are there, while an earlier one is in use; if it is wrong, everything has been
/// said.
pub(crate) fn read_again(program: &Program, path: &Path) -> Option<Config> {
    let config = match Config::read(path, program.plugin_kinds()) {
        Ok(config) => config,
        Err(ReadError::Invalid(report)) => {
            speech::problems(report.while_in_use());
            return None;
        }
        Err(other) => {
            speech::error(easebot_model::chain(&other));
            return None;
        }
    };
    tell_notices(&config);
    if let Err(report) = config.check_secrets(&environment) {
        speech::problems(report.while_in_use());
        return None;
    }
    Some(config)
}

fn tell_notices(config: &Config) {
    if let Some(notices) = config.notices() {
        speech::notices(notices);
    }
}

/// Looks for every secret; if one is missing, everything has been said.
pub(crate) fn check_secrets(config: &Config) -> Result<(), ExitCode> {
    config.check_secrets(&environment).map_err(|report| {
        speech::problems(report);
        ExitCode::from(WRONG_CONFIG)
    })
}

/// An environment variable, if it is set to text.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(crate) fn check(program: &Program, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let config = match read(program, &args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if args.secrets
        && let Err(code) = check_secrets(&config)
    {
        return Ok(code);
    }
    let n_plugins: usize = config.bots.iter().map(|bot| bot.plugins.len()).sum();
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    let (n_bots, file) = (config.bots.len(), args.config.display());
    speech::say(format_args!(
        "{file} is right: {n_bots} bot{} with {n_plugins} plugin{}",
        plural(n_bots),
        plural(n_plugins)
    ));
    if !args.secrets {
        let say = "secrets were not read; `easebot check --secrets` does that";
        speech::say(program.in_its_words(say));
    }
    Ok(ExitCode::SUCCESS)
}
