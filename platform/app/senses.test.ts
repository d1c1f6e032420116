import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { execFile } from 'node:child_process'
import { mkdir, rename } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { eventually } from '../../tests/support/eventually.ts'
import { createWorld } from '../../tests/support/world.ts'
import { openSenses } from './senses.ts'

test('the files of videos gone, and there again', async () => {
  await using world = await createWorld()
  await using _senses = openSenses(world.ctx)
  const { blobs } = world.config.paths
  await rename(blobs, `${blobs}-away`)
  await eventually(() => !world.ctx.steward.isUp('blobs'))
  expect(world.ctx.steward.state.features.uploads).toMatchObject({ mode: 'paused', reason: 'blobs' })
  expect(world.ctx.steward.state.features.playback.mode).toBe('cached')
  await rename(`${blobs}-away`, blobs)
  await eventually(() => world.ctx.steward.isUp('blobs'))
})

test('a disk on which only the reserve is left pauses uploads; they say themselves that it is full', async () => {
  await using world = await createWorld({ env: { UPLOAD_RESERVE_BYTES: String(2 ** 52) } })
  await using _senses = openSenses(world.ctx)
  await eventually(() => !world.ctx.steward.isUp('disk'))
  expect(world.ctx.steward.state.features.uploads).toMatchObject({ mode: 'paused', reason: 'disk' })
  expect(world.ctx.steward.state.level).toBe(0)
})

test.skipIf(process.getuid?.() !== 0)('a disk that can only be read pauses uploads alone', async () => {
  await using world = await createWorld({ env: { UPLOAD_RESERVE_BYTES: '0' } })
  const { staging } = world.config.paths
  const run = promisify(execFile)
  await mkdir(staging, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', staging])
  await using _disk = { [Symbol.asyncDispose]: async () => void (await run('umount', ['-l', staging])) }
  await run('mount', ['-o', 'remount,ro', staging])
  await using _senses = openSenses(world.ctx)
  await eventually(() => !world.ctx.steward.isUp('disk'))
  expect(world.ctx.steward.state.features.uploads).toMatchObject({ mode: 'paused', reason: 'disk' })
  expect(world.ctx.steward.state.features.playback.mode).toBe('on')
})

test('the role that takes uploads gone', async () => {
  const ingest = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
  await once(ingest, 'listening')
  const { port } = ingest.address() as AddressInfo
  await using world = await createWorld({ env: { INGEST_ADDRESS: `http://127.0.0.1:${port}` } })
  await using _senses = openSenses(world.ctx)
  ingest.close()
  ingest.closeAllConnections()
  await eventually(() => !world.ctx.steward.isUp('ingest'))
  expect(world.ctx.steward.state.features.uploads).toMatchObject({ mode: 'paused', reason: 'ingest' })
})
