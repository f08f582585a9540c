//! What the binary says about itself.

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

#[tokio::test]
async fn help_names_every_command_and_the_exit_codes() {
    let empty = tempfile::tempdir().unwrap();
    assert_outcome(
        &easebot(&empty, "--help").outcome().await,
        "
exit 0
--- stdout
Bots for Easemob IM (环信) and Agora Chat.

Without a command it does what `easebot dev` does.

Usage: easebot [OPTIONS] [COMMAND]

Commands:
  archive      List, show, search and export what plugins of the kind `archive` have kept
  check        Check a configuration and start nothing
  completions  Print what completes the commands in a shell
  dev          Talk to your bots: emulator, bots and a prompt in one process, no account needed
  emulator     Run the emulator alone: Easemob's REST and WebSocket on this machine, in memory
  explain      Tell which plugin would take a text, and why the others would not
  hooks        See what webhooks could not post, and post it again or drop it
  inbox        See events that were not handled, and try them again or drop them
  init         Write a file to start with; it asks nothing and writes over nothing
  man          Print the manual page
  outbox       See what was not sent, and try it again or drop it
  plugins      List the plugin kinds that a configuration can name
  reference    Print every key of a configuration with its meaning, as Markdown
  run          Run the bots of a configuration
  schema       Print the JSON Schema of a configuration, for editors
  send         Send one message as a bot, and print the id that the server gave it
  test         Hold the tests of a configuration: conversations that have to go as they are written
  help         Print this message or the help of the given subcommand(s)

Options:
  -v, --verbose...
          Say more: -v what happens, -vv everything

      --log <FILTER>
          Which lines are logged, such as `warn,easebot_client=debug`; without it as in
          `EASEBOT_LOG`

      --log-format <FORMAT>
          How lines stand on stderr: `text`, for people, or `json`, an object a line

  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Data goes to stdout, speech to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
",
    );
}

#[tokio::test]
async fn a_slip_in_a_command_is_wrong_usage_with_the_nearest_one() {
    let empty = tempfile::tempdir().unwrap();
    assert_outcome(
        &easebot(&empty, "runn").outcome().await,
        "
exit 2
--- stderr
error: unrecognized subcommand 'runn'

  tip: a similar subcommand exists: 'run'

Usage: easebot [OPTIONS] [COMMAND]

For more information, try '--help'.
",
    );
}

#[tokio::test]
async fn plugins_lists_the_kinds_one_a_line() {
    let empty = tempfile::tempdir().unwrap();
    let outcome = easebot(&empty, "plugins").outcome().await;
    let kinds: Vec<&str> = outcome
        .strip_prefix("exit 0\n--- stdout\n")
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.split_once("  ").map(|(kind, _)| kind.trim_end()))
        .collect();
    assert_eq!(
        kinds,
        ["archive", "auto-reply", "bridge", "command", "schedule", "webhook-in", "webhook-out"],
        "{outcome}"
    );
}

#[tokio::test]
async fn a_log_filter_that_is_none_is_named_and_left_out() {
    let sample = folder(SAMPLE);
    let outcome = easebot(&sample, "check").env("EASEBOT_LOG", "a=b=c").outcome().await;
    let said = "--- stderr\nnotice: `EASEBOT_LOG` is no filter and is left out: ";
    assert!(outcome.starts_with(&format!("exit 0\n{said}")), "{outcome}");
}
