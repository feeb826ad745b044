create table users (
    id integer primary key,
    name text not null unique
);

create table posts (
    id integer primary key,
    author integer not null references users (id),
    title text not null
);
