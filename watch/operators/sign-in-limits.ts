/**
 * How often somebody may try to sign in. A network, a place at one name, and a name from anywhere have their bounds; an
 * operator's own browser has one of its own, so that nobody who guesses elsewhere keeps its owner out.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { networkOf } from '../../kit/network/network-of.ts'
import { createRateBucket } from '../../kit/bounded/rate-bucket.ts'
import { WatchError } from '../app/errors.ts'
import type { KnownDevice } from './known-device.ts'

const TRIES = 10
const TRIES_REFILL_MS = 10 * 60_000
/** Ten places have to guess at once before a name waits in browsers that are not known. */
const TRIES_AT_NAME = 100
/** Of these one place may take so many. For IPv6 a place is a /48, which one customer may have. */
const TRIES_AT_NAME_OF_PLACE = 10
const NAME_REFILL_MS = 3_600_000
/** Codes that may be tried after one right password. */
const TRIES_AT_DOOR = 5
/** Longer than a code is taken, early and late ones included. */
const CODE_LIFE_MS = 180_000

export interface Trier {
  readonly address: string
  readonly device: KnownDevice | null
}

export interface SignInLimits {
  /** Joining, and whatever names nobody. @throws {WatchError} too-many-requests */
  takeTry(trier: Trier): void
  /** The first step. @throws {WatchError} too-many-requests */
  takeName(trier: Trier, name: string): void
  /** The second step, behind the door that the first one opened (null: none). @throws {WatchError} too-many-requests */
  takeCode(trier: Trier, door: string | null): void
  /** False: this code opened the door before. "The verifier MUST NOT accept the second attempt of the OTP" (RFC 6238, 5.2). */
  isFirstUse(operatorId: string, code: string): boolean
}

/** Begins with nobody having tried. */
export function createSignInLimits(clock: Clock): SignInLimits {
  const networks = createRateBucket({ burst: TRIES, refillMs: TRIES_REFILL_MS, clock })
  const devices = createRateBucket({ burst: TRIES, refillMs: TRIES_REFILL_MS, clock })
  const names = createRateBucket({ burst: TRIES_AT_NAME, refillMs: NAME_REFILL_MS, clock })
  const places = createRateBucket({ burst: TRIES_AT_NAME_OF_PLACE, refillMs: NAME_REFILL_MS, clock })
  const doors = createRateBucket({ burst: TRIES_AT_DOOR, refillMs: TRIES_REFILL_MS, clock })
  const usedCodes = createRateBucket({ burst: 1, refillMs: CODE_LIFE_MS, clock })
  return {
    takeTry: ({ address }) => refuse(networks.take(networkOf(address))),
    takeName({ address, device }, name) {
      if (device?.name === name) return refuse(devices.take(device.nonce))
      const network = networkOf(address)
      // One after the other: who is refused already takes nothing from the name.
      refuse(networks.take(network) || places.take(`${placeOf(network)} ${name}`) || names.take(name))
    },
    takeCode({ address, device }, door) {
      refuse(device ? devices.take(device.nonce) : networks.take(networkOf(address)))
      if (door !== null) refuse(doors.take(createHash('sha256').update(door).digest('base64')))
    },
    isFirstUse: (operatorId, code) => usedCodes.take(`${operatorId} ${code}`) === 0,
  }
}

function refuse(waitMs: number): void {
  if (waitMs > 0) throw new WatchError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
}

/** The address for IPv4; for IPv6 the /48 around it. */
const placeOf = (network: string): string =>
  network.includes(':') ? network.split(':', 3).join(':') : network
