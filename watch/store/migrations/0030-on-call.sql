-- Who was called, and what they answered. One page at a time for one subject.
create table page (
  id text primary key,
  service_id text not null,
  -- incident/ID, or blind/SERVICE: the watch itself has no connection.
  subject text not null,
  -- From 1: an outage that comes back is paged anew.
  turn integer not null,
  relapses integer not null,
  opened_at_ms integer not null,
  -- paging, acknowledged, unanswered or over.
  state text not null,
  steps_taken integer not null,
  due_at_ms integer not null,
  acknowledged_at_ms integer,
  acknowledged_by text,
  over_at_ms integer,
  -- 1 once it was said that a whole round reached nobody.
  is_gap_told integer not null default 0
);
create unique index page_once on page (subject, turn);
create index page_current on page (service_id) where state <> 'over';
create index page_opened on page (opened_at_ms);

create table page_told (
  page_id text not null references page (id) on delete cascade,
  step integer not null,
  person_id text not null,
  name text not null,
  -- The target of the step that led to them: rota:ID, person:ID or role:NAME.
  via text not null,
  at_ms integer not null,
  -- JSON: the channels, each with the notice that went out by it.
  channels text not null,
  primary key (page_id, step, person_id)
) without rowid;

create table rota_override (
  id text primary key,
  service_id text not null,
  rota_id text not null,
  person_id text not null,
  from_ms integer not null,
  until_ms integer not null,
  made_at_ms integer not null,
  made_by text not null
);
create index rota_override_of_service on rota_override (service_id, until_ms);

-- Who does what in an incident.
create table incident_role (
  incident_id text not null references incident (id),
  role text not null,
  -- As people call them; an id of the file where it is one of its people.
  person text not null,
  since_ms integer not null,
  primary key (incident_id, role)
) without rowid;

-- Browsers in which operators are paged; each is a receiver of the outbox.
create table on_call_device (
  subscription_id text primary key references subscription (id) on delete cascade,
  operator text not null,
  label text not null,
  added_at_ms integer not null
);
create index on_call_device_of on on_call_device (operator);
