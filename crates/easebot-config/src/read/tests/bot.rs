//! The keys of bots.

use super::*;

#[test]
fn a_right_file_gives_bots_with_their_plugins_in_order() {
    let config = parse(
        "[runtime]\nhttp = '127.0.0.1:7381'\n[[bot]]\nname = 'concierge'\napp_key = 'easebot#demo'\nuser = 'Concierge'\n\
         token = { file = 'secret' }\nendpoint = { rest = 'http://127.0.0.1:1', websocket = 'ws://127.0.0.1:1/ws' }\n\
         durability = 'power'\ndelivery_receipts = false\nread_receipts = true\nca_file = 'ca.pem'\nhandler_timeout_secs = 5\n\
         [[bot.plugin]]\nkind = 'echo'\nrule = [{ reply = 'x' }]\n\
         [[bot.plugin]]\nkind = 'echo'\nname = 'second'\nprefix = '!'\nrule = [{ reply = 'x' }]\n\
         [[bot.plugin]]\nkind = 'echo'\nname = 'third'\nrule = [{ reply = 'x' }]\n",
    )
    .unwrap();
    assert_eq!(config.runtime.data_dir, Path::new("folder/data"));
    assert_eq!(config.runtime.http, Some("127.0.0.1:7381".parse().unwrap()));
    assert!(config.notices().is_none());
    let [bot] = &config.bots[..] else { panic!("{config:?}") };
    assert_eq!((bot.name.as_str(), bot.user.as_str()), ("concierge", "concierge"));
    assert_eq!(bot.app_key.as_str(), "easebot#demo");
    let Credentials::Token(source) = &bot.credentials else { panic!("{bot:?}") };
    assert_eq!(**source, SecretSource::File { path: "secret".into() });
    let Endpoint::Urls { rest, websocket } = &bot.endpoint else { panic!("{bot:?}") };
    assert_eq!((rest.as_str(), websocket.as_str()), ("http://127.0.0.1:1/", "ws://127.0.0.1:1/ws"));
    assert_eq!((bot.durability, bot.handler_timeout.as_secs()), (Durability::Power, 5));
    assert_eq!((bot.delivery_receipts, bot.read_receipts), (false, true));
    assert_eq!(bot.ca_file.as_deref(), Some(Path::new("folder/ca.pem")));
    let names: Vec<_> = bot.plugins.iter().map(|plugin| plugin.name()).collect();
    assert_eq!(names, ["echo", "second", "third"]);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let config = parse(BOT).unwrap();
    assert_eq!(
        config.runtime,
        RuntimeConfig {
            data_dir: "folder/data".into(),
            drain: Duration::from_secs(10),
            http: None,
            health_http: None,
            max_database_bytes: None,
            keep: Duration::from_secs(8 * 24 * 60 * 60),
            logins_per_second: 100,
        }
    );
    let bot = &config.bots[0];
    assert_eq!((&bot.endpoint, bot.durability), (&Endpoint::Easemob, Durability::Process));
    assert_eq!((bot.delivery_receipts, bot.read_receipts), (true, false));
    assert_eq!((bot.handler_timeout.as_secs(), &bot.ca_file), (60, &None));
    assert!(bot.plugins.is_empty());
}

#[test]
fn two_bots_cannot_have_one_name_or_one_account() {
    refused(
        &format!("{BOT}{}", BOT.replace("'a'", "'A'").replace("'u'", "'U'")),
        "
error: `bot.A.name`: another bot has this name already
  --> bots.toml:7:8
   | name = 'A'
   |        ^^^
   = first used: bots.toml:2:8
error: `bot.A.user`: another bot is this user already
  --> bots.toml:9:8
   | user = 'U'
   |        ^^^
   = first used: bots.toml:4:8
   = hint: one user can have many plugins, but be one bot only
2 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_websocket_address_without_any_path_gets_the_usual_one() {
    let table = [
        ("ws://127.0.0.1:1", "ws://127.0.0.1:1/websocket"),
        ("ws://127.0.0.1:1/", "ws://127.0.0.1:1/"),
        ("ws://127.0.0.1:1/im/ws?a=b", "ws://127.0.0.1:1/im/ws?a=b"),
        ("ws://127.0.0.1:1?a=b", "ws://127.0.0.1:1/?a=b"),
    ];
    for (written, dialled) in table {
        let text =
            format!("{BOT}endpoint = {{ rest = 'http://127.0.0.1:1', websocket = '{written}' }}\n");
        let config = Config::parse("bots.toml", &text, Path::new(""), &[]).unwrap();
        let Endpoint::Urls { websocket, .. } = &config.bots[0].endpoint else {
            panic!("{config:?}")
        };
        assert_eq!(websocket.as_str(), dialled);
    }
}

#[test]
fn the_pace_is_a_word_or_a_table_of_rates_within_bounds() {
    let pace = |written: &str| {
        let config = parse(&format!("{BOT}{written}\n")).unwrap();
        config.bots[0].pace.map(|pace| (pace.users_per_second, pace.groups_per_second))
    };
    assert_eq!(pace(""), Some((100, 20)));
    assert_eq!(pace("pace = 'documented'"), Some((100, 20)));
    assert_eq!(pace("pace = 'off'"), None);
    assert_eq!(pace("pace = { groups_per_sec = 50 }"), Some((100, 50)));
    for wrong in
        ["'fast'", "{ groups_per_sec = 0 }", "{ users_per_sec = 100001 }", "{ user_per_sec = 1 }"]
    {
        assert!(parse(&format!("{BOT}pace = {wrong}\n")).is_err(), "{wrong}");
    }
}

#[test]
fn a_bot_names_each_room_once() {
    let config = parse(&format!("{BOT}rooms = ['1', 'lobby']\n")).unwrap();
    assert_eq!(config.bots[0].rooms, ["1", "lobby"]);
    refused(
        &format!("{BOT}rooms = ['1', '', '1']\n"),
        "
error: `bot.a.rooms#2`: a chat room has an id
  --> bots.toml:6:15
   | rooms = ['1', '', '1']
   |               ^^
error: `bot.a.rooms#3`: the chat room is named twice
  --> bots.toml:6:19
   | rooms = ['1', '', '1']
   |                   ^^^
   = first named: bots.toml:6:10
2 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_room_of_a_plugin_that_the_bot_does_not_join_is_noticed() {
    let plugin = "[[bot.plugin]]\nkind = 'echo'\nrule = [{ reply = 'room:5', ext = { to = { room = '1' }, in = ['room', 'room:2'], allowed = ['group:1', 'room:3'] } }]\n";
    let file = |rooms: &str| parse(&format!("{BOT}rooms = [{rooms}]\n{plugin}")).unwrap();
    assert!(file("'1', '2', '3'").notices().is_none());
    let notices = file("'1'").notices().unwrap().to_string();
    let expected = "
notice: `bot.a.plugin.echo.rule#1.ext.in#2`: the bot does not join the chat room `2`
  --> bots.toml:9:72
   | rule = [{ reply = 'room:5', ext = { to = { room = '1' }, in = ['room', 'room:2'], allowed = ['group:1', 'room:3'] } }]
   |                                                                        ^^^^^^^^
   = hint: the bot hears and says nothing there without `rooms = [\"2\"]` of its own
notice: `bot.a.plugin.echo.rule#1.ext.allowed#2`: the bot does not join the chat room `3`
  --> bots.toml:9:105
   | rule = [{ reply = 'room:5', ext = { to = { room = '1' }, in = ['room', 'room:2'], allowed = ['group:1', 'room:3'] } }]
   |                                                                                                         ^^^^^^^^
   = hint: the bot hears and says nothing there without `rooms = [\"3\"]` of its own
2 notices in bots.toml";
    assert_eq!(notices, expected.trim_start());
}

#[test]
fn a_step_in_a_room_that_no_bot_joins_is_noticed() {
    let test = "[[test]]\nname = 't'\nstep = [{ in = 'room:9', text = 'x', expect = [] }]\n";
    assert!(parse(&format!("{BOT}rooms = ['9']\n{test}")).unwrap().notices().is_none());
    let config = parse(&format!("{BOT}{test}")).unwrap();
    let expected = "
notice: `test.t.step#1.in`: no bot joins the chat room `9`
  --> bots.toml:8:16
   | step = [{ in = 'room:9', text = 'x', expect = [] }]
   |                ^^^^^^^^
   = hint: a bot with `rooms = [\"9\"]` does
1 notice in bots.toml";
    assert_eq!(config.notices().unwrap().to_string(), expected.trim_start());
}

#[test]
fn an_address_of_a_server_holds_no_secret() {
    let told = |rest: &str, websocket: &str| {
        let endpoint = format!("endpoint = {{ rest = '{rest}', websocket = '{websocket}' }}\n");
        let report = parse(&format!("{BOT}{endpoint}")).err()?.to_string();
        assert!(!report.contains("hunter2"), "{report}");
        report.lines().next().map(|line| line.rsplit("`: ").next().unwrap_or_default().to_owned())
    };
    let who = Some("an address here has no user name and no password".to_owned());
    assert_eq!(told("https://gw:hunter2@a.b", "wss://a.b/ws"), who);
    assert_eq!(told("https://a.b", "wss://gw@a.b/ws"), who);
    let query = Some("a REST address has no query (`?…`)".to_owned());
    assert_eq!(told("https://a.b?key=x", "wss://a.b/ws"), query);
    let fragment = Some("an address here has no fragment (`#…`)".to_owned());
    assert_eq!(told("https://a.b", "wss://a.b/ws#x"), fragment);
    assert_eq!(told("https://a.b", "wss://a.b?x=1"), None);
}
