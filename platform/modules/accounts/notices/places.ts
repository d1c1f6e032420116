/**
 * Where an account was signed in from: kinds of devices and networks, so that its owner can be told of a new one.
 *
 * They are kept for PLACES_KEPT_MS after the last sign-in from there, and used for nothing else.
 */
import { networkOf } from '../../../../kit/network/network-of.ts'
import type { Ctx } from '../../../app/context.ts'
import type { Tx } from '../../../infra/db/index.ts'
import * as queries from '../accounts.queries.ts'
import { describeDevice } from '../sessions/devices.ts'

/** Where a request came from, as the session remembers it. */
export interface Client {
  readonly address: string
  readonly userAgent: string
}

export interface Place {
  /** "Chrome on Android". */
  readonly device: string
  readonly address: string
  /** The account was never signed in from this kind of device, or never from this network. */
  readonly isNew: boolean
}

/** Notes that the account is signed in from there now. Of racing calls for one new place only one is told that it is new. */
export async function rememberPlace(ctx: Ctx, tx: Tx, accountId: string, client: Client): Promise<Place> {
  const { address, userAgent } = client
  const device = describeDevice(userAgent)
  const network = networkOf(address)
  const known = await queries.findKnownPlace(tx, { accountId, device, network })
  const isAdded = await queries.upsertPlace(tx, { accountId, device, network, at: ctx.clock.now() })
  return { device, address, isNew: isAdded && !(known.isDeviceKnown && known.isNetworkKnown) }
}
