//! Files that replies name by their addresses.

use easebot_http::Request;
use easebot_role::webhook::Web;

/// How often a file of a reply may be elsewhere.
pub(crate) const REDIRECTS: usize = 3;

/// The file at `url`, at most `limit_bytes` of it.
pub(crate) async fn fetch(web: &dyn Web, url: &str, limit_bytes: usize) -> Result<Vec<u8>, String> {
    let fetched = match Request::get(url) {
        Ok(request) => web.call(request, limit_bytes).await,
        Err(error) => Err(error),
    };
    match fetched {
        Ok(response) if response.status() == 200 => Ok(response.into_body().to_vec()),
        Ok(response) => Err(format!("its server answered {}", response.status())),
        Err(error) => Err(easebot_model::chain(&error)),
    }
}
