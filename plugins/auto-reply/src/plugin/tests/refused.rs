use super::*;

/// Keys that must be refused: the part of the text that the problem points at, what it says, and the hint.
#[track_caller]
fn refused(text: &str, expected: (&str, &str, Option<&str>)) {
    let (plugin, problems) = build(text);
    assert!(plugin.is_none());
    point(text, &problems, expected);
}

#[track_caller]
fn point(text: &str, problems: &Problems, expected: (&str, &str, Option<&str>)) {
    let problems: Vec<_> = problems.iter().collect();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    let span = problem.span.unwrap();
    let mut part = text.get(span.start..span.end).unwrap();
    if let Some(inside) = &problem.inside {
        part = part.get(inside.start + 1..inside.end + 1).unwrap();
    }
    assert_eq!((part, problem.message.as_str(), problem.hint.as_deref()), expected);
}

#[test]
fn what_can_never_work_is_refused_with_the_place() {
    refused("rule = []", ("", "there are no rules", Some("add a `[[bot.plugin.rule]]`")));
    refused(
        "[[rule]]\nreply = 'x'\n",
        ("[[rule]]", "the rule has no condition", Some("`regex = \"\"` matches every text")),
    );
    refused(
        "[[rule]]\nregex = '你好(x'\nreply = 'x'\n",
        ("(", "no regular expression: unclosed group", None),
    );
    refused(
        "[[rule]]\nregex = '\\p{Foo}'\nreply = 'x'\n",
        ("\\p{Foo}", "no regular expression: Unicode property not found", None),
    );
    refused(
        "[[rule]]\nregex = '(\\w{100}){100}'\nreply = 'x'\n",
        (
            "'(\\w{100}){100}'",
            "the regular expression takes more than 1048576 bytes when compiled",
            Some("repeat less, or write `(?-u)` before `\\w` and `\\d`"),
        ),
    );
    refused(
        "[[rule]]\nregex = '(?<bot>x)'\nreply = 'x'\n",
        (
            "'(?<bot>x)'",
            "the group `bot` would hide the variable of this name",
            Some("give the group another name"),
        ),
    );
    refused(
        "[[rule]]\nregex = '(?<city>.+)'\nreply = '{{ ciyt }}'\n",
        ("ciyt", "there is no variable `ciyt` here", Some("did you mean `city`?")),
    );
}

#[test]
fn a_bad_expression_does_not_hide_a_bad_template() {
    let (plugin, problems) = build("[[rule]]\nregex = '(unclosed'\nreply = '{{ text }'\n");
    assert!(plugin.is_none());
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_word_border_that_chinese_does_not_have_is_worth_a_notice() {
    for pattern in [r"\\\bhello", r"\d\bhello"] {
        let text = format!("[[rule]]\nregex = '{pattern}'\nreply = 'x'\n");
        let (plugin, problems) = build(&text);
        assert!(plugin.is_some());
        point(
            &text,
            &problems,
            (
                "\\b",
                "`\\b` sees no border between a Chinese character and a letter, and is slow",
                Some("write `(?-u:\\b)`, for which only ASCII letters, digits and `_` make words"),
            ),
        );
    }
    plugin("[[rule]]\nregex = '(?-u:\\b)hello(?-u:\\b)'\nreply = 'x'\n");
    plugin("[[rule]]\nregex = '\\\\b'\nreply = 'x'\n");
}

#[test]
fn conditions_that_cannot_hold_are_refused_with_the_place() {
    let rule = "[[rule]]\nregex = ''\nreply = 'x'\n";
    refused(
        &format!("{rule}in = ['grup']\n"),
        (
            "'grup'",
            "must be `user`, `group`, `room`, or one of them as in `group:ID`",
            Some("did you mean `group`?"),
        ),
    );
    refused(
        &format!("{rule}body = ['text', 'image']\n"),
        (
            "['text', 'image']",
            "the rule looks for a text, which image messages do not have",
            Some("make a rule of its own for them"),
        ),
    );
    let how =
        "write it as `mon-fri 09:00-18:00`, `sat,sun`, `22:00-06:00` or `2026-10-01..2026-10-07`";
    refused(
        &format!("time_zone = 'UTC'\n{rule}when = ['sat', 'mon-fry 10:00-11:00']\n"),
        ("mon-fry", "there is no day `fry`", Some(how)),
    );
    refused(
        &format!("{rule}not_when = 'sat'\n"),
        (
            "'sat'",
            "it is not said in which time zone this is meant",
            Some("add `time_zone = \"Asia/Shanghai\"` or the like to the plugin"),
        ),
    );
    refused(
        &format!("time_zone = 'Asia/Shangai'\n{rule}"),
        (
            "'Asia/Shangai'",
            "there is no time zone `Asia/Shangai`",
            Some("did you mean `Asia/Shanghai`?"),
        ),
    );
    refused(&format!("{rule}cooldown_secs = 0\n"), ("0", "must be 1 to 604800 seconds", None));
    refused(
        &format!("{rule}delay_ms = 10001\n"),
        ("10001", "must be 0 to 10000 milliseconds", None),
    );
    refused(
        &format!("{rule}[takeover]\nown_devices = false\n"),
        (
            "[takeover]",
            "nobody can take a conversation over",
            Some("name users in `agents`, or leave `own_devices` on"),
        ),
    );
}

#[test]
fn answers_that_cannot_be_sent_are_refused_with_the_place() {
    let rule = "[[rule]]\nregex = ''\n";
    refused(rule, ("[[rule]]", "the rule has no answer", Some("add `reply`, or an `answer`")));
    refused(
        &format!("{rule}reply = 'x'\nanswer = [{{ text = 'y' }}]\n"),
        (
            "{ text = 'y' }",
            "a rule has `reply` or `answer`",
            Some("write the text as `text` of the answer"),
        ),
    );
    refused(&format!("{rule}answer = [{{}}]\n"), ("{}", "the answer is empty", None));
    let answer = |answer: &str| format!("{rule}answer = [{{ {answer} }}]\n");
    refused(
        &answer("location = { latitude = 91, longitude = 0 }"),
        ("91", "must be -90 to 90 degrees", None),
    );
    refused(
        &answer("location = { latitude = 0.0, longitude = nan }"),
        ("nan", "must be -180 to 180 degrees", None),
    );
    refused(
        &answer("custom = { event = 'my card' }"),
        ("'my card'", "must be 1 to 32 of `a-z A-Z 0-9 - _ / .`", None),
    );
    refused(
        &answer("custom = { event = 'card', exts = { to = '{{ ciyt }}' } }"),
        (
            "ciyt",
            "there is no variable `ciyt` here",
            Some(
                "there are `message.text`, `message.from`, `message.conversation`, `message.id`, `message.time`, `message.ext`, `bot`, `bot.name`, `bot.user`",
            ),
        ),
    );
    refused(
        &answer("combine = { title = 'x', message = [] }"),
        ("[]", "must have 1 to 300 messages", None),
    );
}

#[test]
fn files_that_cannot_be_sent_are_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), "hello").unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let check = |answer: &str, part: &str, expected: &str| {
        let text = format!("[[rule]]\nregex = ''\nanswer = [{{ {answer} }}]\n");
        let (plugin, problems) = build_in(folder.path(), &text);
        assert!(plugin.is_none());
        let problem = problems.iter().next().unwrap();
        let span = problem.span.unwrap();
        assert_eq!(text.get(span.start..span.end), Some(part));
        assert!(problem.message.starts_with(expected), "{problem:?}");
    };
    check("image = 'missing.png'", "'missing.png'", "the file cannot be read: No such file");
    check("image = 'notes.txt'", "'notes.txt'", "the file is no PNG, JPEG, GIF or WebP picture");
    check("file = 'empty'", "'empty'", "the file is empty");
    check("file = '.'", "'.'", "the file cannot be read: Is a directory");
}

#[test]
fn a_name_that_no_user_can_have_is_worth_a_notice() {
    for (key, part) in [
        ("from = ['bob', 'user:eve']", "'user:eve'"),
        ("not_from = 'Other Bot'", "'Other Bot'"),
        ("takeover = { agents = ['amy@example.org'] }", "'amy@example.org'"),
    ] {
        let rule = "regex = ''\nreply = 'x'\n";
        let text = match key.starts_with("takeover") {
            true => format!("{key}\n[[rule]]\n{rule}"),
            false => format!("[[rule]]\n{rule}{key}\n"),
        };
        let (plugin, problems) = build(&text);
        assert!(plugin.is_some());
        let message = format!("no user can be called `{}`", part.trim_matches('\''));
        let hint = Some("write the bare name, of letters, digits and `_-.`");
        point(&text, &problems, (part, &message, hint));
    }
}
