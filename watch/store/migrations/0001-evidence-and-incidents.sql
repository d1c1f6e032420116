-- Evidence. Reports are kept one by one for two days, then as counts of minutes.
create table report (
  service_id text not null,
  -- Number of the window since 1970: one reporter counts once in it.
  window integer not null,
  -- Salted hash of the day; nothing leads back from it.
  reporter blob not null,
  at_ms integer not null,
  feature_id text,
  region text,
  asn integer,
  device text,
  client_version text,
  trust real not null,
  diagnosis text,
  primary key (service_id, window, reporter)
) without rowid;
create index report_at on report (at_ms);

create table report_minute (
  service_id text not null,
  at_ms integer not null,
  -- Empty: nobody named one.
  feature_id text not null,
  region text not null,
  count integer not null,
  trusted real not null,
  primary key (service_id, at_ms, feature_id, region)
) without rowid;

create table response_bucket (
  service_id text not null,
  feature_id text not null,
  at_ms integer not null,
  checks integer not null,
  failed integer not null,
  p50_ms real,
  p95_ms real,
  primary key (service_id, feature_id, at_ms)
) without rowid;

-- Checks that failed, and the first that worked again after one.
create table probe_event (
  id integer primary key,
  service_id text not null,
  monitor_id text not null,
  vantage_id text not null,
  at_ms integer not null,
  outcome text not null,
  failure text,
  detail text not null,
  -- JSON: milliseconds of each phase.
  phases text not null
);
create index probe_event_of_service on probe_event (service_id, at_ms);

create table marker (
  id text primary key,
  service_id text not null,
  at_ms integer not null,
  what text not null,
  feature_ids text not null,
  regions text not null,
  note text not null,
  author text not null
);
create index marker_of_service on marker (service_id, at_ms);

-- What the service says of itself, a row for each change.
create table official_word (
  id integer primary key,
  service_id text not null,
  -- Empty: the service as a whole.
  feature_id text not null,
  status text not null,
  since_ms integer not null,
  read_at_ms integer not null
);
create index official_word_of_service on official_word (service_id, feature_id, since_ms);

-- How the components fared: a row for each change. Uptime is derived from it, never counted.
create table component_change (
  service_id text not null,
  feature_id text not null,
  at_ms integer not null,
  status text not null,
  state text not null,
  primary key (service_id, feature_id, at_ms)
) without rowid;

-- When the watch was there to see. What lies between is unknown.
create table watch_span (
  id integer primary key,
  started_at_ms integer not null,
  seen_until_ms integer not null
);

create table incident (
  id text primary key,
  service_id text not null,
  outage_id text unique,
  state text not null,
  -- What an operator set, which the detector does not take back. Null: nothing.
  pinned_state text,
  operator_cause text,
  started_at_ms integer not null,
  confirmed_at_ms integer,
  resolved_at_ms integer,
  updated_at_ms integer not null,
  merged_into text references incident (id),
  -- JSON of what only is shown.
  facts text not null
);
create index incident_of_service on incident (service_id, started_at_ms);
create index incident_begun on incident (started_at_ms);
create index incident_open on incident (service_id) where resolved_at_ms is null;

create table incident_update (
  id text primary key,
  incident_id text not null references incident (id),
  at_ms integer not null,
  state text not null,
  body text not null,
  author text not null,
  -- JSON.
  affected text not null
);
create index incident_update_of_incident on incident_update (incident_id, at_ms);

create table incident_explanation (
  incident_id text primary key references incident (id),
  body text not null,
  at_ms integer not null,
  author text not null
);

create table maintenance (
  id text primary key,
  service_id text not null,
  title text not null,
  body text not null,
  status text not null,
  feature_ids text not null,
  regions text not null,
  scheduled_for_ms integer not null,
  scheduled_until_ms integer not null,
  created_at_ms integer not null,
  updated_at_ms integer not null,
  completed_at_ms integer
);
create index maintenance_of_service on maintenance (service_id, scheduled_for_ms);

create table maintenance_update (
  id text primary key,
  maintenance_id text not null references maintenance (id),
  at_ms integer not null,
  status text not null,
  body text not null,
  author text not null
);
create index maintenance_update_of_maintenance on maintenance_update (maintenance_id, at_ms);

create table audit (
  id text primary key,
  at_ms integer not null,
  actor text not null,
  action text not null,
  subject text not null,
  facts text not null
);
create index audit_at on audit (at_ms);

-- The detector's memory, so that a restart goes on as if nothing had happened.
create table detector_snapshot (
  id integer primary key check (id = 1),
  saved_at_ms integer not null,
  body text not null
);

-- Signed messages that were taken: none is taken twice.
create table taken_nonce (
  key_id text not null,
  nonce text not null,
  at_ms integer not null,
  primary key (key_id, nonce)
) without rowid;
create index taken_nonce_at on taken_nonce (at_ms);

-- Small things that a part of the watch keeps: the journeys' account, say.
create table kept (
  name text primary key,
  value text not null,
  at_ms integer not null
);
