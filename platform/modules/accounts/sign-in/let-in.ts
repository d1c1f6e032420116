/** Lets somebody in who has proved who they are, by whatever it was. */
import type { Ctx } from '../../../app/context.ts'
import { inTransaction, type Tx } from '../../../infra/db/index.ts'
import { newSignInQueue } from '../accounts.jobs.ts'
import { SESSION_DAYS } from '../auth.ts'
import { hashDevice, newDeviceToken } from './known-devices.ts'
import { rememberPlace, type Client } from '../notices/places.ts'
import { tellNewPlace } from '../notices/sign-in-notices.ts'
import * as queries from './sign-in.queries.ts'

export interface SignedIn {
  readonly accountId: string
  readonly sessionToken: string
  /** The browser's, or a new one. */
  readonly deviceToken: string
}

/** A client with what its browser shows of itself. */
export interface DeviceClient extends Client {
  readonly deviceToken: string | null
}

/** Begins their session, makes their browser a known one, and tells them if the place is new. */
export async function letIn(
  ctx: Ctx,
  accountId: string,
  client: DeviceClient,
  alsoInTx: (tx: Tx) => Promise<void> = async () => {},
): Promise<SignedIn> {
  const deviceToken = client.deviceToken ?? newDeviceToken(ctx)
  const sessionToken = ctx.randomBytes(24).toString('base64url')
  await inTransaction(ctx, async (tx) => {
    await alsoInTx(tx)
    const now = ctx.clock.now()
    const session = {
      id: ctx.newId(),
      user_id: accountId,
      token: sessionToken,
      ip_address: client.address,
      user_agent: client.userAgent.slice(0, 300),
      expires_at: new Date(now.getTime() + SESSION_DAYS * 86_400_000),
      created_at: now,
      updated_at: now,
    }
    await queries.insertSession(tx, session)
    await queries.upsertDevice(tx, accountId, hashDevice(deviceToken), now)
    const place = await rememberPlace(ctx, tx, accountId, client)
    if (!place.isNew) return
    const id = ctx.newId()
    const { device, address } = place
    await ctx.jobs.enqueue(tx, newSignInQueue, { id, accountId, device, address })
    await tellNewPlace(ctx, tx, { id, accountId, sessionId: session.id, device, address })
  })
  return { accountId, sessionToken, deviceToken }
}
