-- A token is shown once, in a mail. Only its hash is kept, so that a copy of this table signs nobody in.
create table tokens (
    hash bytea primary key,
    user_id bigint not null references users on delete cascade,
    expires_at timestamptz not null default now() + interval '30 days'
);

create index tokens_of_user on tokens (user_id);
