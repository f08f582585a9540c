//! The account that the environment names.

use std::env;

use easebot_client::{Account, Credentials, EndpointError};
use easebot_model::{ParseAppKeyError, Secret};
use thiserror::Error;

/// Why the environment names no account.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FromEnvError {
    /// Variables are not set.
    #[error("the environment has no {}", variables.join(", no "))]
    Missing {
        /// Their names.
        variables: Vec<&'static str>,
    },
    /// What should be the app key is not one.
    #[error("EASEBOT_APP_KEY is no app key such as easebot#demo")]
    AppKey(#[source] ParseAppKeyError),
    /// What should say where the servers are does not.
    #[error("EASEBOT_ENDPOINT is none of easemob, agora, or the address of an emulator")]
    Endpoint(#[source] EndpointError),
}

const APP_KEY: &str = "EASEBOT_APP_KEY";
const USER: &str = "EASEBOT_USER";
const PASSWORD: &str = "EASEBOT_PASSWORD";
const TOKEN: &str = "EASEBOT_TOKEN";
const ENDPOINT: &str = "EASEBOT_ENDPOINT";

pub(crate) fn from_env() -> Result<Account, FromEnvError> {
    from(|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

fn from(find: impl Fn(&'static str) -> Option<String>) -> Result<Account, FromEnvError> {
    let mut missing = Vec::new();
    let mut need = |name| {
        find(name).or_else(|| {
            missing.push(name);
            None
        })
    };
    let (app_key, user) = (need(APP_KEY), need(USER));
    let credentials = match find(TOKEN) {
        Some(token) => Some(Credentials::Token(Secret::new(token))),
        None => need(PASSWORD).map(|password| Credentials::Password(Secret::new(password))),
    };
    let (Some(app_key), Some(user), Some(credentials)) = (app_key, user, credentials) else {
        return Err(FromEnvError::Missing { variables: missing });
    };
    let app_key = app_key.parse().map_err(FromEnvError::AppKey)?;
    let account = Account::new(app_key, user, credentials);
    match find(ENDPOINT) {
        Some(endpoint) => Ok(account.at(endpoint.parse().map_err(FromEnvError::Endpoint)?)),
        None => Ok(account),
    }
}

#[cfg(test)]
mod tests {
    use easebot_client::Endpoint;

    use super::*;

    fn of(set: &[(&'static str, &str)]) -> Result<Account, FromEnvError> {
        let find = |name| {
            let (_, value) = set.iter().find(|(set, _)| *set == name)?;
            Some((*value).to_owned())
        };
        from(find)
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let told = of(&[(USER, "bob")]).unwrap_err().to_string();
        assert_eq!(told, "the environment has no EASEBOT_APP_KEY, no EASEBOT_PASSWORD");
    }

    #[test]
    fn a_token_is_taken_before_a_password() {
        let base = [(APP_KEY, "easebot#demo"), (USER, "bob"), (PASSWORD, "p")];
        assert!(matches!(of(&base).unwrap().credentials, Credentials::Password(_)));
        let with_token = [base[0], base[1], base[2], (TOKEN, "t")];
        assert!(matches!(of(&with_token).unwrap().credentials, Credentials::Token(_)));
    }

    #[test]
    fn servers_are_those_of_easemob_unless_named() {
        let at = |endpoint: Option<&'static str>| {
            let mut set = vec![(APP_KEY, "easebot#demo"), (USER, "bob"), (PASSWORD, "p")];
            set.extend(endpoint.map(|endpoint| (ENDPOINT, endpoint)));
            of(&set).map(|account| account.endpoint)
        };
        assert!(matches!(at(None), Ok(Endpoint::Easemob)));
        assert!(matches!(at(Some("agora")), Ok(Endpoint::Agora)));
        let Ok(Endpoint::Hosts { rest, websocket }) = at(Some("http://127.0.0.1:7380/")) else {
            panic!("an address")
        };
        assert_eq!(rest.as_str(), "http://127.0.0.1:7380/");
        assert_eq!(websocket.as_str(), "ws://127.0.0.1:7380/websocket");
        assert!(matches!(at(Some("nowhere")), Err(FromEnvError::Endpoint(_))));
    }

    #[test]
    fn what_is_no_app_key_is_said_without_its_value() {
        let error = of(&[(APP_KEY, "SECRET"), (USER, "bob"), (PASSWORD, "p")]).unwrap_err();
        assert!(matches!(error, FromEnvError::AppKey(_)));
        assert!(!error.to_string().contains("SECRET"));
    }
}
