//! The databases of the variants that make none by themselves.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;

/// As many connections as tests may run at once, and some.
pub const CONNECTIONS: u32 = 16;

/// A database with a schema, made once and migrated.
pub struct Prepared {
    name: String,
    options: PgConnectOptions,
    once: OnceCell<()>,
}

impl Prepared {
    /// Names the database of a variant with this migrator.
    pub fn new(variant: &str, migrator: &Migrator) -> Self {
        let name = format!("bench_{variant}_{}", migrator.iter().count());
        let options = door().database(&name);
        Self {
            name,
            options,
            once: OnceCell::new(),
        }
    }

    /// Makes the database unless it is there; afterwards nobody is connected to it.
    pub async fn options(&self, migrator: &Migrator) -> &PgConnectOptions {
        let make = || async {
            create(&self.name).await.expect("a database can be made");
            let mut connection = connect(&self.options).await;
            migrator.run(&mut connection).await.expect("it migrates");
            connection.close().await.expect("it closes");
        };
        self.once.get_or_init(make).await;
        &self.options
    }

    /// Clones the database, and gives the clone's name with its options.
    pub async fn clone(&self, admin: &sqlx::PgPool) -> (String, PgConnectOptions) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let clone = format!("{}_{}_{number}", self.name, std::process::id());
        let sql = format!("create database {clone} template {}", self.name);
        admin
            .execute(AssertSqlSafe(sql))
            .await
            .expect("a template can be cloned");
        let options = self.options.clone().database(&clone);
        (clone, options)
    }
}

/// Removes a clone.
pub async fn drop_database(admin: &sqlx::PgPool, name: &str) {
    let sql = format!("drop database {name} with (force)");
    let dropped = admin.execute(AssertSqlSafe(sql)).await;
    dropped.expect("a clone can be removed");
}

/// A pool of connections to the database that the URL names.
pub fn admin() -> sqlx::PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_lazy_with(door())
}

async fn create(name: &str) -> Result<(), sqlx::Error> {
    let mut connection = connect(&door()).await;
    let created = connection
        .execute(AssertSqlSafe(format!("create database {name}")))
        .await;
    connection.close().await?;
    match created {
        // It is there already.
        Err(error)
            if error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .as_deref()
                == Some("42P04") =>
        {
            Ok(())
        }
        result => result.map(drop),
    }
}

async fn connect(options: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(options)
        .await
        .expect("the server that DATABASE_URL names is there")
}

fn door() -> PgConnectOptions {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL is set by the runner");
    url.parse().expect("DATABASE_URL is a URL of PostgreSQL")
}
