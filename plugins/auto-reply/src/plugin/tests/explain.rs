use easebot_plugin::Verdict;

use super::*;

/// What `plugin` would do with a text of bob in `to`, on Sunday evening.
fn explain(plugin: &AutoReply, (to, from): (&str, &str), body: impl Into<Body>) -> Explanation {
    let (id, time) = (MessageId(1), Timestamp(SUNDAY));
    let message = Message::new(id, to.parse().unwrap(), from.into(), time, body.into());
    let bot = BotInfo {
        name: "concierge".to_owned(),
        user: "concierge".into(),
        app_key: "easebot#demo".parse().unwrap(),
    };
    plugin.explain(&Event::Message(Box::new(message)), &bot)
}

#[test]
fn each_rule_says_why_it_takes_a_message_or_not() {
    let plugin = plugin(
        "time_zone = 'Asia/Shanghai'
[[rule]]
contains = 'price'
reply = 'x'
[[rule]]
contains = 'hello'
in = ['group']
reply = 'x'
[[rule]]
contains = 'hello'
when = 'mon-fri'
reply = 'x'
[[rule]]
contains = 'hello'
cooldown_secs = 60
quote = true
answer = [{ text = 'hi, {{ message.from }}', location = { latitude = 1, longitude = 2 } }]
[[rule]]
regex = ''
reply = 'what?'
",
    );
    let explanation = explain(&plugin, ("user:bob", "bob"), "hello");
    assert_eq!(explanation.verdict, Verdict::Takes);
    assert_eq!(explanation.reason, "rule 4 holds for it");
    let rules: Vec<_> = explanation
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule.verdict, rule.reason.as_str()))
        .collect();
    let expected = [
        ("rule 1", Verdict::Leaves, "the text holds none of `contains`"),
        ("rule 2", Verdict::Leaves, "it does not hold in user:bob"),
        ("rule 3", Verdict::Leaves, "it holds only at the time `mon,tue,wed,thu,fri`"),
        ("rule 4", Verdict::Takes, "it holds for the message"),
        ("rule 5", Verdict::Leaves, "rule 4 is tried before it"),
    ];
    assert_eq!(rules, expected);
    assert_eq!(explanation.says, ["hi, bob", "[location 1 2]"]);
    let depends =
        "rule 4 has not answered in user:bob in the last 60 s, or the next one that holds does";
    assert_eq!(explanation.depends_on, [depends]);
}

#[test]
fn who_would_be_answered_by_all_rules_hears_all_of_them() {
    let plugin = plugin(
        "match = 'all'\n[[rule]]\nregex = 'a'\nreply = '1'\n[[rule]]\nregex = 'b'\nreply = '2'\n[[rule]]\nregex = 'a'\nreply = ['3', '3']\n",
    );
    let explanation = explain(&plugin, ("user:bob", "bob"), "a");
    assert_eq!(explanation.reason, "rule 1, rule 3 hold for it");
    assert_eq!(explanation.says, ["1", "3"]);
    let chance = "chance: rule 3 has 2 answers, of which this message gets this one";
    assert_eq!(explanation.depends_on, [chance]);
    let explanation = explain(&plugin, ("user:bob", "bob"), "c");
    assert_eq!(
        (explanation.verdict, &*explanation.reason),
        (Verdict::Leaves, "no rule holds for it")
    );
}

#[test]
fn a_takeover_is_told() {
    let plugin = plugin(&format!("{GREETING}[takeover]\nagents = ['amy']\nresume = '#bot'\n"));
    let reason = |place, text: &str| explain(&plugin, place, text).reason;
    assert_eq!(
        reason(("group:1", "amy"), "hello"),
        "a person takes group:1 over: the rules are silent there for 30 min"
    );
    assert_eq!(reason(("group:1", "amy"), "#bot"), "a person gives group:1 back to the rules");
    assert_eq!(
        reason(("user:bob", "concierge"), "hello"),
        "a person takes user:bob over: the rules are silent there for 30 min"
    );
    let explanation = explain(&plugin, ("group:1", "bob"), "hello");
    assert_eq!(explanation.verdict, Verdict::Takes);
    assert_eq!(explanation.depends_on, ["no person has taken group:1 over in the last 30 min"]);
}

#[test]
fn what_fails_and_what_is_not_wanted_is_told() {
    let plugin = plugin("[[rule]]\nregex = ''\nreply = '{{ message.ext.lang }}'\n");
    let explanation = explain(&plugin, ("user:bob", "bob"), "hello");
    let fails = "it fails: the template of rule#1 uses a value that is missing on line 1: `message.ext.lang`";
    assert_eq!(explanation.depends_on, [fails]);
    let image = explain(&plugin, ("user:bob", "bob"), Body::Image(Box::default()));
    assert_eq!(image.reason, "it does not want image messages");
}
