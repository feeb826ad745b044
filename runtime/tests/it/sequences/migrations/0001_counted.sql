create table counted (id bigint generated always as identity);
create sequence small maxvalue 3;
create sequence ahead;
create sequence untouched;
create sequence never start 5;
