/** What a third watch, which both know by its key and which may lie, says to one of a pair. */
import { randomBytes } from 'node:crypto'
import { signMessage } from '../http/signature.ts'
import { findIncident } from '../incidents/records.ts'
import { toView } from '../incidents/record-view.ts'
import { toStatement } from './own-statements.ts'
import { KEY_OF_C, see, type PairWatch, type TestKey } from './pair.fixtures.ts'
import { EXCHANGE_PATH, type PeerMessage } from './protocol.ts'
import type { IncidentStatement } from './statement.ts'

export const ID_OF_C = 'ofwatchcccc1'

/** What watch c would say, if there were one. */
export const makeMessage = (changes: Partial<PeerMessage> = {}): PeerMessage => ({
  watch: { id: 'c', epoch: 'cccccccccccc', url: null },
  have: null,
  log: { fromSeq: 0, toSeq: 0, isMore: false, statements: [], closings: [] },
  view: [],
  ...changes,
})

interface Sending {
  readonly key?: Pick<TestKey, 'privateKey'>
  readonly keyId?: string
  readonly offsetMs?: number
  readonly nonce?: string
}

/** Sends a message as a second watch would. */
export async function say({ world, url }: PairWatch, message: unknown, how: Sending = {}) {
  const { key = KEY_OF_C, keyId = 'c', offsetMs = 0, nonce = randomBytes(18).toString('base64url') } = how
  const body = Buffer.from(JSON.stringify(message))
  const signed = signMessage(
    keyId,
    { algorithm: 'ed25519', privateKey: key.privateKey },
    { method: 'POST', path: EXCHANGE_PATH, body },
    { nowMs: world.clock.now().getTime() + offsetMs, nonce },
  )
  const answer = await fetch(`${url}${EXCHANGE_PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed },
    body,
  })
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
}

export async function statementOf(watch: PairWatch, changes: Partial<IncidentStatement> = {}) {
  const { ctx } = watch.world
  const { id } = await see(watch)
  const record = findIncident(ctx.store, id)!
  const origin = { origin: 'c', epoch: 'cccccccccccc' }
  return {
    ...toStatement(ctx, { record, view: toView(ctx, record) }, origin),
    incidentId: ID_OF_C,
    ...changes,
  }
}

export const logOf = (statements: readonly IncidentStatement[], toSeq = 1): PeerMessage['log'] => ({
  fromSeq: 0,
  toSeq,
  isMore: false,
  statements: [...statements],
  closings: [],
})
