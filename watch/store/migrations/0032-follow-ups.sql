-- What was promised after an incident, until it is done.
create table follow_up (
  id text primary key,
  incident_id text not null references incident (id),
  text text not null,
  -- As people call them; empty: nobody yet.
  owner text not null,
  -- YYYY-MM-DD in the service's time zone; null: no day was named.
  due_on text,
  created_at_ms integer not null,
  created_by text not null,
  done_at_ms integer,
  done_by text
);
create index follow_up_of_incident on follow_up (incident_id);
create index follow_up_open on follow_up (created_at_ms) where done_at_ms is null;
