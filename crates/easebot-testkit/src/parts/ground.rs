//! The emulator of a test, its time, and how accounts get there.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use easebot_client::{Account, Credentials, Endpoint, EndpointError, Link, Network, Tls};
use easebot_emulator::{Clock, Control, Emulator, Options};
use easebot_model::{AppKey, Secret, Timestamp, UserId};
use thiserror::Error;
use tokio::time::Instant;

/// An emulator in a time of its own, to which clients connect without sockets. Dropping it ends it.
#[derive(Debug)]
pub struct Ground {
    emulator: Emulator,
    endpoint: Endpoint,
    network: Network,
    /// Of everybody.
    password: Secret,
    clock: GroundClock,
}

/// Why there is no ground to stand on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LayError {
    /// The emulator cannot start.
    #[error("cannot start the emulator")]
    Emulator(#[from] easebot_emulator::StartError),
    /// Its address is none.
    #[error("the emulator has no proper address")]
    Endpoint(#[from] EndpointError),
}

impl Ground {
    /// Starts an emulator that serves `apps`, at the time `at`, with what `change` makes of the other options.
    ///
    /// Messages go over pipes, so that stopped time can pass with them; REST goes over a socket of this machine.
    ///
    /// # Errors
    /// [`LayError`].
    pub async fn lay(
        apps: Vec<AppKey>,
        at: Timestamp,
        change: impl FnOnce(&mut Options),
    ) -> Result<Self, LayError> {
        let clock = GroundClock { at, begin: Instant::now() };
        let mut options = Options {
            // Each is a moment at which time stands, also when a test waits for a day.
            sweep_every: Duration::from_secs(60),
            ..Options::default()
        };
        change(&mut options);
        options.app_keys = apps;
        options.clock = Arc::new(clock);
        let emulator = Emulator::start(options).await?;
        let endpoint = Endpoint::hosts(&emulator.rest_url(), &emulator.websocket_url())?;
        let dialler = emulator.dialler();
        let network = Network::new(Tls::new(None))
            .with_dialler(move |url, options| Link::over(dialler.dial(), url, options));
        // Nobody else can reach the emulator for long enough to try one.
        let word = |salt: u8| format!("{:016x}", RandomState::new().hash_one(salt));
        let password = Secret::new(word(1) + &word(2));
        Ok(Self { emulator, endpoint, network, password, clock })
    }

    /// The emulator.
    #[must_use]
    pub const fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Orders to the emulator about `app`. None if it does not serve it.
    #[must_use]
    pub fn control(&self, app: &AppKey) -> Option<Control> {
        self.emulator.control_of(app)
    }

    /// Makes `user` known to `app`, with the password of [`account`](Self::account). False if it is known already, or there is
    /// no such app.
    #[must_use = "the user may be known already"]
    pub fn register(&self, app: &AppKey, user: &UserId) -> bool {
        self.control(app).is_some_and(|control| control.register(user, self.password.clone()))
    }

    /// How `user` logs in here.
    #[must_use]
    pub fn account(&self, app_key: AppKey, user: UserId) -> Account {
        Account {
            app_key,
            user,
            credentials: self.credentials(),
            endpoint: self.endpoint(),
            network: self.network(),
        }
    }

    /// What everybody proves themselves with.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::Password(self.password.clone())
    }

    /// Where the servers are.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// The way there.
    #[must_use]
    pub fn network(&self) -> Network {
        self.network.clone()
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells what time it is, for [`RuntimeOptions::clock`](easebot_runtime::RuntimeOptions::clock).
    pub fn clock(&self) -> impl Fn() -> Timestamp + Send + Sync + use<> {
        let clock = self.clock;
        move || clock.now()
    }
}

/// tokio's time, begun at a moment of choice.
#[derive(Clone, Copy, Debug)]
struct GroundClock {
    at: Timestamp,
    begin: Instant,
}

impl GroundClock {
    fn now(&self) -> Timestamp {
        let passed = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.at.0.saturating_add(passed))
    }
}

impl Clock for GroundClock {
    fn now_ms(&self) -> u64 {
        self.now().0
    }
}
