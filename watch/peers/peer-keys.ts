/**
 * Keys by which watches know each other: each has a pair of its own (Ed25519, RFC 8032), and the others' public halves are
 * in its settings, each with the name that it belongs to. Nobody can speak in another's name.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { PeerKey } from '../app/config.ts'
import type { WatchCtx } from '../app/context.ts'
import { keepOnce } from '../store/index.ts'

const KEPT_NAME = 'peer-private-key'

export interface OwnKey {
  readonly privateKey: KeyObject
  /** What the other watch is given, as it stands in its settings: `NAME=ed25519:KEY`. */
  readonly line: string
}

/** This watch's own, made at the first start; it never leaves the data folder. */
export async function openOwnKey(ctx: WatchCtx): Promise<OwnKey> {
  const pem = await keepOnce(ctx.store, {
    name: KEPT_NAME,
    nowMs: ctx.clock.now().getTime(),
    make: () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
  const privateKey = createPrivateKey(pem)
  return { privateKey, line: `${ctx.config.id}=ed25519:${publicTextOf(privateKey)}` }
}

/** The 32 bytes of the public half in base64url. */
export const publicTextOf = (privateKey: KeyObject): string =>
  createPublicKey(privateKey).export({ format: 'jwk' }).x!

/** Whose key it is by the name: undefined for one that is not in the settings. */
export function readKeys(keys: readonly PeerKey[]): ReadonlyMap<string, KeyObject> {
  return new Map(
    keys.map(({ id, publicKey }) => [
      id,
      createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' }),
    ]),
  )
}
