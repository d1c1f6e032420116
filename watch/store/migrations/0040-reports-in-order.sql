-- Reports in the order in which they came. That a reporter counts once is seen to before they are written.
create table report_in_order (
  service_id text not null,
  -- Salted hash of the day, the service and the window; nothing leads back from it, and none to another of the same person.
  reporter blob not null,
  at_ms integer not null,
  feature_id text,
  region text,
  asn integer,
  device text,
  client_version text,
  trust real not null,
  diagnosis text
);
insert into report_in_order
  select service_id, reporter, at_ms, feature_id, region, asn, device, client_version, trust, diagnosis
  from report order by at_ms;
drop table report;
alter table report_in_order rename to report;
create index report_at on report (at_ms);
