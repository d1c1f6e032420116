import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFakeClock, createWorld } from '../../../../tests/support/world.ts'
import { keepRevoked, openRevocations } from './revocations.ts'

test('an entry that a full disk has torn, at whichever byte, takes none of those after it along', async () => {
  await using world = await createWorld({ clock: createFakeClock() })
  const dir = join(world.config.dataDir, 'standby', 'revoked-lately')
  await keepRevoked(world.ctx, ['first'])
  const [name] = await readdir(dir)
  const path = join(dir, name!)
  const entryBytes = (await stat(path)).size
  for (let left = 1; left < entryBytes; left++) {
    await keepRevoked(world.ctx, [`torn ${left}`])
    await truncate(path, (await stat(path)).size - entryBytes + left)
    await keepRevoked(world.ctx, [`after ${left}`, `and after ${left}`])
  }

  using revocations = openRevocations(world.ctx)

  expect(await revocations.isRevoked('first')).toBe(true)
  for (let left = 1; left < entryBytes; left++) {
    const known = [`torn ${left}`, `after ${left}`, `and after ${left}`].map((token) =>
      revocations.isRevoked(token),
    )
    expect(await Promise.all(known), `${left} bytes`).toEqual([false, true, true])
  }
})
