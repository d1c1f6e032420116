-- What another watch said is kept up to a number. What goes takes with it who closed it, and its places in the log.
create trigger peer_statement_forgotten after delete on peer_statement begin
  delete from peer_closing where origin = old.origin and incident_id = old.incident_id;
  delete from peer_log where origin = old.origin and incident_id = old.incident_id;
end;
