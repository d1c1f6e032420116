/** Seals what has to be read again: AES-256-GCM under a key of the vault's, bound to its account. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const IV_BYTES = 12
const TAG_BYTES = 16

/** After a break-in there is a new one; the one before it opens what was sealed until then. */
export interface VaultKeys {
  readonly vault: string
  readonly vaultBefore?: string | undefined
}

const keyOf = (vault: string) => Buffer.from(hkdfSync('sha256', vault, '', 'totp secrets', 32))

/** Seals by the present key. */
export function sealSecret({ vault }: VaultKeys, accountId: string, secret: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(vault), iv).setAAD(Buffer.from(accountId))
  return Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()])
}

/** Null: it was sealed by other keys, or for another account. */
export function openSecret(
  { vault, vaultBefore }: VaultKeys,
  accountId: string,
  sealed: Buffer,
): Buffer | null {
  for (const key of [vault, vaultBefore]) {
    if (key === undefined) continue
    try {
      return unsealBy(key, accountId, sealed)
    } catch {
      // The other one may open it.
    }
  }
  return null
}

/** @throws when the key is another one */
function unsealBy(vault: string, accountId: string, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', keyOf(vault), sealed.subarray(0, IV_BYTES))
  decipher.setAAD(Buffer.from(accountId)).setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
}
