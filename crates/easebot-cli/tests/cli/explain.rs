//! `easebot explain`: which plugin would take a text, and why the others would not.

use crate::easebot::{SAMPLE, assert_outcome, easebot, folder};

#[tokio::test]
async fn the_plugin_that_takes_a_text_is_named_with_its_reason_and_the_others_with_theirs() {
    let sample = folder(SAMPLE);
    let outcome = easebot(&sample, "explain --as user:ann /ping").outcome().await;
    let lines: Vec<_> = outcome.lines().collect();
    assert_eq!(lines[..2], ["exit 0", "--- stdout"], "{outcome}");
    assert!(lines[2].starts_with("command takes it: "), "{outcome}");
    assert!(lines.contains(&"  says: pong"), "{outcome}");
    assert_eq!(lines.last(), Some(&"auto-reply does not see it: command keeps it"), "{outcome}");

    let outcome = easebot(&sample, "explain --as ann --in group:ops").word("你好").outcome().await;
    let lines: Vec<_> = outcome.lines().collect();
    assert!(lines[2].starts_with("command leaves it: "), "{outcome}");
    assert!(lines[3].starts_with("auto-reply takes it: "), "{outcome}");
    assert!(lines.contains(&"  says: 你好, ann!"), "{outcome}");
}

#[tokio::test]
async fn a_bot_that_is_not_there_and_a_place_that_is_none_are_wrong_usage() {
    let sample = folder(SAMPLE);
    assert_outcome(
        &easebot(&sample, "explain --bot conciergo hi").outcome().await,
        "
exit 2
--- stderr
error: there is no bot `conciergo`; did you mean `concierge`?
",
    );
    let outcome = easebot(&sample, "explain --in user:bob hi").outcome().await;
    assert!(outcome.starts_with("exit 2\n"), "{outcome}");
    assert!(outcome.contains("write `group:ID` or `room:ID`"), "{outcome}");
}
