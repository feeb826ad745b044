insert into drafts values ('by the owner');
