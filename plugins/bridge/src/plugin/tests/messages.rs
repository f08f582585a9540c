//! What is said on the other sides.

use easebot_model::{
    Attach, Attachment, Combine, Custom, File, FileSource, Image, Location, Size, UserId,
};
use easebot_plugin::{SendError, rest::testing::Script, testing::Served};

use super::*;

#[tokio::test]
async fn what_is_said_on_one_side_is_said_once_on_each_other_with_who_said_it() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    for n_said in [2, 0] {
        let said = hears(&bench, &bridge, message(7, "group:1001", "bob", "hi {{ x }}")).await;
        assert_eq!(said.len(), n_said, "{said:?}");
        if n_said > 0 {
            assert_eq!(
                words(&said),
                ["concierge user:ann: [bob] hi {{ x }}", "porter group:2002: [bob] hi {{ x }}"]
            );
            assert_eq!(ext(&said[0]).get(MARK), Some(&"7".into()));
            assert_eq!(ext(&said[0]).len(), 1);
        }
    }
    let said = hears(&bench, &bridge, message(8, "user:ann", "ann", "yes")).await;
    assert_eq!(words(&said), ["concierge group:1001: [ann] yes", "porter group:2002: [ann] yes"]);
}

#[tokio::test]
async fn what_bots_and_bridges_say_goes_no_further() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let app_key = bench.env(&bridge).unwrap().bot().app_key.clone();
    bench.add_bot(BotInfo { name: "clerk".to_owned(), user: "clerk7".into(), app_key });
    let marked = Message {
        ext: [(MARK, "5")].into_iter().collect(),
        ..message(1, "group:1001", "bob", "[ann] hi")
    };
    for (silent, why) in [
        (marked, "another bridge said it"),
        (message(2, "group:1001", "clerk7", "hi"), "another bot of the app said it"),
        (message(3, "group:1002", "bob", "hi"), "no side is there"),
        (message(4, "group:2002", "bob", "hi"), "that side is another bot's"),
        (message(5, "group:1001", "bob", Body::Cmd { action: "x".to_owned() }), "a command"),
        (message(6, "group:1001", "concierge", "hi"), "the bot itself, on another device"),
    ] {
        assert!(hears(&bench, &bridge, silent).await.is_empty(), "{why}");
    }
    let said = hears(&bench, &bridge, message(7, "group:1001", "gate", "hi")).await;
    assert_eq!(said.len(), 2, "a user of this app who is called as a bot of another one");
}

#[tokio::test]
async fn one_way_is_one_way() {
    let text =
        "[[side]]\ngroup = '1'\ndirection = 'from'\n[[side]]\ngroup = '2'\ndirection = 'to'\n";
    let (bench, bridge) = (bench(), bridge(text));
    let said = hears(&bench, &bridge, message(1, "group:1", "bob", "there")).await;
    assert_eq!(words(&said), ["concierge group:2: [bob] there"]);
    assert!(hears(&bench, &bridge, message(2, "group:2", "bob", "back")).await.is_empty());
}

#[tokio::test]
async fn the_same_group_of_two_bots_of_one_app_is_one_place() {
    let text = "[[side]]\ngroup = '1'\n[[side]]\nbot = 'clerk'\ngroup = '1'\n[[side]]\nbot = 'porter'\ngroup = '1'\n";
    let (bench, bridge) = (bench(), bridge(text));
    let app_key = bench.env(&bridge).unwrap().bot().app_key.clone();
    bench.add_bot(BotInfo { name: "clerk".to_owned(), user: "clerk".into(), app_key });
    let said = hears(&bench, &bridge, message(1, "group:1", "bob", "hi")).await;
    assert_eq!(words(&said), ["porter group:1: [bob] hi"], "a group of the other app");
}

#[tokio::test]
async fn a_template_says_what_it_is_told_to_and_nothing_if_nothing_comes_out() {
    let text = "template = '''{% if kind == 'text' and text != 'hush' %}{{ side }} | {{ name }} | {{ text }} | {{ message.id }}{% endif %}'''\n";
    let (bench, bridge) = (bench(), bridge(&format!("{text}{SIDES}")));
    let said = hears(&bench, &bridge, message(7, "group:1001", "bob", "hi")).await;
    assert_eq!(words(&said)[0], "concierge user:ann: group:1001 | bob | hi | 7");
    assert!(hears(&bench, &bridge, message(8, "group:1001", "bob", "hush")).await.is_empty());
    let place = Body::Location(Location::default());
    let said = hears(&bench, &bridge, message(9, "group:1001", "bob", place)).await;
    assert_eq!(
        words(&said)[0],
        "concierge user:ann: location",
        "what is no text goes all the same"
    );
}

#[tokio::test]
async fn with_nicknames_people_are_called_as_their_profile_says() {
    let (bench, bridge) = (bench(), bridge(&format!("nicknames = true\n{SIDES}")));
    bench.answer_calls(|_, _| {
        Script::ok(&serde_json::json!({ "data": { "u_17": { "nickname": "老王" } } }))
    });
    let said = hears(&bench, &bridge, message(7, "group:1001", "u_17", "hi")).await;
    assert_eq!(words(&said)[0], "concierge user:ann: [老王] hi");
    let said = hears(&bench, &bridge, message(8, "group:1001", "u_18", "hi")).await;
    assert_eq!(words(&said)[0], "concierge user:ann: [u_18] hi");
}

#[tokio::test]
async fn filters_choose_by_text_kind_and_sender() {
    let text = "
        [[only]]
        contains = ['ship', '发货']
        [[only]]
        kinds = ['location']
        [[except]]
        regex = '(?i)^secret'
        from = ['Eve', 'ann']
    ";
    let (bench, bridge) = (bench(), bridge(&format!("{text}{SIDES}")));
    let place = || Body::Location(Location::default());
    let cases: [(&str, Body, bool); 7] = [
        ("bob", "it ships today".into(), true),
        ("bob", "今天发货吗".into(), true),
        ("bob", "hello".into(), false),
        ("bob", "Secret ship".into(), true),
        ("eve", "Secret ship".into(), false),
        ("eve", "ship".into(), true),
        ("eve", place(), true),
    ];
    for (id, (from, body, is_relayed)) in (1..).zip(cases) {
        let said = hears(&bench, &bridge, message(id, "group:1001", from, body)).await;
        assert_eq!(!said.is_empty(), is_relayed, "message {id}");
    }
}

fn file(url: &str, name: &str, length_bytes: Option<u64>) -> Attachment {
    let (url, name) = (url.to_owned(), Some(name.to_owned()));
    Attachment { url, name, length_bytes, secret: None }
}

#[tokio::test]
async fn a_picture_goes_up_once_more_behind_who_sent_it() {
    let (bench, bridge, folder) = (bench(), bridge(SIDES), tempfile::tempdir().unwrap());
    bench.set_folder(folder.path());
    bench.serve("u", Served::File(b"pixels".to_vec()));
    let size = Some(Size { width: 3.0, height: 2.0 });
    let image = Image {
        attachment: file("u", "../cat.png", Some(6)),
        size,
        is_gif: true,
        ..Image::default()
    };
    let said =
        hears(&bench, &bridge, message(7, "group:1001", "bob", Body::Image(Box::new(image)))).await;
    assert_eq!(
        words(&said),
        [
            "concierge user:ann: [bob] (picture)",
            "concierge user:ann: image",
            "porter group:2002: [bob] (picture)",
            "porter group:2002: image"
        ]
    );
    let copy = draft(&said[1]);
    let Body::Image(image) = &copy.body else { panic!("{copy:?}") };
    assert_eq!((image.size, image.is_gif), (size, true));
    assert_eq!(image.attachment.name.as_deref(), Some("cat.png"));
    assert_eq!(image.attachment.url, "", "it has to go up again");
    let Some(Attach::File(FileSource::Path(path))) = &copy.attach else { panic!("{copy:?}") };
    assert!(path.starts_with(folder.path()));
    assert_eq!(std::fs::read(path).unwrap(), b"pixels");
    assert_eq!(bench.fetched(), ["u"], "once for all sides");
}

#[tokio::test]
async fn a_bot_that_keeps_nothing_on_disk_holds_a_file_in_memory() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    bench.serve("u", Served::File(b"words".to_vec()));
    let body = Body::File(Box::new(File { attachment: file("u", "a.txt", None) }));
    let said = hears(&bench, &bridge, message(7, "group:1001", "bob", body)).await;
    assert_eq!(words(&said)[0], "concierge user:ann: [bob] (file: a.txt)");
    assert_eq!(draft(&said[1]).attach, Some(Attach::File(FileSource::Bytes(b"words".to_vec()))));
}

#[tokio::test(start_paused = true)]
async fn of_a_file_that_cannot_be_had_it_is_said_that_there_was_one() {
    let (bench, bridge) = (bench(), bridge(&format!("file_bytes = 5000000\n{SIDES}")));
    bench.serve("busy", Served::Busy);
    bench.serve("liar", Served::File(vec![0; 5_000_001]));
    let cases = [
        ("u", Some(5_000_001), "(file: a.txt), too large to be passed on, 5 MiB"),
        ("liar", Some(1), "(file: a.txt), which could not be passed on"),
        ("gone", Some(1), "(file: a.txt), which could not be passed on"),
        ("busy", None, "(file: a.txt), which could not be passed on"),
    ];
    for (id, (url, length_bytes, expected)) in (1..).zip(cases) {
        let body = Body::File(Box::new(File { attachment: file(url, "a.txt", length_bytes) }));
        let said = hears(&bench, &bridge, message(id, "group:1001", "bob", body)).await;
        assert_eq!(words(&said)[0], format!("concierge user:ann: [bob] {expected}"));
        assert_eq!(said.len(), 2, "{said:?}");
    }
    assert_eq!(bench.fetched(), ["liar", "gone", "busy", "busy", "busy"]);
}

#[tokio::test]
async fn places_and_messages_of_the_app_go_as_they_are_and_what_is_not_known_is_noted() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let place = Location { building: "Tower".to_owned(), ..Location::default() };
    let order = Custom { event: "order".to_owned(), ..Custom::default() };
    for (id, body, note) in [
        (1, Body::Location(place), "(place: Tower)"),
        (2, Body::Custom(order), "(custom message: order)"),
    ] {
        let said = hears(&bench, &bridge, message(id, "group:1001", "bob", body.clone())).await;
        assert_eq!(words(&said)[0], format!("concierge user:ann: [bob] {note}"));
        assert_eq!(draft(&said[3]).body, body);
    }
    let unknown = Body::Unknown(easebot_model::UnknownBody::default());
    let said = hears(&bench, &bridge, message(3, "group:1001", "bob", unknown)).await;
    assert_eq!(said.len(), 2);
    assert_eq!(words(&said)[0], "concierge user:ann: [bob] (a message that cannot be passed on)");
}

#[tokio::test]
async fn forwarded_messages_go_with_their_files_within_an_app_and_with_words_for_them_to_another() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    let picture =
        Body::Image(Box::new(Image { attachment: file("p", "p.png", None), ..Image::default() }));
    let inner = vec![message(1, "group:9", "carl", "look"), message(2, "group:9", "carl", picture)];
    bench.serve("c", Served::Messages(inner.clone()));
    let combine = |url: &str| {
        let (attachment, title) = (file(url, "combine", None), "talk".to_owned());
        Body::Combine(Box::new(Combine { attachment, title, ..Combine::default() }))
    };
    let said = hears(&bench, &bridge, message(7, "group:1001", "bob", combine("c"))).await;
    assert_eq!(words(&said)[0], "concierge user:ann: [bob] (forwarded messages: talk)");
    assert_eq!(draft(&said[1]).attach, Some(Attach::Messages(inner)));
    let Some(Attach::Messages(foreign)) = &draft(&said[3]).attach else { panic!("{said:?}") };
    assert_eq!(foreign[1].text(), "(picture)");
    let said = hears(&bench, &bridge, message(8, "group:1001", "bob", combine("gone"))).await;
    assert_eq!(said.len(), 2);
    let note = "(forwarded messages: talk), which could not be passed on";
    assert_eq!(words(&said)[0], format!("concierge user:ann: [bob] {note}"));
}

#[tokio::test]
async fn a_side_whose_bot_is_not_there_keeps_nothing_from_the_others_and_is_told_to_the_operator() {
    let (bench, bridge) = (Bench::new(), bridge(SIDES));
    let heard = event(message(7, "group:1001", "bob", "hi"));
    let error = bench.event(&bridge, &heard).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no bot `porter`");
    assert!(error.is_permanent());
    assert_eq!(words(&bench.said()), ["concierge user:ann: [bob] hi"]);
}

#[tokio::test]
async fn what_could_not_be_saved_is_tried_again() {
    let (bench, bridge) = (bench(), bridge(SIDES));
    bench.refuse(Some(SendError::NotSaved));
    let heard = event(message(7, "group:1001", "bob", "hi"));
    assert!(!bench.event(&bridge, &heard).await.unwrap_err().is_permanent());
    bench.refuse(None);
    bench.event(&bridge, &heard).await.unwrap();
    assert_eq!(bench.said().len(), 2);
}

#[tokio::test]
async fn that_somebody_writes_is_shown_if_it_is_asked_for_but_not_in_rooms() {
    let typing = |from: &str, is_typing| {
        let conversation = Conversation::group("1001");
        Event::Typing(easebot_model::Typing { conversation, from: UserId::new(from), is_typing })
    };
    let room = "[[side]]\nroom = '5'\n";
    let (bench, bridge) = (bench(), bridge(&format!("typing = true\n{SIDES}{room}")));
    for (from, is_typing) in [("bob", true), ("bob", false), ("concierge", true)] {
        bench.event(&bridge, &typing(from, is_typing)).await.unwrap();
    }
    let expected = [("concierge", "user:ann"), ("porter", "group:2002")]
        .map(|(bot, to)| (bot.to_owned(), to.parse().unwrap()));
    assert_eq!(bench.typing_as(), expected);
    let silent = super::bridge(SIDES);
    bench.event(&silent, &typing("bob", true)).await.unwrap();
    assert_eq!(bench.typing_as(), []);
}
