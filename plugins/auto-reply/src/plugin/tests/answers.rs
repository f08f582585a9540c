use std::time::Duration;

use easebot_model::{Attach, FileSource};
use tokio::time::Instant;

use super::*;

/// The smallest PNG there is.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR";

fn drafts(answer: &Answer) -> Vec<&Draft> {
    let drafts = answer.sent.iter().map(|outgoing| match &outgoing.act {
        Act::Message(draft) => &**draft,
        other => panic!("{other:?}"),
    });
    drafts.collect()
}

#[tokio::test]
async fn an_answer_can_be_more_than_a_text() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("menu.png"), PIXEL).unwrap();
    std::fs::write(folder.path().join("价目表.pdf"), "%PDF").unwrap();
    let text = "
[[rule]]
regex = '^menu (?<day>.+)$'
quote = true
ext   = { lang = 'en' }
  [[rule.answer]]
  text     = 'The menu of {{ day }}'
  image    = 'menu.png'
  file     = '价目表.pdf'
  location = { latitude = 31, longitude = 121.5, address = '1 Bund' }
  custom   = { event = 'menu', exts = { day = '{{ day }}', by = '{{ bot }}' } }
    [rule.answer.combine]
    title = 'Menus of {{ day }}'
    message = [{ text = 'soup' }, { text = ' ' }, { from = 'amy', text = '{{ day }}!' }]
";
    let (plugin, problems) = build_in(folder.path(), text);
    assert!(problems.is_empty(), "{problems:?}");
    let answer = Bench::new().text(&plugin.unwrap(), "bob", "menu monday").await.unwrap();
    let drafts = drafts(&answer);
    let [text, image, file, location, custom, combine] = &drafts[..] else { panic!("{drafts:?}") };
    assert_eq!(text.body.as_text(), Some("The menu of monday"));
    let path = |name: &str| Some(Attach::File(FileSource::Path(folder.path().join(name))));
    assert_eq!((image.body.kind().as_str(), &image.attach), ("image", &path("menu.png")));
    assert_eq!(file.attach, path("价目表.pdf"));
    assert_eq!(file.body.attachment().unwrap().name.as_deref(), Some("价目表.pdf"));
    let Body::Location(place) = &location.body else { panic!("{location:?}") };
    assert_eq!((place.latitude, place.longitude, &*place.address), (31.0, 121.5, "1 Bund"));
    let Body::Custom(card) = &custom.body else { panic!("{custom:?}") };
    assert_eq!(card.event, "menu");
    assert_eq!(card.exts.get("day"), Some(&ExtValue::from("monday")));
    assert_eq!(card.exts.get("by"), Some(&ExtValue::from("concierge")));
    let Body::Combine(body) = &combine.body else { panic!("{combine:?}") };
    assert_eq!(
        (&*body.title, &*body.summary),
        ("Menus of monday", "concierge: soup\namy: monday!")
    );
    let Some(Attach::Messages(messages)) = &combine.attach else { panic!("{combine:?}") };
    let said: Vec<_> = messages.iter().map(|it| (it.from.as_str(), it.text())).collect();
    assert_eq!(said, [("concierge", "soup"), ("amy", "monday!")]);
    assert!(drafts.iter().all(|draft| draft.ext.get("lang") == Some(&ExtValue::from("en"))));
    let quotes: Vec<_> = drafts.iter().map(|draft| draft.ext.get("msgQuote").is_some()).collect();
    assert_eq!(
        quotes,
        [true, false, false, false, false, false],
        "the first one shows the question"
    );
}

#[tokio::test]
async fn of_several_replies_one_is_said_by_chance_and_the_same_to_the_same_message() {
    let plugin = plugin("[[rule]]\nregex = ''\nreply = ['a', 'b', 'c']\n");
    let bench = Bench::new();
    let hear = async |time| {
        let answer = hear(&bench, &plugin, ("user:bob", "bob", time), "hello").await;
        answer.texts().concat()
    };
    let mut said = Vec::new();
    for time in 0..60 {
        said.push(hear(time).await);
        assert_eq!(hear(time).await, said[said.len() - 1]);
    }
    for reply in ["a", "b", "c"] {
        assert!(said.iter().filter(|said| *said == reply).count() > 8, "{said:?}");
    }
}

#[tokio::test]
async fn an_error_names_which_of_the_templates_failed() {
    let fails = "{{ message.ext.lang }}";
    let plugin = plugin(&format!(
        "[[rule]]\nequals = 'a'\nreply = ['{fails}', '{fails}']\n[[rule]]\nregex = ''\nanswer = [{{ text = 'x', custom = {{ event = 'c', exts = {{ l = '{fails}' }} }} }}]\n"
    ));
    let bench = Bench::new();
    let error = bench.text(&plugin, "bob", "b").await.unwrap_err().chain();
    assert!(error.starts_with("the template of rule#2.answer#1.custom.l uses a value"), "{error}");
    let error = bench.text(&plugin, "bob", "a").await.unwrap_err().chain();
    assert!(error.starts_with("the template of rule#1.reply#"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_bot_seems_to_write_for_a_while_but_not_for_ever() {
    let rule = |text| format!("[[rule]]\nregex = ''\ndelay_ms = 6000\nreply = '{text}'\n");
    let plugin = plugin(&format!("match = 'all'\n{}{}{}", rule("a"), rule("b"), rule("c")));
    let begun = Instant::now();
    let answer = Bench::new().text(&plugin, "bob", "hello").await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
    assert_eq!(answer.texts(), ["a", "b", "c"]);
    assert!(answer.typing.len() > 2, "shown again every 5 s: {:?}", answer.typing);
}

#[tokio::test(start_paused = true)]
async fn without_typing_the_delay_is_silent() {
    let plugin = plugin("typing = false\n[[rule]]\nregex = ''\ndelay_ms = 500\nreply = 'a'\n");
    let begun = Instant::now();
    let answer = Bench::new().text(&plugin, "bob", "hello").await.unwrap();
    assert_eq!((begun.elapsed(), answer.typing.len()), (Duration::from_millis(500), 0));
}
