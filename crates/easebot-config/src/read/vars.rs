//! `[vars]`: values that several places of a configuration share.

use easebot_plugin::{Problem, Problems, Span, nearest};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Takes the variables out of `root` and puts each where `{ var = "NAME" }` stands. Gives the places of references that lead
/// nowhere: `problems` says so.
///
/// Values that nothing uses are among `secrets`. A value keeps the place of the variable, so that what is wrong with it is shown where it is written.
pub(super) fn resolve(
    root: &mut DeTable<'_>,
    problems: &mut Problems,
    secrets: &mut Vec<Span>,
) -> Vec<Span> {
    let mut vars = Vec::new();
    let mut unresolved = Vec::new();
    if let Some(value) = root.remove("vars") {
        let span = Span::from(value.span());
        match value.into_inner() {
            DeValue::Table(table) => {
                for (key, value) in table {
                    let at = Span::from(key.span());
                    if refers(value.get_ref()) {
                        let message = "a variable cannot be made of another one";
                        problems.push(Problem::error(Some(value.span().into()), message));
                    }
                    vars.push(Var { name: key.get_ref().to_string(), at, value, is_used: false });
                }
            }
            _ => problems.push(Problem::error(Some(span), "must be a table")),
        }
    }
    for (_, value) in root.iter_mut() {
        put(value, &mut vars, &mut unresolved, problems);
    }
    for var in vars.iter().filter(|var| !var.is_used) {
        problems.push(Problem::notice(Some(var.at), "nothing uses this variable"));
        // Nobody knows what it was to be used for.
        if !var.value.get_ref().is_table() {
            secrets.push(var.value.span().into());
        }
    }
    unresolved
}

struct Var<'i> {
    name: String,
    at: Span,
    value: Spanned<DeValue<'i>>,
    is_used: bool,
}

fn put<'i>(
    value: &mut Spanned<DeValue<'i>>,
    vars: &mut [Var<'i>],
    unresolved: &mut Vec<Span>,
    problems: &mut Problems,
) {
    let span = Span::from(value.span());
    if let Some(name) = reference(value.get_ref()) {
        if let Some(var) = vars.iter_mut().find(|var| var.name == name) {
            var.is_used = true;
            *value = var.value.clone();
            return;
        }
        let problem = Problem::error(Some(span), format!("there is no variable `{name}`"));
        let names = || vars.iter().map(|var| var.name.as_str());
        problems.push(match nearest(name, names()) {
            Some(close) => problem.hint(format!("did you mean `{close}`?")),
            None if vars.is_empty() => problem.hint("variables stand in a table `[vars]`"),
            None => {
                problem.hint(format!("there are `{}`", names().collect::<Vec<_>>().join("`, `")))
            }
        });
        unresolved.push(span);
        return;
    }
    match value.get_mut() {
        DeValue::Array(items) => {
            items.iter_mut().for_each(|item| put(item, vars, unresolved, problems));
        }
        DeValue::Table(table) => {
            table.iter_mut().for_each(|(_, value)| put(value, vars, unresolved, problems));
        }
        _ => {}
    }
}

/// The variable that a value is to be: `{ var = "NAME" }` and nothing else.
fn reference<'v>(value: &'v DeValue<'_>) -> Option<&'v str> {
    let table = value.as_table().filter(|table| table.len() == 1)?;
    table.get("var")?.get_ref().as_str()
}

fn refers(value: &DeValue<'_>) -> bool {
    reference(value).is_some()
        || match value {
            DeValue::Array(items) => items.iter().any(|item| refers(item.get_ref())),
            DeValue::Table(table) => table.values().any(|value| refers(value.get_ref())),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Config;

    const BOT: &str = "[[bot]]\nname = 'a'\nuser = 'a'\npassword = { env = 'P' }\napp_key = ";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse("bots.toml", text, Path::new(""), &[]).map_err(|report| report.to_string())
    }

    #[test]
    fn a_variable_of_any_type_stands_wherever_a_value_can() {
        let vars = "[vars]\napp = 'easebot#demo'\nslow = 90\nsecret = { file = 'f' }\n";
        let bots = format!("{BOT}{{ var = 'app' }}\nhandler_timeout_secs = {{ var = 'slow' }}\n");
        let bots = bots.replace("{ env = 'P' }", "{ var = 'secret' }");
        let config = parse(&format!("{vars}{bots}")).unwrap();
        assert_eq!(config.bots[0].app_key.as_str(), "easebot#demo");
        assert_eq!(config.bots[0].handler_timeout.as_secs(), 90);
        assert!(config.notices().is_none());
        let other = vars.replace("90", "91");
        let difference = config.reading().difference(parse(&format!("{other}{bots}")).unwrap());
        assert_eq!(difference.bots.len(), 1, "what a variable says is part of the bot");
    }

    #[test]
    fn what_is_wrong_with_a_value_is_shown_where_it_is_written() {
        let wrong =
            format!("[vars]\nslow = 0\n{BOT}'o#a'\nhandler_timeout_secs = {{ var = 'slow' }}\n");
        assert_eq!(
            parse(&wrong).unwrap_err(),
            "error: `bot.a.handler_timeout_secs`: must be 1 to 3600 seconds
  --> bots.toml:2:8
   | slow = 0
   |        ^
1 problem in bots.toml; nothing was started"
        );
    }

    #[test]
    fn variables_that_are_not_there_made_of_others_or_of_no_use_are_reported() {
        let wrong = format!("[vars]\napp = 'o#a'\nb = {{ var = 'app' }}\n{BOT}{{ var = 'apq' }}\n");
        assert_eq!(
            parse(&wrong).unwrap_err(),
            "notice: `vars.app`: nothing uses this variable
  --> bots.toml:2:1
   | app = *****
   | ^^^
notice: `vars.b`: nothing uses this variable
  --> bots.toml:3:1
   | b = { var = 'app' }
   | ^
error: `vars.b`: a variable cannot be made of another one
  --> bots.toml:3:5
   | b = { var = 'app' }
   |     ^^^^^^^^^^^^^^^
error: `bot.a.app_key`: there is no variable `apq`
  --> bots.toml:8:11
   | app_key = { var = 'apq' }
   |           ^^^^^^^^^^^^^^^
   = hint: did you mean `app`?
2 problems and 2 notices in bots.toml; nothing was started"
        );
        let none = parse(&format!("{BOT}{{ var = 'app' }}\n")).unwrap_err();
        assert!(none.contains("variables stand in a table `[vars]`"), "{none}");
        let table = parse(&format!("vars = 1\n{BOT}'o#a'\n")).unwrap_err();
        assert!(table.contains("error: `vars`: must be a table"), "{table}");
    }

    #[test]
    fn a_secret_in_a_variable_is_refused_and_masked_as_anywhere() {
        let bot = format!("{BOT}'o#a'\n").replace("{ env = 'P' }", "{ var = 'pw' }");
        let error = parse(&format!("[vars]\npw = 'hunter2'\n{bot}")).unwrap_err();
        assert!(error.contains("does not belong into this file"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        let allowed = format!("[vars]\npw = 'hunter2'\n{bot}allow_plain_secrets = true\n");
        assert!(parse(&allowed).is_ok());
    }
}
