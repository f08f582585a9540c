//! What accounts need from their surroundings.

use std::{fmt, sync::Arc};

use easebot_model::{AppKey, UserId};
use easebot_msync::Compression;
use url::Url;

use super::Logins;
use crate::{Credentials, Directory, Endpoint, Http, Link, LinkOptions, Opening, Tls};

/// What all accounts of a process share: the HTTP client, the TLS settings and the server lists. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    pub(crate) http: Http,
    pub(crate) directory: Arc<Directory>,
    link: LinkOptions,
    pub(super) compression: Compression,
    dialler: Option<Arc<Dialler>>,
    pub(super) logins: Option<Logins>,
}

/// Opens a link to an address.
type Dialler = dyn Fn(&Url, LinkOptions) -> Opening + Send + Sync;

impl Network {
    /// A network that trusts whom `tls` trusts.
    #[must_use]
    pub fn new(tls: Tls) -> Self {
        let http = Http::new(tls);
        Self {
            directory: Arc::new(Directory::new(http.clone())),
            http,
            link: LinkOptions::default(),
            compression: Compression::Off,
            dialler: None,
            logins: None,
        }
    }

    /// The same with other limits for links.
    #[must_use]
    pub fn with_link_options(self, link: LinkOptions) -> Self {
        Self { link, ..self }
    }

    /// The same for accounts that ask the server for compressed frames. It saves bandwidth and costs CPU and memory.
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression, ..self }
    }

    /// The same with links that `dial` opens in place of [`Link::open`]: through a tunnel, or to a server in this process
    /// ([`Link::over`]).
    ///
    /// With [`Endpoint::Hosts`] and [`Credentials::Token`] an account then touches no socket at all.
    #[must_use]
    pub fn with_dialler(
        self,
        dial: impl Fn(&Url, LinkOptions) -> Opening + Send + Sync + 'static,
    ) -> Self {
        Self { dialler: Some(Arc::new(dial)), ..self }
    }

    /// The same for accounts that take a turn of `logins` before each attempt to connect. Without it nobody waits.
    #[must_use]
    pub fn with_logins(self, logins: Logins) -> Self {
        Self { logins: Some(logins), ..self }
    }

    pub(super) fn open(&self, url: &Url) -> Opening {
        match &self.dialler {
            Some(dial) => dial(url, self.link),
            None => Link::open(url, self.http.tls(), self.link),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("link", &self.link).finish_non_exhaustive()
    }
}

/// Who logs in, with what, and where.
#[derive(Clone, Debug)]
pub struct Account {
    /// The app.
    pub app_key: AppKey,
    /// The user.
    pub user: UserId,
    /// What the user proves itself with.
    pub credentials: Credentials,
    /// Where the servers are.
    pub endpoint: Endpoint,
    /// What is shared with other accounts.
    pub network: Network,
}

impl Account {
    /// The user `user` of the app `app_key` at Easemob. A text as `credentials` is a password.
    ///
    /// It has a network of its own; whoever runs many accounts [gives](Self::network) them one.
    ///
    /// ```
    /// use easebot_client::Account;
    /// let account = Account::new("easebot#demo".parse()?, "concierge", "secret").at("agora".parse()?);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        app_key: AppKey,
        user: impl Into<UserId>,
        credentials: impl Into<Credentials>,
    ) -> Self {
        Self {
            app_key,
            user: user.into(),
            credentials: credentials.into(),
            endpoint: Endpoint::Easemob,
            network: Network::new(Tls::new(None)),
        }
    }

    /// The same at other servers.
    #[must_use]
    pub fn at(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    /// The same with what it shares with other accounts.
    #[must_use]
    pub fn network(self, network: Network) -> Self {
        Self { network, ..self }
    }
}
