use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use easebot_model::{
    Body, Conversation, Event, Image, Message, MessageId, Text, Timestamp, UserId,
};
use easebot_plugin::{BotInfo, Flow, Plugin, PluginError, testing::Bench};
use serde::Deserialize;

use super::*;
use crate::{Handlers, Trouble, filter};

#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
enum Order {
    #[default]
    Nothing,
    Pizza,
    Size {
        pizza: String,
    },
}

impl Steps for Order {
    const NAME: &str = "order";
}

async fn begin(order: Dialogue<Order>) -> Result<&'static str, PluginError> {
    order.next(Order::Pizza)?;
    Ok("which?")
}

async fn pizza(order: Dialogue<Order>, text: Text) -> Result<&'static str, PluginError> {
    order.next(Order::Size { pizza: text.text })?;
    Ok("how large?")
}

async fn size(order: Dialogue<Order>, text: Text) -> Result<String, PluginError> {
    let Order::Size { pizza } = order.state() else {
        return Err(PluginError::permanent("asked at another step"));
    };
    order.end();
    Ok(format!("{pizza}, {}", text.text))
}

fn pizzeria_with(dialogues: Dialogues<Order>) -> impl Plugin {
    Handlers::new("pizzeria")
        .dialogue(dialogues)
        .on(filter::equals("/order"), begin)
        .on(at!(Order::Pizza), pizza)
        .on(at!(Order::Size { .. }), size)
        .on(filter::texts(), |order: Dialogue<Order>| async move {
            format!("no order: {:?}, {}", order.state(), order.is_open())
        })
        .build()
        .unwrap()
}

fn pizzeria() -> impl Plugin {
    pizzeria_with(Dialogues::new())
}

/// What the plugin says to each text of bob, who is alone with the bot.
async fn talk(bench: &Bench, plugin: &dyn Plugin, lines: &[(&str, &[&str])]) {
    for (said, answers) in lines {
        let answer = bench.text(plugin, "bob", said).await.unwrap();
        assert_eq!(answer.texts(), *answers, "{said}");
    }
}

fn body(body: Body) -> Event {
    let bob = Conversation::user("bob");
    Event::Message(Box::new(Message::new(MessageId(1), bob, "bob".into(), Timestamp(1), body)))
}

#[tokio::test]
async fn steps_follow_one_another_and_the_end_is_the_beginning() {
    let lines: &[(&str, &[&str])] = &[
        ("hi", &["no order: Nothing, false"]),
        ("/order", &["which?"]),
        ("Funghi", &["how large?"]),
        ("large", &["Funghi, large"]),
        ("hi", &["no order: Nothing, false"]),
    ];
    talk(&Bench::new(), &pizzeria(), lines).await;
}

#[tokio::test]
async fn each_user_is_in_a_dialogue_of_its_own_in_each_conversation() {
    let (bench, plugin) = (Bench::new(), pizzeria());
    let group = Conversation::group("team");
    let in_group = async |who: &str, text: &str| {
        let answer = bench.text_in(&plugin, group.clone(), who, text).await.unwrap();
        answer.texts().join("|")
    };
    assert_eq!(in_group("alice", "/order").await, "which?");
    assert_eq!(in_group("bob", "hi").await, "no order: Nothing, false");
    assert_eq!(in_group("bob", "/order").await, "which?");
    assert_eq!(in_group("alice", "Funghi").await, "how large?");
    assert_eq!(in_group("bob", "Marinara").await, "how large?");
    talk(&bench, &plugin, &[("hi", &["no order: Nothing, false"])]).await;
    assert_eq!(in_group("bob", "small").await, "Marinara, small");
    assert_eq!(in_group("alice", "/cancel").await, "that is cancelled");
    assert_eq!(in_group("alice", "large").await, "no order: Nothing, false");
}

#[tokio::test]
async fn names_with_slashes_are_kept_apart() {
    let (bench, plugin) = (Bench::new(), pizzeria());
    let (one, other) = (Conversation::group("a/b"), Conversation::group("a"));
    bench.text_in(&plugin, one, "c", "/order").await.unwrap();
    let answer = bench.text_in(&plugin, other, "b/c", "hi").await.unwrap();
    assert_eq!(answer.texts(), ["no order: Nothing, false"]);
}

#[tokio::test]
async fn a_handler_that_fails_leaves_the_dialogue_where_it_was() {
    let plugin = Handlers::new("p")
        .on(at!(Order::Nothing), begin)
        .on(at!(Order::Pizza), |order: Dialogue<Order>, text: Text| async move {
            order.next(Order::Size { pizza: text.text.clone() })?;
            if text.text == "fail" { Err(PluginError::new("no oven")) } else { Ok("baked") }
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    bench.text(&plugin, "bob", "go").await.unwrap();
    bench.text(&plugin, "bob", "fail").await.unwrap_err();
    talk(&bench, &plugin, &[("Funghi", &["baked"])]).await;
}

#[tokio::test]
async fn a_dialogue_in_which_nothing_goes_on_is_over() {
    let minute = Dialogues::new().timeout(Duration::from_secs(60)).timed_out("too late");
    let (bench, plugin) = (Bench::new(), pizzeria_with(minute));
    let at = async |ms: u64, line: (&str, &[&str])| {
        bench.set_now(Timestamp(ms));
        talk(&bench, &plugin, &[line]).await;
    };
    at(0, ("/order", &["which?"])).await;
    at(59_999, ("Funghi", &["how large?"])).await;
    at(119_998, ("large", &["Funghi, large"])).await;
    at(200_000, ("/order", &["which?"])).await;
    at(260_000, ("Funghi", &["too late", "no order: Nothing, false"])).await;
    at(260_001, ("Funghi", &["no order: Nothing, false"])).await;
    at(300_000, ("/order", &["which?"])).await;
    at(400_000, ("/cancel", &["too late", "no order: Nothing, false"])).await;
}

#[tokio::test]
async fn a_dialogue_may_last_for_ever() {
    let (bench, plugin) = (Bench::new(), pizzeria_with(Dialogues::new().timeout(Duration::MAX)));
    talk(&bench, &plugin, &[("/order", &["which?"])]).await;
    bench.set_now(Timestamp(u64::MAX));
    talk(&bench, &plugin, &[("Funghi", &["how large?"])]).await;
}

/// The keys of what is saved, after a round of `plugin`'s work besides events.
async fn swept(bench: &Bench, plugin: &dyn Plugin) -> Vec<String> {
    let env = bench.env(plugin).unwrap();
    let round = tokio::time::timeout(Duration::from_secs(1), plugin.run(&env)).await;
    round.expect_err("it goes on");
    let saved = env.shelf::<Value>().list("", None, 10).await.unwrap();
    saved.into_iter().map(|(key, _)| key).collect()
}

const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

#[tokio::test(start_paused = true)]
async fn a_dialogue_to_which_nobody_comes_back_is_forgotten_a_week_after_its_end() {
    let minute = || Dialogues::new().timeout(Duration::from_secs(60));
    let (bench, plugin) = (Bench::new(), pizzeria_with(minute()));
    let begin = async |who: &str| bench.text(&plugin, who, "/order").await.unwrap();
    begin("a/b").await;
    bench.set_now(Timestamp(1));
    begin("bob").await;
    let [ab, bob] = ["dialogue/order/user:a%2Fb/a%2Fb", "dialogue/order/user:bob/bob"];
    let env = bench.env(&plugin).unwrap();
    env.shelf().save("dialogue/order/x", &0).await.unwrap();
    env.shelf().save("dialogue/other/x", &0).await.unwrap();
    let others = ["dialogue/order/x", "dialogue/other/x"];
    bench.set_now(Timestamp(WEEK_MS + 59_999));
    assert_eq!(swept(&bench, &plugin).await, [ab, bob, others[0], others[1]]);
    bench.set_now(Timestamp(WEEK_MS + 60_000));
    assert_eq!(swept(&bench, &plugin).await, [bob, others[0], others[1]]);
    let for_ever = pizzeria_with(minute().timeout(Duration::MAX));
    bench.set_now(Timestamp(u64::MAX));
    assert_eq!(swept(&bench, &for_ever).await, [bob, others[0], others[1]]);
    assert_eq!(swept(&bench, &plugin).await, others);
}

#[tokio::test(start_paused = true)]
async fn a_dialogue_to_which_somebody_comes_back_is_not_forgotten_behind_their_back() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let inside = Arc::clone(&gate);
    let plugin = Handlers::new("p")
        .on(filter::any(), move |order: Dialogue<Order>| {
            let gate = Arc::clone(&inside);
            async move {
                order.next(Order::Pizza)?;
                gate.acquire().await?.forget();
                Ok::<_, PluginError>(order.is_open().to_string())
            }
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    gate.add_permits(1);
    talk(&bench, &plugin, &[("hi", &["false"])]).await;
    bench.set_now(Timestamp(2 * WEEK_MS));
    let key = ["dialogue/order/user:bob/bob"];
    let sweep = async {
        assert_eq!(swept(&bench, &plugin).await, key, "it is being written to");
        gate.add_permits(1);
    };
    // In this order: the handler is at the gate when the sweep begins.
    tokio::join!(biased; talk(&bench, &plugin, &[("hi", &["false"])]), sweep);
    assert_eq!(swept(&bench, &plugin).await, key);
    gate.add_permits(1);
    talk(&bench, &plugin, &[("hi", &["true"])]).await;
}

#[tokio::test]
async fn a_cancel_word_ends_it_and_is_a_text_as_any_other_elsewhere() {
    let (bench, plugin) = (Bench::new(), pizzeria());
    let lines: &[(&str, &[&str])] = &[
        ("/cancel", &["no order: Nothing, false"]),
        ("/order", &["which?"]),
        (" /Cancel", &["that is cancelled"]),
        ("/order", &["which?"]),
        ("取消", &["that is cancelled"]),
        ("取消", &["no order: Nothing, false"]),
    ];
    talk(&bench, &plugin, lines).await;
    let own = Dialogues::new().cancel_words(["Stop it"]).cancelled("as you like");
    let plugin = pizzeria_with(own);
    let lines: &[(&str, &[&str])] = &[
        ("/order", &["which?"]),
        ("/cancel", &["how large?"]),
        ("stop it", &["as you like"]),
        ("hi", &["no order: Nothing, false"]),
    ];
    talk(&bench, &plugin, lines).await;
}

#[tokio::test]
async fn a_dialogue_that_waits_for_an_image_is_cancelled_by_a_text() {
    let plugin = Handlers::new("p")
        .on(filter::in_users(), |order: Dialogue<Order>, _: Image| async move {
            order.next(Order::Pizza)?;
            Ok::<_, PluginError>(order.is_open().to_string())
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    let send = async |event: Event| {
        let answer = bench.event(&plugin, &event).await.unwrap();
        (answer.texts().join("|"), answer.flow)
    };
    let image = || body(Body::Image(Box::default()));
    assert_eq!(send(image()).await, ("false".to_owned(), Flow::Stop));
    assert_eq!(send(image()).await, ("true".to_owned(), Flow::Stop));
    assert_eq!(send(body("hi".into())).await, (String::new(), Flow::Continue));
    assert_eq!(send(body("/cancel".into())).await, ("that is cancelled".to_owned(), Flow::Stop));
    assert_eq!(send(image()).await, ("false".to_owned(), Flow::Stop));
}

#[tokio::test]
async fn filters_of_a_dialogue_compose() {
    let plugin = Handlers::new("p")
        .on(filter::equals("/order"), begin)
        .on(filter::equals("end"), |order: Dialogue<Order>| async move { order.end() })
        .on(at!(Order::Pizza) & filter::contains("x"), || async { "and" })
        .on(at!(Order::Pizza) | filter::contains("y"), || async { "or" })
        .on(!(at!(Order::Pizza) | filter::contains("z")), || async { "neither" })
        .on(filter::in_dialogue::<Order>(), || async { "never: it is at its only step" })
        .on(filter::any(), || async { "rest" })
        .build()
        .unwrap();
    let lines: &[(&str, &[&str])] = &[
        ("x", &["neither"]),
        ("y", &["or"]),
        ("z", &["rest"]),
        ("/order", &["which?"]),
        ("x", &["and"]),
        ("y", &["or"]),
        ("z", &["or"]),
        ("end", &[]),
        ("z", &["rest"]),
    ];
    talk(&Bench::new(), &plugin, lines).await;
}

/// [`Order`] as a later program has it.
#[derive(Debug, Default, Deserialize, Serialize)]
enum Order2 {
    #[default]
    Nothing,
    Dish,
    Size {
        dish: String,
        guests: u8,
    },
}

impl Steps for Order2 {
    const NAME: &str = "order";
    const VERSION: u32 = 2;

    fn migrate(version: u32, saved: Value) -> Option<Self> {
        if version != 1 {
            return None;
        }
        match serde_json::from_value(saved).ok()? {
            Order::Nothing => Some(Self::Nothing),
            Order::Pizza => Some(Self::Dish),
            Order::Size { pizza } if pizza == "off the card" => None,
            Order::Size { pizza } => Some(Self::Size { dish: pizza, guests: 1 }),
        }
    }
}

fn restaurant() -> impl Plugin {
    Handlers::new("pizzeria")
        .dialogue(Dialogues::<Order2>::new().lost("where were we?"))
        .on(filter::any(), |order: Dialogue<Order2>| async move {
            format!("{:?}, {}", order.state(), order.is_open())
        })
        .build()
        .unwrap()
}

/// What is logged while it is there.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn taken(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

#[tokio::test]
async fn a_dialogue_goes_on_in_a_changed_enum() {
    let bench = Bench::new();
    let (old, new) = (pizzeria(), restaurant());
    talk(&bench, &old, &[("/order", &["which?"])]).await;
    talk(&bench, &new, &[("hi", &["Dish, true"])]).await;
    talk(&bench, &old, &[("Funghi", &["how large?"])]).await;
    talk(&bench, &new, &[("hi", &["Size { dish: \"Funghi\", guests: 1 }, true"])]).await;
}

#[tokio::test]
async fn what_is_not_readable_begins_anew_and_is_reported_without_what_is_in_it() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let bench = Bench::new();
    let (old, new) = (pizzeria(), restaurant());
    let lines: &[(&str, &[&str])] = &[("/order", &["which?"]), ("off the card", &["how large?"])];
    talk(&bench, &old, lines).await;
    assert_eq!(log.taken(), "");

    let lost: &[&str] = &["where were we?", "Nothing, false"];
    talk(&bench, &new, &[("hi", lost), ("hi", &["Nothing, false"])]).await;
    let told = log.taken();
    assert_eq!(told.matches("WARN").count(), 1, "{told}");
    for part in ["bot=concierge", "plugin=\"pizzeria\"", "dialogue=\"order\"", "version=1"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(!told.contains("off the card"), "{told}");

    // Changed without a new version, a later version without a way back, and no dialogue at all.
    let key = "dialogue/order/user:bob/bob";
    for saved in [
        r#"{"version":2,"at":0,"step":{"Size":"secret"}}"#,
        r#"{"version":3,"at":0,"step":"Nothing"}"#,
        r#""secret""#,
    ] {
        let env = bench.env(&new).unwrap();
        let value: Value = serde_json::from_str(saved).unwrap();
        env.shelf().save(key, &value).await.unwrap();
        talk(&bench, &new, &[("hi", lost)]).await;
        let told = log.taken();
        assert!(told.contains("begins anew") && !told.contains("secret"), "{told}");
    }
}

#[derive(Default, serde::Deserialize, Serialize)]
struct Other;

impl Steps for Other {
    const NAME: &str = "order";
}

#[test]
fn two_dialogues_of_one_name_are_refused() {
    let error = Handlers::new("p")
        .on(at!(Order::Pizza), |_: Dialogue<Other>| async {})
        .build()
        .unwrap_err();
    assert_eq!(error.troubles, [Trouble::DialogueTwice { name: "order" }]);
    let error = Handlers::new("p")
        .dialogue(Dialogues::<Order>::new())
        .dialogue(Dialogues::<Order>::new())
        .on(filter::any(), begin)
        .build()
        .unwrap_err();
    assert_eq!(error.troubles, [Trouble::DialogueTwice { name: "order" }]);
}

#[test]
fn an_explanation_says_that_the_step_counts() {
    let bot = BotInfo {
        name: "c".to_owned(),
        user: UserId::new("c"),
        app_key: "easebot#demo".parse().unwrap(),
    };
    let explanation = pizzeria().explain(&body("hi".into()), &bot);
    let reason = &explanation.rules[1].reason;
    assert_eq!(reason, "its parameters and filter agree, if the dialogue is at its step");
}
