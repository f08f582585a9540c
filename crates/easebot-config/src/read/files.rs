//! The files of a configuration: one, or all of a folder, put together.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use easebot_plugin::{Problem, Problems, Span, toml_problem};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::ReadError;

/// A file of a configuration: its name in problems, and its text.
pub(super) type File = (String, String);

/// The files at `path`: itself, or, if it is a folder, those in it whose names end in `.toml` and do not begin with a dot, by
/// name.
pub(super) fn files(path: &Path) -> Result<Vec<File>, ReadError> {
    let open = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| ReadError::Open { path, source }
    };
    let read = |path: &Path| {
        let text = fs::read_to_string(path).map_err(open(path))?;
        Ok((path.display().to_string(), text))
    };
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).map_err(open(path))? {
        let found = entry.map_err(open(path))?.path();
        if is_part(&found) {
            paths.push(found);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(ReadError::NoFiles { path: path.to_owned() });
    }
    paths.iter().map(|path| read(path)).collect()
}

/// Whether a file of a folder belongs to the configuration.
fn is_part(path: &Path) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !is_hidden && path.extension().is_some_and(|end| end == "toml") && !path.is_dir()
}

/// The paths of the files that make the configuration at `path`, for whoever looks whether they change. Those that cannot be
/// listed now are left out.
#[must_use]
pub fn paths(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return vec![path.to_owned()] };
    let mut paths: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_part(path)).collect();
    paths.sort();
    paths
}

/// Several texts one behind the other, so that one offset is one place.
pub(super) struct Joined {
    pub(super) text: String,
    /// Where each file begins, and what it is called.
    pub(super) files: Vec<(usize, String)>,
}

impl Joined {
    pub(super) fn of(files: &[File]) -> Self {
        let mut joined = Self { text: String::new(), files: Vec::new() };
        for (name, text) in files {
            if !joined.text.is_empty() && !joined.text.ends_with('\n') {
                joined.text.push('\n');
            }
            joined.files.push((joined.text.len(), name.clone()));
            joined.text.push_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        }
        joined
    }

    /// The text of each file behind as many line breaks as stand before it: what is read from it has its place in the whole.
    pub(super) fn padded(&self) -> Vec<String> {
        let ends = self.files.iter().skip(1).map(|(start, _)| *start).chain([self.text.len()]);
        let parts = self.files.iter().zip(ends).map(|((start, _), end)| {
            format!("{}{}", "\n".repeat(*start), self.text.get(*start..end).unwrap_or_default())
        });
        parts.collect()
    }
}

/// Reads texts whose places are those in the whole, and puts their tables together. What is no TOML is an error.
pub(super) fn merge<'i>(
    texts: &'i [String],
    problems: &mut Problems,
) -> Result<Spanned<DeTable<'i>>, Vec<Problem>> {
    let (mut whole, mut errors) = (None::<Spanned<DeTable<'i>>>, Vec::new());
    for text in texts {
        let (root, wrong) = DeTable::parse_recoverable(text);
        errors.extend(wrong.iter().map(|error| toml_problem(error, None)));
        match &mut whole {
            None => whole = Some(root),
            Some(whole) => add(whole.get_mut(), root.into_inner(), problems),
        }
    }
    if errors.is_empty() {
        Ok(whole.unwrap_or_else(|| Spanned::new(0..0, DeTable::new())))
    } else {
        Err(errors)
    }
}

/// Adds the tables of another file: bots and tests follow those that are there, variables join them, and all else can stand
/// in one file alone.
fn add<'i>(whole: &mut DeTable<'i>, other: DeTable<'i>, problems: &mut Problems) {
    for (key, value) in other {
        let Some(there) = whole.get_mut::<str>(key.get_ref()) else {
            whole.insert(key, value);
            continue;
        };
        let first = Some(Span::from(there.span()));
        match (key.get_ref().as_ref(), there.get_mut(), value.into_inner()) {
            ("bot" | "test", DeValue::Array(all), DeValue::Array(more)) => {
                more.into_iter().for_each(|item| all.push(item));
            }
            ("vars", DeValue::Table(all), DeValue::Table(more)) => {
                for (name, value) in more {
                    let taken =
                        all.get_key_value::<str>(name.get_ref()).map(|(name, _)| name.span());
                    match taken {
                        None => {
                            all.insert(name, value);
                        }
                        Some(taken) => problems.push(
                            Problem::error(
                                Some(name.span().into()),
                                "another file has this variable already",
                            )
                            .related(Some(taken.into()), "first used"),
                        ),
                    }
                }
            }
            _ => problems.push(
                Problem::error(
                    Some(key.span().into()),
                    format!("`{}` stands in another file already", key.get_ref()),
                )
                .related(first, "first used"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Config;

    /// A bot; `more` are further lines of it.
    fn bot(name: &str, more: &str) -> String {
        format!(
            "[[bot]]\nname = '{name}'\napp_key = 'easebot#demo'\nuser = '{name}'\npassword = {{ env = 'P' }}\n{more}"
        )
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    /// What is said of a folder, without its path.
    fn read(folder: &Path) -> Result<Config, String> {
        Config::read(folder, &[])
            .map_err(|error| error.to_string().replace(&format!("{}", folder.display()), "DIR"))
    }

    #[test]
    fn the_files_of_a_folder_are_one_configuration() {
        let folder = folder(&[
            ("20-b.toml", &format!("\u{feff}{}", bot("b", "ca_file = 'ca.pem'"))),
            ("10-a.toml", &format!("vars = {{ x = 5 }}\n{}", bot("a", ""))),
            ("30.toml", "[runtime]\nkeep_days = 9\n[vars]\nslow = 7\n"),
            (
                "40.toml",
                &bot(
                    "c",
                    "handler_timeout_secs = { var = 'slow' }\nfill_gaps_after_hours = { var = 'x' }",
                ),
            ),
            (".hidden.toml", "not = toml ="),
            ("notes.txt", "not toml"),
        ]);
        let config = read(folder.path()).unwrap();
        let names: Vec<_> = config.bots.iter().map(|bot| bot.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(config.bots[1].ca_file, Some(folder.path().join("ca.pem")));
        assert_eq!(config.bots[2].handler_timeout.as_secs(), 7);
        assert_eq!(config.runtime.keep.as_secs(), 9 * 24 * 60 * 60);
        assert_eq!(paths(folder.path()).len(), 4);
        assert_eq!(paths(&folder.path().join("30.toml")), [folder.path().join("30.toml")]);
    }

    #[test]
    fn each_problem_names_its_file_and_line() {
        let folder = folder(&[
            ("a.toml", &format!("[runtime]\n{}", bot("a", "nmae = 1"))),
            ("b.toml", &format!("\n[runtime]\n{}", bot("A", ""))),
        ]);
        let error = read(folder.path()).unwrap_err();
        assert_eq!(
            error,
            "error: `bot.a.nmae`: there is no such key here
  --> DIR/a.toml:7:1
   | nmae = 1
   | ^^^^
   = hint: did you mean `name`?
error: `runtime` stands in another file already
  --> DIR/b.toml:2:2
   | [runtime]
   |  ^^^^^^^
   = first used: DIR/a.toml:1:1
error: `bot.A.name`: another bot has this name already
  --> DIR/b.toml:4:8
   | name = 'A'
   |        ^^^
   = first used: DIR/a.toml:3:8
error: `bot.A.user`: another bot is this user already
  --> DIR/b.toml:6:8
   | user = 'A'
   |        ^^^
   = first used: DIR/a.toml:5:8
   = hint: one user can have many plugins, but be one bot only
4 problems in DIR; nothing was started"
        );
    }

    #[test]
    fn a_file_that_is_no_toml_does_not_hide_the_others() {
        let folder = folder(&[("a.toml", "a = \n"), ("b.toml", "\n\npassword = 'hunter2")]);
        let error = read(folder.path()).unwrap_err();
        assert!(error.contains("DIR/a.toml:1:"), "{error}");
        assert!(error.contains("DIR/b.toml:3:"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_folder_without_a_configuration_says_so() {
        let error = read(tempfile::tempdir().unwrap().path()).unwrap_err();
        assert!(error.starts_with("there is no file `*.toml` in `"), "{error}");
    }
}
