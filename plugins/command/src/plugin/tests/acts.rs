//! Arguments, and what commands do besides an answer.

use easebot_model::{Attach, Body, Event, ExtValue, FileSource, MessageId, Timestamp, UserId};
use easebot_plugin::testing::{Answer, Bench};
use serde_json::json;

use super::*;

const WEATHER: &str = "\
prefix = ['/', '／']
time_zone = 'Asia/Shanghai'
[[command]]
name = 'weather'
help = 'tells the weather'
reply = '{{ args.city }} {{ args.days + 0 }}{{ \" °\" ~ args.unit if args.unit }}{% if args.all %} all{% endif %} {{ args.note|default(\"-\") }}'
  [[command.args]]
  name = 'city'
  help = 'where'
  [[command.args]]
  name = 'days'
  type = 'integer'
  default = 3
  min = 1
  max = 7
  [[command.args]]
  name = 'note'
  type = 'rest'
  optional = true
  [[command.args]]
  name = 'unit'
  type = 'choice'
  choices = ['C', 'F']
  option = true
  optional = true
  [[command.args]]
  name = 'all'
  type = 'switch'
[[command]]
name = 'remind'
args = [{ name = 'who', type = 'user' }, { name = 'when', type = 'duration', max = 3600 }, { name = 'x', type = 'number', default = 0.5 }]
reply = '{{ args.who }} {{ args.when }} {{ args.x }}'
[[command]]
name = 'plain'
args = []
reply = '{{ now.date }} {{ now.time }} {{ now.weekday }}'
";

#[tokio::test]
async fn typed_arguments_reach_the_template() {
    let plugin = plugin(WEATHER);
    for (text, expected) in [
        ("/weather Paris", "Paris 3 -"),
        ("／weather “New York” ５ soon \"please\" ", "New York 5 soon \"please\""),
        ("/weather --unit f --all Paris 1", "Paris 1 °F all -"),
        ("/remind @Bob 1h", "bob 3600 0.5"),
        ("/remind bob 1.5s -2", "bob 1.5 -2.0"),
        ("/plain", "1970-01-01 08:00:00 Thursday"),
    ] {
        assert_eq!(say(&plugin, text).await, (expected.to_owned(), Flow::Stop), "{text}");
    }
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_answered_with_the_place_and_the_usage() {
    let plugin = plugin(WEATHER);
    let usage = "usage: /weather [--unit <unit>] [--all] <city> [days] [note…]";
    for (text, expected) in [
        (
            "/weather 巴黎 soon",
            format!(
                "`days` is no whole number\n/weather 巴黎 soon\n         \u{3000}\u{3000} ^^^^\n{usage}"
            ),
        ),
        (" /weather", format!("`city` is missing\n /weather\n         ^\n{usage}")),
        (
            "/weather --unti f Paris",
            format!(
                "there is no such option; there are --unit, --all\n/weather --unti f Paris\n         ^^^^^^\n{usage}"
            ),
        ),
        (
            "/plain x",
            "the command takes no more than that\n/plain x\n       ^\nusage: /plain".to_owned(),
        ),
    ] {
        assert_eq!(say(&plugin, text).await, (expected, Flow::Stop), "{text}");
    }
    let own = format!("wrong = '{{{{ code }}}} {{{{ argument }}}} {{{{ name }}}}'\n{WEATHER}");
    assert_eq!(say(&super::plugin(&own), "/weather x 9").await.0, "unreadable days /weather");
    let silent = super::plugin(&format!("wrong = ' '\n{WEATHER}"));
    assert_eq!(say(&silent, "/weather x 9").await, (String::new(), Flow::Stop));
}

#[tokio::test]
async fn help_of_a_command_describes_its_arguments() {
    let expected = "\
/weather – tells the weather
usage: /weather [--unit <unit>] [--all] <city> [days] [note…]
  city – where
  days – whole number from 1 to 7; 3 if left out
  note – may be left out
  --unit – C or F; may be left out
  --all";
    assert_eq!(say(&plugin(WEATHER), "/help weather").await.0, expected);
}

const ACTS: &str = "\
[[command]]
name = 'say'
reply = '{{ rest }}'
[[command]]
name = 'undo'
recall = 'last'
reply = 'taken back'
[[command]]
name = 'take'
recall = 'quoted'
[[command]]
name = 'report'
reply = 'thanks'
forward = { to = { group = '9' } }
[[command]]
name = 'note'
forward = { to = { user = 'Amy' }, text = '{% if rest %}{{ message.from }} at {{ now.secs }}: {{ rest }}{% endif %}' }
";

#[tokio::test]
async fn the_last_answer_is_taken_back_once() {
    let (bench, plugin) = (Bench::new(), plugin(ACTS));
    let told = "/undo did not work: there is nothing to take back";
    let undo =
        async |from: &str| bench.text(&plugin, from, "/undo").await.unwrap().texts().join("; ");
    assert_eq!(undo("bob").await, told);
    bench.text(&plugin, "bob", "/say hello").await.unwrap();
    assert_eq!(undo("amy").await, told, "it is another conversation");
    assert_eq!(undo("bob").await, "taken back");
    assert_eq!(undo("bob").await, told, "what says so is not an answer to take back");
}

async fn take(bench: &Bench, plugin: &Command, ext: Option<ExtValue>) -> Answer {
    let (group, bob) = (Conversation::group("7"), UserId::new("bob"));
    let mut message = Message::new(MessageId(1), group, bob, Timestamp(0), Body::text("/take"));
    if let Some(quote) = ext {
        message.ext.insert("msgQuote", quote);
    }
    bench.event(plugin, &Event::Message(Box::new(message))).await.unwrap()
}

#[tokio::test]
async fn a_quoted_message_of_the_bot_is_taken_back() {
    let (bench, plugin) = (Bench::new(), plugin(ACTS));
    let quote = |sender: &str| Some(ExtValue::Json(json!({ "msgID": "77", "msgSender": sender })));
    let answer = take(&bench, &plugin, quote("concierge")).await;
    let act = Act::Recall { message: MessageId(77), ext: None, is_thread: false };
    assert_eq!(answer.sent, [Outgoing { to: Conversation::group("7"), act }]);
    let answer = take(&bench, &plugin, quote("bob")).await;
    assert_eq!(
        answer.texts(),
        ["/take did not work: only a message of this bot can be taken back"]
    );
    let answer = take(&bench, &plugin, None).await;
    assert_eq!(answer.texts(), ["/take did not work: quote the message that is to be taken back"]);
}

#[tokio::test]
async fn a_forward_says_it_elsewhere_and_the_answer_here() {
    let (bench, plugin) = (Bench::new(), plugin(ACTS));
    let answer = bench.text(&plugin, "bob", "/report the lift is stuck").await.unwrap();
    let said: Vec<_> = answer.sent.iter().map(|outgoing| outgoing.to.to_string()).collect();
    assert_eq!(
        (said, answer.texts()),
        (
            vec!["user:bob".to_owned(), "group:9".to_owned()],
            vec!["thanks", "bob: the lift is stuck"]
        )
    );
    bench.set_now(Timestamp(5_000));
    let answer = bench.text(&plugin, "bob", "/note 你好").await.unwrap();
    assert_eq!(
        (answer.sent[0].to.to_string(), answer.texts()),
        ("user:amy".to_owned(), vec!["bob at 5: 你好"])
    );
    assert!(bench.text(&plugin, "bob", "/note").await.unwrap().sent.is_empty());
}

#[tokio::test]
async fn an_image_and_a_file_go_along_with_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("map.png"), "image").unwrap();
    std::fs::write(folder.path().join("rules.pdf"), "file").unwrap();
    let text = "[[command]]\nname = 'map'\nreply = 'here:'\nimage = 'map.png'\nfile = 'rules.pdf'\next = { v = 1 }\n";
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("command", "concierge", "concierge".into(), app_key, folder.path());
    let mut problems = Problems::new();
    let table = PluginTable::parse(text, &mut problems).unwrap();
    let plugin: Command = table.build(&env, &mut problems).unwrap();
    let answer = Bench::new().text(&plugin, "bob", "/map").await.unwrap();
    let drafts: Vec<&Draft> = answer
        .sent
        .iter()
        .filter_map(|outgoing| match &outgoing.act {
            Act::Message(draft) => Some(&**draft),
            _ => None,
        })
        .collect();
    let [reply, image, file] = drafts[..] else { panic!("{answer:?}") };
    let attached = |name: &str| Some(Attach::File(FileSource::Path(folder.path().join(name))));
    assert_eq!(reply.body.as_text(), Some("here:"));
    assert_eq!(reply.ext.get("v"), Some(&ExtValue::Int(1)));
    assert!(matches!(image.body, Body::Image(_)) && matches!(file.body, Body::File(_)));
    assert_eq!((&image.attach, &file.attach), (&attached("map.png"), &attached("rules.pdf")));
}

#[test]
fn arguments_that_cannot_be_read_are_refused_with_the_place() {
    let found = problems_of(
        "\
[[command]]
name = 'a'
reply = '{{ args.nte }}'
args = [{ name = 'note', optional = true }]
[[command]]
name = 'b'
reply = '{{ args.note }}'
args = [{ name = 'note', optional = true }]
[[command]]
name = 'c'
reply = '{{ args.whatever }}'
args = [{ name = 'x', choices = ['y'] }, { name = 'z', type = 'choice' }, { name = 'n', type = 'integer', min = 1.5 }]
[[command]]
name = 'd'
reply = 'x'
args = [{ name = 'x', optional = true }, { name = 'y' }]
[[command]]
name = 'e'
reply = 'x'
args = [{ name = 'n', type = 'integer', default = 'many' }]
[[command]]
name = 'f'
reply = 'x'
file = 'nowhere.pdf'
",
    );
    let expected = [
        ("args.nte", "there is no variable `args.nte` here", Some("did you mean `args.note`?")),
        (
            "'{{ args.note }}'",
            "`args.note` may be left out, and then there is nothing to show",
            Some("write `{{ args.note|default('…') }}`, or give the argument a default"),
        ),
        ("'y'", "only an argument of `type = \"choice\"` has choices", None),
        ("'z'", "there is nothing to choose from", Some("add `choices = […]`")),
        ("1.5", "this has to be a whole number", None),
        (
            "'y'",
            "an argument that has to be there cannot stand behind one that may be left out",
            Some("make it optional too, or an option: `option = true`"),
        ),
        ("'many'", "the default is no whole number", None),
        ("'nowhere.pdf'", "there is no file `./nowhere.pdf`", None),
    ];
    let expected =
        expected.map(|(at, what, hint)| (at.to_owned(), what.to_owned(), hint.map(str::to_owned)));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn no_text_makes_a_command_panic() {
    let plugin = plugin(WEATHER);
    for rest in [
        "\"",
        "--",
        "--unit",
        "--unit=",
        "—",
        "\"\"",
        "\u{0}",
        "x 99999999999999999999",
        "--all=\"",
        "“",
        "x 1 “",
    ] {
        let (answer, flow) = say(&plugin, &format!("/weather {rest}")).await;
        assert!(flow == Flow::Stop && !answer.is_empty(), "{rest:?}: {answer}");
    }
}

#[test]
fn a_message_is_explained_without_doing_anything() {
    let plugin = plugin(&format!(
        "{WEATHER}[[command]]\nname = 'shut'\naliases = 'close'\nreply = 'x'\nallow = {{ users = ['amy'], group_admins = true }}\ncooldown = {{ user_secs = 5 }}\n"
    ));
    let app_key = "easebot#demo".parse().unwrap();
    let bot = BotInfo { name: "concierge".to_owned(), user: UserId::new("concierge"), app_key };
    let explain = |to: &str, from: &str, text: &str| {
        let (to, from) = (to.parse().unwrap(), UserId::new(from));
        let message = Message::new(MessageId(1), to, from, Timestamp(0), Body::text(text));
        plugin.explain(&Event::Message(Box::new(message)), &bot)
    };
    for (to, from, text, reason, says) in [
        ("user:bob", "bob", "hi", "the text does not begin with `/` or `／` and a name", ""),
        ("user:bob", "bob", "/plain@other", "the command is for the bot `other`", ""),
        ("user:bob", "bob", "/abcdef", "there is no command /abcdef", ""),
        (
            "user:bob",
            "bob",
            "/plian",
            "there is no command /plian, but /plain is close",
            "there is no command /plian, did you mean /plain?",
        ),
        ("user:bob", "bob", "/weather Rome", "the text is the command /weather", "Rome 3 -"),
        ("user:bob", "bob", "/close", "bob may not use /close", "you may not use /close here"),
        (
            "user:bob",
            "bob",
            "/plain x",
            "the arguments of /plain do not fit: the command takes no more than that",
            "the command takes no more than that\n/plain x\n       ^\nusage: /plain",
        ),
    ] {
        let explained = explain(to, from, text);
        assert_eq!(
            (explained.reason.as_str(), explained.says.join("; ").as_str()),
            (reason, says),
            "{text}"
        );
    }
    let explained = explain("group:7", "bob", "/close");
    assert_eq!(
        explained.depends_on,
        [
            "bob is the owner or an admin of group:7, as `allow` says",
            "bob has not used /close in the last 5 s"
        ]
    );
    assert_eq!(explained.rules[0].name, "/shut");
    assert!(explain("group:7", "bob", "/help").says[0].contains("/weather"));
}
