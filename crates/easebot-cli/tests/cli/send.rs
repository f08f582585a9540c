//! `easebot send`: one message from a script.

use easebot_it::Stage;

use crate::easebot::{assert_outcome, easebot, folder};

/// A bot of the stage, and one whose password is wrong.
fn bots(stage: &Stage) -> tempfile::TempDir {
    let (rest, websocket) = (stage.rest_url(), stage.websocket_url());
    let bot = |name: &str, password: &str| {
        format!(
            "[[bot]]\nname = '{name}'\napp_key = 'easebot#demo'\nuser = '{name}'\npassword = '{password}'\n\
             endpoint = {{ rest = '{rest}', websocket = '{websocket}' }}\n"
        )
    };
    folder(&format!("{}{}", bot("bot", "open sesame"), bot("carol", "wrong")))
}

#[tokio::test]
async fn a_message_reaches_its_receiver_and_its_id_is_printed() {
    let stage = Stage::set().await;
    let mut bob = stage.person("bob").await;
    let bots = bots(&stage);
    let outcome = easebot(&bots, "send --to user:bob --ext n=5 --text").word("hello from a script");
    let outcome = outcome.outcome().await;
    let message = bob.hears().await;
    assert_eq!(message.text(), "hello from a script");
    assert_eq!(message.ext.get("n"), Some(&5_i64.into()));
    assert_eq!(outcome, format!("exit 0\n--- stdout\n{}\n", message.id));

    std::fs::write(bots.path().join("note.txt"), "a note").unwrap();
    let outcome = easebot(&bots, "send --to group:team --file note.txt").outcome().await;
    let message = bob.hears().await;
    assert_eq!(message.body.attachment().unwrap().name.as_deref(), Some("note.txt"));
    assert_eq!(outcome, format!("exit 0\n--- stdout\n{}\n", message.id));
}

#[tokio::test]
async fn what_the_server_refuses_fails_and_what_makes_no_sense_is_wrong_usage() {
    let stage = Stage::set().await;
    let bots = bots(&stage);
    let refused = easebot(&bots, "send --to group:nowhere --text hi").outcome().await;
    assert!(refused.starts_with("exit 1\n--- stderr\nerror: it was not sent: "), "{refused}");
    let wrong = easebot(&bots, "send --bot carol --to user:bob --text hi").outcome().await;
    assert!(wrong.starts_with("exit 1\n--- stderr\nerror: bot `carol`: "), "{wrong}");
    assert_outcome(
        &easebot(&bots, "send --to user:bob --image no.png").outcome().await,
        "
exit 2
--- stderr
error: there is no file `no.png`
",
    );
    for words in
        ["send --to user:bob", "send --to bob --text a", "send --to user:b --text a --custom b"]
    {
        let outcome = easebot(&bots, words).outcome().await;
        assert!(outcome.starts_with("exit 2\n"), "{outcome}");
    }
}
