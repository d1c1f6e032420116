/** What the tests of uploads share: an ingest role, a client of it, and bytes that hang or are cut. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { eventually } from '../../../tests/support/eventually.ts'
import { startIngest, type TestIngest, type TusClient } from '../../../tests/support/ingest.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'

export const MIB = 1024 * 1024

export const sha = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest()
/** The header of a part's checksum. */
export const checksum = (algorithm: string, bytes: Buffer) => ({
  'upload-checksum': `${algorithm} ${sha(algorithm, bytes).toString('base64')}`,
})

/** Waits until so many bytes lie in the staged file. */
export async function waitForStaged(world: World, path: string, sizeBytes: number): Promise<void> {
  const file = join(world.config.paths.staging, `${path.split('/').at(-1)}.bytes`)
  const sizeOf = () =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    )
  await eventually(sizeOf, (size) => size >= sizeBytes)
}

/** The original as the blobs have it. */
export const stored = (world: World, videoId: string) =>
  world.ctx.blobs.readAll(`originals/${videoId}/original`)

/** An ingest role in a world of its own, and a signed-in client of it. */
export async function setUp(options: Parameters<typeof createWorld>[0] = {}) {
  const stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld(options))
  const ingest = stack.use(await startIngest(world.ctx))
  const account = await world.account()
  return {
    world,
    ingest,
    account,
    client: ingest.as(account),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A PATCH whose body is sent by hand, so that it can hang or be cut. */
export function openPatch(
  ingest: TestIngest,
  client: TusClient,
  path: string,
  offset: number,
  length: number,
) {
  const request = httpRequest(`${ingest.url}${path}`, {
    method: 'PATCH',
    headers: {
      ...client.headers,
      'upload-offset': offset,
      'content-type': 'application/offset+octet-stream',
      'content-length': length,
    },
  })
  request.on('error', () => {})
  const response = once(request, 'response').then(async ([message]: IncomingMessage[]) => {
    const chunks: Buffer[] = []
    for await (const chunk of message!) chunks.push(chunk as Buffer)
    return { status: message!.statusCode!, body: Buffer.concat(chunks).toString() }
  })
  response.catch(() => {})
  return { request, response }
}

/** Waits until nothing lies on the staging disk. */
export const waitForEmptyStaging = (world: World) =>
  eventually(
    () => readdir(world.config.paths.staging),
    (names) => names.length === 0,
  )
