use std::{collections::BTreeSet, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use easebot_model::{
    Attachment, Body, Combine, Conversation, Event, File as FileBody, Image, Message, MessageId,
    Timestamp,
};
use easebot_plugin::{
    BuildEnv, Plugin, PluginTable, Problems,
    testing::{Bench, Served},
};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{Archive, FILE_NAME};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nmeow";
const HOSTILE: &str = "<script>alert(1)</script> & \"'\u{7} **bold** [x](javascript:alert(1))\n# no heading\n1. no list";
const NAME: &str = "../../\"><img src=x onerror=alert(1)>.svg";

fn message(id: u64, body: Body) -> Message {
    let place = Conversation::user("bob");
    Message::new(MessageId(id), place, "bob".into(), Timestamp(1_795_321_062_000), body)
}

fn at(url: &str) -> Attachment {
    Attachment { url: url.to_owned(), name: Some(NAME.to_owned()), ..Attachment::default() }
}

/// An archive with a hostile text, in it a picture, a page that calls itself a picture, and a file that is lost.
async fn archive() -> (TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::new();
    bench.set_folder(folder.path());
    let app_key = "easebot#demo".parse().unwrap();
    let env = BuildEnv::new("archive", "concierge", "concierge".into(), app_key, ".");
    let mut problems = Problems::new();
    let table = PluginTable::parse("", &mut problems).unwrap();
    let plugin: Archive = table.build(&env, &mut problems).unwrap();
    let env = bench.env(&plugin).unwrap();
    plugin.start(&env).await.unwrap();
    bench.serve("png", Served::File(PNG.to_vec()));
    bench.serve("svg", Served::File(b"<svg onload='alert(1)'>".to_vec()));
    let image = |url| Body::Image(Box::new(Image { attachment: at(url), ..Image::default() }));
    let lost = Body::File(Box::new(FileBody { attachment: at("lost") }));
    let combine = |url: &str| {
        let attachment = Attachment { url: url.to_owned(), ..Attachment::default() };
        Body::Combine(Box::new(Combine {
            attachment,
            title: HOSTILE.to_owned(),
            ..Combine::default()
        }))
    };
    let inside = [image("png"), image("svg"), lost].map(|body| message(0, body));
    bench.serve("inner", Served::Messages(inside.to_vec()));
    let outer = [Body::text(HOSTILE), combine("inner")].map(|body| message(0, body));
    bench.serve("outer", Served::Messages(outer.to_vec()));
    let event = Event::Message(Box::new(message(7, combine("outer"))));
    bench.event(&plugin, &event).await.unwrap();
    let path = folder.path().join("archive").join(FILE_NAME);
    let is_done = || {
        let list = Reader::open(&path).unwrap().list(&Filter::default(), 1).unwrap();
        (list[0].n_files, list[0].n_lost) == (2, 1)
    };
    let works = async {
        while !is_done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = plugin.run(&env) => panic!("{ended:?}"),
        () = works => {}
    }
    plugin.stop().await;
    let reader = Reader::open(&path).unwrap();
    (folder, reader)
}

fn exported(reader: Reader, format: ExportFormat) -> (String, Exported) {
    let mut out = Vec::new();
    let exported = export(&[reader], &Filter::default(), format, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), exported)
}

/// The names of all files below `folder`.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let inside = if path.is_dir() { files(&path) } else { [path].into() };
        found.extend(inside);
    }
    found
}

/// The tags of a page with their attributes' names, checked to be closed where they have to be.
fn tags(page: &str) -> BTreeSet<String> {
    let (_, body) = page.split_once("<body>").unwrap();
    let mut found = BTreeSet::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains(['"', '\'']), "{text}");
        let quoted: Vec<&str> = tag.split('"').step_by(2).collect();
        let names = quoted.iter().flat_map(|text| text.split_whitespace());
        found.extend(names.map(|name| name.trim_end_matches('=').to_owned()));
    }
    found
}

#[tokio::test]
async fn a_page_shows_what_is_hostile_and_holds_nothing_of_it() {
    let (_folder, reader) = archive().await;
    let (page, counts) = exported(reader, ExportFormat::Html);
    assert_eq!(counts, Exported { n_messages: 1, n_files: 2, n_missing: 1 });
    let expected = [
        "/a", "/article", "/bdi", "/b", "/body", "/details", "/div", "/h1", "/header", "/html",
        "/p", "/summary", "/time", "a", "alt", "article", "b", "bdi", "br", "class", "datetime",
        "details", "dir", "div", "download", "h1", "header", "href", "img", "open", "p", "src",
        "summary", "time",
    ];
    assert_eq!(tags(&page), expected.map(str::to_owned).into());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;&#39; **bold**"));
    assert!(page.contains(&format!("src=\"data:image/png;base64,{}\"", STANDARD.encode(PNG))));
    assert!(
        page.contains("href=\"data:application/octet-stream;base64,"),
        "SVG is no picture here"
    );
    assert!(page.contains("lost: there is no such file"));
    assert_eq!(page.matches("<article").count(), 6, "the whole tree");
    assert!(page.contains("datetime=\"2026-11-22T04:17:42Z\""));
}

#[tokio::test]
async fn beside_a_page_stand_its_files_under_names_that_nobody_has_chosen() {
    let (_folder, reader) = archive().await;
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("out");
    let readers = [reader];
    for _ in 0..2 {
        let filter = Filter::default();
        let exported = export_into(&readers, &filter, ExportFormat::Html, &folder).unwrap();
        assert_eq!((exported.n_files, exported.n_missing), (2, 1));
    }
    let page = fs::read_to_string(folder.join("archive.html")).unwrap();
    let names = files(above.path());
    assert_eq!(names.len(), 3, "{names:?}");
    let png =
        names.iter().find(|name| name.extension().is_some_and(|ending| ending == "png")).unwrap();
    assert_eq!(fs::read(png).unwrap(), PNG);
    let link = format!("src=\"media/{}\"", png.file_name().unwrap().to_string_lossy());
    assert!(page.contains(&link) && !page.contains("base64"));
    assert!(names.iter().any(|name| name.extension().is_some_and(|ending| ending == "bin")));
}

#[tokio::test]
async fn a_line_of_json_holds_the_tree_and_where_the_files_are() {
    let (_folder, reader) = archive().await;
    let above = tempfile::tempdir().unwrap();
    export_into(&[reader], &Filter::default(), ExportFormat::Jsonl, above.path()).unwrap();
    let text = fs::read_to_string(above.path().join("archive.jsonl")).unwrap();
    let [line] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["bot"], &line["id"]), (&"concierge".into(), &"7".into()));
    assert_eq!(line["messages"][0]["text"], HOSTILE);
    let file = &line["messages"][1]["messages"][0]["files"][0];
    let path = above.path().join(file["path"].as_str().unwrap());
    assert_eq!((fs::read(path).unwrap(), &file["name"]), (PNG.to_vec(), &NAME.into()));
    let lost = &line["messages"][1]["messages"][2]["files"][0];
    assert_eq!((&lost["state"], lost.get("path")), (&"lost".into(), None));
}

#[tokio::test]
async fn markdown_quotes_the_levels_and_escapes_the_marks() {
    let (_folder, reader) = archive().await;
    let (text, counts) = exported(reader, ExportFormat::Markdown);
    assert_eq!(counts.n_messages, 1);
    for line in [
        "# concierge",
        "**bob** in user:bob, 2026-11-22 04:17:42",
        "> \\<script\\>alert(1)\\</script\\> \\& \"'  \\*\\*bold\\*\\* \\[x\\](javascript:alert(1))\\",
        "> \\# no heading\\",
        "> 1\\. no list",
        "> > (lost: there is no such file)",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nin\n{text}");
    }
}

proptest! {
    #[test]
    fn no_text_leaves_its_place_in_a_page(text in "(\\PC|[<>&\"'\\x00-\\x1f]){0,80}") {
        let safe = html::safe(&text);
        let is_hostile = |c: char| matches!(c, '<' | '>' | '"' | '\'') || (c.is_control() && c != '\n' && c != '\t');
        prop_assert!(!safe.chars().any(is_hostile), "{}", safe);
    }
}
