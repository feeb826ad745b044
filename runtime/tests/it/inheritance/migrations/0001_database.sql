create schema inherited;
create table inherited.by_its_path (id bigint);
do $$
begin
    execute format('alter database %I set search_path to inherited, "$user", public', current_database());
    execute format('alter database %I set application_name to %L', current_database(), 'a "quoted" \value');
    execute format('alter database %I set statement_timeout to %L', current_database(), '7s');
    execute format('alter role current_user in database %I set work_mem to %L', current_database(), '5MB');
    execute format('revoke connect, temporary on database %I from public', current_database());
    execute format('grant connect on database %I to pg_monitor with grant option', current_database());
end
$$;
