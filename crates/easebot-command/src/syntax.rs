//! The arguments of one command.

use std::ops::Range;

use crate::{ArgError, Kind, SyntaxError, Value, word};

/// One argument as it is declared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Arg {
    /// Its name: letters, digits and `_`, the first a letter.
    pub name: String,
    /// Which words it takes.
    pub kind: Kind,
    /// What help says about it.
    pub about: String,
    /// Whether it may be left out.
    pub presence: Presence,
    /// Whether it is written as `--name VALUE`, anywhere before the rest, instead of in its place.
    pub is_option: bool,
    /// Whether it takes all words that are left, each by itself: at least one, unless it may be left out.
    pub is_list: bool,
    /// Whether it was narrowed in a way that its type does not have.
    is_misfit: bool,
}

/// Whether an argument may be left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Presence {
    /// It may; then it is what this word would be.
    Default(String),
    /// It may; then it is not there.
    Optional,
    /// It may not.
    #[default]
    Required,
}

impl Arg {
    /// An argument that has to be there, in its place. A [`Kind::Switch`] is an option from the start.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        let (is_option, presence) = match kind {
            Kind::Switch => (true, Presence::Optional),
            _ => (false, Presence::Required),
        };
        Self {
            name: name.into(),
            kind,
            about: String::new(),
            presence,
            is_option,
            is_list: false,
            is_misfit: false,
        }
    }

    /// The same with what help says about it.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }

    /// The same, but it may be left out.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { presence: Presence::Optional, ..self }
    }

    /// The same, but it may be left out, and then is what `word` would be.
    #[must_use]
    pub fn with_default(self, word: impl Into<String>) -> Self {
        Self { presence: Presence::Default(word.into()), ..self }
    }

    /// The same as an option.
    #[must_use]
    pub fn option(self) -> Self {
        Self { is_option: true, ..self }
    }

    /// The same for all words that are left, each by itself. It is the last argument; if it may be left out, it is empty then.
    #[must_use]
    pub fn list(self) -> Self {
        Self { is_list: true, ..self }
    }

    /// The same, but a text is one of `choices`.
    #[must_use]
    pub fn of_choices(self, choices: &[&str]) -> Self {
        let is_misfit = self.is_misfit || !matches!(self.kind, Kind::Text { .. });
        let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        Self { kind: Kind::Choice(choices), is_misfit, ..self }
    }

    /// The same, but a text has at most `max_chars` characters.
    #[must_use]
    pub fn of_at_most(mut self, max_chars: usize) -> Self {
        match &mut self.kind {
            Kind::Rest { max_chars: bound } | Kind::Text { max_chars: bound } => {
                *bound = Some(max_chars);
            }
            _ => self.is_misfit = true,
        }
        self
    }

    /// The same, but a number is within these bounds; one that its type has besides holds, too.
    #[must_use]
    pub fn within(mut self, min: Option<f64>, max: Option<f64>) -> Self {
        match &mut self.kind {
            Kind::Number { min: lower, max: upper } => {
                (*lower, *upper) = (min.or(*lower), max.or(*upper));
            }
            Kind::Integer { min: lower, max: upper } => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "saturates, and is narrowed to the type below"
                )]
                let whole = |bound: f64| bound as i64;
                *lower = min.map(|min| whole(min.ceil())).max(*lower);
                *upper = match (max.map(|max| whole(max.floor())), *upper) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
            _ => self.is_misfit = true,
        }
        self
    }

    /// Whether nothing stands behind it.
    const fn takes_all(&self) -> bool {
        self.is_list || self.is_rest()
    }

    const fn is_rest(&self) -> bool {
        matches!(self.kind, Kind::Rest { .. })
    }

    const fn is_switch(&self) -> bool {
        matches!(self.kind, Kind::Switch)
    }

    /// How it stands in the usage.
    fn usage(&self) -> String {
        let name = &self.name;
        let is_required = self.presence == Presence::Required;
        match (self.is_option, self.is_switch(), is_required) {
            (true, true, _) => format!("[--{name}]"),
            (true, false, true) => format!("--{name} <{name}>"),
            (true, false, false) => format!("[--{name} <{name}>]"),
            (false, _, true) if self.takes_all() => format!("<{name}…>"),
            (false, _, false) if self.takes_all() => format!("[{name}…]"),
            (false, _, true) => format!("<{name}>"),
            (false, _, false) => format!("[{name}]"),
        }
    }

    /// A line of help: `days – how far ahead: whole number from 1 to 7; 3 if left out`.
    fn describe(&self) -> String {
        let mut facts: Vec<String> = self.kind.describe().into_iter().collect();
        match &self.presence {
            Presence::Default(word) => facts.push(format!("{word} if left out")),
            Presence::Optional if !self.is_switch() => facts.push("may be left out".to_owned()),
            Presence::Optional | Presence::Required => {}
        }
        let dashes = if self.is_option { "--" } else { "" };
        let (name, about, facts) = (&self.name, &self.about, facts.join("; "));
        match (about.is_empty(), facts.is_empty()) {
            (true, true) => format!("{dashes}{name}"),
            (true, false) => format!("{dashes}{name} – {facts}"),
            (false, true) => format!("{dashes}{name} – {about}"),
            (false, false) => format!("{dashes}{name} – {about}: {facts}"),
        }
    }
}

/// The arguments of one command, checked: every text has one reading, or one error.
#[derive(Clone, Debug, PartialEq)]
pub struct Syntax {
    args: Vec<Arg>,
    /// The value of each that has a default, read once.
    defaults: Vec<Option<Value>>,
    has_options: bool,
}

/// The values that were read, in the order in which the arguments are declared. None for one that was left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args<'s>(Vec<(&'s str, Option<Value>)>);

impl Args<'_> {
    /// The value of the argument `name`, if there is such an argument and it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find_map(|(known, value)| value.filter(|_| known == name))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&Value>)> {
        self.0.iter().map(|(name, value)| (*name, value.as_ref()))
    }
}

impl Syntax {
    /// Checks `args`.
    ///
    /// # Errors
    /// [`SyntaxError`] about the first argument that is wrong.
    pub fn new(args: Vec<Arg>) -> Result<Self, SyntaxError> {
        let mut defaults = Vec::with_capacity(args.len());
        let (mut is_optional, mut is_over) = (false, false);
        for (index, arg) in args.iter().enumerate() {
            let before = args.iter().take(index);
            if let Some(first) = before.clone().position(|other| other.name == arg.name) {
                return Err(SyntaxError::Twice { index, first });
            }
            check(arg, index)?;
            if !arg.is_option {
                if is_over {
                    return Err(SyntaxError::BehindRest { index });
                }
                if is_optional && arg.presence == Presence::Required {
                    return Err(SyntaxError::RequiredBehindOptional { index });
                }
                is_optional |= arg.presence != Presence::Required;
                is_over |= arg.takes_all();
            }
            defaults.push(match &arg.presence {
                _ if arg.is_switch() => Some(Value::Switch(false)),
                Presence::Optional if arg.is_list => Some(Value::List(Vec::new())),
                Presence::Default(word) => {
                    let value = arg.kind.read(word);
                    Some(value.map_err(|reason| SyntaxError::BadDefault { index, reason })?)
                }
                Presence::Optional | Presence::Required => None,
            });
        }
        let has_options = args.iter().any(|arg| arg.is_option);
        Ok(Self { args, defaults, has_options })
    }

    /// The arguments as they were declared.
    #[must_use]
    pub fn args(&self) -> &[Arg] {
        &self.args
    }

    /// How the command is used, without its name: `[--celsius] <city> [days]`. Empty without arguments.
    #[must_use]
    pub fn usage(&self) -> String {
        let (options, places): (Vec<_>, Vec<_>) = self.args.iter().partition(|arg| arg.is_option);
        options.into_iter().chain(places).map(Arg::usage).collect::<Vec<_>>().join(" ")
    }

    /// A line of help for each argument.
    pub fn describe(&self) -> impl Iterator<Item = String> {
        self.args.iter().map(Arg::describe)
    }

    /// Reads what stands behind the command's name.
    ///
    /// # Errors
    /// [`ArgError`] about the first thing that is wrong, with its place in `rest`.
    pub fn read(&self, rest: &str) -> Result<Args<'_>, ArgError> {
        let rest = rest.trim_end();
        let mut values: Vec<Option<Value>> = vec![None; self.args.len()];
        let mut places = self.args.iter().enumerate().filter(|(_, arg)| !arg.is_option);
        let (mut from, mut takes_options) = (0, self.has_options);
        // The argument that takes all words that are left, once it has one.
        let mut list = None;
        while let Some(word) = word::next(rest, from) {
            from = word.at.end;
            if takes_options && !word.is_quoted {
                if word.text == "--" {
                    takes_options = false;
                    continue;
                }
                if let Some(option) = option(&word.text) {
                    from = self.read_option(option, word.at, rest, &mut values)?;
                    continue;
                }
            }
            let again = list.and_then(|index| Some((index, self.args.get(index)?)));
            let (index, arg) = again
                .or_else(|| places.next())
                .ok_or_else(|| ArgError::Extra { at: word.at.clone() })?;
            let (text, at) = if arg.is_rest() {
                from = rest.len();
                let at = word.at.start..rest.len();
                (rest.get(at.clone()).unwrap_or_default(), at)
            } else {
                (&*word.text, word.at)
            };
            let value = read(arg, text, at)?;
            if arg.is_list {
                list = Some(index);
                add(&mut values, index, value);
            } else {
                put(&mut values, index, value);
            }
        }
        let end = rest.len()..rest.len();
        let mut args = Vec::with_capacity(self.args.len());
        for ((arg, value), default) in self.args.iter().zip(values).zip(&self.defaults) {
            let value = value.or_else(|| default.clone());
            if value.is_none() && arg.presence == Presence::Required {
                return Err(ArgError::Missing { arg: arg.name.clone(), at: end });
            }
            args.push((arg.name.as_str(), value));
        }
        Ok(Args(args))
    }

    /// Reads an option, whose word stands at `at`. Gives where what follows it begins.
    fn read_option(
        &self,
        (name, inline): (&str, Option<&str>),
        at: Range<usize>,
        rest: &str,
        values: &mut [Option<Value>],
    ) -> Result<usize, ArgError> {
        let lower = name.to_lowercase();
        let is_it = |arg: &Arg| arg.is_option && arg.name.to_lowercase() == lower;
        let Some((index, arg)) = self.args.iter().enumerate().find(|(_, arg)| is_it(arg)) else {
            let options = self.args.iter().filter(|arg| arg.is_option).map(|arg| arg.name.clone());
            return Err(ArgError::NoSuchOption { options: options.collect(), at });
        };
        if values.get(index).is_some_and(Option::is_some) {
            return Err(ArgError::OptionTwice { option: arg.name.clone(), at });
        }
        if let Some(text) = inline {
            let end = at.end;
            let start = end.saturating_sub(text.len());
            put(values, index, read(arg, text, start..end)?);
            return Ok(end);
        }
        if arg.is_switch() {
            put(values, index, Value::Switch(true));
            return Ok(at.end);
        }
        let Some(value) = word::next(rest, at.end) else {
            return Err(ArgError::NoValue { option: arg.name.clone(), at });
        };
        let end = value.at.end;
        put(values, index, read(arg, &value.text, value.at)?);
        Ok(end)
    }
}

fn read(arg: &Arg, text: &str, at: Range<usize>) -> Result<Value, ArgError> {
    arg.kind.read(text).map_err(|reason| ArgError::Unreadable { arg: arg.name.clone(), reason, at })
}

fn put(values: &mut [Option<Value>], index: usize, value: Value) {
    if let Some(place) = values.get_mut(index) {
        *place = Some(value);
    }
}

fn add(values: &mut [Option<Value>], index: usize, value: Value) {
    match values.get_mut(index) {
        Some(Some(Value::List(values))) => values.push(value),
        Some(place) => *place = Some(Value::List(vec![value])),
        None => {}
    }
}

/// Name and value of a word that is an option. Phones make one long dash of two.
fn option(word: &str) -> Option<(&str, Option<&str>)> {
    let word = word.strip_prefix("--").or_else(|| word.strip_prefix('—'))?;
    if !word.starts_with(char::is_alphabetic) {
        return None;
    }
    Some(word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value))))
}

/// What is wrong with `arg` by itself.
fn check(arg: &Arg, index: usize) -> Result<(), SyntaxError> {
    let is_name = arg.name.starts_with(char::is_alphabetic)
        && arg.name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_name {
        return Err(SyntaxError::BadName { index });
    }
    if arg.is_misfit {
        return Err(SyntaxError::Misfit { index });
    }
    let is_odd_list = arg.is_list
        && (arg.is_option
            || arg.is_rest()
            || arg.is_switch()
            || matches!(arg.presence, Presence::Default(_)));
    let is_odd_switch = arg.is_switch() && (!arg.is_option || arg.presence != Presence::Optional);
    if is_odd_list || is_odd_switch || (arg.is_rest() && arg.is_option) {
        return Err(SyntaxError::NoOption { index });
    }
    let has_values = match &arg.kind {
        Kind::Choice(choices) => {
            let lower: Vec<String> = choices.iter().map(|choice| choice.to_lowercase()).collect();
            let is_new = |(at, word): (usize, &String)| {
                !word.is_empty() && !lower.iter().take(at).any(|other| other == word)
            };
            if lower.is_empty() || !lower.iter().enumerate().all(is_new) {
                return Err(SyntaxError::NoChoices { index });
            }
            true
        }
        Kind::Duration { min, max } => is_range(min.as_ref(), max.as_ref()),
        Kind::Integer { min, max } => is_range(min.as_ref(), max.as_ref()),
        Kind::Number { min, max } => is_range(min.as_ref(), max.as_ref()),
        Kind::Rest { max_chars } | Kind::Text { max_chars } => *max_chars != Some(0),
        Kind::Switch | Kind::User => true,
    };
    if has_values { Ok(()) } else { Err(SyntaxError::EmptyRange { index }) }
}

fn is_range<T: PartialOrd>(min: Option<&T>, max: Option<&T>) -> bool {
    min.zip(max).is_none_or(|(min, max)| min <= max)
}

#[cfg(test)]
mod tests;
