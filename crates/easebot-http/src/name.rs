//! What the file at an address is called.

use percent_encoding::percent_decode_str;
use url::Url;

/// The last part of the path of `url`, decoded; none if it has no such part or is no address. Whoever chose the address chose the
/// name, too: it may hold anything.
///
/// ```
/// use easebot_http::name_of;
/// assert_eq!(name_of("https://a.b/c%20d.png?x=1").as_deref(), Some("c d.png"));
/// assert_eq!(name_of("https://a.b/"), None);
/// ```
#[must_use]
pub fn name_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let last = url.path_segments()?.next_back()?;
    let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
    (!name.is_empty()).then_some(name)
}
