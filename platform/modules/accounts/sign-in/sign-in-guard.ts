/**
 * `engines/sign-in` in this process: its keys, what other processes saw, and what outlives a restart.
 *
 * Each process tells the others of failures in batches; guesses at one account are counted in the database (sign-in.queries.ts),
 * exactly and for all.
 */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { createSignInGuard, type Attempt, type FailuresState } from '../../../../engines/sign-in/index.ts'
import { networkOf } from '../../../../kit/network/network-of.ts'
import { startRepeating } from '../../../../kit/repeat.ts'
import type { Ctx } from '../../../app/context.ts'
import { isDatabaseUnavailable, notify } from '../../../infra/db/index.ts'
import * as queries from './sign-in.queries.ts'

const CHANNEL = 'sign-in-note'
const TELL_INTERVAL_MS = 500
/** Some 60 bytes each, in a message of at most 7,999. */
const NOTES_PER_MESSAGE = 100
/** Under a flood the rest is left out: those told are enough to raise the alarm. */
const MESSAGES_PER_ROUND = 5
const SAVE_INTERVAL_MS = 60_000
const KEY_CHARS = 10
/** A million: among real people's passwords many share one, and from it none can be told. */
const PASSWORD_KEY_CHARS = 5

const Note = z.tuple([z.string(), z.string(), z.string(), z.string(), z.union([z.literal(0), z.literal(1)])])
const Notes = z.object({ from: z.string(), notes: z.array(Note) })
const Saved = z.object({
  spans: z.array(
    z.object({
      bins: z.array(z.object({ wrong: z.number(), right: z.number() })).length(30),
      bin: z.number(),
      baseline: z.number().nullable(),
    }),
  ),
})

export interface AttemptInput {
  /** The account's id; for a name that nobody has, the name. */
  readonly name: string
  readonly address: string
  readonly password: string
  readonly device: Buffer | null
  readonly isNetworkKnown: boolean
}

export interface OpenSignInGuard extends AsyncDisposable {
  /** Of the same name the same key: 32 bytes for the database. */
  nameKeyOf(name: string): Buffer
  attemptOf(input: AttemptInput): Attempt
  weigh(attempt: Attempt): ReturnType<ReturnType<typeof createSignInGuard>['weigh']>
  note(attempt: Attempt, outcome: 'right' | 'wrong'): void
}

/** Begins with what was saved, where the database is there to tell. */
export async function openSignInGuard(ctx: Ctx): Promise<OpenSignInGuard> {
  const guard = createSignInGuard({ ...(await loadSaved(ctx)) })
  const own = ctx.newId()
  let untold: z.infer<typeof Note>[] = []
  const nowMs = () => ctx.clock.now().getTime()
  const mac = (kind: string, text: string) =>
    createHmac('sha256', ctx.secrets.session).update(`sign-in ${kind}\0${text}`).digest()
  const key = (kind: string, text: string) => mac(kind, text).toString('base64url').slice(0, KEY_CHARS)

  const save = () => queries.writeBaseline(ctx.db, JSON.stringify(guard.save()), ctx.clock.now())

  await using stack = new AsyncDisposableStack()
  stack.defer(
    ctx.listener.on(CHANNEL, (payload) => {
      const told = Notes.safeParse(payload)
      if (!told.success || told.data.from === own) return
      for (const [account, network, prefix, password, isRight] of told.data.notes)
        guard.note(
          { account, network, prefix, password, device: null, isNetworkKnown: false },
          isRight ? 'right' : 'wrong',
          nowMs(),
        )
    }),
  )
  const whenUp = (work: () => Promise<unknown>) => async () => {
    if (ctx.databaseGuard.isUp) await work()
  }
  const onError = (err: unknown) => {
    if (!isDatabaseUnavailable(err)) ctx.log.warn({ err }, 'accounts.sign-in-guard')
  }
  stack.use(startRepeating({ intervalMs: TELL_INTERVAL_MS, work: whenUp(tell), onError }))
  stack.use(startRepeating({ intervalMs: SAVE_INTERVAL_MS, work: whenUp(save), onError }))
  const owned = stack.move()

  async function tell(): Promise<void> {
    const notes = untold
    untold = []
    for (
      let at = 0;
      at < notes.length && at < NOTES_PER_MESSAGE * MESSAGES_PER_ROUND;
      at += NOTES_PER_MESSAGE
    )
      await notify(ctx.db, CHANNEL, { from: own, notes: notes.slice(at, at + NOTES_PER_MESSAGE) })
  }

  return {
    nameKeyOf: (name) => mac('name', name),
    attemptOf: ({ name, address, password, device, isNetworkKnown }) => ({
      account: key('account', name),
      network: key('network', networkOf(address)),
      prefix: key('prefix', prefixOf(address)),
      password: mac('password', password.normalize('NFKC')).toString('hex').slice(0, PASSWORD_KEY_CHARS),
      device: device?.toString('base64url') ?? null,
      isNetworkKnown,
    }),
    weigh: (attempt) => guard.weigh(attempt, nowMs()),
    note(attempt, outcome) {
      guard.note(attempt, outcome, nowMs())
      const { account, network, prefix, password, device } = attempt
      if (device === null && untold.length < NOTES_PER_MESSAGE * MESSAGES_PER_ROUND)
        untold.push([account, network, prefix, password, outcome === 'right' ? 1 : 0])
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function loadSaved(ctx: Ctx): Promise<{ saved?: FailuresState }> {
  try {
    const saved = Saved.safeParse(await queries.readBaseline(ctx.db))
    return saved.success ? { saved: saved.data } : {}
  } catch (error) {
    if (isDatabaseUnavailable(error)) return {}
    throw error
  }
}

/** The /24 around an IPv4 address, the /48 around an IPv6 one. */
export function prefixOf(address: string): string {
  const network = networkOf(address)
  return network.includes(':') ? network.split(':', 3).join(':') : network.split('.', 3).join('.')
}
