-- Requests in slots of five minutes, for features whose file says how many of them one person makes: what an outage cost.
create table traffic_slot (
  service_id text not null,
  feature_id text not null,
  region text not null,
  at_ms integer not null,
  requests integer not null,
  errors integer not null,
  primary key (service_id, feature_id, region, at_ms)
) without rowid;
create index traffic_slot_at on traffic_slot (at_ms);
