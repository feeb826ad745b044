-- The user behind `CurrentUser` in the tests, with a key that no sequence gives out.
insert into users (id, email, name) values (0, 'test@example.com', 'Test');
