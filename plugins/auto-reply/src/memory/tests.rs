use easebot_model::{Body, MessageId, Resource};
use easebot_plugin::{Context, Flow, Interest, Plugin, testing::Bench};

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn message(to: &str, from: &str, body: impl Into<Body>) -> Message {
    let to = to.parse().unwrap();
    Message::new(MessageId(1), to, from.into(), Timestamp(1), body.into())
}

fn takeover() -> Takeover {
    let agents = [UserId::new("amy")].into();
    Takeover { pause: HOUR, agents, own_devices: true, resume: vec!["#bot".to_owned()] }
}

#[test]
fn agents_take_over_where_others_are_and_the_own_user_everywhere() {
    let step =
        |to, from, text: &str| takeover().step(&message(to, from, text), &"concierge".into());
    assert_eq!(step("group:1", "amy", "I am here"), Some(Step::TakesOver));
    assert_eq!(step("room:1", "amy", "I am here"), Some(Step::TakesOver));
    assert_eq!(step("user:amy", "amy", "hello bot"), None);
    assert_eq!(step("user:bob", "concierge", "this is amy"), Some(Step::TakesOver));
    assert_eq!(step("group:1", "bob", "#bot"), None);
    assert_eq!(step("group:1", "amy", " #bot "), Some(Step::GivesBack));
    assert_eq!(step("user:bob", "concierge", "#bot"), Some(Step::GivesBack));
    let cmd = message("user:bob", "concierge", Body::Cmd { action: "x".to_owned() });
    assert_eq!(takeover().step(&cmd, &"concierge".into()), None);
    let mut script = message("user:bob", "concierge", "the backup is done");
    script.from_resource = Some(Resource::new("easebot_1f"));
    assert_eq!(takeover().step(&script, &"concierge".into()), None, "no person wrote it");
    let agents_only = Takeover { own_devices: false, ..takeover() };
    let own = message("user:bob", "concierge", "this is amy");
    assert_eq!(agents_only.step(&own, &"concierge".into()), None);
}

#[test]
fn times_end_to_the_millisecond_and_what_ended_is_forgotten() {
    let (since, second) = (Timestamp(10_000), Duration::from_secs(1));
    let mut memory = Memory { person: Some(since), answered: [("a".to_owned(), since)].into() };
    for (now, holds) in [(9_000, true), (10_000, true), (10_999, true), (11_000, false)] {
        assert_eq!(memory.is_paused(Timestamp(now), second), holds, "{now}");
        assert_eq!(memory.is_cooling("a", Timestamp(now), second), holds, "{now}");
    }
    assert!(!memory.is_cooling("b", Timestamp(10_000), second));
    memory.forget(Timestamp(10_999), second);
    assert!(!memory.is_empty());
    memory.forget(Timestamp(11_000), second);
    assert!(memory.is_empty());
}

#[test]
fn nothing_is_written_that_is_not_there() {
    assert_eq!(serde_json::to_string(&Memory::default()).unwrap(), "{}");
    assert_eq!(serde_json::from_str::<Memory>("{}").unwrap(), Memory::default());
}

/// A plugin to whom the shelf belongs.
struct Owner;

#[async_trait::async_trait]
impl Plugin for Owner {
    fn name(&self) -> &str {
        "owner"
    }

    fn interest(&self) -> Interest {
        Interest::none()
    }

    async fn on_event(
        &self,
        _event: &easebot_model::Event,
        _cx: &Context,
    ) -> Result<Flow, PluginError> {
        Ok(Flow::Continue)
    }
}

/// What is still there after a round at `now`, of the conversations with `person` at these times.
async fn left_after(sweeper: &Sweeper, env: &Env, times: &[(String, u64)]) -> Vec<String> {
    let shelf = env.shelf::<Memory>();
    for (user, since) in times {
        let memory = Memory { person: Some(Timestamp(*since)), ..Memory::default() };
        shelf.save(&Memory::key(&Conversation::user(user)), &memory).await.unwrap();
    }
    sweeper.sweep(env, HOUR).await.unwrap();
    let left = shelf.list("", None, 1_000).await.unwrap();
    left.into_iter().map(|(key, _)| key).collect()
}

#[tokio::test(start_paused = true)]
async fn what_does_not_count_any_more_is_swept_away() {
    let bench = Bench::new();
    let env = bench.env(&Owner).unwrap();
    let now = 1_800_000_000_000;
    bench.set_now(Timestamp(now));
    let kept = u64::try_from((HOUR + Sweeper::SLACK).as_millis()).unwrap();
    let old = (0..600).map(|n| (format!("old-{n:03}"), now - kept));
    let times: Vec<_> = old.chain([("young".to_owned(), now - kept + 1)]).collect();
    assert_eq!(left_after(&Sweeper::default(), &env, &times).await, ["in/user:young"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_is_about_to_save_is_left_alone_for_a_while() {
    let bench = Bench::new();
    let env = bench.env(&Owner).unwrap();
    bench.set_now(Timestamp(1_800_000_000_000));
    let (sweeper, times) = (Sweeper::default(), [("bob".to_owned(), 1), ("eve".to_owned(), 1)]);
    sweeper.note("in/user:bob").await;
    assert_eq!(left_after(&sweeper, &env, &times).await, ["in/user:bob"]);
    tokio::time::advance(Sweeper::NOTED).await;
    assert!(left_after(&sweeper, &env, &times).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn old_notes_do_not_pile_up() {
    let sweeper = Sweeper::default();
    for n in 0..5_000 {
        sweeper.note(&n.to_string()).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert!(sweeper.notes.lock().await.by_key.len() < 1_600);
}
