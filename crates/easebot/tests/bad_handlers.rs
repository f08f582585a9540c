//! What handlers can do wrong: the others go on, people are told, and the author learns which handler it was and with what.

#![expect(clippy::panic, reason = "test code")]

use std::{future::pending, time::Duration};

use easebot::{
    Bot, Context, PluginError, filter,
    testkit::{Testbed, account},
};

/// What people are told.
const SORRY: &str = "That did not work.";

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn hangs() {
    pending().await
}

async fn floods(cx: Context) -> Result<(), PluginError> {
    for number in 0..10_000 {
        cx.reply(number.to_string()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn whatever_a_handler_does_the_others_go_on_and_people_and_author_are_told() {
    let bot = Bot::login(account("bot"))
        .on(filter::equals("panic"), panics)
        .on(filter::equals("hang"), hangs)
        .on(filter::equals("flood"), floods)
        .on(filter::equals("ping"), || async { "pong" })
        .on_failure_reply(SORRY);
    let mut spec = bot.spec().unwrap();
    for plugin in &mut spec.plugins {
        plugin.options.timeout = Some(Duration::from_secs(5));
        plugin.options.n_retries = 0;
    }
    let bed = Testbed::of([spec]).await;
    let (ann, ben) = (bed.user("ann").await, bed.user("ben").await);
    let (cat, dan) = (bed.user("cat").await, bed.user("dan").await);
    let begun = bed.now();
    ben.says("hang").await;
    ann.says("panic").await;
    ann.expects(SORRY).await;
    cat.says("flood").await;
    cat.expects(SORRY).await;
    dan.says("ping").await;
    dan.expects("pong").await;
    assert!(bed.now().0 < begun.0 + 5_000, "nobody has waited for ben's handler");
    ben.expects(SORRY).await;
    for person in [ann, ben, cat, dan] {
        person.expects_nothing().await;
    }

    let told = bed.store().dead(None, 10).await.unwrap().into_iter().map(|letter| {
        let place = letter.conversation.map(|place| place.to_string()).unwrap_or_default();
        (place, letter.reason)
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 3, "{told:?}");
    for (person, handler, why) in [
        ("user:ann", "panics", "panicked"),
        ("user:ben", "hangs", "it took longer than 5 s"),
        ("user:cat", "floods", "one handler may send 1000 things for one event"),
    ] {
        let is_it = |(place, reason): &(String, String)| {
            place == person && reason.contains(&format!("::{handler}` at ")) && reason.contains(why)
        };
        assert!(told.iter().any(is_it), "{person}: {told:?}");
    }
}
