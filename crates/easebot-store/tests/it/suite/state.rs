//! What plugins keep, and how far conversations were seen.

use super::*;

on_both_stores! {
    async fn state_is_kept_by_account_plugin_and_key_and_can_be_removed(open) {
        let store = open(Retention::default());
        let write = |writes| Finished {
            event: EventRow(1),
            outcome: FinishedOutcome::Done(Effects { answers: Vec::new(), state: writes }),
        };
        pend(&*store, 1).await;
        let mut first = commit();
        first.finished = vec![write(vec![
            state("echo", "k", Some("old")),
            state("echo", "k", Some("new")),
            state("echo", "other", Some("")),
            state("quiz", "k", Some("quiz")),
        ])];
        store.commit(first).await.unwrap();
        let bot = account("bot");
        assert_eq!(store.state(&bot, "echo", "k").await.unwrap().unwrap(), b"new");
        assert_eq!(store.state(&bot, "echo", "other").await.unwrap().unwrap(), b"");
        assert_eq!(store.state(&bot, "quiz", "k").await.unwrap().unwrap(), b"quiz");
        assert_eq!(store.state(&account("other"), "echo", "k").await.unwrap(), None);

        let mut second = commit();
        second.arrived = vec![Arrived {
            event: event(key(2)),
            outcome: ArrivedOutcome::Done(Effects {
                answers: Vec::new(),
                state: vec![state("echo", "k", None), state("echo", "never was", None)],
            }),
            claim: None,
        }];
        store.commit(second).await.unwrap();
        assert_eq!(store.state(&bot, "echo", "k").await.unwrap(), None);
        assert_eq!(store.state(&bot, "quiz", "k").await.unwrap().unwrap(), b"quiz");
    }

    async fn state_outside_of_events_is_written_and_listed_by_prefix(open) {
        let store = open(Retention::default());
        let (bot, keys) = (account("bot"), ["a", "q/1", "q/10", "q/2", "q/é", "r"]);
        let mut writes = commit();
        writes.state = keys.iter().map(|key| state("relay", key, Some(key))).collect();
        writes.state.push(state("other", "q/3", Some("x")));
        assert!(!writes.is_empty());
        store.commit(writes).await.unwrap();
        let list = async |prefix: &str, after: Option<&str>, limit| {
            let found = store.states(&bot, "relay", prefix, after, limit).await.unwrap();
            found.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(list("q/", None, 9).await, ["q/1", "q/10", "q/2", "q/é"]);
        assert_eq!(list("q/", Some("q/1"), 2).await, ["q/10", "q/2"]);
        assert_eq!(list("q/", Some("a"), 1).await, ["q/1"]);
        assert_eq!(list("", None, 9).await, keys);
        assert_eq!(store.states(&account("x"), "relay", "", None, 9).await.unwrap(), []);
        let mut removal = commit();
        removal.state = vec![state("relay", "q/10", None)];
        store.commit(removal).await.unwrap();
        assert_eq!(list("q/", None, 9).await, ["q/1", "q/2", "q/é"]);
    }

    async fn a_small_value_is_replaced(open) {
        let store = open(Retention::default());
        assert_eq!(store.meta("device").await.unwrap(), None);
        for value in ["one", "two"] {
            store.set_meta("device", value.into()).await.unwrap();
            assert_eq!(store.meta("device").await.unwrap().unwrap(), value.as_bytes());
        }
    }

    async fn the_newest_mark_of_a_conversation_is_kept(open) {
        let store = open(Retention::default());
        let mark = |name: &str, message, ms| Mark {
            conversation: Conversation::group(name),
            message: MessageId(message),
            time: Timestamp(NOW.0 + ms),
        };
        let mut seen = commit();
        seen.marks = vec![mark("a", 1, 1), mark("b", u64::MAX, 5), mark("a", 3, 3), mark("a", 2, 2)];
        store.commit(seen).await.unwrap();
        let mut other = commit();
        other.account = account("other");
        other.marks = vec![mark("a", 9, 9)];
        store.commit(other).await.unwrap();

        let marks = [mark("b", u64::MAX, 5), mark("a", 3, 3)];
        assert_eq!(store.marks(&account("bot"), 9).await.unwrap(), marks, "newest first");
        assert_eq!(store.marks(&account("bot"), 1).await.unwrap(), marks[..1]);
        assert_eq!(store.marks(&account("nobody"), 9).await.unwrap(), []);

        pass(&*store, 89 * DAY_MS).await;
        assert_eq!(store.marks(&account("bot"), 9).await.unwrap(), marks);
        pass(&*store, 91 * DAY_MS).await;
        assert_eq!(store.marks(&account("bot"), 9).await.unwrap(), []);
    }
}
