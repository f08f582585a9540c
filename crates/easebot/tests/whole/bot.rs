//! Bots as an embedder writes them, on the emulator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use easebot::{
    Bot, Command, Commands, Context, Flow, Plugin, PluginError, RunError, Sender, State, Text,
    client::Credentials,
    filter,
    model::{Event, Secret},
    plugin::Interest,
    runtime::{Runtime, RuntimeOptions},
    store::MemoryStore,
};
use easebot_it::{BOT, GROUP, Stage, within};
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_bot_of_one_closure_answers() {
    let stage = Stage::set().await;
    let bot = Bot::login(stage.account(BOT))
        .on_text(|message, cx| async move { cx.reply(message.text()).await })
        .start()
        .await
        .unwrap();
    within("the bot", bot.online()).await.unwrap();
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "你好").await;
    assert_eq!(alice.hears_text().await, "你好");
    assert_eq!(bot.shutdown(PATIENCE).await.n_unsent(), 0);
}

#[derive(Commands)]
enum Desk {
    /// adds up
    #[command(alias = "sum")]
    Add {
        /// what to add
        numbers: Vec<i64>,
    },
}

#[tokio::test]
async fn commands_are_an_enum() {
    let stage = Stage::set().await;
    let bot = Bot::login(stage.account(BOT))
        .on(filter::any(), |Command(Desk::Add { numbers })| async move {
            numbers.iter().sum::<i64>().to_string()
        })
        .start()
        .await
        .unwrap();
    within("the bot", bot.online()).await.unwrap();
    let mut alice = stage.person("alice").await;
    for (asked, expected) in [
        ("/sum 1 2 39", "42"),
        (
            "/add 1 two",
            "`numbers` is no whole number\n/add 1 two\n       ^^^\nusage: /add [numbers…]",
        ),
        ("/help", "/add [numbers…] – adds up\n/help [command]"),
        ("/ad", "there is no command /ad, did you mean /add?"),
    ] {
        alice.say("user:bot", asked).await;
        assert_eq!(alice.hears_text().await, expected);
    }
    bot.shutdown(PATIENCE).await;
}

/// Counts texts that begin with `+`, and leaves the others to what stands behind it.
struct Counter(AtomicUsize);

#[async_trait::async_trait]
impl Plugin for Counter {
    fn name(&self) -> &str {
        "counter"
    }

    fn interest(&self) -> Interest {
        Interest::texts()
    }

    async fn on_event(&self, event: &Event, cx: &Context) -> Result<Flow, PluginError> {
        let Some(message) = event.as_message().filter(|message| message.text().starts_with('+'))
        else {
            return Ok(Flow::Continue);
        };
        let n = self.0.fetch_add(message.text().len(), Ordering::Relaxed) + message.text().len();
        cx.reply(n.to_string()).await?;
        Ok(Flow::Stop)
    }
}

#[tokio::test]
async fn handlers_and_plugins_stand_where_they_were_added() {
    let stage = Stage::set().await;
    let bot = Bot::login(stage.account(BOT))
        .plugin(Counter(AtomicUsize::new(0)))
        .state("Amt für".to_owned())
        .on(
            filter::in_groups(),
            |office: State<String>, text: Text, Sender(user): Sender| async move {
                format!("{} {}: {user}", *office, text.text)
            },
        )
        .on_text(|_, _| async { "alone" })
        .start()
        .await
        .unwrap();
    within("the bot", bot.online()).await.unwrap();
    let mut alice = stage.person("alice").await;
    alice.say(GROUP, "Kultur").await;
    assert_eq!(alice.hears_text().await, "Amt für Kultur: alice");
    alice.say("user:bot", "+++").await;
    assert_eq!(alice.hears_text().await, "3");
    alice.say("user:bot", "hi").await;
    assert_eq!(alice.hears_text().await, "alone");
    bot.shutdown(PATIENCE).await;
}

#[tokio::test]
async fn what_is_kept_outlives_the_bot() {
    let stage = Stage::set().await;
    let folder = tempfile::tempdir().unwrap();
    let mut alice = stage.person("alice").await;
    for expected in ["1", "2"] {
        let bot = Bot::login(stage.account(BOT))
            .data_dir(folder.path().join("new"))
            .on_text(|_, cx| async move {
                let count = cx.state::<u32>();
                let n = count.load("n").await?.unwrap_or(0) + 1;
                count.save("n", &n)?;
                Ok::<_, PluginError>(n.to_string())
            })
            .start()
            .await
            .unwrap();
        within("the bot", bot.online()).await.unwrap();
        alice.say("user:bot", "count").await;
        assert_eq!(alice.hears_text().await, expected);
        bot.shutdown(PATIENCE).await;
    }
}

#[tokio::test]
async fn a_bot_that_is_refused_says_why() {
    let stage = Stage::set().await;
    let mut account = stage.account(BOT);
    account.credentials = Credentials::Password(Secret::new("guess"));
    let bot = Bot::login(account).on_text(|_, _| async {});
    let error = within("the end", bot.run()).await.unwrap_err();
    assert!(matches!(error, RunError::Ended(_)), "{error:?}");
    let told = format!("{error:?}");
    assert!(told.starts_with("the bot `bot` has ended: "), "{told}");
    assert!(!told.contains("guess"), "{told}");
}

#[tokio::test]
async fn a_bot_whose_handlers_lack_something_does_not_start() {
    let stage = Stage::set().await;
    let error = Bot::login(stage.account(BOT))
        .on(filter::any(), |_: State<u8>| async {})
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, RunError::Build(_)), "{error:?}");
    assert!(error.to_string().contains("State<u8>"), "{error}");
}

#[tokio::test]
async fn a_bot_runs_until_it_is_told_to_stop() {
    let stage = Stage::set().await;
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "stop").await;
    let (stop, stopped) = oneshot::channel::<()>();
    let stop = Arc::new(std::sync::Mutex::new(Some(stop)));
    let bot = Bot::login(stage.account(BOT)).on_text(move |_, _| {
        stop.lock().unwrap().take();
        async { "bye" }
    });
    within("the end", bot.run_until(async { drop(stopped.await) })).await.unwrap();
    assert_eq!(alice.hears_text().await, "bye", "what was said is sent before the end");
}

#[tokio::test]
async fn several_bots_live_in_one_runtime_and_are_sent_through_from_outside() {
    let stage = Stage::set().await;
    let bots = ["bot", "carol"].map(|user| {
        let bot = Bot::login(stage.account(user)).name(format!("the {user}"));
        bot.on_text(move |_, cx: Context| async move { cx.bot().name.clone() }).spec().unwrap()
    });
    let options = RuntimeOptions::new(Arc::new(MemoryStore::new()));
    let runtime = Runtime::start(options, bots.into()).await.unwrap();
    within("both", runtime.handle().settled()).await;
    let mut alice = stage.person("alice").await;
    for user in ["bot", "carol"] {
        alice.say(&format!("user:{user}"), "who?").await;
        assert_eq!(alice.hears_text().await, format!("the {user}"));
    }
    runtime.shutdown(PATIENCE).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_bot_stops_when_the_process_is_told_to() {
    let stage = Stage::set().await;
    let bot = Bot::login(stage.account(BOT)).on_text(|_, _| async {
        let told = std::process::Command::new("kill")
            .args(["-TERM", &std::process::id().to_string()])
            .status();
        if told.is_ok_and(|status| status.success()) { "bye" } else { "not told" }
    });
    let mut alice = stage.person("alice").await;
    alice.say("user:bot", "stop").await;
    within("the end", bot.run_until(easebot::ctrl_c())).await.unwrap();
    assert_eq!(alice.hears_text().await, "bye");
}
