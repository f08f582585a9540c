use super::*;
use crate::Span;

fn bot() -> BotInfo {
    let app_key = "easebot#demo".parse().unwrap();
    BotInfo { name: "concierge".to_owned(), user: UserId::new("bot-1"), app_key }
}

fn message(text: &str) -> Message {
    let mut message = Message::new(
        MessageId(1_234_567_890_123_456_789),
        Conversation::group("7"),
        UserId::new("bob"),
        Timestamp(1_700_000_000_000),
        Body::text(text),
    );
    message.ext.insert("lang", "zh");
    message
}

/// Adds `template`, which may use `args` and `rest`, and renders it for the text `你好 hello`.
fn render(template: &str) -> Result<String, RenderError> {
    let mut problems = Problems::new();
    let mut templates = Templates::new();
    let sample = Values::sample(&bot()).list("args", []).text("rest", "");
    let source = At::new(template.to_owned(), Span { start: 0, end: template.len() });
    assert!(templates.add("rule#1", &source, &sample, &mut problems), "{problems:?}");
    assert!(problems.is_empty(), "{problems:?}");
    let values = Values::of(&message("你好 hello"), &bot());
    templates.render("rule#1", &values.list("args", ["a", "b"]).text("rest", "a b"))
}

/// Adds a template that must be refused: where, why and what to do.
#[track_caller]
fn refused(template: &str, expected: (&str, &str, Option<&str>)) {
    let mut problems = Problems::new();
    let sample = Values::sample(&bot()).text("text", "");
    let source = At::new(template.to_owned(), Span { start: 0, end: template.len() });
    assert!(!Templates::new().add("rule#1", &source, &sample, &mut problems));
    let problems: Vec<_> = problems.into_iter().collect();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    let inside = problem.inside.clone().map(|range| template.get(range).unwrap());
    assert_eq!((inside.unwrap(), problem.message.as_str(), problem.hint.as_deref()), expected);
}

#[test]
fn a_template_can_use_the_message_the_bot_and_what_the_plugin_gives() {
    for (template, expected) in [
        ("pong", "pong"),
        ("{{ message.text }}|{{ message.from }}", "你好 hello|bob"),
        ("{{ message.conversation }} {{ message.id }}", "group:7 1234567890123456789"),
        ("{{ message.time }}", "1700000000000"),
        ("{{ message.ext.lang }}", "zh"),
        ("{{ bot }} {{ bot.name }} {{ bot.user }}", "concierge concierge bot-1"),
        ("{{ args[1] }} {{ args|length }} {{ rest|upper }}", "b 2 A B"),
        ("{% for arg in args %}{{ loop.index }}{{ arg }}{% endfor %}", "1a2b"),
        ("{% if message.ext.none is defined %}x{% else %}y{% endif %}", "y"),
        ("{{ range(2)|join }}", "01"),
        ("<b>{{ message.text }}", "<b>你好 hello"),
    ] {
        assert_eq!(render(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn a_template_that_can_never_work_is_refused_with_the_place() {
    refused(
        "你好 {{ text",
        (
            "text",
            "the template cannot be used, line 1: unexpected end of input, expected end of variable block",
            None,
        ),
    );
    refused(
        "one\n{{ text | nofilter }}",
        ("nofilter", "the template cannot be used, line 2: filter nofilter is unknown", None),
    );
    refused(
        "txt: {{ txt }}",
        ("txt", "there is no variable `txt` here", Some("did you mean `text`?")),
    );
    refused(
        "{{ message.txt }}",
        (
            "message.txt",
            "there is no variable `message.txt` here",
            Some("did you mean `message.text`?"),
        ),
    );
    refused(
        "{{ bot.age }}",
        ("bot.age", "there is no variable `bot.age` here", Some("did you mean `bot.name`?")),
    );
    refused(
        "{{ weather }}",
        (
            "weather",
            "there is no variable `weather` here",
            Some(
                "there are `text`, `message.text`, `message.from`, `message.conversation`, `message.id`, `message.time`, \
                 `message.ext`, `bot`, `bot.name`, `bot.user`",
            ),
        ),
    );
}

#[test]
fn a_failure_at_run_time_names_template_and_variable_but_no_value() {
    let error = render("a\n{{ message.ext.nick }}").unwrap_err();
    let text = "the template of rule#1 uses a value that is missing on line 2: `message.ext.nick`";
    assert_eq!(error.to_string(), text);
    let error = render("{{ message.text|int }}").unwrap_err();
    assert_eq!(error.to_string(), "the template of rule#1 failed on line 1: invalid operation");
    let values = Values::of(&message("secret words"), &bot());
    assert!(!format!("{values:?}").contains("secret"), "{values:?}");
}

#[test]
fn values_without_a_message_have_the_bot_and_what_was_added() {
    let at = |text: &str| At::new(text.to_owned(), Span { start: 0, end: text.len() });
    let mut problems = Problems::new();
    let mut templates = Templates::new().with_open_conditions();
    let values = |body: serde_json::Value| Values::of_bot(&bot()).json("body", &body);
    let sample = values(serde_json::Value::Null);
    let source = "{{ bot }}{% if body.b %} b{% endif %} {{ body.a.n }}";
    assert!(templates.add("hook", &at(source), &sample, &mut problems), "{problems:?}");
    let body = serde_json::json!({ "a": { "n": 1_234_567_890_123_456_789_u64 } });
    let text = templates.render("hook", &values(body)).unwrap();
    assert_eq!(text, "concierge 1234567890123456789");
    let error = templates.render("hook", &values(serde_json::json!({ "a": {} }))).unwrap_err();
    assert!(matches!(error, RenderError::Missing { variable, .. } if variable == "body.a.n"));
    assert!(!templates.add("other", &at("{{ message.text }}"), &sample, &mut problems));
}

#[test]
fn what_is_filled_into_an_address_stays_in_its_part() {
    let (mut templates, mut problems) = (Templates::new(), Problems::new());
    let source = At::nowhere("https://a.example/{{ args.city }}?q={{ rest }}&u=c".to_owned());
    let values = Values::sample(&bot())
        .parts("args", [("city", Some("a/../b?c#d%é 你".into()))])
        .text("rest", "x&y=z");
    assert!(templates.add_url("weather", &source, &values, &mut problems), "{problems:?}");
    assert_eq!(
        templates.render_url("weather", &values).unwrap(),
        "https://a.example/a%2F..%2Fb%3Fc%23d%25%C3%A9%20%E4%BD%A0?q=x%26y%3Dz&u=c"
    );
}

#[test]
fn the_name_of_a_template_does_not_change_what_it_says() {
    let (mut templates, mut problems) = (Templates::new(), Problems::new());
    let values = Values::sample(&bot()).text("text", "a < b & c");
    assert!(templates.add(
        "/x.html",
        &At::nowhere("{{ text }}".to_owned()),
        &values,
        &mut problems
    ));
    assert_eq!(templates.render("/x.html", &values).unwrap(), "a < b & c");
}

#[test]
fn a_template_that_is_one_value_keeps_its_type() {
    let mut templates = Templates::new();
    let values =
        Values::sample(&bot()).parts("args", [("n", Some(3.into())), ("all", Some(true.into()))]);
    for (source, expected) in [
        ("{{ args.n }}", serde_json::json!(3)),
        (" {{- args.all -}} ", serde_json::json!(true)),
        ("{{ [args.n, 'x'] }}", serde_json::json!([3, "x"])),
        ("{{ args.n }} km", serde_json::json!("3 km")),
        ("{{ args.n }}{{ args.n }}", serde_json::json!("33")),
        ("3", serde_json::json!("3")),
    ] {
        let mut problems = Problems::new();
        assert!(templates.add("x", &At::nowhere(source.to_owned()), &values, &mut problems));
        assert_eq!(templates.render_json("x", &values).unwrap(), expected, "{source}");
    }
}

#[test]
fn a_part_that_there_never_is_is_refused_and_one_that_is_not_there_this_time_is_missing() {
    let (mut templates, mut problems) = (Templates::new(), Problems::new());
    let parts = |note: Option<&str>| {
        let parts = [("city", Some("Paris".into())), ("note", note.map(Into::into))];
        Values::sample(&bot()).parts("args", parts)
    };
    let source = |text: &str| At::new(text.to_owned(), Span { start: 0, end: text.len() });
    assert!(!templates.add("x", &source("{{ args.ctiy }}"), &parts(Some("")), &mut problems));
    let problem = problems.into_iter().next().unwrap();
    assert_eq!(problem.message, "there is no variable `args.ctiy` here");
    assert_eq!(problem.hint.as_deref(), Some("did you mean `args.city`?"));
    let mut problems = Problems::new();
    assert!(templates.add(
        "x",
        &source("{{ args.city }}{{ args.note }}"),
        &parts(Some("!")),
        &mut problems
    ));
    assert_eq!(templates.render("x", &parts(Some("!"))).unwrap(), "Paris!");
    let error = templates.render("x", &parts(None)).unwrap_err();
    assert!(matches!(error, RenderError::Missing { variable, .. } if variable == "args.note"));
    assert!(templates.add("x", &source("{{ args|length }}"), &parts(None), &mut problems));
    let none = Values::sample(&bot()).parts("args", []);
    assert!(!templates.add("y", &source("{{ args.city }}"), &none, &mut problems));
    let hint = problems.into_iter().next().unwrap().hint.unwrap();
    assert!(hint.starts_with("there are `message.text`"), "{hint}");
}

#[test]
fn what_is_filled_in_cannot_make_a_rendering_endless_or_huge() {
    let render = |template: &str, items: usize, title: &str| {
        let (mut problems, mut templates) = (Problems::new(), Templates::new());
        let body = serde_json::json!({ "items": vec![1; items], "title": title });
        let values = Values::of_bot(&bot()).json("body", &body);
        let source = At::new(template.to_owned(), Span { start: 0, end: template.len() });
        let empty = Values::of_bot(&bot()).json("body", &serde_json::json!({}));
        assert!(templates.add("hook", &source, &empty, &mut problems), "{problems:?}");
        templates.render("hook", &values)
    };
    let pairs = "{% for a in body.items %}{% for b in body.items %}{% endfor %}{% endfor %}.";
    assert_eq!(render(pairs, 100, "").unwrap(), ".");
    let error = render(pairs, 10_000, "").unwrap_err().to_string();
    let expected = "the template of hook failed on line 1: it takes more than 1000000 steps";
    assert_eq!(error, expected);
    let titles = "{% for a in body.items %}{{ body.title }}{% endfor %}";
    let error = render(titles, 1_000, &"x".repeat(10_000)).unwrap_err().to_string();
    let expected = "the template of hook failed on line 1: more than 4194304 bytes come out";
    assert_eq!(error, expected);
    assert_eq!(render(titles, 400, &"x".repeat(10_000)).unwrap().len(), 4_000_000);
}
