//! Where an attachment is fetched from, and who may see the token.

use easebot_model::{AppKey, Attachment, Secret};
use url::Url;

use super::{DownloadError, Variant, upload::is_id};
use crate::Rest;

/// Where an attachment is fetched from.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) url: Url,
    /// The share secret, for a file at one of the account's own servers; `None` inside if it needs none. Outside `None` for
    /// any other address, which gets neither secret nor token.
    pub(super) own: Option<Option<Secret>>,
}

impl Place {
    /// Reads the address of an attachment, which is hostile input.
    ///
    /// A file of this app (`…/{org}/{app}/chatfiles/{uuid}`) is fetched from the account's own server, whatever host the
    /// address names; everything else from where it is. Only files are asked for with the token: an address elsewhere on
    /// the account's server could be a call that does something. Source: observed with the official SDK, which puts its
    /// own host into every address.
    pub(super) fn of(
        attachment: &Attachment,
        variant: Variant,
        app_key: &AppKey,
        rest: &Rest,
    ) -> Result<Self, DownloadError> {
        let url = Url::parse(&attachment.url).map_err(|_| DownloadError::BadUrl)?;
        if !is_http(&url) {
            return Err(DownloadError::BadUrl);
        }
        let Some(uuid) = file_of(&url, app_key) else { return Ok(Self { url, own: None }) };
        let mut own = rest.url(["chatfiles", uuid]);
        own.query_pairs_mut().append_pair("em-redirect", "true");
        if let Some(parameter) = variant.parameter().or_else(|| variant_of(&url)) {
            own.query_pairs_mut().append_pair(parameter, "true");
        }
        let in_address = || {
            let (_, secret) = url.query_pairs().find(|(key, _)| key == "share-secret")?;
            Some(Secret::new(secret))
        };
        let secret = attachment.secret.clone().or_else(in_address);
        Ok(Self { url: own, own: Some(secret.filter(|secret| !secret.is_empty())) })
    }
}

/// The form of the file that the address itself asks for, as that of a video's thumbnail does.
/// Source: observed with the official SDK.
fn variant_of(url: &Url) -> Option<&'static str> {
    [Variant::Thumbnail, Variant::VideoFrame].into_iter().filter_map(Variant::parameter).find(
        |parameter| url.query_pairs().any(|(key, value)| key == *parameter && value == "true"),
    )
}

/// Whether `url` is an address that files are fetched from.
pub(super) fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// The file of this app that `url` names.
fn file_of<'a>(url: &'a Url, app_key: &AppKey) -> Option<&'a str> {
    let mut segments = url.path_segments()?.rev();
    let uuid = segments.next().filter(|uuid| is_id(uuid))?;
    let is_file = segments.next() == Some("chatfiles")
        && segments.next() == Some(app_key.app())
        && segments.next() == Some(app_key.org());
    is_file.then_some(uuid)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{HostCursor, HostList, Http};

    fn place(url: &str, variant: Variant) -> Result<(String, Option<String>), String> {
        let host = Url::parse("https://mine.example.org/gate").unwrap();
        let hosts = HostCursor::new(Arc::new(HostList::one(host)));
        let app_key: AppKey = "org#app".parse().unwrap();
        let rest = Rest::new(Http::default(), app_key.clone(), hosts);
        let attachment = Attachment { url: url.to_owned(), ..Attachment::default() };
        let place = Place::of(&attachment, variant, &app_key, &rest);
        let place = place.map_err(|error| error.to_string())?;
        let secret = place
            .own
            .map(|secret| secret.map_or("", |secret| secret.reveal().to_owned().leak()).to_owned());
        Ok((place.url.to_string(), secret))
    }

    #[test]
    fn files_of_the_app_are_fetched_from_its_own_server() {
        let own = "https://mine.example.org/gate/org/app/chatfiles/u-1?em-redirect=true";
        let table = [
            ("http://any.host:8080/org/app/chatfiles/u-1", Variant::Original, String::new(), ""),
            (
                "https://x/gate/org/app/chatfiles/u-1?a=b",
                Variant::Thumbnail,
                "&thumbnail=true".to_owned(),
                "",
            ),
            (
                "https://x/org/app/chatfiles/u-1?vframe=true",
                Variant::Original,
                "&vframe=true".to_owned(),
                "",
            ),
            (
                "https://x/org/app/chatfiles/u-1?em-redirect=true&share-secret=s%201",
                Variant::VideoFrame,
                "&vframe=true".to_owned(),
                "s 1",
            ),
        ];
        for (url, variant, query, secret) in table {
            assert_eq!(
                place(url, variant).unwrap(),
                (format!("{own}{query}"), Some(secret.to_owned()))
            );
        }
    }

    #[test]
    fn everything_else_is_fetched_from_where_it_is_without_secrets() {
        for url in [
            "https://elsewhere.example.org/cat.png?share-secret=s",
            "https://x/other/app/chatfiles/u-1",
            "https://x/org/other/chatfiles/u-1",
            "https://x/org/app/chatfiles/u-1/more",
            "https://x/org/app/chatfiles/%2e%2e%2fusers",
            "https://mine.example.org/gate/org/app/users/me/disconnect",
            "https://mine.example.org/org/app/chatfiles/",
        ] {
            assert_eq!(place(url, Variant::Original).unwrap(), (url.to_owned(), None));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "cat.png",
            "/org/app/chatfiles/u",
            "file:///etc/passwd",
            "ftp://h/x",
            "data:,x",
            "javascript:alert(1)",
        ] {
            let error = place(url, Variant::Original).unwrap_err();
            assert_eq!(error, "the address of the file is no http or https address", "{url}");
        }
    }
}
