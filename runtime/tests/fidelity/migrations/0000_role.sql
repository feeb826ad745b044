do $$ begin
    if not exists (select from pg_roles where rolname = 'fidelity_other') then
        create role fidelity_other;
    end if;
end $$;
grant fidelity_other to current_user;
