//! The role that each kind of connection logs in as.
//!
//! | connection | on the private server | on a given one |
//! | --- | --- | --- |
//! | maintenance: makes, clones, renames and drops databases | its superuser | the URL's role |
//! | the owner's: migrations, seeds, fixtures | [`OWNER`], or its superuser | the URL's role |
//! | a test's: arguments, body, application | the owner's, or [`Login::role`] | the same |

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection, Executor, PgConnection,
    postgres::PgConnectOptions,
};

use super::Server;
use crate::postgres::database::DatabaseName;
use crate::postgres::sqlstate::{self, is};

/// The owner of the private server's databases: an ordinary role, to which policies and privileges
/// apply.
pub(crate) const OWNER: &str = "db_test";

/// Makes the owner; another process may be doing the same.
///
/// From PostgreSQL 16 on, who may create roles may no longer put them into the server's own groups.
/// Hosted servers let the role of an application's owner do that for these; it has none of their
/// privileges itself.
const MAKE_OWNER: &str = "do $$ declare known text; begin \
     create role db_test login createdb createrole; \
     if current_setting('server_version_num')::int >= 160000 then \
       for known in select rolname from pg_roles where rolname in ('pg_monitor', 'pg_read_all_settings', \
         'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_signal_backend', 'pg_read_all_data', 'pg_write_all_data') loop \
         execute format('grant %I to db_test with admin true, inherit false, set false', known); \
       end loop; \
     end if; \
     exception when duplicate_object or unique_violation then null; end $$";

/// From PostgreSQL 15 on, a database's owner owns its schema `public`.
const PUBLIC_BELONGS_TO_OWNER: u32 = 150_000;

/// What a session says about the roles of its connections.
#[derive(Clone, Default, Debug)]
pub(crate) struct Login {
    /// Whether the owner is the private server's superuser.
    pub(crate) superuser: bool,
    /// What the connections of tests run as, instead of the owner.
    pub(crate) role: Option<String>,
}

impl Server {
    /// The options of a maintenance connection.
    pub(crate) fn maintenance_options(&self) -> PgConnectOptions {
        self.maintenance.clone().application_name("db-test")
    }

    /// The options of a connection of the owner's to one of our own databases.
    pub(crate) fn owner_options(&self, database: &DatabaseName) -> PgConnectOptions {
        let options = self.maintenance_options().database(database.as_str());
        options.username(self.owner())
    }

    /// The options of a test's connection to one of our own databases.
    pub(crate) fn test_options(&self, database: &DatabaseName) -> PgConnectOptions {
        self.as_role(self.owner_options(database))
    }

    /// The options of a test's connection to the database that all tests share.
    pub(crate) fn shared_options(&self) -> PgConnectOptions {
        self.as_role(self.maintenance_options())
    }

    /// The options of a connection as the maintenance role, which sees all rows on the private
    /// server: policies do not apply to a superuser.
    pub(crate) fn outside_options(&self, database: Option<&DatabaseName>) -> PgConnectOptions {
        let options = self.maintenance_options();
        match database {
            Some(database) => options.database(database.as_str()),
            None => options,
        }
    }

    /// Sets the role in the startup message, so that it is what `RESET ROLE` and `DISCARD ALL`
    /// return to.
    fn as_role(&self, options: PgConnectOptions) -> PgConnectOptions {
        match &self.login.role {
            Some(role) => self.with_role_settings(options).options([("role", role)]),
            None => options,
        }
    }

    /// The role that owns our databases, and that migrations run as.
    pub(crate) fn owner(&self) -> &str {
        if self.has_ordinary_owner() {
            OWNER
        } else {
            self.maintenance.get_username()
        }
    }

    /// The settings that each connection starts with, whatever its role, as in `-c
    /// search_path=app`.
    pub(crate) fn startup_options(&self) -> &str {
        self.maintenance.get_options().unwrap_or_default()
    }

    /// The role that a test's connections run as.
    pub(crate) fn role(&self) -> Option<&str> {
        self.login.role.as_deref()
    }

    /// Whether the owner is another role than the one that maintains the server.
    pub(crate) fn has_ordinary_owner(&self) -> bool {
        self.is_private() && !self.login.superuser
    }

    /// Statements of db-test's on a test's connection that only the owner may run.
    pub(crate) fn as_owner(&self, sql: String) -> String {
        match self.login.role {
            Some(_) => format!("set role none; {sql}; reset role"),
            None => sql,
        }
    }

    /// What to do about a statement of the owner's that failed for want of a privilege; empty for
    /// other failures.
    pub(crate) fn help_on_privileges(&self, error: &sqlx::Error) -> String {
        if !is(error, sqlstate::INSUFFICIENT_PRIVILEGE) {
            return String::new();
        }
        let owner = self.owner();
        if self.has_ordinary_owner() {
            return format!(
                "\nit ran as `{owner}`, an ordinary role, as in production; to run migrations and seeds as a superuser: \
                 Session::postgres().superuser()"
            );
        }
        format!(
            "\nit ran as `{owner}`: grant that role what is missing, or name another one in the URL"
        )
    }

    /// What is added to `create database`.
    pub(crate) fn owner_clause(&self) -> String {
        if self.has_ordinary_owner() {
            format!(" owner {OWNER}")
        } else {
            String::new()
        }
    }

    /// Makes the owner on a private server that does not have it yet.
    pub(crate) async fn make_owner(
        &self,
        maintenance: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        if self.has_ordinary_owner() {
            maintenance.execute(sqlx::raw_sql(MAKE_OWNER)).await?;
        }
        Ok(())
    }

    /// Makes the owner after a connection was refused for want of it. Says whether that is worth
    /// another attempt.
    pub(super) async fn can_make_owner(&self, error: &sqlx::Error) -> bool {
        if !self.has_ordinary_owner() || !is(error, sqlstate::INVALID_AUTHORIZATION_SPECIFICATION) {
            return false;
        }
        let Ok(mut maintenance) = self.maintenance_options().connect().await else {
            return false;
        };
        let made = self.make_owner(&mut maintenance).await.is_ok();
        maintenance.close().await.ok();
        made
    }

    /// Gives the owner of a new database its schema `public`, where the server has not.
    pub(crate) async fn hand_over_public(
        &self,
        database: &DatabaseName,
    ) -> Result<(), sqlx::Error> {
        if !self.has_ordinary_owner() {
            return Ok(());
        }
        let options = self.maintenance_options().database(database.as_str());
        let mut connection = options.connect().await?;
        if connection.server_version_num() < Some(PUBLIC_BELONGS_TO_OWNER) {
            let sql = format!("alter schema public owner to {OWNER}");
            connection
                .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
                .await?;
        }
        connection.close().await
    }
}
