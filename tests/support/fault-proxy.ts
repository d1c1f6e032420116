/**
 * A bad network between a client and a server, on one machine: latency, limited bandwidth, loss, slicing, resets, silence.
 *
 * Each direction is one link that all connections share, as a household shares its line: bytes leave it at the link's
 * rate, in the order in which they came, and arrive after its latency.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface LinkFaults {
  /** One way. @default 0 */
  readonly latencyMs?: number
  /** Bits per second; null: as fast as it goes. @default null */
  readonly bitrateBps?: number | null
  /** Bytes arrive in pieces of at most this size, each in a write of its own. @default 16384; with loss, a packet's 1460 */
  readonly sliceBytes?: number
  /**
   * The part of all pieces, chosen at random, that is lost and sent once more: they take the link twice, and arrive a round
   * trip later, with all of their connection behind them (RFC 5681, fast retransmit). @default 0
   */
  readonly lossShare?: number
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Bytes that have arrived so far. */
  readonly transferred: { readonly upBytes: number; readonly downBytes: number }
  readonly connectionCount: number
  /** Changes the links from now on. */
  setFaults(faults: { up?: LinkFaults; down?: LinkFaults }): void
  /** Resets every connection. */
  reset(): void
  /** Half-open: connections stay up and are accepted, and nothing arrives any more, until `thaw`. */
  freeze(): void
  thaw(): void
  /** New connections are reset at once, until `admit`. */
  refuse(): void
  admit(): void
}

export interface FaultProxyOptions {
  readonly targetPort: number
  /** @default 127.0.0.1 */
  readonly targetHost?: string
  /** From client to server. */
  readonly up?: LinkFaults
  /** From server to client. */
  readonly down?: LinkFaults
}

const DEFAULT_SLICE_BYTES = 16_384
/** What one packet of Ethernet carries of TCP. */
const PACKET_BYTES = 1_460
/** What a connection may have under way before its sender is held back: a router's buffer. */
const BUFFER_BYTES = 128 * 1024

/** Starts the proxy on a free port of 127.0.0.1. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { targetPort, targetHost = '127.0.0.1' } = options
  const up = createLink(options.up ?? {})
  const down = createLink(options.down ?? {})
  const pairs = new Set<Pair>()
  let isFrozen = false
  let isRefusing = false

  const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (client) => {
    client.on('error', () => {})
    if (isRefusing) return void client.resetAndDestroy()
    const target = connect({ port: targetPort, host: targetHost, noDelay: true, allowHalfOpen: true })
    const pair = carry(client, target, { up, down, isFrozen: () => isFrozen })
    pairs.add(pair)
    void pair.closed.then(() => pairs.delete(pair))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const resetAll = () => {
    for (const pair of pairs) pair.reset()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get transferred() {
      return { upBytes: up.arrivedBytes, downBytes: down.arrivedBytes }
    },
    get connectionCount() {
      return pairs.size
    },
    setFaults(faults) {
      if (faults.up) up.faults = faults.up
      if (faults.down) down.faults = faults.down
    },
    reset: resetAll,
    freeze: () => void (isFrozen = true),
    thaw() {
      isFrozen = false
      for (const pair of pairs) pair.wake()
    },
    refuse: () => void (isRefusing = true),
    admit: () => void (isRefusing = false),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      resetAll()
      await closed
    },
  }
}

interface Link {
  faults: LinkFaults
  arrivedBytes: number
  /** When the link has sent what it was given. */
  freeAtMs: number
}

const createLink = (faults: LinkFaults): Link => ({ faults, arrivedBytes: 0, freeAtMs: 0 })

/** Gives the bytes to the link; answers when they arrive. */
function sendOver(link: Link, sizeBytes: number): number {
  const { latencyMs = 0, bitrateBps = null, lossShare = 0 } = link.faults
  const startMs = Math.max(performance.now(), link.freeAtMs)
  const tookMs = bitrateBps === null ? 0 : (sizeBytes * 8_000) / bitrateBps
  const isLost = lossShare > 0 && Math.random() < lossShare
  link.freeAtMs = startMs + (isLost ? 2 * tookMs : tookMs)
  return link.freeAtMs + (isLost ? 3 * latencyMs : latencyMs)
}

interface Pair {
  readonly closed: Promise<unknown>
  reset(): void
  wake(): void
}

function carry(
  client: Socket,
  target: Socket,
  network: { up: Link; down: Link; isFrozen: () => boolean },
): Pair {
  const { up, down, isFrozen } = network
  const upward = pump(client, target, up, isFrozen)
  const downward = pump(target, client, down, isFrozen)
  // The kernel has answered the handshake already; on the real line it takes a round trip before the first byte.
  const roundTripMs = (up.faults.latencyMs ?? 0) + (down.faults.latencyMs ?? 0)
  setTimeout(() => client.resume(), roundTripMs)

  const reset = () => {
    upward.stop()
    downward.stop()
    client.resetAndDestroy()
    target.resetAndDestroy()
  }
  const onBroken = () => {
    if (!isFrozen()) reset()
  }
  client.once('error', onBroken)
  target.once('error', onBroken)
  const closed = Promise.all(
    [client, target].map((end) => new Promise((resolve) => end.once('close', resolve))),
  )
  return {
    closed,
    reset,
    wake() {
      upward.wake()
      downward.wake()
    },
  }
}

/** Carries what `source` says to `sink`, over the link. */
function pump(source: Socket, sink: Socket, link: Link, isFrozen: () => boolean) {
  const underWay: { readonly bytes: Buffer | null; readonly arrivesAtMs: number }[] = []
  let underWayBytes = 0
  let timer: NodeJS.Timeout | null = null

  source.on('data', (chunk: Buffer) => {
    const { lossShare = 0, sliceBytes = lossShare > 0 ? PACKET_BYTES : DEFAULT_SLICE_BYTES } = link.faults
    for (let offset = 0; offset < chunk.length; offset += sliceBytes) {
      const bytes = chunk.subarray(offset, offset + sliceBytes)
      underWay.push({ bytes, arrivesAtMs: sendOver(link, bytes.length) })
    }
    underWayBytes += chunk.length
    if (underWayBytes > BUFFER_BYTES) source.pause()
    arm()
  })
  source.once('end', () => {
    underWay.push({ bytes: null, arrivesAtMs: sendOver(link, 0) })
    arm()
  })
  sink.on('drain', arm)

  function arm(): void {
    const first = underWay[0]
    if (timer !== null || first === undefined || isFrozen()) return
    timer = setTimeout(deliver, Math.max(0, first.arrivesAtMs - performance.now()))
  }

  function deliver(): void {
    timer = null
    while (underWay[0] && underWay[0].arrivesAtMs <= performance.now() + 0.5) {
      if (isFrozen() || sink.destroyed || sink.writableNeedDrain) return
      const { bytes } = underWay.shift()!
      if (bytes === null) sink.end()
      else {
        sink.write(bytes)
        link.arrivedBytes += bytes.length
        underWayBytes -= bytes.length
      }
    }
    if (underWayBytes <= BUFFER_BYTES && source.isPaused()) source.resume()
    arm()
  }

  return {
    wake: arm,
    stop() {
      if (timer) clearTimeout(timer)
      timer = null
      underWay.length = 0
    },
  }
}
