/**
 * After a breach: all keys of the watch are made anew but the one that two watches know each other by, and every operator
 * is signed out. What the old key had sealed (second factors) is sealed by the new one.
 */
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { symmetricDecrypt, symmetricEncrypt } from 'better-auth/crypto'
import type { WatchCtx } from '../app/context.ts'
import { forgetKeptStatement, keepOnce, keepStatement, readKept } from '../store/index.ts'
import { AUTH_SECRET_NAME } from './auth-engine.ts'

/** Each is made anew when it is needed: what it signed is worth nothing then, and nothing else is lost. */
const SIGNING_KEYS = ['operators-devices', 'on-call-links']
const SECRET_BYTES = 32

export interface RotatedWatch {
  readonly keys: readonly string[]
  readonly endedSessions: number
}

/** By this name the next key of the accounts waits until all is sealed by it: what was cut off goes on with the same one. */
const NEXT_NAME = `${AUTH_SECRET_NAME}-next`

/** The caller holds the folder's lock: no watch runs on it. Repeating a call that was cut off ends what it began. */
export async function rotateWatchKeys(ctx: WatchCtx): Promise<RotatedWatch> {
  const nowMs = ctx.clock.now().getTime()
  const make = () => randomBytes(SECRET_BYTES).toString('base64url')
  const signing = SIGNING_KEYS.filter((name) => readKept(ctx.store, name) !== undefined)
  await ctx.store.write(signing.map((name) => keepStatement({ name, value: make(), nowMs })))
  const before = readKept(ctx.store, AUTH_SECRET_NAME)
  if (before === undefined) return { keys: signing, endedSessions: 0 }
  const after = await keepOnce(ctx.store, { name: NEXT_NAME, nowMs, make })
  const endedSessions = await resealAccounts(ctx.config.dataDir, before, after)
  await ctx.store.write([
    keepStatement({ name: AUTH_SECRET_NAME, value: after, nowMs }),
    forgetKeptStatement(NEXT_NAME),
  ])
  return { keys: [AUTH_SECRET_NAME, ...signing], endedSessions }
}

interface SealedFactor {
  readonly id: string
  readonly secret: string
  readonly backupCodes: string
}

/** Answers how many sessions were ended. */
async function resealAccounts(dataDir: string, before: string, after: string): Promise<number> {
  using db = openAccounts(dataDir)
  const rows = db.file
    .prepare('select id, secret, backupCodes from twoFactor')
    .all() as unknown as SealedFactor[]
  const resealed = await Promise.all(
    rows.map(async ({ id, secret, backupCodes }) => ({
      id,
      secret: await resealText(secret, before, after),
      backupCodes: await resealText(backupCodes, before, after),
    })),
  )
  db.file.exec('begin immediate')
  try {
    const update = db.file.prepare('update twoFactor set secret = ?, backupCodes = ? where id = ?')
    for (const { id, secret, backupCodes } of resealed) update.run(secret, backupCodes, id)
    const { changes } = db.file.prepare('delete from session').run()
    db.file.exec('delete from verification')
    db.file.exec('commit')
    return Number(changes)
  } catch (error) {
    db.file.exec('rollback')
    throw error
  }
}

/** What an earlier try has sealed by the new key stays as it is. */
async function resealText(sealed: string, before: string, after: string): Promise<string> {
  const opened = await symmetricDecrypt({ key: before, data: sealed }).catch(() => null)
  if (opened !== null) return symmetricEncrypt({ key: after, data: opened })
  await symmetricDecrypt({ key: after, data: sealed })
  return sealed
}

function openAccounts(dataDir: string): Disposable & { readonly file: DatabaseSync } {
  const file = new DatabaseSync(join(dataDir, 'operators.sqlite'), { timeout: 2_000 })
  return { file, [Symbol.dispose]: () => file.close() }
}
