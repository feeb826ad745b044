//! Opening a database of a test, of the kind that its session says.

use crate::{
    Error, Isolation,
    postgres::{Startable, proxy::Watch},
    session::Definition,
    test::{database::AnyDatabase, isolation::TestDatabase},
};

/// Opens the database of a test. `stated` is the isolation that its attribute states.
pub(crate) async fn open(
    definition: &'static Definition,
    stated: Option<Isolation>,
    watch: Watch,
) -> Result<Box<dyn AnyDatabase>, Error> {
    #[cfg(feature = "sqlite")]
    if definition.session.sqlite.is_some() {
        let recording = &watch.recording;
        let database = crate::sqlite::TestDatabase::open(stated, definition, recording);
        return Ok(Box::new(database.await?));
    }
    let isolation = stated.unwrap_or(definition.session.default_isolation());
    let session = Startable::of(definition);
    let pool = definition.session.pool_options(isolation);
    let database = TestDatabase::open(isolation, session, pool, watch).await?;
    Ok(Box::new(database))
}

/// Opens a database that is made when it is first used; None if it has to be made now.
pub(crate) fn lazily(
    definition: &'static Definition,
    isolation: Isolation,
    watch: &Watch,
) -> Option<Box<dyn AnyDatabase>> {
    #[cfg(feature = "sqlite")]
    if definition.session.sqlite.is_some() {
        return None;
    }
    if isolation == Isolation::Database {
        return None;
    }
    let session = Startable::of(definition);
    let pool = definition.session.pool_options(isolation);
    let database = TestDatabase::transaction(session, pool, watch.clone());
    Some(Box::new(database))
}
