/** Two watches of a test's own that reach each other over lines which the test can cut. */
import { generateKeyPairSync } from 'node:crypto'
import { findFreePort } from '../../kit/network/free-port.ts'
import { startFaultProxy, type FaultProxy } from '../../tests/support/fault-proxy.ts'
import { createWatchApp, type WatchApp } from '../http/http.ts'
import { writeIncident, writeUpdate, type IncidentFacts, type IncidentRecord } from '../incidents/records.ts'
import { publicRoutes } from '../pages/index.ts'
import { createWatchWorld, ENTRY, type WatchWorld } from '../pages/world.fixtures.ts'
import { keepStatement } from '../store/index.ts'
import { openNetworkTable } from '../signals/networks/index.ts'
import { openReports, registerReports } from '../signals/reports/index.ts'
import { openPeers, peerRoutes, type Peers } from './index.ts'
import { publicTextOf } from './peer-keys.ts'

/** A pair of keys as another watch would have made it for itself. */
export function makeKey(id: string) {
  const { privateKey } = generateKeyPairSync('ed25519')
  return { id, privateKey, line: `${id}=ed25519:${publicTextOf(privateKey)}` }
}
export type TestKey = ReturnType<typeof makeKey>

/** The key of a watch c, which both know and neither reaches. */
export const KEY_OF_C = makeKey('c')
const SECOND_MS = 1_000

export interface PairWatch {
  readonly id: string
  readonly world: WatchWorld
  readonly peers: Peers
  /** Where it listens itself. */
  readonly url: string
  /** Ends its server; its store stays. */
  stop(): Promise<void>
  /** Listens again at the same place. */
  listen(): Promise<void>
}

export interface PairOptions {
  /** Behind the service's file. */
  readonly entry?: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Pair extends AsyncDisposable {
  readonly a: PairWatch
  readonly b: PairWatch
  /** Lets both clocks go on; every second both do what they do by themselves. */
  pass(seconds: number): Promise<void>
  /** Cuts the lines between the two, both ways. */
  cut(): void
  heal(): void
}

/** @param more for the services' file, and for the settings of both */
export async function startPair(more: PairOptions = {}): Promise<Pair> {
  await using stack = new AsyncDisposableStack()
  const [portA, portB] = [await findFreePort(), await findFreePort()]
  const toA = stack.use(await startFaultProxy({ targetPort: portA }))
  const toB = stack.use(await startFaultProxy({ targetPort: portB }))
  const [keyA, keyB] = [makeKey('a'), makeKey('b')]
  const a = stack.use(
    await startOne({ key: keyA, port: portA, lineToOther: toB, known: [keyB, KEY_OF_C] }, more),
  )
  const b = stack.use(
    await startOne({ key: keyB, port: portB, lineToOther: toA, known: [keyA, KEY_OF_C] }, more),
  )
  const lines = [toA, toB]
  const owned = stack.move()
  return {
    a,
    b,
    async pass(seconds) {
      for (let passed = 0; passed < seconds; passed++) {
        for (const { world } of [a, b]) world.clock.advance(SECOND_MS)
        for (const one of [a, b]) if (one.isRunning) await one.peers.tick()
      }
    },
    cut() {
      for (const line of lines) {
        line.refuse()
        line.reset()
      }
    },
    heal() {
      for (const line of lines) line.admit()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A world that knows others by their keys, and has this one for its own. */
export async function createKnowingWorld(
  key: TestKey,
  known: readonly TestKey[],
  options: {
    readonly entries?: Readonly<Record<string, string>>
    readonly env?: Readonly<Record<string, string>>
  } = {},
): Promise<WatchWorld> {
  const WATCH_PEER_KEY = known.map(({ line }) => line).join(',')
  const world = await createWatchWorld({
    ...options,
    env: { ...options.env, WATCH_ID: key.id, WATCH_PEER_KEY },
  })
  const value = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await world.ctx.store.write([keepStatement({ name: 'peer-private-key', value, nowMs: 0 })])
  return world
}

async function startOne(
  own: {
    readonly key: TestKey
    readonly port: number
    readonly lineToOther: FaultProxy
    readonly known: readonly TestKey[]
  },
  more: PairOptions,
) {
  const { key, port, lineToOther, known } = own
  const { id } = key
  await using stack = new AsyncDisposableStack()
  const world = stack.use(
    await createKnowingWorld(key, known, {
      entries: { upbeat: ENTRY + (more.entry ?? '') },
      env: {
        ...more.env,
        WATCH_PEER_URL: `http://127.0.0.1:${lineToOther.port}`,
        WATCH_PUBLIC_URL: `http://127.0.0.1:${port}`,
      },
    }),
  )
  const { ctx } = world
  const peers = await openPeers(ctx, ctx.config.peer!)
  const networks = openNetworkTable(ctx.log)
  const reports = stack.use(await openReports(ctx, { observe: () => {}, networks }))
  let app: WatchApp | null = null
  const one = {
    id,
    world,
    peers,
    url: `http://127.0.0.1:${port}`,
    get isRunning() {
      return app !== null
    },
    async listen() {
      app = createWatchApp(ctx)
      registerReports(app, reports)
      for (const register of [publicRoutes({ reports, networks }), peerRoutes(peers)])
        await register(app, ctx)
      await app.listen({ host: '127.0.0.1', port })
    },
    async stop() {
      await app?.close()
      app = null
    },
  }
  await one.listen()
  stack.defer(one.stop)
  const owned = stack.move()
  return Object.assign(one, { [Symbol.asyncDispose]: () => owned.disposeAsync() })
}

export type Changes = Partial<Omit<IncidentRecord, 'facts'>> & { readonly facts?: Partial<IncidentFacts> }

/** What a watch's own detector would have made of an outage of the feed in Europe. */
function makeRecord({ world }: PairWatch, changes: Changes): IncidentRecord {
  const nowMs = world.clock.now().getTime()
  return {
    id: world.ctx.newId(),
    serviceId: 'upbeat',
    outageId: world.ctx.newId(),
    state: 'confirmed',
    pinnedState: null,
    operatorCause: null,
    startedAtMs: nowMs,
    confirmedAtMs: nowMs,
    resolvedAtMs: null,
    updatedAtMs: nowMs,
    mergedInto: null,
    ...changes,
    facts: {
      title: 'Feed does not work in Europe',
      isTitleByOperator: false,
      impact: 'major',
      causes: [{ cause: 'dns', probability: 0.8, evidenceFor: ['dns-fails'], evidenceAgainst: [] }],
      confidence: 0.97,
      contributions: { probes: 3.5 },
      featureIds: ['feed'],
      regions: ['eu'],
      detectedAtMs: nowMs,
      identifiedAtMs: null,
      recoveringAtMs: null,
      relapses: 0,
      recovered: { cells: 0, of: 1 },
      forecast: null,
      officialLagMs: null,
      ...changes.facts,
    },
  }
}

/** Keeps an incident as the watch's own, with an update that says it, and tells of it as the loop does. */
export async function see(watch: PairWatch, changes: Changes = {}): Promise<IncidentRecord> {
  const { ctx } = watch.world
  const record = makeRecord(watch, changes)
  await ctx.store.write([writeIncident(record, null), writeUpdate(record.id, updateOf(watch, record))])
  ctx.live.tell({ kind: 'status', serviceId: record.serviceId })
  return record
}

/** The same incident, later. */
export async function seeOver(watch: PairWatch, before: IncidentRecord): Promise<void> {
  const { ctx, clock } = watch.world
  const nowMs = Math.max(clock.now().getTime(), before.updatedAtMs + 1)
  const record: IncidentRecord = { ...before, state: 'resolved', resolvedAtMs: nowMs, updatedAtMs: nowMs }
  await ctx.store.write([
    writeIncident(record, before.updatedAtMs),
    writeUpdate(record.id, updateOf(watch, record)),
  ])
  ctx.live.tell({ kind: 'status', serviceId: record.serviceId })
}

const updateOf = ({ id, world }: PairWatch, { state }: IncidentRecord) => ({
  id: world.ctx.newId(),
  state,
  body: `${state}, as ${id} sees it`,
  atMs: world.clock.now().getTime(),
  author: 'watch',
  affected: [],
})
