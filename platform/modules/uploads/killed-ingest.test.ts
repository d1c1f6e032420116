/** The ingest role as a process of its own, killed without warning. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { createTusClient, makeFileBytes } from '../../../tests/support/ingest.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'

const MIB = 1024 * 1024
const MAIN = join(import.meta.dirname, '..', '..', 'main.ts')

async function spawnIngest(world: World, port: number) {
  const child = spawn(process.execPath, [MAIN, 'ingest'], {
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: world.databaseUrl,
      DATA_DIR: world.config.dataDir,
      HOST: '127.0.0.1',
      PORT: String(port),
      LOG_LEVEL: 'silent',
      UPLOAD_RESERVE_BYTES: '0',
    },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  for (let i = 0; i < 500 && child.exitCode === null; i++) {
    if (
      await fetch(`${url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break
    await sleep(50)
  }
  return {
    url: `${url}/api/v1`,
    async kill() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
    [Symbol.asyncDispose]() {
      return this.kill()
    },
  }
}

test('SIGKILL in the middle of a part: every acknowledged byte is there, and the file is right in the end', async () => {
  await using world = await createWorld()
  const account = await world.account()
  const bytes = makeFileBytes(12 * MIB)
  const port = await findFreePort()
  let path: string
  let heard: number
  {
    await using ingest = await spawnIngest(world, port)
    const client = createTusClient(ingest.url, account)
    path = new URL(await client.start(bytes.length), 'http://host').pathname.replace('/api/v1', '')
    expect((await client.patch(path, 0, bytes.subarray(0, 5 * MIB))).status).toBe(204)
    const request = httpRequest(`${ingest.url}${path}`, {
      method: 'PATCH',
      headers: {
        ...client.headers,
        'upload-offset': 5 * MIB,
        'content-type': 'application/offset+octet-stream',
      },
    })
    request.on('error', () => {})
    // A long part that comes slowly: what is there is recorded while it comes, though no answer was given.
    heard = 5 * MIB
    for (let at = 5 * MIB; at < 11 * MIB && heard === 5 * MIB; at += MIB / 8) {
      request.write(bytes.subarray(at, at + MIB / 8))
      await sleep(100)
      heard = (await client.receipt(path)).receivedBytes
    }
    expect(heard).toBeGreaterThan(5 * MIB)
    await ingest.kill()
  }
  await using ingest = await spawnIngest(world, port)
  const client = createTusClient(ingest.url, account)
  const offset = await client.offset(path)
  expect(offset).toBeGreaterThanOrEqual(heard)
  expect((await client.patch(path, offset, bytes.subarray(offset))).status).toBe(204)
  const receipt = await client.receipt(path)
  expect(receipt).toMatchObject({
    receivedBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  })
})
