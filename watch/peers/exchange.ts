/**
 * Speaks with the other watch: each message carries what changed since the last one and asks for the same, so one side
 * that reaches the other is enough. It listens as it checks a target: who is silent is said to be.
 */
import { sendGuarded } from '../../kit/guarded-request.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import { isSignedAnswer, signMessage, type SignedHeaders } from '../http/signature.ts'
import { closeForTheSilent } from './close-for-the-silent.ts'
import { readPiece, readWords } from './log-piece.ts'
import type { Origin } from './own-statements.ts'
import { ANSWER_METHOD, EXCHANGE_PATH, MESSAGE_MAX_BYTES, PeerMessage, type Position } from './protocol.ts'
import { findPeer, lastSeq, listPeers, openEpoch } from './records.ts'
import { SILENT_AFTER_MS } from './silence.ts'
import { takeMessage } from './take-message.ts'

const TICK_MS = 500
/** A word without news says that we are there. */
const SPEAK_EVERY_MS = 5_000
/** News wait so long at most, and several that come together go together. */
const NEWS_AFTER_MS = 1_000
const TIMEOUT_MS = 5_000
/** Messages in one round: what is left waits for the next. */
const ROUND_MAX = 20
const NONCE_BYTES = 18

export interface SignedPeerMessage {
  readonly body: Buffer
  readonly headers: SignedHeaders
}

export interface Peers {
  readonly self: Origin
  /** Speaks with the peer until neither has news; does nothing without an address. @throws when it can't be reached */
  exchange(signal?: AbortSignal): Promise<void>
  /** Takes what a peer said of its own accord, and says what it has to know. */
  answer(
    message: PeerMessage,
    how: { readonly nonce: string; readonly once: Parameters<typeof takeMessage>[3]['once'] },
  ): Promise<SignedPeerMessage>
  /** Speaks when it is time to, notices who went silent, and calls over what a silent one can't. */
  tick(signal?: AbortSignal): Promise<void>
}

/** For a watch whose settings name a key. @param config the setting */
export async function openPeers(
  ctx: WatchCtx,
  config: NonNullable<WatchCtx['config']['peer']>,
): Promise<Peers> {
  const self: Origin = { origin: ctx.config.id, epoch: await openEpoch(ctx) }
  /** What each is known to have of our log, and what we have of it. */
  const progress = new Map<string, { ourSeq: number; position: Position }>()
  let reached =
    listPeers(ctx.store).find(({ address }) => address !== null && address === config.url)?.id ?? null
  let spokenAtMs = Number.NEGATIVE_INFINITY
  let isReachable = true
  let silent = new Set<string>()
  const closer = closeForTheSilent(ctx, self)

  function compose(to: string | null): PeerMessage {
    const peer = to === null ? null : findPeer(ctx.store, to)
    const known = to === null ? undefined : progress.get(to)
    const have = known?.position ?? (peer && { epoch: peer.epoch, seq: peer.cursor })
    const now = lastSeq(ctx.store)
    return {
      watch: { id: self.origin, epoch: self.epoch, url: ctx.config.publicUrl },
      have,
      // To one whose place in our log we don't know nothing is told yet: its answer says where to begin.
      log:
        known && peer
          ? readPiece(ctx, self, known.ourSeq, { origin: peer.id, epoch: peer.epoch })
          : { fromSeq: now, toSeq: now, isMore: now > 0, statements: [], closings: [] },
      view: readWords(ctx),
    }
  }

  async function speak(url: string, signal?: AbortSignal): Promise<boolean> {
    const knewPlace = reached !== null && progress.has(reached)
    const said = compose(reached)
    const body = Buffer.from(JSON.stringify(said))
    const { pathname } = new URL(`${url}${EXCHANGE_PATH}`)
    const nonce = ctx.randomBytes(NONCE_BYTES).toString('base64url')
    const signed = sign('POST', pathname, nonce, body)
    const reply = await sendGuarded({
      url: `${url}${EXCHANGE_PATH}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body,
      timeoutMs: TIMEOUT_MS,
      maxBodyBytes: MESSAGE_MAX_BYTES,
      // Who runs the watch said where the other one is.
      allowPrivate: true,
      ...(signal && { signal }),
    })
    if (reply.status !== 200)
      throw new Error(`The other watch answers ${reply.status}: ${reply.body.toString('utf8').slice(0, 300)}`)
    const isSigned = isSignedAnswer(
      reply.headers,
      { method: ANSWER_METHOD, path: EXCHANGE_PATH, nonce, body: reply.body },
      config.key,
    )
    if (!isSigned) throw new Error('What answered for the other watch does not have its key.')
    const heard = PeerMessage.parse(JSON.parse(reply.body.toString('utf8')))
    progress.set(heard.watch.id, await takeMessage(ctx, self, heard, { address: url, once: [] }))
    reached = heard.watch.id
    return heard.log.isMore || (knewPlace ? said.log.isMore : lastSeq(ctx.store) > 0)
  }

  async function exchange(signal?: AbortSignal): Promise<void> {
    if (config.url === null) return
    spokenAtMs = ctx.clock.monotonicMs()
    isReachable = false
    for (let count = 0; count < ROUND_MAX; count++) {
      const isMore = await speak(config.url, signal)
      isReachable = true
      if (!isMore) return
    }
  }

  const sign = (method: string, path: string, nonce: string, body: Buffer): SignedHeaders =>
    signMessage(
      self.origin,
      { algorithm: 'hmac-sha256', secret: config.key },
      { method, path, body },
      { nowMs: ctx.clock.now().getTime(), nonce },
    )

  function hasNews(): boolean {
    const known = reached === null ? undefined : progress.get(reached)
    return known !== undefined && known.ourSeq < lastSeq(ctx.store)
  }

  function noticeSilence(): void {
    const nowMs = ctx.clock.now().getTime()
    const now = new Set(
      listPeers(ctx.store)
        .filter(({ heardAtMs }) => nowMs - heardAtMs > SILENT_AFTER_MS)
        .map(({ id }) => id),
    )
    const isChanged = now.size !== silent.size || [...now].some((id) => !silent.has(id))
    for (const id of now) if (!silent.has(id)) ctx.log.warn({ peer: id }, 'peers.silent')
    for (const id of silent) if (!now.has(id)) ctx.log.info({ peer: id }, 'peers.back')
    silent = now
    if (isChanged)
      for (const { id } of ctx.catalog.services()) ctx.live.tell({ kind: 'status', serviceId: id })
  }

  return {
    self,
    exchange,
    async answer(message, { nonce, once }) {
      const taken = await takeMessage(ctx, self, message, { address: null, once })
      progress.set(message.watch.id, taken)
      const body = Buffer.from(JSON.stringify(compose(message.watch.id)))
      return { body, headers: sign(ANSWER_METHOD, EXCHANGE_PATH, nonce, body) }
    },
    async tick(signal) {
      const pauseMs = ctx.clock.monotonicMs() - spokenAtMs
      if (pauseMs >= SPEAK_EVERY_MS || (isReachable && pauseMs >= NEWS_AFTER_MS && hasNews()))
        await exchange(signal).catch((error: unknown) => {
          if (!signal?.aborted) ctx.log.warn({ err: error }, 'peers.not-reached')
        })
      noticeSilence()
      await closer.round()
    },
  }
}

/** Speaks with the other watch until it is disposed. */
export function startPeers(ctx: WatchCtx, peers: Peers): AsyncDisposable {
  return startRepeating({
    intervalMs: TICK_MS,
    work: (signal) => peers.tick(signal),
    onError: (error) => ctx.log.error({ err: error }, 'peers.round-failed'),
  })
}
