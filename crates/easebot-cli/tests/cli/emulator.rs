//! `easebot emulator`: what its flags make is there before the first connection.

use easebot_client::{Account, Credentials, Endpoint, Network, Tls};
use easebot_it::Person;
use easebot_model::{Act, Conversation, Outgoing};

use crate::easebot::{Running, assert_outcome, easebot};

/// Where it listens.
async fn address(emulator: &mut Running) -> String {
    emulator.prints("\n").await;
    let line = emulator.printed();
    line.trim_end().strip_prefix("listening on http://").expect("an address").to_owned()
}

fn account(address: &str, user: &str) -> Account {
    let endpoint = Endpoint::hosts(&format!("http://{address}"), &format!("ws://{address}"));
    Account {
        app_key: "first#app".parse().expect("an app key"),
        user: user.into(),
        credentials: Credentials::Password("pw:1".into()),
        endpoint: endpoint.expect("an address"),
        network: Network::new(Tls::new(None)),
    }
}

#[tokio::test]
async fn users_groups_rooms_and_apps_are_there_before_the_first_connection() {
    let empty = tempfile::tempdir().unwrap();
    let flags = "emulator --listen 127.0.0.1:0 --app-key first#app --app-key second#app \
                 --user Ann:pw:1 --user bob:pw:1 --group team=ann,bob --room lounge=ann --page-size 0";
    let mut emulator = easebot(&empty, flags).start();
    let address = address(&mut emulator).await;
    let mut ann = Person::log_in(account(&address, "ann")).await;
    let mut bob = Person::log_in(account(&address, "bob")).await;

    ann.say("group:team", "to the group").await;
    assert_eq!(bob.hears_text().await, "to the group");

    let room = Conversation::room("lounge");
    for person in [&mut ann, &mut bob] {
        let act = Act::JoinRoom { ext: String::new(), leave_others: false };
        person.send(&Outgoing { to: room.clone(), act }).await;
    }
    ann.say("room:lounge", "to the room").await;
    assert_eq!(bob.hears_text().await, "to the room");

    // The second app is another world: it has no users yet.
    let second = format!(
        "[[bot]]\nname = 'x'\napp_key = 'second#app'\nuser = 'ann'\npassword = {{ env = 'PW' }}\nendpoint = {{ rest = 'http://{address}', websocket = 'ws://{address}' }}\n"
    );
    std::fs::write(empty.path().join("bots.toml"), second).unwrap();
    assert_outcome(
        &easebot(&empty, "run").env("PW", "pw:1").outcome().await,
        "
exit 1
--- stderr
error: bot `x`: cannot log in: the server does not know this user
no bot is left
",
    );

    emulator.signal("TERM").await;
    assert_outcome(
        &emulator.outcome().await,
        &format!("exit 0\n--- stdout\nlistening on http://{address}\n"),
    );
}

#[tokio::test]
async fn an_address_that_is_taken_is_a_failure_with_a_way_out() {
    let empty = tempfile::tempdir().unwrap();
    let mut first = easebot(&empty, "emulator --listen 127.0.0.1:0").start();
    let address = address(&mut first).await;
    let second = easebot(&empty, &format!("emulator --listen {address}")).outcome().await;
    assert_outcome(
        &second.replace(&address, "ADDRESS"),
        "
exit 1
--- stderr
error: cannot start the emulator: cannot listen on ADDRESS: Address already in use (os error 98)
  = hint: `--listen 127.0.0.1:0` takes any free port
",
    );
}

#[tokio::test]
async fn what_cannot_be_made_is_wrong_usage() {
    let empty = tempfile::tempdir().unwrap();
    let table = [
        (
            "--user ann",
            "invalid value 'ann' for '--user <NAME:PASSWORD>': a user is written NAME:PASSWORD",
        ),
        (
            "--app-key demo",
            "invalid value 'demo' for '--app-key <ORG#APP>': an app key has the form ORG#APP with one `#`, this has 0",
        ),
        (
            "--room lounge",
            "invalid value 'lounge' for '--room <ID=OWNER>': a chat room is written ID=OWNER",
        ),
        (
            "--group team=",
            "invalid value 'team=' for '--group <ID=OWNER,MEMBER…>': a user name has 1 to 64 characters of a-z, 0-9, `_`, `-` and `.`",
        ),
        (
            "--user ann:1 --user ann:2",
            "cannot start the emulator: user ann is in the options twice",
        ),
    ];
    for (flags, error) in table {
        let call = easebot(&empty, &format!("emulator --listen 127.0.0.1:0 {flags}"));
        let outcome = call.outcome().await;
        assert!(outcome.starts_with(&format!("exit 2\n--- stderr\nerror: {error}\n")), "{outcome}");
    }
}
