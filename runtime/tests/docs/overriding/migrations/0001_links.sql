create table links (
    id bigint generated always as identity primary key,
    expires timestamptz not null
);
