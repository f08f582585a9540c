//! What the pieces cost that a message goes through, each by itself.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use easebot_handler::CommandSet;
use easebot_model::Event;
use easebot_msync::decode_meta;
use easebot_msync::lz4::{Compressor, Decompressor};
use easebot_plugin::{At, Interest, Problems, Templates, Values};
use easebot_plugin_auto_reply::AutoReply;
use prost::Message as _;

use super::Setup;
use super::combine::files;
use super::commands::sets::Fifty;
use super::lz4::frames;
use super::rules::texts;
use crate::bot;
use crate::console::Console;
use crate::corpus::{Corpus, Language};
use crate::cost::cost;
use crate::report::{Section, Table, cell};
use crate::rounds;
use crate::solo::{self, Words};

/// Inputs of a piece.
const N: usize = 100;

/// A piece, with what it is measured as.
struct Piece {
    figure: &'static str,
    about: &'static str,
    measure: fn(Duration) -> anyhow::Result<f64>,
}

const PIECES: [Piece; 10] = [
    Piece { figure: "decode", about: "decode: a message from its `Meta`", measure: decode },
    Piece { figure: "encode", about: "encode: an answer to its frame", measure: encode },
    Piece {
        figure: "route",
        about: "route: interest, 50 commands and 100 rules against a message",
        measure: route,
    },
    Piece { figure: "render", about: "render: a template with two variables", measure: render },
    Piece { figure: "build", about: "combine: a message into a file of 300", measure: build },
    Piece { figure: "open", about: "combine: a message out of a file of 300", measure: open },
    Piece { figure: "compress", about: "LZ4: a frame with an answer", measure: compress },
    Piece { figure: "decompress", about: "LZ4: the same frame back", measure: decompress },
    Piece { figure: "to_json", about: "JSON: an event with a message, written", measure: to_json },
    Piece {
        figure: "hook",
        about: "JSON: a hook of 1 KB, read and said by a template",
        measure: hook,
    },
];

/// # Errors
/// If the side fails.
pub(crate) fn run(setup: &Setup) -> anyhow::Result<Section> {
    let window = setup.window(Duration::from_millis(200)).as_millis().to_string();
    let figures = PIECES.map(|piece| piece.figure);
    let all = rounds::alternate(setup.console, setup.rounds(11), &["pieces"], |_| {
        solo::run(setup, "pieces", &[&window], &figures)
    })?;
    let of = |figure| all.first().map(|it| it.of(figure)).unwrap_or_default();
    Ok(Section {
        method: "Each piece by itself, over and over, with a hundred inputs; messages have 150 to 400 bytes. CPU time of the thread, the \
                 median of batches of a millisecond, in a process that starts anew for each round. Caches are warm, so a whole path \
                 costs more than its pieces."
            .to_owned(),
        tables: vec![Table {
            title: String::new(),
            head: ["piece", "ns"].map(str::to_owned).into(),
            rows: PIECES.map(|it| vec![it.about.to_owned(), cell(&of(it.figure))]).into(),
        }],
        raw: solo::raw(&all),
        ..Section::default()
    })
}

/// # Errors
/// If a piece does not do what it is for.
pub(crate) fn side(words: &[String]) -> anyhow::Result<()> {
    let window = Words::new(words).window()?;
    let measure = |piece: &Piece| {
        let nanos = (piece.measure)(window).with_context(|| format!("piece `{}`", piece.figure))?;
        Ok((piece.figure, nanos))
    };
    let found = PIECES.iter().map(measure).collect::<anyhow::Result<Vec<_>>>()?;
    solo::tell(Console, &found)
}

/// The cost of `piece` with each of `inputs`.
fn each<T, O>(
    window: Duration,
    inputs: &[T],
    mut piece: impl FnMut(&T) -> anyhow::Result<O>,
) -> anyhow::Result<f64> {
    cost(window, inputs.len(), |n| {
        let input = inputs.get(n).context("there is no such input")?;
        black_box(piece(black_box(input))?);
        Ok(())
    })
}

fn decode(window: Duration) -> anyhow::Result<f64> {
    let (me, mut corpus) = (files::me()?, Corpus::new(1));
    let metas = (1..).take(N).map(|id| frames::meta(id, corpus.chat()).encode_to_vec().into());
    let metas: Vec<Bytes> = metas.collect();
    for meta in &metas {
        let events = decode_meta(meta, &me).into_events().into_iter().map(|(_, event)| event);
        frames::check(&events.collect::<Vec<_>>(), 1)?;
    }
    each(window, &metas, |meta| Ok(decode_meta(meta, &me)))
}

fn encode(window: Duration) -> anyhow::Result<f64> {
    let (me, app_key) = (files::me()?, bot::bot()?.app_key);
    each(window, &frames::said(N), |said| frames::write(said, 1_795_350_600_000, &me, &app_key))
}

fn route(window: Duration) -> anyhow::Result<f64> {
    let bot = bot::bot()?;
    let (interest, commands) = (Interest::messages(), CommandSet::<Fifty>::new()?);
    let rule = |n| format!("[[rule]]\n{}\nreply = 'x'\n", texts::rule(n).conditions);
    let rules = bot::plugin::<AutoReply>(&(0..100).map(rule).collect::<String>())?;
    let mut messages = texts::messages(Language::Chinese, 100);
    messages.extend(texts::messages(Language::English, 100));
    let events = messages.into_iter().map(|message| Event::Message(Box::new(message)));
    let events: Vec<Event> = events.collect();
    each(window, &events, |event| {
        ensure!(interest.wants(event, &bot.user), "a message is not wanted");
        let Event::Message(message) = event else { return Ok(Vec::new()) };
        ensure!(commands.call(message, &bot).is_none_or(|call| call.name.starts_with("office")));
        Ok(rules.rules_for(message, &bot))
    })
}

fn render(window: Duration) -> anyhow::Result<f64> {
    let (bot, mut corpus) = (bot::bot()?, Corpus::new(1));
    let templates = template("{{ message.from }}: {{ message.text }}", &Values::sample(&bot))?;
    let messages = (1..).take(N).map(|id| bot::message(id, corpus.chat()));
    let messages: Vec<_> = messages.collect();
    each(window, &messages, |message| Ok(templates.render("reply", &Values::of(message, &bot))?))
}

fn template(source: &str, sample: &Values) -> anyhow::Result<Templates> {
    let (mut templates, mut problems) = (Templates::new(), Problems::new());
    let is_added = templates.add("reply", &At::nowhere(source.to_owned()), sample, &mut problems);
    ensure!(is_added, "the template is wrong: {problems:?}");
    Ok(templates)
}

fn build(window: Duration) -> anyhow::Result<f64> {
    let (me, messages) = (files::me()?, [files::messages()]);
    Ok(each(window, &messages, |messages| files::build(messages, &me))? / files::N_MESSAGES as f64)
}

fn open(window: Duration) -> anyhow::Result<f64> {
    let me = files::me()?;
    let file = [files::build(&files::messages(), &me)?];
    Ok(each(window, &file, |file| files::open(file, &me))? / files::N_MESSAGES as f64)
}

/// Frames with an answer each, of one connection.
fn frames_up() -> anyhow::Result<Vec<Bytes>> {
    let (me, app_key) = (files::me()?, bot::bot()?.app_key);
    let said = frames::said(N);
    said.iter().zip(1..).map(|(said, id)| frames::write(said, id, &me, &app_key)).collect()
}

fn compress(window: Duration) -> anyhow::Result<f64> {
    let (mut compressor, frames) = (Compressor::default(), frames_up()?);
    cost(window, N, |n| {
        // A connection ends with its last frame: nothing is sent that was sent before.
        if n == 0 {
            compressor = Compressor::default();
        }
        let frame = frames.get(n).context("there is no such frame")?;
        black_box(compressor.compress(black_box(frame))?);
        Ok(())
    })
}

fn decompress(window: Duration) -> anyhow::Result<f64> {
    let (mut compressor, frames) = (Compressor::default(), frames_up()?);
    let packed =
        frames.iter().map(|frame| compressor.compress(frame)).collect::<Result<Vec<_>, _>>()?;
    let mut decompressor = Decompressor::default();
    cost(window, N, |n| {
        // A connection ends with its last frame.
        if n == 0 {
            decompressor = Decompressor::default();
        }
        let packed = packed.get(n).context("there is no such frame")?;
        black_box(decompressor.decompress(black_box(packed))?);
        Ok(())
    })
}

fn to_json(window: Duration) -> anyhow::Result<f64> {
    let mut corpus = Corpus::new(1);
    let events = (1..).take(N).map(|id| bot::message(id, corpus.chat()));
    let events: Vec<Event> = events.map(|message| Event::Message(Box::new(message))).collect();
    each(window, &events, |event| Ok(serde_json::to_vec(event)?))
}

fn hook(window: Duration) -> anyhow::Result<f64> {
    let (bot, mut corpus) = (bot::bot()?, Corpus::new(1));
    let mut body = |n: usize| {
        let commits: Vec<_> = (0..3)
            .map(|commit| serde_json::json!({"id": format!("{n:08x}{commit:032x}"), "message": corpus.chat()}))
            .collect();
        serde_json::json!({"project": "easebot", "state": "passed", "run": n, "commits": commits})
    };
    let bodies: Vec<Vec<u8>> = (0..N).map(|n| body(n).to_string().into_bytes()).collect();
    let values = |body: &serde_json::Value| Values::of_bot(&bot).json("body", body);
    let source = "{{ body.project }} #{{ body.run }}: {{ body.state }}{% for it in body.commits %}\n{{ it.id }} {{ it.message }}{% endfor %}";
    let templates = template(
        source,
        &values(&serde_json::from_slice(bodies.first().context("there is no body")?)?),
    )?;
    each(window, &bodies, |body| {
        let body: serde_json::Value = serde_json::from_slice(body)?;
        Ok(templates.render("reply", &values(&body))?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_can_be_measured() {
        for piece in &PIECES {
            let nanos = (piece.measure)(Duration::ZERO).unwrap();
            assert!(nanos > 0.0, "{}", piece.figure);
        }
    }
}
