create table items (
    id bigint generated always as identity primary key,
    name text not null unique,
    price int not null default 0 check (price >= 0)
);
create table parts (
    item bigint not null references items (id) deferrable initially deferred
);
create table ranks (
    place int not null unique deferrable initially immediate
);
create table jobs (
    id int primary key,
    done boolean not null default false
);
create type mood as enum ('calm', 'glad');
create type pair as (x int, y text);
insert into jobs (id) values (1), (2), (3);
insert into ranks values (1), (2);
create function slow() returns int language plpgsql as $$ begin
    raise notice 'running';
    perform pg_sleep(60);
    return 1;
end $$;
