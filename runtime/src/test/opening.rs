//! Opening a database of a test, of the kind that its session says.

#[cfg(feature = "sqlite")]
use crate::sqlite;
use crate::{
    Error, Isolation,
    database::AnyDatabase,
    postgres::{Startable, proxy::Watch},
    session::Definition,
    test::postgres_database::PostgresDatabase,
};

/// Opens the database of a test. `stated` is the isolation that its attribute states.
pub(crate) async fn open(
    definition: &'static Definition,
    stated: Option<Isolation>,
    watch: Watch,
) -> Result<Box<dyn AnyDatabase>, Error> {
    #[cfg(feature = "sqlite")]
    if definition.is_on_sqlite() {
        let session = &definition.session;
        session.check_sqlite(stated)?;
        let (recording, pool) = (&watch.recording, session.sqlite_pool_options());
        // Installed first: the template is made by connections of this process, too.
        sqlite::install_hooks();
        let template = definition.sqlite_template().await?;
        let database = match stated.unwrap_or(session.default_isolation()) {
            Isolation::Memory => {
                let limit = session.acquire_limit();
                sqlite::TestDatabase::in_memory(&template, pool, limit, recording).await?
            }
            _ => sqlite::TestDatabase::in_a_file(&template, pool, recording).await?,
        };
        return Ok(Box::new(database));
    }
    let isolation = stated.unwrap_or(definition.session.default_isolation());
    let session = Startable::of(definition);
    let pool = definition.session.pool_options(isolation);
    let database = PostgresDatabase::open(isolation, session, pool, watch).await?;
    Ok(Box::new(database))
}

/// Opens a database that is made when it is first used; None if it has to be made now.
pub(crate) fn lazily(
    definition: &'static Definition,
    isolation: Isolation,
    watch: &Watch,
) -> Option<Box<dyn AnyDatabase>> {
    #[cfg(feature = "sqlite")]
    if definition.is_on_sqlite() {
        return None;
    }
    if isolation == Isolation::Database {
        return None;
    }
    let session = Startable::of(definition);
    let pool = definition.session.pool_options(isolation);
    let database = PostgresDatabase::transaction(session, pool, watch.clone());
    Some(Box::new(database))
}
