//! The PostgreSQL database of one test, by its isolation.

use std::{sync::OnceLock, time::Duration};

use futures_util::future::{BoxFuture, LocalBoxFuture};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Error, Isolation,
    database::{
        AnyDatabase, Ending,
        fixtures::Fixtures,
        keeping::{Keeping, Verdict},
    },
    postgres::{
        Endpoint, Startable,
        own_database::OwnDatabase,
        proxy::Watch,
        sandbox::{Sandbox, Savepoint},
    },
    test::{cause::Cause, fixtures},
};

/// The PostgreSQL database of one test.
pub(crate) enum PostgresDatabase {
    /// A transaction on a lane, rolled back at the end. It takes a lane at its first use.
    Transaction(Box<LazySandbox>),
    /// A lane without a transaction, cleared or dropped at the end.
    Own(Box<OwnDatabase>),
}

/// The sandbox of a test that may not need one.
pub(crate) struct LazySandbox {
    session: Startable,
    pool: PgPoolOptions,
    watch: Watch,
    made: OnceLock<Result<Sandbox, Error>>,
}

impl LazySandbox {
    fn get(&self) -> Result<&Sandbox, Error> {
        let open = || Sandbox::open(self.session, self.pool.clone(), self.watch.clone());
        self.made.get_or_init(open).as_ref().map_err(Error::clone)
    }

    /// The sandbox, if the test has used it.
    fn made(&self) -> Option<&Sandbox> {
        self.made.get()?.as_ref().ok()
    }
}

impl PostgresDatabase {
    /// Opens the database of a test. A separate one is taken at once, a transaction at its first
    /// use.
    pub(crate) async fn open(
        isolation: Isolation,
        session: Startable,
        pool: PgPoolOptions,
        watch: Watch,
    ) -> Result<Self, Error> {
        Ok(match isolation {
            Isolation::Transaction => Self::transaction(session, pool, watch),
            Isolation::Database => {
                Self::Own(Box::new(OwnDatabase::open(session, pool, watch).await?))
            }
            Isolation::Memory => return Err(Error::from(Cause::NoMemory)),
        })
    }

    /// A transaction that takes a lane at its first use.
    pub(crate) fn transaction(session: Startable, pool: PgPoolOptions, watch: Watch) -> Self {
        Self::Transaction(Box::new(LazySandbox {
            session,
            pool,
            watch,
            made: OnceLock::new(),
        }))
    }

    pub(crate) fn pool(&self) -> Result<PgPool, Error> {
        Ok(match self {
            Self::Transaction(sandbox) => sandbox.get()?.pool(),
            Self::Own(own) => own.pool(),
        })
    }

    /// The options of connections of the application's own making.
    pub(crate) fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        match self {
            Self::Transaction(sandbox) => sandbox.get()?.connect_options(),
            Self::Own(own) => Ok(own.options()),
        }
    }

    /// The options of the owner's connections to the test's database.
    pub(crate) fn owner_options(&self) -> Result<PgConnectOptions, Error> {
        match self {
            Self::Transaction(sandbox) => sandbox.get()?.owner_options(),
            Self::Own(own) => Ok(own.owner_options()),
        }
    }

    /// Marks the present state, to be returned to; a transaction is needed for that.
    pub(crate) async fn savepoint(&self, case_limit: Duration) -> Result<Savepoint, Error> {
        match self {
            Self::Transaction(sandbox) => sandbox.get()?.savepoint(case_limit).await,
            Self::Own(_) => Err(Error::from(Cause::NoSavepoint)),
        }
    }

    /// The options of a read-only connection that sees what is really committed.
    pub(crate) async fn outside(&self) -> Result<PgConnectOptions, Error> {
        let options = match self {
            Self::Transaction(sandbox) => sandbox.get()?.outside().await?,
            Self::Own(own) => own.outside(),
        };
        Ok(options.options([("default_transaction_read_only", "on")]))
    }

    /// Where the test's connections lead.
    fn endpoint(&self) -> Result<&Endpoint, Error> {
        Ok(match self {
            Self::Transaction(sandbox) => sandbox.get()?.endpoint(),
            Self::Own(own) => own.endpoint(),
        })
    }
}

impl AnyDatabase for PostgresDatabase {
    fn is_used(&self) -> bool {
        match self {
            Self::Transaction(sandbox) => sandbox.made.get().is_some(),
            Self::Own(_) => true,
        }
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            match self {
                Self::Transaction(sandbox) => sandbox.get()?.ready().await,
                Self::Own(_) => Ok(()),
            }
        })
    }

    fn time_preparing(&self) -> Duration {
        match self {
            Self::Transaction(sandbox) => {
                sandbox.made().map_or(Duration::ZERO, Sandbox::time_taking)
            }
            Self::Own(_) => Duration::ZERO,
        }
    }

    fn url(&self) -> Result<String, Error> {
        Ok(self.endpoint()?.url(&self.connect_options()?))
    }

    fn load<'a>(&'a self, fixtures: &'a Fixtures) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move { fixtures::load_by(fixtures, &self.owner_options()?).await })
    }

    fn end<'a>(&'a self, verdict: Verdict, keeping: &'a Keeping) -> LocalBoxFuture<'a, Ending> {
        Box::pin(async move {
            match self {
                Self::Transaction(sandbox) => match sandbox.made() {
                    Some(sandbox) => sandbox.end(verdict, keeping).await,
                    None => Ending::untouched(verdict, keeping),
                },
                Self::Own(own) => own.end(verdict, keeping).await,
            }
        })
    }
}
