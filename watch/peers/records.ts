/** All SQL of what peers say. A *statement* is what a watch states of an incident; what the store runs is named `…Sql`. */
import type { WatchCtx } from '../app/context.ts'
import { keepOnce, readKept, type Statement as SqlStatement, type Store } from '../store/index.ts'
import { textOf, type Closing, type IncidentStatement } from './statement.ts'
import type { ServiceWord } from './protocol.ts'

/** Another watch, as it was last heard. */
export interface PeerRecord {
  readonly id: string
  readonly epoch: string
  readonly publicUrl: string | null
  readonly address: string | null
  readonly heardAtMs: number
  /** How far its log is taken over. */
  readonly cursor: number
  readonly view: readonly ServiceWord[]
}

interface PeerRow extends Omit<PeerRecord, 'view'> {
  readonly view: string
}

const PEER_COLUMNS = `id, epoch, public_url as publicUrl, address, heard_at_ms as heardAtMs, cursor, view`

// Written by `writePeerSql` only.
const toPeer = (row: PeerRow): PeerRecord => ({ ...row, view: JSON.parse(row.view) as ServiceWord[] })

export function findPeer(store: Store, id: string): PeerRecord | null {
  const row = store.get<PeerRow>(`select ${PEER_COLUMNS} from peer where id = :id`, { id })
  return row ? toPeer(row) : null
}

export const listPeers = (store: Store): PeerRecord[] =>
  store.all<PeerRow>(`select ${PEER_COLUMNS} from peer order by id`).map(toPeer)

/** The address stays when none is given: it was found by ourselves, not said. */
export function writePeerSql(peer: PeerRecord): SqlStatement {
  return {
    sql: `insert into peer (id, epoch, public_url, address, heard_at_ms, cursor, view)
      values (:id, :epoch, :publicUrl, :address, :heardAtMs, :cursor, :view)
      on conflict (id) do update set epoch = excluded.epoch, public_url = excluded.public_url,
        address = coalesce(excluded.address, address), heard_at_ms = excluded.heard_at_ms,
        cursor = excluded.cursor, view = excluded.view`,
    params: { ...peer, view: JSON.stringify(peer.view) },
  }
}

/** What is reached at this address now goes by another name: the one before is not there any more. */
export const releaseAddressSql = (peer: Pick<PeerRecord, 'id' | 'address'>): SqlStatement => ({
  sql: 'update peer set address = null where address = :address and id <> :id',
  params: { id: peer.id, address: peer.address },
})

/** Watches whose keys are not known any more are none of ours; what they said stays. */
export const forgetOthersSql = (ids: readonly string[]): SqlStatement => ({
  sql: 'delete from peer where id not in (select value from json_each(:ids))',
  params: { ids: JSON.stringify(ids) },
})

/** Keeps a statement unless the one that is kept stands before it, as `laterStatement` has it. */
export function writeStatementSql(statement: IncidentStatement): SqlStatement {
  const { origin, incidentId, serviceId, version, startedAtMs, resolvedAtMs } = statement
  return {
    sql: `insert into peer_statement (origin, incident_id, service_id, version, started_at_ms, resolved_at_ms, body)
      values (:origin, :incidentId, :serviceId, :version, :startedAtMs, :resolvedAtMs, :body)
      on conflict (origin, incident_id) do update set service_id = excluded.service_id, version = excluded.version,
        started_at_ms = excluded.started_at_ms, resolved_at_ms = excluded.resolved_at_ms, body = excluded.body
      where excluded.version > version or (excluded.version = version and excluded.body > body)`,
    params: {
      origin,
      incidentId,
      serviceId,
      version,
      startedAtMs,
      resolvedAtMs,
      body: textOf(statement),
    },
  }
}

/** Keeps a closing unless the one that is kept stands before it, as `mergeKnown` has it. */
export function writeClosingSql({ origin, incidentId, by, ofVersion, atMs }: Closing): SqlStatement {
  return {
    sql: `insert into peer_closing (origin, incident_id, by_watch, of_version, at_ms)
      values (:origin, :incidentId, :by, :ofVersion, :atMs)
      on conflict (origin, incident_id, by_watch) do update set of_version = excluded.of_version, at_ms = excluded.at_ms
      where excluded.of_version > of_version or (excluded.of_version = of_version and excluded.at_ms < at_ms)`,
    params: { origin, incidentId, by, ofVersion, atMs },
  }
}

/** An incident of our own was called over while we have it open: our word is the later one, as of now. */
export const sayAgainSql = ({ incidentId, ofVersion }: Closing): SqlStatement => ({
  sql: `update incident set updated_at_ms = :ofVersion + 1
    where id = :incidentId and resolved_at_ms is null and updated_at_ms = :ofVersion`,
  params: { incidentId, ofVersion },
})

/** Forgets what one watch said, but for so many: all of it, open ones last; with a service, its open ones only. */
export const keepNewestSql = (input: {
  readonly origin: string
  readonly serviceId: string | null
  readonly count: number
}): SqlStatement => ({
  sql: `delete from peer_statement where rowid in (
      select rowid from peer_statement where origin = :origin
        and (:serviceId is null or (service_id = :serviceId and resolved_at_ms is null))
      order by resolved_at_ms is null desc, version desc, incident_id limit -1 offset :count)`,
  params: { ...input },
})

interface BodyRow {
  readonly body: string
}

// Written by `writeStatementSql` only.
const toStatement = ({ body }: BodyRow): IncidentStatement => JSON.parse(body) as IncidentStatement

/** At most so many are looked at for one page. */
const LIST_MAX = 500

/** Of one service (null: all), open ones and those that ended after the instant and began before the other. Newest first. */
export function listStatements(
  store: Store,
  input: { readonly serviceId: string | null; readonly endedAfterMs: number; readonly beforeMs: number },
): IncidentStatement[] {
  return store
    .all<BodyRow>(
      `select body from peer_statement where (:serviceId is null or service_id = :serviceId)
         and started_at_ms < :beforeMs and (resolved_at_ms is null or resolved_at_ms > :endedAfterMs)
       order by started_at_ms desc limit ${LIST_MAX}`,
      input,
    )
    .map(toStatement)
}

export const findStatements = (store: Store, incidentId: string): IncidentStatement[] =>
  store
    .all<BodyRow>('select body from peer_statement where incident_id = :incidentId', { incidentId })
    .map(toStatement)

export function findStatement(store: Store, origin: string, incidentId: string): IncidentStatement | null {
  const row = store.get<BodyRow>(
    'select body from peer_statement where origin = :origin and incident_id = :incidentId',
    { origin, incidentId },
  )
  return row ? toStatement(row) : null
}

/** Whether another watch ever said anything of an incident, be it ours. */
export const hasPeerWords = (store: Store): boolean =>
  store.get('select 1 from peer_statement union all select 1 from peer_closing limit 1') !== undefined

/** Whether another watch has said of the service what it has not taken back itself. */
export const hasOpenStatements = (store: Store, serviceId: string): boolean =>
  store.get('select 1 from peer_statement where service_id = :serviceId and resolved_at_ms is null limit 1', {
    serviceId,
  }) !== undefined

const CLOSING_COLUMNS = `origin, incident_id as incidentId, by_watch as "by", of_version as ofVersion, at_ms as atMs`

/** Of these statements. */
export const listClosings = (
  store: Store,
  statements: readonly Pick<IncidentStatement, 'origin' | 'incidentId'>[],
): Closing[] =>
  store.all<Closing>(
    `select ${CLOSING_COLUMNS} from json_each(:keys) as key join peer_closing
       on origin = key.value ->> 0 and incident_id = key.value ->> 1`,
    { keys: JSON.stringify(statements.map(({ origin, incidentId }) => [origin, incidentId])) },
  )

export const findClosing = (
  store: Store,
  key: { readonly origin: string; readonly incidentId: string; readonly by: string },
): Closing | null =>
  store.get<Closing>(
    `select ${CLOSING_COLUMNS} from peer_closing
     where origin = :origin and incident_id = :incidentId and by_watch = :by`,
    key,
  ) ?? null

/** A line of the log of changes: what changed, not how. */
export interface LogLine {
  readonly seq: number
  /** Empty: an incident of our own. */
  readonly origin: string
  readonly incidentId: string
  /** Empty: the statement; else whose closing. */
  readonly by: string
}

export const listLog = (store: Store, afterSeq: number, limit: number): LogLine[] =>
  store.all<LogLine>(
    `select seq, origin, incident_id as incidentId, by_watch as "by" from peer_log
     where seq > :afterSeq order by seq limit :limit`,
    { afterSeq, limit },
  )

export const lastSeq = (store: Store): number =>
  store.get<{ seq: number | null }>('select max(seq) as seq from peer_log')!.seq ?? 0

const EPOCH_NAME = 'peer-epoch'

/** What this store is called among watches; null: it never spoke to another. */
export const readEpoch = (store: Store): string | null => readKept(store, EPOCH_NAME) ?? null

/** The same, made once. */
export const openEpoch = (ctx: WatchCtx): Promise<string> =>
  keepOnce(ctx.store, { name: EPOCH_NAME, nowMs: ctx.clock.now().getTime(), make: () => ctx.newId() })
