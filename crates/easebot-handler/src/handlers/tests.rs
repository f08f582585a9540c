use std::sync::atomic::{AtomicUsize, Ordering};

use easebot_model::{Body, Conversation, Image, Message, MessageId, Recalled, Text, Timestamp};
use easebot_plugin::testing::Bench;

use super::*;
use crate::{Sender, State, filter};

async fn greet(Sender(user): Sender) -> String {
    format!("hi {user}")
}

fn event(body: Body) -> Event {
    let message =
        Message::new(MessageId(1), Conversation::user("bob"), "bob".into(), Timestamp(1), body);
    Event::Message(Box::new(message))
}

#[tokio::test]
async fn the_first_handler_that_can_be_asked_takes_the_event() {
    let plugin = Handlers::new("p")
        .on(filter::any(), |_: Image| async { "an image" })
        .on(filter::equals("hi"), greet)
        .on(filter::any(), |text: Text, cx: Context| async move { cx.reply(text.text).await })
        .build()
        .unwrap();
    let bench = Bench::new();
    let texts = async |event: Event| {
        let answer = bench.event(&plugin, &event).await.unwrap();
        (answer.texts().into_iter().map(str::to_owned).collect::<Vec<_>>(), answer.flow)
    };
    assert_eq!(texts(event("hi".into())).await, (vec!["hi bob".to_owned()], Flow::Stop));
    assert_eq!(texts(event("ho".into())).await.0, ["ho"]);
    assert_eq!(texts(event(Body::Image(Box::default()))).await.0, ["an image"]);
    let cmd = event(Body::Cmd { action: "x".to_owned() });
    assert_eq!(texts(cmd).await, (vec![], Flow::Continue));
}

#[tokio::test]
async fn a_handler_can_leave_the_event_to_the_next_one() {
    let plugin = Handlers::new("p")
        .on(filter::any(), || async { Flow::Continue })
        .on(filter::any(), || async { None::<String> })
        .on(filter::any(), |sender: Option<Sender>, recalled: Option<Recalled>| async move {
            format!("{} {}", sender.is_some(), recalled.is_some())
        })
        .build()
        .unwrap();
    let answer = Bench::new().text(&plugin, "bob", "hi").await.unwrap();
    assert_eq!(answer.texts(), ["true false"]);
}

#[tokio::test]
async fn states_are_shared_by_type() {
    let counter = Arc::new(AtomicUsize::new(0));
    let plugin = Handlers::new("p")
        .shared_state(Arc::clone(&counter))
        .state("x".to_owned())
        .on(filter::any(), |n: State<AtomicUsize>, mark: State<String>| async move {
            format!("{}{}", *mark, n.fetch_add(1, Ordering::Relaxed))
        })
        .build()
        .unwrap();
    let bench = Bench::new();
    assert_eq!(bench.text(&plugin, "bob", "a").await.unwrap().texts(), ["x0"]);
    assert_eq!(bench.text(&plugin, "bob", "b").await.unwrap().texts(), ["x1"]);
    assert_eq!(counter.load(Ordering::Relaxed), 2);
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    async fn needs_two(_: State<u8>, _: State<u16>) {}
    async fn text_and_image(_: Text, _: Image) {}
    let error = Handlers::new("p")
        .state(1_u8)
        .state(2_u8)
        .on(filter::any(), needs_two)
        .on(filter::in_users() & filter::in_groups() & filter::texts(), greet)
        .on(filter::any(), text_and_image)
        .on(filter::any(), |_: Option<State<u32>>| async {})
        .build()
        .unwrap_err();
    let told = error.to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 6, "{told}");
    assert_eq!(lines[0], "the plugin `p` cannot be built:");
    assert_eq!(lines[1], "  - two states are of the type `u8`: wrap one in a type of its own");
    assert!(lines[2].contains("needs_two` at ") && lines[2].contains("`State<u16>`"), "{told}");
    assert!(lines[3].contains("greet` at ") && lines[3].contains("never asked"), "{told}");
    assert!(lines[4].contains("text_and_image` at ") && lines[4].contains(file!()), "{told}");
    assert!(lines[5].contains("`State<u32>`"), "{told}");
    assert_eq!(Handlers::new("p").build().unwrap_err().troubles, [Trouble::Empty]);
}

#[tokio::test]
async fn errors_and_panics_name_the_handler() {
    async fn fails() -> Result<(), PluginError> {
        Err(PluginError::permanent("no luck"))
    }
    async fn breaks(text: Text) {
        assert_ne!(text.text, "break", "as told");
    }
    let plugin = Handlers::new("p")
        .on(filter::equals("fail"), fails)
        .on(filter::any(), breaks)
        .build()
        .unwrap();
    let bench = Bench::new();
    let error = bench.text(&plugin, "bob", "fail").await.unwrap_err();
    assert!(error.is_permanent());
    let told = error.chain();
    assert!(told.contains("fails` at ") && told.ends_with(": no luck"), "{told}");
    let told = bench.text(&plugin, "bob", "break").await.unwrap_err().chain();
    assert!(told.contains("breaks` at ") && told.ends_with("panicked"), "{told}");
    assert!(!told.contains("as told"), "a panic may hold what was said");
}

#[test]
fn what_would_be_asked_is_explained() {
    let plugin = Handlers::new("p")
        .on(filter::any(), |_: Image| async {})
        .on(filter::equals("hi"), greet)
        .on(filter::any(), |_: Text| async {})
        .build()
        .unwrap();
    let bot = BotInfo {
        name: "c".to_owned(),
        user: "c".into(),
        app_key: "easebot#demo".parse().unwrap(),
    };
    let explanation = plugin.explain(&event("ho".into()), &bot);
    assert_eq!(explanation.verdict, Verdict::Asked);
    let reasons: Vec<&str> = explanation.rules.iter().map(|rule| rule.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "it does not want text messages",
            "its filter does not agree",
            "its parameters and filter agree"
        ]
    );
}
