do $$ begin
    if not exists (select from pg_roles where rolname = 'guide_app') then
        create role guide_app;
    end if;
end $$;

create table notes (id bigint generated always as identity, tenant text not null, body text not null);
alter table notes enable row level security;
create policy of_the_tenant on notes using (tenant = current_setting('app.tenant', true));
grant select, insert on notes to guide_app;
