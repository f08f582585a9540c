//! One command, from its keys to what is needed to run it.

use std::{path::PathBuf, time::Duration};

use easebot_command::{Args, Syntax};
use easebot_model::{Conversation, Ext, Timestamp};
use easebot_plugin::{At, BotInfo, BuildEnv, Problem, Problems, RenderError, Templates, Values};
use easebot_role::command::{Cooldown, Declared};
use jiff::tz::TimeZone;

use crate::{
    allow::{Lists, read_allow, read_places},
    args::{self, Given},
    clock,
    http::HttpCall,
    keys::{EntryKeys, ForwardKeys, Recall},
};

/// What one command does.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As it stands in the file; also the name of its template.
    pub(crate) name: String,
    pub(crate) ext: Ext,
    pub(crate) replies: bool,
    pub(crate) image: Option<PathBuf>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) http: Option<HttpCall>,
    pub(crate) forward: Option<Conversation>,
    pub(crate) recall: Option<Recall>,
}

/// A command of the file that was called, with its arguments.
#[derive(Clone, Debug)]
pub struct Picked {
    /// Its place among the entries.
    pub(crate) entry: usize,
    /// Its arguments; none if it takes any words.
    pub(crate) args: Option<Given>,
}

/// What all commands of a plugin are made with.
pub(crate) struct Making<'a> {
    pub(crate) env: &'a BuildEnv,
    pub(crate) bot: &'a BotInfo,
    pub(crate) lists: &'a Lists,
    pub(crate) zone: &'a TimeZone,
    pub(crate) templates: &'a mut Templates,
    pub(crate) problems: &'a mut Problems,
}

impl Entry {
    /// The name of the template of what it says elsewhere. No command is called so, because of the space.
    pub(crate) fn forward_name(&self) -> String {
        forward_name(&self.name)
    }

    /// The entry number `index`, and how it is called.
    pub(crate) fn build(
        keys: At<EntryKeys>,
        index: usize,
        making: &mut Making<'_>,
    ) -> (Self, Declared<Picked>) {
        let (span, keys) = (keys.span(), keys.into_inner());
        let name = keys.name.into_inner();
        let does = [
            keys.reply.is_some(),
            keys.image.is_some(),
            keys.file.is_some(),
            keys.http.is_some(),
            keys.forward.is_some(),
            keys.recall.is_some(),
        ];
        if !does.contains(&true) {
            making.problems.push(
                Problem::error(span, "the command does nothing")
                    .hint("add `reply`, `image`, `file`, `http`, `forward` or `recall`"),
            );
        }
        let n_before = making.problems.len();
        let syntax = keys.args.as_deref().and_then(|args| args::build(args, making.problems));
        // Without a syntax its variables are not known, and each of them would be one more problem.
        let is_usable = making.problems.len() == n_before;
        let mut samples = Samples::new(syntax.as_ref(), making);
        let http = keys.http.filter(|_| is_usable).map(|http| {
            let Making { env, templates, problems, .. } = making;
            let call = HttpCall::build(&name, http, &samples.full, env, templates, problems);
            samples = samples.clone().with(&call);
            call
        });
        if let (Some(reply), true) = (&keys.reply, is_usable) {
            samples.add(&name, reply, making);
        }
        let forward = keys.forward.map(|forward| {
            let ForwardKeys { to, text } = forward.into_inner();
            if to.name().is_empty() {
                making.problems.push(Problem::error(to.name().span(), "the name is empty"));
            }
            if is_usable {
                samples.add(&forward_name(&name), &text, making);
            }
            Conversation::from(&to)
        });
        let wait = keys.cooldown;
        for secs in [&wait.user_secs, &wait.conversation_secs] {
            if **secs > 86_400 {
                let problem =
                    Problem::error(secs.span(), "must be 0 to 86400 seconds, which is a day");
                making.problems.push(problem);
            }
        }
        let secs = |secs: u32| Duration::from_secs(secs.into());
        let has_syntax = syntax.is_some();
        let make = move |args: &Args<'_>| {
            let args = has_syntax.then(|| args::given(args));
            Some(Picked { entry: index, args })
        };
        let mut declared = Declared::new(name.clone(), make);
        let aliases = keys.aliases.iter().flat_map(|aliases| aliases.iter());
        declared.aliases = aliases.map(|alias| alias.to_string()).collect();
        declared.about = keys.help;
        declared.args = syntax.map(|syntax| syntax.args().to_vec());
        declared.is_hidden = keys.hidden;
        let allow = keys.allow.as_ref();
        declared.allow = allow.map(|allow| read_allow(allow, making.lists, making.problems));
        let places = keys.within.as_deref();
        declared.places = places.map(|names| read_places(names, making.problems));
        declared.cooldown = Cooldown::of(secs(*wait.user_secs), secs(*wait.conversation_secs));
        let entry = Self {
            name,
            ext: keys.ext.into_iter().collect(),
            replies: keys.reply.is_some(),
            image: keys.image.map(|path| path_of(&path, making)),
            file: keys.file.map(|path| path_of(&path, making)),
            http,
            forward,
            recall: keys.recall,
        };
        (entry, declared)
    }
}

fn forward_name(name: &str) -> String {
    format!("{name} forward")
}

/// The whole path of `path`, which has to be a file.
fn path_of(path: &At<String>, making: &mut Making<'_>) -> PathBuf {
    let whole = making.env.folder.join(path.as_str());
    if !whole.is_file() {
        let message = format!("there is no file `{}`", whole.display());
        making.problems.push(Problem::error(path.span(), message));
    }
    whole
}

/// Made-up values, with which templates are tried.
#[derive(Clone)]
struct Samples {
    /// With everything that may be left out.
    full: Values,
    /// Without it; none if nothing may be left out.
    bare: Option<Values>,
}

impl Samples {
    fn new(syntax: Option<&Syntax>, making: &Making<'_>) -> Self {
        let values = || {
            let now = clock::parts(Timestamp(0), making.zone);
            Values::sample(making.bot).text("rest", "text").parts("now", now)
        };
        match syntax {
            None => Self { full: values().list("args", []), bare: None },
            Some(syntax) => Self {
                full: values().parts("args", args::sample(syntax, true)),
                bare: Some(values().parts("args", args::sample(syntax, false))),
            },
        }
    }

    /// The same behind a call.
    fn with(self, call: &HttpCall) -> Self {
        let answer = call.sample();
        Self { full: answer.add_to(self.full), bare: self.bare.map(|bare| answer.add_to(bare)) }
    }

    /// Adds a template that has to work with and without what may be left out.
    fn add(&self, name: &str, source: &At<String>, making: &mut Making<'_>) {
        if !making.templates.add(name, source, &self.full, making.problems) {
            return;
        }
        let Some(bare) = &self.bare else { return };
        if let Err(RenderError::Missing { variable, .. }) = making.templates.render(name, bare)
            && variable.starts_with("args.")
        {
            let message =
                format!("`{variable}` may be left out, and then there is nothing to show");
            let hint = format!(
                "write `{{{{ {variable}|default('…') }}}}`, or give the argument a default"
            );
            making.problems.push(Problem::error(source.span(), message).hint(hint));
        }
    }
}
