//! A call to a server, and what comes back.

use std::{
    path::Path,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use easebot_http::{CallError, Outgoing, Request, Rules};
use easebot_model::{Draft, MessageId};
use easebot_plugin::{
    At, BuildEnv, Env, PluginError, Problem, Problems, RenderError, SecretSource, Templates, Values,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use thiserror::Error;

use crate::keys::{Attach, HttpKeys, Method, Reach};

/// One call, as it is configured.
#[derive(Debug)]
pub(crate) struct HttpCall {
    /// Whose: the names of its templates begin so.
    name: String,
    method: Method,
    /// Names behind the `?`; the template of each is found by its number.
    query: Vec<String>,
    secrets: Vec<(HeaderName, SecretSource)>,
    /// Made at the start, when secrets are read. None before.
    headers: RwLock<Option<HeaderMap>>,
    json: Option<Value>,
    pick: Vec<(String, String)>,
    attach: Option<(Attach, Option<String>)>,
    limit_bytes: usize,
    outgoing: Outgoing,
}

/// Why a call did not work. The text is for whoever used the command: it holds nothing of the address or of what came back.
#[derive(Debug, Error)]
pub(crate) enum CallFailure {
    #[error("this cannot stand in an address")]
    BadAddress,
    #[error("a template failed")]
    Render(#[from] RenderError),
    #[error("the bot has not started yet")]
    Starting,
    #[error("the server's answer has no `{pointer}`")]
    NotThere { pointer: String },
    #[error("the server's answer is no JSON")]
    NoJson,
    #[error("the server answered {status}")]
    Status { status: u16 },
    #[error("the server's answer is too long")]
    TooLong,
    #[error("the server cannot be reached")]
    Unreachable(#[source] CallError),
}

impl CallFailure {
    pub(crate) fn chinese(&self) -> String {
        match self {
            Self::BadAddress => "这不能写在网址里".to_owned(),
            Self::Render(_) => "模板出错".to_owned(),
            Self::Starting => "机器人还没有启动".to_owned(),
            Self::NotThere { pointer } => format!("服务器的回答里没有 `{pointer}`"),
            Self::NoJson => "服务器的回答不是 JSON".to_owned(),
            Self::Status { status } => format!("服务器回答了 {status}"),
            Self::TooLong => "服务器的回答太长".to_owned(),
            Self::Unreachable(_) => "连不上服务器".to_owned(),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    text: String,
    json: Option<Value>,
    picked: Vec<(String, Value)>,
    /// An image or a file made of it.
    pub(crate) draft: Option<Draft>,
}

impl Answer {
    /// `values` with what came back.
    pub(crate) fn add_to(&self, values: Values) -> Values {
        let picked = self.picked.iter().map(|(name, value)| (name.as_str(), Some(value.clone())));
        let http = [
            ("status", Some(self.status.into())),
            ("text", Some(self.text.as_str().into())),
            ("json", self.json.clone()),
        ];
        values.parts("http", http).parts("picked", picked)
    }
}

impl HttpCall {
    /// Checks `keys`, the call of the command `name`; `sample` has what its templates can use.
    pub(crate) fn build(
        name: &str,
        keys: At<HttpKeys>,
        sample: &Values,
        env: &BuildEnv,
        templates: &mut Templates,
        problems: &mut Problems,
    ) -> Self {
        let (span, keys) = (keys.span(), keys.into_inner());
        if templates.add_url(name, &keys.url, sample, problems) {
            check_host(&keys.url, keys.reach, problems);
        }
        let mut query = Vec::new();
        for (key, value) in keys.query {
            templates.add(&query_name(name, query.len()), &value, sample, problems);
            query.push(key);
        }
        if let (Some(json), Method::Get) = (&keys.json, keys.method) {
            let problem = Problem::error(json.span(), "a GET has no body");
            problems.push(problem.hint("add `method = \"POST\"`"));
        }
        if let Some(json) = &keys.json {
            add_leaves(name, json, sample, templates, problems);
        }
        if let (Some(_), None) = (&keys.file_name, keys.attach) {
            let problem = Problem::error(span, "`file_name` is the name of what is attached");
            problems.push(problem.hint("add `attach = \"file\"` or `attach = \"image\"`"));
        }
        let mut pick = Vec::new();
        for (part, pointer) in keys.pick {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                let problem = Problem::error(pointer.span(), "this is no JSON Pointer");
                problems.push(problem.hint("such as `/main/temp` or `/items/0/name`"));
            }
            pick.push((part, pointer.into_inner()));
        }
        if !(1..=30).contains(&*keys.timeout_secs) {
            problems.push(Problem::error(keys.timeout_secs.span(), "must be 1 to 30 seconds"));
        }
        if !(1..=5 << 20).contains(&*keys.limit_bytes) {
            problems.push(Problem::error(keys.limit_bytes.span(), "must be 1 to 5242880 bytes"));
        }
        let mut secrets = Vec::new();
        for (header, value) in keys.headers {
            secrets.extend(header_of(&header, value, env, problems));
        }
        // A server that gets a secret hands nobody on to another one.
        let max_redirects = if secrets.is_empty() && keys.method == Method::Get { 3 } else { 0 };
        let reach = match keys.reach {
            Reach::Any => easebot_http::Reach::Any,
            Reach::Public => easebot_http::Reach::Public,
        };
        let timeout = Duration::from_secs(*keys.timeout_secs);
        Self {
            name: name.to_owned(),
            method: keys.method,
            query,
            headers: RwLock::new(secrets.is_empty().then(HeaderMap::new)),
            secrets,
            json: keys.json.map(At::into_inner),
            pick,
            attach: keys.attach.map(|attach| (attach, keys.file_name)),
            limit_bytes: *keys.limit_bytes,
            outgoing: Outgoing::new(Rules { reach, max_redirects, timeout }),
        }
    }

    /// A made-up answer, with which the templates behind the call are tried.
    pub(crate) fn sample(&self) -> Answer {
        let picked = self.pick.iter().map(|(name, _)| (name.clone(), "value".into())).collect();
        Answer { status: 200, text: "text".to_owned(), json: None, picked, draft: None }
    }

    /// Reads its secrets.
    pub(crate) fn start(&self, env: &Env, folder: &Path) -> Result<(), PluginError> {
        let mut headers = HeaderMap::new();
        for (name, source) in &self.secrets {
            let secret = env.secret(source, folder)?;
            let mut value = HeaderValue::try_from(secret.reveal()).map_err(|_| {
                PluginError::permanent(format!(
                    "the header `{name}` of `{}` cannot be sent",
                    self.name
                ))
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        *self.headers.write().unwrap_or_else(PoisonError::into_inner) = Some(headers);
        Ok(())
    }

    /// Makes the call.
    pub(crate) async fn make(
        &self,
        templates: &Templates,
        values: &Values,
        message: MessageId,
    ) -> Result<Answer, CallFailure> {
        let request = self.request(templates, values, message)?;
        let answer =
            self.outgoing.call(request, self.limit_bytes).await.map_err(|error| match error {
                CallError::TooLong { .. } => CallFailure::TooLong,
                error => CallFailure::Unreachable(error),
            })?;
        let status = answer.status().as_u16();
        if !answer.status().is_success() {
            return Err(CallFailure::Status { status });
        }
        let body = answer.into_body();
        if let Some((attach, name)) = &self.attach {
            let draft = match attach {
                Attach::File => Draft::file(body.to_vec()),
                Attach::Image => Draft::image(body.to_vec()),
            };
            let draft = draft.named(name.as_deref().unwrap_or(match attach {
                Attach::File => "file",
                Attach::Image => "image",
            }));
            let (text, picked) = (String::new(), Vec::new());
            return Ok(Answer { status, text, json: None, picked, draft: Some(draft) });
        }
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        let mut picked = Vec::with_capacity(self.pick.len());
        for (name, pointer) in &self.pick {
            let json = json.as_ref().ok_or(CallFailure::NoJson)?;
            let part = json.pointer(pointer);
            let part = part.ok_or_else(|| CallFailure::NotThere { pointer: pointer.clone() })?;
            picked.push((name.clone(), part.clone()));
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status, text, json, picked, draft: None })
    }

    fn request(
        &self,
        templates: &Templates,
        values: &Values,
        message: MessageId,
    ) -> Result<Request, CallFailure> {
        let url = templates.render_url(&self.name, values)?;
        if has_dots(&url) {
            return Err(CallFailure::BadAddress);
        }
        let request = match self.method {
            Method::Get => Request::get(&url),
            Method::Post => {
                let body = self.json.as_ref().map(|json| {
                    let json = render_leaves(json, &mut 0, &self.name, templates, values)?;
                    Ok::<_, RenderError>(json.to_string())
                });
                Request::post(&url, body.transpose()?.unwrap_or_default())
            }
        };
        let mut request = request.map_err(|_| CallFailure::BadAddress)?;
        let headers = self.headers.read().unwrap_or_else(PoisonError::into_inner).clone();
        request.headers = headers.ok_or(CallFailure::Starting)?;
        if self.method == Method::Post {
            if self.json.is_some() {
                let json = HeaderValue::from_static("application/json");
                request.headers.entry(header::CONTENT_TYPE).or_insert(json);
            }
            // The call is made again if the event comes again after a crash; this tells the server so.
            let key = HeaderValue::from(message.0);
            request.headers.entry(HeaderName::from_static("idempotency-key")).or_insert(key);
        }
        for (index, key) in self.query.iter().enumerate() {
            let value = templates.render(&query_name(&self.name, index), values)?;
            request.url.query_pairs_mut().append_pair(key, &value);
        }
        Ok(request)
    }
}

/// The name of a template. No command is called so, because of the space.
fn query_name(name: &str, index: usize) -> String {
    format!("{name} query {index}")
}

fn leaf_name(name: &str, index: usize) -> String {
    format!("{name} json {index}")
}

/// The first part of `url` that is no template has to hold the whole host: else whoever uses the command chooses it.
fn check_host(url: &At<String>, reach: Reach, problems: &mut Problems) {
    let fixed = ["{{", "{%", "{#"].iter().filter_map(|mark| url.find(mark)).min();
    let literal = url.get(..fixed.unwrap_or(url.len())).unwrap_or_default();
    let behind_scheme =
        ["http://", "https://"].iter().find_map(|scheme| literal.strip_prefix(scheme));
    let Some(behind_scheme) = behind_scheme else {
        let problem =
            Problem::error(url.span(), "the address has to begin with `https://` or `http://`");
        return problems.push(problem);
    };
    let is_whole = fixed.is_none() || behind_scheme.contains(['/', '?', '#']);
    let Some(parsed) = Request::get(literal).ok().filter(|_| is_whole) else {
        let problem = Problem::error(url.span(), "the host of the address has to be fixed");
        return problems.push(problem.hint("such as `https://api.example.org/{{ args.city }}`"));
    };
    let host = parsed.url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse();
    let is_inside =
        host == "localhost" || address.is_ok_and(|address| !easebot_http::is_public(address));
    if reach == Reach::Public && is_inside {
        let problem = Problem::error(url.span(), "this address is none of the public Internet");
        problems.push(problem.hint("to allow it: `reach = \"any\"`"));
    }
}

/// Whether a part of the path is `.` or `..`, which would lead to another one.
fn has_dots(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default().to_lowercase().replace("%2e", ".");
    path.split(['/', '\\']).any(|part| matches!(part, "." | ".."))
}

/// The header `name`, if it can be one.
fn header_of(
    name: &str,
    value: At<SecretSource>,
    env: &BuildEnv,
    problems: &mut Problems,
) -> Option<(HeaderName, SecretSource)> {
    let lower = name.to_lowercase();
    let is_secret = matches!(&*lower, "authorization" | "cookie" | "proxy-authorization")
        || ["key", "secret", "token"].iter().any(|word| lower.contains(word));
    // What is read from elsewhere has to be there when the bots start, whatever it is called.
    let is_read = !matches!(*value, SecretSource::Plain(_));
    let is_kept = !(is_secret || is_read) || env.check_secret(&value, problems);
    let is_ours = matches!(&*lower, "host" | "content-length" | "connection" | "transfer-encoding");
    match HeaderName::try_from(name) {
        Ok(header) if is_kept && !is_ours => Some((header, value.into_inner())),
        Ok(_) if is_ours => {
            let message = format!("the header `{lower}` is made by the call itself");
            problems.push(Problem::error(value.span(), message));
            None
        }
        Ok(_) => None,
        Err(_) => {
            problems.push(Problem::error(value.span(), "this is the value of no header"));
            None
        }
    }
}

/// Compiles each text in `json` as a template, by its number.
fn add_leaves(
    name: &str,
    json: &At<Value>,
    sample: &Values,
    templates: &mut Templates,
    problems: &mut Problems,
) {
    let mut texts = Vec::new();
    leaves(json, &mut texts);
    for (index, text) in texts.into_iter().enumerate() {
        let mut found = Problems::new();
        templates.add(&leaf_name(name, index), &At::nowhere(text.to_owned()), sample, &mut found);
        problems.extend(found.into_iter().map(|mut problem| {
            (problem.span, problem.inside) = (json.span(), None);
            problem
        }));
    }
}

fn leaves<'j>(json: &'j Value, texts: &mut Vec<&'j str>) {
    match json {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        Value::Object(pairs) => pairs.values().for_each(|value| leaves(value, texts)),
        Value::Bool(_) | Value::Null | Value::Number(_) => {}
    }
}

/// `json` with its texts filled in, in the same order as [`leaves`] finds them.
fn render_leaves(
    json: &Value,
    next: &mut usize,
    name: &str,
    templates: &Templates,
    values: &Values,
) -> Result<Value, RenderError> {
    Ok(match json {
        Value::String(_) => {
            let index = *next;
            *next += 1;
            templates.render_json(&leaf_name(name, index), values)?
        }
        Value::Array(items) => items
            .iter()
            .map(|item| render_leaves(item, next, name, templates, values))
            .collect::<Result<_, _>>()?,
        Value::Object(pairs) => Value::Object(
            pairs
                .iter()
                .map(|(key, value)| {
                    Ok((key.clone(), render_leaves(value, next, name, templates, values)?))
                })
                .collect::<Result<_, RenderError>>()?,
        ),
        json @ (Value::Bool(_) | Value::Null | Value::Number(_)) => json.clone(),
    })
}
