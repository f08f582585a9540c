//! `easebot init`, and what it writes, followed as a newcomer does.

use crate::easebot::{assert_outcome, easebot};

#[tokio::test]
async fn the_file_to_start_with_is_right_and_its_tests_hold() {
    let empty = tempfile::tempdir().unwrap();
    assert_outcome(
        &easebot(&empty, "init").outcome().await,
        "
exit 0
--- stderr
./bots.toml written, and ./bots.schema.json for editors
easebot dev    to talk to the bot
easebot test   to see that it answers as it shall
",
    );
    let schema = std::fs::read_to_string(empty.path().join("bots.schema.json")).unwrap();
    assert!(schema.starts_with("{"), "{schema}");
    assert_outcome(
        &easebot(&empty, "check").outcome().await,
        "
exit 0
--- stderr
bots.toml is right: 1 bot with 2 plugins
secrets were not read; `easebot check --secrets` does that
",
    );
    assert_outcome(
        &easebot(&empty, "test").outcome().await,
        "
exit 0
--- stdout
ok    a command is answered
ok    everybody is greeted by name, in groups as well
ok    what is meant for others is left alone
3 tests passed
",
    );
}

#[tokio::test]
async fn nothing_is_written_over() {
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("bots.toml"), "mine").unwrap();
    assert_outcome(
        &easebot(&empty, "init").outcome().await,
        "
exit 2
--- stderr
error: `./bots.toml` is there already
  = hint: `easebot init DIR` writes into another folder
",
    );
    assert_eq!(std::fs::read_to_string(empty.path().join("bots.toml")).unwrap(), "mine");
    assert!(!empty.path().join("bots.schema.json").exists());
    assert!(easebot(&empty, "init a/b").outcome().await.starts_with("exit 0\n"));
    assert!(empty.path().join("a/b/bots.toml").exists());
}

#[tokio::test]
async fn shells_and_manuals_get_what_the_command_line_says_of_itself() {
    let empty = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let outcome = easebot(&empty, &format!("completions {shell}")).outcome().await;
        assert!(outcome.starts_with("exit 0\n--- stdout\n"), "{outcome}");
        assert!(outcome.contains("explain"), "{shell}");
    }
    let outcome = easebot(&empty, "man").outcome().await;
    assert!(outcome.contains(".TH easebot 1"), "{outcome}");
    assert!(outcome.contains(".SH \"EASEBOT EXPLAIN\""), "{outcome}");
}
