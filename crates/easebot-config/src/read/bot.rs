//! One `[[bot]]` after the other.

use std::{path::Path, sync::Arc, time::Duration};

use easebot_model::{AppKey, RoomId, UserId};
use easebot_plugin::{At, BuildEnv, PluginKind, Problem, Problems, SecretSource, Span};
use serde::Deserialize;
use toml::{
    Deserializer, Spanned, Table, Value,
    de::{DeTable, DeValue},
};
use url::{Host, Url};

use super::{hook::Hooks, plugin, read_keys, rooms::notice, table};
use crate::{
    config::{BotConfig, Credentials, Endpoint, Pace},
    difference::Written,
    keys::{BotKeys, EndpointKeys, PaceKeys},
};

/// What two bots cannot share, with the place of the first.
#[derive(Default)]
struct Taken {
    names: Vec<At<String>>,
    accounts: Vec<(AppKey, UserId, Option<Span>)>,
}

/// Takes the bots out of `root`. None if one of them cannot be used: `problems` says why, or the walk over the file has said
/// it already. Plugins at a `broken` place are left out.
pub(super) fn read(
    root: &mut DeTable<'_>,
    folder: &Path,
    kinds: &[PluginKind],
    broken: &[Span],
    mut hooks: Hooks,
    problems: &mut Problems,
) -> Option<Vec<BotConfig>> {
    let mut taken = Taken::default();
    let mut bots = Vec::new();
    let mut is_whole = true;
    let tables = elements(root, "bot");
    let names = names(&tables);
    for value in tables {
        let Some(mut keys) = table(value) else {
            is_whole = false;
            continue;
        };
        let written = written(&keys);
        let plugins = elements(keys.get_mut(), "plugin");
        let keys = read_keys::<BotKeys>(keys, problems);
        // Where the servers are not known it is not known, and not said twice.
        let endpoint = keys.as_ref().and_then(|keys| endpoint(&keys.endpoint, problems));
        let takes_plain_secrets = keys.as_ref().is_none_or(|keys| keys.allow_plain_secrets)
            || endpoint.as_ref().is_none_or(is_on_this_machine);
        let bot = keys.and_then(|keys| {
            make(keys, endpoint, takes_plain_secrets, folder, &mut taken, problems)
        });
        if let Some(bot) = &bot {
            plugins.iter().for_each(|plugin| notice(plugin, &bot.rooms, problems));
        }
        // Also if the bot cannot be made the problems of its plugins are worth knowing.
        let identity = match &bot {
            Some(bot) => Some((bot.name.clone(), bot.user.clone(), bot.app_key.clone())),
            None => "org#app".parse().ok().map(|key| ("bot".to_owned(), UserId::new("bot"), key)),
        };
        let plugins = identity.and_then(|(name, user, app_key)| {
            let mut env = BuildEnv::new(String::new(), name, user, app_key, folder);
            env.bots = Arc::clone(&names);
            env.takes_plain_secrets = takes_plain_secrets;
            plugin::read(plugins, kinds, broken, &env, &mut hooks, problems)
        });
        match (bot, plugins) {
            (Some(bot), Some(plugins)) => bots.push(BotConfig { plugins, written, ..bot }),
            _ => is_whole = false,
        }
    }
    (is_whole && !bots.is_empty()).then_some(bots)
}

/// The names of all bots as they are written. None of them if one cannot be known.
fn names(bots: &[Spanned<DeValue<'_>>]) -> Arc<[String]> {
    let name = |bot: &Spanned<DeValue<'_>>| match bot.get_ref() {
        DeValue::Table(keys) => keys.get("name")?.get_ref().as_str().map(str::to_owned),
        _ => None,
    };
    bots.iter().map(name).collect::<Option<Vec<_>>>().unwrap_or_default().into()
}

/// A bot as it is written, without the places.
fn written(table: &Spanned<DeTable<'_>>) -> Written {
    // What is no TOML came no further than the parser, so this cannot fail.
    let mut keys = Table::deserialize(Deserializer::from(table.clone())).unwrap_or_default();
    let plugins = match keys.remove("plugin") {
        Some(Value::Array(plugins)) => plugins,
        _ => Vec::new(),
    };
    Written { keys, plugins }
}

/// Takes the elements of the list under `key` out of `table`.
pub(super) fn elements<'i>(table: &mut DeTable<'i>, key: &str) -> Vec<Spanned<DeValue<'i>>> {
    match table.remove(key).map(Spanned::into_inner) {
        Some(DeValue::Array(array)) => array.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A bot without its plugins yet. None if something is missing or wrong; what is wrong is among `problems`.
fn make(
    keys: BotKeys,
    endpoint: Option<Endpoint>,
    takes_plain_secrets: bool,
    folder: &Path,
    taken: &mut Taken,
    problems: &mut Problems,
) -> Option<BotConfig> {
    let name = keys.name.and_then(|text| name(&text, taken, problems));
    let app_key = keys.app_key.and_then(|text| {
        text.parse::<AppKey>()
            .map_err(|error| problems.push(Problem::error(text.span(), error.to_string())))
            .ok()
    });
    let user_span = keys.user.as_ref().and_then(At::span);
    let user = keys.user.and_then(|text| user(&text, problems));
    let credentials = credentials(keys.password, keys.token, takes_plain_secrets, problems);
    if let (Some(app_key), Some(user)) = (&app_key, &user) {
        let first = taken.accounts.iter().find(|(key, name, _)| key == app_key && name == user);
        match first {
            Some((.., first)) => problems.push(
                Problem::error(user_span, "another bot is this user already")
                    .related(*first, "first used")
                    .hint("one user can have many plugins, but be one bot only"),
            ),
            None => taken.accounts.push((app_key.clone(), user.clone(), user_span)),
        }
    }
    let rooms = rooms(keys.rooms, problems);
    Some(BotConfig {
        name: name?,
        app_key: app_key?,
        user: user?,
        credentials: credentials?,
        endpoint: endpoint?,
        durability: keys.durability,
        compression: keys.compression,
        delivery_receipts: keys.delivery_receipts,
        read_receipts: keys.read_receipts,
        ca_file: keys.ca_file.map(|path| folder.join(path)),
        in_doubt: keys.in_doubt,
        pace: pace(keys.pace),
        handler_timeout: Duration::from_secs(keys.handler_timeout_secs.into()),
        shares_groups: keys.shares_groups,
        rooms: rooms?,
        fill_gaps_after: match keys.fill_gaps_after_hours {
            0 => None,
            hours => Some(Duration::from_secs(u64::from(hours) * 60 * 60)),
        },
        plugins: Vec::new(),
        written: Written::default(),
    })
}

fn name(name: &At<String>, taken: &mut Taken, problems: &mut Problems) -> Option<String> {
    if !is_legal(name) {
        let message = "must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`";
        problems.push(Problem::error(name.span(), message));
        return None;
    }
    // A name is a metric label and may become a file name, where case may not count.
    if let Some(first) = taken.names.iter().find(|first| first.eq_ignore_ascii_case(name)) {
        problems.push(
            Problem::error(name.span(), "another bot has this name already")
                .related(first.span(), "first used"),
        );
        return None;
    }
    taken.names.push(name.clone());
    Some(name.to_string())
}

pub(crate) fn is_legal(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

fn user(name: &At<String>, problems: &mut Problems) -> Option<UserId> {
    let user = UserId::new(name.as_str());
    if user.is_legal() {
        return Some(user);
    }
    let message = format!(
        "must be 1 to {} of `a`-`z`, `0`-`9`, `_`, `-` and `.`, as Easemob's registration wants it",
        UserId::MAX_BYTES
    );
    problems.push(Problem::error(name.span(), message));
    None
}

/// None if one of them cannot be one.
fn rooms(ids: Vec<At<String>>, problems: &mut Problems) -> Option<Vec<RoomId>> {
    let mut rooms: Vec<(RoomId, Option<Span>)> = Vec::with_capacity(ids.len());
    let mut is_whole = true;
    for id in ids {
        let room = RoomId::new(id.as_str());
        if id.is_empty() {
            problems.push(Problem::error(id.span(), "a chat room has an id"));
            is_whole = false;
        } else if let Some((_, first)) = rooms.iter().find(|(other, _)| *other == room) {
            problems.push(
                Problem::error(id.span(), "the chat room is named twice")
                    .related(*first, "first named"),
            );
            is_whole = false;
        } else {
            rooms.push((room, id.span()));
        }
    }
    is_whole.then(|| rooms.into_iter().map(|(room, _)| room).collect())
}

fn pace(keys: PaceKeys) -> Option<Pace> {
    match keys {
        PaceKeys::Off => None,
        PaceKeys::PerSecond(rates) => Some(Pace {
            directed_per_second: rates.directed,
            groups_per_second: rates.groups,
            rooms_per_second: rates.rooms,
            users_per_second: rates.users,
        }),
    }
}

fn endpoint(keys: &EndpointKeys, problems: &mut Problems) -> Option<Endpoint> {
    match keys {
        EndpointKeys::Agora => Some(Endpoint::Agora),
        EndpointKeys::Easemob => Some(Endpoint::Easemob),
        EndpointKeys::Emulator => Some(Endpoint::Emulator),
        EndpointKeys::Urls { rest, websocket } => {
            let span = rest.span();
            let rest = server(rest, ["http", "https"], problems);
            if rest.as_ref().is_some_and(|url| url.query().is_some()) {
                problems.push(Problem::error(span, "a REST address has no query (`?…`)"));
                return None;
            }
            let has_path = has_path(websocket);
            let mut websocket = server(websocket, ["ws", "wss"], problems)?;
            if !has_path {
                websocket.set_path("/websocket");
            }
            Some(Endpoint::Urls { rest: rest?, websocket })
        }
    }
}

/// Whether nobody else can listen in on what is said to these servers: the emulator, or others on a loopback address.
fn is_on_this_machine(endpoint: &Endpoint) -> bool {
    let is_loopback = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match endpoint {
        Endpoint::Agora | Endpoint::Easemob => false,
        Endpoint::Emulator => true,
        Endpoint::Urls { rest, websocket } => is_loopback(rest) && is_loopback(websocket),
    }
}

/// Whether a URL says a path, be it only `/`. A parsed one always has one.
fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?']))
}

fn server(text: &At<String>, schemes: [&str; 2], problems: &mut Problems) -> Option<Url> {
    match Url::parse(text) {
        // What stands there is shown where a server does not answer, and to whoever gets a file from it.
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let message = "an address here has no user name and no password";
            problems.push(Problem::error(text.span(), message));
            None
        }
        Ok(url) if url.fragment().is_some() => {
            problems.push(Problem::error(text.span(), "an address here has no fragment (`#…`)"));
            None
        }
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Some(url),
        Ok(_) | Err(_) => {
            let [plain, tls] = schemes;
            let message = format!("must be a URL that begins with `{plain}://` or `{tls}://`");
            problems.push(Problem::error(text.span(), message));
            None
        }
    }
}

fn credentials(
    password: Option<At<SecretSource>>,
    token: Option<At<SecretSource>>,
    takes_plain_secrets: bool,
    problems: &mut Problems,
) -> Option<Credentials> {
    let credentials = match (password, token) {
        (Some(password), None) => Credentials::Password(password),
        (None, Some(token)) => Credentials::Token(token),
        (Some(password), Some(token)) => {
            problems.push(
                Problem::error(token.span(), "a bot has either a password or a token, not both")
                    .related(password.span(), "the other one"),
            );
            return None;
        }
        (None, None) => return None,
    };
    if let (SecretSource::Plain(_), false) = (&**credentials.source(), takes_plain_secrets) {
        problems.push(
            Problem::error(credentials.source().span(), "a secret does not belong into this file")
                .hint("write `{ env = \"NAME\" }` or `{ file = \"PATH\" }`; plain text is for servers on this machine, or with `allow_plain_secrets`"),
        );
        return None;
    }
    Some(credentials)
}
