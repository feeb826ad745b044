create table history (what text not null);

create trigger users_are_noted after insert on users
begin
    insert into history (what) values ('added ' || new.name);
end;
