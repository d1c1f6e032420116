-- Who wants to be told, and what has to be said to them.
create table subscription (
  id text primary key,
  service_id text not null,
  -- email, webhook, slack, discord or push.
  channel text not null,
  -- An e-mail address, a URL, or the JSON of a browser's push subscription.
  address text not null,
  -- JSON lists; empty: all.
  features text not null,
  regions text not null,
  -- JSON: digest, quiet hours, time zone.
  rhythm text not null,
  -- Whoever has it may end the subscription; webhooks are signed with it.
  secret text not null,
  confirmed_at_ms integer,
  created_at_ms integer not null
);
create unique index subscription_once on subscription (service_id, channel, address);

-- What is told, once each; the messages are made from it.
create table notice (
  id text primary key,
  service_id text not null,
  at_ms integer not null,
  body text not null,
  -- 0 until a message for each subscription is written.
  is_spread integer not null default 0
);
create index notice_unspread on notice (at_ms) where is_spread = 0;

create table message (
  id text primary key,
  subscription_id text not null references subscription (id) on delete cascade,
  notice_id text not null references notice (id) on delete cascade,
  due_at_ms integer not null,
  first_due_at_ms integer not null,
  attempts integer not null default 0,
  -- waiting, sent or given-up.
  state text not null default 'waiting',
  last_error text
);
-- Nobody is told the same twice.
create unique index message_once on message (subscription_id, notice_id);
create index message_due on message (due_at_ms) where state = 'waiting';
