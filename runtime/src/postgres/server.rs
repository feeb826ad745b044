//! Where the database server comes from.

mod cluster;
mod connect;
mod elsewhere;
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
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use self::url::{Choice, Source};
pub(crate) use self::{
    cluster::Cluster,
    failure::ConnectFailure,
    login::{Login, OWNER},
    timeouts::never_end,
};
use crate::{
    BoxError, executor,
    observe::log,
    postgres::{cause::Cause, database::DatabaseName, relay::Relay},
};

/// The server of a session. While it lives, a private server is not stopped.
pub(crate) struct Server {
    /// Of the maintenance connection, through which databases are made and dropped. Nothing is
    /// written to the database that it leads to.
    maintenance: PgConnectOptions,
    origin: Origin,
    /// Encrypts for sqlx, which may have been built without TLS.
    relay: OnceLock<Option<Relay>>,
    login: Login,
    /// The settings of the session's role, once they have been read.
    role_settings: OnceLock<Vec<String>>,
}

enum Origin {
    Url {
        variable: &'static str,
        source: Source,
        has_password: bool,
    },
    #[cfg(unix)]
    Local {
        server: local::LocalServer,
        /// The same server, joined again after it was killed; kept because it holds the lease.
        restarted: Mutex<Option<local::LocalServer>>,
    },
}

impl Server {
    /// Takes the server that the environment names, or else starts or joins the private one.
    pub(crate) async fn find(crate_dir: &Path, login: &Login) -> Result<Self, Cause> {
        let reason = match url::find(crate_dir)? {
            Choice::Named(named) => {
                let source = named.source.clone();
                let server = Self {
                    maintenance: named.options,
                    origin: Origin::Url {
                        variable: named.variable,
                        source: named.source,
                        has_password: named.has_password,
                    },
                    relay: OnceLock::new(),
                    login: login.clone(),
                    role_settings: OnceLock::new(),
                };
                log::info(format_args!(
                    "using {server}, as the variable is set ({source})"
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
        // Joining a server that runs does not block, so it needs no thread for that.
        let server = match local::join_running() {
            Ok(Some(server)) => Ok(server),
            Ok(None) => join().await,
            Err(error) => Err(error.into()),
        };
        let server = server.map_err(Cause::NoLocalServer)?;
        let maintenance = PgConnectOptions::new_without_pgpass()
            .socket(server.socket_dir())
            .port(server.port())
            .username(server.user())
            .ssl_mode(PgSslMode::Disable)
            .database("postgres");
        Ok(Self {
            maintenance,
            origin: Origin::Local {
                server,
                restarted: Mutex::default(),
            },
            relay: OnceLock::new(),
            login,
            role_settings: OnceLock::new(),
        })
    }

    /// Starts the private server again after it was killed. A failure is not returned: the next
    /// connection fails for the same reason.
    #[cfg(unix)]
    async fn restart(&self) {
        if let Origin::Local { restarted, .. } = &self.origin {
            log::warn(format_args!(
                "the private server is gone; starting it again"
            ));
            if let Ok(server) = join().await {
                *restarted.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
            }
        }
    }

    #[cfg(not(unix))]
    async fn restart(&self) {}

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

    /// The file that lists the lanes given back last. Only the private server has one: it is
    /// removed with its databases.
    pub(crate) fn lanes_of(&self, template: &DatabaseName) -> Option<PathBuf> {
        match &self.origin {
            Origin::Url { .. } => None,
            #[cfg(unix)]
            Origin::Local { server, .. } => Some(server.lanes_of(template.as_str())),
        }
    }

    /// Where to look when the server refuses a connection.
    fn help(&self) -> Option<String> {
        match &self.origin {
            Origin::Url { .. } => None,
            #[cfg(unix)]
            Origin::Local { server, .. } => {
                Some(format!("its log is {}", server.log_file().display()))
            }
        }
    }
}

/// Starts or joins the private server.
#[cfg(unix)]
async fn join() -> Result<local::LocalServer, BoxError> {
    // From a worker, whose threads print past libtest's capture of the running test.
    let joining = executor::spawn(async { tokio::task::spawn_blocking(local::join).await });
    match joining.await {
        Ok(Ok(joined)) => Ok(joined?),
        // Such as that no thread could be started.
        Ok(Err(error)) | Err(error) => {
            Err(format!("could not join the private server: {error}").into())
        }
    }
}

impl fmt::Display for Server {
    /// Names the server without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Url {
                variable, source, ..
            } => {
                let (user, port) = (self.maintenance.get_username(), self.maintenance.get_port());
                let database = self.maintenance.get_database().unwrap_or(user);
                match source {
                    Source::Environment => write!(f, "the server that {variable} names")?,
                    Source::File(path) => {
                        write!(f, "the server that {variable} in {} names", path.display())?;
                    }
                }
                write!(f, " ({user}@")?;
                match self.maintenance.get_socket() {
                    Some(directory) => write!(f, "{}", directory.display())?,
                    None => write!(f, "{}:{port}", self.maintenance.get_host())?,
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
