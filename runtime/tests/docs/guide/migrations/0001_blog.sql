create table users (
    id bigint generated always as identity primary key,
    email text not null unique,
    role text not null default 'author'
);

create table posts (
    id bigint generated always as identity primary key,
    author bigint not null references users (id),
    title text not null check (title <> '')
);
