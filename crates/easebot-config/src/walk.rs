//! Every way in which a file differs from its schema, found in one walk over the file.
//!
//! `serde` stops at the first error. This walk does not, and it cuts out what is wrong, so that the rest can be read and
//! checked as well.

mod shape;

use easebot_plugin::{Problem, Span, nearest};
use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use self::shape::{Shape, Verdict, describe};
use crate::places::{element, join};

/// What the walk found.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<Problem>,
    /// Tables and lists that something was cut out of. What is missing there now may be there in the file.
    pub(crate) cut: Vec<Span>,
    /// Bots and plugins that cannot be read at all. All else that cannot is cut out.
    pub(crate) broken: Vec<Span>,
    /// Plain text that a schema calls `writeOnly`.
    pub(crate) secrets: Vec<Span>,
}

/// Compares `root` with `schema` and cuts out of it what does not fit.
pub(crate) fn walk(root: &mut DeTable<'_>, span: Span, schema: &Value) -> Findings {
    let mut walk = Walk { schema, findings: Findings::default() };
    for shape in walk.shapes(schema) {
        walk.table(root, span, &shape, "");
    }
    walk.findings
}

struct Walk<'s> {
    schema: &'s Value,
    findings: Findings,
}

/// What became of a value.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Fate {
    /// It can be read.
    Kept,
    /// It can be read, but lost elements.
    Shortened,
    /// It has to be cut out.
    Broken,
}

impl<'s> Walk<'s> {
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &'s Value, path: &str) -> Fate {
        let span = Span::from(value.span());
        let shapes = self.shapes(schema);
        if shapes.iter().any(Shape::is_any) {
            return self.free(value, path);
        }
        let fitting: Vec<Shape<'s>> =
            shapes.iter().copied().filter(|shape| shape.takes(value.get_ref())).collect();
        if fitting.is_empty() {
            self.hide(value, &shapes);
            let mut problem = Problem::error(Some(span), mismatch(&shapes, value.get_ref()));
            if value.get_ref().is_table() && shapes.iter().any(|shape| shape.items().is_some()) {
                problem = problem
                    .hint("the header of a list of tables has two brackets on each side, `[[…]]`");
            }
            return self.refuse(span, path, problem);
        }
        match value.get_mut() {
            DeValue::Table(table) => match self.choose(table, span, &fitting, path) {
                Some(shape) => self.table(table, span, &shape, path),
                None => Fate::Broken,
            },
            DeValue::Array(array) => match fitting.first() {
                Some(shape) => self.array(array, span, shape, path),
                None => Fate::Kept,
            },
            DeValue::String(text) => {
                if fitting.iter().any(Shape::is_secret) {
                    self.findings.secrets.push(span);
                }
                match shape::check_string(text, &fitting) {
                    Verdict::Fits => Fate::Kept,
                    Verdict::Empty => {
                        self.report(Problem::error(Some(span), "must not be empty"), path);
                        Fate::Kept
                    }
                    Verdict::Other { close } => {
                        let message = format!("must be {}", describe(&shapes));
                        let mut problem = Problem::error(Some(span), message);
                        problem.hint = close.map(|close| format!("did you mean `{close}`?"));
                        self.refuse(span, path, problem)
                    }
                }
            }
            DeValue::Integer(number) => {
                match shape::check_number(
                    i128::from_str_radix(number.as_str(), number.radix()).ok(),
                    &fitting,
                    path,
                ) {
                    Ok(()) => Fate::Kept,
                    Err(message) => self.refuse(span, path, Problem::error(Some(span), message)),
                }
            }
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Float(_) => Fate::Kept,
        }
    }

    /// What stands where a secret is wanted is not shown, whatever it is: but for a table, which says where the secret is.
    fn hide(&mut self, value: &Spanned<DeValue<'_>>, shapes: &[Shape<'s>]) {
        if value.get_ref().is_table() {
            return;
        }
        let items = shapes.iter().filter_map(Shape::items);
        let items = items.flat_map(|schema| self.shapes(schema)).any(|shape| shape.is_secret());
        if items || shapes.iter().any(Shape::is_secret) {
            self.findings.secrets.push(value.span().into());
        }
    }

    fn table(
        &mut self,
        table: &mut DeTable<'_>,
        span: Span,
        shape: &Shape<'s>,
        path: &str,
    ) -> Fate {
        let (mut unknown, mut lost) = (Vec::new(), Vec::new());
        let mut is_hurt = false;
        for (key, value) in table.iter_mut() {
            let path = join(path, key.get_ref());
            let Some(schema) = shape.property(key.get_ref()) else {
                unknown.push(Spanned::new(key.span(), key.get_ref().to_string()));
                continue;
            };
            match self.value(value, schema, &path) {
                Fate::Kept => {}
                Fate::Shortened => is_hurt = true,
                Fate::Broken => lost.push(key.get_ref().to_string()),
            }
        }
        let missing: Vec<&str> = shape.required().filter(|key| !table.contains_key(*key)).collect();
        let mut meant = Vec::new();
        for key in &unknown {
            let absent = shape.keys().filter(|known| !table.contains_key(*known));
            let close =
                nearest(key.get_ref(), absent).or_else(|| nearest(key.get_ref(), shape.keys()));
            meant.extend(close);
            let hint = match close {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are {}", shape::list(shape.keys())),
            };
            // What was meant for a secret is one, whatever its key is called.
            let meant_as = close.and_then(|close| shape.property(close));
            if let (Some(schema), Some(value)) = (meant_as, table.get(key.get_ref().as_str())) {
                self.hide(value, &self.shapes(schema));
            }
            let problem =
                Problem::error(Some(key.span().into()), "there is no such key here").hint(hint);
            self.report(problem, &join(path, key.get_ref()));
        }
        for key in &missing {
            // The misspelt key says it all.
            if meant.contains(key) {
                continue;
            }
            let mut problem = Problem::error(Some(span), format!("the key `{key}` is missing"));
            let about = shape.property(key).and_then(shape::about);
            problem.hint = about.map(|about| format!("{key}: {about}"));
            self.report(problem, path);
        }
        // Of some keys one must be there; a misspelt or unreadable one counts, because it is reported already.
        let choices = shape.choices();
        let is_there = |key: &&str| table.contains_key(*key) || meant.contains(key);
        let lacks_choice = !choices.is_empty() && !choices.iter().any(is_there);
        if lacks_choice {
            let message =
                format!("one of the keys {} has to be there", shape::list(choices.iter().copied()));
            self.report(Problem::error(Some(span), message), path);
        }
        is_hurt |= lacks_choice || !(unknown.is_empty() && lost.is_empty() && missing.is_empty());
        if is_hurt {
            self.findings.cut.push(span);
        }
        let is_broken =
            !missing.is_empty() || shape.required().any(|key| lost.iter().any(|lost| lost == key));
        for key in unknown.iter().map(Spanned::get_ref).chain(&lost) {
            table.remove(key.as_str());
        }
        if is_broken { Fate::Broken } else { Fate::Kept }
    }

    fn array(
        &mut self,
        array: &mut DeArray<'_>,
        span: Span,
        shape: &Shape<'s>,
        path: &str,
    ) -> Fate {
        if let Some(least) = shape.min_items().filter(|least| array.len() < *least) {
            let message = format!("must have at least {}", shape::count(least, "element"));
            return self.refuse(span, path, Problem::error(Some(span), message));
        }
        let Some(items) = shape.items() else { return Fate::Kept };
        // A bot or plugin that cannot be read does not keep the plugins in it or after it from being checked.
        let is_unit = is_bots_or_plugins(path);
        let mut is_kept = Vec::with_capacity(array.len());
        for (index, item) in array.iter_mut().enumerate() {
            let path = element(path, index, item.get_ref());
            let fate = self.value(item, items, &path);
            if fate == Fate::Broken && is_unit {
                self.findings.broken.push(item.span().into());
            }
            is_kept.push(is_unit || fate != Fate::Broken);
        }
        if is_kept.iter().all(|kept| *kept) {
            return Fate::Kept;
        }
        self.findings.cut.push(span);
        let items = std::mem::replace(array, DeArray::new()).into_iter();
        *array = items.zip(is_kept).filter(|(_, kept)| *kept).map(|(item, _)| item).collect();
        Fate::Shortened
    }

    /// Which of several tables is meant.
    fn choose(
        &mut self,
        table: &DeTable<'_>,
        span: Span,
        shapes: &[Shape<'s>],
        path: &str,
    ) -> Option<Shape<'s>> {
        let first = shapes.first()?;
        let tag = first.keys().find(|key| shapes.iter().all(|shape| shape.tag(key).is_some()));
        let Some(tag) = tag else {
            if shapes.len() == 1 {
                return Some(*first);
            }
            let keys =
                |shape: &Shape<'_>| shape.keys().filter(|key| table.contains_key(*key)).count();
            let most = shapes.iter().map(keys).max().unwrap_or_default();
            if most == 0 {
                self.refuse(
                    span,
                    path,
                    Problem::error(Some(span), format!("must be {}", describe(shapes))),
                );
                return None;
            }
            return shapes.iter().find(|shape| keys(shape) == most).copied();
        };
        let tags = || shapes.iter().filter_map(|shape| shape.tag(tag));
        let Some(value) = table.get(tag) else {
            let problem = Problem::error(Some(span), format!("the key `{tag}` is missing"));
            self.refuse(span, path, problem.hint(format!("there are {}", shape::list(tags()))));
            return None;
        };
        let (at, path) = (Span::from(value.span()), join(path, tag));
        let Some(text) = value.get_ref().as_str() else {
            self.refuse(at, &path, Problem::error(Some(at), "must be a string"));
            return None;
        };
        let chosen = shapes.iter().find(|shape| shape.tag(tag) == Some(text)).copied();
        if chosen.is_none() {
            let problem =
                Problem::error(Some(at), format!("no plugin of this {tag} in this binary"));
            let problem = problem.hint(match nearest(text, tags()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("there are {}", shape::list(tags())),
            });
            self.refuse(at, &path, problem);
        }
        chosen
    }

    /// A value that may be anything JSON knows.
    fn free(&mut self, value: &mut Spanned<DeValue<'_>>, path: &str) -> Fate {
        let span = Span::from(value.span());
        let message = match value.get_mut() {
            DeValue::Table(table) => {
                let mut fate = Fate::Kept;
                for (key, value) in table.iter_mut() {
                    if self.free(value, &join(path, key.get_ref())) != Fate::Kept {
                        fate = Fate::Broken;
                    }
                }
                return fate;
            }
            DeValue::Array(array) => {
                let mut fate = Fate::Kept;
                for (index, item) in array.iter_mut().enumerate() {
                    let path = element(path, index, item.get_ref());
                    if self.free(item, &path) != Fate::Kept {
                        fate = Fate::Broken;
                    }
                }
                return fate;
            }
            DeValue::Datetime(_) => "cannot be a date here; write it as a string",
            DeValue::Float(number) if !number.as_str().parse().is_ok_and(f64::is_finite) => {
                "must be a finite number"
            }
            DeValue::Integer(number)
                if i64::from_str_radix(number.as_str(), number.radix()).is_err() =>
            {
                "must be a whole number of at most 64 bits"
            }
            DeValue::Boolean(_) | DeValue::Float(_) | DeValue::Integer(_) | DeValue::String(_) => {
                return Fate::Kept;
            }
        };
        self.refuse(span, path, Problem::error(Some(span), message))
    }

    fn refuse(&mut self, span: Span, path: &str, problem: Problem) -> Fate {
        self.findings.cut.push(span);
        self.report(problem, path);
        Fate::Broken
    }

    fn report(&mut self, problem: Problem, path: &str) {
        self.findings.problems.push(problem.path(path));
    }

    /// The alternatives of a schema, references resolved, without null: TOML has none.
    fn shapes(&self, schema: &'s Value) -> Vec<Shape<'s>> {
        let Some(object) = schema.as_object() else { return vec![Shape::new(shape::anything())] };
        if let Some(target) = object.get("$ref").and_then(Value::as_str) {
            let target = target.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
            return target.map_or_else(Vec::new, |target| self.shapes(target));
        }
        if object.contains_key("properties") {
            return vec![Shape::new(object)];
        }
        match ["oneOf", "anyOf"].iter().find_map(|key| object.get(*key)?.as_array()) {
            Some(alternatives) => {
                alternatives.iter().flat_map(|schema| self.shapes(schema)).collect()
            }
            None if object.get("type").is_some_and(|kind| kind == "null") => Vec::new(),
            None => vec![Shape::new(object)],
        }
    }
}

/// Whether a path is that of the list of bots (`bot`) or of the plugins of one (`bot.NAME.plugin`, `bot#1.plugin`).
fn is_bots_or_plugins(path: &str) -> bool {
    let bot = path.strip_suffix(".plugin").and_then(|path| path.strip_prefix("bot"));
    path == "bot"
        || bot.and_then(|bot| bot.strip_prefix(['.', '#'])).is_some_and(|bot| !bot.contains('.'))
}

fn mismatch(shapes: &[Shape<'_>], value: &DeValue<'_>) -> String {
    let found = match value {
        DeValue::Array(_) => "a list",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Integer(_) => "a whole number",
        DeValue::String(_) => "a string",
        DeValue::Table(_) => "a table",
    };
    format!("must be {}, not {found}", describe(shapes))
}

pub(crate) type Keys = Map<String, Value>;
