/** What the doctor finds out about a proxy in front, with a real one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findFreePort } from '../../../../../kit/network/free-port.ts'
import { createLog } from '../../../../../kit/log.ts'
import { openApi } from '../../../../../tests/support/api.ts'
import { makeTemporaryDir } from '../../../../../tests/support/temporary-dir.ts'
import { createWorld, type World } from '../../../../../tests/support/world.ts'
import { PERMIT_HEADER, signProbePermit } from '../body-probe.ts'
import { checkPublicAddress } from './public-address.ts'
import { findBodyLimit } from './send-body.ts'
import { bodyProbeRoutes } from '../../index.ts'

const NGINX = '/usr/sbin/nginx'
const isNginxMissing = await access(NGINX).then(
  () => false,
  () => true,
)

async function listen(world: World): Promise<AsyncDisposable & { url: string }> {
  const api = await openApi(world, bodyProbeRoutes)
  await api.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = api.app.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() }
}

/** nginx in front of `upstream`, with these lines in its server's block. */
async function startNginx(upstream: string, lines: string): Promise<AsyncDisposable & { url: string }> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  const port = await findFreePort()
  await mkdir(join(dir.path, 'body'), { mode: 0o777 })
  await writeFile(
    join(dir.path, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${dir.path}/nginx.pid; error_log ${dir.path}/error.log;
     ${process.getuid!() === 0 ? 'user root;' : ''}
     events { worker_connections 64; }
     http { access_log off; client_body_temp_path ${dir.path}/body;
       ${['proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir.path}/${name};`).join(' ')}
       server { listen 127.0.0.1:${port}; ${lines}
         location / { proxy_pass ${upstream}; proxy_http_version 1.1; proxy_set_header Host $host; } } }`,
  )
  const child = spawn(NGINX, ['-c', join(dir.path, 'nginx.conf'), '-p', dir.path], { stdio: 'ignore' })
  stack.defer(async () => {
    const ended = once(child, 'exit')
    if (child.kill('SIGTERM')) await ended
  })
  const url = `http://127.0.0.1:${port}`
  await expect
    .poll(() =>
      fetch(url).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBeGreaterThan(0)
  const owned = stack.move()
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const examine = async (world: World, publicUrl: string | null) =>
  checkPublicAddress({
    config: world.config,
    log: createLog({ level: 'silent', base: {} }),
    databaseUrl: null,
    publicUrl,
    now: () => new Date(),
    signal: new AbortController().signal,
  })

test('without anything in front, 60 MB go through, as they are sent', async () => {
  await using world = await createWorld()
  await using api = await listen(world)
  expect(await examine(world, api.url)).toEqual([
    expect.objectContaining({ state: 'fine', what: expect.stringContaining('as they are sent') }),
    expect.objectContaining({ state: 'fine', what: expect.stringContaining('60 MB') }),
  ])
})

test.skipIf(isNginxMissing)('a proxy’s limit is found, and said with the line that lifts it', async () => {
  await using world = await createWorld()
  await using api = await listen(world)
  await using proxy = await startNginx(api.url, 'client_max_body_size 5m; proxy_request_buffering off;')
  const findings = await examine(world, proxy.url)
  expect(findings).toContainEqual(
    expect.objectContaining({ what: expect.stringContaining('as they are sent') }),
  )
  expect(findings.find(({ state }) => state === 'problem')).toMatchObject({
    what: expect.stringMatching(/no body above 5\.0 MiB .*413 by nginx/),
    remedy: expect.stringContaining('client_max_body_size 0;'),
  })
})

test.skipIf(isNginxMissing)('a proxy that gathers bodies before it passes them on is found', async () => {
  await using world = await createWorld()
  await using api = await listen(world)
  await using proxy = await startNginx(api.url, 'client_max_body_size 0;')
  expect(await examine(world, proxy.url)).toEqual([
    expect.objectContaining({
      state: 'advice',
      remedy: expect.stringContaining('proxy_request_buffering off;'),
    }),
    expect.objectContaining({ state: 'fine', what: expect.stringContaining('60 MB') }),
  ])
})

test('an address that leads elsewhere, or nowhere, is said as such', async () => {
  await using world = await createWorld()
  await using _own = await listen(world)
  await using other = await createWorld()
  await using elsewhere = await listen(other)
  const nowhere = `http://127.0.0.1:${await findFreePort()}`
  expect(await examine(world, elsewhere.url)).toMatchObject([
    { state: 'problem', remedy: expect.stringContaining('another Upbeat') },
  ])
  expect(await examine(world, nowhere)).toMatchObject([
    { state: 'problem', remedy: expect.stringContaining('Nothing listens there') },
  ])
  expect(await examine(world, null)).toMatchObject([{ state: 'unknown' }])
})

test('nobody without a permit has a body counted, and no permit lasts', async () => {
  await using world = await createWorld()
  await using api = await listen(world)
  const put = (permit: string) =>
    fetch(`${api.url}/api/v1/uploads/body-probe`, {
      method: 'PUT',
      headers: { [PERMIT_HEADER]: permit, 'content-type': 'application/offset+octet-stream' },
      body: new Uint8Array(100),
    })
  const { media } = world.ctx.secrets
  const now = Date.now()
  expect((await put(signProbePermit(media, new Date()))).status).toBe(200)
  for (const permit of [
    '',
    '1.x',
    signProbePermit('another secret', new Date()),
    signProbePermit(media, new Date(now - 601_000)),
  ])
    expect((await put(permit)).status).toBe(403)
})

test('a limit is found to within 16 KiB, wherever it lies', async () => {
  for (const limit of [0, 1_000_000, 1_048_576, 33_333_333, 59_990_000]) {
    const found = await findBodyLimit(60_000_000, async (sizeBytes) => ({
      outcome: 'answered',
      status: sizeBytes <= limit ? 200 : 413,
      server: null,
      location: null,
      counted: sizeBytes <= limit ? { receivedBytes: sizeBytes, spreadMs: 0 } : null,
    }))
    expect(limit - found.limitBytes!).toBeGreaterThanOrEqual(0)
    expect(limit - found.limitBytes!).toBeLessThanOrEqual(16_384)
  }
})

test('a server that cuts connections in the middle counts as a limit', async () => {
  const server = createServer((request) => request.socket.destroy())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await using world = await createWorld()
  expect(await examine(world, `http://127.0.0.1:${port}`)).toMatchObject([
    { state: 'problem', what: expect.stringContaining("can't be reached") },
  ])
  server.close()
})
