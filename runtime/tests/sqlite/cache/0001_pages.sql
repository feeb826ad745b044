create table pages (
    path text primary key,
    body text not null
);
