//! The login role's membership in the role that a session names.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

use super::{ConnectFailure, Server};
use crate::postgres::{
    cause::Cause,
    sqlstate::{self, is},
};

/// From PostgreSQL 16 on, `SET ROLE` and the inheritance of privileges are granted separately.
const MEMBERSHIP_HAS_OPTIONS: u32 = 160_000;

/// Whether the role is a superuser, and all roles but PostgreSQL's.
const LOOK: &str = "select coalesce((select rolsuper from pg_roles where rolname = $1), false), \
     array(select rolname::text from pg_roles where not starts_with(rolname, 'pg_') order by 1)";

impl Server {
    /// Whether a test's connection was refused because the login role may not become the session's
    /// role, or there is no such role.
    pub(crate) fn refuses_role(&self, failure: &ConnectFailure) -> bool {
        self.role().is_some()
            && (failure.is(sqlstate::INVALID_PARAMETER_VALUE)
                || failure.is(sqlstate::INSUFFICIENT_PRIVILEGE))
    }

    /// Makes the login role a member of the session's role.
    ///
    /// # Errors
    ///
    /// When there is no such role, or the login role may not grant it.
    pub(crate) async fn grant_role(&self) -> Result<(), Cause> {
        let Some(role) = self.role() else {
            return Ok(());
        };
        let mut maintenance = self.maintenance().await?;
        let done = self.try_grant_role(&mut maintenance, role).await;
        maintenance.close().await.ok();
        done
    }

    async fn try_grant_role(
        &self,
        maintenance: &mut PgConnection,
        role: &str,
    ) -> Result<(), Cause> {
        let looked = sqlx::query(LOOK)
            .bind(role)
            .fetch_one(&mut *maintenance)
            .await;
        let read = looked.and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let (is_superuser, roles): (bool, Vec<String>) =
            read.map_err(|error| self.statement_failed("list the roles", error))?;
        let name = role.to_owned();
        if !roles.contains(&name) {
            let (server, roles) = (self.to_string(), roles.join("`, `"));
            return Err(Cause::UnknownRole {
                role: name,
                server,
                roles,
            });
        }
        if is_superuser && self.is_private() {
            return Err(Cause::RoleIsSuperuser { role: name });
        }
        let mut sql = format!("grant {} to {}", quoted(role), quoted(self.owner()));
        if maintenance.server_version_num() >= Some(MEMBERSHIP_HAS_OPTIONS) {
            sql.push_str(" with inherit false, set true");
        }
        match maintenance
            .execute(sqlx::raw_sql(AssertSqlSafe(sql.clone())))
            .await
        {
            Ok(_) => Ok(()),
            // Another process has done it at the same time.
            Err(error)
                if is(&error, sqlstate::UNIQUE_VIOLATION)
                    || is(&error, sqlstate::INTERNAL_ERROR) =>
            {
                Ok(())
            }
            Err(error)
                if is(&error, sqlstate::INSUFFICIENT_PRIVILEGE)
                    || is(&error, sqlstate::INVALID_GRANT_OPERATION) =>
            {
                Err(Cause::RoleNotGranted {
                    role: name,
                    server: self.to_string(),
                    sql,
                    error,
                })
            }
            Err(error) => Err(self.statement_failed(&format!("run `{sql}`"), error)),
        }
    }
}

/// A name as SQL reads it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
