//! The HTTP requests that plugins take: whether there is a place for them, and none in the way.

use std::net::SocketAddr;

use easebot_plugin::{Hook, Plugin, Problem, Problems, Span};

/// The hooks of a file, and where they would be served.
pub(super) struct Hooks {
    /// None if the file names no address, or a wrong one.
    http: Option<SocketAddr>,
    /// Whether what it says of that is right, so that a missing address is one.
    is_known: bool,
    /// Where the address stands, if the pages of the operator are served there as well and nobody was told yet.
    pages: Option<Span>,
    taken: Vec<(Hook, Span)>,
}

/// Paths that the runtime answers itself.
const PAGES: [&str; 3] = ["/healthz", "/metrics", "/readyz"];

impl Hooks {
    pub(super) const fn new(http: Option<SocketAddr>, is_known: bool) -> Self {
        Self { http, is_known, pages: None, taken: Vec::new() }
    }

    /// The pages of the operator are served with them, at the address that stands at `place`.
    pub(super) fn with_pages(self, place: Option<Span>) -> Self {
        Self { pages: place, ..self }
    }

    /// Finds a place for the hooks of the plugin whose table is at `table`.
    pub(super) fn mount(&mut self, plugin: &dyn Plugin, table: Span, problems: &mut Problems) {
        for hook in plugin.hooks() {
            self.check(&hook, table, problems);
            self.tell_of_pages(problems);
            self.taken.push((hook, table));
        }
    }

    /// Who may call a hook may see the pages. That is said once.
    fn tell_of_pages(&mut self, problems: &mut Problems) {
        let Some(address) = self.http.filter(|address| !address.ip().is_loopback()) else { return };
        let Some(place) = self.pages.take() else { return };
        let message = format!(
            "everybody who reaches {address} for a hook sees `/metrics` and `/readyz` as well"
        );
        problems.push(
            Problem::notice(Some(place), message)
                .hint("`health_http = \"127.0.0.1:7382\"` serves them there instead"),
        );
    }

    fn check(&self, hook: &Hook, table: Span, problems: &mut Problems) {
        let path = &hook.path;
        let mut wrong = |message: String, hint: &str| {
            problems.push(Problem::error(Some(table), message).hint(hint.to_owned()));
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !path.starts_with('/') || path.ends_with('/') || !path.chars().all(is_plain) {
            let message = format!("requests cannot be taken at `{path}`");
            wrong(
                message,
                "a path begins with `/`, such as `/hooks/alerts`, and has letters, digits, `-`, `.`, `_` and `~`",
            );
        }
        if PAGES.contains(&path.as_str()) {
            wrong(
                format!("`{path}` is a page of the runtime"),
                "take another path, such as `/hooks/alerts`",
            );
        }
        match self.http {
            None if self.is_known => wrong(
                format!("nothing is served, so no request comes to `{path}`"),
                "say where: `http = \"127.0.0.1:7381\"` in `[runtime]`",
            ),
            Some(address) if !hook.is_guarded && !address.ip().is_loopback() => wrong(
                format!("everybody who reaches {address} could write through `{path}`"),
                "give it a secret, or serve on a loopback address",
            ),
            Some(_) | None => {}
        }
        // A hook with a tail takes what stands one part below it, too.
        let is_same =
            |other: &Hook| other.takes(path).is_some() || hook.takes(&other.path).is_some();
        if let Some((other, first)) = self.taken.iter().find(|(other, _)| is_same(other)) {
            let message = format!("requests to `{path}` are taken already, by `{}`", other.path);
            problems.push(Problem::error(Some(table), message).related(Some(*first), "first used"));
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use easebot_model::Event;
    use easebot_plugin::{Context, Flow, Interest, PluginError};

    use super::*;

    struct Taker(Vec<Hook>);

    #[async_trait]
    impl Plugin for Taker {
        fn name(&self) -> &str {
            "taker"
        }

        fn interest(&self) -> Interest {
            Interest::none()
        }

        async fn on_event(&self, _event: &Event, _cx: &Context) -> Result<Flow, PluginError> {
            Ok(Flow::Continue)
        }

        fn hooks(&self) -> Vec<Hook> {
            self.0.clone()
        }
    }

    fn problems(http: Option<&str>, hooks: impl IntoIterator<Item = Hook>) -> Vec<String> {
        let mut mounted = Hooks::new(http.map(|address| address.parse().unwrap()), true);
        let mut problems = Problems::new();
        for (at, hook) in hooks.into_iter().enumerate() {
            mounted.mount(&Taker(vec![hook]), (at..at + 1).into(), &mut problems);
        }
        problems.into_iter().map(|problem| problem.message).collect()
    }

    const HERE: Option<&str> = Some("127.0.0.1:7381");

    #[test]
    fn hooks_need_an_address() {
        let expected = ["nothing is served, so no request comes to `/hooks/a`"];
        assert_eq!(problems(None, [Hook::guarded("/hooks/a")]), expected);
        assert_eq!(problems(None, []), [""; 0]);
    }

    #[test]
    fn a_hook_without_a_secret_is_refused_where_others_reach_it() {
        let open = || [Hook::open("/hooks/a")];
        assert_eq!(problems(HERE, open()), [""; 0]);
        let expected = ["everybody who reaches 0.0.0.0:80 could write through `/hooks/a`"];
        assert_eq!(problems(Some("0.0.0.0:80"), open()), expected);
        assert_eq!(problems(Some("0.0.0.0:80"), [Hook::guarded("/hooks/a")]), [""; 0]);
    }

    #[test]
    fn that_others_see_the_pages_is_said_once() {
        let said = |http: &str, pages: Option<Span>| {
            let mut hooks = Hooks::new(http.parse().ok(), true).with_pages(pages);
            let mut problems = Problems::new();
            for path in ["/hooks/a", "/hooks/b"] {
                hooks.mount(&Taker(vec![Hook::guarded(path)]), (8..9).into(), &mut problems);
            }
            let said = problems.into_iter().map(|problem| (problem.span, problem.severity));
            said.collect::<Vec<_>>()
        };
        let place = Some(Span::from(1..2));
        assert_eq!(said("0.0.0.0:80", place), [(place, easebot_plugin::Severity::Notice)]);
        assert_eq!(said("0.0.0.0:80", None), []);
        assert_eq!(said("127.0.0.1:80", place), []);
    }

    #[test]
    fn two_hooks_cannot_take_the_same_request() {
        let same =
            [Hook::guarded("/hooks/a"), Hook::guarded("/hooks/b"), Hook::guarded("/hooks/a")];
        let taken = "requests to `/hooks/a` are taken already, by `/hooks/a`";
        assert_eq!(problems(HERE, same), [taken]);
        let below = [Hook::guarded("/hooks").with_tail(), Hook::guarded("/hooks/a")];
        let taken = "requests to `/hooks/a` are taken already, by `/hooks`";
        assert_eq!(problems(HERE, below), [taken]);
    }

    #[test]
    fn a_path_can_stand_in_a_request_and_is_no_page() {
        let paths = ["hooks", "/hooks/", "/ho oks", "/hö", "/readyz", "/hooks/a-b.c_d~e"];
        let expected = [
            "requests cannot be taken at `hooks`",
            "requests cannot be taken at `/hooks/`",
            "requests cannot be taken at `/ho oks`",
            "requests cannot be taken at `/hö`",
            "`/readyz` is a page of the runtime",
        ];
        assert_eq!(problems(HERE, paths.map(Hook::guarded)), expected);
    }
}
