do $$ begin
    if not exists (select from pg_roles where rolname = 'fidelity_other') then
        create role fidelity_other;
    end if;
    if not exists (select from pg_roles where rolname = 'fidelity_guest') then
        create role fidelity_guest login;
        alter role fidelity_guest set lock_timeout = '7s';
    end if;
end $$;
grant fidelity_guest to current_user;
grant fidelity_other to current_user;
