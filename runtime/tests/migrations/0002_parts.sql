create table parts (
    item bigint not null references items (id) deferrable initially deferred
);
