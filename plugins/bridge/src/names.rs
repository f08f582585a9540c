//! What people are called.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use easebot_model::UserId;
use easebot_plugin::Env;
use tokio::time::{Instant, timeout};
use tracing::debug;

/// Nicknames of users, as their profiles say. They are asked for again after an hour, and after a minute if they could not be had.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<UserId, Known>>);

#[derive(Clone, Debug)]
struct Known {
    /// None: the user has none.
    nickname: Option<String>,
    until: Instant,
}

const KEEP: Duration = Duration::from_secs(60 * 60);
const KEEP_FAILURE: Duration = Duration::from_secs(60);

/// How long the server may take. Without an answer the user's own name is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of how many users a nickname is known. When they are more, all are forgotten.
const MAX_USERS: usize = 10_000;

/// Longest nickname in characters; what is longer is cut.
const MAX_CHARS: usize = 40;

impl Names {
    /// The nickname of `user`; its own name if it has none, or none can be had.
    pub(crate) async fn of(&self, user: &UserId, env: &Env) -> String {
        let now = Instant::now();
        let known = self.lock().get(user).filter(|known| known.until > now).cloned();
        let known = match known {
            Some(known) => known,
            None => {
                let known = ask(user, env).await;
                let mut all = self.lock();
                if all.len() >= MAX_USERS {
                    all.clear();
                }
                all.insert(user.clone(), known.clone());
                known
            }
        };
        known.nickname.unwrap_or_else(|| user.to_string())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(user: &UserId, env: &Env) -> Known {
    let (api, users) = (env.api(), std::slice::from_ref(user));
    let asking = timeout(PATIENCE, api.attributes(users, &["nickname"])).await;
    let (nickname, keep) = match asking {
        Ok(Ok(mut all)) => {
            let nickname = all.remove(user).and_then(|mut of_user| of_user.remove("nickname"));
            (nickname.as_deref().and_then(clean), KEEP)
        }
        Ok(Err(error)) => {
            debug!(%user, %error, "a nickname is not known");
            (None, KEEP_FAILURE)
        }
        Err(_) => {
            debug!(%user, "a nickname was not told in time");
            (None, KEEP_FAILURE)
        }
    };
    Known { nickname, until: Instant::now() + keep }
}

/// A nickname as one line that is not too long.
fn clean(nickname: &str) -> Option<String> {
    let words: Vec<&str> = nickname
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let name: String = words.join(" ").chars().take(MAX_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use easebot_plugin::{rest::testing::Script, testing::Bench};
    use serde_json::json;

    use super::*;
    use crate::Bridge;

    fn env(bench: &Bench) -> Env {
        use easebot_plugin::{BuildEnv, PluginTable, Problems};
        let app_key = "easebot#demo".parse().unwrap();
        let env = BuildEnv::new("bridge", "concierge", "concierge".into(), app_key, ".");
        let (mut problems, text) =
            (Problems::new(), "[[side]]\ngroup = '1'\n[[side]]\ngroup = '2'\n");
        let table = PluginTable::parse(text, &mut problems).unwrap();
        bench.env(&table.build::<Bridge>(&env, &mut problems).unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_nickname_is_asked_for_once_an_hour_and_after_a_failure_once_a_minute() {
        let bench = Bench::new();
        let (names, env, bob) = (Names::default(), env(&bench), UserId::new("bob"));
        assert_eq!(names.of(&bob, &env).await, "bob", "there is no server");
        bench.answer_calls(|_, n| {
            Script::ok(&json!({ "data": { "bob": { "nickname": format!(" Bob\nthe {n}. ") } } }))
        });
        assert_eq!(names.of(&bob, &env).await, "bob");
        tokio::time::advance(KEEP_FAILURE).await;
        for _ in 0..3 {
            assert_eq!(names.of(&bob, &env).await, "Bob the 0.");
        }
        tokio::time::advance(KEEP).await;
        assert_eq!(names.of(&bob, &env).await, "Bob the 1.");
        assert_eq!(names.of(&UserId::new("ann"), &env).await, "ann", "she has none");
        assert_eq!(bench.calls().len(), 3);
    }

    #[test]
    fn a_nickname_is_one_line_that_is_not_too_long() {
        assert_eq!(clean(" \n ").as_deref(), None);
        assert_eq!(clean("a\u{7}b\r\nc").as_deref(), Some("a b c"));
        assert_eq!(clean(&"图".repeat(50)), Some("图".repeat(40)));
    }
}
