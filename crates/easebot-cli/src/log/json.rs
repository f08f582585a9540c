//! Lines of JSON: `time`, `level`, `target`, `message`, `fields` and `spans`, in this order.

use std::fmt::{self, Display, Write};

use easebot_model::chain;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// A line that was said to people, without the line break.
pub(super) fn said(level: Level, text: &str) -> String {
    line(level, "easebot", &text.into(), &Map::new(), "")
}

/// The line of each event.
pub(super) struct Lines;

/// The fields of spans: `,"name":value` each, so that more can be put behind them.
pub(super) struct Fields;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Record::default();
        event.record(&mut fields);
        let message = fields.0.shift_remove("message").unwrap_or_else(|| "".into());
        let mut spans = String::new();
        for span in ctx.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let between = if spans.is_empty() { "" } else { "," };
            write!(spans, "{between}{{\"name\":{}", Value::from(span.name()))?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                spans.push_str(&fields.fields);
            }
            spans.push('}');
        }
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        writeln!(writer, "{}", line(level, target, &message, &fields.0, &spans))
    }
}

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(
        &self,
        mut writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut record = Record::default();
        fields.record(&mut record);
        record
            .0
            .iter()
            .try_for_each(|(name, value)| write!(writer, ",{}:{value}", Value::from(name.as_str())))
    }

    fn add_fields(
        &self,
        current: &'writer mut FormattedFields<Self>,
        fields: &span::Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

fn line(
    level: Level,
    target: &str,
    message: &Value,
    fields: &Map<String, Value>,
    spans: &str,
) -> String {
    let (level, target) = (level.as_str().to_lowercase(), Value::from(target));
    let (time, fields) = (now(), DisplayMap(fields));
    format!(
        r#"{{"time":"{time}","level":"{level}","target":{target},"message":{message},"fields":{fields},"spans":[{spans}]}}"#
    )
}

/// RFC 3339 in UTC, to the microsecond.
fn now() -> String {
    let mut time = String::new();
    // A clock that cannot be written down leaves it empty.
    SystemTime.format_time(&mut Writer::new(&mut time)).map_or_else(|_| String::new(), |()| time)
}

struct DisplayMap<'a>(&'a Map<String, Value>);

impl Display for DisplayMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (at, (name, value)) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { "," };
            write!(f, "{between}{}:{value}", Value::from(name.as_str()))?;
        }
        f.write_char('}')
    }
}

/// What an event or a span holds.
#[derive(Default)]
struct Record(Map<String, Value>);

impl Record {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        // A raw identifier, such as `r#type`.
        let name = field.name();
        self.0.insert(name.strip_prefix("r#").unwrap_or(name).to_owned(), value.into());
    }
}

impl Visit for Record {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, chain(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        // Milliseconds of a `Duration`; what does not fit is longer than the world is old.
        self.put(field, u64::try_from(value).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io, panic,
        sync::{Arc, Mutex},
    };

    use tracing::{error, info, info_span};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged in `work`, with the times cut out.
    fn logged(work: impl FnOnce()) -> Vec<String> {
        let page = Page::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .fmt_fields(Fields)
            .event_format(Lines)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(log.finish(), work);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let without_time = |line: &str| {
            let (time, rest) = line.strip_prefix("{\"time\":\"").unwrap().split_at(27);
            assert!(time.ends_with('Z') && time.contains('T'), "{time}");
            let parsed: Value = serde_json::from_str(line).expect(line);
            let keys: Vec<_> = parsed.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys, ["time", "level", "target", "message", "fields", "spans"]);
            rest.strip_prefix("\",").unwrap().to_owned()
        };
        text.lines().map(without_time).collect()
    }

    #[test]
    fn a_line_holds_what_was_logged_and_the_spans_around_it() {
        let lines = logged(|| {
            let inner = tracing::field::Empty;
            let outer = info_span!(target: "t", "outer", bot = "a \"b\"", n = 1).entered();
            let inner = info_span!(target: "t", "inner", later = inner).entered();
            inner.record("later", 2);
            info!(target: "t", text = "line\nbreak", left = 1.5, is_it = true, none = None::<u8>, "said {}", 7);
            drop(inner);
            drop(outer);
            error!(target: "t", after_ms = std::time::Duration::from_secs(1).as_millis());
        });
        assert_eq!(
            lines,
            [
                concat!(
                    r#""level":"info","target":"t","message":"said 7","#,
                    r#""fields":{"text":"line\nbreak","left":1.5,"is_it":true},"#,
                    r#""spans":[{"name":"outer","bot":"a \"b\"","n":1},{"name":"inner","later":2}]}"#
                ),
                r#""level":"error","target":"t","message":"","fields":{"after_ms":1000},"spans":[]}"#,
            ]
        );
    }

    #[test]
    fn an_error_is_written_with_its_causes() {
        let error = anyhow::anyhow!("the cause").context("it failed");
        let error: &(dyn std::error::Error + 'static) = &*error;
        let lines = logged(|| info!(target: "t", error, "x"));
        assert!(lines[0].contains(r#""fields":{"error":"it failed: the cause"}"#), "{lines:?}");
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_not_with_what_it_says() {
        let before = panic::take_hook();
        crate::log::keep_panics_private();
        let lines = logged(|| {
            let _caught = panic::catch_unwind(|| panic!("xyzzy"));
        });
        panic::set_hook(before);
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert!(line.contains(r#""message":"a panic""#), "{line}");
        assert!(line.contains(r#""location":"crates/easebot-cli/src/log/json.rs:"#), "{line}");
        assert!(!line.contains("xyzzy"), "{line}");
    }

    #[test]
    fn what_is_said_is_a_line_of_the_same_form() {
        let line: Value = serde_json::from_str(&said(Level::WARN, "two\nlines")).unwrap();
        assert_eq!(line["level"], "warn");
        assert_eq!(line["target"], "easebot");
        assert_eq!(line["message"], "two\nlines");
    }
}
