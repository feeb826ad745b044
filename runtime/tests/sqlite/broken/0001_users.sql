create table users (id serial primary key);
create index on users using gin (id);
