//! What a template is filled with: the session's migrations, then its seeds.

use sqlx::{
    AssertSqlSafe, Executor, PgPool,
    migrate::{MigrateError, Migration},
    postgres::PgPoolOptions,
};

use super::{Template, failed_migration, roles, server_objects};
use crate::{
    database::cause as content,
    executor::panics::caught,
    observe::{log, report::chain},
    postgres::{
        cause::Cause,
        database::DatabaseName,
        sqlstate::{self, is, is_transient, is_transient_migration},
    },
    schema,
};

/// Fills a new database.
pub(super) async fn fill(template: &Template, draft: &DatabaseName) -> Result<(), Cause> {
    let options = template
        .server
        .reachable(template.server.owner_options(draft));
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let filled = fill_through(template, &pool).await;
    pool.close().await;
    filled
}

async fn fill_through(template: &Template, pool: &PgPool) -> Result<(), Cause> {
    let migrator = roles::accepting(
        &template.content.migrator,
        &template.database,
        &template.server,
    );
    if let Err(error) = migrator.run(pool).await {
        let migration = schema::failed_migration(&migrator, &error);
        return Err(Cause::from(content::Cause::Migration {
            name: schema::name_of(migration).into(),
            at: failed_migration::place(template, migration, &error, Some(pool))
                .await
                .into(),
            place: Box::default(),
            help: help_on_migration(template, migration, &error),
            is_transient: is_transient_migration(&error),
            error,
        }));
    }
    let failed = |problem: String, error: Option<&sqlx::Error>| {
        let help = error.map(|error| template.server.help_on_privileges(error));
        Cause::from(content::Cause::Seed {
            problem: problem + &help.unwrap_or_default(),
            is_transient: error.is_some_and(is_transient),
        })
    };
    for sql in &template.content.seed_sql {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.clone()));
        let executed = pool.execute(script).await;
        executed.map_err(|error| failed(chain(&error), Some(&error)))?;
    }
    match &template.content.seed {
        Some(seed) => caught(Box::pin(seed.run(pool.clone())))
            .await
            .and_then(|seeded| seeded)
            .map_err(|error| failed(chain(error.as_ref()), error.downcast_ref())),
        None => Ok(()),
    }
}

/// Runs the migrations on the database that all lanes share.
pub(super) async fn migrate_shared(template: &Template) -> Result<(), Cause> {
    let server = template.server.to_string();
    if let Some(name) = &template.content.named {
        return Err(Cause::NoFurtherWhenShared {
            role: template.server.owner().to_owned(),
            name: name.clone(),
        });
    }
    if !template.content.seed_sql.is_empty() || template.content.seed.is_some() {
        return Err(Cause::NoSeedWhenShared {
            role: template.server.owner().to_owned(),
        });
    }
    if template.content.locale.is_some() {
        return Err(Cause::NoLocaleWhenShared {
            role: template.server.owner().to_owned(),
        });
    }
    log::notice(format_args!(
        "the role `{}` may not create databases, so all tests share {server}: each is rolled back, \
         but tests can wait for each other's locks, and what a test commits outside of its transaction stays",
        template.server.owner(),
    ));
    // `Migrator::run` takes an advisory lock, so concurrent processes take turns.
    let options = template
        .server
        .reachable(template.server.maintenance_options());
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    let migrated = template.content.migrator.run(&pool).await;
    pool.close().await;
    let Err(error) = migrated else {
        return Ok(());
    };
    Err(
        match schema::failed_migration(&template.content.migrator, &error) {
            Some(migration) => Cause::from(content::Cause::Migration {
                name: schema::name_of(Some(migration)).into(),
                at: failed_migration::place(template, Some(migration), &error, None)
                    .await
                    .into(),
                place: format!(" ({server})").into(),
                help: help_on_migration(template, Some(migration), &error),
                is_transient: is_transient_migration(&error),
                error,
            }),
            None => Cause::SharedMigration { server, error },
        },
    )
}

/// What to do about a privilege that is missing, or about what is there already.
fn help_on_migration(
    template: &Template,
    migration: Option<&Migration>,
    error: &MigrateError,
) -> Box<str> {
    let MigrateError::ExecuteMigration(error, _) = error else {
        return Box::default();
    };
    if let Some(help) = server_objects::help(migration, error) {
        return help.into();
    }
    if is(error, sqlstate::DUPLICATE_OBJECT) || is(error, sqlstate::DUPLICATE_DATABASE) {
        return "\na role, a database or a tablespace belongs to the whole server, and this one exists already: make it in the \
                migration only where it is missing"
            .into();
    }
    template.server.help_on_privileges(error).into()
}
