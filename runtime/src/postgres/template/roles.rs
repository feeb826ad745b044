//! Roles that migrations create belong to the whole server: they outlive the database, and a
//! template that is made anew finds them there.
//!
//! So `create role` is run in a form that accepts a role which earlier templates have made, and
//! gives it the options that the migration wants. A role that is somebody else's is refused as
//! ever. Who made a role is in its comment.
//!
//! Set aside: to drop the role first, which the databases of other templates need; to have a role
//! for each template, whose name the application does not know.

mod options;
mod script;

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, Executor, PgConnection, Row, SqlSafeStr,
    migrate::{Migration, Migrator},
};

use self::{options::Options, script::Statement};
use crate::{
    observe::log,
    postgres::{
        database::DatabaseName,
        server::{OWNER, Server},
    },
};

/// What the comment of a role that migrations have made ends with, before the names of their
/// templates.
const MADE: &str = "made by the migrations of";

/// Migrations in the form in which they are run on a new database; checksums and lines stay.
pub(super) fn accepting(migrator: &Migrator, family: &DatabaseName, server: &Server) -> Migrator {
    let migrations = migrator
        .iter()
        .map(|migration| Migration {
            sql: match accept(migration.sql.as_str(), family, server) {
                Cow::Borrowed(_) => migration.sql.clone(),
                Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
            },
            ..migration.clone()
        })
        .collect();
    Migrator {
        migrations,
        ignore_missing: migrator.ignore_missing,
        locking: migrator.locking,
        no_tx: migrator.no_tx,
        table_name: migrator.table_name.clone(),
        create_schemas: migrator.create_schemas.clone(),
    }
}

fn accept<'a>(sql: &'a str, family: &DatabaseName, server: &Server) -> Cow<'a, str> {
    let mut accepted = String::new();
    let mut end = 0;
    for (range, statement) in script::statements(sql) {
        let text = &sql[range.clone()];
        // Without its comments, which would not end on one line.
        let flat = script::tokens(text).join(" ");
        accepted += &sql[end..range.start];
        accepted += &match statement {
            Statement::Create {
                name,
                logs_in,
                options,
            } => create(&flat, name, logs_in, options, family, server.is_private()),
            Statement::Drop => drop_leniently(&flat),
        };
        // What follows stays on its line.
        accepted.extend(text.chars().filter(|c| *c == '\n'));
        end = range.end;
    }
    if end == 0 {
        return Cow::Borrowed(sql);
    }
    Cow::Owned(accepted + &sql[end..])
}

/// `create role` that accepts a role of ours.
fn create(
    text: &str,
    name: &str,
    logs_in: bool,
    options: &str,
    family: &DatabaseName,
    is_private: bool,
) -> String {
    let literal = literal_of(name);
    let Options { plain, memberships } = Options::read(name, options);
    let login = if logs_in { "login" } else { "nologin" };
    let is_ours = if is_private {
        // Any other one was made by a test, except those that the server and we need.
        format!(
            "(select oid >= 16384 from pg_roles where rolname = {literal}) and {literal} <> '{OWNER}'"
        )
    } else {
        format!("coalesce(remark, '') like '%{MADE} %'")
    };
    let memberships = memberships
        .iter()
        .fold(String::new(), |all, sql| all + " " + sql + ";");
    let options = if plain.is_empty() {
        String::new()
    } else {
        format!(" alter role {name} {plain};")
    };
    let body = format!(
        "declare remark text; begin begin {text}; \
         exception when duplicate_object or unique_violation then \
         select shobj_description(oid, 'pg_authid') into remark from pg_roles where rolname = {literal}; \
         if not ({is_ours}) then raise; end if; \
         execute (select concat_ws(' ', 'alter role {quoted} connection limit -1', \
         case when rolsuper then 'nosuperuser' end, case when rolcreatedb then 'nocreatedb' end, \
         case when rolcreaterole then 'nocreaterole' end, case when rolreplication then 'noreplication' end, \
         case when rolbypassrls then 'nobypassrls' end, case when not rolinherit then 'inherit' end, \
         case when rolvaliduntil is not null then 'valid until ''infinity''' end) \
         from pg_roles where rolname = {literal}); \
         alter role {name} reset all; alter role {name} {login};{options}{memberships} end; \
         if coalesce(remark, '') not like '%{MADE} %' then \
         remark := concat_ws('; ', remark, '{MADE}'); end if; \
         if remark not like '% {family}%' then \
         execute format('comment on role %I is %L', {literal}, remark || ' {family}'); end if; end",
        quoted = name.replace('\'', "''"),
    );
    one_line(&body)
}

/// `drop role` that leaves a role which the databases of other templates still need.
fn drop_leniently(text: &str) -> String {
    one_line(&format!(
        "begin {text}; exception when dependent_objects_still_exist then null; end"
    ))
}

fn one_line(body: &str) -> String {
    format!("do $db_test_role${}$db_test_role$", body.replace('\n', " "))
}

/// The name of a role as a string, which a plain identifier folds to lower case in.
fn literal_of(name: &str) -> String {
    let bare = match name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
    {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => name.to_lowercase(),
    };
    format!("'{}'", bare.replace('\'', "''"))
}

/// Drops the roles whose templates are all gone, where nothing depends on them any more.
pub(super) async fn reap(maintenance: &mut PgConnection) -> Result<(), sqlx::Error> {
    let sql = format!(
        "select quote_ident(rolname), substring(shobj_description(oid, 'pg_authid') from '{MADE} (.*)$') \
         from pg_roles where shobj_description(oid, 'pg_authid') like '%{MADE} %'"
    );
    let roles = maintenance
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    let names = "select datname::text from pg_database where starts_with(datname, 'dbt_')";
    let names: Vec<String> = sqlx::query_scalar(names)
        .fetch_all(&mut *maintenance)
        .await?;
    let families: Vec<_> = names
        .iter()
        .filter_map(|name| DatabaseName::recognize(name))
        .collect();
    for row in roles {
        let (role, made_by): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let is_needed = made_by
            .split(' ')
            .any(|made_by| families.iter().any(|family| family.family() == made_by));
        if !is_needed {
            let sql = format!("drop role if exists {role}");
            match maintenance.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await {
                Ok(_) => log::info(format_args!("dropped the role {role}")),
                Err(error) => log::debug(format_args!("the role {role} was not dropped: {error}")),
            }
        }
    }
    Ok(())
}
