-- What other watches say, kept as they said it. A view of it is made by rule (watch/peers/merge.ts), never written back.
create table peer (
  id text primary key,
  -- Of its store: one that lost its data is another, and begins to count anew.
  epoch text not null,
  -- Where people read it. Null: it doesn't say.
  public_url text,
  -- Where we reach it, as configured. Null: it only reaches us.
  address text,
  heard_at_ms integer not null,
  -- How far its log is taken over.
  cursor integer not null,
  -- JSON: how its services are, as it last said.
  view text not null
);

-- An incident as one watch knows it. Of two versions the higher stands, of two equal ones the greater text.
create table peer_statement (
  origin text not null,
  incident_id text not null,
  service_id text not null,
  version integer not null,
  started_at_ms integer not null,
  resolved_at_ms integer,
  -- JSON.
  body text not null,
  primary key (origin, incident_id)
);
create index peer_statement_of_service on peer_statement (service_id, started_at_ms);
create index peer_statement_of_incident on peer_statement (incident_id);

-- A watch that went silent can't say that it is over: another one did, by its own evidence.
create table peer_closing (
  origin text not null,
  incident_id text not null,
  by_watch text not null,
  -- What the silent one says later than this counts again.
  of_version integer not null,
  at_ms integer not null,
  primary key (origin, incident_id, by_watch)
) without rowid;

-- The order in which all of this changed: a peer asks for what comes after a number.
create table peer_log (
  seq integer primary key autoincrement,
  -- Empty: an incident of our own.
  origin text not null,
  incident_id text not null,
  -- Empty: the statement itself; else who closed it.
  by_watch text not null,
  unique (origin, incident_id, by_watch)
);

create trigger incident_told after insert on incident begin
  delete from peer_log where origin = '' and incident_id = new.id and by_watch = '';
  insert into peer_log (origin, incident_id, by_watch) values ('', new.id, '');
end;
create trigger incident_told_again after update on incident begin
  delete from peer_log where origin = '' and incident_id = new.id and by_watch = '';
  insert into peer_log (origin, incident_id, by_watch) values ('', new.id, '');
end;
create trigger peer_statement_told after insert on peer_statement begin
  delete from peer_log where origin = new.origin and incident_id = new.incident_id and by_watch = '';
  insert into peer_log (origin, incident_id, by_watch) values (new.origin, new.incident_id, '');
end;
create trigger peer_statement_told_again after update on peer_statement begin
  delete from peer_log where origin = new.origin and incident_id = new.incident_id and by_watch = '';
  insert into peer_log (origin, incident_id, by_watch) values (new.origin, new.incident_id, '');
end;
create trigger peer_closing_told after insert on peer_closing begin
  delete from peer_log where origin = new.origin and incident_id = new.incident_id and by_watch = new.by_watch;
  insert into peer_log (origin, incident_id, by_watch) values (new.origin, new.incident_id, new.by_watch);
end;
create trigger peer_closing_told_again after update on peer_closing begin
  delete from peer_log where origin = new.origin and incident_id = new.incident_id and by_watch = new.by_watch;
  insert into peer_log (origin, incident_id, by_watch) values (new.origin, new.incident_id, new.by_watch);
end;

insert into peer_log (origin, incident_id, by_watch) select '', id, '' from incident order by updated_at_ms;
