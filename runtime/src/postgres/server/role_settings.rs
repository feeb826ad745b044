//! The settings of a role (`ALTER ROLE … SET`), which apply when it logs in and not at `SET ROLE`.

use sqlx::postgres::PgConnectOptions;

use super::Server;
use crate::postgres::{cause::Cause, database::DatabaseName};

/// The settings of a role, those for one database last; without those that only a superuser may
/// make.
const SETTINGS: &str = "select array(\
       select setting from pg_db_role_setting left join pg_database on pg_database.oid = setdatabase, unnest(setconfig) setting \
       where setrole = pg_roles.oid and (setdatabase = 0 or datname = $2) \
       and (split_part(setting, '=', 1) like '%.%' or split_part(setting, '=', 1) in \
           (select name from pg_settings where context = 'user' and name not in ('role', 'session_authorization'))) \
       order by setdatabase) \
     from pg_roles where rolname = $1";

impl Server {
    /// Learns the settings of the session's role, once the migrations have made it.
    pub(crate) async fn learn_role(&self, template: &DatabaseName) -> Result<(), Cause> {
        let Some(role) = self.role().filter(|_| self.role_settings.get().is_none()) else {
            return Ok(());
        };
        let mut maintenance = self.maintenance().await?;
        let settings: Option<Vec<String>> = sqlx::query_scalar(SETTINGS)
            .bind(role)
            .bind(template.as_str())
            .fetch_optional(&mut maintenance)
            .await
            .map_err(|error| {
                self.statement_failed("read the settings of the session's role", error)
            })?;
        if let Some(settings) = settings {
            self.role_settings.set(settings).ok();
        }
        sqlx::Connection::close(maintenance).await.ok();
        Ok(())
    }

    /// Adds the settings of the role, except those that the URL sets.
    pub(super) fn with_role_settings(&self, options: PgConnectOptions) -> PgConnectOptions {
        let given = options.get_options().unwrap_or_default().to_owned();
        let learned = self.role_settings.get().into_iter().flatten();
        let settings = learned
            .filter_map(|setting| setting.split_once('='))
            .filter(|(name, _)| !given.contains(&format!("-c {name}=")));
        options.options(settings)
    }
}
