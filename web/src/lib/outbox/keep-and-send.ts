/** The way into the outbox; what keeps and sends is fetched beside the first video, not before it. */
import { session } from '#lib/session/session.svelte.ts'
import type { OutboxAction, OutboxEntry } from './outbox.ts'

const sending = () => import('./sending.ts')

/** Keeps an action and sends it as soon as it can be sent. Resolves once it is safely kept. */
export async function keepAndSend(action: Omit<OutboxAction, 'accountId'>): Promise<OutboxEntry> {
  const accountId = session.account?.id
  if (!accountId) throw new Error('Only a signed-in account acts.')
  return (await sending()).keepAndSend({ ...action, accountId })
}

/** Opens the outbox and sends what an earlier visit has left. Call it once the account is known. */
export const startOutbox = async (): Promise<void> => (await sending()).startOutbox()
