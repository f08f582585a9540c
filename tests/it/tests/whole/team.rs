//! Two bots of one app in one group answer once.

use std::{sync::Arc, time::Duration};

use easebot_emulator::Whose;
use easebot_it::{BOT, Bots, Echo, Person, Stage, configured, within};
use easebot_model::{Act, Conversation, Draft, ExtValue, Outgoing};
use easebot_plugin::Plugin;
use easebot_plugin_archive::{Archive, Filter, Reader};

/// The second bot.
const SECOND: &str = "carol";

/// A group of alice and both bots.
const DUO: &str = "group:duo";

/// A group of alice and the second bot.
const SOLO: &str = "group:solo";

fn echo() -> [Arc<dyn Plugin>; 1] {
    [Arc::new(Echo)]
}

/// Both bots online and known to be in the group of both.
async fn set() -> (Stage, Bots, Person) {
    let stage = Stage::with(|options| {
        let both = vec![BOT.into(), SECOND.into()];
        options.groups.push(("duo".into(), "alice".into(), both));
        options.groups.push(("solo".into(), "alice".into(), vec![SECOND.into()]));
    })
    .await;
    let bots = stage.run([stage.bot(echo()), stage.bot_named(SECOND, echo())]).await;
    let mut alice = stage.person("alice").await;
    // Before it is known who is a member either may answer, but only one does.
    asks(&mut alice, DUO, "first").await;
    within("both bots to hear it", async {
        while [BOT, SECOND].into_iter().any(|bot| bots.activity(bot).n_received == 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    (stage, bots, alice)
}

/// Says `text` and gives who answers it.
async fn asks(alice: &mut Person, to: &str, text: &str) -> String {
    alice.say(to, text).await;
    answered(alice, text).await
}

async fn answered(alice: &mut Person, text: &str) -> String {
    let message = alice.hears().await;
    assert_eq!(message.text(), text);
    message.from.to_string()
}

#[tokio::test]
async fn a_question_in_a_group_of_both_is_answered_by_one() {
    let (_stage, bots, mut alice) = set().await;
    for text in ["one", "two", "three"] {
        assert_eq!(asks(&mut alice, DUO, text).await, BOT);
    }
    assert_eq!(asks(&mut alice, SOLO, "alone here").await, SECOND);
    bots.settled().await;
    let n_sent: u64 = [BOT, SECOND].into_iter().map(|bot| bots.activity(bot).n_sent).sum();
    assert_eq!(n_sent, 5);
    bots.stop().await;
}

#[tokio::test]
async fn while_the_first_is_gone_the_second_answers_and_what_it_answered_is_not_answered_again() {
    let (stage, bots, mut alice) = set().await;
    assert_eq!(stage.control().drop_links(&Whose::User(BOT.into())), 1);
    bots.offline(BOT).await;
    // Whoever is quicker: the second, or the first that is back already.
    asks(&mut alice, DUO, "anybody?").await;
    bots.online(BOT).await;
    assert_eq!(asks(&mut alice, DUO, "and now").await, BOT, "nothing is said twice");
    bots.stop().await;
}

#[tokio::test]
async fn who_is_named_answers() {
    let (_stage, bots, mut alice) = set().await;
    for who in [SECOND, BOT] {
        let names = ExtValue::Json(serde_json::json!([who]));
        let ext = [("em_at_list", names)].into_iter().collect();
        let draft = Draft { ext, ..Draft::new("you there") };
        let to: Conversation = DUO.parse().unwrap();
        alice.send(&Outgoing { to, act: Act::Message(Box::new(draft)) }).await;
        assert_eq!(answered(&mut alice, "you there").await, who);
    }
    assert_eq!(asks(&mut alice, DUO, "last").await, BOT, "nothing is said twice");
    bots.stop().await;
}

#[tokio::test]
async fn the_archive_of_each_bot_has_what_people_and_both_bots_say() {
    let stage = Stage::with(|options| {
        let both = vec![BOT.into(), SECOND.into()];
        options.groups.push(("duo".into(), "alice".into(), both));
    })
    .await;
    let plugins = || -> [Arc<dyn Plugin>; 2] {
        let keys = "messages = 'all'\nconversations = ['groups']";
        [configured::<Archive>(keys), Arc::new(Echo)]
    };
    let bots = stage.run([stage.bot(plugins()), stage.bot_named(SECOND, plugins())]).await;
    let mut alice = stage.person("alice").await;
    let who = asks(&mut alice, DUO, "吃饭了吗").await;
    let kept = |reader: &Reader| -> Vec<String> {
        let list = reader.list(&Filter::default(), 10).unwrap();
        list.into_iter().map(|one| one.from).rev().collect()
    };
    within("both archives", async {
        let mut look = tokio::time::interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            let paths = Reader::find(stage.data()).unwrap();
            let readers: Vec<_> = paths.iter().map(|path| Reader::open(path).unwrap()).collect();
            let is_other = |reader: &&Reader| reader.about().user != who;
            let other = readers.iter().find(is_other).map(kept).unwrap_or_default();
            let own = readers.iter().find(|it| !is_other(it)).map(kept).unwrap_or_default();
            let all = ["alice".to_owned(), who.clone()];
            if own == all && other == all {
                break;
            }
        }
    })
    .await;
    bots.stop().await;
}
