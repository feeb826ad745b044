//! What migrations say about their database: `alter database … set`, `alter role … in database …
//! set`, grants.
//!
//! `create database … template` copies none of it, because it is in catalogs that all databases
//! share.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::postgres::{database::DatabaseName, template::REMEMBERED};

/// Gives a clone what was said about its template. The names in it are of our own making and need
/// no quotes.
///
/// Lists of names are stored as they are written in SQL, and only `from current` takes them like
/// that (`variable_is_guc_list_quote` in `pg_dump`).
const INHERIT: &str = r"do $inherit$
declare
  source constant pg_database := d from pg_database d where datname = 'TEMPLATE';
  item record;
  name text;
  value text;
  target text;
begin
  for item in
    select rolname, unnest(setconfig) as setting
    from pg_db_role_setting left join pg_roles on pg_roles.oid = setrole
    where setdatabase = source.oid and (setrole = 0 or rolname is not null)
  loop
    name := split_part(item.setting, '=', 1);
    value := substr(item.setting, length(name) + 2);
    continue when starts_with(item.setting, 'application_name=REMEMBERED');
    target := format('alter database %I', 'LANE');
    if item.rolname is not null then
      target := format('alter role %I in database %I', item.rolname, 'LANE');
    end if;
    target := target || ' set ' || (
      select string_agg(quote_ident(part), '.' order by place)
      from unnest(string_to_array(name, '.')) with ordinality as parts (part, place)
    );
    if lower(name) in ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries') then
      perform set_config(name, value, true);
      execute target || ' from current';
    else
      execute target || format(' to %L', value);
    end if;
  end loop;
  if source.datacl is not null then
    execute 'revoke all on database LANE from public';
    execute format('revoke all on database LANE from %I', pg_get_userbyid(source.datdba));
    for item in select * from aclexplode(source.datacl) loop
      execute format(
        'grant %s on database LANE to %s%s',
        item.privilege_type,
        case when item.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(item.grantee)) end,
        case when item.is_grantable then ' with grant option' else '' end
      );
    end loop;
  end if;
end $inherit$";

/// Carries over to a new clone what the migrations have said about their database.
pub(super) async fn carry_over(
    maintenance: &mut PgConnection,
    template: &DatabaseName,
    lane: &DatabaseName,
) -> Result<(), sqlx::Error> {
    let sql = INHERIT
        .replace("TEMPLATE", template.as_str())
        .replace("REMEMBERED", REMEMBERED)
        .replace("LANE", lane.as_str());
    maintenance
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    Ok(())
}
