//! Where the database server comes from.

mod cluster;
mod failure;
#[cfg(unix)]
pub(crate) mod local;
mod login;
mod membership;
mod pooler;
mod psql;
mod role_settings;
mod timeouts;
mod url;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};

use self::url::{Choice, Place};
pub(crate) use self::{
    cluster::Cluster,
    failure::ConnectFailure,
    login::{Login, OWNER},
    timeouts::never_end,
};
use crate::{
    executor,
    observe::log,
    postgres::{
        cause::Cause,
        database::OwnDatabase,
        proxy::BASE,
        relay::Relay,
        sqlstate::{self, is},
        template::PROXIED,
        upstream::{Session, Upstream},
    },
};

/// How long a new connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How often a server that is still starting up is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The server of a session. While it lives, a private server is not stopped.
pub(crate) struct Server {
    /// The database through which others are created; it is never written to.
    door: PgConnectOptions,
    origin: Origin,
    /// What leads to a server that has to be spoken to in a way that sqlx may not have been built for.
    relay: OnceLock<Option<Relay>>,
    login: Login,
    /// The settings of the session's role, when they are known.
    role_settings: OnceLock<Vec<String>>,
}

enum Origin {
    Url {
        variable: &'static str,
        place: Place,
        has_password: bool,
    },
    #[cfg(unix)]
    Local {
        server: local::LocalServer,
        /// The same server, joined again after it was killed; kept because it holds the lease.
        revived: Mutex<Option<local::LocalServer>>,
    },
}

impl Server {
    /// Takes the server that the environment names, or else starts or joins the private one.
    pub(crate) async fn find(crate_dir: &Path, login: &Login) -> Result<Self, Cause> {
        let reason = match url::find(crate_dir)? {
            Choice::Named(named) => {
                let place = named.place.clone();
                let server = Self {
                    door: named.options,
                    origin: Origin::Url {
                        variable: named.variable,
                        place: named.place,
                        has_password: named.has_password,
                    },
                    relay: OnceLock::new(),
                    login: login.clone(),
                    role_settings: OnceLock::new(),
                };
                log::info(format_args!(
                    "using {server}, as the variable is set ({place})"
                ));
                return Ok(server);
            }
            Choice::Private(reason) => reason,
        };
        log::info(format_args!("using a private server, as {reason}"));
        Self::private(login.clone()).await
    }

    #[cfg(unix)]
    async fn private(login: Login) -> Result<Self, Cause> {
        // Without a thread of its own where nothing has to be waited for.
        let server = match local::join_running() {
            Ok(Some(server)) => Ok(server),
            Ok(None) => join().await,
            Err(error) => Err(error),
        };
        let server = server.map_err(|error| Cause::NoLocalServer(error.into()))?;
        let door = PgConnectOptions::new_without_pgpass()
            .socket(server.socket_dir())
            .port(server.port())
            .username(server.user())
            .ssl_mode(PgSslMode::Disable)
            .database("postgres");
        Ok(Self {
            door,
            origin: Origin::Local {
                server,
                revived: Mutex::default(),
            },
            relay: OnceLock::new(),
            login,
            role_settings: OnceLock::new(),
        })
    }

    /// Starts the private server again, after somebody has killed it. What fails here fails again,
    /// and with an error, at the next connection.
    #[cfg(unix)]
    async fn revive(&self) {
        if let Origin::Local { revived, .. } = &self.origin {
            log::warn(format_args!(
                "the private server is gone; starting it again"
            ));
            if let Ok(server) = join().await {
                *revived.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
            }
        }
    }

    #[cfg(not(unix))]
    async fn revive(&self) {}

    #[cfg(not(unix))]
    async fn private(_login: Login) -> Result<Self, Cause> {
        Err(Cause::NoServer)
    }

    /// Whether the tests may write to the named database itself when they cannot make their own.
    pub(crate) fn may_be_shared(&self) -> bool {
        matches!(
            self.origin,
            Origin::Url {
                variable: "TEST_DB_URL",
                ..
            }
        )
    }

    /// Whether this is the server that db-test itself has started.
    pub(crate) fn is_private(&self) -> bool {
        !matches!(self.origin, Origin::Url { .. })
    }

    /// Where a process may note which lanes it gave back: beside the private server, which ends with its databases.
    pub(crate) fn lanes_of(&self, template: &OwnDatabase) -> Option<PathBuf> {
        match &self.origin {
            Origin::Url { .. } => None,
            #[cfg(unix)]
            Origin::Local { server, .. } => Some(server.lanes_of(template.as_str())),
        }
    }

    /// Connects to the database that the server was named by, or to `postgres` if there is none of
    /// that name: it is only the door to others.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached within ten seconds or refuses.
    pub(crate) async fn door(&self) -> Result<PgConnection, Cause> {
        let named = match self.maintenance(&self.door_options()).await {
            Err(failure) if failure.is(sqlstate::INVALID_CATALOG_NAME) => failure,
            result => return result.map_err(|failure| self.explain(failure)),
        };
        let fallback = self.door_options().database("postgres");
        let fallback = self.maintenance(&fallback).await;
        fallback.map_err(|_| self.explain(named))
    }

    async fn maintenance(
        &self,
        options: &PgConnectOptions,
    ) -> Result<PgConnection, ConnectFailure> {
        let mut connection = self.connect(options).await?;
        let sql = AssertSqlSafe(timeouts::no_limits(&connection));
        let set = connection.execute(sqlx::raw_sql(sql)).await;
        set.map(|_| connection).map_err(ConnectFailure::Refused)
    }

    /// Connects, waiting for a server that says that it is only starting up, and starting the
    /// private one again if it is gone.
    pub(crate) async fn connect(
        &self,
        options: &PgConnectOptions,
    ) -> Result<PgConnection, ConnectFailure> {
        let was_plain = self.relay.get().is_none();
        let reachable = self.reachable(options.clone());
        let connected = self.persist(|| reachable.connect()).await;
        match connected {
            Err(failure)
                if was_plain
                    && failure.is(sqlstate::INVALID_AUTHORIZATION_SPECIFICATION)
                    && self.encrypts_from_now_on() =>
            {
                let reachable = self.reachable(options.clone());
                self.persist(|| reachable.connect()).await
            }
            result => result,
        }
    }

    /// Options that a driver can connect by which lacks encryption.
    pub(crate) fn reachable(&self, options: PgConnectOptions) -> PgConnectOptions {
        let upstream = Upstream::of(&self.door);
        if upstream.is_plain() && self.relay.get().is_none() {
            return options;
        }
        let open = || Relay::open(upstream, None).ok();
        match self.relay.get_or_init(open) {
            Some(relay) => relay.place().lead(options),
            None => options,
        }
    }

    /// A server has refused a connection that was not encrypted; says whether that can be mended.
    fn encrypts_from_now_on(&self) -> bool {
        let upstream = Upstream::of(&self.door);
        let open = || Relay::open(upstream.clone(), None).ok();
        upstream.may_be_encrypted() && self.relay.get_or_init(open).is_some()
    }

    /// Connects without a driver, for a proxy.
    pub(crate) async fn session(
        &self,
        options: &PgConnectOptions,
    ) -> Result<Session, ConnectFailure> {
        let upstream = Upstream::of(options);
        let database = options.get_database().unwrap_or(options.get_username());
        let mut parameters = BASE.map(|(name, value)| (name, value.to_owned())).to_vec();
        parameters.push(("database", database.to_owned()));
        parameters.push(("application_name", "db-test".to_owned()));
        // So it is what every kind of reset returns to.
        let options = format!("{} {PROXIED}", options.get_options().unwrap_or_default());
        parameters.push(("options", options.trim_start().to_owned()));
        let attempt = || {
            let (upstream, parameters) = (upstream.clone(), parameters.clone());
            executor::blocking(move || {
                let parameters = parameters
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()));
                upstream.connect(&parameters.collect::<Vec<_>>())
            })
        };
        let session = self.persist(attempt).await?;
        if session.stream.is_encrypted() {
            self.encrypts_from_now_on();
        }
        Ok(session)
    }

    async fn persist<T, F: Future<Output = Result<T, sqlx::Error>>>(
        &self,
        connect: impl Fn() -> F,
    ) -> Result<T, ConnectFailure> {
        let attempt = async {
            let (mut revived, mut has_owner) = (false, false);
            loop {
                match connect().await {
                    Err(error) if is(&error, sqlstate::CANNOT_CONNECT_NOW) => {
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                    Err(error) if !has_owner && self.can_make_owner(&error).await => {
                        has_owner = true;
                    }
                    Err(sqlx::Error::Io(_)) if !revived => {
                        revived = true;
                        self.revive().await;
                    }
                    result => return result,
                }
            }
        };
        match tokio::time::timeout(CONNECT_LIMIT, attempt).await {
            Ok(result) => result.map_err(ConnectFailure::Refused),
            Err(_) => Err(ConnectFailure::TimedOut),
        }
    }

    /// What to do when the server does not answer as it should.
    fn advice(&self) -> Option<String> {
        match &self.origin {
            Origin::Url { .. } => None,
            #[cfg(unix)]
            Origin::Local { server, .. } => Some(format!(
                "what it has to say is in {}",
                server.log_file().display()
            )),
        }
    }

    pub(crate) fn explain(&self, failure: ConnectFailure) -> Cause {
        if let Some(cause) = self.spoken_by_pooler(&failure) {
            return cause;
        }
        let server = self.to_string();
        match failure {
            ConnectFailure::Refused(error) => Cause::Connect {
                server,
                advice: self.advice(),
                error,
            },
            ConnectFailure::TimedOut => Cause::ConnectTimedOut {
                server,
                seconds: CONNECT_LIMIT.as_secs(),
            },
        }
    }
}

/// Starts or joins the private server.
#[cfg(unix)]
async fn join() -> Result<local::LocalServer, local::LocalServerError> {
    // From a worker, whose threads print past libtest's capture of the running test.
    let joining = executor::spawn(async { tokio::task::spawn_blocking(local::join).await });
    let joined = joining
        .await
        .expect("the runtime lives as long as the process");
    joined.expect("joining does not panic")
}

impl fmt::Display for Server {
    /// Names the server without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Url {
                variable, place, ..
            } => {
                let (user, port) = (self.door.get_username(), self.door.get_port());
                let database = self.door.get_database().unwrap_or(user);
                match place {
                    Place::Environment => write!(f, "the server that {variable} names")?,
                    Place::File(path) => {
                        write!(f, "the server that {variable} in {} names", path.display())?;
                    }
                }
                write!(f, " ({user}@")?;
                match self.door.get_socket() {
                    Some(directory) => write!(f, "{}", directory.display())?,
                    None => write!(f, "{}:{port}", self.door.get_host())?,
                }
                write!(f, "/{database})")
            }
            #[cfg(unix)]
            Origin::Local { server, .. } => {
                write!(
                    f,
                    "the private PostgreSQL {} at {}",
                    server.major(),
                    server.socket_dir().display()
                )
            }
        }
    }
}
