//! Connecting to the server: for maintenance, for tests and for a proxy. Attempts that may succeed
//! later are repeated.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor, PgConnection, postgres::PgConnectOptions,
};

use super::{ConnectFailure, Server, timeouts};
use crate::{
    executor,
    postgres::{
        cause::Cause,
        proxy::BASE,
        relay::Relay,
        sqlstate::{self, is},
        upstream::{BackendConnection, Upstream},
    },
};

/// How long a new connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The pause between two attempts to connect to a server that is starting up.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The options of a proxy's connection, by which the functions that replace builtins in a template
/// know it. Every kind of reset returns to them.
const PROXIED: &str = "-c db_test.proxied=on -c db_test.now=statement";

impl Server {
    /// Connects to the database that the server was named by, or to `postgres` if there is none of
    /// that name.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached within ten seconds or refuses.
    pub(crate) async fn maintenance(&self) -> Result<PgConnection, Cause> {
        let named = match self
            .connect_for_maintenance(&self.maintenance_options())
            .await
        {
            Err(failure) if failure.is(sqlstate::INVALID_CATALOG_NAME) => failure,
            result => return result.map_err(|failure| self.explain(failure)),
        };
        let fallback = self.maintenance_options().database("postgres");
        let fallback = self.connect_for_maintenance(&fallback).await;
        fallback.map_err(|_| self.explain(named))
    }

    async fn connect_for_maintenance(
        &self,
        options: &PgConnectOptions,
    ) -> Result<PgConnection, ConnectFailure> {
        let mut connection = self.connect(options).await?;
        let sql = AssertSqlSafe(timeouts::no_limits(&connection));
        let set = connection.execute(sqlx::raw_sql(sql)).await;
        set.map(|_| connection).map_err(ConnectFailure::Refused)
    }

    /// Connects. Waits for a server that is starting up, and starts the private one again if it
    /// is gone.
    pub(crate) async fn connect(
        &self,
        options: &PgConnectOptions,
    ) -> Result<PgConnection, ConnectFailure> {
        let was_plain = self.relay.get().is_none();
        let reachable = self.reachable(options.clone());
        let connected = self.retrying(|| reachable.connect()).await;
        match connected {
            Err(failure)
                if was_plain
                    && failure.is(sqlstate::INVALID_AUTHORIZATION_SPECIFICATION)
                    && self.switch_to_encryption() =>
            {
                let reachable = self.reachable(options.clone());
                self.retrying(|| reachable.connect()).await
            }
            result => result,
        }
    }

    /// The options for sqlx, by way of a relay where the connection has to be encrypted.
    pub(crate) fn reachable(&self, options: PgConnectOptions) -> PgConnectOptions {
        let upstream = Upstream::of(&self.maintenance);
        if upstream.is_plain() && self.relay.get().is_none() {
            return options;
        }
        let open = || Relay::open(upstream, None).ok();
        match self.relay.get_or_init(open) {
            Some(relay) => relay.endpoint().lead(options),
            None => options,
        }
    }

    /// Encrypts all further connections, after the server refused a plain one. False if that is not
    /// possible.
    fn switch_to_encryption(&self) -> bool {
        let upstream = Upstream::of(&self.maintenance);
        let open = || Relay::open(upstream.clone(), None).ok();
        upstream.may_be_encrypted() && self.relay.get_or_init(open).is_some()
    }

    /// Connects without a driver, for a proxy.
    pub(crate) async fn backend_connection(
        &self,
        options: &PgConnectOptions,
    ) -> Result<BackendConnection, ConnectFailure> {
        let upstream = Upstream::of(options);
        let database = options.get_database().unwrap_or(options.get_username());
        let mut parameters = BASE.map(|(name, value)| (name, value.to_owned())).to_vec();
        parameters.push(("database", database.to_owned()));
        parameters.push(("application_name", "db-test".to_owned()));
        // In the startup message, whose settings every kind of reset returns to.
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
        let connection = self.retrying(attempt).await?;
        if connection.stream.is_encrypted() {
            self.switch_to_encryption();
        }
        Ok(connection)
    }

    async fn retrying<T, F: Future<Output = Result<T, sqlx::Error>>>(
        &self,
        connect: impl Fn() -> F,
    ) -> Result<T, ConnectFailure> {
        let attempt = async {
            let (mut restarted, mut has_owner) = (false, false);
            loop {
                match connect().await {
                    Err(error) if is(&error, sqlstate::CANNOT_CONNECT_NOW) => {
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                    Err(error) if !has_owner && self.can_make_owner(&error).await => {
                        has_owner = true;
                    }
                    Err(sqlx::Error::Io(_)) if !restarted => {
                        restarted = true;
                        self.restart().await;
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

    pub(crate) fn explain(&self, failure: ConnectFailure) -> Cause {
        if let Some(cause) = self.spoken_by_pooler(&failure) {
            return cause;
        }
        let server = self.to_string();
        match failure {
            ConnectFailure::Refused(error) => Cause::Connect {
                server,
                help: self.help(),
                error,
            },
            ConnectFailure::TimedOut => Cause::ConnectTimedOut {
                server,
                seconds: CONNECT_LIMIT.as_secs(),
            },
        }
    }

    /// A statement of our own that failed; `action` completes "could not".
    pub(crate) fn statement_failed(&self, action: &str, error: sqlx::Error) -> Cause {
        Cause::Statement {
            action: action.to_owned(),
            server: self.to_string(),
            error,
        }
    }
}
