//! What is wrong with a file as a whole.

use super::*;

#[test]
fn a_file_without_a_bot_is_refused() {
    refused(
        "",
        "
error: the key `bot` is missing
  --> bots.toml:1:1
   | 
   | ^
   = hint: bot: The bots; a file has at least one `[[bot]]`
1 problem in bots.toml; nothing was started",
    );
    refused(
        "bot = []",
        "
error: `bot`: must have at least 1 element
  --> bots.toml:1:7
   | bot = []
   |       ^^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn what_is_no_toml_is_reported_as_such() {
    refused(
        "a = 1\nb 2\n",
        "
error: key with no value, expected `=`
  --> bots.toml:2:3
   | b 2
   |   ^
1 problem in bots.toml; nothing was started",
    );
    refused(
        "a = 1\nb = 2\na = 3\nb = 4\n",
        "
error: duplicate key
  --> bots.toml:3:1
   | a = 3
   | ^
error: duplicate key
  --> bots.toml:4:1
   | b = 4
   | ^
2 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_misspelt_key_is_one_problem_even_if_the_right_one_is_necessary() {
    refused(
        "[runtim]\n[[bot]]\nnmae = 'a'\napp_key = 'o#a'\nuser = 'u'\npasswrd = { env = 'P' }\ncolour = 'red'\n",
        "
error: `runtim`: there is no such key here
  --> bots.toml:1:2
   | [runtim]
   |  ^^^^^^
   = hint: did you mean `runtime`?
error: `bot#1.nmae`: there is no such key here
  --> bots.toml:3:1
   | nmae = 'a'
   | ^^^^
   = hint: did you mean `name`?
error: `bot#1.passwrd`: there is no such key here
  --> bots.toml:6:1
   | passwrd = { env = 'P' }
   | ^^^^^^^
   = hint: did you mean `password`?
error: `bot#1.colour`: there is no such key here
  --> bots.toml:7:1
   | colour = 'red'
   | ^^^^^^
   = hint: there are `name`, `app_key`, `user`, `password`, `token`, `allow_plain_secrets`, `endpoint`, `durability`, `compression`, `delivery_receipts`, `read_receipts`, `ca_file`, `handler_timeout_secs`, `in_doubt`, `pace`, `shares_groups`, `rooms`, `fill_gaps_after_hours`, `plugin`
4 problems in bots.toml; nothing was started",
    );
}

#[test]
fn missing_keys_are_named_with_what_they_are_for() {
    refused(
        "[[bot]]\nname = 'a'\n",
        "
error: `bot.a`: the key `app_key` is missing
  --> bots.toml:1:1
   | [[bot]]
   | ^^^^^^^
   = hint: app_key: Name of the app as the Easemob console shows it, `ORG#APP`
error: `bot.a`: the key `user` is missing
  --> bots.toml:1:1
   | [[bot]]
   | ^^^^^^^
   = hint: user: The user that the bot logs in as
error: `bot.a`: one of the keys `password`, `token` has to be there
  --> bots.toml:1:1
   | [[bot]]
   | ^^^^^^^
3 problems in bots.toml; nothing was started",
    );
}

#[test]
fn every_kind_of_wrong_value_is_found_in_one_go() {
    refused(
        "[runtime]
http = 'localhost'
data_dir = 5
[[bot]]
name = 'x y'
app_key = 'ab'
user = 'A B'
endpoint = 'easmob'
password = 'hunter2'
durability = 'disk'
handler_timeout_secs = 0
read_receipts = 'yes'
plugin = { kind = 'echo' }
[[bot]]
name = 'b'
app_key = 'o#a'
endpoint = { rest = 'ftp://x', websocket = 'ws:' }
password = { env = '' }
ca_file = ['x']
handler_timeout_secs = 0.5
",
        "
error: `runtime.http`: must be an IP address with a port
  --> bots.toml:2:8
   | http = 'localhost'
   |        ^^^^^^^^^^^
   = hint: for example `127.0.0.1:7381`
error: `runtime.data_dir`: must be a string, not a whole number
  --> bots.toml:3:12
   | data_dir = 5
   |            ^
error: `bot#1.name`: must be 1 to 64 ASCII letters, digits, `.`, `_` and `-`
  --> bots.toml:5:8
   | name = 'x y'
   |        ^^^^^
error: `bot#1.app_key`: an app key has the form ORG#APP with one `#`, this has 0
  --> bots.toml:6:11
   | app_key = 'ab'
   |           ^^^^
error: `bot#1.user`: must be 1 to 64 of `a`-`z`, `0`-`9`, `_`, `-` and `.`, as Easemob's registration wants it
  --> bots.toml:7:8
   | user = 'A B'
   |        ^^^^^
error: `bot#1.endpoint`: must be one of `easemob`, `agora`, `emulator` or a table with `rest`, `websocket`
  --> bots.toml:8:12
   | endpoint = 'easmob'
   |            ^^^^^^^^
   = hint: did you mean `easemob`?
error: `bot#1.password`: a secret does not belong into this file
  --> bots.toml:9:12
   | password = *********
   |            ^^^^^^^^^
   = hint: write `{ env = \"NAME\" }` or `{ file = \"PATH\" }`; plain text is for servers on this machine, or with `allow_plain_secrets`
error: `bot#1.durability`: must be one of `memory`, `process`, `power`
  --> bots.toml:10:14
   | durability = 'disk'
   |              ^^^^^^
error: `bot#1.handler_timeout_secs`: must be 1 to 3600 seconds
  --> bots.toml:11:24
   | handler_timeout_secs = 0
   |                        ^
error: `bot#1.read_receipts`: must be `true` or `false`, not a string
  --> bots.toml:12:17
   | read_receipts = 'yes'
   |                 ^^^^^
error: `bot#1.plugin`: must be a list, not a table
  --> bots.toml:13:10
   | plugin = { kind = 'echo' }
   |          ^^^^^^^^^^^^^^^^^
   = hint: the header of a list of tables has two brackets on each side, `[[…]]`
error: `bot.b`: the key `user` is missing
  --> bots.toml:14:1
   | [[bot]]
   | ^^^^^^^
   = hint: user: The user that the bot logs in as
error: `bot.b.endpoint.rest`: must be a URL that begins with `http://` or `https://`
  --> bots.toml:17:21
   | endpoint = { rest = 'ftp://x', websocket = 'ws:' }
   |                     ^^^^^^^^^
error: `bot.b.endpoint.websocket`: must be a URL that begins with `ws://` or `wss://`
  --> bots.toml:17:44
   | endpoint = { rest = 'ftp://x', websocket = 'ws:' }
   |                                            ^^^^^
error: `bot.b.password.env`: must not be empty
  --> bots.toml:18:20
   | password = { env = '' }
   |                    ^^
error: `bot.b.ca_file`: must be a string, not a list
  --> bots.toml:19:11
   | ca_file = ['x']
   |           ^^^^^
error: `bot.b.handler_timeout_secs`: must be a whole number, not a number with a fraction
  --> bots.toml:20:24
   | handler_timeout_secs = 0.5
   |                        ^^^
17 problems in bots.toml; nothing was started",
    );
}

#[test]
fn a_table_of_several_forms_says_which_there_are() {
    refused(
        &BOT.replace("{ env = 'P' }", "{ variable = 'P' }"),
        "
error: `bot.a.password`: must be a table with `env` or a table with `file`
  --> bots.toml:5:12
   | password = { variable = 'P' }
   |            ^^^^^^^^^^^^^^^^^^
1 problem in bots.toml; nothing was started",
    );
    refused(
        &BOT.replace("{ env = 'P' }", "{ env = 'P', file = 'x' }"),
        "
error: `bot.a.password.file`: there is no such key here
  --> bots.toml:5:25
   | password = { env = 'P', file = 'x' }
   |                         ^^^^
   = hint: there are `env`
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn a_notice_keeps_nothing_from_starting() {
    let notice = format!(
        "{BOT}[[bot.plugin]]\nkind = 'echo'\n[[bot.plugin.rule]]\nreply = 'x'\ntimes = 0\n"
    );
    let config = parse(&notice).unwrap();
    let expected = "\
notice: `bot.a.plugin.echo.rule#1`: this rule says nothing
  --> bots.toml:8:1
   | [[bot.plugin.rule]]
   | ^^^^^^^^^^^^^^^^^^^
1 notice in bots.toml";
    assert_eq!(config.notices().unwrap().to_string(), expected);
    let report = parse(&format!("{notice}[x]\n")).unwrap_err().to_string();
    assert!(
        report.ends_with("1 problem and 1 notice in bots.toml; nothing was started"),
        "{report}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_path() {
    let error = Config::read(Path::new("no such folder/bots.toml"), KINDS).unwrap_err();
    assert_eq!(error.to_string(), "cannot read `no such folder/bots.toml`");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_byte_order_mark_moves_nothing() {
    refused(
        "\u{feff}bot = 1",
        "
error: `bot`: must be a list, not a whole number
  --> bots.toml:1:7
   | bot = 1
   |       ^
1 problem in bots.toml; nothing was started",
    );
}

#[test]
fn single_brackets_around_bot_are_explained() {
    refused(
        "[bot]\nname = 'a'\n",
        "
error: `bot`: must be a list, not a table
  --> bots.toml:1:1
   | [bot]
   | ^^^^^
   = hint: the header of a list of tables has two brackets on each side, `[[…]]`
1 problem in bots.toml; nothing was started",
    );
}

proptest::proptest! {
    /// Whatever is typed into a file, reading it ends with bots or with a problem, and the report can be printed.
    #[test]
    fn no_edit_of_a_file_makes_the_reader_panic(
        edits in proptest::collection::vec((0_usize..400, 0_usize..8, "[\\[\\]{}'\"=#.,\\n\t a-z0-9你]{0,4}"), 1..6)
    ) {
        let mut text: Vec<char> = format!(
            "[runtime]\nhttp = '127.0.0.1:1'\n{BOT}endpoint = {{ rest = 'http://x', websocket = \"ws://x\" }}\n\
             [[bot.plugin]]\nkind = 'echo'\nprefix = '你'\n[[bot.plugin.rule]]\nreply = \"\"\"\na\tb\"\"\"\next = {{ a = [1, 2.5] }}\n"
        )
        .chars()
        .collect();
        for (at, n_cut, insert) in edits {
            let at = at.min(text.len());
            text.splice(at..(at + n_cut).min(text.len()), insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(report) = parse(&text) {
            proptest::prop_assert!(!report.problems().is_empty(), "{}", text);
            proptest::prop_assert!(report.to_string().ends_with("nothing was started"));
        }
    }
}

#[test]
fn pages_have_an_address_of_their_own_or_that_of_the_hooks() {
    let of = |runtime: &str| {
        let config = parse(&format!("[runtime]\n{runtime}\n{BOT}"));
        config.map(|config| (config.runtime.http, config.runtime.health_http))
    };
    let [here, there] = ["127.0.0.1:1", "127.0.0.1:2"].map(|text| text.parse().ok());
    assert_eq!(of("http = '127.0.0.1:1'").unwrap(), (here, None));
    assert_eq!(of("health_http = '127.0.0.1:2'").unwrap(), (None, there));
    let both = "http = '127.0.0.1:1'\nhealth_http = '127.0.0.1:2'";
    assert_eq!(of(both).unwrap(), (here, there));
    refused(
        &format!("[runtime]\nhttp = '127.0.0.1:1'\nhealth_http = '127.0.0.1:1'\n{BOT}"),
        "
error: `runtime.health_http`: `http` has this address already
  --> bots.toml:3:15
   | health_http = '127.0.0.1:1'
   |               ^^^^^^^^^^^^^
   = hint: leave `health_http` out to serve all at one address
1 problem in bots.toml; nothing was started",
    );
}
