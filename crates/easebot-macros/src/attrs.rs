//! What stands in the attributes.

use syn::{
    Attribute, Error, Expr, ExprLit, ExprUnary, Ident, Lit, LitInt, LitStr, Meta, Path, Result,
    UnOp, meta::ParseNestedMeta, spanned::Spanned,
};

/// `#[commands(…)]`.
#[derive(Default)]
pub(crate) struct OfSet {
    pub(crate) prefix: Option<LitStr>,
    pub(crate) path: Option<Path>,
}

/// `#[command(…)]`.
#[derive(Default)]
pub(crate) struct OfCommand {
    pub(crate) name: Option<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) is_hidden: bool,
    pub(crate) shows_typing: bool,
    /// Milliseconds.
    pub(crate) cooldown: Option<u64>,
    pub(crate) allow: Option<Allow>,
}

/// `allow(…)`.
#[derive(Default)]
pub(crate) struct Allow {
    pub(crate) users: Vec<LitStr>,
    pub(crate) owner: bool,
    pub(crate) admins: bool,
}

/// `#[arg(…)]`.
#[derive(Default)]
pub(crate) struct OfArg {
    pub(crate) name: Option<LitStr>,
    pub(crate) default: Option<LitStr>,
    pub(crate) is_option: bool,
    pub(crate) choices: Vec<LitStr>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) max_chars: Option<LitInt>,
}

impl OfSet {
    pub(crate) fn read(attrs: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        each(attrs, "commands", |meta| {
            if meta.path.is_ident("prefix") {
                let prefix: LitStr = meta.value()?.parse()?;
                if prefix.value().is_empty() || prefix.value().contains(char::is_whitespace) {
                    return Err(Error::new(
                        prefix.span(),
                        "a prefix is not empty and has no white space",
                    ));
                }
                read.prefix = Some(prefix);
            } else if meta.path.is_ident("crate") {
                read.path = Some(meta.value()?.parse::<LitStr>()?.parse()?);
            } else {
                return Err(meta.error("there are `prefix = \"…\"` and `crate = \"…\"`"));
            }
            Ok(())
        })?;
        Ok(read)
    }
}

impl OfCommand {
    pub(crate) fn read(attrs: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        each(attrs, "command", |meta| {
            if meta.path.is_ident("name") {
                read.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("alias") {
                read.aliases.push(meta.value()?.parse()?);
            } else if meta.path.is_ident("hidden") {
                read.is_hidden = true;
            } else if meta.path.is_ident("typing") {
                read.shows_typing = true;
            } else if meta.path.is_ident("cooldown") {
                let length: LitStr = meta.value()?.parse()?;
                let said = || {
                    Error::new(
                        length.span(),
                        "a length of time is such as \"30s\", \"10m\" or \"500ms\"",
                    )
                };
                read.cooldown = Some(milliseconds(&length.value()).ok_or_else(said)?);
            } else if meta.path.is_ident("allow") {
                read.allow = Some(allow(&meta)?);
            } else {
                return Err(meta.error(
                    "there are `name = \"…\"`, `alias = \"…\"`, `hidden`, `typing`, `cooldown = \"30s\"` and `allow(\"…\", group_owner, group_admins)`",
                ));
            }
            Ok(())
        })?;
        Ok(read)
    }
}

impl OfArg {
    pub(crate) fn read(attrs: &[Attribute]) -> Result<Self> {
        let mut read = Self::default();
        each(attrs, "arg", |meta| {
            if meta.path.is_ident("name") {
                read.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("default") {
                read.default = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("option") {
                read.is_option = true;
            } else if meta.path.is_ident("choices") {
                read.choices = words(&meta)?;
            } else if meta.path.is_ident("min") {
                read.min = Some(number(&meta.value()?.parse()?)?);
            } else if meta.path.is_ident("max") {
                read.max = Some(number(&meta.value()?.parse()?)?);
            } else if meta.path.is_ident("max_chars") {
                read.max_chars = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error(
                    "there are `name = \"…\"`, `default = \"…\"`, `option`, `choices(\"…\")`, `min = 1`, `max = 9` and `max_chars = 80`",
                ));
            }
            Ok(())
        })?;
        Ok(read)
    }
}

/// What the documentation comments say, line by line, without the space behind the slashes.
pub(crate) fn docs(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| {
        let Meta::NameValue(pair) = &attr.meta else { return None };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
        pair.path.is_ident("doc").then(|| text.value())
    });
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

fn each(
    attrs: &[Attribute],
    name: &str,
    mut read: impl FnMut(ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    let mine = attrs.iter().filter(|attr| attr.path().is_ident(name));
    for attr in mine {
        attr.parse_nested_meta(&mut read)?;
    }
    Ok(())
}

/// `("amy", group_owner, group_admins)`.
fn allow(meta: &ParseNestedMeta<'_>) -> Result<Allow> {
    let content;
    syn::parenthesized!(content in meta.input);
    let mut allow = Allow::default();
    let who = "users in quotes, `group_owner` and `group_admins` can be allowed";
    if content.is_empty() {
        return Err(meta.error(format!("nobody may use the command: {who}")));
    }
    while !content.is_empty() {
        if content.peek(LitStr) {
            allow.users.push(content.parse()?);
        } else {
            let role: Ident = content.parse().map_err(|error| Error::new(error.span(), who))?;
            match role.to_string().as_str() {
                "group_owner" => allow.owner = true,
                "group_admins" => allow.admins = true,
                _ => return Err(Error::new(role.span(), who)),
            }
        }
        if !content.is_empty() {
            content.parse::<syn::Token![,]>()?;
        }
    }
    Ok(allow)
}

/// `("a", "b")`.
fn words(meta: &ParseNestedMeta<'_>) -> Result<Vec<LitStr>> {
    let content;
    syn::parenthesized!(content in meta.input);
    let words = content.parse_terminated(<LitStr as syn::parse::Parse>::parse, syn::Token![,])?;
    if words.is_empty() {
        return Err(meta.error("at least one word is needed"));
    }
    Ok(words.into_iter().collect())
}

/// A literal number, with its sign.
fn number(expr: &Expr) -> Result<f64> {
    let (sign, unsigned) = match expr {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (-1.0, &**expr),
        expr => (1.0, expr),
    };
    let number: f64 = match unsigned {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse()?,
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => number.base10_parse()?,
        _ => return Err(Error::new(expr.span(), "a bound is a number")),
    };
    Ok(sign * number)
}

/// As commands themselves are read, in short: a number and a unit, several in a row.
fn milliseconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at_checked(digits)?;
        let unit_len = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at_checked(unit_len)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = behind;
    }
    (total > 0).then_some(total)
}
