use std::sync::atomic::{AtomicUsize, Ordering};

use easebot_model::Text;
use easebot_plugin::{Flow, Plugin, testing::Bench};

use super::*;
use crate::{Dialogues, Handlers, filter};

struct Order;

impl Questions for Order {
    const NAME: &str = "order";
}

async fn order(ask: Ask<Order>) -> Result<String, PluginError> {
    ask.say("welcome").await?;
    let pizza = ask.text("which pizza?").await?;
    let number = |text: &str| text.parse::<u8>().map_err(|_| "a number, please");
    let n = ask.until("how many?", number).await?;
    Ok(format!("{n} × {pizza}"))
}

fn pizzeria() -> impl Plugin {
    Handlers::new("pizzeria")
        .on(filter::equals("/order") | filter::asked::<Order>(), order)
        .on(filter::any(), |text: Text| async move { format!("no order: {}", text.text) })
        .build()
        .unwrap()
}

/// What the plugin says to each text of bob.
async fn talk(bench: &Bench, plugin: &dyn Plugin, lines: &[(&str, &[&str])]) {
    for (said, answers) in lines {
        let answer = bench.text(plugin, "bob", said).await.unwrap();
        assert_eq!(answer.texts(), *answers, "{said}");
        assert_eq!(answer.flow, Flow::Stop, "{said}");
    }
}

#[tokio::test]
async fn questions_are_asked_one_after_the_other_and_nothing_is_said_twice() {
    let lines: &[(&str, &[&str])] = &[
        ("hi", &["no order: hi"]),
        ("/order", &["welcome", "which pizza?"]),
        ("/order", &["how many?"]),
        ("two", &["a number, please"]),
        ("many", &["a number, please"]),
        ("2", &["2 × /order"]),
        ("2", &["no order: 2"]),
        ("/order", &["welcome", "which pizza?"]),
        ("Funghi", &["how many?"]),
        ("取消", &["that is cancelled"]),
        ("2", &["no order: 2"]),
    ];
    talk(&Bench::new(), &pizzeria(), lines).await;
}

#[tokio::test]
async fn the_function_is_run_anew_by_another_process() {
    let bench = Bench::new();
    for (said, answers) in [
        ("/order", ["welcome", "which pizza?"].as_slice()),
        ("Funghi", &["how many?"]),
        ("1", &["1 × Funghi"]),
    ] {
        talk(&bench, &pizzeria(), &[(said, answers)]).await;
    }
}

#[tokio::test]
async fn what_is_made_once_is_the_same_in_each_run() {
    let n_made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_made);
    let plugin = Handlers::new("p")
        .on(filter::any(), move |ask: Ask<Order>| {
            let counter = Arc::clone(&counter);
            async move {
                let make = || async {
                    // Something that takes its time.
                    tokio::task::yield_now().await;
                    Ok::<_, PluginError>(counter.fetch_add(1, Ordering::Relaxed) + 100)
                };
                let number: usize = ask.once(make).await?;
                let first = ask.text(format!("first of {number}?")).await?;
                let second = ask.text(format!("second of {number}?")).await?;
                Ok::<_, PluginError>(format!("{number}: {first} {second}"))
            }
        })
        .build()
        .unwrap();
    let lines: &[(&str, &[&str])] = &[
        ("go", &["first of 100?"]),
        ("a", &["second of 100?"]),
        ("b", &["100: a b"]),
        ("go", &["first of 101?"]),
    ];
    talk(&Bench::new(), &plugin, lines).await;
    assert_eq!(n_made.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_run_that_fails_leaves_the_answers_before_it() {
    let plugin = Handlers::new("p")
        .on(filter::any(), |ask: Ask<Order>| async move {
            let first = ask.text("first?").await?;
            let second = ask.text("second?").await?;
            if second == "fail" {
                return Err(PluginError::new("no oven"));
            }
            Ok(format!("{first} {second}"))
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    talk(&bench, &plugin, &[("go", &["first?"]), ("a", &["second?"])]).await;
    bench.text(&plugin, "bob", "fail").await.unwrap_err();
    talk(&bench, &plugin, &[("b", &["a b"])]).await;
}

fn changed<Q: Questions>() -> impl Plugin {
    Handlers::new("pizzeria")
        .dialogue(Dialogues::<Answers<Q>>::new().lost("where were we?"))
        .on(filter::any(), |ask: Ask<Q>| async move {
            ask.say("welcome").await?;
            let pizza = ask.text("which pizza?").await?;
            ask.say("the oven is hot").await?;
            let n = ask.text("how many, again?").await?;
            Ok::<_, PluginError>(format!("{n} of {pizza}"))
        })
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_function_that_asks_other_things_goes_on_where_they_differ() {
    let bench = Bench::new();
    let old: &[(&str, &[&str])] = &[
        ("/order", &["welcome", "which pizza?"]),
        ("Funghi", &["how many?"]),
        ("some", &["a number, please"]),
    ];
    talk(&bench, &pizzeria(), old).await;
    let new: &[(&str, &[&str])] =
        &[("3", &["the oven is hot", "how many, again?"]), ("3", &["3 of Funghi"])];
    talk(&bench, &changed::<Order>(), new).await;
}

struct Order2;

impl Questions for Order2 {
    const NAME: &str = "order";
    const VERSION: u32 = 2;
}

#[tokio::test]
async fn a_function_of_another_version_begins_anew() {
    let bench = Bench::new();
    let old: &[(&str, &[&str])] =
        &[("/order", &["welcome", "which pizza?"]), ("Funghi", &["how many?"])];
    talk(&bench, &pizzeria(), old).await;
    let new: &[(&str, &[&str])] = &[
        ("3", &["where were we?", "welcome", "which pizza?"]),
        ("Marinara", &["the oven is hot", "how many, again?"]),
    ];
    talk(&bench, &changed::<Order2>(), new).await;
}

#[tokio::test]
async fn a_dialogue_without_an_end_is_dropped_at_its_bound() {
    let plugin = Handlers::new("p")
        .on(filter::any(), |ask: Ask<Order>| async move {
            ask.say("welcome").await?;
            loop {
                ask.text("and?").await?;
            }
            #[expect(unreachable_code, reason = "gives the closure its type")]
            Ok::<(), PluginError>(())
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    talk(&bench, &plugin, &[("go", &["welcome", "and?"])]).await;
    for _ in 1..Ask::<Order>::MAX_DONE {
        talk(&bench, &plugin, &[("x", &["and?"])]).await;
    }
    talk(&bench, &plugin, &[("x", &[]), ("x", &["welcome", "and?"])]).await;
}
