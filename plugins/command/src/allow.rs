//! Who may use a command and where, from the keys.

use std::collections::BTreeMap;

use easebot_model::{ConversationKind, UserId};
use easebot_plugin::{At, Problem, Problems, nearest};
use easebot_role::command::{Allow, Places};

use crate::keys::AllowKeys;

/// Named lists of users.
pub(crate) type Lists = BTreeMap<String, Vec<At<String>>>;

/// Who may use a command.
pub(crate) fn read_allow(keys: &At<AllowKeys>, lists: &Lists, problems: &mut Problems) -> Allow {
    let mut users: Vec<UserId> = keys.users.iter().map(|user| read_user(user, problems)).collect();
    for name in &keys.lists {
        match lists.get(name.as_str()) {
            Some(list) => users.extend(list.iter().map(|user| UserId::new(user.as_str()))),
            None => {
                let message = format!("there is no list `{}`", name.as_str());
                let problem = Problem::error(name.span(), message).perhaps_a_consequence();
                problems.push(match nearest(name, lists.keys().map(String::as_str)) {
                    Some(close) => problem.hint(format!("did you mean `{close}`?")),
                    None => problem.hint("`lists` of the plugin has them"),
                });
            }
        }
    }
    let names_nobody = keys.users.is_empty() && keys.lists.is_empty();
    if names_nobody && !keys.group_owner && !keys.group_admins {
        problems.push(
            Problem::error(keys.span(), "nobody may use the command")
                .hint("`users`, `lists`, `group_owner` and `group_admins` say who may"),
        );
    }
    let mut allow = Allow::users(users);
    if keys.group_owner {
        allow = allow.and_group_owner();
    }
    if keys.group_admins {
        allow = allow.and_group_admins();
    }
    allow
}

pub(crate) fn read_user(name: &At<String>, problems: &mut Problems) -> UserId {
    let user = UserId::new(name.as_str());
    if !user.is_legal() {
        problems.push(
            Problem::error(name.span(), "this is no user name")
                .hint("1 to 64 letters, digits, `.`, `_` and `-`"),
        );
    }
    user
}

/// Where a command can be used.
pub(crate) fn read_places(names: &[At<String>], problems: &mut Problems) -> Places {
    let mut places = Places::new();
    for name in names {
        places = match name.as_str() {
            "user" => places.and_kind(ConversationKind::User),
            "group" => places.and_kind(ConversationKind::Group),
            "room" => places.and_kind(ConversationKind::Room),
            text => match text.parse() {
                Ok(conversation) => places.and(conversation),
                Err(_) => {
                    problems.push(Problem::error(name.span(), "this is no place").hint(
                        "there are `user`, `group`, `room`, and conversations such as `group:123`",
                    ));
                    places
                }
            },
        };
    }
    places
}
