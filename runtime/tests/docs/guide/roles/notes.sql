insert into notes (tenant, body) values ('ada', 'hers'), ('bob', 'his');
