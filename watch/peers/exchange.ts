/**
 * Speaks with the other watch: each message carries what changed since the last one and asks for the same, so one side
 * that reaches the other is enough. It listens as it checks a target: who is silent is said to be.
 */
import type { KeyObject } from 'node:crypto'
import { startRepeating } from '../../kit/repeat.ts'
import type { WatchCtx } from '../app/context.ts'
import { closeForTheSilent } from './close-for-the-silent.ts'
import { createLine, type Line } from './line.ts'
import { readPiece, readWords } from './log-piece.ts'
import { createSilenceNotice } from './notice-silence.ts'
import type { Origin } from './own-statements.ts'
import { openOwnKey, readKeys } from './peer-keys.ts'
import type { PeerMessage } from './protocol.ts'
import { findPeer, forgetOthersSql, lastSeq, listPeers, openEpoch } from './records.ts'
import { takeMessage, type TakenMessage } from './take-message.ts'

const TICK_MS = 500
/** A word without news says that we are there. */
const SPEAK_EVERY_MS = 5_000
/** News wait so long at most, and several that come together go together. */
const NEWS_AFTER_MS = 1_000
/** Messages in one round: what is left waits for the next. */
const ROUND_MAX = 20

export interface Peers {
  readonly self: Origin
  /** What others are known by, by their names. */
  readonly keys: ReadonlyMap<string, KeyObject>
  /** Speaks with the peer until neither has news; does nothing without an address. @throws when it can't be reached */
  exchange(signal?: AbortSignal): Promise<void>
  /** Takes what a peer said of its own accord, and says what it has to know. */
  answer(
    message: PeerMessage,
    how: { readonly nonce: string; readonly once: Parameters<typeof takeMessage>[3]['once'] },
  ): Promise<ReturnType<Line['seal']>>
  /** Speaks when it is time to, notices who went silent, and calls over what a silent one can't. */
  tick(signal?: AbortSignal): Promise<void>
}

/** What the two have of each other's logs, by the other's name; found anew after a start. */
type Progress = Map<string, TakenMessage>

/** For a watch whose settings name another's key. @param config the setting */
export async function openPeers(
  ctx: WatchCtx,
  config: NonNullable<WatchCtx['config']['peer']>,
): Promise<Peers> {
  const self: Origin = { origin: ctx.config.id, epoch: await openEpoch(ctx) }
  const keys = readKeys(config.keys)
  await ctx.store.write([forgetOthersSql([...keys.keys()])])
  const line = createLine(ctx, { own: (await openOwnKey(ctx)).privateKey, others: keys })
  const progress: Progress = new Map()
  const closer = closeForTheSilent(ctx, self)
  const notice = createSilenceNotice(ctx)
  const dialogue = createDialogue(ctx, { self, line, progress, url: config.url })
  let failure: string | null = null
  let spokenAtMs = Number.NEGATIVE_INFINITY

  async function exchange(signal?: AbortSignal): Promise<void> {
    spokenAtMs = ctx.clock.monotonicMs()
    try {
      for (let count = 0; count < ROUND_MAX && (await dialogue.speak(signal)); count++);
      failure = null
    } catch (error) {
      if (!signal?.aborted) failure = (error as Error).message
      throw error
    }
  }

  return {
    self,
    keys,
    exchange,
    async answer(message, { nonce, once }) {
      progress.set(message.watch.id, await takeMessage(ctx, self, message, { address: null, once }))
      return line.seal(compose(ctx, self, progress, message.watch.id), nonce)
    },
    async tick(signal) {
      const pauseMs = ctx.clock.monotonicMs() - spokenAtMs
      const isNews = failure === null && pauseMs >= NEWS_AFTER_MS && dialogue.hasNews()
      // Why it failed is said with the silence that follows from it.
      if (pauseMs >= SPEAK_EVERY_MS || isNews)
        await exchange(signal).catch((error: unknown) => ctx.log.debug({ err: error }, 'peers.not-reached'))
      notice.look({ wasReached: dialogue.reached() !== null, failure })
      await closer.round()
    },
  }
}

/** Our side of speaking to the one that the settings name. */
function createDialogue(
  ctx: WatchCtx,
  parts: {
    readonly self: Origin
    readonly line: Line
    readonly progress: Progress
    readonly url: string | null
  },
) {
  const { self, line, progress, url } = parts
  let reached = listPeers(ctx.store).find(({ address }) => address !== null && address === url)?.id ?? null
  return {
    reached: () => reached,
    hasNews(): boolean {
      const known = reached === null ? undefined : progress.get(reached)
      return known !== undefined && known.ourSeq < lastSeq(ctx.store)
    },
    /** One question and its answer. Answers whether there is more to say on either side. */
    async speak(signal?: AbortSignal): Promise<boolean> {
      if (url === null) return false
      const knewPlace = reached !== null && progress.has(reached)
      const said = compose(ctx, self, progress, reached)
      const heard = await line.ask(url, said, signal)
      reached = heard.watch.id
      progress.set(reached, await takeMessage(ctx, self, heard, { address: url, once: [] }))
      return heard.log.isMore || (knewPlace ? said.log.isMore : lastSeq(ctx.store) > 0)
    },
  }
}

/** What is to be said to a watch, as far as its place in our log is known. */
function compose(ctx: WatchCtx, self: Origin, progress: Progress, to: string | null): PeerMessage {
  const peer = to === null ? null : findPeer(ctx.store, to)
  const known = to === null ? undefined : progress.get(to)
  const now = lastSeq(ctx.store)
  return {
    watch: { id: self.origin, epoch: self.epoch, url: ctx.config.publicUrl },
    have: known?.position ?? (peer && { epoch: peer.epoch, seq: peer.cursor }),
    // To one whose place we don't know nothing is told yet: its answer says where to begin.
    log:
      known && peer
        ? readPiece(ctx, self, known.ourSeq)
        : { fromSeq: now, toSeq: now, isMore: now > 0, statements: [], closings: [] },
    view: readWords(ctx),
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
