create index watch_span_seen on watch_span (seen_until_ms);
