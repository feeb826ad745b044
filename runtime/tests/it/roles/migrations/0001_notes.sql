-- A role is there already when another database of the same server has been migrated.
do $$ begin
    if not exists (select from pg_roles where rolname = 'it_reader') then
        create role it_reader;
    end if;
    if not exists (select from pg_roles where rolname = 'it_configured') then
        create role it_configured;
        alter role it_configured set statement_timeout = '7s';
        alter role it_configured set search_path = app, public;
    end if;
end $$;

create table notes (tenant text not null, body text not null);
alter table notes enable row level security;
create policy of_the_tenant on notes using (tenant = current_setting('app.tenant', true));

create table drafts (body text not null);

grant select on notes, drafts to it_reader;
insert into notes values ('mine', 'seen'), ('yours', 'not seen');
