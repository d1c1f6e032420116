-- Who operates the watch, and in which role. Passwords and codes are in a file of their own; what somebody may do stands
-- here, so that a change of it is written in one unit with its line in the audit log.
create table operator (
  id text primary key,
  name text not null,
  -- observer, responder or admin; none: was removed.
  role text not null,
  since_ms integer not null
);

-- What was done to one incident.
create index audit_of_subject on audit (subject, at_ms);
